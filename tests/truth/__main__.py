"""Says how true the switches are with a *simulated* server, day after simulated day.

    python -m tests.truth --hours 24 --seed 1 2 3
    python -m tests.truth --profile current anonymous
    python -m tests.truth --real-time --minutes 10

It fails where a kind of server misses what it has to reach.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
import logging
import os
from pathlib import Path
from subprocess import run
import sys
from typing import Final

from .days import all_scored, names
from .goals import missed
from .real_time import scored_in_real_time
from .score import Score
from .table import as_markdown, as_text

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
