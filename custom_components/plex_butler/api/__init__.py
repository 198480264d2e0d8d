"""A client for Plex Media Server's Butler; it knows nothing of Home Assistant."""

from .address import Address, parse_address
from .client import PlexClient, StartResult, StopResult
from .exceptions import (
    PlexAuthenticationError,
    PlexConnectionError,
    PlexError,
    PlexMaintenanceError,
    PlexNotOwnerError,
    PlexRefusedError,
    PlexResponseError,
    PlexTimeoutError,
    PlexTlsError,
)
from .models import Activity, ButlerTask, Identity, Preference, Server
from .notifications import (
    ActivityEvent,
    ActivityNotification,
    Notification,
    NotificationStream,
    PreferenceNotification,
)

__all__ = [
    "Activity",
    "ActivityEvent",
    "ActivityNotification",
    "Address",
    "ButlerTask",
    "Identity",
    "Notification",
    "NotificationStream",
    "PlexAuthenticationError",
    "PlexClient",
    "PlexConnectionError",
    "PlexError",
    "PlexMaintenanceError",
    "PlexNotOwnerError",
    "PlexRefusedError",
    "PlexResponseError",
    "PlexTimeoutError",
    "PlexTlsError",
    "Preference",
    "PreferenceNotification",
    "Server",
    "StartResult",
    "StopResult",
    "parse_address",
]
