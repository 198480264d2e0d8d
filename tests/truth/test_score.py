"""The figures of days that are made up, so that they can be worked out by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.simulator import Cause, Ending, Interval, TaskState

from .__main__ import missed
from .score import Score, score
from .truths import (
    Command,
    Listened,
    Observed,
    Reported,
    Shown,
    Waited,
    common,
    total,
    union,
    without,
)

TASK = "BackupDatabase"
OTHER = "OptimizeDatabase"


def ran(
    start: float, end: float, cause: Cause = Cause.OTHER_CLIENT, task: str = TASK
) -> Interval:
    return Interval(task, TaskState.RUNNING, start, cause, end, Ending.FINISHED)


def queued(start: float, end: float, cause: Cause, task: str = TASK) -> Interval:
    return Interval(task, TaskState.QUEUED, start, cause, end, Ending.STARTED)


def shown(*moments: tuple[float, str]) -> list[Shown]:
    return [Shown(at, state) for at, state in moments]


def day(*intervals: Interval, on: list[Shown], **fields: object) -> Observed:
    """Return a day of 10,000 s on which Butler is always shown rightly."""
    busy = shown(
        (0, "unknown"),
        *(
            moment
            for it in sorted(intervals, key=lambda it: it.start)
            if it.state is TaskState.RUNNING
            for moment in ((it.start, "on"), (it.end or 10_000, "off"))
        ),
    )
    seen = Observed(start=0, end=10_000, butler=busy, intervals=list(intervals))
    seen.switches = {TASK: on}
    for name, value in fields.items():
        setattr(seen, name, value)
    return seen


def figures(seen: Observed) -> Score:
    return score("made up", 1, seen)


def test_recall_and_precision_count_seconds() -> None:
    result = figures(day(ran(100, 200), on=shown((120, "on"), (240, "off"))))

    assert result.recall == pytest.approx(0.8)
    assert result.precision == pytest.approx(80 / 120)
    assert (result.start.p95, result.end.p95) == (20, 40)
    assert result.busy == 1


def test_a_run_that_is_never_shown_is_late_by_its_whole_length() -> None:
    result = figures(day(ran(100, 130), on=shown((0, "off"))))

    assert result.start.p95 == 30
    assert result.end.count == 0
    assert result.recall == 0


@pytest.mark.parametrize(
    ("cause", "on"), [(Cause.WINDOW, 200), (Cause.WINDOW, 100), (Cause.COMMAND, 100)]
)
def test_a_queue_is_left_out_if_the_server_made_it_and_rightly_on_if_we_did(
    cause: Cause, on: float
) -> None:
    waits = queued(100, 200, cause)
    result = figures(day(waits, ran(200, 300), on=shown((on, "on"), (300, "off"))))

    assert (result.recall, result.precision) == (1, 1)


def test_a_run_inside_an_outage_is_counted_apart() -> None:
    seen = day(
        ran(100, 200),
        on=shown((100, "on"), (110, "unavailable"), (220, "on"), (1900, "off")),
        outages=[(90, 210)],
        commands=[Command(100, starts=True, task=TASK)],
    )
    result = figures(seen)

    assert (result.recall, result.precision) == (1, 1)
    assert (result.reports.happened, result.reports.apart) == (0, 1)
    assert not result.overdue


def test_a_run_that_began_while_the_log_was_closed_is_counted_apart() -> None:
    seen = day(ran(100, 200), on=shown((0, "off")), only_log=True)
    result = figures(seen)

    assert (result.recall, result.start.count) == (1, 0)
    assert (result.reports.happened, result.reports.unheard) == (0, 1)
    # Where rows name it, or the log was open, there is no excuse.
    heard = replace(seen, listened=[Listened(50, 300, range(1))])
    for other in (replace(seen, only_log=False), heard):
        result = figures(other)
        assert (result.recall, result.start.p95) == (0, 100)
        assert (result.reports.happened, result.reports.unheard) == (1, 0)


def test_a_run_that_began_while_the_log_was_closed_may_be_shown_late() -> None:
    on = shown((150, "on"), (230, "off"))
    seen = day(ran(100, 200), on=on, only_log=True)
    seen.listened = [Listened(140, 300, range(0))]

    assert (figures(seen).recall, figures(seen).precision) == (1, 1)


def test_what_is_shown_after_an_end_while_the_log_was_closed_is_left_out() -> None:
    seen = day(ran(100, 200), on=shown((100, "on"), (900, "off")), only_log=True)
    seen.listened = [Listened(50, 150, range(1)), Listened(250, 5000, range(0))]
    result = figures(seen)

    assert (result.recall, result.precision, result.end.count) == (1, 1, 0)
    assert (result.reports.happened, result.reports.cut) == (0, 1)
    heard = figures(replace(seen, listened=[Listened(50, 5000, range(1))]))
    assert (heard.precision, heard.end.p95) == (0.125, 700)
    assert (heard.reports.happened, heard.reports.cut) == (1, 0)


def test_an_end_at_the_instant_in_which_the_log_opens_is_not_heard() -> None:
    seen = day(ran(100, 200), on=shown((100, "on"), (900, "off")), only_log=True)
    seen.listened = [Listened(50, 150, range(1)), Listened(200, 5000, range(0))]
    assert (figures(seen).precision, figures(seen).reports.cut) == (1, 1)

    # The log reports both the start and the end of an instant run.
    instant = day(ran(200, 200), on=shown((200, "on"), (200, "off")), only_log=True)
    instant.listened = [Listened(200, 5000, range(1))]
    reports = figures(instant).reports
    assert (reports.short, reports.cut, reports.unheard) == (1, 0, 0)


def test_a_run_is_to_be_shown_for_the_limit_after_the_log_that_named_it_closed() -> (
    None
):
    seen = day(ran(100, 5000), on=shown((100, "on"), (1950, "off")), only_log=True)
    seen.listened = [Listened(50, 150, range(1)), Listened(160, 9000, range(0))]
    result = figures(seen)

    # Later, nothing is known but that the open log has reported no end.
    assert (result.recall, result.end.count, result.reports.cut) == (1, 0, 1)
    early = replace(seen, switches={TASK: shown((100, "on"), (1025, "off"))})
    assert figures(early).recall == 0.5
    heard = replace(seen, listened=[Listened(50, 9000, range(1))])
    assert figures(heard).recall == pytest.approx(1850 / 4900)


def test_a_wait_that_a_restart_ended_unheard_is_left_out_after_it() -> None:
    wait = replace(queued(100, 200, Cause.COMMAND), ending=Ending.RESTARTED)
    seen = day(wait, on=shown((100, "on"), (900, "off")), only_log=True)
    seen.listened = [Listened(50, 200, range(1)), Listened(250, 5000, range(0))]

    assert figures(seen).precision == 1
    assert figures(replace(seen, only_log=False)).precision == 0.125
    # The log reports the other ends of a wait: the start of the task, or its stop.
    wait.ending = Ending.STOPPED
    assert figures(seen).precision == 0.125


@pytest.mark.parametrize("shows", [True, False])
def test_busy_is_not_asked_where_the_log_alone_would_have_told(shows: bool) -> None:  # noqa: FBT001 a parameter
    on = shown((0, "off"))
    seen = day(ran(100, 200), on=on, butler=on, only_log=True, shows=shows)

    # Rows show that Butler works also where they do not name the task.
    assert figures(seen).busy == (0.99 if shows else 1)


@pytest.mark.parametrize(("listened", "false"), [(0, 0), (1, 1)])
def test_a_stop_by_another_client_is_no_end_where_the_log_told_of_it(
    listened: int, false: int
) -> None:
    seen = day(
        replace(ran(100, 200), ending=Ending.STOPPED_BY_OTHER),
        on=shown((100, "on"), (200, "off")),
        listened=[Listened(50, 300, range(1))][:listened],
        waits=[Waited(100, TASK, "ended", 200)],
    )

    assert len(figures(seen).false_ends) == false


def test_being_unavailable_without_an_outage_is_not_excused() -> None:
    on = shown((100, "on"), (110, "unavailable"), (190, "on"), (200, "off"))

    assert figures(day(ran(100, 200), on=on)).recall == pytest.approx(0.2)


@pytest.mark.parametrize(
    ("ends", "durations", "once", "right", "invented"),
    [
        ([200], [100], 1, 1, 0),
        ([200], [103], 1, 0, 0),
        ([200], [None], 1, 0, 0),
        ([], [], 0, 0, 0),
        ([200, 210], [100, 100], 0, 0, 0),
        ([200, 900], [100, 100], 1, 1, 1),
    ],
)
def test_runs_are_to_be_reported_once_with_their_duration(
    ends: list[float],
    durations: list[float | None],
    once: int,
    right: int,
    invented: int,
) -> None:
    told = [
        Reported(task=TASK, ended=end, duration=duration)
        for end, duration in zip(ends, durations, strict=True)
    ]
    on = shown((100, "on"), (200, "off"))
    reports = figures(day(ran(100, 200), on=on, reported=told)).reports

    assert (reports.happened, reports.once, reports.right) == (1, once, right)
    assert reports.invented == invented


@pytest.mark.parametrize(
    ("begins", "told", "invented"),
    [(150, 400, 0), (205, 400, 0), (150, 470, 1), (230, 400, 1), (150, 100, 1)],
)
def test_an_end_that_an_outage_hid_may_be_told_at_its_end(
    begins: float, told: float, invented: int
) -> None:
    report = Reported(task=TASK, ended=told, duration=told - 100)
    seen = day(
        ran(100, 200),
        on=shown((100, "on"), (told, "off")),
        reported=[report],
        outages=[(begins, 400)],
    )

    assert figures(seen).reports.invented == invented


def test_a_switch_that_goes_on_by_itself_is_found() -> None:
    seen = day(on=shown((0, "off"), (500, "on"), (530, "off")))

    assert figures(seen).untrue == (f"{TASK} at 500",)
    assert figures(
        replace(seen, commands=[Command(499, starts=True, task=OTHER)])
    ).untrue
    assert not figures(
        replace(seen, commands=[Command(499, starts=True, task=TASK)])
    ).untrue


def test_a_run_excuses_a_switch_but_is_no_command() -> None:
    result = figures(day(ran(490, 520), on=shown((500, "on"), (520, "off"))))

    assert not result.untrue
    assert result.unbidden


def test_a_switch_may_be_on_for_the_limit_and_no_longer() -> None:
    commands = [Command(100, starts=True, task=TASK)]
    in_time = day(on=shown((100, "on"), (1900, "off")), commands=commands)
    late = day(on=shown((100, "on"), (2000, "off")), commands=commands)

    assert not figures(in_time).overdue
    assert figures(late).overdue == (100,)
    # What is queued is given up when the window ends.
    queue = replace(late, randomized=frozenset({TASK}), window_ends=[2000.0])
    assert not figures(queue).overdue


def test_the_end_of_a_run_of_ours_counts_where_nothing_else_keeps_butler_busy() -> None:
    ours = ran(100, 200, Cause.COMMAND)
    on = shown((100, "on"), (212, "off"))

    assert figures(day(ours, on=on)).end_alone.p95 == 12
    beside = ran(150, 300, task=OTHER)
    assert figures(day(ours, beside, on=on)).end_alone.count == 0
    assert figures(day(ran(100, 200), on=on)).end_alone.count == 0


def test_what_a_run_of_ours_waited_before_it_is_rightly_on_alone() -> None:
    wait, run = queued(100, 200, Cause.COMMAND), ran(200, 300, Cause.COMMAND)
    result = figures(day(wait, run, on=shown((100, "on"), (320, "off"))))

    assert result.alone_recall == 1
    assert result.alone_precision == pytest.approx(200 / 220)


@pytest.mark.parametrize(
    "other",
    [
        queued(0, 5000, Cause.WINDOW, task=OTHER),
        queued(310, 400, Cause.COMMAND, task=OTHER),
        ran(120, 150, task=OTHER),
        ran(250, 260, task=OTHER),
    ],
)
def test_a_run_is_not_alone_beside_what_runs_or_waits(other: Interval) -> None:
    wait, run = queued(100, 200, Cause.COMMAND), ran(200, 300, Cause.COMMAND)
    on = shown((100, "on"), (5000, "off"))

    assert figures(day(wait, run, on=on)).alone_precision == pytest.approx(200 / 4900)
    assert figures(day(wait, run, other, on=on)).alone_precision == 1


def test_every_error_misses_the_goal() -> None:
    result = figures(day(on=[], errors=["ValueError"]))

    assert list(missed(result)) == [
        "made up, seed 1: missed: no exception and no error in the log"
    ]


def test_a_log_that_is_hardly_ever_open_misses_the_goal() -> None:
    runs = [ran(at, at + 50) for at in range(100, 4100, 200)]
    goal = "silent, log, seed 1: missed: at most 5 % begun while the log was closed"

    def complaints(heard: int) -> list[str]:
        seen = day(*runs, on=[], only_log=True)
        seen.listened = [Listened(50, 5000, range(heard))]
        return list(missed(score("silent, log", 1, seen)))

    assert goal not in complaints(19)
    assert goal in complaints(18)
    assert goal in complaints(0)


def test_spans_are_joined_cut_and_compared() -> None:
    spans = union([(5.0, 7.0), (1.0, 3.0), (2.0, 4.0), (9.0, 9.0)])
    assert spans.pop() == (9, 9)

    assert spans == [(1, 4), (5, 7)]
    assert common(spans, [(3.0, 6.0)]) == [(3, 4), (5, 6)]
    assert without(spans, [(0.0, 2.0), (3.0, 6.0)]) == [(2, 3), (6, 7)]
    assert total(spans) == 5
