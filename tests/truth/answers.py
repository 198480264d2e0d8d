"""What waiting actions were answered, against what happened."""

from __future__ import annotations

from collections.abc import Iterator

from tests.simulator import Ending, Interval

from .observed import Waited
from .truths import Truths


def false_ends(truths: Truths) -> Iterator[str]:
    """Yield the answers `ended` at which no run of the task had ended."""
    for wait in truths.seen.waits:
        if wait.result == "ended" and not _has_ended(truths, wait):
            yield f"{wait.task} at {wait.at:.0f}"


def _has_ended(truths: Truths, wait: Waited) -> bool:
    return any(
        run.end is not None
        and wait.at <= run.end <= wait.answered
        and _looks_ended(truths, run)
        for run in truths.runs(wait.task)
    )


def _looks_ended(truths: Truths, run: Interval) -> bool:
    """Return True for an end, and for a stop by another client that was not heard."""
    if run.ending is Ending.STOPPED_BY_OTHER:
        return not truths.is_stop_heard(run)
    return run.ending is Ending.FINISHED
