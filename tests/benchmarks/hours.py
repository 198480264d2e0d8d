"""Simulated hours and a night: requests, and what the recorder keeps."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
import sqlite3
from tempfile import TemporaryDirectory
from typing import Any, Final
from unittest.mock import patch

from homeassistant.components import recorder
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity import Entity
from homeassistant.helpers.recorder import async_initialize_recorder
from homeassistant.setup import async_setup_component

from tests.conftest import add_entry
from tests.simulator import NOON, PROFILES, ManualClock, Profile, SimulatedPlex
from tests.truth.days import World
from tests.truth.home import home_assistant
from tests.truth.world import SimulatedLoop, simulated_time

from .server import PROFILE

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
_ENABLED: Final = "entity_registry_enabled_default"
# How Home Assistant decides; the other Home Assistant of these tests enables all
_AS_INSTALLED: Final = Entity.__dict__[_ENABLED]


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
        await self.world._until_done(
            recorder.get_instance(self.hass).async_block_till_done()
        )
        connection = sqlite3.connect(self.database)
        states, events = (
            connection.execute(query).fetchone()[0] for query in (_STATES, _EVENTS)
        )
        connection.close()
        return states, events


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
    installed = patch.object(Entity, _ENABLED, _AS_INSTALLED)

    async def live() -> T:
        plex = SimulatedPlex(profile, clock=clock)
        if not has_stream:
            plex.fault("502", count=None, path="/:/websockets/notifications")
        world = World(plex, clock, loop)
        async with plex, home_assistant() as hass:
            with (
                nullcontext() if all_enabled else installed,
                world._traffic.counted(),
                # Its thread would need more time for statistics than hours take here.
                patch.object(recorder.Recorder, "async_periodic_statistics"),
                TemporaryDirectory() as directory,
            ):
                database = Path(directory, "recorder.db")
                config = {recorder.DOMAIN: {"db_url": f"sqlite:///{database}"}}
                async_initialize_recorder(hass)
                assert await async_setup_component(hass, recorder.DOMAIN, config)
                entry = add_entry(hass, plex)
                setting_up = hass.config_entries.async_setup(entry.entry_id)
                await world._until_done(setting_up)
                result = await work(Watched(world, plex, hass, database))
                unloading = hass.config_entries.async_unload(entry.entry_id)
                await world._until_done(unloading)
                await world._until_done(hass.async_stop(force=True))
        return result

    with simulated_time(clock), asyncio.Runner(loop_factory=lambda: loop) as runner:
        return runner.run(live())


def _measure_idle(
    profile: Profile, *, trusted: bool = False, has_stream: bool = True
) -> tuple[int, int]:
    async def work(watched: Watched) -> tuple[int, int]:
        plex = watched.plex
        if trusted:
            plex.client_start("OptimizeDatabase")
            await watched.pass_hours(0.01)
            plex.client_stop("OptimizeDatabase")
        await watched.pass_hours(1)
        before = sum(await watched.rows())
        plex.requests.clear()
        await watched.pass_hours(12)
        moments = [it.at for it in plex.requests]
        most = max(sum(0 <= it - at < _HOUR for it in moments) for at in moments)
        return most, sum(await watched.rows()) - before

    return _watched(profile, _MORNING, work, has_stream=has_stream)


def measure_idle() -> dict[str, tuple[int, int]]:
    """Return how often idle servers are asked in the busiest hour, outside the window.

    With it, how many rows the recorder kept of all hours.
    """
    return {
        "stream trusted": _measure_idle(PROFILE, trusted=True),
        "stream connected": _measure_idle(_MUTE),
        "no stream": _measure_idle(_MUTE, has_stream=False),
    }


def measure_night(*, all_enabled: bool) -> tuple[int, int, int]:
    """Let all 22 tasks run one after the other in the window.

    Return how many ran, and how many states and events the recorder kept.
    """

    async def work(watched: Watched) -> tuple[int, int, int]:
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
        return runs, more_states - states, more_events - events

    return _watched(PROFILES["session"], _EVENING, work, all_enabled=all_enabled)
