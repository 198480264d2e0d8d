"""What was seen, as spans: when a task ran, was shown on, could not be known."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Final

from tests.simulator import Cause, Interval, TaskState

from .observed import ON, UNAVAILABLE, Observed, Shown
from .spans import Span, Spans, common, meet, union, without

# Who polls every 30 s finds a server that is back after so long, and not later.
_NOTICED_AFTER: Final = 32.0
# What else keeps Butler busy so soon before or after a run hides its ends.
_ALONE: Final = 15.0
# An outage that is noticed later than this was none of the server's.
_MARGIN: Final = 1.0


class Truths:
    """One day, looked at by task."""

    def __init__(self, seen: Observed) -> None:
        """Look at this day."""
        self.seen = seen
        self.tasks = sorted({run.task for run in seen.intervals} | seen.switches.keys())

    @cached_property
    def outages(self) -> Spans:
        """Return when the server did not answer, or had not been asked again yet."""
        unavailable = shown_as(self.seen, self.seen.butler, UNAVAILABLE)
        return union(
            piece
            for outage in self.seen.outages
            for piece in _noticed((outage.start, outage.end), unavailable)
        )

    def runs(self, task: str | None = None) -> list[Interval]:
        """Return the runs of a task, or of all."""
        return [
            it
            for it in self.seen.intervals
            if it.state is TaskState.RUNNING and task in (None, it.task)
        ]

    @cached_property
    def _heard(self) -> set[int]:
        """Return the intervals that began while the log was open, by identity."""
        intervals = self.seen.intervals
        return {id(intervals[at]) for times in self.seen.listened for at in times.begun}

    def is_unheard(self, run: Interval) -> bool:
        """Return True for a run that the log alone names, and that began without it."""
        return self.seen.only_log and id(run) not in self._heard

    def is_end_unheard(self, run: Interval) -> bool:
        """Return True for an end that the log alone tells of, and that it did not."""
        end = self.span(run)[1]
        return self.seen.only_log and not any(
            it.start <= end < it.end for it in self.seen.listened
        )

    def unheard_ends(self, task: str) -> Spans:
        """Return how long a task was shown after ends that were not heard."""
        runs = [run for run in self.runs(task) if self.is_end_unheard(run)]
        starts = [run.start for run in self.runs(task)]
        return [
            (end, min([on[1], *(start for start in starts if start > end)]))
            for _, end in map(self.span, runs)
            for on in self.periods(task)
            if on[0] <= end < on[1]
        ]

    def is_stop_heard(self, run: Interval) -> bool:
        """Return True if the log was open all through a run and its end."""
        start, end = self.span(run)
        return any(
            it.start <= start and end < it.end and id(run) in self._heard
            for it in self.seen.listened
        )

    def others_run(self, run: Interval, start: float, end: float) -> bool:
        """Return True if another task ran at some time of a span."""
        others = (it for it in self.runs() if it.task != run.task)
        return any(meet(self.span(it), (start, end)) for it in others)

    def is_alone(self, run: Interval) -> bool:
        """Return True for a run of ours during which nothing else ran or waited."""
        start, end = self.span(run)
        return run.cause is Cause.COMMAND and not self.others_run(
            run, start - _ALONE, end + _ALONE
        )

    def running(self, task: str | None = None) -> Spans:
        """Return when a task, or any, ran."""
        return union(self.span(run) for run in self.runs(task))

    def wanted(self, task: str) -> Spans:
        """Return when a task ran or waited because it was told to by Home Assistant."""
        return union([*self.running(task), *self._queued(task, ours=True)])

    def left_out(self, task: str) -> Spans:
        """Return when nobody could know: outages, and what the server alone queued."""
        waits = self._queued(task, ours=False)
        apart = [*self._apart(task), *self.unheard_ends(task)]
        return union([*self.outages, *waits, *apart])

    def on(self, task: str) -> Spans:
        """Return when the switch was shown on."""
        return shown_as(self.seen, self.seen.switches.get(task, []), ON)

    def periods(self, task: str) -> Spans:
        """Return when the switch was on, be it unavailable in between."""
        shown = self.seen.switches.get(task, [])
        known = [state for state in shown if state.state != UNAVAILABLE]
        return shown_as(self.seen, known, ON)

    def span(self, interval: Interval) -> Span:
        """Return when it began and ended, at the latest with the day."""
        end = self.seen.end if interval.end is None else interval.end
        return interval.start, end

    def _apart(self, task: str) -> Iterator[Span]:
        """Yield how long runs are shown that could not be seen, be it after their end."""
        runs = self.runs(task)
        for run in runs:
            span = self.span(run)
            if self.is_unheard(run):
                yield span
            elif without([span], self.outages):
                continue
            later = [it.start for it in runs if it.start > span[1]]
            for start, end in self.periods(task):
                if meet((start, end), span):
                    yield span[0], min([end, *later])

    def _queued(self, task: str, *, ours: bool) -> Iterator[Span]:
        for it in self.seen.intervals:
            is_ours = it.cause is Cause.COMMAND
            if it.task == task and it.state is TaskState.QUEUED and is_ours is ours:
                yield self.span(it)


def shown_as(seen: Observed, shown: list[Shown], state: str) -> Spans:
    """Return when an entity had a state."""
    ends = [*(later.at for later in shown[1:]), seen.end]
    spans = union(
        (it.at, end) for it, end in zip(shown, ends, strict=False) if it.state == state
    )
    return common(spans, [(seen.start, seen.end)])


def _noticed(outage: Span, unavailable: Spans) -> Iterator[Span]:
    """Return an outage as it is seen from outside, which takes longer."""
    yield outage
    start, end = outage
    for span in unavailable:
        if start <= span[0] <= end + _MARGIN:
            yield start, min(span[1], max(end, span[0]) + _NOTICED_AFTER)
