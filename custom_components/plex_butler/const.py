"""Constants for the Plex Butler integration."""

from datetime import timedelta
import logging
from typing import Final

DOMAIN: Final = "plex_butler"
LOGGER: Final = logging.getLogger(__package__)

# Nothing tells when Butler begins by itself, so this is how late we may notice.
IDLE_INTERVAL: Final = timedelta(seconds=30)
# A task of interest is running: its end should be seen while somebody still looks.
BUSY_INTERVAL: Final = timedelta(seconds=5)
# The server's name and version change about once a month.
SERVER_INTERVAL: Final = timedelta(hours=1)
# A server that has just started refuses good tokens for a moment.
UNAUTHORIZED_GRACE: Final = timedelta(seconds=10)
# Long enough that a task hidden for one night keeps its switch and its history.
STALE_AFTER: Final = timedelta(hours=24)
