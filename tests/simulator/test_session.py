"""The session: one row for all tasks of a night, under every trait."""

from __future__ import annotations

from typing import Any

import pytest

from tests.simulator import (
    ByHand,
    Cause,
    Profile,
    RowEvent,
    Rows,
    SessionBegins,
    SessionEnds,
    SessionNames,
    TaskSpec,
    TaskState,
    Traits,
    draw_profile,
)

from .rules import DAY, HOUR, NIGHT, Rules

BUTLER = "Butler tasks"
NAMES = ("Bees", "Coal", "Dust", "Eels")
SMALL = Profile(
    name="small",
    tasks=tuple(
        TaskSpec(name=name, title=name, description="", seconds=100) for name in NAMES
    ),
    traits=Traits(rows=Rows.SESSION, concurrency=1),
)
BURST = frozenset(NAMES[1:])


def shown(rules: Rules) -> list[tuple[str, str, int]]:
    """Return event, subtitle and progress of what was pushed about sessions' rows."""
    return [
        (note["event"], note["Activity"]["subtitle"], note["Activity"]["progress"])
        for frame in rules.frames
        for note in frame.elements
        if note["Activity"]["title"] == BUTLER
    ]


def test_a_session_counts_its_tasks_in_one_row() -> None:
    rules = Rules("session")
    rules.butler.start("BackupDatabase")
    rules.butler.start("RefreshLocalMedia")
    assert rules.rows() == [(BUTLER, "BackupDatabase", 0)]
    rules.advance(30)
    assert rules.rows() == [(BUTLER, "RefreshLocalMedia", 50)]
    rules.advance(80)
    assert rules.rows() == [(BUTLER, "RefreshLocalMedia", 100)]
    rules.advance(1)
    assert rules.rows() == []
    assert {frame.elements[0]["Activity"]["type"] for frame in rules.frames} == {
        "butler"
    }


def test_a_task_is_two_notifications_however_long_it_takes() -> None:
    rules = Rules(SMALL)
    rules.butler.durations["Bees"] = 3 * HOUR
    rules.butler.start("Bees")
    rules.advance(HOUR)
    assert shown(rules) == [("started", "", 0), ("updated", "Bees", 0)]
    rules.advance(2 * HOUR)
    rules.advance(1)
    assert shown(rules)[2:] == [("updated", "Bees", 100), ("ended", "Bees", 100)]


def test_a_night_begins_with_a_burst_of_what_has_nothing_to_do() -> None:
    rules = Rules(SMALL, nothing_to_do=BURST, seed=3)
    rules.advance_to_hour(2)
    began = rules.clock.now()
    before = [run for run in rules.butler.log.runs if run.end == began]
    assert rules.running == {"Bees"}
    assert all(run.start == run.end for run in before)
    assert len(shown(rules)) == 1 + 2 * len(before) + 1
    rules.advance(100)
    order = [run.task for run in rules.butler.log.runs]
    assert sorted(order) == sorted(NAMES)
    names = [name for event, name, _ in shown(rules) if event == "updated"]
    assert names == [name for name in order for _ in range(2)]
    progress = [now for event, _, now in shown(rules) if event == "updated"]
    assert progress == [0, 100, 50, 100, 66, 100, 75, 100]


def test_the_order_is_no_lists() -> None:
    orders = set()
    for seed in range(5):
        rules = Rules(SMALL, seed=seed)
        rules.advance_to_hour(2)
        rules.advance(500)
        orders.add(tuple(run.task for run in rules.butler.log.runs))
    assert len(orders) > 1


def test_a_start_by_hand_with_nothing_to_do_is_over_at_once() -> None:
    rules = Rules(SMALL, nothing_to_do=BURST)
    rules.butler.start("Coal")
    assert rules.running == set()
    (run,) = rules.butler.log.runs
    assert run.start == run.end == rules.clock.now()
    assert [event for event, _, _ in shown(rules)] == ["started", "updated", "updated"]


def test_the_subtitle_may_be_empty_at_the_end_of_a_task() -> None:
    rules = Rules(SMALL, subtitle_stays=False)
    rules.butler.start("Bees")
    rules.advance(100)
    assert rules.rows() == [(BUTLER, "", 100)]


def test_a_session_may_name_nothing() -> None:
    rules = Rules(SMALL, session_names=SessionNames.NOTHING)
    rules.butler.start("Bees")
    assert rules.rows() == [(BUTLER, "", 0)]


def test_a_session_may_have_a_child_for_each_task() -> None:
    rules = Rules(SMALL, session_names=SessionNames.CHILDREN)
    rules.butler.start("Bees")
    assert rules.rows() == [(BUTLER, "", 0), ("Bees", "", 0)]
    parent, child = rules.state.board.rows
    assert parent != child
    rules.advance(100)
    assert rules.rows() == [(BUTLER, "", 100)]
    ended = rules.frames[-2].elements[0]
    assert (ended["event"], ended["uuid"]) == (RowEvent.ENDED, child)


@pytest.mark.parametrize(("rounds", "percent"), [(False, 66), (True, 67)])
def test_the_percent_is_cut_or_rounded(*, rounds: bool, percent: int) -> None:
    rules = Rules(SMALL, rounds_percent=rounds)
    for name in NAMES[:3]:
        rules.butler.start(name)
    rules.advance(200)
    assert rules.rows()[0][2] == percent


def test_the_row_may_stand_until_the_window_ends() -> None:
    rules = Rules(SMALL, session_ends=SessionEnds.WINDOW)
    rules.advance_to_hour(2)
    rules.advance(2.5 * HOUR)
    assert rules.rows()[0][2] == 100
    rules.advance(HOUR)
    assert rules.rows() == []
    rules.butler.start("Bees")
    rules.advance(102)
    assert rules.rows() == []


def test_the_row_may_stand_for_ever_and_is_used_again() -> None:
    rules = Rules(SMALL, session_ends=SessionEnds.NEVER)
    rules.butler.start("Bees")
    rules.advance(5 * DAY)
    (uuid,) = rules.state.board.rows
    assert rules.rows()[0][2] == 100
    rules.butler.start("Coal")
    assert list(rules.state.board.rows) == [uuid]
    assert rules.rows()[0][2] < 100


def test_a_start_by_hand_waits_behind_the_tasks_of_the_session() -> None:
    rules = Rules(SMALL, by_hand=ByHand.QUEUES)
    rules.butler.tasks["Eels"].last_done = rules.clock.now() + DAY
    rules.advance_to_hour(2)
    rules.butler.start("Eels")
    assert "Eels" in rules.queued
    rules.advance(301)
    assert rules.running == {"Eels"}


@pytest.mark.parametrize(
    ("by_hand", "rows"), [(ByHand.BESIDE, [0]), (ByHand.OWN_SESSION, [0, 0])]
)
def test_a_start_by_hand_may_run_beside(by_hand: ByHand, rows: list[int]) -> None:
    rules = Rules(SMALL, by_hand=by_hand, nothing_to_do=frozenset({"Eels"}))
    rules.butler.tasks["Bees"].last_done = rules.clock.now() + DAY
    rules.butler.tasks["Eels"].last_done = rules.clock.now() + DAY
    rules.advance_to_hour(2)
    (first,) = rules.running
    rules.butler.start("Bees")
    assert rules.running == {first, "Bees"}
    assert [progress for _, _, progress in rules.rows()] == rows
    assert rules.rows()[-1][1] == "Bees"
    rules.advance(100)
    assert len(rules.running) == 1
    rules.advance(101)
    assert rules.running == set()
    assert rules.rows() == []


def test_all_tasks_started_by_hand_run_one_after_another() -> None:
    rules = Rules(SMALL, by_hand=ByHand.BESIDE)
    rules.butler.start_due(Cause.COMMAND)
    assert (len(rules.running), len(rules.queued)) == (1, 3)


def test_a_server_started_inside_the_window_may_begin_after_five_minutes() -> None:
    rules = Rules(SMALL, start=NIGHT, session_begins=SessionBegins.AFTER_SERVER_START)
    rules.advance(299)
    assert rules.running == set()
    rules.advance(1)
    assert len(rules.running) == 1
    rules.state.restart(None, down_for=60)
    rules.advance(359)
    assert rules.running == set()
    rules.advance(1)
    assert len(rules.running) == 1


def test_a_server_started_shortly_before_the_window_begins_with_it() -> None:
    rules = Rules(
        SMALL,
        start=NIGHT.replace(hour=1, minute=58),
        session_begins=SessionBegins.AFTER_SERVER_START,
    )
    rules.advance_to_hour(2)
    (first,) = rules.running
    rules.butler.stop_all()
    rules.advance(HOUR)
    assert [run.task for run in rules.butler.log.runs] == [first]


@pytest.mark.parametrize(
    ("begins", "late", "started"),
    [
        (SessionBegins.WINDOW, 0, 1),
        (SessionBegins.AFTER_SERVER_START, 4, 4),
        (SessionBegins.FIRST_START, 0, 4),
    ],
)
def test_a_server_that_is_down_when_the_window_opens_begins_nothing_then(
    begins: SessionBegins, late: int, started: int
) -> None:
    rules = Rules(SMALL, start=NIGHT.replace(hour=1, minute=59), session_begins=begins)
    rules.state.restart(None, down_for=120)
    rules.advance(120 + 299)
    assert rules.butler.log.intervals == []
    rules.advance(1)
    assert len(rules.running | rules.queued) == late
    rules.butler.start("Eels")
    assert len(rules.running | rules.queued) == started


def test_a_night_may_begin_with_the_first_accepted_start() -> None:
    rules = Rules(SMALL, session_begins=SessionBegins.FIRST_START)
    rules.advance_to_hour(2)
    rules.advance(HOUR)
    assert rules.running == set()
    rules.butler.start("Eels")
    assert len(rules.running) == 1
    assert "Eels" in rules.queued
    rules.advance(401)
    runs = rules.butler.log.runs
    assert [run.cause for run in runs] == [Cause.WINDOW] * 3 + [Cause.COMMAND]
    rules.butler.start("Eels")
    assert len(rules.butler.log.runs) == 5


def test_a_night_that_waits_for_a_start_is_over_with_its_window() -> None:
    rules = Rules(SMALL, session_begins=SessionBegins.FIRST_START)
    rules.advance_to_hour(6)
    rules.butler.start("Eels")
    rules.advance(DAY / 4)
    assert [run.task for run in rules.butler.log.runs] == ["Eels"]


def test_to_stop_all_halts_the_queue_and_to_stop_one_lets_the_next_begin() -> None:
    rules = Rules(SMALL)
    rules.butler.start_due(Cause.COMMAND)
    (first,) = rules.running
    rules.butler.stop(first)
    (second,) = rules.running
    assert second != first
    assert [progress for _, _, progress in shown(rules)] == [0, 0, 100, 50]
    rules.butler.stop_all()
    rules.advance(HOUR)
    assert len(rules.butler.log.runs) == 2
    assert rules.rows() == []


def test_a_restart_ends_the_session() -> None:
    rules = Rules(SMALL, session_ends=SessionEnds.NEVER)
    rules.butler.start("Bees")
    (before,) = rules.state.board.rows
    rules.state.restart(None)
    assert rules.rows() == []
    rules.butler.start("Coal")
    assert rules.rows() == [(BUTLER, "Coal", 0)]
    assert before not in rules.state.board.rows


def test_a_slow_server_shows_a_task_late() -> None:
    rules = Rules(SMALL, row_delay=8)
    rules.butler.start("Bees")
    assert rules.running == {"Bees"}
    rules.advance(7)
    assert rules.rows() == []
    rules.advance(1)
    assert rules.rows() == [(BUTLER, "Bees", 0)]
    rules.advance(100)
    rules.butler.start("Coal")
    rules.advance(7)
    rules.butler.stop("Coal")
    rules.advance(10)
    assert {name for _, name, _ in shown(rules)} == {"", "Bees"}


def test_a_session_may_show_without_being_pushed() -> None:
    rules = Rules(SMALL, pushes_rows=False)
    rules.butler.start("Bees")
    assert rules.rows() == [(BUTLER, "Bees", 0)]
    rules.advance(HOUR)
    assert rules.frames == []


def sessions() -> list[Any]:
    """Return the first drawn servers that have sessions."""
    drawn = [(seed, draw_profile(seed)) for seed in range(30)]
    return [seed for seed, profile in drawn if profile.traits.rows is Rows.SESSION]


def test_most_drawn_servers_have_sessions() -> None:
    assert len(sessions()) >= 12


@pytest.mark.parametrize("seed", sessions())
def test_a_drawn_session_runs_its_tasks_one_after_another(seed: int) -> None:
    rules = Rules(draw_profile(seed), start=NIGHT.replace(hour=1), seed=seed)
    for _ in range(8 * 60):
        rules.advance(60)
        if rules.butler.window.contains(rules.clock.now()):
            rules.butler.start("BackupDatabase")
        inside = [task for task in rules.butler.running if not task.beside]
        assert len(inside) <= 1
    states = set(rules.butler.truth().values())
    assert TaskState.QUEUED not in states
