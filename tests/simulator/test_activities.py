"""What running tasks look like in /activities, under every trait."""

from __future__ import annotations

from typing import Any

import pytest

from tests import simulator as sim

from .conftest import DAY, HOUR, Rules

BACKUP = "BackupDatabase"
OPTIMIZE = "OptimizeDatabase"
BACKUP_TITLE = sim.ALL_TASKS[BACKUP].title
OPTIMIZE_TITLE = sim.ALL_TASKS[OPTIMIZE].title
STANDING = (sim.GENERIC, "", 100)

SESSION = "Butler tasks"
NAMES = ("Bees", "Coal", "Dust", "Eels")
NIGHTLY = sim.Profile(
    name="nightly",
    tasks=tuple(
        sim.TaskSpec(name=name, title=name, description="", seconds=100)
        for name in NAMES
    ),
    traits=sim.Traits(rows=sim.Rows.SESSION, concurrency=1),
)


BOTH = [(BACKUP_TITLE, ""), (OPTIMIZE_TITLE, "")]


@pytest.mark.parametrize(
    ("profile", "idle", "busy"),
    [
        ("current", [sim.GENERIC], [(sim.GENERIC, ""), *BOTH]),
        ("anonymous", [], [(sim.GENERIC, "")]),
        ("silent", [], []),
        ("legacy", [], [(sim.GENERIC, BACKUP_TITLE)]),
        ("session", [], [(SESSION, BACKUP)]),
    ],
)
def test_each_kind_of_server_shows_its_tasks_in_its_way(
    profile: str, idle: list[str], busy: list[tuple[str, str]]
) -> None:
    rules = Rules(profile)
    assert [title for title, _, _ in rules.rows()] == idle
    rules.butler.start(BACKUP)
    rules.butler.start(OPTIMIZE)
    rules.advance(10)
    assert [(title, subtitle) for title, subtitle, _ in rules.rows()] == busy
    rules.advance(HOUR)
    assert [title for title, _, _ in rules.rows()] == idle
    assert set(rules.events()) == ({"started", "updated", "ended"} if busy else set())


def test_a_shared_row_names_its_tasks_in_turn_under_one_id() -> None:
    rules = Rules(rows=sim.Rows.SHARED, standing=sim.Standing.NAMELESS)
    (idle,) = rules.state.board.rows
    rules.butler.start(BACKUP)
    rules.butler.start(OPTIMIZE)
    seen = set()
    for _ in range(4):
        rules.advance(2)
        ((title, _, progress),) = rules.rows()
        assert progress < 100
        seen.add(title)
    assert seen == {BACKUP_TITLE, OPTIMIZE_TITLE}
    rules.advance(HOUR)
    assert rules.rows() == [STANDING]
    assert list(rules.state.board.rows) == [idle]
    assert set(rules.events()) == {"updated"}


@pytest.mark.parametrize(
    ("traits", "row"),
    [
        ({"naming": sim.Naming.TITLE}, (BACKUP_TITLE, "", 0)),
        ({"naming": sim.Naming.SUBTITLE}, (sim.GENERIC, BACKUP_TITLE, 0)),
        ({"naming": sim.Naming.NAME}, (BACKUP, "", 0)),
        ({"naming": sim.Naming.NOTHING}, (sim.GENERIC, "", 0)),
        ({"foreign_rows": True}, (sim.in_server_language(BACKUP_TITLE), "", 0)),
        ({"progress_known": False}, (BACKUP_TITLE, "", -1)),
    ],
)
def test_the_traits_decide_what_a_row_says(
    traits: dict[str, Any], row: tuple[str, str, int]
) -> None:
    rules = Rules(standing=sim.Standing.NONE, **traits)
    rules.butler.start(BACKUP)
    assert rules.rows() == [row]


@pytest.mark.parametrize(
    ("traits", "events"),
    [
        ({"pushes_rows": False}, set()),
        ({"pushes_ended": False}, {"started", "updated"}),
    ],
)
@pytest.mark.parametrize("profile", ["current", "session"])
def test_rows_may_show_without_being_pushed(
    profile: str, traits: dict[str, Any], events: set[str]
) -> None:
    rules = Rules(profile, **traits)
    idle = rules.rows()
    rules.butler.start(BACKUP)
    assert len(rules.rows()) == len(idle) + 1
    rules.advance(HOUR)
    assert rules.rows() == idle
    assert set(rules.events()) == events


def test_a_session_counts_its_tasks_in_one_row() -> None:
    rules = Rules(NIGHTLY)
    rules.butler.durations["Bees"] = 3 * HOUR
    rules.butler.start("Bees")
    rules.butler.start("Coal")
    rules.advance(HOUR)
    # A task is two notifications, however long it takes.
    assert rules.pushed() == [("started", "", 0), ("updated", "Bees", 0)]
    rules.advance(2 * HOUR)
    assert rules.rows() == [(SESSION, "Coal", 50)]
    assert rules.pushed()[2:] == [("updated", "Bees", 100), ("updated", "Coal", 50)]
    rules.advance(100)
    assert rules.rows() == [(SESSION, "Coal", 100)]
    rules.advance(1)
    assert rules.rows() == []


def test_a_night_begins_with_a_burst_of_what_has_nothing_to_do() -> None:
    orders = set()
    for seed in range(5):
        rules = Rules(NIGHTLY, nothing_to_do=frozenset(NAMES[1:]), seed=seed)
        rules.advance_to_hour(2)
        began = rules.clock.now()
        before = [run for run in rules.butler.runs if run.end == began]
        assert rules.running == {"Bees"}
        assert all(run.start == run.end for run in before)
        assert len(rules.pushed()) == 1 + 2 * len(before) + 1
        rules.advance(100)
        order = tuple(run.task for run in rules.butler.runs)
        updates = [note[1:] for note in rules.pushed() if note[0] == "updated"]
        assert [name for name, _ in updates] == [it for it in order for _ in range(2)]
        assert [now for _, now in updates] == [0, 100, 50, 100, 66, 100, 75, 100]
        orders.add(order)
    # The order is no list's that clients know.
    assert len(orders) > 1
    assert all(sorted(order) == list(NAMES) for order in orders)


@pytest.mark.parametrize(
    ("traits", "running", "ended"),
    [
        ({"subtitle_stays": False}, [(SESSION, "Bees")], ""),
        ({"session_names": sim.SessionNames.NOTHING}, [(SESSION, "")], ""),
        (
            {"session_names": sim.SessionNames.CHILDREN},
            [(SESSION, ""), ("Bees", "")],
            "",
        ),
        ({"row_delay": 8}, [], "Bees"),
    ],
)
def test_the_traits_decide_what_a_sessions_row_says(
    traits: dict[str, Any], running: list[tuple[str, str]], ended: str
) -> None:
    rules = Rules(NIGHTLY, **traits)
    rules.butler.start("Bees")
    assert rules.rows() == [(*texts, 0) for texts in running]
    rules.advance(100)
    assert rules.rows() == [(SESSION, ended, 100)]


def test_the_row_may_stand_until_the_window_ends_or_for_ever() -> None:
    rules = Rules(NIGHTLY, session_ends=sim.SessionEnds.WINDOW)
    rules.advance_to_hour(2)
    rules.advance(2.5 * HOUR)
    assert rules.rows()[0][2] == 100
    rules.advance(HOUR)
    assert rules.rows() == []

    rules = Rules(NIGHTLY, session_ends=sim.SessionEnds.NEVER)
    rules.butler.start("Bees")
    rules.advance(5 * DAY)
    (uuid,) = rules.state.board.rows
    assert rules.rows()[0][2] == 100
    rules.butler.start("Coal")
    assert list(rules.state.board.rows) == [uuid]
    assert rules.rows()[0][2] < 100
    rules.state.restart(None)
    assert rules.rows() == []
    rules.butler.start("Coal")
    assert rules.rows() == [(SESSION, "Coal", 0)]


@pytest.mark.parametrize(
    ("by_hand", "rows"),
    [
        (sim.ByHand.QUEUES, [0]),
        (sim.ByHand.BESIDE, [0]),
        (sim.ByHand.OWN_SESSION, [0, 0]),
    ],
)
def test_a_start_by_hand_waits_or_runs_beside(
    by_hand: sim.ByHand, rows: list[int]
) -> None:
    rules = Rules(NIGHTLY, by_hand=by_hand)
    rules.butler.tasks["Bees"].last_done = rules.clock.now() + DAY
    rules.advance_to_hour(2)
    (first,) = rules.running
    rules.butler.start("Bees")
    beside = by_hand is not sim.ByHand.QUEUES
    assert rules.running == ({first, "Bees"} if beside else {first})
    assert ("Bees" in rules.queued) is not beside
    assert [progress for _, _, progress in rules.rows()] == rows
    rules.advance(HOUR)
    assert rules.running == set()
    # All tasks together run one after another in any case.
    rules = Rules(NIGHTLY, by_hand=by_hand)
    rules.butler.start_due(sim.Cause.COMMAND)
    assert len(rules.running) == 1


def test_to_stop_all_halts_the_queue_and_to_stop_one_lets_the_next_begin() -> None:
    rules = Rules(NIGHTLY)
    rules.butler.start_due(sim.Cause.COMMAND)
    (first,) = rules.running
    rules.butler.stop(first)
    (second,) = rules.running
    assert second != first
    assert [progress for _, _, progress in rules.pushed()] == [0, 0, 100, 50]
    rules.butler.stop_all()
    rules.advance(HOUR)
    assert len(rules.butler.runs) == 2
    assert rules.rows() == []
