"""Runs that were reported against runs that happened."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from tests.simulator import Interval

from .observed import Reported
from .spans import meets_any
from .truths import Truths

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
    cuts = [(cut.start, cut.end) for cut in truths.seen.cuts]
    rest = [run for run in ended if run not in apart]
    cut = [
        run
        for run in rest
        if truths.is_end_unheard(run)
        or any(meets_any((edge, edge), cuts) for edge in truths.span(run))
    ]
    whole = [it for it in rest if it not in cut and _seconds(truths, it) > _LONG]
    short = [it for it in rest if it not in cut and it not in whole]
    return Reports(
        happened=len(whole),
        once=sum(len(told[id(run)]) == 1 for run in whole),
        right=sum(_is_right(truths, run, told[id(run)]) for run in whole),
        invented=len(truths.seen.reported) - sum(map(len, told.values())),
        short=len(short),
        short_once=sum(len(told[id(run)]) == 1 for run in short),
        cut=len(cut),
        cut_once=sum(len(told[id(run)]) == 1 for run in cut),
        unheard=sum(map(truths.is_unheard, truths.runs())),
        apart=len(apart),
        apart_once=sum(len(told[id(run)]) == 1 for run in apart),
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
