"""The maintenance window is told to the minute, on days of every length."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from freezegun.api import FrozenDateTimeFactory
from homeassistant.components.sensor import SensorDeviceClass
from homeassistant.const import (
    ATTR_DEVICE_CLASS,
    CONF_TIME_ZONE,
    STATE_OFF,
    STATE_ON,
    STATE_UNAVAILABLE,
    STATE_UNKNOWN,
)
from homeassistant.core import HomeAssistant
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from tests.conftest import Advance, add_entry, settle, until
from tests.simulator import ManualClock, Profile, SimulatedPlex

# Also what is disabled at first
pytestmark = pytest.mark.usefixtures("all_entities_enabled")

OPEN = "binary_sensor.attic_butler_maintenance_window"
NEXT = "sensor.attic_butler_next_maintenance_window"
BERLIN = "Europe/Berlin"
NOTIFICATIONS = "/:/websockets/notifications"
HOUR = 3600
# Evenings before days of 23, 25 and 24 hours in Berlin; not in the past.
SPRING = datetime(2037, 3, 28, 18, tzinfo=UTC)
AUTUMN = datetime(2037, 10, 24, 18, tzinfo=UTC)
ORDINARY = datetime(2037, 6, 1, 18, tzinfo=UTC)

type Load = Callable[..., Awaitable[MockConfigEntry]]


@pytest.fixture
def evening() -> datetime:
    """Return when the test begins, on both clocks."""
    return ORDINARY


@pytest.fixture
def hours() -> tuple[int, int]:
    """Return the hours of the window."""
    return 2, 5


@pytest.fixture
async def plex(
    socket_enabled: None,
    profile: Profile | str,
    evening: datetime,
    hours: tuple[int, int],
    freezer: FrozenDateTimeFactory,
) -> AsyncIterator[SimulatedPlex]:
    """Return a server in Berlin, whose clock is Home Assistant's."""
    freezer.move_to(evening)
    async with SimulatedPlex(
        profile, clock=ManualClock(evening), zone=ZoneInfo(BERLIN), window=hours
    ) as plex:
        yield plex


@pytest.fixture
def entry(hass: HomeAssistant, plex: SimulatedPlex) -> MockConfigEntry:
    """Return an entry that has been told where the server is."""
    entry = add_entry(hass, plex)
    hass.config_entries.async_update_entry(entry, options={CONF_TIME_ZONE: BERLIN})
    return entry


@pytest.fixture
async def deaf(
    hass: HomeAssistant, plex: SimulatedPlex, entry: MockConfigEntry
) -> MockConfigEntry:
    """Return the entry, set up, without polls and notifications from then on."""
    plex.fault("404", count=None, path=NOTIFICATIONS)
    hass.config_entries.async_update_entry(entry, pref_disable_polling=True)
    await hass.config_entries.async_setup(entry.entry_id)
    await settle(hass)
    return entry


def state(hass: HomeAssistant, entity_id: str) -> str:
    found = hass.states.get(entity_id)
    assert found
    return found.state


def told(hass: HomeAssistant) -> tuple[str, datetime]:
    return state(hass, OPEN), datetime.fromisoformat(state(hass, NEXT))


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


async def test_the_window_is_told_and_changes_on_the_minute_without_a_poll(
    hass: HomeAssistant, plex: SimulatedPlex, deaf: MockConfigEntry, advance: Advance
) -> None:
    plex.requests.clear()
    assert told(hass) == (STATE_OFF, at("2037-06-02T00:00"))
    found = hass.states.get(NEXT)
    assert found
    assert found.attributes[ATTR_DEVICE_CLASS] == SensorDeviceClass.TIMESTAMP

    await advance(6 * HOUR - 1)
    assert told(hass) == (STATE_OFF, at("2037-06-02T00:00"))
    await advance(1)
    assert told(hass) == (STATE_ON, at("2037-06-03T00:00"))

    await advance(3 * HOUR - 1)
    assert told(hass) == (STATE_ON, at("2037-06-03T00:00"))
    await advance(1)
    assert told(hass) == (STATE_OFF, at("2037-06-03T00:00"))
    assert {it.path for it in plex.requests} == {NOTIFICATIONS}


@pytest.mark.parametrize("evening", [SPRING, AUTUMN, ORDINARY])
@pytest.mark.parametrize("hours", [(2, 5), (23, 4), (1, 2), (3, 4), (2, 3), (0, 23)])
async def test_the_window_is_open_when_the_server_has_it_open(
    hass: HomeAssistant, plex: SimulatedPlex, deaf: MockConfigEntry, advance: Advance
) -> None:
    expected = None
    for _ in range(2 * 14):
        is_open, opens = told(hass)
        window = plex.butler.window
        assert is_open == (STATE_ON if window.contains(plex.clock.now()) else STATE_OFF)
        # What was said of the next opening comes true.
        if expected and plex.clock.now() >= expected.timestamp():
            assert is_open == STATE_ON
        assert window.contains(opens.timestamp())
        assert not window.contains(opens.timestamp() - 1)
        expected = opens if opens.timestamp() > plex.clock.now() else None
        await advance(HOUR / 2)


async def test_other_hours_count_at_once(
    hass: HomeAssistant, plex: SimulatedPlex, loaded: MockConfigEntry, advance: Advance
) -> None:
    await advance(31)
    # It is eight in the evening there.
    plex.set_preference("ButlerStartHour", 19)
    await plex.flush()
    await settle(hass)
    await advance(2)
    assert told(hass) == (STATE_ON, at("2037-06-02T17:00"))

    await hass.services.async_call(
        "plex_butler",
        "set_maintenance_window",
        {"start": "21:00:00", "end": "22:00:00"},
        blocking=True,
    )
    assert told(hass) == (STATE_OFF, at("2037-06-01T19:00"))


@pytest.mark.parametrize("hours", [(3, 3)])
async def test_what_a_window_means_that_ends_when_it_starts_is_unknown(
    hass: HomeAssistant, plex: SimulatedPlex, loaded: MockConfigEntry, advance: Advance
) -> None:
    assert (state(hass, OPEN), state(hass, NEXT)) == (STATE_UNKNOWN, STATE_UNKNOWN)

    await hass.services.async_call(
        "plex_butler",
        "set_maintenance_window",
        {"start": "03:00", "end": "04:00"},
        blocking=True,
    )
    assert told(hass) == (STATE_OFF, at("2037-06-02T01:00"))

    # Who moves one hour after the other may have to pass through this.
    await select_end(hass, "03:00")
    assert (state(hass, OPEN), state(hass, NEXT)) == (STATE_UNKNOWN, STATE_UNKNOWN)
    await select_end(hass, "05:00")
    assert told(hass) == (STATE_OFF, at("2037-06-02T01:00"))


async def select_end(hass: HomeAssistant, hour: str) -> None:
    await hass.services.async_call(
        "select",
        "select_option",
        {"entity_id": f"select.{OPEN.partition('.')[2]}_ends", "option": hour},
        blocking=True,
    )


async def test_a_server_that_does_not_tell_its_window_has_none_until_it_does(
    hass: HomeAssistant, plex: SimulatedPlex, entry: MockConfigEntry, advance: Advance
) -> None:
    plex.fault("404", path="/:/prefs", count=None)
    await hass.config_entries.async_setup(entry.entry_id)
    await settle(hass)
    assert (state(hass, OPEN), state(hass, NEXT)) == (STATE_UNKNOWN, STATE_UNKNOWN)

    plex.clear_faults()
    await advance(31)
    assert told(hass) == (STATE_OFF, at("2037-06-02T00:00"))


async def test_an_outage_over_an_edge_ends_with_the_truth(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    loaded: MockConfigEntry,
    advance: Advance,
    expected_logs: list[str],
) -> None:
    expected_logs.append("starting or migrating its database")
    plex.fault("503", count=None)
    await advance(31)
    assert state(hass, OPEN) == STATE_UNAVAILABLE
    await advance(6 * HOUR)
    assert state(hass, OPEN) == STATE_UNAVAILABLE

    plex.clear_faults()
    await advance(31)
    assert told(hass) == (STATE_ON, at("2037-06-03T00:00"))


async def test_without_a_choice_the_server_has_home_assistants_time_zone(
    hass: HomeAssistant, plex: SimulatedPlex, loaded: MockConfigEntry, advance: Advance
) -> None:
    hass.config_entries.async_update_entry(loaded, options={})
    await hass.config.async_set_time_zone("Asia/Tokyo")
    await hass.config_entries.async_reload(loaded.entry_id)
    await settle(hass)
    assert told(hass) == (STATE_ON, at("2037-06-02T17:00"))

    plex.requests.clear()
    await hass.config.async_update(time_zone="America/New_York")
    await settle(hass)
    assert not plex.requests
    assert told(hass) == (STATE_OFF, at("2037-06-02T06:00"))


async def test_a_time_zone_that_changes_before_anything_is_known_counts(
    hass: HomeAssistant, plex: SimulatedPlex, entry: MockConfigEntry, advance: Advance
) -> None:
    hass.config_entries.async_update_entry(entry, options={})
    plex.fault("late", delay=1)
    setting_up = asyncio.create_task(
        hass.config_entries.async_setup(entry.entry_id), name="set-up"
    )
    await until(lambda: bool(plex.requests))
    await hass.config.async_update(time_zone="Asia/Tokyo")
    await advance(2)
    await setting_up
    await settle(hass)
    assert told(hass) == (STATE_ON, at("2037-06-02T17:00"))


async def test_a_zone_that_does_not_exist_any_more_is_as_none(
    hass: HomeAssistant, plex: SimulatedPlex, loaded: MockConfigEntry
) -> None:
    hass.config_entries.async_update_entry(
        loaded, options={CONF_TIME_ZONE: "Mars/Base"}
    )
    await hass.config.async_set_time_zone("UTC")
    await hass.config_entries.async_reload(loaded.entry_id)
    await settle(hass)
    assert told(hass) == (STATE_OFF, at("2037-06-02T02:00"))


async def test_nothing_waits_for_a_server_that_was_let_go(
    hass: HomeAssistant, plex: SimulatedPlex, loaded: MockConfigEntry, advance: Advance
) -> None:
    assert await hass.config_entries.async_unload(loaded.entry_id)
    await advance(12 * HOUR)
    assert state(hass, OPEN) == STATE_UNAVAILABLE
