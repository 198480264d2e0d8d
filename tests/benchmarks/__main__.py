"""Shows what the integration costs beside other clients, in one table.

    python -m tests.benchmarks
    python -m tests.benchmarks --markdown docs/performance.md

The second also writes the table into a document, between its two markers.
"""

from argparse import ArgumentParser
import asyncio
from collections.abc import Iterator
import logging
import os
from pathlib import Path
from statistics import mean, median, quantiles
from typing import Final

from .hours import measure_idle, measure_night
from .loads import measure_burst, measure_scale, measure_set_up, tenths
from .measure import measure_latency, measure_log_storm, measure_storm
from .polls import FLOOR, OURS, measure_polls, measure_refresh

BEGIN: Final = "<!-- table -->"
END: Final = "<!-- end of table -->"
_SERVERS: Final = 100
_STORM: Final = 10_000


def _row(
    figure: str,
    ours: str,
    instead: str = "",
    ratio: float | str = "",
    to_reach: str = "",
    *,
    met: bool | None = None,
) -> str:
    """Return a line of the table; `met` is None where nothing is to be reached."""
    shown = f"{ratio:.2f}" if isinstance(ratio, float) else ratio
    reached = {None: "", True: "yes", False: "**no**"}[met]
    return f"| {figure} | {ours} | {instead} | {shown} | {to_reach} | {reached} |"


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.2f} ms"


def _polls(figure: str, change: str | None, most: float) -> Iterator[str]:
    taken = asyncio.run(measure_polls(100, change))
    ours = taken.pop(OURS)
    for name, other in taken.items():
        met = ours <= most * other if name == FLOOR else None
        goal = f"<= {most} x" if name == FLOOR else ""
        yield _row(
            figure, _ms(ours), f"{name}: {_ms(other)}", ours / other, goal, met=met
        )


def _all_polls() -> Iterator[str]:
    yield from _polls("CPU per poll, same bytes", None, 1.0)
    yield from _polls("CPU per poll, other activities", "change_activities", 1.35)
    yield from _polls("CPU per poll, other tasks as well", "change_all", 1.35)
    it = asyncio.run(measure_refresh(100))
    figure = f"refresh without news, {it.entities} entities"
    bare, ratio = f"{FLOOR}: {_ms(it.floor)}", it.ours / it.floor
    yield _row(figure, _ms(it.ours), bare, ratio, "<= 2 x", met=ratio <= 2)
    counts = f"{it.writes} states, {it.rounds} rounds in {it.refreshes}"
    met = it.writes == 0 and it.rounds <= it.refreshes
    yield _row(figure, counts, to_reach="0 states, 1 round each", met=met)


def _set_up() -> Iterator[str]:
    asyncio.run(measure_set_up(0))  # it imports all that a set-up needs
    for round_trip in (0.0, 0.05):
        depth, requests, wall = asyncio.run(measure_set_up(round_trip))
        figure = f"set-up, round trip of {round_trip * 1000:.0f} ms"
        ours = f"{depth} exchanges in turn ({requests} in all), {_ms(wall)}"
        yield _row(figure, ours, to_reach="<= 2", met=depth <= 2)


def _push() -> Iterator[str]:
    shown, bare = asyncio.run(measure_latency(500))
    figure = "push: frame to state, "
    ours, other = median(shown), median(bare)
    instead, goal = f"bare client: {_ms(other)}", "<= 1.5 ms, <= 2.5 x"
    met = ours <= 0.0015 and ours <= 2.5 * other
    yield _row(f"{figure}median", _ms(ours), instead, ours / other, goal, met=met)
    ours, other = (quantiles(it, n=100)[-1] for it in (shown, bare))
    instead, met = f"bare client: {_ms(other)}", ours <= 0.008
    yield _row(f"{figure}p99", _ms(ours), instead, ours / other, "<= 8 ms", met=met)


def _storms() -> Iterator[str]:
    storm = asyncio.run(measure_storm(_STORM))
    log = asyncio.run(measure_log_storm(_STORM))
    for figure, it in (("scan messages", storm), ("lines of the log", log)):
        ratio = it.filtering / it.decoding
        yield _row(
            f"{it.frames} {figure}",
            f"{_ms(it.filtering)}, {it.state_writes} states",
            f"decoding all: {_ms(it.decoding)}",
            f"{ratio:.3f}",
            "0 states, <= 0.25 x",
            met=it.state_writes == 0 and ratio <= 0.25,
        )


def _bursts() -> Iterator[str]:
    for name, burst in (
        ("22 tasks begin and end at once", ("night",)),
        ("distinct frames of Butler's", ("butler_frames", _STORM)),
    ):
        it = asyncio.run(measure_burst(*burst))
        figure = f"{name}, {it.frames} frames"
        done = f"{it.rounds} rounds, {it.writes} states, {it.requests} requests"
        met = it.rounds <= 2 and it.requests == 0
        yield _row(figure, done, to_reach="<= 2 rounds, no request", met=met)
        held = f"loop held {_ms(it.hold.wall)}, of it CPU {_ms(it.hold.cpu)}"
        yield _row(figure, held, to_reach="<= 5 ms", met=it.hold.cpu <= 0.005)


def _hours() -> Iterator[str]:
    limits = {"stream trusted": 15, "stream connected": 60, "no stream": 130}
    for name, (requests, rows) in measure_idle().items():
        limit = limits[name]
        counts = f"{requests} requests an hour, {rows} recorder rows"
        met = requests <= limit and rows == 0
        yield _row(f"idle, {name}", counts, to_reach=f"<= {limit}, 0 rows", met=met)
    for all_enabled in (False, True):
        runs, states, events = measure_night(all_enabled=all_enabled)
        what = "all entities enabled" if all_enabled else "as installed"
        each = (states + events) / runs
        counts = f"{each:.1f} recorder rows a task ({states} states, {events} events)"
        figure = f"a night of {runs} tasks, {what}"
        yield _row(figure, counts, to_reach="<= 8", met=each <= 8)


def _many() -> Iterator[str]:
    scale = asyncio.run(measure_scale(_SERVERS))
    name = f"{_SERVERS} servers"
    # Without the first tenth
    memory = mean(scale.memory[_SERVERS // 10 :])
    yield _row(f"{name}: memory of each", f"{memory / 1024:.0f} KiB")
    for what, figures in (("set-up", scale.set_up), ("refresh", scale.refresh)):
        first, last = tenths(figures)
        yield _row(
            f"{name}: CPU of a {what}",
            f"tenth tenth: {_ms(last)}",
            f"first tenth: {_ms(first)}",
            last / first,
            "tenth tenth <= first",
            # Two runs of the same differ by so much.
            met=last <= 1.1 * first,
        )


def main() -> None:
    parser = ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--markdown", type=Path, help="the document for the table")
    document = parser.parse_args().markdown
    logging.basicConfig(level=logging.CRITICAL)
    load = os.getloadavg()[0]
    lines = [
        "| figure | ours | instead | ratio | to reach | met |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for measure in (_all_polls, _set_up, _push, _storms, _bursts, _hours, _many):
        lines += measure()
    lines += ["", f"Load of the machine before the run: {load:.1f}."]
    text = "\n".join(lines)
    print(text)
    if document:
        before, _, rest = document.read_text().partition(BEGIN)
        _, _, after = rest.partition(END)
        document.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}")


if __name__ == "__main__":
    main()
