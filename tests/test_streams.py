"""Who is watching is counted for those who want to know, and asked for nobody else."""

from freezegun.api import FrozenDateTimeFactory
from homeassistant.const import STATE_UNAVAILABLE, STATE_UNKNOWN
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from tests.conftest import Advance, settle, until
from tests.simulator import PlayState, SimulatedPlex

STREAMS = "sensor.attic_butler_active_streams"
SESSIONS = "/status/sessions"
NOTIFICATIONS = "/:/websockets/notifications"
QUIET = {"filters": "activity,preference"}
LOUD = {"filters": "activity,preference,playing"}


@pytest.fixture
async def watched(
    hass: HomeAssistant,
    all_entities_enabled: None,
    loaded: MockConfigEntry,
    advance: Advance,
) -> MockConfigEntry:
    """Return the entry, with the sensor enabled and all begun."""
    await advance(2)
    return loaded


def state(hass: HomeAssistant) -> str | None:
    found = hass.states.get(STREAMS)
    return found.state if found else None


def counts(hass: HomeAssistant) -> tuple[str, int | None]:
    found = hass.states.get(STREAMS)
    assert found
    return found.state, found.attributes.get("paused")


def looks(plex: SimulatedPlex) -> int:
    return sum(it.path == SESSIONS for it in plex.requests)


def filters(plex: SimulatedPlex) -> list[object]:
    queries = [it.query for it in plex.requests if it.path == NOTIFICATIONS]
    # The log is another stream.
    return [query for query in queries if query != {"filters": "log"}]


async def heard(hass: HomeAssistant, plex: SimulatedPlex) -> None:
    await plex.flush()
    await settle(hass)


async def test_by_default_nobody_asks_who_is_watching(
    hass: HomeAssistant, plex: SimulatedPlex, loaded: MockConfigEntry, advance: Advance
) -> None:
    plex.sessions.play()
    await heard(hass, plex)
    for _ in range(3):
        await advance(301)

    assert state(hass) is None
    assert looks(plex) == 0
    assert all(it == QUIET for it in filters(plex))
    entity = er.async_get(hass).async_get(STREAMS)
    assert entity
    assert entity.disabled_by is er.RegistryEntryDisabler.INTEGRATION


async def test_who_begins_pauses_and_stops_to_watch_is_counted_at_once(
    hass: HomeAssistant, plex: SimulatedPlex, watched: MockConfigEntry, advance: Advance
) -> None:
    assert counts(hass) == ("0", 0)
    assert filters(plex) == [LOUD]

    first = plex.sessions.play()
    plex.sessions.play(state=PlayState.BUFFERING)
    await heard(hass, plex)
    await advance(1)
    assert counts(hass) == ("2", 0)

    plex.sessions.change(first, PlayState.PAUSED)
    await heard(hass, plex)
    await advance(1)
    assert counts(hass) == ("1", 1)

    plex.sessions.change(first, PlayState.STOPPED)
    await heard(hass, plex)
    await advance(1)
    assert counts(hass) == ("1", 0)


async def test_a_burst_is_looked_at_once_and_what_says_nothing_new_never(
    hass: HomeAssistant, plex: SimulatedPlex, watched: MockConfigEntry, advance: Advance
) -> None:
    plex.requests.clear()
    keys = [plex.sessions.play() for _ in range(20)]
    await heard(hass, plex)
    await advance(1)
    assert counts(hass) == ("20", 0)
    assert looks(plex) == 1

    # Players tell every few seconds that they still play.
    for _ in range(5):
        for key in keys:
            plex.sessions.change(key, PlayState.PLAYING)
        await heard(hass, plex)
        await advance(10)
    assert looks(plex) == 1

    for key in keys[:10]:
        plex.sessions.change(key, PlayState.STOPPED)
    await heard(hass, plex)
    await advance(1)
    assert counts(hass) == ("10", 0)
    assert looks(plex) == 2


async def test_without_notifications_it_takes_five_minutes(
    hass: HomeAssistant, plex: SimulatedPlex, watched: MockConfigEntry, advance: Advance
) -> None:
    plex.hub.muted = True
    plex.sessions.play()
    for _ in range(9):
        await advance(30)
    assert counts(hass) == ("0", 0)

    await advance(30)
    await advance(1)
    assert counts(hass) == ("1", 0)


async def test_what_was_missed_while_the_stream_was_down_is_seen_when_it_is_back(
    hass: HomeAssistant, plex: SimulatedPlex, watched: MockConfigEntry, advance: Advance
) -> None:
    key = plex.sessions.play()
    await heard(hass, plex)
    await advance(1)
    plex.fault("drop-sockets")
    plex.sessions.change(key, PlayState.PAUSED)
    await settle(hass)
    await advance(1.1)
    await until(lambda: bool(plex.hub.sockets))
    await settle(hass)
    await advance(1)

    assert counts(hass) == ("0", 1)


@pytest.mark.parametrize("fault", ["500", "garbage", "403"])
async def test_if_nobody_says_who_is_watching_it_is_unknown_until_somebody_does(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    watched: MockConfigEntry,
    advance: Advance,
    fault: str,
) -> None:
    plex.sessions.play()
    plex.fault(fault, path=SESSIONS)
    await heard(hass, plex)
    await advance(1)
    assert state(hass) == STATE_UNKNOWN

    for _ in range(10):
        await advance(30)
    assert counts(hass) == ("1", 0)


async def test_it_is_unavailable_in_an_outage_and_right_afterwards(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    watched: MockConfigEntry,
    advance: Advance,
    expected_logs: list[str],
) -> None:
    expected_logs.append("starting or migrating its database")
    plex.fault("503", count=None)
    await advance(31)
    assert state(hass) == STATE_UNAVAILABLE

    plex.sessions.play()
    plex.clear_faults()
    await advance(31)
    await advance(2)
    assert counts(hass) == ("1", 0)


async def test_a_late_answer_does_not_hide_what_came_after_it(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    watched: MockConfigEntry,
    advance: Advance,
    freezer: FrozenDateTimeFactory,
) -> None:
    plex.requests.clear()
    plex.fault("late", path=SESSIONS, delay=0.5)
    plex.sessions.play()
    await heard(hass, plex)
    freezer.tick(1.1)
    await until(lambda: looks(plex) == 1)

    plex.sessions.play()
    await plex.flush()
    await until(lambda: watched.runtime_data.streams._unsub_look is not None)
    await advance(1)
    await advance(1)
    assert counts(hass) == ("2", 0)


async def test_disabling_it_ends_the_asking(
    hass: HomeAssistant, plex: SimulatedPlex, loaded: MockConfigEntry, advance: Advance
) -> None:
    registry = er.async_get(hass)
    registry.async_update_entity(STREAMS, disabled_by=None)
    await hass.config_entries.async_reload(loaded.entry_id)
    await settle(hass)
    await advance(2)
    assert counts(hass) == ("0", 0)
    assert filters(plex)[-1] == LOUD

    registry.async_update_entity(STREAMS, disabled_by=er.RegistryEntryDisabler.USER)
    await settle(hass)
    await advance(2)
    await until(lambda: bool(plex.hub.sockets))
    assert filters(plex)[-1] == QUIET

    plex.requests.clear()
    plex.sessions.play()
    await heard(hass, plex)
    await advance(301)
    assert looks(plex) == 0


async def test_disabling_it_while_the_stream_is_being_opened_counts(
    hass: HomeAssistant, plex: SimulatedPlex, watched: MockConfigEntry, advance: Advance
) -> None:
    plex.requests.clear()
    plex.fault("drop-sockets")
    plex.fault("slow", path=NOTIFICATIONS, delay=4)
    await settle(hass)
    await advance(2)
    await until(lambda: bool(filters(plex)))

    registry = er.async_get(hass)
    registry.async_update_entity(STREAMS, disabled_by=er.RegistryEntryDisabler.USER)
    await settle(hass)
    await advance(5)
    await until(lambda: plex.hub.connected == 2)
    await advance(2)
    await until(lambda: plex.hub.connected == 3)

    assert filters(plex) == [LOUD, QUIET]


async def test_a_look_that_is_under_way_when_it_is_let_go_changes_nothing(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    watched: MockConfigEntry,
    advance: Advance,
    freezer: FrozenDateTimeFactory,
) -> None:
    plex.requests.clear()
    plex.fault("late", path=SESSIONS, delay=3)
    plex.sessions.play()
    await heard(hass, plex)
    freezer.tick(1.1)
    await until(lambda: looks(plex) == 1)
    plex.sessions.play()
    await plex.flush()
    await until(lambda: watched.runtime_data.streams._unsub_look is not None)

    assert await hass.config_entries.async_unload(watched.entry_id)
    await advance(5)
    assert state(hass) == STATE_UNAVAILABLE
    assert looks(plex) == 1

    assert await hass.config_entries.async_setup(watched.entry_id)
    await settle(hass)
    await advance(2)
    assert counts(hass) == ("2", 0)
