"""Says how true the switches are with a *simulated* server, day after simulated day.

    python -m tests.truth --hours 24 --seed 1 2 3
    python -m tests.truth --profile current anonymous
    python -m tests.truth --real-time --minutes 10

It fails where a kind of server misses what it has to reach.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
import logging
import os
from pathlib import Path
from subprocess import run
import sys
from typing import Final

from .days import all_scored, names, scored_in_real_time
from .score import Lag, Score


@dataclass(frozen=True, slots=True)
class Goal:
    """Something to reach, in the words in which it is told to have been missed."""

    text: str
    is_met: Callable[[Score], bool]


def _within(lag: Lag, seconds: float) -> bool:
    return lag.p95 is None or lag.p95 <= seconds


_EVERY: Final = (
    Goal("no exception and no error in the log", lambda it: not it.errors),
    Goal("nothing turned on by noise", lambda it: not it.untrue),
    Goal("nothing on for longer than the limit allows", lambda it: not it.overdue),
    Goal("no end told that did not happen", lambda it: not it.false_ends),
)
_REPORTED: Final = (
    Goal(
        "every run of over 10 s reported once",
        lambda it: it.reports.once == it.reports.happened,
    ),
    Goal(
        "every duration right within 2 s",
        lambda it: it.reports.right == it.reports.happened,
    ),
    Goal("no run reported that was none", lambda it: not it.reports.invented),
)
_PUSHED: Final = (
    *_REPORTED,
    Goal("recall >= 99.9 %", lambda it: it.recall >= 0.999),
    Goal("precision >= 99.9 %", lambda it: it.precision >= 0.999),
    Goal("start lag p95 <= 0.3 s", lambda it: _within(it.start, 0.35)),
    Goal("end lag p95 <= 0.3 s", lambda it: _within(it.end, 0.35)),
)
_SESSION: Final = (
    *_PUSHED,
    Goal(
        "every short run reported once",
        lambda it: it.reports.short_once == it.reports.short,
    ),
)
_LOGGED: Final = (
    *_SESSION,
    Goal("Butler busy right >= 99.9 %", lambda it: it.busy >= 0.999),
    # They are counted apart, so without this a log that is never open has no fault.
    Goal(
        "at most 5 % begun while the log was closed",
        lambda it: it.reports.unheard <= 0.05 * it.runs,
    ),
)
_POLLED: Final = (
    Goal("start lag p95 <= 15 s, watched", lambda it: _within(it.start_watched, 15)),
    Goal("end lag p95 <= 6 s", lambda it: _within(it.end, 6)),
    Goal("recall >= 95 %", lambda it: it.recall >= 0.95),
    Goal("precision >= 95 %", lambda it: it.precision >= 0.95),
)
_COMMANDED: Final = (Goal("nothing on without a command", lambda it: not it.unbidden),)
_NAMELESS: Final = (
    Goal("Butler busy right >= 99.9 %", lambda it: it.busy >= 0.999),
    Goal("end of our runs, alone, p95 <= 10 s", lambda it: _within(it.end_alone, 10)),
)
_ALONE: Final = (
    Goal("recall of our runs, alone, >= 98 %", lambda it: it.alone_recall >= 0.98),
    Goal("precision of them >= 98 %", lambda it: it.alone_precision >= 0.98),
    Goal("no run reported that was none", lambda it: not it.reports.invented),
)
_REAL_TIME: Final = (
    *_REPORTED,
    Goal("start lag p95 <= 1 s", lambda it: _within(it.start, 1)),
    Goal("end lag p95 <= 1 s", lambda it: _within(it.end, 1)),
)

GOALS: Final = {
    "session": _SESSION,
    "session, no log": _SESSION,
    "session, no names, log": _LOGGED,
    "silent, log": _LOGGED,
    "anonymous, log": _LOGGED,
    "session, children": _PUSHED,
    "session, no names": (*_NAMELESS, *_ALONE, *_COMMANDED),
    "session, no push": _POLLED,
    "current": _PUSHED,
    "current, no push": _POLLED,
    "anonymous": (*_NAMELESS, *_COMMANDED),
    "silent": _COMMANDED,
    "legacy": _PUSHED,
    "current, real time": _REAL_TIME,
}


def missed(score: Score) -> Iterator[str]:
    """Yield what a day should have reached and did not."""
    for goal in (*GOALS.get(score.profile, ()), *_EVERY):
        if not goal.is_met(score):
            yield f"{score.profile}, seed {score.seed}: missed: {goal.text}"


COLUMNS: Final = (
    "simulated server",
    "seed",
    "runs",
    "recall",
    "precision",
    "start lag",
    "end lag",
    "end lag, ours alone",
    "ours alone",
    "start, watched",
    "reported once",
    "short ones",
    "duration right",
    "reported wrongly",
    "false ends",
    "in cuts",
    "log closed",
    "in outages",
    "busy right",
    "on by noise",
    "on too long",
)


def cells(score: Score) -> tuple[str, ...]:
    """Return one line of the table."""
    reports = score.reports
    return (
        score.profile,
        str(score.seed),
        str(score.runs),
        _percent(score.recall),
        _percent(score.precision),
        _lag(score.start),
        _lag(score.end),
        _lag(score.end_alone),
        f"{_percent(score.alone_recall)} / {_percent(score.alone_precision)}",
        _lag(score.start_watched),
        f"{reports.once}/{reports.happened}",
        f"{reports.short_once}/{reports.short}",
        f"{reports.right}/{reports.happened}",
        str(reports.invented),
        str(len(score.false_ends)),
        f"{reports.cut_once}/{reports.cut}",
        str(reports.unheard),
        f"{reports.apart_once}/{reports.apart}",
        _percent(score.busy),
        str(len(score.untrue)),
        str(len(score.overdue)),
    )


def as_markdown(scores: Sequence[Score]) -> str:
    """Return the table for a document."""
    rows = [COLUMNS, ("---",) * len(COLUMNS), *map(cells, scores)]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def as_text(scores: Sequence[Score]) -> str:
    """Return the table for a terminal."""
    rows = [COLUMNS, *map(cells, scores)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(
            cell.ljust(width) for cell, width in zip(row, widths, strict=True)
        ).rstrip()
        for row in rows
    )


def _percent(share: float) -> str:
    # Rounded down, so that 100 % is all.
    return f"{int(share * 10_000) / 100:.2f} %"


def _lag(lag: Lag) -> str:
    if lag.median is None or lag.p95 is None:
        return "-"
    return f"{lag.median:.1f} / {lag.p95:.1f} s"


ROOT: Final = Path(__file__).parents[2]


def parse(arguments: Sequence[str] | None) -> Namespace:
    """Return what is wanted."""
    parser = ArgumentParser(prog="python -m tests.truth", description=__doc__)
    parser.add_argument("--hours", type=float, default=24, help="of each day")
    parser.add_argument(
        "--seed", type=int, nargs="+", help="default: three, made from the commit"
    )
    parser.add_argument("--profile", nargs="+", help="kinds of servers; default: all")
    parser.add_argument("--drawn", type=int, default=4, help="drawn kinds per seed")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes")
    parser.add_argument("--markdown", action="store_true", help="a table for documents")
    parser.add_argument("--real-time", action="store_true", help="`current`, as it is")
    parser.add_argument("--minutes", type=float, default=10, help="of real time")
    return parser.parse_args(arguments)


def seeds_of_commit() -> list[int]:
    """Return three seeds that nobody chose, and that another commit does not have."""
    git = ("git", "rev-parse", "HEAD")
    commit = run(git, capture_output=True, text=True, check=True, cwd=ROOT).stdout  # noqa: S603 the command is fixed
    return [int(commit[at : at + 4], 16) for at in (0, 4, 8)]


def main(arguments: Sequence[str] | None = None) -> int:
    """Show the table; return what the command ends with."""
    wanted = parse(arguments)
    seeds = wanted.seed or seeds_of_commit()
    sys.stderr.write(f"Simulated servers, seeds {' '.join(map(str, seeds))}\n")
    # What went wrong is counted, and told below.
    logging.getLogger().addHandler(logging.NullHandler())
    if wanted.real_time:
        seconds = wanted.minutes * 60
        scores = [scored_in_real_time(seconds, seed) for seed in seeds[:1]]
        return tell(scores, markdown=wanted.markdown)
    kinds = wanted.profile or names(wanted.drawn)
    days = [(name, seed) for name in kinds for seed in seeds]
    return tell(
        list(all_scored(days, wanted.hours, wanted.jobs)), markdown=wanted.markdown
    )


def tell(scores: Sequence[Score], *, markdown: bool) -> int:
    """Print figures, and what they miss; return 1 if there is anything."""
    table = as_markdown(scores) if markdown else as_text(scores)
    sys.stdout.write(f"{table}\n")
    complaints = [line for score in scores for line in missed(score)]
    details = [line for score in scores for line in _details(score)]
    sys.stderr.writelines(f"{line}\n" for line in [*complaints, *details])
    return 1 if complaints else 0


def _details(score: Score) -> list[str]:
    lines = [*score.errors, *(f"on by noise: {it}" for it in score.untrue)]
    lines += [f"never ended: {it}" for it in score.false_ends]
    lines += [f"on for {seconds:.0f} s too long" for seconds in score.overdue]
    return [f"{score.profile}, seed {score.seed}: {line}" for line in lines]


if __name__ == "__main__":
    sys.exit(main())
