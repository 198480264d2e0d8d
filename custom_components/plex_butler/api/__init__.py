"""A client for Plex Media Server's Butler; it knows nothing of Home Assistant."""

from .address import Address, parse_address
from .client import PlexClient, StartResult, StopResult
from .exceptions import (
    PlexAuthenticationError,
    PlexCertificateError,
    PlexCertificateNameError,
    PlexConnectionError,
    PlexError,
    PlexHungUpError,
    PlexMaintenanceError,
    PlexNotOwnerError,
    PlexRefusedError,
    PlexResolveError,
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
from .plextv import OwnedServer, Pin, PlexTvClient

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
    "PlexAuthenticationError",
    "PlexCertificateError",
    "PlexCertificateNameError",
    "PlexClient",
    "PlexConnectionError",
    "PlexError",
    "PlexHungUpError",
    "PlexMaintenanceError",
    "PlexNotOwnerError",
    "PlexRefusedError",
    "PlexResolveError",
    "PlexResponseError",
    "PlexTimeoutError",
    "PlexTlsError",
    "PlexTvClient",
    "Preference",
    "PreferenceNotification",
    "Server",
    "StartResult",
    "StopResult",
    "parse_address",
]
