"""One day in figures: recall, precision, lags, reports, and what went on wrongly."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from tests.simulator import Cause, Ending, Interval

from .truths import (
    ALONE,
    LIMIT,
    OFF,
    ON,
    UNKNOWN,
    Command,
    Observed,
    Reported,
    Span,
    Spans,
    Truths,
    Waited,
    common,
    holds,
    meets_any,
    shown_as,
    total,
    union,
    without,
)


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
    return not truths.others_run(run, run.end, run.end + ALONE)


def percentile(values: list[float], share: float) -> float | None:
    """Return the value that this share of all does not exceed."""
    if not values:
        return None
    ranked = sorted(values)
    return ranked[min(len(ranked) - 1, int(share * len(ranked)))]


# A poll is so late, and a row may linger after a stop.
_LATE: Final = 40.0
# A command waits so long for its answer.
_ANSWERED: Final = 16.0
_SLACK: Final = 60.0


def unbidden(truths: Truths, *, running: bool) -> Iterator[str]:
    """Yield switches that went on without a command, also while the task ran or not."""
    for task in truths.tasks:
        excuses = [] if running else truths.wanted(task)
        commands = union((it.at, it.at + _ANSWERED) for it in _starts(truths, task))
        for start, _ in truths.periods(task):
            is_commanded = meets_any((start, start), commands)
            if not is_commanded and not meets_any((start - _LATE, start), excuses):
                yield f"{task} at {start:.0f}"


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


def _starts(truths: Truths, task: str) -> Iterator[Command]:
    for command in truths.seen.commands:
        if command.starts and command.task == task:
            yield command


def false_ends(truths: Truths) -> Iterator[str]:
    """Yield the answers `ended` at which no run of the task had ended."""
    for wait in truths.seen.waits:
        if wait.result == "ended" and not _has_ended(truths, wait):
            yield f"{wait.task} at {wait.at:.0f}"


def _has_ended(truths: Truths, wait: Waited) -> bool:
    for run in truths.runs(wait.task):
        # A stop by another client that was not heard looks like an end.
        unheard = run.ending is Ending.STOPPED_BY_OTHER and not truths.is_stop_heard(
            run
        )
        in_time = run.end is not None and wait.at <= run.end <= wait.answered
        if in_time and (unheard or run.ending is Ending.FINISHED):
            return True
    return False


# Of shorter runs a server need not tell anything.
_LONG: Final = 10.0
_TOLERANCE: Final = 2.0
# What ended so soon before an outage may not have been polled any more.
_POLL: Final = 15.0
# Later than this, a report is of something else.
_NEAR: Final = 60.0


@dataclass(frozen=True, kw_only=True)
class Reports:
    """How many runs happened and how many of these were reported well."""

    happened: int
    once: int
    right: int
    # Reports of what did not happen.
    invented: int
    # Runs of up to 10 s: at once, and over before anybody could ask.
    short: int
    short_once: int
    # Begun or ended while the stream was cut: not among those that happened.
    cut: int
    cut_once: int
    # Begun while the log, which alone would have named them, was closed.
    unheard: int
    # Runs inside an outage, which are not among those that happened.
    apart: int
    apart_once: int


def compare(truths: Truths) -> Reports:
    """Match reports with runs by task and end."""
    told = _matched(truths)
    ended = [
        run
        for run in truths.runs()
        if run.end is not None and not truths.is_unheard(run)
    ]
    apart = [run for run in ended if meets_any(truths.span(run), truths.outages)]
    rest = [run for run in ended if run not in apart]
    cut = [
        run
        for run in rest
        if truths.is_end_unheard(run)
        or any(meets_any((edge, edge), truths.seen.cuts) for edge in truths.span(run))
    ]
    whole = [it for it in rest if it not in cut and _seconds(truths, it) > _LONG]
    short = [it for it in rest if it not in cut and it not in whole]

    matched = [report for reports in told.values() for report in reports]

    def once(runs: list[Interval]) -> int:
        return sum(len(told[id(run)]) == 1 for run in runs)

    return Reports(
        happened=len(whole),
        once=once(whole),
        right=sum(_is_right(truths, run, told[id(run)]) for run in whole),
        invented=sum(
            not (report in matched or _is_of_wait(truths, report))
            for report in truths.seen.reported
        ),
        short=len(short),
        short_once=once(short),
        cut=len(cut),
        cut_once=once(cut),
        unheard=sum(map(truths.is_unheard, truths.runs())),
        apart=len(apart),
        apart_once=once(apart),
    )


def _matched(truths: Truths) -> dict[int, list[Reported]]:
    """Return the reports of each run, a run being known by its identity."""
    told: dict[int, list[Reported]] = {id(run): [] for run in truths.runs()}
    for report in truths.seen.reported:
        ended = [run for run in truths.runs(report.task) if run.end is not None]
        run = min(ended, key=lambda run: _gap(truths, run, report), default=None)
        if run is not None and _gap(truths, run, report) <= _NEAR:
            told[id(run)].append(report)
    return told


def _is_of_wait(truths: Truths, report: Reported) -> bool:
    """Return True for our stop of what we had started, and what still waited."""
    return any(
        it.ending is Ending.STOPPED and abs(end - report.ended) <= _TOLERANCE
        for it in truths.waits(report.task)
        if it.cause is Cause.COMMAND and (end := it.end) is not None
    )


def _gap(truths: Truths, run: Interval, report: Reported) -> float:
    """Return by how much a report is early or late; an outage may hide an end."""
    end = truths.span(run)[1]
    hidden = (it for it in truths.outages if it[0] - _POLL <= end <= it[1])
    latest = max((until for _, until in hidden), default=end)
    return max(end - report.ended, report.ended - latest, 0.0)


def _seconds(truths: Truths, run: Interval) -> float:
    start, end = truths.span(run)
    return end - start


def _is_right(truths: Truths, run: Interval, told: list[Reported]) -> bool:
    if len(told) != 1 or told[0].duration is None:
        return False
    return abs(told[0].duration - _seconds(truths, run)) <= _TOLERANCE


@dataclass(frozen=True, slots=True)
class Lag:
    """How late switches were, in seconds; None where nothing was to be measured."""

    median: float | None
    p95: float | None
    count: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Score:
    """What is asked of a day, and shown of it."""

    profile: str
    seed: int
    runs: int
    # Of the seconds in which tasks ran, those shown on; of those shown on, the true.
    recall: float
    precision: float
    start: Lag
    end: Lag
    end_alone: Lag
    reports: Reports
    # Ends that waiting actions were told and that did not happen.
    false_ends: tuple[str, ...]
    # Of the runs that Home Assistant started while nothing else ran.
    alone_recall: float
    alone_precision: float
    # Of runs in the window and of our own.
    start_watched: Lag
    # Of all seconds outside outages.
    busy: float
    # Switches that went on without a command; and those for which nothing ran either.
    unbidden: tuple[str, ...]
    untrue: tuple[str, ...]
    # For how long switches were on for too long.
    overdue: tuple[float, ...]
    errors: tuple[str, ...]


def score(profile: str, seed: int, seen: Observed) -> Score:
    truths = Truths(seen)
    recall, precision = _hits(truths)
    alone = _alone(truths)
    return Score(
        profile=profile,
        seed=seed,
        runs=len(truths.runs()),
        recall=recall,
        precision=precision,
        start=_lag(list(start_lags(truths))),
        end=_lag(list(end_lags(truths))),
        end_alone=_lag(list(end_lags(truths, only_ours_alone=True))),
        reports=compare(truths),
        false_ends=tuple(false_ends(truths)),
        alone_recall=alone[0],
        alone_precision=alone[1],
        start_watched=_lag(list(start_lags(truths, only_watched=True))),
        busy=_busy(truths),
        unbidden=tuple(unbidden(truths, running=True)),
        untrue=tuple(unbidden(truths, running=False)),
        overdue=tuple(overdue(truths)),
        errors=tuple(seen.errors),
    )


def _hits(truths: Truths) -> tuple[float, float]:
    return _shares(
        (
            truths.running(task),
            truths.on(task),
            truths.wanted(task),
            truths.left_out(task),
        )
        for task in truths.tasks
    )


def _alone(truths: Truths) -> tuple[float, float]:
    """Return recall and precision of the runs that nothing else could be taken for."""
    spans = (
        (run, [truths.span(run)])
        for run in truths.runs()
        if truths.is_alone(run) and not truths.is_unheard(run)
    )
    return _shares(
        (
            span,
            [on for on in truths.on(run.task) if meets_any(on, span)],
            truths.wanted(run.task),
            truths.left_out(run.task),
        )
        for run, span in spans
    )


def _shares(times: Iterable[tuple[Spans, Spans, Spans, Spans]]) -> tuple[float, float]:
    """Return how much of what ran was shown, and of what was shown was wanted."""
    ran = shown = shown_running = shown_true = 0.0
    for running, on, wanted, left_out in times:
        true = without(running, left_out)
        seen = without(on, left_out)
        ran += total(true)
        shown += total(seen)
        shown_running += total(common(seen, running))
        shown_true += total(common(seen, wanted))
    return _share(shown_running, ran), _share(shown_true, shown)


def _busy(truths: Truths) -> float:
    """Return how often the sensor was right.

    Unknown is, until this version was seen at work; for ever where none shows that.
    """
    seen = truths.seen
    day: Spans = [(seen.start, seen.end)]
    # Rows show work also where the log alone tells whose it is.
    tasks = [] if seen.shows else truths.tasks
    apart = (span for task in tasks for span in truths.unheard(task))
    asked = without(day, union([*truths.outages, *apart]))
    busy = truths.running()
    right = union(
        [
            *common(shown_as(seen, seen.butler, ON), busy),
            *common(shown_as(seen, seen.butler, OFF), without(day, busy)),
            *common(shown_as(seen, seen.butler, UNKNOWN), _never_seen(truths)),
        ]
    )
    return _share(total(common(asked, right)), total(asked))


def _never_seen(truths: Truths) -> Spans:
    seen = truths.seen
    runs = [start for start, _ in truths.running()] if seen.shows else []
    return union(
        (fresh, min((run for run in runs if run >= fresh), default=seen.end))
        for fresh in (seen.start, *seen.updates)
    )


def _lag(lags: list[float]) -> Lag:
    return Lag(percentile(lags, 0.5), percentile(lags, 0.95), len(lags))


def _share(part: float, whole: float) -> float:
    return part / whole if whole else 1.0
