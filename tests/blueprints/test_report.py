"""In the morning people read what Butler did."""

from homeassistant.core import HomeAssistant
import pytest
from pytest_homeassistant_custom_component.common import (
    async_get_persistent_notifications,
)

from tests.house import BACKUP, CREDITS, HOUR, MINUTE, OPTIMIZE, House
from tests.simulator import SimulatedPlex

# Whole nights go by
pytestmark = pytest.mark.slow

ATTIC = "switch.attic_butler_analyze_sonic_features"
CELLAR = "switch.cellar_butler_analyze_sonic_features"
BLUEPRINT = "what_butler_did_last_night"


def told(hass: HomeAssistant) -> list[str]:
    """Return the lines of all notifications."""
    return [
        line
        for notification in async_get_persistent_notifications(hass).values()
        for line in notification["message"].splitlines()
    ]


async def run(house: House, plex: SimulatedPlex, task: str, seconds: float) -> None:
    """Have a task run for a while, and all of it be seen."""
    plex.durations[task] = seconds
    plex.client_start(task)
    await house.settle()
    await house.let_pass(seconds + 40, step=1 if seconds < MINUTE else 20)


async def test_at_seven_people_read_what_ran(
    house: House, attic: SimulatedPlex
) -> None:
    attic.set_preference("ButlerEndHour", 13)
    attic.set_preference("ButlerStartHour", 12)
    await house.use(BLUEPRINT, switches=[ATTIC])
    await run(house, attic, BACKUP, 2 * MINUTE)
    await run(house, attic, OPTIMIZE, 20)
    await run(house, attic, CREDITS, 65 * MINUTE)
    await house.let_pass_until(6, 55)
    assert told(house.hass) == []

    await house.let_pass_until(7)

    assert told(house.hass) == [
        "- Optimize Database: ended after 20 s",
        "- Backup Database: ended after 2 min",
        "- Generate Credits Markers: ended after 1 h 5 min",
    ]


async def test_what_ran_before_the_night_is_not_told(
    house: House, attic: SimulatedPlex
) -> None:
    await house.use(BLUEPRINT, switches=[ATTIC], hours=1)
    await run(house, attic, BACKUP, 2 * MINUTE)
    await house.let_pass(HOUR)
    await run(house, attic, OPTIMIZE, MINUTE)

    await house.run_by_hand()

    assert told(house.hass) == ["- Optimize Database: ended after 1 min"]


async def test_what_was_stopped_and_what_still_runs_is_told_as_such(
    house: House, attic: SimulatedPlex
) -> None:
    await house.use(BLUEPRINT, switches=[ATTIC])
    attic.client_start(BACKUP)
    attic.client_start(CREDITS)
    await house.settle()
    await house.let_pass(5 * MINUTE)
    await house.hass.services.async_call(
        "switch",
        "turn_off",
        {"entity_id": "switch.attic_butler_back_up_database"},
        blocking=True,
    )

    await house.run_by_hand()

    assert told(house.hass) == [
        "- Backup Database: stopped after 5 min",
        "- Generate Credits Markers: still running",
    ]


@pytest.mark.parametrize(
    ("profile", "line"),
    [
        ("silent", "- Backup Database: its end was not seen"),
        ("anonymous", "- Backup Database: probably ended after 2 min"),
    ],
)
async def test_no_end_is_made_up(house: House, attic: SimulatedPlex, line: str) -> None:
    await house.use(BLUEPRINT, switches=[ATTIC])
    attic.durations[BACKUP] = 2 * MINUTE
    await house.hass.services.async_call(
        "switch",
        "turn_on",
        {"entity_id": "switch.attic_butler_back_up_database"},
        blocking=True,
    )
    await house.let_pass(HOUR, step=20)

    await house.run_by_hand()

    assert told(house.hass) == [line]


@pytest.mark.parametrize(
    ("silent", "lines"),
    [(True, []), (False, ["Nothing was seen to run in the last 12 hours."])],
)
async def test_a_night_without_tasks(
    house: House, attic: SimulatedPlex, *, silent: bool, lines: list[str]
) -> None:
    await house.use(BLUEPRINT, switches=[ATTIC], silent=silent)

    await house.run_by_hand()

    assert told(house.hass) == lines


async def test_of_two_servers_each_line_says_whose_it_is(
    house: House, attic: SimulatedPlex, cellar: SimulatedPlex
) -> None:
    await house.use(BLUEPRINT, switches=[CELLAR, ATTIC, ATTIC])
    attic.durations[BACKUP] = 2 * MINUTE
    await run(house, cellar, OPTIMIZE, MINUTE)
    await run(house, attic, BACKUP, 2 * MINUTE)

    await house.run_by_hand()

    assert told(house.hass) == [
        "- Optimize Database (Cellar): ended after 1 min",
        "- Backup Database (Attic): ended after 2 min",
    ]


async def test_a_server_that_is_away_is_told_of(
    house: House, attic: SimulatedPlex, cellar: SimulatedPlex
) -> None:
    await house.use(BLUEPRINT, switches=[CELLAR, ATTIC])
    await run(house, cellar, OPTIMIZE, MINUTE)
    (entry,) = house.entries("Attic")
    await house.hass.config_entries.async_unload(entry.entry_id)

    await house.run_by_hand()
    assert told(house.hass) == [
        "- Optimize Database (Cellar): ended after 1 min",
        "- Attic: could not be asked",
    ]

    await house.hass.config_entries.async_setup(entry.entry_id)
    await house.run_by_hand()
    assert told(house.hass) == ["- Optimize Database (Cellar): ended after 1 min"]


async def test_tasks_that_are_gone_are_not_taken_for_a_quiet_night(
    house: House, attic: SimulatedPlex
) -> None:
    await house.use(BLUEPRINT, switches=["switch.of_a_server_that_was_removed"])

    await house.run_by_hand()

    assert told(house.hass) == ["- The chosen tasks are no longer there"]
