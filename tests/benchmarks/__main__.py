"""Shows what the integration costs beside other clients, in one table.

    python -m tests.benchmarks
    python -m tests.benchmarks --markdown docs/performance.md

The second also writes the table into a document, between its two markers.
"""

from argparse import ArgumentParser
import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass
import logging
import os
from pathlib import Path
import sys
from typing import Final

from .hours import measure_all_idle, measure_night
from .loads import Burst, measure_burst, measure_scale, measure_set_up
from .measure import measure_latency, measure_log_storm, measure_storm
from .polls import (
    FLOOR,
    OURS,
    PLEX_API_CLIENT,
    PLEXAPI,
    measure_polls,
    measure_refresh,
)

BEGIN: Final = "<!-- table -->"
END: Final = "<!-- end of table -->"
_HEADERS: Final = ("figure", "ours", "instead", "ratio", "to reach", "met")
_SERVERS: Final = 100
_STORM: Final = 10_000
_HOLD: Final = 0.005


@dataclass(frozen=True)
class Row:
    """A figure; `met` is None where nothing is to be reached."""

    figure: str
    ours: str
    instead: str = ""
    ratio: str = ""
    to_reach: str = ""
    met: bool | None = None

    def cells(self) -> list[str]:
        *texts, met = astuple(self)
        return [*texts, {None: "", True: "yes", False: "**no**"}[met]]


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.2f} ms"


def _polls(figure: str, change: str | None, most: float | None) -> Iterator[Row]:
    taken = asyncio.run(measure_polls(100, change))
    ours, floor = taken[OURS], taken[FLOOR]
    goal = f"<= {most} x" if most else ""
    met = ours <= most * floor if most else None
    bare = f"{FLOOR}: {_ms(floor)}"
    yield Row(figure, _ms(ours), bare, f"{ours / floor:.2f}", goal, met)
    for name in (PLEXAPI, PLEX_API_CLIENT):
        if name in taken:
            instead = f"{name}: {_ms(taken[name])}"
            yield Row(figure, _ms(ours), instead, f"{ours / taken[name]:.2f}")
        else:
            yield Row(figure, _ms(ours), f"{name} is not installed")


def _all_polls() -> Iterator[Row]:
    yield from _polls("CPU per poll, same bytes", None, 1.0)
    yield from _polls("CPU per poll, other activities", "change_activities", 1.35)
    yield from _polls("CPU per poll, other tasks as well", "change_all", 1.35)
    it = asyncio.run(measure_refresh(100))
    figure = f"refresh without news, {it.entities} entities"
    bare = f"{FLOOR}: {_ms(it.floor)}"
    ratio = it.ours / it.floor
    yield Row(figure, _ms(it.ours), bare, f"{ratio:.2f}", "<= 2 x", ratio <= 2)
    counts = f"{it.writes} states, {it.rounds} rounds in {it.refreshes}"
    met = it.writes == 0 and it.rounds <= it.refreshes
    yield Row(figure, counts, to_reach="0 states, 1 round each", met=met)


def _set_up() -> Iterator[Row]:
    asyncio.run(measure_set_up(0))  # it imports all that a set-up needs
    for round_trip in (0.0, 0.05):
        it = asyncio.run(measure_set_up(round_trip))
        figure = f"set-up, round trip of {round_trip * 1000:.0f} ms"
        ours = f"{it.depth} exchanges in turn ({it.requests} in all), {_ms(it.wall)}"
        yield Row(figure, ours, to_reach="<= 2", met=it.depth <= 2)


def _push() -> Iterator[Row]:
    it = asyncio.run(measure_latency(500))
    ours, bare = _ms(it.median), f"bare client: {_ms(it.bare_median)}"
    ratio, goal = f"{it.ratio:.2f}", "<= 1.5 ms, <= 2.5 x"
    met = it.median <= 0.0015 and it.ratio <= 2.5
    yield Row("push: frame to state, median", ours, bare, ratio, goal, met)
    ours, bare = _ms(it.p99), f"bare client: {_ms(it.bare_p99)}"
    ratio, met = f"{it.p99 / it.bare_p99:.2f}", it.p99 <= 0.008
    yield Row("push: frame to state, p99", ours, bare, ratio, "<= 8 ms", met)


def _storms() -> Iterator[Row]:
    storm, log = (
        asyncio.run(measure_storm(_STORM)),
        asyncio.run(measure_log_storm(_STORM)),
    )
    for figure, it in (("scan messages", storm), ("lines of the log", log)):
        ratio = it.filtering / it.decoding
        instead = f"decoding all: {_ms(it.decoding)}"
        yield Row(
            f"{it.frames} {figure}",
            f"{_ms(it.filtering)}, {it.state_writes} states",
            instead,
            f"{ratio:.3f}",
            "0 states, <= 0.25 x",
            it.state_writes == 0 and ratio <= 0.25,
        )


def _bursts() -> Iterator[Row]:
    night = asyncio.run(measure_burst("night"))
    yield from _burst("22 tasks begin and end at once", night)
    many = asyncio.run(measure_burst("butler_frames", _STORM))
    yield from _burst("distinct frames of Butler's", many)


def _burst(figure: str, it: Burst) -> Iterator[Row]:
    figure = f"{figure}, {it.frames} frames"
    done = f"{it.rounds} rounds, {it.writes} states, {it.requests} requests"
    met = it.rounds <= 2 and it.requests == 0
    yield Row(figure, done, to_reach="<= 2 rounds, no request", met=met)
    held = f"loop held {_ms(it.hold.wall)}, of it CPU {_ms(it.hold.cpu)}"
    yield Row(figure, held, to_reach="<= 5 ms", met=it.hold.cpu <= _HOLD)


def _hours() -> Iterator[Row]:
    limits = {"trusted": 15, "connected": 60, "without": 130}
    names = {"trusted": "stream trusted", "connected": "stream connected"}
    for name, it in measure_all_idle().items():
        limit = limits[name]
        yield Row(
            f"idle, {names.get(name, 'no stream')}",
            f"{it.requests} requests an hour, {it.rows} recorder rows",
            to_reach=f"<= {limit}, 0 rows",
            met=it.requests <= limit and it.rows == 0,
        )
    for all_enabled in (False, True):
        night = measure_night(all_enabled=all_enabled)
        what = "all entities enabled" if all_enabled else "as installed"
        counts = f"{night.states} states, {night.events} events"
        yield Row(
            f"a night of {night.runs} tasks, {what}",
            f"{night.rows_per_task:.1f} recorder rows a task ({counts})",
            to_reach="<= 8",
            met=night.rows_per_task <= 8,
        )


def _many() -> Iterator[Row]:
    scale = asyncio.run(measure_scale(_SERVERS))
    name = f"{_SERVERS} servers"
    memory = f"{scale.memory_per_server / 1024:.0f} KiB"
    yield Row(f"{name}: memory of each", memory)
    for what, figures in (("set-up", scale.set_up), ("refresh", scale.refresh)):
        first, last = scale.tenths(figures)
        ratio, goal = last / first, "tenth tenth <= first"
        yield Row(
            f"{name}: CPU of a {what}",
            f"tenth tenth: {_ms(last)}",
            f"first tenth: {_ms(first)}",
            f"{ratio:.2f}",
            goal,
            # Two runs of the same differ by so much.
            ratio <= 1.1,
        )


def table(rows: Sequence[Row]) -> str:
    cells = [list(_HEADERS), ["---"] * len(_HEADERS), *(row.cells() for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in cells)


def write(document: Path, text: str) -> None:
    """Put the table in the place of the one between the markers."""
    before, _, rest = document.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    document.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}")


def main() -> None:
    parser = ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--markdown", type=Path, help="the document for the table")
    document = parser.parse_args().markdown
    logging.basicConfig(level=logging.CRITICAL)
    load = os.getloadavg()[0]
    measures = (_all_polls, _set_up, _push, _storms, _bursts, _hours, _many)
    rows = [row for measure in measures for row in measure()]
    text = table(rows)
    text += f"\n\nLoad of the machine before the run: {load:.1f}."
    sys.stdout.write(f"{text}\n")
    if document:
        write(document, text)


if __name__ == "__main__":
    main()
