"""Two servers give way, each for itself."""

from typing import Any

from homeassistant.config_entries import ConfigEntryState
import pytest

from tests.house import (
    CREDITS,
    HEAVY,
    INTROS,
    MINUTE,
    WATCHERS,
    House,
    commands,
    running,
)
from tests.simulator import SimulatedPlex

# Whole nights go by
pytestmark = pytest.mark.slow


async def give_way(house: House, *titles: str, **inputs: Any) -> None:
    """Make the automation while nobody watches."""
    servers = [house.device(title) for title in titles]
    await house.show(WATCHERS, "0")
    await house.use(
        "give_way_to_viewers",
        watchers=[WATCHERS],
        servers=servers,
        tasks=HEAVY,
        **inputs,
    )


async def test_only_the_servers_of_the_tasks_are_told(
    house: House, attic: SimulatedPlex, cellar: SimulatedPlex
) -> None:
    await give_way(house, "Cellar")
    attic.client_start(INTROS)
    cellar.client_start(INTROS)

    await house.show(WATCHERS, "1")
    assert (running(attic), running(cellar)) == ({INTROS}, set())

    await house.show(WATCHERS, "0")
    await house.let_pass(16 * MINUTE)
    assert running(cellar) == {INTROS}
    assert commands(attic, "DELETE") == commands(attic, "POST") == []


async def test_both_servers_take_up_their_own_tasks(
    house: House, attic: SimulatedPlex, cellar: SimulatedPlex
) -> None:
    await give_way(house, "Attic", "Cellar")
    attic.client_start(CREDITS)
    cellar.client_start(INTROS)

    await house.show(WATCHERS, "1")
    assert running(attic) == running(cellar) == set()

    await house.show(WATCHERS, "0")
    await house.let_pass(16 * MINUTE)
    assert (running(attic), running(cellar)) == ({CREDITS}, {INTROS})


@pytest.mark.parametrize("titles", [("Attic", "Cellar"), ("Cellar", "Attic")])
async def test_a_server_that_refuses_keeps_no_other_from_giving_way(
    house: House,
    attic: SimulatedPlex,
    cellar: SimulatedPlex,
    titles: tuple[str, str],
    expected_logs: list[str],
) -> None:
    expected_logs.append("Error executing script. Error for call_service")
    await give_way(house, *titles)
    attic.client_start(CREDITS)
    cellar.client_start(INTROS)
    await house.settle()

    cellar.fault("500", path="/butler", method="DELETE", count=2)
    await house.show(WATCHERS, "1")
    assert (running(attic), running(cellar)) == (set(), {INTROS})

    await house.let_pass(2 * MINUTE, step=10)
    assert running(cellar) == set()
    assert commands(cellar, "DELETE") == [CREDITS, INTROS, INTROS]

    await house.show(WATCHERS, "0")
    await house.let_pass(16 * MINUTE)
    assert (running(attic), running(cellar)) == ({CREDITS}, {INTROS})


async def test_what_could_not_be_stopped_is_not_started_again(
    house: House,
    attic: SimulatedPlex,
    cellar: SimulatedPlex,
    expected_logs: list[str],
) -> None:
    expected_logs.append("Error executing script. Error for call_service")
    await give_way(house, "Attic", "Cellar")
    attic.client_start(CREDITS)

    cellar.fault("500", path="/butler", method="DELETE", count=2)
    await house.show(WATCHERS, "1")
    await house.show(WATCHERS, "0")
    await house.let_pass(16 * MINUTE)

    assert running(attic) == {CREDITS}
    assert commands(cellar, "POST") == []


async def test_a_server_that_is_away_is_left_alone_in_silence(
    house: House, attic: SimulatedPlex, cellar: SimulatedPlex
) -> None:
    (entry,) = house.entries("Cellar")
    await house.hass.config_entries.async_unload(entry.entry_id)
    await give_way(house, "Cellar", "Attic")
    attic.client_start(CREDITS)
    cellar.client_start(INTROS)

    await house.show(WATCHERS, "1")
    assert (running(attic), running(cellar)) == (set(), {INTROS})

    await house.hass.config_entries.async_setup(entry.entry_id)
    await house.let_pass(MINUTE)
    assert entry.state is ConfigEntryState.LOADED
    assert running(cellar) == set()


async def test_who_was_away_is_started_later_and_that_counts_once(
    house: House, attic: SimulatedPlex, cellar: SimulatedPlex
) -> None:
    await give_way(house, "Attic", "Cellar", restarts=2)
    attic.client_start(CREDITS)
    cellar.client_start(INTROS)
    await house.show(WATCHERS, "1")
    (entry,) = house.entries("Cellar")
    await house.hass.config_entries.async_unload(entry.entry_id)

    await house.show(WATCHERS, "0")
    await house.let_pass(40 * MINUTE)
    assert (running(attic), running(cellar)) == ({CREDITS}, set())

    await house.hass.config_entries.async_setup(entry.entry_id)
    await house.let_pass(16 * MINUTE)
    assert running(cellar) == {INTROS}
    assert commands(attic, "POST") == [CREDITS]

    for posts in (2, 2):
        await house.show(WATCHERS, "1")
        assert running(attic) == running(cellar) == set()
        await house.show(WATCHERS, "0")
        await house.let_pass(16 * MINUTE)
        assert len(commands(attic, "POST")) == len(commands(cellar, "POST")) == posts
