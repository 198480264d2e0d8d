"""A client for Plex Media Server's Butler; it knows nothing of Home Assistant."""

from .address import (
    PasteError as PasteError,
    find_token as find_token,
    full_address as full_address,
    parse_address as parse_address,
    parse_token as parse_token,
)
from .client import PlexClient as PlexClient
from .log_lines import (
    LoggedRequest as LoggedRequest,
    LoggedSubActivity as LoggedSubActivity,
    LogLine as LogLine,
    LogStream as LogStream,
)
from .models import (
    BUTLER as BUTLER,
    Activity as Activity,
    ButlerTask as ButlerTask,
    Preference as Preference,
    PreferenceValue as PreferenceValue,
    Server as Server,
    StartResult as StartResult,
    StopResult as StopResult,
)
from .notifications import (
    ActivityEvent as ActivityEvent,
    ActivityNotification as ActivityNotification,
    Notification as Notification,
    NotificationStream as NotificationStream,
    PreferenceNotification as PreferenceNotification,
)
from .plextv import OwnedServer as OwnedServer, Pin as Pin, PlexTvClient as PlexTvClient
from .transport import (
    PlexAddressError as PlexAddressError,
    PlexAuthenticationError as PlexAuthenticationError,
    PlexCertificateNameError as PlexCertificateNameError,
    PlexConnectionError as PlexConnectionError,
    PlexError as PlexError,
    PlexForbiddenError as PlexForbiddenError,
    PlexHungUpError as PlexHungUpError,
    PlexMaintenanceError as PlexMaintenanceError,
    PlexNotOwnerError as PlexNotOwnerError,
    PlexPreferenceError as PlexPreferenceError,
    PlexRefusedError as PlexRefusedError,
    PlexResponseError as PlexResponseError,
    PlexTimeoutError as PlexTimeoutError,
    PlexTlsError as PlexTlsError,
    PlexWrongServerError as PlexWrongServerError,
)
