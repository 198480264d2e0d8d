"""Feeds the rules of run state, keeps time for them and remembers what they learned."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
import sys
from time import monotonic
from typing import Any, Concatenate, Final, override

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers.event import async_call_later
from homeassistant.helpers.storage import Store
from homeassistant.util import dt as dt_util

from . import run_state
from .const import CONF_ASSUMED_RUN_LIMIT, DOMAIN
from .run_state import DEFAULT_LIMIT, Change, Memory, Moment, Rules, RunState

type ChangeListener = Callable[[tuple[Change, ...]], None]

_STORE_VERSION: Final = 1
# What is lost in a power cut is worth no more wear of an SD card.
_SAVE_DELAY: Final = 30
# A command that nothing shows yet is looked after for so long.
_YOUNG: Final = timedelta(seconds=90)


class _MemoryStore(Store[Memory]):
    """Keeps what can be learned anew, so what is unknown to this version may go."""

    @override
    async def _async_migrate_func(
        self, old_major_version: int, old_minor_version: int, old_data: Any
    ) -> Memory:
        return {}


def store_for(hass: HomeAssistant, entry_id: str) -> Store[Memory]:
    """Return where a server's memory is kept."""
    return _MemoryStore(
        hass, _STORE_VERSION, f"{DOMAIN}.{entry_id}", max_readable_version=sys.maxsize
    )


def _limit_of(entry: ConfigEntry) -> timedelta:
    """Return how long a run is believed that nothing was ever seen of."""
    minutes = entry.options.get(CONF_ASSUMED_RUN_LIMIT)
    return timedelta(minutes=minutes) if minutes else DEFAULT_LIMIT


def _may_show_more(before: RunState, after: RunState) -> bool:
    """Return True if something to be shown may have changed: most frames change nothing."""
    return (
        before.runs is not after.runs
        or before.last is not after.last
        or before.tasks is not after.tasks
        or before.known != after.known
        or (before.version, before.busy_since, before.idle_since, before.asked is None)
        != (after.version, after.busy_since, after.idle_since, after.asked is None)
    )


def next_snapshot(state: RunState) -> Moment:
    """Return when a snapshot is due; the past means at once.

    It counts from the last success: to go easier on a server that does not answer is
    up to the caller.
    """
    if state.asked is None:
        return state.now
    interval = _interval(state)
    due = state.asked + interval
    if not state.trusted and state.window and not state.window.is_open(state.now.utc):
        opens = state.now + (state.window.next_start(state.now.utc) - state.now.utc)
        due = min(due, opens + timedelta(seconds=1))
    if state.trusted and state.busy_since:
        # The stream has just told: there is nothing to ask for yet
        due = max(due, state.busy_since + interval)
    if state.snapshot_requested and state.asked < state.snapshot_requested:
        return min(due, state.snapshot_requested)
    return due


def _interval(state: RunState) -> timedelta:
    """Return how often to look, by what the stream tells and what is to be seen."""
    runs = state.runs.values()
    unproven = [state.now - it.proved for it in runs if it.unproven]
    stops = [state.now - it.until for it in state.commands.values() if it.until]
    muted = any(age < run_state.IGNORED_FOR for age in stops)
    young = muted or any(age < _YOUNG for age in unproven)
    if not (state.trusted or state.logging):
        if young or state.busy_since or state.was_busy or any(run.row for run in runs):
            return timedelta(seconds=5)
        if runs or (state.window and state.window.is_open(state.now.utc)):
            return timedelta(seconds=12)
        return timedelta(seconds=75 if state.push_since else 32)
    if young:
        return timedelta(seconds=5)
    return timedelta(minutes=1 if state.busy_since or runs else 5)


class RunTracker:
    """What is known of one server's runs, from one event to the next."""

    def __init__(
        self,
        hass: HomeAssistant,
        entry: ConfigEntry,
        on_applied: CALLBACK_TYPE,
    ) -> None:
        """`on_applied` is called after each event; it sees to it that `async_tell` is."""
        self._hass = hass
        self._store = store_for(hass, entry.entry_id)
        self._limit = _limit_of(entry)
        self._on_applied = on_applied
        self._unsub_tick: CALLBACK_TYPE | None = None
        self._tick_at: Moment | None = None
        self.closed = False
        # Changes that the listeners have not been told of
        self._changes: tuple[Change, ...] = ()
        self._change_listeners: list[ChangeListener] = []
        self._listeners: list[CALLBACK_TYPE] = []
        # What is in the store, as long as that is known for sure
        self._kept: Memory | None = None
        self.state = RunState(now=self.now(), limit=self._limit)
        self.view = run_state.view(self.state)

    @staticmethod
    def now() -> Moment:
        """Return the moment on both of the clocks that the rules know."""
        return Moment(dt_util.utcnow(), monotonic())

    @property
    def trusted(self) -> bool:
        """Return True if notifications can be relied upon."""
        return self.state.trusted

    @property
    def until_next_look(self) -> timedelta:
        """Return how long the server's activities need not be asked for."""
        return next_snapshot(self.state) - self.now()

    async def async_load(self) -> None:
        """Remember what was known before."""
        memory = await self._store.async_load()
        if isinstance(memory, dict):
            loaded = run_state.load(memory, self.now())
            self.state = replace(loaded, limit=self._limit)
            self._kept = run_state.dump(self.state)

    async def async_close(self) -> None:
        """Keep what is known for the next time, and learn no more."""
        self.closed = True
        self._cancel_tick()
        self.async_tell()
        if (memory := self._memory()) != self._kept:
            await self._store.async_save(memory)

    @callback
    def async_apply[**P](
        self,
        rule: Callable[Concatenate[Rules, P], None],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> None:
        """Let something happen that a rule is for."""
        if self.closed:
            # The stream goes down last.
            return
        before = self.state
        self.state, changes = run_state.apply(before, self.now(), rule, *args, **kwargs)
        if changes or self.state.known != before.known:
            self._kept = None
            self._store.async_delay_save(self._memory, _SAVE_DELAY)
        self._schedule_tick()
        if _may_show_more(before, self.state):
            self.view = run_state.view(self.state)
        self._changes += changes
        self._on_applied()

    @property
    def has_changes(self) -> bool:
        """Return True if there are changes that listeners have not been told of."""
        return bool(self._changes)

    @callback
    def async_add_change_listener(self, listener: ChangeListener) -> CALLBACK_TYPE:
        """Call a listener with the changes of runs, once these are shown."""
        self._change_listeners.append(listener)
        return lambda: self._change_listeners.remove(listener)

    @callback
    def async_add_listener(self, listener: CALLBACK_TYPE) -> CALLBACK_TYPE:
        """Have a listener called once something that happened is shown, and at the end."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    @callback
    def async_tell(self) -> None:
        """Call those who wait for something; what they hear of is shown by now."""
        changes, self._changes = self._changes, ()
        if changes:
            for on_changes in tuple(self._change_listeners):
                on_changes(changes)
        for listener in tuple(self._listeners):
            listener()

    @callback
    def _memory(self) -> Memory:
        return run_state.dump(self.state)

    def _schedule_tick(self) -> None:
        """Have the rules looked at when one of them comes due by time alone."""
        due = self.state.next_tick
        if due == self._tick_at:
            return
        self._cancel_tick()
        if due:
            self._tick_at = due
            delay = max(due - self.now(), timedelta())
            self._unsub_tick = async_call_later(self._hass, delay, self._tick)

    @callback
    def _tick(self, _: object) -> None:
        self._unsub_tick = self._tick_at = None
        self.async_apply(Rules.tick)

    def _cancel_tick(self) -> None:
        if self._unsub_tick:
            self._unsub_tick()
        self._unsub_tick = self._tick_at = None
