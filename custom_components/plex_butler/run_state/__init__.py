"""Pure rules, without I/O or a clock: from a state and an event to the next state."""

from .models import *  # noqa: F403 all that can be known, shown or remembered
from .rules import ROWS_LINGER_FOR as ROWS_LINGER_FOR, Rules as Rules, apply as apply
