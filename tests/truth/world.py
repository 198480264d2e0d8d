"""Lets a simulated day pass for a Home Assistant and a simulated server."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from datetime import datetime
import random
from typing import Any

from homeassistant.core import HomeAssistant

from tests.simulator import NOON, ManualClock, Profile, SimulatedPlex

from .clocks import simulated_time
from .day import Day
from .errors import watched_errors
from .evidence import complete
from .home import Home, home_assistant
from .loop import SimulatedLoop
from .observed import Observed
from .traffic import Traffic


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Which day to let pass: with the same plan, the same happens."""

    profile: Profile
    seed: int
    hours: float = 24
    start: datetime = NOON
    # Connected, but nothing is told.
    muted: bool = False


class World:
    """A Home Assistant and a server, whose time moves only while nobody is busy."""

    def __init__(self, plan: Plan, clock: ManualClock, loop: SimulatedLoop) -> None:
        """Begin with a server that does not listen yet."""
        self._plan = plan
        self._clock = clock
        self._loop = loop
        self.plex = SimulatedPlex(plan.profile, clock=clock, seed=plan.seed)
        self.plex.hub.muted = plan.muted
        self._traffic = Traffic(self.plex)
        self._day: Day | None = None

    async def live(self) -> Observed:
        """Let the day pass, and return what was seen of it."""
        begin = self._clock.now()
        seen = Observed(start=begin, end=begin + self._plan.hours * 3600)
        with watched_errors(seen.errors), self._traffic.counted():
            async with self.plex, home_assistant() as hass:
                await self._live_with(hass, seen)
        seen.listened = self._traffic.listened
        return seen

    async def _live_with(self, hass: HomeAssistant, seen: Observed) -> None:
        home = Home(hass, self.plex, self._clock.now, seen)
        await self._until_done(home.set_up())
        self._day = Day(self.plex, home, f"{self._plan.profile.name}-{self._plan.seed}")
        while self._clock.now() < seen.end:
            await self._step(seen.end)
        complete(seen, self.plex)
        self._day = None
        await self._until_done(home.unload())
        await self._until_done(hass.async_stop(force=True))

    async def _step(self, limit: float) -> None:
        """Go to the next moment at which anything happens."""
        await self._traffic.settle(self._loop)
        day = self._day
        coming = [self._loop.next_timer_at, self.plex.next_event_at(), limit]
        due = min(moment for moment in [*coming, day and day.next_at] if moment)
        await self.plex.advance_to(due)
        if day and day.next_at <= due:
            await day.act()

    async def _until_done(self, work: Coroutine[Any, Any, None]) -> None:
        """Let time pass until something is done that may have to wait for it."""
        task = self._loop.create_task(work)
        while not task.done():
            await self._step(self._clock.now() + 60)
        await task


def live(plan: Plan) -> Observed:
    """Let a day pass, and return what was seen of it."""
    clock = ManualClock(plan.start)
    # The integration's own chances: how long to wait, and where in a second to ask.
    random.seed(f"{plan.profile.name}-{plan.seed}")

    def make_loop() -> SimulatedLoop:
        return SimulatedLoop(clock)

    with simulated_time(clock), asyncio.Runner(loop_factory=make_loop) as runner:
        return runner.run(_live(plan, clock))


async def _live(plan: Plan, clock: ManualClock) -> Observed:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, SimulatedLoop)
    return await World(plan, clock, loop).live()
