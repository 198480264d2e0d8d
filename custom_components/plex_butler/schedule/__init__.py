"""The server's settings for scheduled tasks, and the maintenance window they define."""

from .coordinator import ScheduleCoordinator as ScheduleCoordinator
from .settings import (
    BEHAVIORS as BEHAVIORS,
    END_HOUR as END_HOUR,
    KNOWN_BEHAVIORS as KNOWN_BEHAVIORS,
    KNOWN_SWITCHES as KNOWN_SWITCHES,
    START_HOUR as START_HOUR,
    ScheduleKind as ScheduleKind,
    behaviors_of as behaviors_of,
    kind_of as kind_of,
    schedule_key as schedule_key,
    schedule_of as schedule_of,
    window_of as window_of,
)
