"""Heavy tasks give way to those who watch, and are taken up again."""

import pytest

from tests.house import (
    CREDITS,
    HOUR,
    INTROS,
    MINUTE,
    WATCHERS,
    House,
    Use,
    commands,
    running,
)
from tests.simulator import SimulatedPlex

# Whole nights go by
pytestmark = pytest.mark.slow


async def watch(house: House, minutes: int = 60) -> None:
    """Watch, and begin and end with the state that says so."""
    await house.show(WATCHERS, "1")
    await house.let_pass(minutes * MINUTE)
    await house.show(WATCHERS, "0")


async def test_what_runs_is_stopped_and_started_again_when_nobody_has_watched(
    house: House, attic: SimulatedPlex, give_way: Use
) -> None:
    await give_way()
    attic.client_start(CREDITS)
    await house.settle()

    await house.show(WATCHERS, "1")
    assert running(attic) == set()

    await watch(house)
    await house.let_pass(14 * MINUTE)
    assert running(attic) == set()

    await house.let_pass(2 * MINUTE)
    assert running(attic) == {CREDITS}
    assert commands(attic, "POST") == [CREDITS]


async def test_a_short_break_starts_nothing(
    house: House, attic: SimulatedPlex, give_way: Use
) -> None:
    await give_way(quiet=30)
    attic.client_start(CREDITS)
    await watch(house)
    await house.let_pass(20 * MINUTE)
    await watch(house)

    await house.let_pass(29 * MINUTE)
    assert running(attic) == set()

    await house.let_pass(2 * MINUTE)
    assert running(attic) == {CREDITS}


async def test_after_the_night_nothing_is_started_until_there_is_another_stop(
    house: House, attic: SimulatedPlex, give_way: Use
) -> None:
    await give_way(latest="23:30:00")
    attic.client_start(CREDITS)
    await watch(house, minutes=80)
    await house.let_pass(HOUR)
    assert commands(attic, "POST") == []

    attic.client_start(INTROS)
    await watch(house)
    assert running(attic) == set()
    await house.let_pass(20 * MINUTE)
    assert commands(attic, "POST") == [INTROS]


async def test_a_night_ends_at_six_unless_told_otherwise(
    house: House, attic: SimulatedPlex, give_way: Use
) -> None:
    await give_way()
    await house.let_pass_until(5)
    attic.client_start(CREDITS)
    await watch(house, minutes=46)
    await house.let_pass(HOUR)

    assert commands(attic, "POST") == []


@pytest.mark.parametrize("restarts", [0, 1, 2])
async def test_what_was_started_again_often_enough_is_only_held(
    house: House, attic: SimulatedPlex, give_way: Use, restarts: int
) -> None:
    await give_way(restarts=restarts, latest="21:00:00")
    attic.client_start(CREDITS)
    for _ in range(4):
        await watch(house, minutes=10)
        assert running(attic) == set()
        await house.let_pass(20 * MINUTE)

    assert commands(attic, "POST") == [CREDITS] * restarts

    await house.show(WATCHERS, "1")
    attic.client_start(INTROS)
    await house.let_pass(MINUTE)
    assert running(attic) == set()


async def test_what_the_window_starts_during_a_film_is_held(
    house: House, attic: SimulatedPlex, give_way: Use
) -> None:
    await give_way()
    await house.let_pass_until(1)
    await house.show(WATCHERS, "1")
    await house.let_pass_until(2, 10)

    assert not running(attic) & {CREDITS, INTROS}
    assert running(attic) >= {"BackupDatabase", "DeepMediaAnalysis"}

    await house.show(WATCHERS, "0")
    await house.let_pass(16 * MINUTE)
    assert running(attic) >= {CREDITS, INTROS}


async def test_what_starts_during_a_film_runs_if_people_want_so(
    house: House, attic: SimulatedPlex, give_way: Use
) -> None:
    await give_way(hold=False)
    attic.client_start(INTROS)
    await house.show(WATCHERS, "1")
    assert running(attic) == set()

    attic.client_start(CREDITS)
    await house.let_pass(10 * MINUTE)

    assert running(attic) == {CREDITS}


async def test_nothing_is_started_that_was_not_stopped(
    house: House, attic: SimulatedPlex, give_way: Use
) -> None:
    await give_way()
    await watch(house)
    await house.let_pass(HOUR)

    assert commands(attic, "DELETE") == [CREDITS, INTROS]
    assert commands(attic, "POST") == []


async def test_a_film_without_tasks_holds_those_of_the_next_one(
    house: House, attic: SimulatedPlex, give_way: Use
) -> None:
    await give_way()
    await watch(house)
    await house.let_pass(HOUR)

    await house.show(WATCHERS, "2")
    attic.requests.clear()
    attic.client_start(CREDITS)
    await house.let_pass(MINUTE)
    assert running(attic) == set()
    assert commands(attic, "DELETE") == [CREDITS]


@pytest.mark.parametrize("profile", ["silent"])
async def test_a_server_that_never_shows_what_runs_is_taken_at_its_word(
    house: House, attic: SimulatedPlex, give_way: Use
) -> None:
    await give_way()
    attic.client_start(CREDITS)
    await house.let_pass(MINUTE)

    await watch(house)
    assert running(attic) == set()

    await house.let_pass(16 * MINUTE)
    assert running(attic) == {CREDITS}
    assert commands(attic, "POST") == [CREDITS]

    attic.client_start(INTROS)
    await house.show(WATCHERS, "1")
    assert running(attic) == set()


async def test_by_hand_nothing_happens_while_nobody_watches(
    house: House, attic: SimulatedPlex, give_way: Use
) -> None:
    await give_way()
    attic.client_start(CREDITS)

    await house.run_by_hand()
    await house.let_pass(HOUR)

    assert running(attic) == {CREDITS}
