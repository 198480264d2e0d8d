"""What was seen of a day, on both sides, and arithmetic on spans of it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from math import inf
from typing import Final, NamedTuple

from tests.simulator import Cause, Ending, Interval, TaskState

ON = "on"
OFF = "off"
UNAVAILABLE = "unavailable"
UNKNOWN = "unknown"


type Span = tuple[float, float]
type Spans = list[Span]


class Shown(NamedTuple):
    """A state of an entity, from a moment on."""

    at: float
    state: str


class Reported(NamedTuple):
    """A run that the integration reported as over; a lost one is not reported."""

    task: str
    ended: float
    duration: float | None


class Command(NamedTuple):
    """A command that reached the server; `task` None means all."""

    at: float
    starts: bool
    task: str | None


class Listened(NamedTuple):
    """When the log was open and told, and which of the intervals began meanwhile."""

    start: float
    end: float
    begun: range


class Waited(NamedTuple):
    """A start that waited, and what it was answered; it was sent at `at`."""

    at: float
    task: str
    result: str
    answered: float


@dataclass(kw_only=True)
class Observed:
    """One server's day."""

    start: float
    end: float
    # The simulator's truth.
    intervals: list[Interval] = field(default_factory=list)
    # Whether this server shows that Butler works.
    shows: bool = True
    # Whether its log is all that names the tasks that run.
    only_log: bool = False
    randomized: frozenset[str] = frozenset()
    # When the server did not answer.
    outages: list[Span] = field(default_factory=list)
    # When the server was another version than before, of which nothing is known.
    updates: list[float] = field(default_factory=list)
    window_ends: list[float] = field(default_factory=list)
    windows: list[Span] = field(default_factory=list)
    # Home Assistant's side, by task.
    switches: dict[str, list[Shown]] = field(default_factory=dict)
    butler: list[Shown] = field(default_factory=list)
    reported: list[Reported] = field(default_factory=list)
    waits: list[Waited] = field(default_factory=list)
    # When the stream was cut, and until when its loss was surely made up for.
    cuts: list[Span] = field(default_factory=list)
    listened: list[Listened] = field(default_factory=list)
    commands: list[Command] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


def union(spans: Iterable[Span]) -> Spans:
    """Return the times that are in any of the spans, in whatever order they come.

    A span without length stays: it is a run that was over in an instant.
    """
    joined: Spans = []
    for start, end in sorted(spans):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def common(first: Spans, second: Spans) -> Spans:
    """Return the times that are in both."""
    return union(
        (max(a[0], b[0]), min(a[1], b[1]))
        for a in first
        for b in second
        if max(a[0], b[0]) < min(a[1], b[1])
    )


def without(spans: Spans, others: Spans) -> Spans:
    """Return the times that are in the first, but not in the second."""
    return union(piece for span in spans for piece in _cut(span, others))


def total(spans: Spans) -> float:
    return sum(end - start for start, end in spans)


def meet(first: Span, second: Span) -> bool:
    """Return True if two spans have a time in common, be it a moment."""
    return first[0] <= second[1] and second[0] <= first[1]


def meets_any(span: Span, others: Spans) -> bool:
    return any(meet(span, other) for other in others)


def holds(spans: Spans, moment: float) -> bool:
    """Return True if a moment is in one of the spans; their ends are not."""
    return any(start <= moment < end for start, end in spans)


def _cut(span: Span, others: Spans) -> Iterator[Span]:
    start, end = span
    for other_start, other_end in others:
        if start < other_start < end:
            yield start, other_start
        if other_start < end and start < other_end:
            start = max(start, other_end)
    if start < end or not others:
        yield start, end


# Who polls every 30 s finds a server that is back after so long, and not later.
_NOTICED_AFTER: Final = 32.0
# So long is a run believed of which nothing is known any more.
LIMIT: Final = 1800.0
# What else keeps Butler busy so soon before or after a run hides its ends.
ALONE: Final = 15.0
# An outage that is noticed later than this was none of the server's.
_MARGIN: Final = 1.0


class Truths:
    """One day, looked at by task."""

    def __init__(self, seen: Observed) -> None:
        self.seen = seen
        self.tasks = sorted({run.task for run in seen.intervals} | seen.switches.keys())

    @cached_property
    def outages(self) -> Spans:
        """Return when the server did not answer, or had not been asked again yet."""
        unavailable = shown_as(self.seen, self.seen.butler, UNAVAILABLE)
        return union(
            piece
            for outage in self.seen.outages
            for piece in _noticed(outage, unavailable)
        )

    def runs(self, task: str | None = None) -> list[Interval]:
        return [
            it
            for it in self.seen.intervals
            if it.state is TaskState.RUNNING and task in (None, it.task)
        ]

    def is_unheard(self, run: Interval) -> bool:
        """Return True for a run that the log alone names, and that began without it."""
        heard = any(self._begins_in(it, run) for it in self.seen.listened)
        return self.seen.only_log and not heard

    def is_end_unheard(self, run: Interval) -> bool:
        """Return True for an end that the log alone tells of, and that it did not.

        So is an end long after a gap of the log, which may have been in the gap.
        """
        end = self.span(run)[1]
        if end > self._believed_until(run):
            return True
        # The log opens too late for the line of an end at the same instant.
        return self.seen.only_log and not any(
            end < it.end and (it.start < end or self._begins_in(it, run))
            for it in self.seen.listened
        )

    def unheard(self, task: str) -> Spans:
        """Return when the log alone would have told of a task, and did not.

        That is a run that began without it or that outlasts a gap of it for long, and
        how long a task was shown after an end without it.
        """
        runs, waits = self.runs(task), list(self.waits(task))
        ended = [it for it in runs if self.is_end_unheard(it)]
        # A restart ends a wait without a word, and the log alone tells of others' stops.
        ended += (it for it in waits if it.ending is Ending.RESTARTED)
        ended += (
            it
            for it in waits
            if it.ending is Ending.STOPPED_BY_OTHER
            and not holds([log[:2] for log in self.seen.listened], self.span(it)[1])
        )
        after = [
            (end, min([on[1], *(run.start for run in runs if run.start > end)]))
            for _, end in map(self.span, ended)
            for on in self.periods(task)
            if on[0] <= end < on[1]
        ]
        begun = [*map(self.span, filter(self.is_unheard, runs))]
        if self.seen.only_log and not self.seen.shows:
            # After an outage nothing tells if a run goes on or a restart ended it.
            spans = [(run, outage) for run in runs for outage in self.outages]
            begun += (
                (outage[1], self.span(run)[1])
                for run, outage in spans
                if run.start < outage[0] and outage[1] < self.span(run)[1]
            )
        outlasts = ((self._believed_until(run), self.span(run)[1]) for run in runs)
        return union([*begun, *after, *(it for it in outlasts if it[0] < it[1])])

    def is_stop_heard(self, run: Interval) -> bool:
        """Return True if the log was open all through a run and its end."""
        end = self.span(run)[1]
        return any(
            self._begins_in(it, run) and end < it.end for it in self.seen.listened
        )

    def _believed_until(self, run: Interval) -> float:
        """Return until when a run has to be shown that the log alone has named."""
        closed = (it.end for it in self.seen.listened if self._begins_in(it, run))
        until = max(closed, default=inf) if self.seen.only_log else inf
        return until + LIMIT

    def _begins_in(self, times: Listened, run: Interval) -> bool:
        return any(self.seen.intervals[at] is run for at in times.begun)

    def others_run(self, run: Interval, start: float, end: float) -> bool:
        """Return True if another task ran at some time of a span."""
        others = (it for it in self.runs() if it.task != run.task)
        return any(meet(self.span(it), (start, end)) for it in others)

    def is_alone(self, run: Interval) -> bool:
        """Return True for a run of ours beside which nothing else ran or waited.

        What it waited itself, before it began, is part of it.
        """
        start, end = self.span(run)
        waited = (it.start for it in self.waits(run.task) if it.end == start)
        near = (min([start, *waited]) - ALONE, end + ALONE)
        return run.cause is Cause.COMMAND and not any(
            it.task != run.task and meet(self.span(it), near)
            for it in self.seen.intervals
        )

    def running(self, task: str | None = None) -> Spans:
        return union(self.span(run) for run in self.runs(task))

    def wanted(self, task: str) -> Spans:
        """Return when a task ran or waited because it was told to by Home Assistant."""
        ours = (it for it in self.waits(task) if it.cause is Cause.COMMAND)
        return union([*self.running(task), *map(self.span, ours)])

    def left_out(self, task: str) -> Spans:
        """Return what could not be known: outages, and what the server alone queued."""
        theirs = (it for it in self.waits(task) if it.cause is not Cause.COMMAND)
        apart = [*self._apart(task), *self.unheard(task)]
        return union([*self.outages, *map(self.span, theirs), *apart])

    def on(self, task: str) -> Spans:
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
            if not self.is_unheard(run) and without([span], self.outages):
                continue
            later = [it.start for it in runs if it.start > span[1]]
            for start, end in self.periods(task):
                if meet((start, end), span):
                    yield span[0], min([end, *later])

    def waits(self, task: str) -> Iterator[Interval]:
        for it in self.seen.intervals:
            if it.task == task and it.state is TaskState.QUEUED:
                yield it


def shown_as(seen: Observed, shown: list[Shown], state: str) -> Spans:
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
