"""The event entity tells what tasks do, and not what was so before."""

from typing import Any

from homeassistant.core import State
import pytest

from tests.conftest import BACKUP, OPTIMIZE, Home, device_of
from tests.simulator import SimulatedPlex

# Also what is disabled at first
pytestmark = pytest.mark.usefixtures("all_entities_enabled")

TASK = "event.attic_butler_task"


@pytest.fixture
def told(new_home: Home) -> list[State]:
    """Return what the event entity tells, to be filled."""
    return new_home.written(TASK)


def parts(told: list[State], *keys: str) -> list[tuple[Any, ...]]:
    return [
        tuple(it.attributes.get(key) for key in keys)
        for it in told
        if it.state not in ("unavailable", "unknown")
    ]


async def test_stops_at_once_are_an_event_each_of_this_server_alone(
    home: Home, cellar: SimulatedPlex, told: list[State]
) -> None:
    device = device_of(home.hass, await home.add(cellar))
    await home.action("start_task", task=BACKUP, device_id=device.id)
    assert cellar.truth()[BACKUP] == "running"
    await home.action("start_task", task=[BACKUP, OPTIMIZE], device_id=home.device)
    await home.advance(10)
    await home.action("stop_all_tasks", device_id=home.device)
    await home.advance(1)

    assert parts(told, "event_type", "name", "task", "evidence", "duration") == [
        ("started", BACKUP, "Back up database", "assumed", None),
        ("started", OPTIMIZE, "Optimize database", "assumed", None),
        ("stopped", BACKUP, "Back up database", "assumed", 10),
        ("stopped", OPTIMIZE, "Optimize database", "assumed", 10),
    ]


@pytest.mark.parametrize("profile", ["silent"])
async def test_a_run_that_is_given_up_is_not_told(
    home: Home, told: list[State]
) -> None:
    await home.start()
    await home.advance(31 * 60)

    assert parts(told, "event_type") == [("started",)]


async def test_the_end_of_a_task_that_went_is_not_told(
    home: Home, told: list[State]
) -> None:
    await home.start(BACKUP, lasts=600)
    await home.advance(10)
    # A setting that changes has the list of tasks read anew
    await home.changed("ButlerEndHour", 6)
    home.plex.remove_task(BACKUP)
    await home.advance_steps(6, 5)

    assert home.plex.truth().get(BACKUP) is None
    assert parts(told, "event_type", "name") == [("started", BACKUP)]


async def test_what_was_so_at_the_start_is_not_told(
    new_home: Home, told: list[State]
) -> None:
    new_home.begins(BACKUP, 60)
    await new_home.set_up()
    await new_home.advance(5)
    assert parts(told) == []
    assert new_home.state(TASK) == "unknown"

    await new_home.advance(60, 1)
    assert parts(told, "event_type", "duration") == [("ended", None)]
