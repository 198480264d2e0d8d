"""Heavy tasks give way to those who watch, and are taken up again."""

from typing import Any

import pytest

from tests.blueprints.conftest import HELD, RUNS, Evening
from tests.house import CREDITS, HOUR, INTROS, MINUTE, WATCHERS, commands, running

# Whole nights go by
pytestmark = pytest.mark.slow


@pytest.mark.parametrize(("inputs", "quiet"), [({}, 15), ({"quiet": 30}, 30)])
async def test_what_runs_is_stopped_and_started_again_after_the_quiet_time(
    house: Evening, inputs: dict[str, Any], quiet: int
) -> None:
    await house.work(**inputs)
    # By hand nothing is started or stopped while no stream plays.
    await house.run_by_hand()
    await house.expect(CREDITS, after=20)
    await house.follow(("1", 0, HELD), ("1", 60, HELD), ("0", quiet - 1, HELD))
    await house.follow(("1", 60, HELD), ("0", quiet - 1, HELD), ("0", 2, RUNS))
    assert commands(house.attic, "POST") == [CREDITS]


async def test_after_the_night_nothing_is_started_again(house: Evening) -> None:
    await house.work(latest="23:30:00")
    await house.follow(("1", 80, HELD), ("0", 60, HELD))
    assert commands(house.attic, "POST") == []

    house.attic.client_start(INTROS)
    await house.follow(("1", 60, HELD))
    await house.show(WATCHERS, "0")
    await house.let_pass(20 * MINUTE)
    assert commands(house.attic, "POST") == [INTROS]


async def test_a_night_ends_at_six_unless_told_otherwise(house: Evening) -> None:
    await house.give_way()
    await house.let_pass_until(5)
    house.attic.client_start(CREDITS)
    await house.show(WATCHERS, "1")
    await house.let_pass(46 * MINUTE)
    await house.show(WATCHERS, "0")
    await house.let_pass(HOUR)
    assert commands(house.attic, "POST") == []


@pytest.mark.parametrize("restarts", [0, 1, 2])
async def test_what_was_started_again_often_enough_is_only_held(
    house: Evening, restarts: int
) -> None:
    await house.work(restarts=restarts, latest="21:00:00")
    for number in range(4):
        await house.follow(("1", 10, HELD), ("0", 20, number < restarts))
    assert commands(house.attic, "POST") == [CREDITS] * restarts

    await house.show(WATCHERS, "1")
    house.attic.client_start(INTROS)
    await house.expect(after=1)


async def test_what_the_window_starts_during_a_film_is_held(house: Evening) -> None:
    await house.give_way()
    await house.let_pass_until(1)
    await house.show(WATCHERS, "1")
    await house.let_pass_until(2, 10)
    assert not running(house.attic) & {CREDITS, INTROS}
    assert running(house.attic) >= {"BackupDatabase", "DeepMediaAnalysis"}

    await house.show(WATCHERS, "0")
    await house.let_pass(16 * MINUTE)
    assert running(house.attic) >= {CREDITS, INTROS}


async def test_what_starts_in_a_film_runs_if_people_want_so(house: Evening) -> None:
    await house.give_way(hold=False)
    house.attic.client_start(INTROS)
    await house.follow(("1", 0, HELD))
    house.attic.client_start(CREDITS)
    await house.follow(("1", 10, RUNS))


async def test_nothing_is_started_that_was_not_stopped(house: Evening) -> None:
    await house.give_way()
    await house.follow(("1", 60, HELD), ("0", 60, HELD))
    assert commands(house.attic, "DELETE") == [CREDITS, INTROS]
    assert commands(house.attic, "POST") == []

    # What starts during the next film is held.
    await house.show(WATCHERS, "2")
    house.attic.requests.clear()
    house.attic.client_start(CREDITS)
    await house.expect(after=1)
    assert commands(house.attic, "DELETE") == [CREDITS]


@pytest.mark.parametrize("profile", ["silent"])
async def test_a_server_that_shows_nothing_is_believed(house: Evening) -> None:
    await house.work()
    await house.expect(CREDITS, after=1)
    await house.follow(("1", 60, HELD), ("0", 16, RUNS))
    assert commands(house.attic, "POST") == [CREDITS]

    house.attic.client_start(INTROS)
    await house.follow(("1", 0, HELD))


async def expect_both(pair: Evening, watched: str, *tasks: set[str]) -> None:
    """See what runs at once if somebody watches, after the quiet time otherwise."""
    await pair.show(WATCHERS, watched)
    await pair.let_pass(16 * MINUTE if watched == "0" else 0)
    assert pair.at_work() == tasks


async def test_only_the_servers_of_the_tasks_are_told(pair: Evening) -> None:
    await pair.give_way("Cellar")
    pair.attic.client_start(INTROS)
    pair.cellar.client_start(INTROS)

    await expect_both(pair, "1", {INTROS}, set())
    await expect_both(pair, "0", {INTROS}, {INTROS})
    assert commands(pair.attic, "DELETE") == commands(pair.attic, "POST") == []


@pytest.mark.parametrize("titles", [("Attic", "Cellar"), ("Cellar", "Attic")])
async def test_a_server_that_refuses_keeps_no_other_from_giving_way(
    pair: Evening, titles: tuple[str, str], expected_logs: list[str]
) -> None:
    expected_logs.append("Error executing script. Error for call_service")
    await pair.work(*titles)
    pair.cellar.client_start(INTROS)
    await pair.settle()

    pair.cellar.fault("500", path="/butler", method="DELETE", count=2)
    await expect_both(pair, "1", set(), {INTROS})
    await pair.let_pass(2 * MINUTE, step=10)
    assert running(pair.cellar) == set()
    assert commands(pair.cellar, "DELETE") == [CREDITS, INTROS, INTROS]

    # Both servers take up their own tasks; what could not be stopped is none of them.
    await expect_both(pair, "0", {CREDITS}, {INTROS})


async def test_who_is_away_is_held_and_started_later_and_that_counts_once(
    pair: Evening,
) -> None:
    await pair.unload("Cellar")
    await pair.work("Cellar", "Attic", restarts=2)
    pair.cellar.client_start(INTROS)
    await expect_both(pair, "1", set(), {INTROS})
    await pair.set_up("Cellar")
    await pair.let_pass(MINUTE)
    assert pair.at_work() == (set(), set())

    await pair.unload("Cellar")
    await expect_both(pair, "0", {CREDITS}, set())
    await pair.let_pass(24 * MINUTE)
    await pair.set_up("Cellar")
    await expect_both(pair, "0", {CREDITS}, {INTROS})
    assert commands(pair.attic, "POST") == [CREDITS]

    for left in (({CREDITS}, {INTROS}), (set(), set())):
        await expect_both(pair, "1", set(), set())
        await expect_both(pair, "0", *left)
        for plex in (pair.attic, pair.cellar):
            assert len(commands(plex, "POST")) == 2
