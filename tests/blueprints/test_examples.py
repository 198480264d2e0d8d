"""Every example of the documentation does what it says."""

from collections.abc import Awaitable, Callable
import re

from homeassistant.core import HomeAssistant, ServiceCall
import pytest
from pytest_homeassistant_custom_component.common import (
    async_get_persistent_notifications,
    async_mock_service,
)

from tests.automations import device_of
from tests.blueprints.examples import DEVICE, example, examples, texts
from tests.house import (
    BACKUP,
    CREDITS,
    HOUR,
    INTROS,
    MINUTE,
    OPTIMIZE,
    House,
    commands,
    running,
)
from tests.simulator import SimulatedPlex

# Whole nights go by
pytestmark = pytest.mark.slow

DEEP, PREVIEWS = "DeepMediaAnalysis", "GenerateMediaIndexFiles"

type Scenario = Callable[[House, SimulatedPlex], Awaitable[None]]
SCENARIOS: dict[str, Scenario] = {}


def tries(name: str) -> Callable[[Scenario], Scenario]:
    """Say which example a function tries."""

    def keep(scenario: Scenario) -> Scenario:
        SCENARIOS[name] = scenario
        return scenario

    return keep


def told(hass: HomeAssistant) -> list[str]:
    """Return what all notifications say."""
    notifications = async_get_persistent_notifications(hass).values()
    return [notification["message"] for notification in notifications]


def script(house: House, name: str) -> list[ServiceCall]:
    """Return the calls of a script of the user's, to be filled."""
    calls: list[ServiceCall] = async_mock_service(house.hass, "script", name)
    return calls


async def start(house: House, attic: SimulatedPlex, *tasks: str) -> None:
    """Have tasks started by somebody, and seen to run."""
    for task in tasks:
        attic.client_start(task)
    await house.let_pass(1)
    assert running(attic) == set(tasks)


@pytest.mark.parametrize("name", examples())
async def test_the_example_does_what_it_says(
    name: str, house: House, attic: SimulatedPlex
) -> None:
    (entry,) = house.entries("Attic")
    await house.show("sensor.attic", "0")
    await house.show("sensor.electricity_price", "0.3")
    await house.automate(alias="tried", **example(name, device_of(house.hass, entry)))

    await SCENARIOS[name](house, attic)


def test_no_example_is_left_out() -> None:
    assert examples().keys() == SCENARIOS.keys()
    assert len(examples()) == len(re.findall(r"``` *ya?ml", texts()))


async def test_examples_name_what_the_server_has(
    house: House, attic: SimulatedPlex
) -> None:
    named = set(re.findall(r"\w+\.attic_butler\w*", "".join(examples().values())))
    assert named

    assert named <= set(house.hass.states.async_entity_ids())
    assert DEVICE in "".join(examples().values())


@tries("Refresh the libraries when a download has finished")
async def _(house: House, attic: SimulatedPlex) -> None:
    house.hass.bus.async_fire("downloader_download_completed")
    await house.settle()

    assert running(attic) == {"RefreshLibraries"}


@tries("Stop two heavy tasks while somebody watches")
async def _(house: House, attic: SimulatedPlex) -> None:
    await start(house, attic, CREDITS, DEEP, BACKUP)
    await house.show("media_player.living_room", "playing")

    assert running(attic) == {BACKUP}


@tries("Let the server work by day while nobody is home")
async def _(house: House, attic: SimulatedPlex) -> None:
    await house.show("zone.home", "0")

    settings = attic.state.preferences
    hours = [settings[name].value for name in ("ButlerStartHour", "ButlerEndHour")]
    assert hours == [9, 17]


@tries("Stop heavy work while somebody watches")
async def _(house: House, attic: SimulatedPlex) -> None:
    await start(house, attic, CREDITS, PREVIEWS, BACKUP)
    await house.show("sensor.attic", "1")

    assert running(attic) == {BACKUP}


@tries("Know what ran")
async def _(house: House, attic: SimulatedPlex) -> None:
    attic.durations[BACKUP] = MINUTE
    attic.durations[INTROS] = MINUTE
    await start(house, attic, BACKUP, INTROS, OPTIMIZE)
    await house.let_pass(MINUTE)
    attic.client_stop(OPTIMIZE)
    assert told(house.hass) == ["Back up database ended after 60.0 seconds"]


@tries("Back up before something risky")
async def _(house: House, attic: SimulatedPlex) -> None:
    attic.durations[BACKUP] = 5 * MINUTE
    upgraded = script(house, "upgrade_the_attic")
    await house.let_pass_until(4, 25)
    attic.client_stop(BACKUP)

    await house.let_pass_until(4, 30)
    assert BACKUP in running(attic)
    assert not upgraded
    await house.let_pass(6 * MINUTE)
    assert len(upgraded) == 1

    await house.let_pass_until(4, 30)
    await house.hass.services.async_call(
        "switch", "turn_off", {"entity_id": "switch.attic_butler_back_up_database"}
    )
    await house.let_pass(1)
    assert len(upgraded) == 1
    assert told(house.hass) == ["The backup: stopped"]


@tries("Stop at a time")
async def _(house: House, attic: SimulatedPlex) -> None:
    await house.let_pass_until(6, 25)
    attic.butler.stop_all()
    await start(house, attic, DEEP, INTROS, BACKUP)
    await house.let_pass_until(6, 30)

    assert running(attic) == {BACKUP}


@tries("Run when power is cheap")
async def _(house: House, attic: SimulatedPlex) -> None:
    await house.show("sensor.electricity_price", "0.05")
    assert running(attic) == {DEEP}

    attic.client_stop(DEEP)
    await house.show("sensor.electricity_price", "0.3")
    await house.let_pass_until(7)
    attic.butler.stop_all()
    await house.show("sensor.electricity_price", "0.05")
    assert running(attic) == set()


@tries("Still running after six hours")
async def _(house: House, attic: SimulatedPlex) -> None:
    attic.durations[DEEP] = 7 * HOUR
    await start(house, attic, DEEP)
    await house.let_pass(6 * HOUR - 10, step=5 * MINUTE)
    assert told(house.hass) == []

    await house.let_pass(MINUTE)
    assert told(house.hass) == ["The deep analysis has been running for six hours."]


@tries("Put the machine to sleep when Butler has become idle")
async def _(house: House, attic: SimulatedPlex) -> None:
    suspended = script(house, "suspend_the_attic")
    for watchers, times in (("1", 0), ("0", 1)):
        await house.show("sensor.attic", watchers)
        await start(house, attic, DEEP)
        await house.let_pass(MINUTE)
        attic.client_stop(DEEP)
        await house.let_pass(5 * MINUTE, step=10)
        assert len(suspended) == times


@tries("Say so if a film starts while Butler is busy")
async def _(house: House, attic: SimulatedPlex) -> None:
    await house.show("media_player.living_room", "playing")
    assert told(house.hass) == []

    await start(house, attic, DEEP)
    await house.show("media_player.living_room", "paused")
    await house.show("media_player.living_room", "playing")
    assert told(house.hass) == ["Butler is at work, the film may stutter."]


@tries("Save the database when the power fails")
async def _(house: House, attic: SimulatedPlex) -> None:
    down = script(house, "shut_the_attic_down")
    await start(house, attic, BACKUP)
    await house.show("binary_sensor.on_battery", "on")
    await house.show("binary_sensor.on_battery", "off")
    assert commands(attic, "DELETE") == []

    await start(house, attic, BACKUP, OPTIMIZE)
    await house.show("binary_sensor.on_battery", "on")
    await house.let_pass(MINUTE, step=5)
    assert running(attic) == {BACKUP}
    assert len(down) == 1


@tries("Restart the machine, but not in the middle of a task")
async def _(house: House, attic: SimulatedPlex) -> None:
    restarted = script(house, "restart_the_attic")
    await house.let_pass_until(5, 20)
    attic.butler.stop_all()
    await start(house, attic, BACKUP)
    await house.let_pass_until(5, 30)
    assert restarted == []

    await house.let_pass_until(5, 20)
    attic.butler.stop_all()
    await house.let_pass_until(5, 30)
    assert len(restarted) == 1
