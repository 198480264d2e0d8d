"""Simulated hours and a night: requests, and what the recorder keeps."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
import sqlite3
from tempfile import TemporaryDirectory
from typing import Any, Final
from unittest.mock import patch

from homeassistant.components.recorder import (
    DOMAIN as RECORDER,
    Recorder,
    get_instance,
)
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity import Entity
from homeassistant.helpers.recorder import async_initialize_recorder
from homeassistant.setup import async_setup_component

from tests.simulator import NOON, PROFILES, ManualClock, Profile, SimulatedPlex
from tests.truth.days import World
from tests.truth.home import Home, home_assistant
from tests.truth.truths import Observed
from tests.truth.world import SimulatedLoop, simulated_time

from .server import PROFILE

_STREAM: Final = "/:/websockets/notifications"
_HOUR: Final = 3600
# All entities are the integration's own, but not all events are.
_STATES: Final = "SELECT COUNT(*) FROM states"
_EVENTS: Final = """
SELECT COUNT(*) FROM events JOIN event_types USING (event_type_id)
WHERE event_types.event_type LIKE 'plex_butler%'
"""
_MUTE: Final = PROFILES["current"].with_traits(pushes_rows=False)
# The window of simulated servers is from 2 to 5.
_MORNING: Final = NOON.replace(hour=6)
_EVENING: Final = NOON.replace(hour=1, minute=30)


@dataclass
class Watched:
    """A Home Assistant with a server and a recorder, whose time is simulated."""

    world: World
    plex: SimulatedPlex
    hass: HomeAssistant
    database: Path

    async def pass_hours(self, hours: float) -> None:
        end = self.plex.clock.now() + hours * _HOUR
        while self.plex.clock.now() < end:
            await self.world._step(end)

    async def rows(self) -> tuple[int, int]:
        """Return how many states and events of the integration the recorder has."""
        await self.world._until_done(get_instance(self.hass).async_block_till_done())
        connection = sqlite3.connect(self.database)
        states, events = (
            connection.execute(query).fetchone()[0] for query in (_STATES, _EVENTS)
        )
        connection.close()
        return states, events


# How Home Assistant decides; the other Home Assistant of these tests enables all
_AS_INSTALLED: Final = Entity.__dict__["entity_registry_enabled_default"]


def _watched[T](
    profile: Profile,
    start: datetime,
    work: Callable[[Watched], Coroutine[Any, Any, T]],
    *,
    has_stream: bool = True,
    all_enabled: bool = True,
) -> T:
    clock = ManualClock(start)
    loop = SimulatedLoop(clock)

    async def live() -> T:
        plex = SimulatedPlex(profile, clock=clock)
        if not has_stream:
            plex.fault("502", count=None, path=_STREAM)
        async with _house(plex, clock, loop, all_enabled=all_enabled) as watched:
            return await work(watched)

    with simulated_time(clock), asyncio.Runner(loop_factory=lambda: loop) as runner:
        return runner.run(live())


@asynccontextmanager
async def _house(
    plex: SimulatedPlex,
    clock: ManualClock,
    loop: SimulatedLoop,
    *,
    all_enabled: bool,
) -> AsyncIterator[Watched]:
    world = World(plex, clock, loop)
    with (
        world._traffic.counted(),
        # Its thread would need more time for statistics than hours take here.
        patch.object(Recorder, "async_periodic_statistics"),
        TemporaryDirectory() as directory,
        ExitStack() as stack,
    ):
        async with plex, home_assistant() as hass:
            if not all_enabled:
                name = "entity_registry_enabled_default"
                stack.enter_context(patch.object(Entity, name, _AS_INSTALLED))
            database = Path(directory, "recorder.db")
            config = {RECORDER: {"db_url": f"sqlite:///{database}"}}
            async_initialize_recorder(hass)
            assert await async_setup_component(hass, RECORDER, config)
            seen = Observed(start=clock.now(), end=clock.now())
            home = Home(hass, plex, clock.now, seen)
            await world._until_done(home.set_up())
            yield Watched(world, plex, hass, database)
            await world._until_done(home.unload())
            await world._until_done(hass.async_stop(force=True))


@dataclass(frozen=True, kw_only=True)
class Idle:
    """The busiest of some idle hours, and what the recorder kept of all of them."""

    requests: int
    rows: int


def measure_idle(
    profile: Profile = PROFILE,
    *,
    hours: int = 12,
    trusted: bool = True,
    has_stream: bool = True,
) -> Idle:
    """Return how often an idle server is asked in the busiest hour, outside its window."""

    async def work(watched: Watched) -> Idle:
        plex = watched.plex
        if trusted:
            plex.client_start("OptimizeDatabase")
            await watched.pass_hours(0.01)
            plex.client_stop("OptimizeDatabase")
        await watched.pass_hours(1)
        before = sum(await watched.rows())
        plex.requests.clear()
        await watched.pass_hours(hours)
        moments = [it.at for it in plex.requests]
        most = max(sum(0 <= it - at < _HOUR for it in moments) for at in moments)
        return Idle(requests=most, rows=sum(await watched.rows()) - before)

    return _watched(profile, _MORNING, work, has_stream=has_stream)


def measure_all_idle() -> dict[str, Idle]:
    """Return the same for a server that is trusted, connected, and without a stream."""
    return {
        "trusted": measure_idle(),
        "connected": measure_idle(_MUTE, trusted=False),
        "without": measure_idle(_MUTE, trusted=False, has_stream=False),
    }


@dataclass(frozen=True, kw_only=True)
class Night:
    """What the recorder kept of a night."""

    runs: int
    states: int
    events: int

    @property
    def rows_per_task(self) -> float:
        return (self.states + self.events) / self.runs


def measure_night(*, all_enabled: bool) -> Night:
    """Let all 22 tasks run one after the other in the window, and count the rows."""

    async def work(watched: Watched) -> Night:
        plex = watched.plex
        await watched.pass_hours(0.4)
        states, events = await watched.rows()
        # Those that start at random would take longer than the window lasts.
        plex.client_start_all()
        for name in plex.butler.tasks:
            plex.client_start(name)
        await watched.pass_hours(4)
        runs = len({run.task for run in plex.butler.runs})
        more_states, more_events = await watched.rows()
        return Night(
            runs=runs, states=more_states - states, events=more_events - events
        )

    return _watched(PROFILES["session"], _EVENING, work, all_enabled=all_enabled)
