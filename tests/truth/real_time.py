"""Real time over the same sockets, with a server of many short runs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from random import Random
from typing import Final

from homeassistant.core import HomeAssistant

from tests.simulator import PROFILES, SimulatedPlex, TaskState

from .errors import watched_errors
from .evidence import complete
from .home import Home, home_assistant
from .observed import Observed
from .score import Score, score

REAL_TIME: Final = "current, real time"

# In seconds: how long tasks take, and how often somebody does something.
_SHORTEST, _LONGEST = 0.5, 20.0
_PAUSE: Final = 1.0
_NOISE_PER_HOUR: Final = 600.0


class Minutes:
    """A Home Assistant and a server in real time."""

    def __init__(self, home: Home, plex: SimulatedPlex, rng: Random) -> None:
        """Choose how much work each task has."""
        self._home = home
        self._plex = plex
        self._rng = rng
        for task in plex.durations:
            plex.durations[task] = rng.uniform(_SHORTEST, _LONGEST)

    async def pass_by(self) -> None:
        """Let people do things until the time is over."""
        self._plex.noise.ordinary_day(_NOISE_PER_HOUR)
        while (left := self._home.seen.end - self._plex.clock.now()) > 0:
            self._rng.choices((self._start, self._stop), (4, 1))[0]()
            await asyncio.sleep(min(left, self._rng.expovariate(1 / _PAUSE)))
        self._plex.noise.ordinary_day(0)

    def _start(self) -> None:
        task = self._rng.choice(sorted(self._plex.durations))
        self._either(
            lambda: self._home.switch(task, on=True),
            lambda: self._plex.client_start(task),
        )

    def _stop(self) -> None:
        truth = self._plex.truth()
        running = sorted(task for task in truth if truth[task] is TaskState.RUNNING)
        if running:
            task = self._rng.choice(running)
            self._either(
                lambda: self._home.switch(task, on=False),
                lambda: self._plex.client_stop(task),
            )

    def _either(self, *actions: Callable[[], object]) -> None:
        self._rng.choice(actions)()


def scored_in_real_time(seconds: float, seed: int) -> Score:
    """Return the figures of so many seconds."""
    return score(REAL_TIME, seed, asyncio.run(_live(seconds, seed)))


async def _live(seconds: float, seed: int) -> Observed:
    profile = PROFILES["current"]
    async with SimulatedPlex(profile, seed=seed) as plex, home_assistant() as hass:
        now = plex.clock.now
        seen = Observed(start=now(), end=now() + seconds)
        with watched_errors(seen.errors):
            await _live_with(hass, Home(hass, plex, now, seen), plex, seed)
    return seen


async def _live_with(
    hass: HomeAssistant, home: Home, plex: SimulatedPlex, seed: int
) -> None:
    await home.set_up()
    await Minutes(home, plex, Random(f"minutes-{seed}")).pass_by()
    complete(home.seen, plex)
    await home.unload()
    await hass.async_stop(force=True)
