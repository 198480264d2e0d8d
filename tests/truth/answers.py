"""What waiting actions were answered, against what happened."""

from __future__ import annotations

from collections.abc import Iterator

from tests.simulator import Ending

from .observed import Waited
from .truths import Truths

# Without the log, a stop by another client looks like an end.
_ENDS = (Ending.FINISHED, Ending.STOPPED_BY_OTHER)


def false_ends(truths: Truths) -> Iterator[str]:
    """Yield the answers `ended` at which no run of the task had ended."""
    for wait in truths.seen.waits:
        if wait.result == "ended" and not _has_ended(truths, wait):
            yield f"{wait.task} at {wait.at:.0f}"


def _has_ended(truths: Truths, wait: Waited) -> bool:
    return any(
        run.end is not None
        and wait.at <= run.end <= wait.answered
        and run.ending in _ENDS
        for run in truths.runs(wait.task)
    )
