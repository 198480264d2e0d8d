"""The figures of days that are made up, so that they can be worked out by hand."""

from collections.abc import Mapping
from dataclasses import replace
from operator import attrgetter
from typing import Any

import pytest

from tests.simulator import Cause, Ending, Interval, TaskState

from .__main__ import missed
from .score import score
from .truths import Command, Listened, Observed, Reported, Shown, Waited

TASK = "BackupDatabase"
OTHER = "OptimizeDatabase"
OURS, THEIRS, WINDOW = Cause.COMMAND, Cause.OTHER_CLIENT, Cause.WINDOW


def ran(start: float, end: float, cause: Cause = THEIRS, task: str = TASK) -> Interval:
    return Interval(task, TaskState.RUNNING, start, cause, end, Ending.FINISHED)


def queued(start: float, end: float, cause: Cause, task: str = TASK) -> Interval:
    return Interval(task, TaskState.QUEUED, start, cause, end, Ending.STARTED)


def ended(interval: Interval, ending: Ending) -> Interval:
    return replace(interval, ending=ending)


def shown(*moments: tuple[float, str]) -> list[Shown]:
    return [Shown(at, state) for at, state in moments]


def on(start: float, end: float) -> list[Shown]:
    return shown((start, "on"), (end, "off"))


NEVER = shown((0, "off"))
STARTED = [Command(100, starts=True, task=TASK)]


def day(*intervals: Interval, on: list[Shown], **fields: Any) -> Observed:
    """Return a day of 10,000 s on which Butler is always shown rightly."""
    runs = [it for it in intervals if it.state is TaskState.RUNNING]
    edges = (
        moment
        for it in sorted(runs, key=lambda it: it.start)
        for moment in ((it.start, "on"), (it.end or 10_000, "off"))
    )
    fields.setdefault("butler", shown((0, "unknown"), *edges))
    switches, all_ = {TASK: on}, list(intervals)
    return Observed(start=0, end=10_000, intervals=all_, switches=switches, **fields)


def logged(
    *intervals: Interval,
    on: list[Shown],
    log: Mapping[tuple[int, int], int] | None = None,
    **fields: Any,
) -> Observed:
    """Return a day on which the log alone names tasks, of which so many while open."""
    first, listened = 0, []
    for (start, end), begun in (log or {}).items():
        listened.append(Listened(start, end, range(first, first + begun)))
        first += begun
    return day(*intervals, on=on, only_log=True, listened=listened, **fields)


def check(seen: Observed, **expected: object) -> None:
    """Compare figures of a day; `start__p95` is the 95th percentile of the start."""
    found = score("made up", 1, seen)
    names = {name: name.replace("__", ".") for name in expected}
    figures = {name: attrgetter(path)(found) for name, path in names.items()}
    assert figures == pytest.approx(expected)


RUN = ran(100, 200)
WAIT, AFTER = queued(100, 200, OURS), ran(200, 300, OURS)


def test_recall_and_precision_count_seconds() -> None:
    seen = day(RUN, on=on(120, 240))
    check(seen, recall=0.8, precision=80 / 120, start__p95=20, end__p95=40, busy=1)
    # What is never shown is late by its whole length.
    check(day(ran(100, 130), on=NEVER), start__p95=30, end__count=0, recall=0)


@pytest.mark.parametrize(
    ("cause", "start"), [(WINDOW, 200), (WINDOW, 100), (OURS, 100)]
)
def test_a_queue_is_left_out_if_the_server_made_it_and_rightly_on_if_we_did(
    cause: Cause, start: float
) -> None:
    seen = day(queued(100, 200, cause), AFTER, on=on(start, 300))
    check(seen, recall=1, precision=1)


def test_a_run_inside_an_outage_is_counted_apart() -> None:
    away = shown((100, "on"), (110, "unavailable"), (220, "on"), (1900, "off"))
    seen = day(RUN, on=away, outages=[(90, 210)], commands=STARTED)
    check(seen, recall=1, precision=1, reports__happened=0, reports__apart=1)
    check(seen, overdue=())
    # Without an outage, being unavailable is not excused.
    away = shown((100, "on"), (110, "unavailable"), (190, "on"), (200, "off"))
    check(day(RUN, on=away), recall=0.2)


def test_a_run_that_began_while_the_log_was_closed_is_counted_apart() -> None:
    unheard = {"reports__happened": 0, "reports__unheard": 1}
    check(logged(RUN, on=NEVER), recall=1, start__count=0, **unheard)
    # Where rows name it, or the log was open, there is no excuse.
    for seen in (day(RUN, on=NEVER), logged(RUN, on=NEVER, log={(50, 300): 1})):
        check(seen, recall=0, start__p95=100, reports__happened=1, reports__unheard=0)
    # It may be shown late.
    seen = logged(RUN, on=on(150, 230), log={(140, 300): 0})
    check(seen, recall=1, precision=1)


def test_what_is_shown_after_an_end_while_the_log_was_closed_is_left_out() -> None:
    seen = logged(RUN, on=on(100, 900), log={(50, 150): 1, (250, 5000): 0})
    check(seen, recall=1, precision=1, end__count=0)
    check(seen, reports__happened=0, reports__cut=1)
    heard = logged(RUN, on=on(100, 900), log={(50, 5000): 1})
    check(heard, precision=0.125, end__p95=700, reports__happened=1, reports__cut=0)


def test_an_end_at_the_instant_in_which_the_log_opens_is_not_heard() -> None:
    seen = logged(RUN, on=on(100, 900), log={(50, 150): 1, (200, 5000): 0})
    check(seen, precision=1, reports__cut=1)
    # The log reports both the start and the end of an instant run.
    seen = logged(ran(200, 200), on=on(200, 200), log={(200, 5000): 1})
    check(seen, reports__short=1, reports__cut=0, reports__unheard=0)


def test_a_run_is_to_be_shown_for_the_limit_after_the_log_that_named_it_closed() -> (
    None
):
    run, log = ran(100, 5000), {(50, 150): 1, (160, 9000): 0}
    # Later, nothing is known but that the open log has reported no end.
    seen = logged(run, on=on(100, 1950), log=log)
    check(seen, recall=1, end__count=0, reports__cut=1)
    check(logged(run, on=on(100, 1025), log=log), recall=0.5)
    heard = logged(run, on=on(100, 1950), log={(50, 9000): 1})
    check(heard, recall=1850 / 4900)


def test_a_wait_that_a_restart_ended_unheard_is_left_out_after_it() -> None:
    dropped, log = ended(WAIT, Ending.RESTARTED), {(50, 200): 1, (250, 5000): 0}
    check(logged(dropped, on=on(100, 900), log=log), precision=1)
    check(day(dropped, on=on(100, 900)), precision=1)
    # The log reports the other ends of a wait: the start of the task, or its stop.
    stopped = ended(WAIT, Ending.STOPPED)
    check(logged(stopped, on=on(100, 900), log=log), precision=0.125)


def test_a_queue_that_another_client_emptied_is_left_out_where_no_log_told() -> None:
    taken = ended(WAIT, Ending.STOPPED_BY_OTHER)
    check(day(taken, on=on(100, 900)), precision=1)
    check(logged(taken, on=on(100, 900), log={(50, 5000): 1}), precision=0.125)
    check(logged(taken, on=on(100, 900), log={(50, 150): 1}), precision=1)


@pytest.mark.parametrize(("shows", "busy"), [(True, 0.99), (False, 1)])
def test_busy_is_not_asked_where_the_log_alone_would_have_told(
    busy: float, *, shows: bool
) -> None:
    # Rows show that Butler works also where they do not name the task.
    check(logged(RUN, on=NEVER, butler=NEVER, shows=shows), busy=busy)


def test_a_stop_by_another_client_is_no_end_where_the_log_told_of_it() -> None:
    run, waits = ended(RUN, Ending.STOPPED_BY_OTHER), [Waited(100, TASK, "ended", 200)]
    check(day(run, on=on(100, 200), waits=waits), false_ends=())
    heard = logged(run, on=on(100, 200), waits=waits, log={(50, 300): 1})
    check(heard, false_ends=(f"{TASK} at 100",))


def test_a_switch_that_goes_on_by_itself_is_found() -> None:
    other = [Command(499, starts=True, task=OTHER)]
    for commands in ([], other):
        check(day(on=on(500, 530), commands=commands), untrue=(f"{TASK} at 500",))
    own = [Command(499, starts=True, task=TASK)]
    check(day(on=on(500, 530), commands=own), untrue=())
    # A run excuses it but is no command.
    seen = day(ran(490, 520), on=on(500, 520))
    check(seen, untrue=(), unbidden=(f"{TASK} at 500",))


def test_a_switch_may_be_on_for_the_limit_and_no_longer() -> None:
    check(day(on=on(100, 1900), commands=STARTED), overdue=())
    late = day(on=on(100, 2000), commands=STARTED)
    check(late, overdue=(100,))
    # What is queued is given up when the window ends.
    queue = replace(late, randomized=frozenset({TASK}), window_ends=[2000.0])
    check(queue, overdue=())


def test_the_end_of_a_run_of_ours_counts_where_nothing_else_keeps_butler_busy() -> None:
    ours, shown = ran(100, 200, OURS), on(100, 212)
    check(day(ours, on=shown), end_alone__p95=12)
    check(day(ours, ran(150, 300, task=OTHER), on=shown), end_alone__count=0)
    check(day(RUN, on=shown), end_alone__count=0)


def test_what_a_run_of_ours_waited_before_it_is_rightly_on_alone() -> None:
    seen = day(WAIT, AFTER, on=on(100, 320))
    check(seen, alone_recall=1, alone_precision=200 / 220)
    check(day(WAIT, AFTER, on=on(100, 5000)), alone_precision=200 / 4900)


@pytest.mark.parametrize(
    "other",
    [
        queued(310, 400, OURS, task=OTHER),
        ran(120, 150, task=OTHER),
        ran(250, 260, task=OTHER),
    ],
)
def test_a_run_is_not_alone_beside_what_runs_or_waits(other: Interval) -> None:
    check(day(WAIT, AFTER, other, on=on(100, 5000)), alone_precision=1)


@pytest.mark.parametrize(
    ("told", "once", "right", "invented"),
    [
        ({200: 100}, 1, 1, 0),
        ({200: 103}, 1, 0, 0),
        ({200: None}, 1, 0, 0),
        ({}, 0, 0, 0),
        ({200: 100, 210: 100}, 0, 0, 0),
        ({200: 100, 900: 100}, 1, 1, 1),
    ],
)
def test_runs_are_to_be_reported_once_with_their_duration(
    told: Mapping[float, float | None], once: int, right: int, invented: int
) -> None:
    reported = [Reported(TASK, end, duration) for end, duration in told.items()]
    seen = day(RUN, on=on(100, 200), reported=reported)
    check(seen, reports__happened=1, reports__once=once, reports__right=right)
    check(seen, reports__invented=invented)


def test_our_stop_of_what_still_waits_may_be_reported() -> None:
    reported = [Reported(TASK, 200, 100)]
    stopped = ended(WAIT, Ending.STOPPED)
    check(day(stopped, on=on(100, 200), reported=reported), reports__invented=0)
    check(day(WAIT, on=on(100, 200), reported=reported), reports__invented=1)


@pytest.mark.parametrize(
    ("begins", "told", "invented"),
    [(150, 400, 0), (205, 400, 0), (150, 470, 1), (230, 400, 1), (150, 100, 1)],
)
def test_an_end_that_an_outage_hid_may_be_told_at_its_end(
    begins: float, told: float, invented: int
) -> None:
    report = Reported(TASK, told, told - 100)
    seen = day(RUN, on=on(100, told), reported=[report], outages=[(begins, 400)])
    check(seen, reports__invented=invented)


def test_every_error_misses_the_goal() -> None:
    result = score("made up", 1, day(on=[], errors=["ValueError"]))
    (line,) = missed(result)
    assert line == "made up, seed 1: missed: no exception and no error in the log"


@pytest.mark.parametrize(("heard", "misses"), [(19, False), (18, True), (0, True)])
def test_a_log_that_is_hardly_ever_open_misses_the_goal(
    heard: int, *, misses: bool
) -> None:
    runs = [ran(at, at + 50) for at in range(100, 4100, 200)]
    seen = logged(*runs, on=[], log={(50, 5000): heard})

    goal = "silent, log, seed 1: missed: at most 5 % begun while the log was closed"
    assert (goal in list(missed(score("silent, log", 1, seen)))) is misses
