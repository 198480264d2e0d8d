"""What each kind of server has to reach; below that, the command fails."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

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
    Goal("recall >= 99 %", lambda it: it.recall >= 0.99),
    Goal("precision >= 99 %", lambda it: it.precision >= 0.99),
)
_POLLED: Final = (
    # So seldom is an idle server asked whose stream is up.
    Goal("start lag p95 <= 76 s", lambda it: _within(it.start, 76)),
    Goal("end lag p95 <= 11 s", lambda it: _within(it.end, 11)),
    Goal("recall >= 95 %", lambda it: it.recall >= 0.95),
    Goal("precision >= 95 %", lambda it: it.precision >= 0.95),
)
_COMMANDED: Final = (
    Goal("nothing on without a command", lambda it: not it.unbidden),
    Goal("all switches assumed", lambda it: it.assumed),
)
_ANONYMOUS: Final = (
    Goal("Butler busy right >= 99.5 %", lambda it: it.busy >= 0.995),
    Goal("end of our runs, alone, p95 <= 15 s", lambda it: _within(it.end_alone, 15)),
)
_REAL_TIME: Final = (
    *_REPORTED,
    Goal("start lag p95 <= 1 s", lambda it: _within(it.start, 1)),
    Goal("end lag p95 <= 1 s", lambda it: _within(it.end, 1)),
)

GOALS: Final = {
    "current": _PUSHED,
    "current, no push": _POLLED,
    "anonymous": (*_ANONYMOUS, *_COMMANDED),
    "silent": _COMMANDED,
    "current, real time": _REAL_TIME,
}


def missed(score: Score) -> Iterator[str]:
    """Yield what a day should have reached and did not."""
    for goal in (*GOALS.get(score.profile, ()), *_EVERY):
        if not goal.is_met(score):
            yield f"{score.profile}, seed {score.seed}: missed: {goal.text}"
