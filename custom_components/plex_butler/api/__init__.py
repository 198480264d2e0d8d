"""A client for Plex Media Server's Butler; it knows nothing of Home Assistant."""

from .address import Address, parse_address
from .client import PlexClient, StartResult, StopResult
from .exceptions import (
    PlexAuthenticationError,
    PlexConnectionError,
    PlexError,
    PlexMaintenanceError,
    PlexNotOwnerError,
    PlexResponseError,
    PlexTimeoutError,
    PlexTlsError,
)
from .models import BUTLER_ACTIVITY, Activity, ButlerTask, Identity, Server

__all__ = [
    "BUTLER_ACTIVITY",
    "Activity",
    "Address",
    "ButlerTask",
    "Identity",
    "PlexAuthenticationError",
    "PlexClient",
    "PlexConnectionError",
    "PlexError",
    "PlexMaintenanceError",
    "PlexNotOwnerError",
    "PlexResponseError",
    "PlexTimeoutError",
    "PlexTlsError",
    "Server",
    "StartResult",
    "StopResult",
    "parse_address",
]
