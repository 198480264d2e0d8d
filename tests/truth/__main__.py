"""Says how true the switches are with a *simulated* server, day after simulated day.

    python -m tests.truth --hours 24 --seed 1 2 3
    python -m tests.truth --profile current anonymous
    python -m tests.truth --real-time --minutes 10

It fails where a kind of server misses what it has to reach.
"""

from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator, Mapping, Sequence
import logging
import os
from pathlib import Path
from subprocess import run
import sys
from typing import Final

from .days import all_scored, names, scored_in_real_time
from .score import Lag, Score

type Goals = Mapping[str, Callable[[Score], bool]]


def _within(lag: Lag, seconds: float) -> bool:
    return lag.p95 is None or lag.p95 <= seconds


# What is to be reached, in the words in which it is reported as missed.
_EVERY: Final[Goals] = {
    "no exception and no error in the log": lambda it: not it.errors,
    "nothing turned on by noise": lambda it: not it.untrue,
    "nothing on for longer than the limit allows": lambda it: not it.overdue,
    "no end told that did not happen": lambda it: not it.false_ends,
}
_NOT_INVENTED: Final[Goals] = {
    "no run reported that was none": lambda it: not it.reports.invented
}


def _all(part: str, of: str) -> Callable[[Score], bool]:
    return lambda it: getattr(it.reports, part) == getattr(it.reports, of)


_REPORTED: Final[Goals] = {
    **_NOT_INVENTED,
    "every run of over 10 s reported once": _all("once", "happened"),
    "every duration right within 2 s": _all("right", "happened"),
}
_TIMELY: Final[Goals] = {
    **_REPORTED,
    "recall >= 99.9 %": lambda it: it.recall >= 0.999,
    "start lag p95 <= 0.3 s": lambda it: _within(it.start, 0.35),
    "end lag p95 <= 0.3 s": lambda it: _within(it.end, 0.35),
}
_PUSHED: Final[Goals] = {
    **_TIMELY,
    "precision >= 99.9 %": lambda it: it.precision >= 0.999,
}
_SESSION: Final[Goals] = {
    **_PUSHED,
    "every short run reported once": _all("short_once", "short"),
}
_BUSY: Final[Goals] = {"Butler busy right >= 99.9 %": lambda it: it.busy >= 0.999}
_LOGGED: Final[Goals] = {
    **_SESSION,
    # An end in a gap of the log shows with the next poll, up to a minute later.
    "Butler busy right >= 99.8 %": lambda it: it.busy >= 0.998,
    # They are counted apart, so without this a log that is never open has no fault.
    "at most 5 % begun while the log was closed": lambda it: (
        it.reports.unheard <= 0.05 * it.runs
    ),
}
_POLLED: Final[Goals] = {
    "start lag p95 <= 15 s, watched": lambda it: _within(it.start_watched, 15),
    "end lag p95 <= 6 s": lambda it: _within(it.end, 6),
    # A poll may be 75 s late for what another client starts outside the window.
    "recall >= 90 %": lambda it: it.recall >= 0.9,
    "precision >= 95 %": lambda it: it.precision >= 0.95,
}
_NAMELESS: Final[Goals] = {
    **_BUSY,
    "end of our runs, alone, p95 <= 10 s": lambda it: _within(it.end_alone, 10),
    "nothing on without a command": lambda it: not it.unbidden,
}
GOALS: Final[Mapping[str, Goals]] = {
    "session": _SESSION,
    "session, no log": _SESSION,
    "session, no names, log": _LOGGED,
    "silent, log": _LOGGED,
    "anonymous, log": _LOGGED,
    "session, children": _PUSHED,
    "session, no names": {
        **_NAMELESS,
        **_NOT_INVENTED,
        "recall of our runs, alone, >= 98 %": lambda it: it.alone_recall >= 0.98,
        "precision of them >= 98 %": lambda it: it.alone_precision >= 0.98,
    },
    "session, no push": _POLLED,
    "current": _PUSHED,
    "current, no push": _POLLED,
    "anonymous": _NAMELESS,
    "silent": {"nothing on without a command": lambda it: not it.unbidden},
    # Some of its days have none but short runs, each of which is shown 0.3 s longer.
    "legacy": {**_TIMELY, "precision >= 99.8 %": lambda it: it.precision >= 0.998},
    "current, real time": {
        **_REPORTED,
        "start lag p95 <= 1 s": lambda it: _within(it.start, 1),
        "end lag p95 <= 1 s": lambda it: _within(it.end, 1),
    },
}


def missed(score: Score) -> Iterator[str]:
    """Yield what a day should have reached and did not."""
    for text, is_met in ({**GOALS.get(score.profile, {}), **_EVERY}).items():
        if not is_met(score):
            yield f"{score.profile}, seed {score.seed}: missed: {text}"


def percent(share: float) -> str:
    # Rounded down, so that 100 % is all.
    return f"{int(share * 10_000) / 100:.2f} %"


def _lag(lag: Lag) -> str:
    if lag.median is None or lag.p95 is None:
        return "-"
    return f"{lag.median:.1f} / {lag.p95:.1f} s"


COLUMNS: Final[Mapping[str, Callable[[Score], str]]] = {
    "simulated server": lambda it: it.profile,
    "seed": lambda it: str(it.seed),
    "runs": lambda it: str(it.runs),
    "recall": lambda it: percent(it.recall),
    "precision": lambda it: percent(it.precision),
    "start lag": lambda it: _lag(it.start),
    "end lag": lambda it: _lag(it.end),
    "end lag, ours alone": lambda it: _lag(it.end_alone),
    "ours alone": lambda it: (
        f"{percent(it.alone_recall)} / {percent(it.alone_precision)}"
    ),
    "start, watched": lambda it: _lag(it.start_watched),
    "reported once": lambda it: f"{it.reports.once}/{it.reports.happened}",
    "short ones": lambda it: f"{it.reports.short_once}/{it.reports.short}",
    "duration right": lambda it: f"{it.reports.right}/{it.reports.happened}",
    "reported wrongly": lambda it: str(it.reports.invented),
    "false ends": lambda it: str(len(it.false_ends)),
    "in cuts": lambda it: f"{it.reports.cut_once}/{it.reports.cut}",
    "log closed": lambda it: str(it.reports.unheard),
    "in outages": lambda it: f"{it.reports.apart_once}/{it.reports.apart}",
    "busy right": lambda it: percent(it.busy),
    "on by noise": lambda it: str(len(it.untrue)),
    "on too long": lambda it: str(len(it.overdue)),
}


def table(scores: Sequence[Score]) -> str:
    """Return the figures as they are in the document."""
    rows = [[cell(score) for cell in COLUMNS.values()] for score in scores]
    rows = [list(COLUMNS), ["---"] * len(COLUMNS), *rows]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


ROOT: Final = Path(__file__).parents[2]


def parse(arguments: Sequence[str] | None) -> Namespace:
    parser = ArgumentParser(prog="python -m tests.truth", description=__doc__)
    parser.add_argument("--hours", type=float, default=24, help="of each day")
    parser.add_argument(
        "--seed", type=int, nargs="+", help="default: three, made from the commit"
    )
    parser.add_argument("--profile", nargs="+", help="kinds of servers; default: all")
    parser.add_argument("--drawn", type=int, default=4, help="drawn kinds per seed")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes")
    parser.add_argument("--real-time", action="store_true", help="`current`, as it is")
    parser.add_argument("--minutes", type=float, default=10, help="of real time")
    return parser.parse_args(arguments)


def seeds_of_commit() -> list[int]:
    """Return three seeds made from the commit, so that each commit has its own."""
    git = ("git", "rev-parse", "HEAD")
    commit = run(git, capture_output=True, text=True, check=True, cwd=ROOT).stdout  # noqa: S603 the command is fixed
    return [int(commit[at : at + 4], 16) for at in (0, 4, 8)]


def main(arguments: Sequence[str] | None = None) -> int:
    wanted = parse(arguments)
    seeds = wanted.seed or seeds_of_commit()
    sys.stderr.write(f"Simulated servers, seeds {' '.join(map(str, seeds))}\n")
    # What went wrong is counted, and told below.
    logging.getLogger().addHandler(logging.NullHandler())
    if wanted.real_time:
        scores = [scored_in_real_time(wanted.minutes * 60, seeds[0])]
    else:
        kinds = wanted.profile or names(wanted.drawn)
        days = [(name, seed) for name in kinds for seed in seeds]
        scores = list(all_scored(days, wanted.hours, wanted.jobs))
    sys.stdout.write(f"{table(scores)}\n")
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
