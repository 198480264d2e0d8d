"""Which of the server's settings make up the schedule, their names, and the window.

As with tasks, what the server lists is what there is: an unknown setting
works under the server's own label if it looks like those that are known.
"""

from collections.abc import Iterable, Mapping
from datetime import tzinfo
from enum import StrEnum
from typing import Any, Final

from homeassistant.const import CONF_TIME_ZONE
from homeassistant.util import dt as dt_util

from ..api import Preference
from ..clock import Window
from ..tasks import task_key

START_HOUR: Final = "ButlerStartHour"
END_HOUR: Final = "ButlerEndHour"
_HOURS: Final[Mapping[str, str]] = {START_HOUR: "window_start", END_HOUR: "window_end"}

_SWITCH_PREFIX: Final = "ButlerTask"
_BEHAVIOR_SUFFIX: Final = "Behavior"
BEHAVIORS: Final = ("never", "scheduled", "asap")

KNOWN_SWITCHES: Final = frozenset(
    {
        "ButlerTaskBackupDatabase",
        "ButlerTaskCleanOldBundles",
        "ButlerTaskCleanOldCacheFiles",
        "ButlerTaskDeepMediaAnalysis",
        "ButlerTaskGarbageCollectBlobs",
        "ButlerTaskGenerateAutoTags",
        "ButlerTaskGenerateMediaIndexFiles",
        "ButlerTaskOptimizeDatabase",
        "ButlerTaskRefreshEpgGuides",
        "ButlerTaskRefreshLibraries",
        "ButlerTaskRefreshLocalMedia",
        "ButlerTaskRefreshPeriodicMetadata",
        "ButlerTaskReverseGeocode",
        "ButlerTaskUpgradeMediaAnalysis",
    }
)
# Each with the name of its task.
KNOWN_BEHAVIORS: Final[Mapping[str, str]] = {
    "GenerateAdMarkerBehavior": "ButlerTaskGenerateAdMarkers",
    "GenerateBIFBehavior": "GenerateMediaIndexFiles",
    "GenerateChapterThumbBehavior": "GenerateChapterThumbs",
    "GenerateCreditsMarkerBehavior": "ButlerTaskGenerateCreditsMarkers",
    "GenerateIntroMarkerBehavior": "ButlerTaskGenerateIntroMarkers",
    "GenerateVADBehavior": "ButlerTaskGenerateVoiceActivity",
    "LoudnessAnalysisBehavior": "LoudnessAnalysis",
    "MusicAnalysisBehavior": "MusicAnalysis",
}


class ScheduleKind(StrEnum):
    """What a setting of the schedule decides."""

    HOUR = "hour"
    SWITCH = "switch"
    BEHAVIOR = "behavior"


def kind_of(preference: Preference) -> ScheduleKind | None:
    """Return what a setting decides, or None if the schedule does not care."""
    name = preference.id
    if name in _HOURS:
        return ScheduleKind.HOUR
    if preference.type == "bool" and name.startswith(_SWITCH_PREFIX):
        return ScheduleKind.SWITCH
    if preference.type == "text" and name.endswith(_BEHAVIOR_SUFFIX):
        offered = {value for value, _ in preference.options}
        if name in KNOWN_BEHAVIORS or (offered and offered <= set(BEHAVIORS)):
            return ScheduleKind.BEHAVIOR
    return None


def may_matter(name: str) -> bool:
    """Return True if a setting may be one of the schedule's, by its name alone."""
    return (
        name in _HOURS
        or name.startswith(_SWITCH_PREFIX)
        or name.endswith(_BEHAVIOR_SUFFIX)
    )


def schedule_of(preferences: Iterable[Preference]) -> dict[str, Preference]:
    """Return the settings that make up the schedule, and no others."""
    return {it.id: it for it in preferences if kind_of(it)}


def behaviors_of(preference: Preference) -> list[str]:
    """Return the behaviours that the server offers, as far as they have a name."""
    offered = [value for value, _ in preference.options if value in BEHAVIORS]
    return offered or list(BEHAVIORS)


def schedule_key(name: str) -> str | None:
    """Return the key of a setting's name in our words, or None if it has none."""
    if name in _HOURS:
        return _HOURS[name]
    if name in KNOWN_SWITCHES:
        return f"schedule_{task_key(name)}"
    if task := KNOWN_BEHAVIORS.get(name):
        return f"schedule_{task_key(task)}"
    return None


async def async_chosen_zone(options: Mapping[str, Any]) -> tzinfo | None:
    """Return the zone of the server's clock if one was chosen."""
    if name := options.get(CONF_TIME_ZONE):
        return await dt_util.async_get_time_zone(name)
    return None


def window_of(
    preferences: Iterable[Preference], zone: tzinfo | None = None
) -> Window | None:
    """Return the window, or None where the server does not tell it.

    Plex does not say what a window means that ends when it starts. The hours are those
    of the server's own clock, which is probably Home Assistant's.
    """
    values = {preference.id: preference.value for preference in preferences}
    try:
        start, end = int(values[START_HOUR]), int(values[END_HOUR])
    except KeyError, ValueError, OverflowError:
        return None
    zone = zone or dt_util.get_default_time_zone()
    window = Window(start_hour=start, end_hour=end, zone=zone)
    return window if window.is_clear else None
