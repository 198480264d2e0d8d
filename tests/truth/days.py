"""Random days of a Home Assistant and a server of some kind, and their scores."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from datetime import datetime
import multiprocessing
import random
from random import Random
from typing import Any, Final

from tests.simulator import (
    NOON,
    PROFILES,
    Absence,
    ByHand,
    ManualClock,
    Profile,
    SessionNames,
    SimulatedPlex,
    TaskState,
    draw_profile,
)

from .home import Home, complete, home_assistant
from .score import Score, score
from .truths import Observed
from .world import SimulatedLoop, Traffic, simulated_time, watched_errors

# Ordinary scans, adds and analyses.
NOISE_PER_HOUR: Final = 6.0

# Within so many seconds, all that a broken stream has missed is found by asking.
_CUT: Final = 5.0

_VERSIONS: Final = ("1.43.6.11100-0a1b2c3d4", "1.43.7.11208-5e6f70819")


class Day:
    """Chooses what happens next, and does it; the same seed, the same day."""

    def __init__(self, plex: SimulatedPlex, home: Home, seed: str) -> None:
        self._plex = plex
        self._home = home
        self._rng = Random(f"day-{seed}")
        self.next_at = plex.clock.now()
        # How often each happens in an hour, on average.
        self._rates: dict[Callable[[str], Awaitable[None] | None], float] = {
            lambda task: home.switch(task, on=True): 2.0,
            lambda task: home.switch(self._running(task), on=False): 0.5,
            lambda _: home.press("start_all_tasks"): 0.04,
            lambda _: home.press("stop_all_tasks"): 0.06,
            self._other_starts: 1.0,
            self._other_stops: 0.4,
            self._drop: 0.3,
            self._restart: 0.08,
            self._go_away: 0.05,
            lambda _: home.restart(self._rng.uniform(20, 300)): 0.2,
            home.wait_for: 0.5,
            lambda _: plex.noise.storm(300): 0.1,
        }
        for name, task in plex.butler.tasks.items():
            # Others wait while the database is locked, so that is not for hours.
            most = 2.0 if task.spec.locks_database else 8.0
            plex.durations[name] *= 2 ** self._rng.uniform(-2, most**0.5)
        plex.noise.ordinary_day(NOISE_PER_HOUR)
        self._plan()

    async def act(self) -> None:
        (action,) = self._rng.choices(list(self._rates), list(self._rates.values()))
        # Drawn whether it is needed or not, so that days differ by what happens only.
        task = self._rng.choice(sorted(self._plex.butler.tasks))
        if (result := action(task)) is not None:
            await result
        self._plan()

    def _plan(self) -> None:
        self.next_at += self._rng.expovariate(sum(self._rates.values()) / 3600)

    def _running(self, default: str) -> str:
        """Return a task that runs, since people stop what runs."""
        running = _running(self._plex)
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

    def _drop(self, _: str) -> None:
        now = self._plex.clock.now()
        self._home.seen.cuts.append((now, now + _CUT))
        self._plex.fault("drop-sockets")

    async def _restart(self, _: str) -> None:
        refused = self._rng.choice((1.0, 2.0, 12.0, 50.0)) * self._rng.uniform(0.5, 1.5)
        ready = self._rng.choice((0.0, 15.0, 60.0))
        version = self._rng.choice((None, None, None, *_VERSIONS))
        how = self._rng.choice(list(Absence))
        now = self._plex.clock.now()
        self._home.seen.outages.append((now, now + refused + ready))
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
        self._home.seen.outages.append((now, now + seconds))
        await self._plex.go_away(seconds, how=how)


def _running(plex: SimulatedPlex) -> list[str]:
    truth = plex.truth()
    return sorted(task for task in truth if truth[task] is TaskState.RUNNING)


class World:
    """A Home Assistant and a server, whose time moves only while both are idle."""

    def __init__(
        self, plex: SimulatedPlex, clock: ManualClock, loop: SimulatedLoop
    ) -> None:
        self._plex = plex
        self._clock = clock
        self._loop = loop
        self._traffic = Traffic(plex)
        self._day: Day | None = None

    async def live(self, seed: str, hours: float) -> Observed:
        begin = self._clock.now()
        seen = Observed(start=begin, end=begin + hours * 3600)
        with watched_errors(seen.errors), self._traffic.counted():
            async with self._plex, home_assistant() as hass:
                home = Home(hass, self._plex, self._clock.now, seen)
                await self._until_done(home.set_up())
                self._day = Day(self._plex, home, seed)
                while self._clock.now() < seen.end:
                    await self._step(seen.end)
                complete(seen, self._plex)
                self._day = None
                await self._until_done(home.unload())
                await self._until_done(hass.async_stop(force=True))
        seen.listened = self._traffic.listened
        return seen

    async def _step(self, limit: float) -> None:
        await self._traffic.settle(self._loop)
        day = self._day
        coming = [self._loop.next_timer_at, self._plex.state.timeline.next_at(), limit]
        due = min(moment for moment in [*coming, day and day.next_at] if moment)
        await self._plex.advance_to(due)
        if day and day.next_at <= due:
            await day.act()

    async def _until_done(self, work: Coroutine[Any, Any, object]) -> None:
        """Let time pass until something is done that may have to wait for it."""
        task = self._loop.create_task(work)
        while not task.done():
            await self._step(self._clock.now() + 60)
        await task


SESSION = "session"
NAMELESS = "session, no names"
# Named after a profile whose log tells, or whose log does not.
LOG = ", log"
WITH_LOG = (f"{NAMELESS}{LOG}", f"silent{LOG}", f"anonymous{LOG}")
NO_PUSH = ("session, no push", "current, no push")
DRAWN = "drawn"
NAMED = (
    *(SESSION, "session, no log", "session, children", "session, own sessions"),
    *(NAMELESS, WITH_LOG[0], NO_PUSH[0], *WITH_LOG[1:]),
    *("current", NO_PUSH[1], "anonymous", "silent", "legacy"),
)
# What makes each kind another than the profile that it is called after.
_TRAITS: Mapping[str, Mapping[str, Any]] = {
    "session, children": {"session_names": SessionNames.CHILDREN},
    "session, own sessions": {"by_hand": ByHand.OWN_SESSION},
    NAMELESS: {"session_names": SessionNames.NOTHING},
}


def names(count: int) -> tuple[str, ...]:
    """Return all kinds, with so many drawn ones."""
    return (*NAMED, *(f"{DRAWN} {number}" for number in range(1, count + 1)))


def scored(name: str, seed: int, hours: float, start: datetime = NOON) -> Score:
    """Return the figures of one day; with the same seed the same happens."""
    profile = _profile(name, seed)
    own_seed = f"{profile.name}-{seed}"
    # The integration's own chances: how long to wait, and where in a second to ask.
    random.seed(own_seed)
    clock = ManualClock(start)
    loop = SimulatedLoop(clock)

    async def live() -> Observed:
        plex = SimulatedPlex(profile, clock=clock, seed=seed)
        # Connected, but nothing is pushed.
        plex.hub.muted = name in NO_PUSH
        return await World(plex, clock, loop).live(own_seed, hours)

    with simulated_time(clock), asyncio.Runner(loop_factory=lambda: loop) as runner:
        return score(name, seed, runner.run(live()))


def all_scored(
    days: Iterable[tuple[str, int]], hours: float, jobs: int
) -> Iterator[Score]:
    """Yield the figures of many days, side by side in processes of their own."""
    days = list(days)
    if 1 in (jobs, len(days)):
        yield from (scored(name, seed, hours) for name, seed in days)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, context) as pool:
        scores = [pool.submit(scored, name, seed, hours) for name, seed in days]
        for future in scores:
            yield future.result()


def _profile(name: str, seed: int) -> Profile:
    kind, _, number = name.partition(" ")
    if kind == DRAWN:
        return draw_profile(100 * seed + int(number or 1))
    base = PROFILES[name.partition(",")[0]]
    return base.with_traits(
        # Every other day, for what hides behind a locked database is counted apart.
        hangs_on_database=seed % 2 == 0,
        log_tells=name == SESSION or name in WITH_LOG,
        **_TRAITS.get(name.removesuffix(LOG), {}),
    )


REAL_TIME: Final = "current, real time"

# In seconds: how long tasks take, and the time between two actions.
_SHORTEST, _LONGEST = 0.5, 20.0
_PAUSE: Final = 1.0
_NOISE_PER_HOUR: Final = 600.0


def scored_in_real_time(seconds: float, seed: int) -> Score:
    """Return the figures of so many seconds of a server with many short runs."""
    rng = Random(f"minutes-{seed}")

    async def live() -> Observed:
        profile = PROFILES["current"]
        async with SimulatedPlex(profile, seed=seed) as plex, home_assistant() as hass:
            now = plex.clock.now
            seen = Observed(start=now(), end=now() + seconds)
            with watched_errors(seen.errors):
                home = Home(hass, plex, now, seen)
                await home.set_up()
                for task in plex.durations:
                    plex.durations[task] = rng.uniform(_SHORTEST, _LONGEST)
                plex.noise.ordinary_day(_NOISE_PER_HOUR)
                while (left := seen.end - now()) > 0:
                    _act_at_random(home, plex, rng)
                    await asyncio.sleep(min(left, rng.expovariate(1 / _PAUSE)))
                plex.noise.ordinary_day(0)
                complete(seen, plex)
                await home.unload()
                await hass.async_stop(force=True)
        return seen

    return score(REAL_TIME, seed, asyncio.run(live()))


def _act_at_random(home: Home, plex: SimulatedPlex, rng: Random) -> None:
    """Start a task, or now and then stop one, from here or from another client."""
    start = rng.random() < 0.8
    if not (tasks := sorted(plex.durations) if start else _running(plex)):
        return
    task = rng.choice(tasks)
    if rng.random() < 0.5:
        home.switch(task, on=start)
    else:
        (plex.client_start if start else plex.client_stop)(task)
