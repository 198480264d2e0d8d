"""Constants for the Plex Butler integration."""

from datetime import timedelta
import logging
from typing import Final

DOMAIN: Final = "plex_butler"
# Home Assistant's own integration: its entries are read, its device is linked with.
PLEX_DOMAIN: Final = "plex"
LOGGER: Final = logging.getLogger(__package__)

# Fired on Home Assistant's bus when a task starts, ends or is stopped.
EVENT_TASK: Final = f"{DOMAIN}_task_event"

# What the name of a server or a task takes of the 255 characters of an entity id.
MAX_NAME: Final = 90

# A task, or several, in actions, triggers and conditions.
ATTR_TASK: Final = "task"

CONF_SERVER: Final = "server"
# How long, in minutes, a run is believed that nothing was ever seen of.
CONF_ASSUMED_RUN_LIMIT: Final = "assumed_run_limit"

# Home Assistant's timers may come so many seconds early.
EARLY: Final = 2.0

# The interval of polls at first, and while the server does not answer.
RETRY_INTERVAL: Final = timedelta(seconds=30)
# A task that is added or disabled without a notification shows so late.
TASKS_INTERVAL: Final = timedelta(minutes=10)
# Where notifications can be relied upon, only a list that changed unnotified is missed.
TRUSTED_INTERVAL: Final = timedelta(hours=1)
# The server's name and version change about once a month.
SERVER_INTERVAL: Final = timedelta(hours=1)
# Changed settings are notified; this is for a change that was missed.
PREFERENCES_INTERVAL: Final = timedelta(hours=6)
# People see no difference if states are written more often.
PUBLISH_INTERVAL: Final = timedelta(milliseconds=250)
# A server that works on its database does not answer for a while.
PATIENCE: Final = timedelta(minutes=2)
