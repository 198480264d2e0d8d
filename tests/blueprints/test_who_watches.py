"""Who watches, and who does not."""

from itertools import product

from homeassistant.const import EVENT_HOMEASSISTANT_STARTED
from homeassistant.core import CoreState
import pytest

from tests.blueprints.conftest import HELD, RUNS, Evening
from tests.house import CREDITS, INTROS, WATCHERS

# Whole nights go by
pytestmark = pytest.mark.slow

SENSOR, BINARY, PLAYER = "sensor.count", "binary_sensor.watched", "media_player.tv"
# What each shows while a stream plays, and while none does
WATCHING = {SENSOR: ("1", "0"), BINARY: ("on", "off"), PLAYER: ("playing", "idle")}
UNKNOWN = pytest.mark.parametrize(
    ("entity_id", "unknown"),
    [*product((SENSOR, BINARY), ("unavailable", "unknown")), (PLAYER, "unknown")],
)


@pytest.mark.parametrize(
    ("entity_id", "yes", "no"),
    [
        (SENSOR, "3", "0"),
        (SENSOR, "0.5", "-1"),
        (SENSOR, "1", "nan"),
        (BINARY, "on", "off"),
        (PLAYER, "playing", "paused"),
        (PLAYER, "buffering", "idle"),
        pytest.param(PLAYER, "playing", "unavailable", id="who cannot be asked is off"),
    ],
)
async def test_a_state_says_whether_somebody_watches(
    house: Evening, entity_id: str, yes: str, no: str
) -> None:
    await house.work(watchers=[WATCHERS, entity_id])
    story = ((no, 0, RUNS), (yes, 0, HELD), (no, 16, RUNS))
    await house.follow(*story, entity_id=entity_id)


@pytest.mark.parametrize(
    "story",
    [
        pytest.param(
            ["yes 0 held", "unknown 60 held", "no 14 held", "no 2 runs"],
            id="nothing is started while it is not known who watches",
        ),
        pytest.param(
            ["yes 30 held", "no 14 held", "unknown 5 held", "no 14 held", "no 2 runs"],
            id="the quiet time begins anew when it is known again",
        ),
        pytest.param(
            ["unknown 30 runs", "yes 0 held"],
            id="what runs is not stopped for what is not known",
        ),
    ],
)
@UNKNOWN
async def test_what_is_not_known_changes_nothing(
    house: Evening, entity_id: str, unknown: str, story: list[str]
) -> None:
    yes, no = WATCHING[entity_id]
    shown = {"yes": yes, "no": no, "unknown": unknown}
    await house.give_way(watchers=[WATCHERS, entity_id])
    await house.show(entity_id, no)
    house.attic.client_start(CREDITS)
    for what, minutes, outcome in map(str.split, story):
        step = shown[what], int(minutes), outcome == "runs"
        await house.follow(step, entity_id=entity_id)


@pytest.mark.parametrize("stopped", [{CREDITS}, set()])
@UNKNOWN
async def test_what_starts_is_held_while_a_film_may_still_go_on(
    house: Evening, entity_id: str, unknown: str, stopped: set[str]
) -> None:
    yes, no = WATCHING[entity_id]
    await house.give_way(watchers=[entity_id])
    for task in stopped:
        house.attic.client_start(task)
    await house.follow((yes, 10, HELD), (unknown, 10, HELD), entity_id=entity_id)

    house.attic.client_start(INTROS)
    await house.expect(after=1)

    await house.show(entity_id, no)
    await house.expect(INTROS, *stopped, after=16)


async def test_who_is_seen_to_watch_watches_in_any_case(house: Evening) -> None:
    await house.give_way(watchers=[WATCHERS, PLAYER])
    await house.show(WATCHERS, "unavailable")
    house.attic.client_start(CREDITS)
    await house.follow(("playing", 0, HELD), ("off", 60, HELD), entity_id=PLAYER)
    await house.follow(("0", 16, RUNS))


@pytest.mark.parametrize("hold", [True, False])
async def test_who_watched_before_there_was_an_automation_is_given_way_too(
    house: Evening, *, hold: bool
) -> None:
    await house.work(watched="1", hold=hold)
    await house.follow(("1", 1, HELD if hold else RUNS))


async def test_somebody_may_watch_when_home_assistant_starts(house: Evening) -> None:
    house.hass.set_state(CoreState.starting)
    house.attic.client_start(CREDITS)
    await house.give_way(watched="1")
    await house.expect(CREDITS)

    house.hass.set_state(CoreState.running)
    house.hass.bus.async_fire(EVENT_HOMEASSISTANT_STARTED)
    await house.settle()
    await house.expect()
