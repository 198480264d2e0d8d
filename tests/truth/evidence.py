"""Completes what was seen with what the simulator knows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from copy import copy
from typing import Final
from urllib.parse import unquote

from tests.simulator import (
    Naming,
    RecordedRequest,
    Rows,
    SessionNames,
    SimulatedPlex,
    TaskState,
    Traits,
)

from .observed import Command, Observed, Outage

_QUARTER: Final = 900.0


def complete(seen: Observed, plex: SimulatedPlex) -> None:
    """Add the truth; what goes on is copied, for it will be changed later."""
    seen.intervals = [copy(interval) for interval in plex.intervals]
    seen.outages += _hangs(seen, plex)
    seen.shows = plex.profile.traits.rows is not Rows.NONE
    seen.only_log = _names_in_log_alone(plex.profile.traits)
    specs = (task.spec for task in plex.butler.tasks.values())
    seen.randomized = frozenset(spec.name for spec in specs if spec.randomized)
    seen.commands = list(_commands(plex.requests))
    seen.window_ends = list(_window_ends(seen, plex))
    seen.windows = list(_windows(seen, plex))


def _names_in_log_alone(traits: Traits) -> bool:
    if not traits.log_tells or traits.log_refused is not None:
        return False
    match traits.rows:
        case Rows.NONE:
            return True
        case Rows.SESSION:
            return traits.session_names is SessionNames.NOTHING
    return traits.naming is Naming.NOTHING


def _hangs(seen: Observed, plex: SimulatedPlex) -> Iterator[Outage]:
    if not plex.profile.traits.hangs_on_database:
        return
    tasks = plex.butler.tasks
    for interval in seen.intervals:
        locks = interval.task in tasks and tasks[interval.task].spec.locks_database
        if locks and interval.state is TaskState.RUNNING:
            yield Outage(interval.start, interval.end or seen.end)


def _commands(requests: Iterable[RecordedRequest]) -> Iterator[Command]:
    for request in requests:
        parts = request.path.split("/")[1:]
        if parts[0] == "butler" and request.method in ("POST", "DELETE"):
            task = unquote(parts[1]) if len(parts) > 1 else None
            yield Command(request.at, request.method == "POST", task)


def _window_ends(seen: Observed, plex: SimulatedPlex) -> Iterator[float]:
    moment = seen.start
    while moment < seen.end:
        moment = plex.butler.window.closes_at(moment)
        yield moment


def _windows(seen: Observed, plex: SimulatedPlex) -> Iterator[tuple[float, float]]:
    """Yield the hours of the window, quarter by quarter."""
    moment = seen.start - seen.start % _QUARTER
    while moment < seen.end:
        if plex.butler.window.contains(moment):
            yield moment, moment + _QUARTER
        moment += _QUARTER
