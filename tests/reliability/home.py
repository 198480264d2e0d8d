"""A home beside a server with a fault, and the check that is the same in every cell."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field
import logging
import re
import time
from typing import Any, Final, override

from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import EVENT_STATE_CHANGED, MATCH_ALL, STATE_OFF, STATE_ON
from homeassistant.core import Event, callback
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.util.async_ import get_scheduled_timer_handles
from pytest_homeassistant_custom_component.common import async_fire_time_changed

from custom_components.plex_butler.const import DOMAIN
from custom_components.plex_butler.diagnostics import (
    async_get_config_entry_diagnostics,
)
from tests.conftest import NOT_OURS, Home
from tests.flows import repairs
from tests.leaks import Leaks
from tests.reliability.faults import Fault
from tests.settling import is_stream
from tests.simulator import TaskState

TASK: Final = "ButlerTaskGenerateCreditsMarkers"
SWITCH: Final = "switch.attic_butler_detect_credits"
MINUTE: Final = 60
STEP: Final = 5.0
# So long a fault lasts, and so long it may take until all is well again.
LASTS, MENDS = 2 * MINUTE, 5 * MINUTE
# More turns of the loop without a request or an event mean that time has to pass.
_TURNS: Final = 400
_QUIET_TURNS: Final = 10
# Home Assistant says it of every attempt at set-up.
_NOT_OURS: Final = (*NOT_OURS, "not ready yet")


@dataclass(kw_only=True)
class FaultyHome(Home):
    """Home Assistant, a server with a fault, and the task events that were fired."""

    fault: Fault
    leaks: Leaks
    storage: dict[str, Any] = field(repr=False)
    told: list[str] = field(default_factory=list)
    outages: int = 1
    # Simulated seconds from the end of the fault until all was well
    took: float = 0
    _events: int = 0

    def listen(self) -> None:
        """Hear all that a Home Assistant says of tasks, and see that it is true."""
        self.hass.bus.async_listen(MATCH_ALL, self._count)
        self.hass.bus.async_listen(EVENT_STATE_CHANGED, self.leaks.async_state_changed)
        self.hass.bus.async_listen("plex_butler_task_event", self._heard)

    @callback
    def _count(self, _: Event) -> None:
        self._events += 1

    @callback
    def _heard(self, event: Event[Any]) -> None:
        kind, task = event.data["type"], event.data["name"]
        self.told.append(f"{kind} {task}")
        runs = [it for it in self.plex.butler.runs if it.task == task]
        if kind == "started":
            # The answer to a start is believed, though no run may have begun.
            said = [
                it
                for it in self.plex.requests
                if (it.method, it.path) == ("POST", f"/butler/{task}")
                # The end of 10 MiB is not waited for.
                and it.status in {200, None}
            ]
            assert self.told.count(f"started {task}") <= len(runs) + len(said)
        else:
            over = [it for it in runs if it.end is not None]
            assert self.told.count(f"{kind} {task}") <= len(over), self.told

    @override
    async def settle(self) -> None:
        """Wait until nothing goes on that does not need time to pass."""
        hass, plex = self.hass, self.plex
        quiet = turns = 0
        before = (0, 0)
        while quiet < _QUIET_TURNS and turns < _TURNS:
            await asyncio.sleep(0)
            tasks = hass._tasks | hass._background_tasks
            is_busy = not plex.parked and not all(map(is_stream, tasks))
            quiet = 0 if is_busy else quiet + 1
            now = (self._events, len(plex.requests))
            turns, before = (0 if now != before else turns + 1), now

    async def let_pass(self, seconds: float) -> None:
        """Let time pass everywhere, with all that is due on the way."""
        while seconds > 0:
            self.freezer.tick(min(seconds, STEP))
            await self.plex.advance(min(seconds, STEP))
            async_fire_time_changed(self.hass)
            await self.settle()
            seconds -= STEP

    async def during[T](self, doing: Coroutine[Any, Any, T]) -> T:
        """Do what may need time to pass; it has two minutes."""
        task = asyncio.create_task(doing)
        for _ in range(int(2 * MINUTE / STEP)):
            await self.settle()
            if not task.done():
                # Threads have their time in seconds of the wall.
                await asyncio.to_thread(time.sleep, 0.01)
                await self.settle()
            if task.done():
                break
            await self.let_pass(STEP)
        assert task.done(), "it hangs"
        return task.result()

    @override
    async def set_up(self) -> None:
        """Set the entry up, and let its streams open."""
        await self.during(self.hass.config_entries.async_setup(self.entry.entry_id))
        await self.settle()

    async def begin(self) -> None:
        """Let the fault begin."""
        if act := self.fault.begin(self.plex):
            await act
        await self.settle()

    async def end(self) -> None:
        """Let the fault end."""
        if act := self.fault.end(self.plex):
            await act

    async def last(self) -> None:
        """Let the fault begin, last for a while, and end."""
        await self.begin()
        await self.let_pass(LASTS)
        await self.end()

    def lacks(self) -> list[object]:
        """Return what is not well, as far as can be seen from outside."""
        loaded = self.entry.state is ConfigEntryState.LOADED
        dialogs = self.hass.config_entries.flow.async_progress()
        return [
            *([] if loaded else [self.entry.state]),
            *([] if self.state() in {STATE_ON, STATE_OFF} else [self.state()]),
            *([] if self.plex.hub.sockets else ["no notifications"]),
            *repairs(self.hass),
            *(it["step_id"] for it in dialogs),
        ]

    async def be_well(self) -> None:
        """Wait until all is well again; then what is shown has to be true."""
        while self.lacks() and self.took < MENDS:
            await self.let_pass(STEP)
            self.took += STEP
        # What the first answers after the fault do not say, the next ones do.
        await self.let_pass(MINUTE)
        self.expect_truth()
        found = await async_get_config_entry_diagnostics(self.hass, self.entry)
        self.leaks.look("diagnostics", repr(found))

    def expect_truth(self) -> None:
        """See the switches show what really runs."""
        assert not self.lacks()
        runs = self.plex.truth()[TASK] is TaskState.RUNNING
        assert self.state(SWITCH) == (STATE_ON if runs else STATE_OFF)
        assert self.state() == STATE_OFF

    async def expect_end(self) -> None:
        """Let the run end that went on through the fault, and see it told once."""
        for _ in range(30 * MINUTE):
            if self.plex.truth()[TASK] is TaskState.IDLE:
                break
            await self.let_pass(STEP)
        await self.let_pass(MINUTE)
        self.expect_truth()
        ended = [] if self.fault.kills else [f"ended {TASK}"]
        assert self.told == [f"started {TASK}", *ended]
        tasks = await self.answer("get_butler_tasks")
        (result,) = [it["last_run"]["result"] for it in tasks if it["name"] == TASK]
        assert result == ("lost" if self.fault.kills else "ended")

    async def expect_nothing_left(self) -> None:
        """See no task, no timer and no connection of the entry's any more."""
        await self.let_pass(STEP)
        assert not [*self.plex.hub.sockets, *self.plex.log_hub.sockets]
        left = [
            repr(it)
            for it in (
                *asyncio.all_tasks() - {asyncio.current_task()},
                *get_scheduled_timer_handles(self.hass.loop),
            )
            # A folder may have the name as well.
            if re.search("[Bb]utler(?!/)", repr(it))
            and not getattr(it, "cancelled", bool)()
        ]
        assert not left, left
        session = async_get_clientsession(self.hass)
        assert session.closed or not session.connector._acquired  # type: ignore[union-attr]  # no public way

    def expect_quiet(self) -> None:
        """See two lines of an outage at most, and no traceback."""
        records = [
            record
            for when in ("setup", "call")
            for record in self.caplog.get_records(when)
            if not any(part in record.getMessage() for part in _NOT_OURS)
            # The simulator is cut off in the middle of an answer.
            and record.name != "aiohttp.server"
            and (record.levelno >= logging.WARNING or f".{DOMAIN}" in record.name)
            and record.levelno >= logging.INFO
        ]
        lines = [f"{it.levelname} {it.name} {it.getMessage()[:200]}" for it in records]
        assert not [it for it in records if it.exc_info], lines
        assert len(lines) <= 2 * self.outages, lines
