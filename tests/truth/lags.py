"""How late a switch is when a run begins and ends."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from tests.simulator import Cause, Interval

from .spans import Span, holds, meets_any
from .truths import Truths

# What else keeps Butler busy so soon after a run hides that it ended.
_ALONE: Final = 15.0


def start_lags(truths: Truths, *, only_watched: bool = False) -> Iterator[float]:
    """Yield how long each run was not shown; of one never shown, how long it took.

    `only_watched` are those in the window and those that Home Assistant started.
    """
    for run, span in _runs(truths):
        start, end = span
        in_window = holds(truths.seen.windows, start)
        if only_watched and not (in_window or run.cause is Cause.COMMAND):
            continue
        on = truths.on(run.task)
        later = (shown for shown, _ in on if start <= shown < end)
        seen = start if holds(on, start) else min(later, default=end)
        if not meets_any((start, seen), truths.outages):
            yield seen - start


def end_lags(truths: Truths, *, only_ours_alone: bool = False) -> Iterator[float]:
    """Yield how long the switch stayed on after each run that it had shown.

    `only_ours_alone` leaves out what another client or the window started, and ends
    that are hidden by something else that keeps Butler busy.
    """
    for run, (_, end) in _runs(truths):
        if run.end is None or (only_ours_alone and not _is_ours_alone(truths, run)):
            continue
        later = [it.start for it in truths.runs(run.task) if it.start >= end]
        for on in truths.on(run.task):
            if on[0] < end < on[1]:
                off = min([on[1], *later])
                apart = meets_any((end, off), truths.outages)
                if not apart and not truths.is_end_unheard(run):
                    yield off - end
            elif on[1] == end:
                yield 0.0


def _runs(truths: Truths) -> Iterator[tuple[Interval, Span]]:
    for run in truths.runs():
        if not truths.is_unheard(run):
            yield run, truths.span(run)


def _is_ours_alone(truths: Truths, run: Interval) -> bool:
    if run.cause is not Cause.COMMAND or run.end is None:
        return False
    return not truths.others_run(run, run.end, run.end + _ALONE)


def percentile(values: list[float], share: float) -> float | None:
    """Return the value that this share of all does not exceed."""
    if not values:
        return None
    ranked = sorted(values)
    return ranked[min(len(ranked) - 1, int(share * len(ranked)))]
