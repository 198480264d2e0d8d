"""A simulated Plex Media Server with Butler; it knows nothing of Home Assistant."""

from .activities import GENERIC, Row, RowEvent, activity_frame
from .api import Answer, Ask, Handler, Route, page, raw
from .butler import Cause, Ending, Interval, StartResult, TaskState
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
    Standing,
    TaskSpec,
    Traits,
    draw_profile,
    in_server_language,
)
from .replay import ReplayedPlex
from .simulated_plex import SimulatedPlex
from .state import OWNER_TOKEN, SCAN, SHARED_TOKEN, Absence, PlayState, ServerState
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
