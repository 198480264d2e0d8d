"""A simulated Plex Media Server with Butler; it knows nothing of Home Assistant."""

from .account import ACCOUNT_TOKEN
from .activities import Row, RowEvent
from .api import Handler
from .clock import NOON, ManualClock, WallClock
from .encoding import raw
from .faults import FaultName
from .frames import (
    Frame,
    activity_frame,
    log_frame,
    playing_frame,
    status_frame,
    timeline_frame,
)
from .gate import PlainHttp, SecureConnections
from .hub import LOG, Socket
from .messages import Answer, Ask, page
from .names import CERT_HASH, Names, plex_direct_name
from .noise import SCAN
from .outage import Absence
from .plextv import SimulatedPlexTv
from .preferences import Kind, Setting
from .profiles import PROFILES, Profile, draw_profile
from .replay import ReplayedPlex
from .requests_log import RecordedRequest, record
from .resources import local_http, local_https, relay, remote_https
from .router import Route
from .row_texts import GENERIC, in_server_language
from .sessions import PlayState
from .simulated_plex import OWNER_TOKEN, SHARED_TOKEN, SimulatedPlex
from .state import ServerState
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
    "ACCOUNT_TOKEN",
    "ALL_TASKS",
    "CERT_HASH",
    "CURRENT_TASKS",
    "GENERIC",
    "LEGACY_TASKS",
    "LOG",
    "NOON",
    "OWNER_TOKEN",
    "PROFILES",
    "SCAN",
    "SHARED_TOKEN",
    "Absence",
    "Answer",
    "Ask",
    "ByHand",
    "Cause",
    "Ending",
    "FaultName",
    "Frame",
    "Handler",
    "Interval",
    "Kind",
    "LogFormat",
    "ManualClock",
    "Names",
    "Naming",
    "PlainHttp",
    "PlayState",
    "Profile",
    "RecordedRequest",
    "ReplayedPlex",
    "Route",
    "Row",
    "RowEvent",
    "Rows",
    "SecureConnections",
    "ServerState",
    "SessionBegins",
    "SessionEnds",
    "SessionNames",
    "Setting",
    "SimulatedPlex",
    "SimulatedPlexTv",
    "Socket",
    "Standing",
    "StartResult",
    "TaskSpec",
    "TaskState",
    "Traits",
    "WallClock",
    "activity_frame",
    "draw_profile",
    "in_server_language",
    "local_http",
    "local_https",
    "log_frame",
    "page",
    "playing_frame",
    "plex_direct_name",
    "raw",
    "record",
    "relay",
    "remote_https",
    "status_frame",
    "timeline_frame",
]
