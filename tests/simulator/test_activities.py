"""What running tasks look like in /activities, under every trait."""

from typing import Any

import pytest

from tests import simulator as sim

from .conftest import BACKUP, DAY, HOUR, Rules

NAMELESS = "Running scheduled tasks"
STANDING = (NAMELESS, "", 100)
TITLE = "Backup Database"
SESSION = "Butler tasks"
UNNAMED = {"session_names": sim.SessionNames.NOTHING}
CHILDREN = {"session_names": sim.SessionNames.CHILDREN}
ALL, NONE = ("started", "updated", "ended"), ()
NAMES = ("Bees", "Coal", "Dust")
NIGHTLY = sim.Profile(
    name="nightly",
    tasks=tuple(sim.TaskSpec(name=it, title=it, seconds=100) for it in NAMES),
    traits=sim.Traits(rows=sim.Rows.SESSION, concurrency=1),
)


@pytest.mark.parametrize(
    ("profile", "traits", "busy", "events"),
    [
        ("session", {}, [(SESSION, BACKUP, 0)], ALL),
        ("session", UNNAMED, [(SESSION, "", 0)], ALL),
        ("session", CHILDREN, [(SESSION, "", 0), (BACKUP, "", 0)], ALL),
        ("session", {"row_delay": 8}, [], ALL),
        ("session", {"pushes_rows": False}, [(SESSION, BACKUP, 0)], NONE),
        ("current", {}, [STANDING, (TITLE, "", 0)], ALL),
        ("current", {"progress_known": False}, [STANDING, (TITLE, "", -1)], ALL),
        ("current", {"naming": sim.Naming.NAME}, [STANDING, (BACKUP, "", 0)], ALL),
        ("current", {"pushes_ended": False}, [STANDING, (TITLE, "", 0)], ALL[:2]),
        ("anonymous", {}, [(NAMELESS, "", 0)], ALL),
        ("silent", {}, [], NONE),
        ("legacy", {}, [(NAMELESS, TITLE, 0)], ALL),
    ],
)
def test_each_kind_of_server_shows_and_pushes_a_task_in_its_way(
    profile: str,
    traits: dict[str, Any],
    busy: list[tuple[str, str, int]],
    events: tuple[str, ...],
) -> None:
    rules = Rules(profile, **traits)
    idle = [STANDING] if profile == "current" else []
    assert rules.rows == idle
    rules.butler.start(BACKUP)
    assert rules.rows == busy
    rules.advance(HOUR)
    assert rules.rows == idle
    assert {event for event, *_ in rules.pushed} == set(events)


def test_a_shared_row_names_its_tasks_in_turn_under_one_id() -> None:
    rules = Rules("current", rows=sim.Rows.SHARED)
    (idle,) = rules.state.board.rows
    for name in (BACKUP, "OptimizeDatabase"):
        rules.butler.start(name)
    titles = set()
    for _ in range(4):
        rules.advance(2)
        ((title, _, progress),) = rules.rows
        assert progress < 100
        titles.add(title)
    assert titles == {TITLE, "Optimize Database"}
    rules.advance(HOUR)
    assert rules.rows == [STANDING]
    assert list(rules.state.board.rows) == [idle]


@pytest.mark.parametrize("stays", [True, False])
def test_a_session_counts_its_tasks_in_one_row_and_names_the_current_one(
    *, stays: bool
) -> None:
    rules = Rules(NIGHTLY, nothing_to_do=frozenset({"Coal"}), subtitle_stays=stays)
    rules.butler.durations["Bees"] = 3 * HOUR
    for name in NAMES:
        rules.butler.start(name)
    rules.advance(3 * HOUR + 100)
    # A task is two notifications, however long it takes.
    counted = [0, 100, 50, 100, 66, 100]
    named = [name for task in NAMES for name in (task, task if stays else "")]
    updates = [("updated", *it) for it in zip(named, counted, strict=True)]
    assert rules.pushed == [("started", "", 0), *updates]
    assert rules.rows == [(SESSION, named[-1], 100)]
    rules.advance(1)
    assert rules.rows == []


def test_the_order_of_a_night_is_no_list_that_clients_know() -> None:
    orders = set()
    for seed in range(5):
        rules = Rules(NIGHTLY, nothing_to_do=frozenset(NAMES), seed=seed)
        rules.advance_to_hour(2)
        orders.add(tuple(run.task for run in rules.butler.runs))
    assert len(orders) > 1


def test_the_row_may_stand_until_the_window_ends_or_for_ever() -> None:
    rules = Rules(NIGHTLY, session_ends=sim.SessionEnds.WINDOW)
    rules.advance_to_hour(2)
    rules.advance(2.5 * HOUR)
    assert rules.rows[0][2] == 100
    rules.advance(HOUR)
    assert rules.rows == []

    rules = Rules(NIGHTLY, session_ends=sim.SessionEnds.NEVER)
    rules.butler.start("Bees")
    rules.advance(HOUR)
    assert rules.rows == [(SESSION, "Bees", 100)]
    (uuid,) = rules.state.board.rows
    rules.butler.start("Coal")
    assert rules.rows == [(SESSION, "Coal", 50)]
    assert list(rules.state.board.rows) == [uuid]
    rules.state.restart()
    assert rules.rows == []


@pytest.mark.parametrize(("by_hand", "count"), zip(sim.ByHand, (1, 1, 2), strict=True))
def test_a_start_by_hand_waits_or_runs_beside_under_the_same_row_or_another(
    by_hand: sim.ByHand, count: int
) -> None:
    rules = Rules(NIGHTLY, by_hand=by_hand)
    rules.butler.tasks["Bees"].last_done = rules.clock.now() + DAY
    rules.advance_to_hour(2)
    (first,) = rules.doing()
    rules.butler.start("Bees")
    waits = by_hand is sim.ByHand.QUEUES
    assert rules.doing() == ({first} if waits else {first, "Bees"})
    assert len(rules.rows) == count
    rules.advance(HOUR)
    assert len(rules.butler.runs) == 3
