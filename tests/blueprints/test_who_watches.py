"""Who watches, and who does not."""

from homeassistant.const import EVENT_HOMEASSISTANT_STARTED
from homeassistant.core import CoreState
import pytest

from tests.house import (
    CREDITS,
    INTROS,
    MINUTE,
    WATCHERS,
    House,
    Use,
    running,
)
from tests.simulator import SimulatedPlex

# Whole nights go by
pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("entity_id", "state"),
    [
        ("sensor.watchers", "3"),
        ("sensor.watchers", "0.5"),
        ("binary_sensor.watched", "on"),
        ("media_player.tv", "playing"),
        ("media_player.tv", "buffering"),
    ],
)
async def test_somebody_watches(
    house: House, attic: SimulatedPlex, give_way: Use, entity_id: str, state: str
) -> None:
    await give_way(watchers=[WATCHERS, entity_id])
    attic.client_start(CREDITS)

    await house.show(entity_id, state)

    assert running(attic) == set()


@pytest.mark.parametrize("state", ["0", "-1", "off", "paused", "idle", "nan"])
async def test_nobody_watches(
    house: House, attic: SimulatedPlex, give_way: Use, state: str
) -> None:
    await give_way()
    attic.client_start(CREDITS)
    await house.show(WATCHERS, state)
    assert running(attic) == {CREDITS}

    await house.show(WATCHERS, "1")
    assert running(attic) == set()
    await house.show(WATCHERS, state)
    await house.let_pass(16 * MINUTE)
    assert running(attic) == {CREDITS}


UNKNOWN = [
    ("sensor.watchers", "unavailable"),
    ("sensor.watchers", "unknown"),
    ("binary_sensor.watched", "unavailable"),
    ("binary_sensor.watched", "unknown"),
    ("media_player.tv", "unknown"),
]
WATCHING = {"sensor": ("1", "0"), "binary_sensor": ("on", "off")}


def watching(entity_id: str) -> tuple[str, str]:
    """Return what an entity shows while somebody watches, and while nobody does."""
    return WATCHING.get(entity_id.partition(".")[0], ("playing", "idle"))


@pytest.mark.parametrize(("entity_id", "state"), UNKNOWN)
async def test_while_nobody_knows_who_watches_nothing_is_started(
    house: House, attic: SimulatedPlex, give_way: Use, entity_id: str, state: str
) -> None:
    yes, no = watching(entity_id)
    await give_way(watchers=[WATCHERS, entity_id])
    await house.show(entity_id, no)
    attic.client_start(CREDITS)
    await house.show(entity_id, yes)
    assert running(attic) == set()

    await house.show(entity_id, state)
    await house.let_pass(60 * MINUTE)
    assert running(attic) == set()

    await house.show(entity_id, no)
    await house.let_pass(14 * MINUTE)
    assert running(attic) == set()
    await house.let_pass(2 * MINUTE)
    assert running(attic) == {CREDITS}


@pytest.mark.parametrize(("entity_id", "state"), UNKNOWN)
async def test_the_quiet_time_begins_anew_when_it_is_known_again(
    house: House, attic: SimulatedPlex, give_way: Use, entity_id: str, state: str
) -> None:
    yes, no = watching(entity_id)
    await give_way(watchers=[entity_id])
    attic.client_start(CREDITS)
    for shown, minutes in ((yes, 30), (no, 14), (state, 5), (no, 14)):
        await house.show(entity_id, shown)
        await house.let_pass(minutes * MINUTE)
        assert running(attic) == set()

    await house.let_pass(2 * MINUTE)
    assert running(attic) == {CREDITS}


@pytest.mark.parametrize("was_stopped", [True, False])
@pytest.mark.parametrize(("entity_id", "state"), UNKNOWN)
async def test_what_starts_is_held_while_a_film_may_still_go_on(
    house: House,
    attic: SimulatedPlex,
    give_way: Use,
    entity_id: str,
    state: str,
    *,
    was_stopped: bool,
) -> None:
    yes, no = watching(entity_id)
    await give_way(watchers=[entity_id])
    if was_stopped:
        attic.client_start(CREDITS)
    await house.show(entity_id, yes)
    await house.let_pass(10 * MINUTE)
    await house.show(entity_id, state)
    await house.let_pass(10 * MINUTE)

    attic.client_start(INTROS)
    await house.let_pass(MINUTE)
    assert running(attic) == set()

    await house.show(entity_id, no)
    await house.let_pass(16 * MINUTE)
    assert running(attic) == ({CREDITS, INTROS} if was_stopped else {INTROS})


@pytest.mark.parametrize(("entity_id", "state"), UNKNOWN)
async def test_what_runs_is_not_stopped_for_what_nobody_knows(
    house: House, attic: SimulatedPlex, give_way: Use, entity_id: str, state: str
) -> None:
    yes, no = watching(entity_id)
    await give_way(watchers=[entity_id])
    await house.show(entity_id, no)
    attic.client_start(CREDITS)
    await house.show(entity_id, state)
    await house.let_pass(30 * MINUTE)
    assert running(attic) == {CREDITS}

    await house.show(entity_id, yes)
    assert running(attic) == set()


async def test_a_player_that_is_unavailable_is_off(
    house: House, attic: SimulatedPlex, give_way: Use
) -> None:
    player = "media_player.tv"
    await give_way(watchers=[WATCHERS, player])
    attic.client_start(CREDITS)
    await house.show(player, "playing")
    assert running(attic) == set()

    await house.show(player, "unavailable")
    await house.let_pass(16 * MINUTE)
    assert running(attic) == {CREDITS}


async def test_who_is_seen_to_watch_watches_whatever_else_is_unknown(
    house: House, attic: SimulatedPlex, give_way: Use
) -> None:
    player = "media_player.tv"
    await give_way(watchers=[WATCHERS, player])
    await house.show(WATCHERS, "unavailable")
    attic.client_start(CREDITS)
    await house.show(player, "playing")
    assert running(attic) == set()

    await house.show(player, "off")
    await house.let_pass(60 * MINUTE)
    assert running(attic) == set()

    await house.show(WATCHERS, "0")
    await house.let_pass(16 * MINUTE)
    assert running(attic) == {CREDITS}


@pytest.mark.parametrize(("hold", "left"), [(True, set()), (False, {CREDITS})])
async def test_who_watched_before_there_was_an_automation_is_given_way_too(
    house: House, attic: SimulatedPlex, give_way: Use, *, hold: bool, left: set[str]
) -> None:
    await give_way(watched="1", hold=hold)
    attic.client_start(CREDITS)
    await house.let_pass(MINUTE)

    assert running(attic) == left


async def test_somebody_may_watch_when_home_assistant_starts(
    house: House, attic: SimulatedPlex, give_way: Use
) -> None:
    house.hass.set_state(CoreState.starting)
    attic.client_start(CREDITS)
    await give_way(watched="1")
    assert running(attic) == {CREDITS}

    house.hass.set_state(CoreState.running)
    house.hass.bus.async_fire(EVENT_HOMEASSISTANT_STARTED)
    await house.settle()

    assert running(attic) == set()


async def test_the_sensor_of_the_plex_integration_tells_who_watches(
    house: House, attic: SimulatedPlex
) -> None:
    """It has the count as state, and who watches what as attributes."""
    counted = {"unit_of_measurement": "watching", "friendly_name": "Attic"}
    await house.show("sensor.attic", "0", **counted)
    await house.use(
        "give_way_to_viewers",
        watchers=["sensor.attic"],
        servers=[house.device("Attic")],
    )
    attic.client_start(CREDITS)
    await house.let_pass(MINUTE)

    await house.show("sensor.attic", "1", **counted, Robin="The Tin Orchard - TV")
    assert running(attic) == set()

    await house.show("sensor.attic", "1", **counted, Robin="The Glass Pier - TV")
    await house.let_pass(20 * MINUTE)
    assert running(attic) == set()

    await house.show("sensor.attic", "0", **counted)
    await house.let_pass(16 * MINUTE)
    assert running(attic) == {CREDITS}
