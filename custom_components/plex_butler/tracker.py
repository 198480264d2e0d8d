"""Applies the rules of run state to events and time, and stores what they learned."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from operator import attrgetter
import sys
from time import monotonic
from typing import TYPE_CHECKING, Any, Concatenate, Final, override

from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers.event import async_call_later
from homeassistant.helpers.storage import Store
from homeassistant.util import dt as dt_util

from . import run_state
from .const import CONF_ASSUMED_RUN_LIMIT, DOMAIN
from .run_state import Change, Memory, Moment, Rules, RunState
from .run_state.rules import END_DECIDED_AFTER

if TYPE_CHECKING:
    from .coordinator import PlexButlerCoordinator

type Listener = Callable[[tuple[Change, ...]], None]

# The view follows from these; most events change none.
_VIEW_FIELDS: Final = attrgetter(
    "runs", "last", "tasks", "capabilities", "busy_since", "has_unnamed_work"
)


class _MemoryStore(Store[Memory]):
    """Stores what can be learned anew, so data of another version may be dropped."""

    @override
    async def _async_migrate_func(
        self, old_major_version: int, old_minor_version: int, old_data: Any
    ) -> Memory:
        return {}


def store_for(hass: HomeAssistant, entry_id: str) -> Store[Memory]:
    """Return the store of a server's memory."""
    key = f"{DOMAIN}.{entry_id}"
    return _MemoryStore(hass, version=1, key=key, max_readable_version=sys.maxsize)


def next_snapshot(state: RunState) -> Moment:
    """Return when a snapshot is due after the last one; the past means at once."""
    # The coordinator waits longer while the server does not answer.
    if state.snapshot_at is None:
        return state.now
    window, interval = state.window, _snapshot_interval(state)
    due = state.snapshot_at + interval
    if window and not (state.push_trusted or window.is_open(state.now.utc)):
        opens = state.now + (window.next_start(state.now.utc) - state.now.utc)
        due = min(due, opens + timedelta(seconds=1))
    if state.push_trusted and state.busy_since:
        # The stream reports what Butler works on, so a snapshot can wait
        due = max(due, state.busy_since + interval)
    if state.snapshot_wanted and state.snapshot_at < state.snapshot_wanted:
        return min(due, state.snapshot_wanted)
    return due


def _snapshot_interval(state: RunState) -> timedelta:
    """Return the interval of snapshots: short while streams do not show the work."""
    runs = state.runs.values()
    unproven = [state.now - run.proved for run in runs if run.unproven]
    stops = [command.covers_until for command in state.commands.values()]
    rows_linger = any(t and state.now - t < run_state.ROWS_LINGER_FOR for t in stops)
    # After a command, its effect is looked for, but not for ever
    if rows_linger or any(age < timedelta(seconds=90) for age in unproven):
        return timedelta(seconds=5)
    if state.push_trusted or state.log_trusted:
        return timedelta(minutes=1 if state.busy_since or runs else 5)
    if state.busy_since or state.was_busy or any(run.row for run in runs):
        return timedelta(seconds=5)
    if runs or (state.window and state.window.is_open(state.now.utc)):
        return timedelta(seconds=12)
    return timedelta(seconds=75 if state.push_since else 32)


class RunTracker:
    """Holds the run state of one server, and the view of it that entities show."""

    def __init__(self, coordinator: PlexButlerCoordinator) -> None:
        hass, entry = coordinator.hass, coordinator.config_entry
        self._hass = hass
        self._store = store_for(hass, entry.entry_id)
        self._coordinator = coordinator
        self._unsub_tick: CALLBACK_TYPE | None = None
        self._tick_at: Moment | None = None
        self.closed = False
        # Changes that the listeners have not received yet
        self.changes: tuple[Change, ...] = ()
        self._listeners: list[Listener] = []
        # The memory in the store; None while a newer one waits to be saved
        self._stored: Memory | None = None
        minutes = entry.options.get(CONF_ASSUMED_RUN_LIMIT)
        limit = timedelta(minutes=minutes) if minutes else run_state.DEFAULT_LIMIT
        self.state = RunState(now=self.now(), limit=limit)
        self.view = run_state.view(self.state)

    @staticmethod
    def now() -> Moment:
        """Return the present moment on both clocks."""
        return Moment(dt_util.utcnow(), monotonic())

    @property
    def until_next_snapshot(self) -> timedelta:
        """Return how long the next snapshot of activities can wait."""
        return next_snapshot(self.state) - self.now()

    async def async_load(self) -> None:
        """Load the state that an earlier set-up stored."""
        memory = await self._store.async_load()
        if isinstance(memory, dict):
            loaded = run_state.load(memory, self.now())
            self.state = replace(loaded, limit=self.state.limit)
            self._stored = run_state.dump(self.state)

    async def async_close(self) -> None:
        """Apply no more events, and store the state for the next set-up."""
        # No event can change an end that is held back, so decide it.
        decided = self.now() + END_DECIDED_AFTER
        self.state, changes = run_state.apply(self.state, decided, Rules.tick)
        self.changes += changes
        # Before the listeners: waits end by it.
        self.closed = True
        self._schedule_tick(None)
        self.async_notify_listeners()
        if (memory := run_state.dump(self.state)) != self._stored:
            await self._store.async_save(memory)

    @callback
    def async_apply[**P](
        self,
        rule: Callable[Concatenate[Rules, P], None],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> None:
        """Apply an unbound method of Rules; store, time and publish what follows."""
        if self.closed:
            # The stream, which is closed after the tracker, reports that it is down.
            return
        before = self.state
        self.state, changes = run_state.apply(before, self.now(), rule, *args, **kwargs)
        after = self.state
        if changes or after.capabilities != before.capabilities:
            self._stored = None
            # A power cut may lose 30 s: saving more often would wear an SD card.
            self._store.async_delay_save(lambda: run_state.dump(self.state), 30)
        self._schedule_tick(after.next_tick)
        if before.snapshot_at is None or _VIEW_FIELDS(before) != _VIEW_FIELDS(after):
            self.view = run_state.view(after)
        self.changes += changes
        # It calls `async_notify_listeners`, once the entities show the changes.
        self._coordinator.async_event_applied()

    @callback
    def async_add_listener(self, listener: Listener) -> CALLBACK_TYPE:
        """Call a listener after each update of entities, with the changes if any."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    @callback
    def async_notify_listeners(self) -> None:
        """Call the listeners; the entities have to show the changes by now."""
        changes, self.changes = self.changes, ()
        for listener in tuple(self._listeners):
            listener(changes)

    def _schedule_tick(self, due: Moment | None) -> None:
        """Have `Rules.tick` applied when time alone will change the state, if ever."""
        if due == self._tick_at:
            return
        if self._unsub_tick:
            self._unsub_tick()
            self._unsub_tick = None
        self._tick_at = due
        if due:
            delay = max(due - self.now(), timedelta())
            self._unsub_tick = async_call_later(self._hass, delay, self._tick)

    @callback
    def _tick(self, _: object) -> None:
        self._unsub_tick = self._tick_at = None
        self.async_apply(Rules.tick)
