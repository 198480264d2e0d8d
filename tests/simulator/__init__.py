"""A simulated Plex Media Server with Butler; it knows nothing of Home Assistant."""

from .clock import ManualClock, WallClock
from .encoding import raw
from .faults import FaultName
from .gate import PlainHttp, SecureConnections
from .messages import page
from .names import Names
from .outage import Absence
from .plextv import SimulatedPlexTv
from .preferences import Kind, Setting
from .profiles import PROFILES, Profile, draw_profile
from .sessions import PlayState
from .simulated_plex import OWNER_TOKEN, SHARED_TOKEN, SimulatedPlex
from .task import StartResult
from .task_spec import TaskSpec
from .tasks import ALL_TASKS, CURRENT_TASKS, LEGACY_TASKS
from .traits import (
    ByHand,
    LogFormat,
    Naming,
    Rows,
    SessionBegins,
    SessionEnds,
    SessionNames,
    Standing,
    Traits,
)
from .truth import Cause, Ending, Interval, TaskState

__all__ = [
    "ALL_TASKS",
    "CURRENT_TASKS",
    "LEGACY_TASKS",
    "OWNER_TOKEN",
    "PROFILES",
    "SHARED_TOKEN",
    "Absence",
    "ByHand",
    "Cause",
    "Ending",
    "FaultName",
    "Interval",
    "Kind",
    "LogFormat",
    "ManualClock",
    "Names",
    "Naming",
    "PlainHttp",
    "PlayState",
    "Profile",
    "Rows",
    "SecureConnections",
    "SessionBegins",
    "SessionEnds",
    "SessionNames",
    "Setting",
    "SimulatedPlex",
    "SimulatedPlexTv",
    "Standing",
    "StartResult",
    "TaskSpec",
    "TaskState",
    "Traits",
    "WallClock",
    "draw_profile",
    "page",
    "raw",
]
