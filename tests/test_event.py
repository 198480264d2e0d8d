"""The event entity tells what tasks do, and not what was so before."""

from typing import Any

from homeassistant.core import State
import pytest

from tests.conftest import BACKUP, OPTIMIZE, Home, device_of
from tests.simulator import PROFILES, SimulatedPlex

# Also what is disabled at first
pytestmark = pytest.mark.usefixtures("all_entities_enabled")

TASK = "event.attic_butler_task"


type Told = list[State]


@pytest.fixture
def told(new_home: Home) -> Told:
    """Return what the event entity tells, to be filled."""
    return new_home.written(TASK)


def parts(told: Told, *keys: str) -> list[tuple[Any, ...]]:
    return [
        tuple(it.attributes.get(key) for key in keys)
        for it in told
        if it.state not in ("unavailable", "unknown")
    ]


async def test_a_run_is_told_from_its_start_to_its_end(home: Home, told: Told) -> None:
    await home.others_start(BACKUP, lasts=60, wait=5)
    assert parts(told, "event_type", "name", "task", "evidence", "duration") == [
        ("started", BACKUP, "Back up database", "observed", None)
    ]

    await home.advance(60, 1)
    assert parts(told, "event_type", "name", "evidence", "duration")[1:] == [
        ("ended", BACKUP, "observed", pytest.approx(60, abs=5))
    ]


async def test_stops_at_once_are_an_event_each(home: Home, told: Told) -> None:
    await home.start()
    await home.start(OPTIMIZE)
    await home.advance(10)
    await home.action("stop_all_tasks")
    await home.advance(1)

    assert parts(told, "event_type", "name", "evidence", "duration") == [
        ("started", BACKUP, "assumed", None),
        ("started", OPTIMIZE, "assumed", None),
        ("stopped", BACKUP, "assumed", 10),
        ("stopped", OPTIMIZE, "assumed", 10),
    ]


@pytest.mark.parametrize("profile", ["silent"])
async def test_a_run_that_is_given_up_is_not_told(home: Home, told: Told) -> None:
    await home.start()
    await home.advance(31 * 60)

    assert parts(told, "event_type") == [("started",)]


@pytest.mark.parametrize("profile", [PROFILES["current"].with_traits(row_delay=20)])
async def test_a_run_that_shows_late_is_told_once(home: Home, told: Told) -> None:
    home.plex.client_start(OPTIMIZE)
    await home.advance_steps(20, 5)
    told.clear()
    await home.start(BACKUP, lasts=60)
    await home.advance_steps(20, 5)

    assert parts(told, "event_type", "name") == [("started", BACKUP), ("ended", BACKUP)]


async def test_the_end_of_a_task_that_went_is_not_told(home: Home, told: Told) -> None:
    await home.start(BACKUP, lasts=600)
    await home.advance(10)
    # A setting that changes has the list of tasks read anew
    await home.changed("ButlerEndHour", 6)
    home.plex.remove_task(BACKUP)
    await home.advance_steps(6, 5)

    assert home.plex.truth().get(BACKUP) is None
    assert parts(told, "event_type", "name") == [("started", BACKUP)]


async def test_what_was_so_at_the_start_is_not_told(new_home: Home, told: Told) -> None:
    new_home.begins(BACKUP, 60)
    await new_home.set_up()
    await new_home.advance(5)
    assert parts(told) == []
    assert new_home.state(TASK) == "unknown"

    await new_home.advance(60, 1)
    assert parts(told, "event_type", "duration") == [("ended", None)]


async def test_servers_tell_only_of_themselves(
    home: Home, cellar: SimulatedPlex, told: Told
) -> None:
    device = device_of(home.hass, await home.add(cellar))
    await home.action("start_task", task=BACKUP, device_id=device.id)
    await home.settle()
    assert cellar.truth()[BACKUP] == "running"
    assert parts(told) == []
