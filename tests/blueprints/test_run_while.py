"""Tasks run while something is on."""

from typing import Any

import pytest

from tests.house import CREDITS, HEAVY, INTROS, MINUTE, House, Use, commands, running
from tests.simulator import SimulatedPlex

# Whole nights go by
pytestmark = pytest.mark.slow

CHEAP = "binary_sensor.cheap_power"


@pytest.fixture
def run_while(house: House, attic: SimulatedPlex) -> Use:
    """Return what makes the automation, while power is dear."""

    async def use(*titles: str, **inputs: Any) -> None:
        await house.show(CHEAP, "off")
        servers = [house.device(title) for title in titles or ("Attic",)]
        given = {"while_on": CHEAP, "servers": servers, "tasks": HEAVY[:1], **inputs}
        await house.use("run_while", **given)

    return use


async def test_tasks_start_when_it_turns_on_and_stop_when_it_turns_off(
    house: House, attic: SimulatedPlex, run_while: Use
) -> None:
    await run_while(tasks=["Detect credits", "generate_intro_markers", "Polish brass"])
    attic.client_start("DeepMediaAnalysis")

    await house.show(CHEAP, "on")
    assert running(attic) == {"DeepMediaAnalysis", CREDITS, INTROS}

    await house.let_pass(10 * MINUTE)
    await house.show(CHEAP, "off")
    assert running(attic) == {"DeepMediaAnalysis"}


@pytest.mark.parametrize("before", ["unknown", "unavailable"])
@pytest.mark.parametrize("after", ["on", "off"])
async def test_what_was_so_when_home_assistant_started_does_nothing(
    house: House, attic: SimulatedPlex, run_while: Use, before: str, after: str
) -> None:
    await run_while()
    await house.show(CHEAP, before)
    attic.client_start(CREDITS)
    await house.show(CHEAP, after)

    assert running(attic) == {CREDITS}
    assert commands(attic, "POST") == commands(attic, "DELETE") == []


async def test_only_the_server_of_the_task_is_told(
    house: House, attic: SimulatedPlex, cellar: SimulatedPlex, run_while: Use
) -> None:
    await run_while("Cellar")

    await house.show(CHEAP, "on")

    assert (running(attic), running(cellar)) == (set(), {CREDITS})


async def test_a_server_that_is_not_up_yet_is_waited_for(
    house: House, attic: SimulatedPlex, cellar: SimulatedPlex, run_while: Use
) -> None:
    await run_while("Attic", "Cellar")
    (entry,) = house.entries("Attic")
    await house.hass.config_entries.async_unload(entry.entry_id)

    await house.show(CHEAP, "on")
    assert (running(attic), running(cellar)) == (set(), {CREDITS})

    await house.let_pass(4 * MINUTE)
    await house.hass.config_entries.async_setup(entry.entry_id)
    await house.settle()
    assert (running(attic), running(cellar)) == ({CREDITS}, {CREDITS})
    assert commands(cellar, "POST") == [CREDITS]


async def test_a_server_that_cannot_be_reached_is_stopped_when_it_can(
    house: House, attic: SimulatedPlex, cellar: SimulatedPlex, run_while: Use
) -> None:
    await run_while("Attic", "Cellar")
    await house.show(CHEAP, "on")
    (entry,) = house.entries("Attic")
    await house.hass.config_entries.async_unload(entry.entry_id)

    await house.show(CHEAP, "off")
    assert (running(attic), running(cellar)) == ({CREDITS}, set())

    await house.let_pass(4 * MINUTE)
    await house.hass.config_entries.async_setup(entry.entry_id)
    await house.settle()
    assert running(attic) == set()
    assert commands(cellar, "DELETE") == [CREDITS]


@pytest.mark.parametrize("state", ["on", "unavailable"])
async def test_what_is_no_longer_off_when_the_server_is_up_stops_nothing(
    house: House, attic: SimulatedPlex, run_while: Use, state: str
) -> None:
    await run_while()
    await house.show(CHEAP, "on")
    (entry,) = house.entries("Attic")
    await house.hass.config_entries.async_unload(entry.entry_id)
    await house.show(CHEAP, "off")
    await house.show(CHEAP, state)
    await house.hass.config_entries.async_setup(entry.entry_id)
    await house.let_pass(MINUTE)

    assert running(attic) == {CREDITS}
    assert commands(attic, "DELETE") == []


async def test_a_server_is_not_waited_for_for_ever(
    house: House, attic: SimulatedPlex, run_while: Use
) -> None:
    await run_while()
    (entry,) = house.entries("Attic")
    await house.hass.config_entries.async_unload(entry.entry_id)
    await house.show(CHEAP, "on")
    await house.let_pass(6 * MINUTE)

    await house.hass.config_entries.async_setup(entry.entry_id)
    await house.let_pass(MINUTE)
    assert running(attic) == set()


@pytest.mark.parametrize("state", ["off", "unavailable"])
async def test_what_is_no_longer_on_when_the_server_is_up_starts_nothing(
    house: House, attic: SimulatedPlex, run_while: Use, state: str
) -> None:
    await run_while()
    (entry,) = house.entries("Attic")
    await house.hass.config_entries.async_unload(entry.entry_id)
    await house.show(CHEAP, "on")
    await house.show(CHEAP, state)

    await house.hass.config_entries.async_setup(entry.entry_id)
    await house.let_pass(MINUTE)

    assert commands(attic, "POST") == []


async def test_a_server_that_refuses_keeps_no_other_from_it(
    house: House,
    attic: SimulatedPlex,
    cellar: SimulatedPlex,
    run_while: Use,
    expected_logs: list[str],
) -> None:
    expected_logs.append("Error executing script. Error for call_service")
    await run_while("Attic", "Cellar")

    attic.fault("500", path="/butler", method="POST")
    await house.show(CHEAP, "on")
    assert (running(attic), running(cellar)) == (set(), {CREDITS})

    await house.show(CHEAP, "off")
    await house.show(CHEAP, "on")
    assert (running(attic), running(cellar)) == ({CREDITS}, {CREDITS})


async def test_by_hand_it_does_what_fits_the_state(
    house: House, attic: SimulatedPlex, run_while: Use
) -> None:
    await run_while()
    attic.client_start(CREDITS)
    await house.run_by_hand()
    assert running(attic) == set()
