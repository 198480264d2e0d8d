"""The windows to come, and the runs of the last two weeks."""

from collections import defaultdict
from collections.abc import Hashable, Iterator
from datetime import date, datetime, timedelta
from typing import Final, override

from homeassistant.components.calendar import (
    CalendarEntity,
    CalendarEntityDescription,
    CalendarEvent,
)
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.util import dt as dt_util

from .coordinator import PlexButlerConfigEntry
from .entity import PlexButlerEntity
from .history import PastRun, async_get_history, how_it_went
from .run_state import Change, EndedRun, Result
from .tasks import async_task_name, localized

# Nothing is asked here.
PARALLEL_UPDATES = 0

CALENDAR: Final = CalendarEntityDescription(
    key="maintenance", translation_key="maintenance"
)

# Shorter runs of one night share an event.
_SHORT: Final = timedelta(minutes=1)
# A range may be longer than a loop should be.
_HORIZON: Final = timedelta(days=366)
_LOOK_BACK: Final = timedelta(days=1)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: PlexButlerConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the calendar."""
    async_add_entities([PlexButlerCalendar(entry)])


class PlexButlerCalendar(PlexButlerEntity, CalendarEntity):
    """The current or next window, and the runs of the last two weeks."""

    def __init__(self, entry: PlexButlerConfigEntry) -> None:
        super().__init__(entry.runtime_data, CALENDAR.key)
        self.entity_description = CALENDAR
        self._history = async_get_history(self.coordinator.hass, entry.entry_id)
        self._window = self.coordinator.data.window
        self._window_since = dt_util.utcnow()

    @override
    async def async_added_to_hass(self) -> None:
        """Have calendars that are open follow the runs."""
        await super().async_added_to_hass()
        self.async_on_remove(
            self.coordinator.tracker.async_add_change_listener(self._async_runs_changed)
        )

    @callback
    def _async_runs_changed(self, changes: tuple[Change, ...]) -> None:
        if any(isinstance(change, EndedRun) for change in changes):
            self.async_update_event_listeners()

    @callback
    @override
    def _handle_coordinator_update(self) -> None:
        """Follow the window to other hours."""
        if (window := self.coordinator.data.window) != self._window:
            self._window, self._window_since = window, dt_util.utcnow()
        super()._handle_coordinator_update()

    @property
    @override
    def state_key(self) -> Hashable:
        """Return what the state is made of; the base class looks after the edges."""
        return self.available, self._window

    @property
    @override
    def event(self) -> CalendarEvent | None:
        """Return the current or next window."""
        return next(self._windows(dt_util.utcnow()), None)

    @override
    async def async_get_events(
        self, hass: HomeAssistant, start_date: datetime, end_date: datetime
    ) -> list[CalendarEvent]:
        """Return the runs and the windows of a range, the earliest first."""
        now = dt_util.utcnow()
        until = min(end_date, now + _HORIZON)
        # Of windows that are over only those of the last day: nothing says that they
        # were used, but triggers with an offset ask for them.
        after = max(start_date, self._window_since, now - _LOOK_BACK)
        events = []
        if after < until:
            for window in self._windows(after):
                if window.start_datetime_local >= until:
                    break
                events.append(window)
        for run in self._runs():
            start, end = run.start_datetime_local, run.end_datetime_local
            if start < end_date and (start_date < end or start_date <= start):
                events.append(run)
        return sorted(events, key=lambda event: event.start_datetime_local)

    def _windows(self, after: datetime) -> Iterator[CalendarEvent]:
        """Yield the windows that are not over at a moment, without an end."""
        if (window := self._window) is None:
            return
        summary = localized(self.hass, "common", "maintenance_window")
        start = window.next_start(after - timedelta(days=2))
        while True:
            end = window.next_edge(start)
            if end > after:
                yield _event(start, end, summary)
            start = window.next_start(end)

    def _runs(self) -> Iterator[CalendarEvent]:
        """Yield the past runs, the short ones of a night as one."""
        zone = self._window.zone if self._window else dt_util.get_default_time_zone()
        nights: defaultdict[date, list[PastRun]] = defaultdict(list)
        for run in self._history.runs:
            if run.duration is None or run.duration >= _SHORT:
                yield _event(run.begin, run.end, self._line(run))
            else:
                # A night is the time from noon to noon
                noon = run.begin.astimezone(zone) - timedelta(hours=12)
                nights[noon.date()].append(run)
        for runs in nights.values():
            runs.sort(key=lambda run: run.begin)
            summary, description = self._line(runs[0]), None
            if more := len(runs) - 1:
                summary = localized(
                    self.hass,
                    "common",
                    "run_and_more",
                    task=self._name(runs[0]),
                    count=more,
                )
                description = "\n".join(
                    f"{dt_util.as_local(run.begin):%H:%M} {self._line(run)}"
                    for run in runs
                )
            end = max(run.end for run in runs)
            yield _event(runs[0].begin, end, summary, description)

    def _line(self, run: PastRun) -> str:
        result: str = run.result
        if run.result is Result.LOST and run.is_end_known:
            result = "probably_ended"
        how = how_it_went(self.hass, result, run.duration)
        return localized(self.hass, "common", "run", task=self._name(run), result=how)

    def _name(self, run: PastRun) -> str:
        task = self.coordinator.data.tasks.get(run.task)
        return async_task_name(self.hass, task) if task else run.title


def _event(
    start: datetime, end: datetime, summary: str, description: str | None = None
) -> CalendarEvent:
    return CalendarEvent(
        start=dt_util.as_local(start),
        end=dt_util.as_local(end),
        summary=summary,
        description=description,
    )
