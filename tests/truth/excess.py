"""Switches that are on without a reason, or longer than any reason lasts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from .observed import Command
from .spans import Span, meets_any, union
from .truths import LIMIT, Truths

# A poll is so late, and a row may linger after a stop.
_LATE: Final = 40.0
# A command waits so long for its answer.
_ANSWERED: Final = 16.0
_SLACK: Final = 60.0


def unbidden(truths: Truths) -> Iterator[str]:
    """Yield switches that went on though nobody told them to."""
    for task in truths.tasks:
        for period in truths.periods(task):
            if not _is_commanded(truths, task, period):
                yield f"{task} at {period[0]:.0f}"


def untrue(truths: Truths) -> Iterator[str]:
    """Yield switches that went on though nobody told them to and nothing ran."""
    for task in truths.tasks:
        wanted = truths.wanted(task)
        for period in truths.periods(task):
            begin = (period[0] - _LATE, period[0])
            if not _is_commanded(truths, task, period) and not meets_any(begin, wanted):
                yield f"{task} at {period[0]:.0f}"


def overdue(truths: Truths) -> Iterator[float]:
    """Yield for how many seconds too long each switch stayed on that did."""
    for task in truths.tasks:
        for start, end in truths.on(task):
            reasons = [reason for reason in _reasons(truths, task) if reason[0] <= end]
            lasts = max((until for _, until in reasons), default=start)
            if end > lasts + _SLACK:
                yield end - lasts


def _reasons(truths: Truths, task: str) -> Iterator[Span]:
    """Yield what may have turned a switch on, and how long that may last."""
    for start, end in truths.wanted(task):
        yield start, end + LIMIT
    for command in _starts(truths, task):
        yield command.at, command.at + LIMIT
        if task in truths.seen.randomized:
            # Queued, as far as is known, until the window ends.
            later = (end for end in truths.seen.window_ends if end > command.at)
            yield command.at, next(later, command.at)


def _is_commanded(truths: Truths, task: str, period: Span) -> bool:
    waits = union((it.at, it.at + _ANSWERED) for it in _starts(truths, task))
    return meets_any((period[0], period[0]), waits)


def _starts(truths: Truths, task: str) -> Iterator[Command]:
    for command in truths.seen.commands:
        if command.starts and command.task == task:
            yield command
