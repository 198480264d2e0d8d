"""In the morning people read what Butler did."""

from typing import Any

import pytest

from tests.blueprints.conftest import Evening
from tests.house import BACKUP, CREDITS, HOUR, MINUTE, OPTIMIZE

# Whole nights go by
pytestmark = pytest.mark.slow


async def use(house: Evening, *titles: str, **inputs: Any) -> None:
    """Make the automation, at first about the attic alone."""
    given = {"servers": house.devices(*titles), **inputs}
    await house.use("what_butler_did_last_night", **given)


def told(house: Evening) -> list[str]:
    """Return the lines of all notifications."""
    return [line for message in house.told() for line in message.splitlines()]


async def test_at_seven_people_read_what_ran(house: Evening) -> None:
    house.attic.set_preference("ButlerEndHour", 13)
    house.attic.set_preference("ButlerStartHour", 12)
    await use(house)
    await house.run(house.attic, BACKUP, 2 * MINUTE)
    await house.run(house.attic, OPTIMIZE, 20)
    await house.run(house.attic, CREDITS, 65 * MINUTE)
    await house.let_pass_until(6, 55)
    assert told(house) == []

    await house.let_pass_until(7)
    assert told(house) == [
        "- Optimize database: ended after 20 s",
        "- Back up database: ended after 2 min",
        "- Detect credits: ended after 1 h 5 min",
    ]


async def test_what_was_stopped_and_what_runs_is_told_and_no_earlier_run(
    house: Evening,
) -> None:
    await use(house, hours=1)
    await house.run(house.attic, OPTIMIZE, 2 * MINUTE)
    await house.let_pass(HOUR)
    house.attic.client_start(BACKUP)
    house.attic.client_start(CREDITS)
    await house.settle()
    await house.let_pass(5 * MINUTE)
    await house.turn("off")
    await house.run_by_hand()
    assert told(house) == [
        "- Back up database: stopped after 5 min",
        "- Detect credits: still running",
    ]


@pytest.mark.parametrize(
    ("profile", "line"),
    [
        ("silent", "- Back up database: its end was not seen"),
        ("anonymous", "- Back up database: probably ended after 2 min"),
    ],
)
async def test_no_end_is_made_up(house: Evening, line: str) -> None:
    await use(house)
    house.attic.durations[BACKUP] = 2 * MINUTE
    await house.turn("on")
    await house.let_pass(HOUR, step=20)
    await house.run_by_hand()
    assert told(house) == [line]


@pytest.mark.parametrize(
    ("inputs", "lines"),
    [
        ({"silent": True}, []),
        ({"silent": False}, ["Nothing was seen to run in the last 12 hours."]),
        # It is not taken for a quiet night.
        ({"servers": ["of_a_removed_one"]}, ["- A server is no longer there"]),
    ],
)
async def test_a_night_without_tasks(
    house: Evening, inputs: dict[str, Any], lines: list[str]
) -> None:
    await use(house, **inputs)
    await house.run_by_hand()
    assert told(house) == lines


async def test_of_two_servers_each_line_says_whose_it_is_and_which_is_away(
    pair: Evening,
) -> None:
    of_cellar = "- Optimize database (Cellar): ended after 1 min"
    of_attic = "- Back up database (Attic): ended after 2 min"
    await use(pair, "Cellar", "Attic")
    await pair.run(pair.cellar, OPTIMIZE, MINUTE)
    await pair.run(pair.attic, BACKUP, 2 * MINUTE)
    await pair.run_by_hand()
    assert told(pair) == [of_cellar, of_attic]

    await pair.unload("Attic")
    await pair.run_by_hand()
    assert told(pair) == [of_cellar, "- Attic Butler: could not be asked"]

    await pair.set_up("Attic")
    await pair.run_by_hand()
    assert told(pair) == [of_cellar, of_attic]
