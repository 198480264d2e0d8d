"""A client for Plex Media Server's Butler; it knows nothing of Home Assistant."""

from .address import Address, parse_address
from .client import PlexClient
from .exceptions import (
    PlexAuthenticationError,
    PlexCertificateError,
    PlexCertificateNameError,
    PlexConnectionError,
    PlexError,
    PlexHungUpError,
    PlexMaintenanceError,
    PlexNotOwnerError,
    PlexPreferenceError,
    PlexRefusedError,
    PlexResolveError,
    PlexResponseError,
    PlexTimeoutError,
    PlexTlsError,
    PlexWrongServerError,
)
from .models import (
    Activity,
    ButlerTask,
    Identity,
    Server,
    StartResult,
    StopResult,
)
from .notifications import (
    ActivityEvent,
    ActivityNotification,
    Notification,
    NotificationStream,
    PlayingNotification,
    PreferenceNotification,
)
from .plextv import OwnedServer, Pin, PlexTvClient
from .preferences import Preference, PreferenceValue
from .sessions import PlayState, Session

__all__ = [
    "Activity",
    "ActivityEvent",
    "ActivityNotification",
    "Address",
    "ButlerTask",
    "Identity",
    "Notification",
    "NotificationStream",
    "OwnedServer",
    "Pin",
    "PlayState",
    "PlayingNotification",
    "PlexAuthenticationError",
    "PlexCertificateError",
    "PlexCertificateNameError",
    "PlexClient",
    "PlexConnectionError",
    "PlexError",
    "PlexHungUpError",
    "PlexMaintenanceError",
    "PlexNotOwnerError",
    "PlexPreferenceError",
    "PlexRefusedError",
    "PlexResolveError",
    "PlexResponseError",
    "PlexTimeoutError",
    "PlexTlsError",
    "PlexTvClient",
    "PlexWrongServerError",
    "Preference",
    "PreferenceNotification",
    "PreferenceValue",
    "Server",
    "Session",
    "StartResult",
    "StopResult",
    "parse_address",
]
