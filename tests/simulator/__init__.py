"""A simulated Plex Media Server with Butler; it knows nothing of Home Assistant."""

from .activities import Row, RowEvent, activity_frame
from .api import Answer, Ask, Handler, Route, raw
from .butler import Cause, Ending, Interval, TaskState
from .network import (
    CERT_HASH,
    Names,
    PlainHttp,
    RecordedRequest,
    SecureConnections,
    plex_direct_name,
)
from .plextv import (
    ACCOUNT_TOKEN,
    Connection,
    SimulatedPlexTv,
    local_http,
    local_https,
    relay,
    remote_https,
)
from .preferences import Kind, Setting
from .profiles import (
    ALL_TASKS,
    CURRENT_TASKS,
    PROFILES,
    ByHand,
    LogFormat,
    Naming,
    Profile,
    Rows,
    SessionBegins,
    SessionEnds,
    SessionNames,
    TaskSpec,
    Traits,
    draw_profile,
)
from .replay import ReplayedPlex
from .simulated_plex import OWNER_TOKEN, SHARED_TOKEN, SimulatedPlex
from .state import SCAN, Absence, ServerState
from .timeline import NOON, ManualClock, WallClock
from .websocket import (
    LOG,
    Frame,
    Socket,
    log_frame,
    playing_frame,
    status_frame,
    timeline_frame,
)
