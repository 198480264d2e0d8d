"""One day in figures."""

from __future__ import annotations

from dataclasses import dataclass

from .answers import false_ends
from .excess import overdue, unbidden, untrue
from .lags import end_lags, percentile, start_lags
from .observed import OFF, ON, UNAVAILABLE, UNKNOWN, Observed
from .reports import Reports, compare
from .spans import Spans, common, meets_any, total, union, without
from .truths import Truths, shown_as


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
    # Switches that were on for too long, and all were assumed.
    overdue: tuple[float, ...]
    assumed: bool
    errors: tuple[str, ...]


def score(profile: str, seed: int, seen: Observed) -> Score:
    """Return the figures of a day."""
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
        unbidden=tuple(unbidden(truths)),
        untrue=tuple(untrue(truths)),
        overdue=tuple(overdue(truths)),
        assumed=_all_assumed(seen),
        errors=tuple(seen.errors),
    )


def _hits(truths: Truths) -> tuple[float, float]:
    ran = shown = shown_running = shown_true = 0.0
    for task in truths.tasks:
        left_out = truths.left_out(task)
        running = without(truths.running(task), left_out)
        on = without(truths.on(task), left_out)
        ran += total(running)
        shown += total(on)
        shown_running += total(common(on, running))
        shown_true += total(common(on, truths.wanted(task)))
    return _share(shown_running, ran), _share(shown_true, shown)


def _alone(truths: Truths) -> tuple[float, float]:
    """Return recall and precision of the runs that nothing else could be taken for."""
    ran = shown = shown_running = shown_true = 0.0
    for run in truths.runs():
        if not truths.is_alone(run) or truths.is_unheard(run):
            continue
        span, left_out = [truths.span(run)], truths.left_out(run.task)
        near = without(
            [on for on in truths.on(run.task) if meets_any(on, span)], left_out
        )
        ran += total(without(span, left_out))
        shown += total(near)
        shown_running += total(common(near, span))
        shown_true += total(common(near, truths.wanted(run.task)))
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


def _all_assumed(seen: Observed) -> bool:
    states = (state for shown in seen.switches.values() for state in shown)
    return all(it.assumed for it in states if it.state != UNAVAILABLE)


def _lag(lags: list[float]) -> Lag:
    return Lag(percentile(lags, 0.5), percentile(lags, 0.95), len(lags))


def _share(part: float, whole: float) -> float:
    return part / whole if whole else 1.0
