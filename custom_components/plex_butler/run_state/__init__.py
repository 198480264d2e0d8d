"""What is known about running tasks, and how: pure rules.

There is no I/O here and no clock. The caller says what happened and when, and gets
the next state and what changed; the same inputs give the same outputs.
"""

from .models import *  # noqa: F403 all that can be known, change or be shown
from .rules import IGNORED_FOR as IGNORED_FOR, Rules as Rules, apply as apply
from .storage import Memory as Memory, dump as dump, load as load
