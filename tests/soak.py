"""Lets a *simulated* server and a Home Assistant live for weeks, and looks for growth.

    python -m tests.soak --days 30 --seed 1

Every day ends when nothing runs. Then what the integration holds is counted, and what
the switches showed is compared with the truth. It fails where something grows, or is
not as true as on an ordinary day.
"""

from argparse import ArgumentParser
import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
import gc
import logging
import os
from pathlib import Path
import random
from statistics import linear_regression, mean
import sys
from tempfile import TemporaryDirectory
import tracemalloc
from typing import Final

from homeassistant.config_entries import ConfigEntryState

from tests.simulator import NOON, PROFILES, ManualClock, SimulatedPlex, TaskState
from tests.truth.__main__ import missed, percent
from tests.truth.days import Day, World
from tests.truth.home import Home, complete, home_assistant
from tests.truth.score import Score, score
from tests.truth.truths import OFF, Observed, Shown
from tests.truth.world import SimulatedLoop, simulated_time, watched_errors

PROFILE: Final = "session"
# After so many days, another Home Assistant is started in place of the old one.
_DAYS_OF_ONE: Final = 5
# So many days fill the history of runs, which then stays as large.
FILLING: Final = 6
# Whose allocations count: what the simulator and the score keep is their own.
_OURS: Final = ("*/custom_components/plex_butler/*", "*/homeassistant/*")
_PACKAGE: Final = "custom_components.plex_butler"
_REFUSALS: Final = ("400", "403", "429", "500", "502", "503", "504", "cut")
# Said of a command, these would be believed to be the server's own answer to it.
_LIES: Final = ("404", "garbage", "wrong-shape")
# What went wrong is over for everybody so much later.
_AFTERMATH: Final = 60.0
# A run that is over leaves nothing behind after so long.
_CALM: Final = 900.0


class RoughDay(Day):
    """A day on which answers are wrong as well, and the log is flooded."""

    def __init__(self, plex: SimulatedPlex, home: Home, seed: str) -> None:
        super().__init__(plex, home, seed)
        self._rates |= {
            self._answer_wrongly: 0.2,
            lambda _: plex.noise.log_flood(3000): 0.1,
        }

    def _answer_wrongly(self, _: str) -> None:
        now, seconds = self._plex.clock.now(), self._rng.uniform(5, 120)
        name = self._rng.choice([*_REFUSALS, *_LIES])
        method = "GET" if name in _LIES else None
        self._plex.fault(name, count=None, method=method)
        self._home.hass.loop.call_later(seconds, self._plex.clear_faults)
        self._home.seen.outages.append((now, now + seconds + _AFTERMATH))


@dataclass(frozen=True, kw_only=True, slots=True)
class SoakedDay:
    """A day that is over, and how much is held of each thing at its end."""

    number: int
    faults: int
    held: Mapping[str, int]
    score: Score


type OnDay = Callable[[SoakedDay], None]


class Weeks(World):
    """A server for weeks, and one Home Assistant after another."""

    # In seconds.
    length: float = 24 * 3600

    async def soak(self, seed: int, days: int, on_day: OnDay) -> None:
        """Call `on_day` with each day once it is over."""
        numbers = range(1, days + 1)
        with TemporaryDirectory() as directory, self._traffic.counted():
            async with self._plex:
                for first in numbers[::_DAYS_OF_ONE]:
                    of_one = numbers[first - 1 : first - 1 + _DAYS_OF_ONE]
                    await self._live_in_one(directory, seed, of_one, on_day)
                    gc.collect()
                    # Of a Home Assistant that has stopped, nothing is left.
                    assert not {"RunTracker", "PlexButlerCoordinator"} & set(_objects())

    async def _live_in_one(
        self, directory: str, seed: int, numbers: Sequence[int], on_day: OnDay
    ) -> None:
        async with home_assistant(directory) as hass:
            seen = self._new_day()
            home = Home(hass, self._plex, self._clock.now, seen, entry_id="soak")
            with watched_errors(seen.errors):
                await self._until_done(home.set_up())
            for number in numbers:
                with watched_errors(seen.errors):
                    on_day(await self._live_day(home, number, f"{seed}-{number}"))
                home.seen = seen = self._new_day(home.seen)
            await self._until_done(home.unload())
            await self._until_done(hass.async_stop(force=True))

    def _new_day(self, before: Observed | None = None) -> Observed:
        """Return what to write the next day down in; all is off."""
        self._first = len(self._plex.intervals)
        self._traffic.listened.clear()
        self._plex.requests.clear()
        seen = Observed(start=self._clock.now(), end=self._clock.now())
        if before and before.butler:
            seen.butler.append(Shown(seen.start, before.butler[-1].state))
        return seen

    async def _live_day(self, home: Home, number: int, seed: str) -> SoakedDay:
        plex, seen = self._plex, home.seen
        durations = dict(plex.durations)
        self._day = RoughDay(plex, home, seed)
        while self._clock.now() < seen.start + self.length - _CALM:
            await self._step(seen.start + self.length)
        self._day, calm_at = None, self._clock.now() + _CALM
        while self._clock.now() < calm_at:
            await self._step(calm_at)
            if not self._is_calm(home):
                calm_at = self._clock.now() + _CALM
        plex.durations.update(durations)
        seen.end = self._clock.now()
        complete(seen, plex)
        # Those of earlier days were over.
        del seen.intervals[: self._first]
        return SoakedDay(
            number=number,
            faults=len(seen.outages) + len(seen.cuts),
            held=self._held(home),
            score=score(PROFILE, number, seen),
        )

    def _is_calm(self, home: Home) -> bool:
        """Return True if nothing runs, and Home Assistant shows so."""
        states = home.seen.switches.values()
        return (
            home.entry.state is ConfigEntryState.LOADED
            and home.entry.runtime_data.last_update_success
            and set(self._plex.truth().values()) <= {TaskState.IDLE}
            and all(shown[-1].state == OFF for shown in states)
        )

    def _held(self, home: Home) -> dict[str, int]:
        """Count what is held, once nothing is left that could be let go."""
        gc.collect()
        snapshot = tracemalloc.take_snapshot()
        filters = [
            tracemalloc.Filter(inclusive=True, filename_pattern=it) for it in _OURS
        ]
        traces = snapshot.filter_traces(filters).statistics("filename")
        resident = int(Path("/proc/self/statm").read_text().split()[1])
        # But for the look itself
        files = [it for it in Path("/proc/self/fd").iterdir() if it.is_symlink()]
        links = [str(it.readlink()) for it in files]
        return {
            "ours, KiB": sum(it.size for it in traces) // 1024,
            "resident, MiB": resident * os.sysconf("SC_PAGE_SIZE") // 1024**2,
            "objects": len(_objects()),
            "tasks": len(asyncio.all_tasks(self._loop)),
            "timers": sum(not timer.cancelled() for timer in self._loop._scheduled),
            "listeners": sum(home.hass.bus.async_listeners().values()),
            "sockets": sum(link.startswith("socket:") for link in links),
        }


def _objects() -> list[str]:
    """Return the classes of the integration's objects that anything refers to."""
    kinds = map(type, gc.get_objects())
    return [it.__name__ for it in kinds if str(it.__module__).startswith(_PACKAGE)]


def soaked(seed: int, days: int, on_day: OnDay, *, day: float) -> None:
    """Let days of so many seconds pass; with the same seed the same happens."""
    random.seed(seed)
    clock = ManualClock(NOON)
    loop = SimulatedLoop(clock)
    profile = PROFILES[PROFILE].with_traits(log_tells=True, hangs_on_database=False)

    async def live() -> None:
        plex = SimulatedPlex(profile, clock=clock, seed=seed)
        weeks = Weeks(plex, clock, loop)
        weeks.length = day
        await weeks.soak(seed, days, on_day)

    tracemalloc.start()
    try:
        with simulated_time(clock), asyncio.Runner(loop_factory=lambda: loop) as runner:
            runner.run(live())
    finally:
        tracemalloc.stop()


def grown(days: Sequence[SoakedDay]) -> Iterator[str]:
    """Yield what is more at the end than it was, once the history is full."""
    full = days[FILLING:]
    third = len(full) // 3
    for name, slack in _SLACK.items() if third else ():
        counts = [day.held[name] for day in full]
        before, after = counts[:third], counts[-third:]
        slope = linear_regression(range(len(counts)), counts).slope
        if mean(after) > mean(before) * slack and slope * len(counts) > before[0] * (
            slack - 1
        ):
            yield f"{name} grew from {mean(before):.0f} to {mean(after):.0f}"


# By how much each may be more in the last third of the days than in the first.
_SLACK: Final[Mapping[str, float]] = {
    "ours, KiB": 1.05,
    "resident, MiB": 1.1,
    "objects": 1.05,
    "tasks": 1.0,
    "timers": 1.05,
    "listeners": 1.0,
    "sockets": 1.0,
}


def figures(day: SoakedDay) -> dict[str, str]:
    """Return the row of the table."""
    return {
        "day": str(day.number),
        "faults": str(day.faults),
        "runs": str(day.score.runs),
        "recall": percent(day.score.recall),
        "precision": percent(day.score.precision),
        "false ends": str(len(day.score.false_ends)),
        "invented": str(day.score.reports.invented),
        **{name: str(count) for name, count in day.held.items()},
    }


def _write(cells: Iterable[str]) -> None:
    sys.stdout.write(f"| {' | '.join(cells)} |\n")
    sys.stdout.flush()


def main(arguments: Sequence[str] | None = None) -> int:
    parser = ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--hours", type=float, default=24, help="of each day")
    parser.add_argument("--seed", type=int, default=1)
    wanted = parser.parse_args(arguments)
    # What went wrong is counted, and reported below.
    logging.getLogger().addHandler(logging.NullHandler())
    days: list[SoakedDay] = []

    def note(day: SoakedDay) -> None:
        row = figures(day)
        if not days:
            _write(row)
            _write(["---"] * len(row))
        days.append(day)
        _write(row.values())

    soaked(wanted.seed, wanted.days, note, day=wanted.hours * 3600)
    complaints = [line for day in days for line in missed(day.score)]
    complaints += [line for day in days for line in day.score.errors]
    complaints += grown(days)
    sys.stderr.writelines(f"{line}\n" for line in complaints)
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
