"""The server's settings for scheduled tasks, and the maintenance window they define."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from enum import StrEnum
from functools import lru_cache
from http import HTTPStatus
from itertools import pairwise
from time import monotonic
from typing import TYPE_CHECKING, Final

from homeassistant.const import EVENT_CORE_CONFIG_UPDATE
from homeassistant.core import Event, callback
from homeassistant.helpers.update_coordinator import DataUpdateCoordinator
from homeassistant.util import dt as dt_util

from . import api
from .commands import NotSentError
from .connection import PlexButlerError
from .const import LOGGER, PREFERENCES_INTERVAL, SERVER_INTERVAL
from .tasks import task_key

if TYPE_CHECKING:
    from .coordinator import PlexButlerCoordinator

START_HOUR: Final = "ButlerStartHour"
END_HOUR: Final = "ButlerEndHour"
_HOURS: Final[Mapping[str, str]] = {START_HOUR: "window_start", END_HOUR: "window_end"}

BEHAVIORS: Final = ("never", "scheduled", "asap")

KNOWN_SWITCHES: Final = (
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


def schedule_kind(preference: api.Preference) -> ScheduleKind | None:
    """Return what a setting decides, or None if the schedule does not care."""
    name = preference.id
    # What the server lists is what there is, if it looks like what is known.
    if name in _HOURS:
        return ScheduleKind.HOUR
    if preference.type == "bool" and name.startswith("ButlerTask"):
        return ScheduleKind.SWITCH
    if preference.type == "text" and name.endswith("Behavior"):
        offered = set(preference.options)
        if name in KNOWN_BEHAVIORS or (offered and offered <= set(BEHAVIORS)):
            return ScheduleKind.BEHAVIOR
    return None


def behavior_options(preference: api.Preference) -> list[str]:
    """Return the behaviours that the server offers, as far as they have a name."""
    offered = [value for value in preference.options if value in BEHAVIORS]
    return offered or list(BEHAVIORS)


def schedule_key(name: str) -> str | None:
    """Return the key of a setting's name in our words, or None if it has none."""
    task = name if name in KNOWN_SWITCHES else KNOWN_BEHAVIORS.get(name)
    return f"schedule_{task_key(task)}" if task else _HOURS.get(name)


# Offsets and changes of the clock are all multiples of it, hence so are edges in UTC.
_STEP: Final = timedelta(minutes=15)
# Three days, since the change of a clock may leave out one window.
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


@lru_cache(maxsize=64)
def _edge_from(window: Window, moment: datetime, *, opens: bool) -> datetime:
    """Look for an edge: when the clock is changed, an hour comes twice or never."""
    moments = (moment + step * _STEP for step in range(_STEPS))
    return next(
        after
        for before, after in pairwise(moments)
        if window.is_open(before) is not opens and window.is_open(after) is opens
    )


def parse_window(
    preferences: Iterable[api.Preference], zone: tzinfo | None = None
) -> Window | None:
    """Return the window, on the server's own clock, or None if none is sent."""
    values = {preference.id: preference.value for preference in preferences}
    try:
        start, end = int(values[START_HOUR]), int(values[END_HOUR])
    except KeyError, ValueError, OverflowError:
        return None
    if start == end or not {start, end} <= set(range(24)):
        # Plex does not say what a window means that ends when it starts.
        return None
    zone = zone or dt_util.get_default_time_zone()
    return Window(start_hour=start, end_hour=end, zone=zone)


# A server that is busy with writing its settings refuses to show them for some seconds.
_MAX_RETRIES: Final = 10
_AT_ONCE: Final = float("-inf")


class ScheduleCoordinator(DataUpdateCoordinator[Mapping[str, api.Preference]]):
    """Writes and verifies the settings, and reads them when a poll finds them due."""

    def __init__(self, coordinator: PlexButlerCoordinator) -> None:
        hass, entry = coordinator.hass, coordinator.config_entry
        name = f"{entry.title} schedule"
        super().__init__(hass, LOGGER, config_entry=entry, name=name)
        self.data = {}
        self.window: Window | None = None
        # When the settings are to be read, on the monotonic clock.
        self.due_at = _AT_ONCE
        self._retries = _MAX_RETRIES
        self._client, self._tracker = coordinator.client, coordinator.tracker
        # The zone of the server's clock, if it is not Home Assistant's.
        self.zone: tzinfo | None = None
        # One write at a time: what it reads back must not be about to change.
        self._lock = asyncio.Lock()
        # The answer to a read is under way, and will be used.
        self._reading = False
        self._writing: Mapping[str, api.PreferenceValue] = {}
        entry.async_on_unload(
            hass.bus.async_listen(EVENT_CORE_CONFIG_UPDATE, self._async_zone_changed)
        )

    @callback
    def invalidate(self) -> None:
        """Have the settings read at the next poll."""
        self.due_at = _AT_ONCE
        self._retries = _MAX_RETRIES

    def is_known(self, changed: api.PreferenceNotification) -> bool:
        """Return True if a change is our own, known, or not of the schedule."""
        # An answer that is under way may be older than any change but our own.
        is_asking = self._writing or self._reading
        known = self._writing if is_asking else self._values
        ids = [it for it in changed.ids if it.startswith("Butler") or "Behavior" in it]
        values = changed.values
        if not changed.ids or "" in changed.ids:
            return False  # What has changed is not named
        return all(it in values and values[it] == known.get(it) for it in ids)

    async def async_read(self) -> None:
        """Read the settings, unless a write is about to do so; raise PlexError."""
        if self._lock.locked():
            return
        # An invalidation from now on is not undone by the answer.
        self.due_at = monotonic() + PREFERENCES_INTERVAL.total_seconds()
        self._reading = True
        try:
            preferences = await self._client.get_preferences()
            # A write that began meanwhile reads back what is newer.
            if self._reading:
                self._async_update(preferences)
                self._retries = _MAX_RETRIES
        except api.PlexResponseError as err:
            # All else works without them.
            LOGGER.debug("%s: no settings: %s", self.name, err)
            self.due_at = monotonic() + SERVER_INTERVAL.total_seconds()
            if err.status != HTTPStatus.NOT_FOUND and self._retries:
                self._retries -= 1
                self.due_at = _AT_ONCE
        finally:
            self._reading = False

    async def async_set(self, values: Mapping[str, api.PreferenceValue]) -> None:
        """Change settings, all or none; raise a translated error if they were not."""
        async with self._lock:
            if self._tracker.closed:
                raise NotSentError
            self._reading, self._writing = False, values
            self.due_at = monotonic() + PREFERENCES_INTERVAL.total_seconds()
            try:
                self._async_update(await self._client.set_preferences(values))
            except api.PlexPreferenceError as err:
                labels = self._labels(values)
                raise PlexButlerError("preference_refused", preferences=labels) from err
            except api.PlexError as err:
                raise PlexButlerError(err.key, error=str(err)) from err
            finally:
                self._writing = {}
        taken = self._values
        if missed := [name for name in values if taken.get(name) != values[name]]:
            labels = self._labels(missed)
            raise PlexButlerError("preference_not_taken", preferences=labels)

    @property
    def _values(self) -> Mapping[str, api.PreferenceValue]:
        return {name: it.value for name, it in self.data.items()}

    def _labels(self, names: Iterable[str]) -> str:
        labels = {name: it.label for name, it in self.data.items()}
        return ", ".join(labels.get(name) or name for name in names)

    @callback
    def _async_update(self, preferences: Iterable[api.Preference]) -> None:
        settings = {it.id: it for it in preferences if schedule_kind(it)}
        self.window = parse_window(settings.values(), self.zone)
        self.async_set_updated_data(settings)

    @callback
    def _async_zone_changed(self, _: Event) -> None:
        """Show the window in Home Assistant's new zone."""
        if self.data:
            self._async_update(self.data.values())
