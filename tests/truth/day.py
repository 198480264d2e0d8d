"""What people and accidents do to a server on a random day."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from random import Random
from typing import Final

from tests.simulator import Absence, SimulatedPlex, TaskState

from .home import Home
from .observed import Outage

# How often each happens in an hour, on average.
PER_HOUR: Final = {
    "home_starts": 2.0,
    "home_stops": 0.5,
    "home_starts_all": 0.04,
    "home_stops_all": 0.06,
    "other_starts": 1.0,
    "other_stops": 0.4,
    "sockets_drop": 0.3,
    "restarts": 0.08,
    "goes_away": 0.05,
    "home_restarts": 0.2,
    "home_waits": 0.5,
    "storm": 0.1,
}
# Ordinary scans, adds and analyses.
NOISE_PER_HOUR: Final = 6.0

# Within so many seconds, all that a broken stream has missed is found by asking.
_CUT: Final = 5.0

_VERSIONS: Final = ("1.43.6.11100-0a1b2c3d4", "1.43.7.11208-5e6f70819")


class Day:
    """Chooses what happens next, and does it; the same seed, the same day."""

    def __init__(self, plex: SimulatedPlex, home: Home, seed: str) -> None:
        """Begin the day: choose how much work each task has."""
        self._plex = plex
        self._home = home
        self._rng = Random(f"day-{seed}")
        self.next_at = plex.clock.now()
        for name, task in plex.butler.tasks.items():
            # Others wait while the database is locked, so that is not for hours.
            most = 2.0 if task.spec.locks_database else 8.0
            plex.durations[name] *= 2 ** self._rng.uniform(-2, most**0.5)
        plex.noise.ordinary_day(NOISE_PER_HOUR)
        self._plan()

    async def act(self) -> None:
        """Let one thing happen."""
        kind = self._rng.choices(list(PER_HOUR), list(PER_HOUR.values()))[0]
        # Drawn whether it is needed or not, so that days differ by what happens only.
        task = self._rng.choice(sorted(self._plex.butler.tasks))
        actions: dict[str, Callable[[str], Awaitable[None] | None]] = {
            "home_starts": lambda task: self._home.switch(task, on=True),
            "home_stops": lambda task: self._home.switch(self._running(task), on=False),
            "home_starts_all": lambda _: self._home.press("start_all_tasks"),
            "home_stops_all": lambda _: self._home.press("stop_all_tasks"),
            "other_starts": self._other_starts,
            "other_stops": self._other_stops,
            "sockets_drop": lambda _: self._drop(),
            "restarts": self._restart,
            "goes_away": self._go_away,
            "home_restarts": lambda _: self._home.restart(self._rng.uniform(20, 300)),
            "home_waits": self._home.wait_for,
            "storm": lambda _: self._plex.noise.storm(300),
        }
        if (result := actions[kind](task)) is not None:
            await result
        self._plan()

    def _plan(self) -> None:
        wait = self._rng.expovariate(sum(PER_HOUR.values()) / 3600)
        self.next_at += wait

    def _running(self, default: str) -> str:
        """Return a task that runs, for nobody stops what does not, or hardly ever."""
        truth = self._plex.truth()
        running = sorted(
            task for task, state in truth.items() if state is TaskState.RUNNING
        )
        return self._rng.choice(running) if running else default

    @property
    def _answers(self) -> bool:
        outage = self._plex.state.outage
        hangs = self._plex.profile.traits.hangs_on_database
        locked = hangs and self._plex.butler.database_busy
        return not (outage.refusing or outage.starting or locked)

    def _other_starts(self, task: str) -> None:
        if self._answers:
            self._plex.client_start(task)

    def _other_stops(self, task: str) -> None:
        if self._answers:
            self._plex.client_stop(self._running(task))

    def _drop(self) -> None:
        now = self._plex.clock.now()
        self._home.seen.cuts.append(Outage(now, now + _CUT))
        self._plex.fault("drop-sockets")

    async def _restart(self, _: str) -> None:
        refused = self._rng.choice((1.0, 2.0, 12.0, 50.0)) * self._rng.uniform(0.5, 1.5)
        ready = self._rng.choice((0.0, 15.0, 60.0))
        version = self._rng.choice((None, None, None, *_VERSIONS))
        how = self._rng.choice(list(Absence))
        now = self._plex.clock.now()
        self._home.seen.outages.append(Outage(now, now + refused + ready))
        if version not in (None, self._plex.version):
            self._home.seen.updates.append(now)
        await self._plex.restart(
            version, refused_for=refused, maintenance_for=ready, how=how
        )

    async def _go_away(self, _: str) -> None:
        """Be cut off without a restart, which looks the same for a while."""
        seconds = self._rng.choice((1.0, 20.0, 200.0)) * self._rng.uniform(0.5, 1.5)
        how = self._rng.choice(list(Absence))
        now = self._plex.clock.now()
        self._home.seen.outages.append(Outage(now, now + seconds))
        await self._plex.go_away(seconds, how=how)
