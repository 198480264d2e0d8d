"""The windows to come, and the runs of the last two weeks, which outlive a restart."""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from itertools import takewhile
from typing import Any, Final, override

from homeassistant.components.calendar import CalendarEntity, CalendarEvent
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.util import dt as dt_util
from homeassistant.util.hass_dict import HassKey

from .const import DOMAIN
from .coordinator import PlexButlerConfigEntry, PlexButlerCoordinator
from .entity import PlexButlerEntity
from .run_state import Change, EndedRun, Evidence, Result
from .tasks import async_task_name, how_it_went, localized
from .tracker import store_for

# No requests are sent.
PARALLEL_UPDATES = 0

# So many runs of one server.
_MAX_RUNS: Final = 500
_YEAR: Final = timedelta(days=366)
# A run is worth no write of its own to an SD card, and a shutdown writes it anyway.
_SAVE_DELAY: Final = 300

_HISTORIES: HassKey[dict[str, RunHistory]] = HassKey(f"{DOMAIN}_histories")


@dataclass(frozen=True, slots=True)
class PastRun:
    """A run that is over; `started` and `duration` are None if they are not known."""

    task: str
    title: str  # The server's own, for a task that is gone
    result: Result
    evidence: Evidence
    started: datetime | None
    ended: datetime  # When it ended or was given up
    duration: float | None  # In seconds

    @property
    def is_end_known(self) -> bool:
        """Return True if the run ended, at least most likely."""
        return self.result is not Result.LOST or self.evidence is Evidence.INFERRED

    @property
    def begin(self) -> datetime:
        """Return when the run began; its end where that is not known."""
        return self.started or self.ended

    @property
    def end(self) -> datetime:
        """Return when the run ended; its begin where that is not known."""
        return max(self.ended, self.begin) if self.is_end_known else self.begin


class RunHistory:
    """The past runs of one server, the oldest first."""

    def __init__(self, hass: HomeAssistant, entry_id: str) -> None:
        self.store = store_for(hass, f"{entry_id}.runs")
        self._runs: list[PastRun] = []

    @property
    def runs(self) -> list[PastRun]:
        """Return the newest runs of the last two weeks."""
        since = dt_util.utcnow() - timedelta(days=14)
        self._runs = [run for run in self._runs if run.ended >= since][-_MAX_RUNS:]
        return self._runs

    async def async_load(self) -> None:
        """Load the runs; what cannot be read is forgotten."""
        match await self.store.async_load():
            case {"runs": list(stored)}:
                for item in stored:
                    with suppress(KeyError, TypeError, ValueError, OverflowError):
                        self._runs.append(_parse_run(item))

    @callback
    def async_add(self, run: EndedRun, title: str) -> None:
        """Remember a run; if it had been given up, this is what became of it."""
        if run.sent:
            self._runs = [
                it
                for it in self._runs
                if it.task != run.task or it.is_end_known or it.begin < run.sent.utc
            ]
        past = PastRun(
            task=run.task,
            title=title,
            result=run.result,
            evidence=run.evidence,
            started=run.started_at,
            ended=run.ended.utc,
            duration=run.duration.total_seconds() if run.duration else None,
        )
        # The save, which also cuts the list, may be put off again and again.
        self._runs = [*self._runs, past][-_MAX_RUNS:]
        self.store.async_delay_save(
            lambda: {"runs": [asdict(it) for it in self.runs]}, _SAVE_DELAY
        )


def _parse_run(item: dict[str, Any]) -> PastRun:
    """Return a run; raises if it cannot be read."""
    started, duration = item["started"], item["duration"]
    if duration is not None:
        duration = timedelta(seconds=duration).total_seconds()
    run = PastRun(
        task=str(item["task"]),
        title=str(item["title"]),
        result=Result(item["result"]),
        evidence=Evidence(item["evidence"]),
        started=None if started is None else _parse_datetime(started),
        ended=_parse_datetime(item["ended"]),
        duration=duration,
    )
    is_known = run.is_end_known or duration is None
    if not is_known or (run.duration or 0) < 0:
        raise ValueError("No run is like this")
    return run


def _parse_datetime(value: str) -> datetime:
    moment = dt_util.as_utc(datetime.fromisoformat(value))
    # A run that is dated far in the future would stay for ever.
    if moment.year < 1970 or moment > dt_util.utcnow() + _YEAR:
        raise ValueError("No clock was ever so wrong")
    return moment


async def async_setup_history(coordinator: PlexButlerCoordinator) -> None:
    """Load the history of a server, and add each run that ends from now on.

    The history is kept through reloads, so that what is not yet stored is not lost.
    """
    hass, entry_id = coordinator.hass, coordinator.config_entry.entry_id
    histories = hass.data.setdefault(_HISTORIES, {})
    if (history := histories.get(entry_id)) is None:
        history = RunHistory(hass, entry_id)
        await history.async_load()
        histories[entry_id] = history

    @callback
    def async_changed(changes: tuple[Change, ...]) -> None:
        for change in changes:
            if isinstance(change, EndedRun) and change.ran:
                data = coordinator.data
                # The end may be known before the first poll is over
                task = data.tasks.get(change.task) if data else None
                history.async_add(change, task.title if task else change.task)

    # Not until the unload: the tracker tells the last changes when it is closed.
    coordinator.tracker.async_add_listener(async_changed)


async def async_remove_history(hass: HomeAssistant, entry_id: str) -> None:
    """Remove the history of a server, be it loaded or not."""
    histories = hass.data.get(_HISTORIES, {})
    history = histories.pop(entry_id, None) or RunHistory(hass, entry_id)
    await history.store.async_remove()


async def async_setup_entry(
    hass: HomeAssistant,
    entry: PlexButlerConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the calendar."""
    async_add_entities([PlexButlerCalendar(entry.runtime_data, "maintenance")])


class PlexButlerCalendar(PlexButlerEntity, CalendarEntity):
    """The current or next window, and the runs of the last two weeks."""

    def __init__(self, coordinator: PlexButlerCoordinator, key: str) -> None:
        super().__init__(coordinator, key)
        entry_id = coordinator.config_entry.entry_id
        self._history = coordinator.hass.data[_HISTORIES][entry_id]
        self._window = coordinator.data.window
        # It was the same before the set-up, as far as is known.
        self._window_since = dt_util.utcnow() - timedelta(days=1)

    @override
    async def async_added_to_hass(self) -> None:
        await super().async_added_to_hass()
        listen = self.coordinator.tracker.async_add_listener
        self.async_on_remove(listen(self._async_runs_changed))

    @callback
    def _async_runs_changed(self, changes: tuple[Change, ...]) -> None:
        if any(isinstance(change, EndedRun) for change in changes):
            # For calendars that are open
            self.async_update_event_listeners()

    @callback
    @override
    def _handle_coordinator_update(self) -> None:
        if (window := self.coordinator.data.window) != self._window:
            self._window, self._window_since = window, dt_util.utcnow()
        super()._handle_coordinator_update()

    @property
    @override
    def state_key(self) -> object:
        """Return what the state is made of; the base class looks after the edges."""
        return self.available, self._window

    @property
    @override
    def event(self) -> CalendarEvent | None:
        return next(self._window_events(dt_util.utcnow()), None)

    @override
    async def async_get_events(
        self, hass: HomeAssistant, start_date: datetime, end_date: datetime
    ) -> list[CalendarEvent]:
        now = dt_util.utcnow()
        # A range may be longer than a loop should be.
        until = min(end_date, now + _YEAR)
        # Of windows that are over only those of the last day: nothing says that they
        # were used, but triggers with an offset ask for them.
        after = max(start_date, self._window_since, now - timedelta(days=1))
        windows = self._window_events(after) if after < until else ()
        events = [*takewhile(lambda it: it.start_datetime_local < until, windows)]
        for run in self._run_events():
            start, end = run.start_datetime_local, run.end_datetime_local
            if start < end_date and (start_date < end or start_date <= start):
                events.append(run)
        return sorted(events, key=lambda event: event.start_datetime_local)

    def _window_events(self, after: datetime) -> Iterator[CalendarEvent]:
        """Yield the windows that are not over at a moment, without an end."""
        if (window := self._window) is None:
            return
        summary = localized(self.hass, "maintenance_window")
        start = window.next_start(after - timedelta(days=2))
        while True:
            end = window.next_end(start)
            if end > after:
                yield _event(start, end, summary)
            start = window.next_start(end)

    def _run_events(self) -> Iterator[CalendarEvent]:
        """Yield the past runs; those of a night that took less than a minute as one."""
        zone = self._window.zone if self._window else dt_util.get_default_time_zone()
        nights: defaultdict[date, list[PastRun]] = defaultdict(list)
        for run in self._history.runs:
            if run.duration is None or run.duration >= 60:
                yield _event(run.begin, run.end, self._describe(run))
            else:
                # A night is the time from noon to noon
                noon = run.begin.astimezone(zone) - timedelta(hours=12)
                nights[noon.date()].append(run)
        for runs in nights.values():
            runs.sort(key=lambda run: run.begin)
            summary, description = self._describe(runs[0]), None
            if more := len(runs) - 1:
                task = self._name(runs[0])
                summary = localized(self.hass, "run_and_more", task=task, count=more)
                description = "\n".join(
                    f"{dt_util.as_local(run.begin):%H:%M} {self._describe(run)}"
                    for run in runs
                )
            end = max(run.end for run in runs)
            yield _event(runs[0].begin, end, summary, description)

    def _describe(self, run: PastRun) -> str:
        result: str = run.result
        if run.result is Result.LOST and run.is_end_known:
            result = "probably_ended"
        how = how_it_went(self.hass, result, run.duration)
        return localized(self.hass, "run", task=self._name(run), result=how)

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
