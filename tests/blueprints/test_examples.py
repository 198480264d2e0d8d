"""Every example of the documentation does what it says."""

from collections.abc import Awaitable, Callable
from functools import partial
import re
from typing import Final

from homeassistant.core import ServiceCall
from homeassistant.util.yaml import parse_yaml
import pytest
from pytest_homeassistant_custom_component.common import async_mock_service

from tests.blueprints.conftest import Evening
from tests.house import (
    BACKUP,
    CREDITS,
    DOCUMENTS,
    HOUR,
    INTROS,
    MINUTE,
    OPTIMIZE,
    ROOT,
    commands,
    running,
)

# Whole nights go by
pytestmark = pytest.mark.slow

# What stands in the examples for the device of the server
DEVICE: Final = "6d1f4c0e9b7a42538f60a1c2d3e4f506"

# What an example is called: the line above it that ends in a colon, or the heading
_EXAMPLE: Final = re.compile(
    r"^(?:##+ (?P<heading>.+)(?:\n(?!#|```|.*:$).*)*|(?P<line>\S.*):)\n\n```yaml\n"
    r"(?P<yaml>(?:.*\n)*?)```$",
    re.MULTILINE,
)

TEXTS: Final = "\n".join((ROOT / name).read_text() for name in DOCUMENTS)
# The YAML of all examples by what they are called
EXAMPLES: Final = {
    match["heading"] or match["line"]: match["yaml"]
    for match in _EXAMPLE.finditer(TEXTS)
}
DEEP, PREVIEWS = "DeepMediaAnalysis", "GenerateMediaIndexFiles"

type Scenario = Callable[[Evening], Awaitable[None]]
SCENARIOS: Final[dict[str, Scenario]] = {}


def tries(name: str) -> Callable[[Scenario], Scenario]:
    """Say which example a function tries."""
    return partial(SCENARIOS.setdefault, name)


def script(house: Evening, name: str) -> list[ServiceCall]:
    """Return the calls of a script of the user's, to be filled."""
    calls: list[ServiceCall] = async_mock_service(house.hass, "script", name)
    return calls


async def start(house: Evening, *tasks: str) -> None:
    """Have tasks started by somebody, and seen to run."""
    for task in tasks:
        house.attic.client_start(task)
    await house.let_pass(1)
    await house.expect(*tasks)


@pytest.mark.parametrize("name", EXAMPLES)
async def test_the_example_does_what_it_says(name: str, house: Evening) -> None:
    await house.show("sensor.attic", "0")
    await house.show("sensor.electricity_price", "0.3")
    entities = set(re.findall(r"\w+\.attic_butler\w*", EXAMPLES[name]))
    assert entities <= set(house.hass.states.async_entity_ids())
    parsed = parse_yaml(EXAMPLES[name].replace(DEVICE, house.device("Attic")))
    assert isinstance(parsed, dict)
    await house.automate(alias="tried", **parsed)
    await SCENARIOS[name](house)


def test_no_example_is_left_out() -> None:
    assert EXAMPLES.keys() == SCENARIOS.keys()
    assert len(EXAMPLES) == len(re.findall(r"``` *ya?ml", TEXTS))


@tries("Refresh the libraries when a download has finished")
async def _(house: Evening) -> None:
    house.hass.bus.async_fire("downloader_download_completed")
    await house.settle()
    await house.expect("RefreshLibraries")


@tries("Stop two heavy tasks while somebody watches")
async def _(house: Evening) -> None:
    await start(house, CREDITS, DEEP, BACKUP)
    await house.show("media_player.living_room", "playing")
    await house.expect(BACKUP)


@tries("Let the server work by day while nobody is home")
async def _(house: Evening) -> None:
    await house.show("zone.home", "0")
    settings = house.attic.state.preferences
    hours = [settings[name].value for name in ("ButlerStartHour", "ButlerEndHour")]
    assert hours == [9, 17]


@tries("Stop heavy work while somebody watches")
async def _(house: Evening) -> None:
    await start(house, CREDITS, PREVIEWS, BACKUP)
    await house.show("sensor.attic", "1")
    await house.expect(BACKUP)


@tries("Know what ran")
async def _(house: Evening) -> None:
    house.attic.durations[BACKUP] = MINUTE
    house.attic.durations[INTROS] = MINUTE
    await start(house, BACKUP, INTROS, OPTIMIZE)
    await house.let_pass(MINUTE)
    house.attic.client_stop(OPTIMIZE)
    assert house.told() == ["Back up database ended after 60.0 seconds"]


@tries("Back up before something risky")
async def _(house: Evening) -> None:
    house.attic.durations[BACKUP] = 5 * MINUTE
    upgraded = script(house, "upgrade_the_attic")
    await house.let_pass_until(4, 25)
    house.attic.client_stop(BACKUP)

    await house.let_pass_until(4, 30)
    assert BACKUP in running(house.attic)
    assert not upgraded
    await house.let_pass(6 * MINUTE)
    assert len(upgraded) == 1

    await house.let_pass_until(4, 30)
    await house.turn("off")
    await house.let_pass(1)
    assert len(upgraded) == 1
    assert house.told() == ["The backup: stopped"]


@tries("Stop at a time")
async def _(house: Evening) -> None:
    await house.let_pass_until(6, 25)
    house.attic.butler.stop_all()
    await start(house, DEEP, INTROS, BACKUP)
    await house.let_pass_until(6, 30)
    await house.expect(BACKUP)


@tries("Run when power is cheap")
async def _(house: Evening) -> None:
    await house.show("sensor.electricity_price", "0.05")
    await house.expect(DEEP)

    house.attic.client_stop(DEEP)
    await house.show("sensor.electricity_price", "0.3")
    await house.let_pass_until(7)
    house.attic.butler.stop_all()
    await house.show("sensor.electricity_price", "0.05")
    await house.expect()


@tries("Still running after six hours")
async def _(house: Evening) -> None:
    house.attic.durations[DEEP] = 7 * HOUR
    await start(house, DEEP)
    await house.let_pass(6 * HOUR - 10, step=5 * MINUTE)
    assert house.told() == []

    await house.let_pass(MINUTE)
    assert house.told() == ["The deep analysis has been running for six hours."]


@tries("Put the machine to sleep when Butler has become idle")
async def _(house: Evening) -> None:
    suspended = script(house, "suspend_the_attic")
    for watchers, times in (("1", 0), ("0", 1)):
        await house.show("sensor.attic", watchers)
        await start(house, DEEP)
        await house.let_pass(MINUTE)
        house.attic.client_stop(DEEP)
        await house.let_pass(5 * MINUTE, step=10)
        assert len(suspended) == times


@tries("Say so if a film starts while Butler is busy")
async def _(house: Evening) -> None:
    await house.show("media_player.living_room", "playing")
    assert house.told() == []

    await start(house, DEEP)
    await house.show("media_player.living_room", "paused")
    await house.show("media_player.living_room", "playing")
    assert house.told() == ["Butler is at work, the film may stutter."]


@tries("Save the database when the power fails")
async def _(house: Evening) -> None:
    down = script(house, "shut_the_attic_down")
    await start(house, BACKUP)
    await house.show("binary_sensor.on_battery", "on")
    await house.show("binary_sensor.on_battery", "off")
    assert commands(house.attic, "DELETE") == []

    await start(house, BACKUP, OPTIMIZE)
    await house.show("binary_sensor.on_battery", "on")
    await house.let_pass(MINUTE, step=5)
    await house.expect(BACKUP)
    assert len(down) == 1


@tries("Restart the machine, but not in the middle of a task")
async def _(house: Evening) -> None:
    restarted = script(house, "restart_the_attic")
    await house.let_pass_until(5, 20)
    house.attic.butler.stop_all()
    await start(house, BACKUP)
    await house.let_pass_until(5, 30)
    assert restarted == []

    await house.let_pass_until(5, 20)
    house.attic.butler.stop_all()
    await house.let_pass_until(5, 30)
    assert len(restarted) == 1
