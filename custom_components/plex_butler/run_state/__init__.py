"""What is known about running tasks, and how: pure rules, without I/O or a clock.

The caller says what happened and when, and gets the next state and what changed.
"""

from .models import *  # noqa: F403 all that can be known, shown or remembered
from .rules import IGNORED_FOR as IGNORED_FOR, Rules as Rules, apply as apply
