"""Tasks run while something is on."""

from typing import Any

import pytest

from tests.blueprints.conftest import Evening
from tests.house import CREDITS, HEAVY, INTROS, MINUTE, commands

# Whole nights go by
pytestmark = pytest.mark.slow

CHEAP = "binary_sensor.cheap_power"


async def run_while(house: Evening, *titles: str, **inputs: Any) -> None:
    """Make the automation, while power is dear."""
    await house.show(CHEAP, "off")
    given = {"servers": house.devices(*titles), "tasks": HEAVY[:1], **inputs}
    await house.use("run_while", while_on=CHEAP, **given)


async def test_tasks_of_a_server_start_when_it_is_on_and_stop_when_off(
    pair: Evening,
) -> None:
    tasks = ["Detect credits", "generate_intro_markers", "Polish brass"]
    await run_while(pair, "Attic", tasks=tasks)
    for plex in (pair.attic, pair.cellar):
        plex.client_start("DeepMediaAnalysis")

    others = {"DeepMediaAnalysis"}
    await pair.show(CHEAP, "on")
    await pair.let_pass(10 * MINUTE)
    assert pair.at_work() == (others | {CREDITS, INTROS}, others)
    await pair.show(CHEAP, "off")
    assert pair.at_work() == (others, others)

    # By hand it does what fits the state.
    pair.attic.client_start(CREDITS)
    await pair.run_by_hand()
    assert pair.at_work() == (others, others)


@pytest.mark.parametrize("before", ["unknown", "unavailable"])
@pytest.mark.parametrize("after", ["on", "off"])
async def test_what_was_so_when_home_assistant_started_does_nothing(
    house: Evening, before: str, after: str
) -> None:
    await run_while(house)
    await house.show(CHEAP, before)
    house.attic.client_start(CREDITS)
    await house.show(CHEAP, after)

    await house.expect(CREDITS)
    assert commands(house.attic, "POST") == commands(house.attic, "DELETE") == []


async def test_a_server_that_is_not_up_yet_is_waited_for(pair: Evening) -> None:
    await run_while(pair, "Attic", "Cellar")
    await pair.unload("Attic")
    await pair.show(CHEAP, "on")
    assert pair.at_work() == (set(), {CREDITS})
    await pair.let_pass(4 * MINUTE)
    await pair.set_up("Attic")
    assert pair.at_work() == ({CREDITS}, {CREDITS})
    assert commands(pair.cellar, "POST") == [CREDITS]

    # It is stopped when it can be reached again, too.
    await pair.unload("Attic")
    await pair.show(CHEAP, "off")
    assert pair.at_work() == ({CREDITS}, set())
    await pair.let_pass(4 * MINUTE)
    await pair.set_up("Attic")
    assert pair.at_work() == (set(), set())
    assert commands(pair.cellar, "DELETE") == [CREDITS]


@pytest.mark.parametrize(
    ("wanted", "state", "minutes"),
    [
        pytest.param("on", "on", 6, id="the server was away for too long"),
        ("on", "off", 0),
        ("on", "unavailable", 0),
        ("off", "on", 0),
        ("off", "unavailable", 0),
    ],
)
async def test_what_is_no_longer_wanted_when_the_server_is_up_is_not_done(
    house: Evening, wanted: str, state: str, minutes: int
) -> None:
    await run_while(house)
    if wanted == "off":
        await house.show(CHEAP, "on")
        await house.expect(CREDITS)
    await house.unload("Attic")
    house.attic.requests.clear()
    await house.show(CHEAP, wanted)
    await house.show(CHEAP, state)
    await house.let_pass(minutes * MINUTE)
    await house.set_up("Attic")
    await house.let_pass(MINUTE)
    assert commands(house.attic, "POST" if wanted == "on" else "DELETE") == []


async def test_a_server_that_refuses_keeps_no_other_from_it(
    pair: Evening, expected_logs: list[str]
) -> None:
    expected_logs.append("Error executing script. Error for call_service")
    await run_while(pair, "Attic", "Cellar")
    pair.attic.fault("500", path="/butler", method="POST")
    await pair.show(CHEAP, "on")
    assert pair.at_work() == (set(), {CREDITS})

    await pair.show(CHEAP, "off")
    await pair.show(CHEAP, "on")
    assert pair.at_work() == ({CREDITS}, {CREDITS})
