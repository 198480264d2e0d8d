"""The server's settings for scheduled tasks, and the maintenance window they define.

As with tasks, what the server lists is what there is: an unknown setting
works under the server's own label if it looks like those that are known.
"""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from enum import StrEnum
from functools import lru_cache
from http import HTTPStatus
from itertools import pairwise
from time import monotonic
from typing import Final, override

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import CONF_TIME_ZONE, EVENT_CORE_CONFIG_UPDATE
from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.update_coordinator import DataUpdateCoordinator
from homeassistant.util import dt as dt_util

from .api import (
    PlexClient,
    PlexError,
    PlexPreferenceError,
    PlexResponseError,
    Preference,
    PreferenceNotification,
    PreferenceValue,
)
from .connection import translation
from .const import DOMAIN, LOGGER, PREFERENCES_INTERVAL, SERVER_INTERVAL
from .tasks import task_key

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


# Offsets and changes of the clock are all multiples of it, hence so are edges in UTC.
_STEP: Final = timedelta(minutes=15)
# A window that the change of a clock leaves out comes on the day after.
_STEPS: Final = 3 * 24 * 4
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True, slots=True)
class Window:
    """The hours that the server keeps for Butler, two of its own clock that differ."""

    start_hour: int
    end_hour: int
    zone: tzinfo

    def is_open(self, utc: datetime) -> bool:
        """Return True if the window is on."""
        hour = utc.astimezone(self.zone).hour
        if self.start_hour < self.end_hour:
            return self.start_hour <= hour < self.end_hour
        return hour >= self.start_hour or hour < self.end_hour

    def next_start(self, after: datetime) -> datetime:
        """Return when the window starts next."""
        return _edge_from(self, after - (after - _EPOCH) % _STEP, opens=True)

    def next_end(self, after: datetime) -> datetime:
        """Return when the window ends next."""
        return _edge_from(self, after - (after - _EPOCH) % _STEP, opens=False)

    def next_edge(self, after: datetime) -> datetime:
        """Return when the window starts or ends next."""
        return self.next_end(after) if self.is_open(after) else self.next_start(after)


@lru_cache(maxsize=64)
def _edge_from(window: Window, moment: datetime, *, opens: bool) -> datetime:
    """Look for an edge: when the clock is changed, an hour comes twice or never."""
    moments = (moment + step * _STEP for step in range(_STEPS))
    return next(
        after
        for before, after in pairwise(moments)
        if window.is_open(before) is not opens and window.is_open(after) is opens
    )


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
    if start == end or not {start, end} <= set(range(24)):
        return None
    zone = zone or dt_util.get_default_time_zone()
    return Window(start_hour=start, end_hour=end, zone=zone)


# A server that is busy with writing its settings refuses to show them for some seconds.
_RETRIES: Final = 10
_AT_ONCE: Final = float("-inf")


class ScheduleCoordinator(DataUpdateCoordinator[Mapping[str, Preference]]):
    """Reads, writes and verifies the settings, by their names.

    It has no interval: the polls of the server read the settings when they are due, so an
    outage is logged once.
    """

    config_entry: ConfigEntry

    def __init__(
        self, hass: HomeAssistant, entry: ConfigEntry, client: PlexClient
    ) -> None:
        super().__init__(
            hass, LOGGER, config_entry=entry, name=f"{entry.title} schedule"
        )
        self.data = {}
        self.window: Window | None = None
        # When the settings are to be read, on the monotonic clock.
        self.due_at = _AT_ONCE
        self._retries = _RETRIES
        self._client = client
        self._zone: tzinfo | None = None
        # One write at a time: what it reads back must not be about to change.
        self._lock = asyncio.Lock()
        self._closed = False
        self._reading = False
        self._writes = 0
        self._writing: Mapping[str, PreferenceValue] = {}
        entry.async_on_unload(
            hass.bus.async_listen(
                EVENT_CORE_CONFIG_UPDATE, self._async_core_config_updated
            )
        )

    async def async_load_zone(self) -> None:
        """Load the zone of the server's clock; Home Assistant's if none was chosen."""
        if name := self.config_entry.options.get(CONF_TIME_ZONE):
            self._zone = await dt_util.async_get_time_zone(name)

    @callback
    def invalidate(self) -> None:
        """Have the settings read at the next poll."""
        self.due_at = _AT_ONCE
        self._retries = _RETRIES

    def is_current(self, changed: PreferenceNotification) -> bool:
        """Return True if a change needs no read: it is our own, known or elsewhere."""
        ids = set(filter(may_matter, changed.ids))
        values = {name: it for name, it in changed.values.items() if name in ids}
        if not changed.ids or values.keys() != ids:
            return False
        known = {name: it.value for name, it in self.data.items()}
        if self._writing or self._reading:
            # The answer that is under way may be older than any other change.
            known = dict(self._writing)
        return all(known.get(name) == value for name, value in values.items())

    async def async_read(self) -> None:
        """Read the settings, unless a write is about to do so.

        Raises PlexError, but not if the server answers that it cannot show them: all else
        works without them.
        """
        if self._lock.locked():
            return
        writes = self._writes
        # An invalidation from now on is not undone by the answer.
        self.due_at = monotonic() + PREFERENCES_INTERVAL.total_seconds()
        self._reading = True
        try:
            settings = schedule_of(await self._client.get_preferences())
        except PlexResponseError as err:
            LOGGER.debug("%s: no settings: %s", self.name, err)
            self.due_at = monotonic() + SERVER_INTERVAL.total_seconds()
            if err.status != HTTPStatus.NOT_FOUND and self._retries:
                self._retries -= 1
                self.due_at = _AT_ONCE
            return
        finally:
            self._reading = False
        # A write that began meanwhile reads back what is newer.
        if writes == self._writes:
            self._async_update(settings)

    async def async_set(self, values: Mapping[str, PreferenceValue]) -> None:
        """Change settings, all or none.

        Raises a translated HomeAssistantError if the server does not do it.
        """
        async with self._lock:
            if self._closed:
                raise HomeAssistantError(
                    translation_domain=DOMAIN, translation_key="not_sent"
                )
            self._writes += 1
            self._writing = values
            self.due_at = monotonic() + PREFERENCES_INTERVAL.total_seconds()
            try:
                settings = schedule_of(await self._client.set_preferences(values))
            except PlexError as err:
                # It may have been done all the same.
                self.invalidate()
                if isinstance(err, PlexPreferenceError):
                    raise HomeAssistantError(
                        translation_domain=DOMAIN,
                        translation_key="preference_refused",
                        translation_placeholders={"preferences": self._labels(values)},
                    ) from err
                raise HomeAssistantError(**translation(err)) from err
            finally:
                self._writing = {}
            self._async_update(settings)
        taken = {name: it.value for name, it in settings.items()}
        if missed := [name for name in values if taken.get(name) != values[name]]:
            raise HomeAssistantError(
                translation_domain=DOMAIN,
                translation_key="preference_not_taken",
                translation_placeholders={"preferences": self._labels(missed)},
            )

    def _labels(self, names: Iterable[str]) -> str:
        """Return what the server calls settings."""
        listed = self.data
        return ", ".join(
            (listed[name].label if name in listed else "") or name for name in names
        )

    @callback
    def _async_update(self, settings: Mapping[str, Preference]) -> None:
        self.window = window_of(settings.values(), self._zone)
        self.async_set_updated_data(settings)

    @callback
    def _async_core_config_updated(self, _: Event) -> None:
        """Show the window in Home Assistant's new zone."""
        if self.data:
            self._async_update(self.data)

    @override
    async def async_shutdown(self) -> None:
        """Send no change that still waits for another."""
        await super().async_shutdown()
        self._closed = True
