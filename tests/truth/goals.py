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
