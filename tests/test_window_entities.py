"""The maintenance window is told to the minute, on days of every length."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from freezegun.api import FrozenDateTimeFactory
from homeassistant.components.sensor import SensorDeviceClass
from homeassistant.const import ATTR_DEVICE_CLASS, CONF_TIME_ZONE
from homeassistant.core import HomeAssistant
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from tests.conftest import Home, add_entry, until
from tests.simulator import ManualClock, SimulatedPlex

# Also what is disabled at first
pytestmark = pytest.mark.usefixtures("all_entities_enabled")

OPEN = "binary_sensor.attic_butler_maintenance_window"
NEXT = "sensor.attic_butler_next_maintenance_window"
BERLIN = "Europe/Berlin"
NOTIFICATIONS = "/:/websockets/notifications"
HOUR = 3600
# Eight o'clock in Berlin, and not in the past
EVENING = datetime(2037, 6, 1, 18, tzinfo=UTC)
UNKNOWN = ("unknown", "unknown")


@pytest.fixture
async def plex(
    socket_enabled: None, freezer: FrozenDateTimeFactory
) -> AsyncIterator[SimulatedPlex]:
    """Return a server in Berlin, whose clock is Home Assistant's."""
    freezer.move_to(EVENING)
    clock, zone = ManualClock(EVENING), ZoneInfo(BERLIN)
    async with SimulatedPlex(clock=clock, zone=zone) as plex:
        yield plex


@pytest.fixture
def entry(hass: HomeAssistant, plex: SimulatedPlex) -> MockConfigEntry:
    """Return an entry that has been told where the server is."""
    entry = add_entry(hass, plex)
    hass.config_entries.async_update_entry(entry, options={CONF_TIME_ZONE: BERLIN})
    return entry


@pytest.fixture
async def deaf(new_home: Home) -> Home:
    """Return a home without polls and notifications once it is set up."""
    new_home.plex.fault("404", count=None, path=NOTIFICATIONS)
    entries = new_home.hass.config_entries
    entries.async_update_entry(new_home.entry, pref_disable_polling=True)
    await new_home.set_up()
    return new_home


def told(home: Home) -> tuple[str | None, str | None]:
    """Return if the window is open, and when it opens next, in UTC."""
    return home.state(OPEN), (home.state(NEXT) or "").removesuffix(":00+00:00")


async def test_the_window_changes_on_the_minute_without_a_poll(deaf: Home) -> None:
    deaf.plex.requests.clear()
    device_class = deaf.attributes(NEXT)[ATTR_DEVICE_CLASS]
    assert device_class == SensorDeviceClass.TIMESTAMP
    for seconds, state, opens in (
        (6 * HOUR - 1, "off", "2037-06-02T00:00"),
        (1, "on", "2037-06-03T00:00"),
        (3 * HOUR - 1, "on", "2037-06-03T00:00"),
        (1, "off", "2037-06-03T00:00"),
    ):
        await deaf.advance(seconds)
        assert told(deaf) == (state, opens)
    assert {it.path for it in deaf.plex.requests} == {NOTIFICATIONS}


async def test_other_hours_count_at_once(home: Home) -> None:
    await home.advance(31)
    await home.changed("ButlerStartHour", 19)
    await home.advance(2)
    assert told(home) == ("on", "2037-06-02T17:00")

    await home.action("set_maintenance_window", start="21:00:00", end="22:00:00")
    assert told(home) == ("off", "2037-06-01T19:00")


async def test_a_window_that_ends_when_it_starts_is_unknown(new_home: Home) -> None:
    home = new_home
    home.plex.set_preference("ButlerStartHour", 5)
    await home.set_up()
    assert told(home) == UNKNOWN

    await home.action("set_maintenance_window", start="03:00", end="04:00")
    assert told(home) == ("off", "2037-06-02T01:00")

    # Who moves one hour after the other may have to pass through this.
    ends = f"select.{OPEN.partition('.')[2]}_ends"
    await home.select(ends, "03:00")
    assert told(home) == UNKNOWN
    await home.select(ends, "05:00")
    assert told(home) == ("off", "2037-06-02T01:00")


@pytest.mark.parametrize("options", [{}, {CONF_TIME_ZONE: "Mars/Base"}])
async def test_without_a_zone_that_exists_the_server_has_home_assistants(
    home: Home, options: dict[str, str]
) -> None:
    home.hass.config_entries.async_update_entry(home.entry, options=options)
    await home.hass.config.async_set_time_zone("Asia/Tokyo")
    await home.reload()
    assert told(home) == ("on", "2037-06-02T17:00")

    home.plex.requests.clear()
    await home.hass.config.async_update(time_zone="America/New_York")
    await home.settle()
    assert not home.plex.requests
    assert told(home) == ("off", "2037-06-02T06:00")


async def test_a_time_zone_that_changes_during_set_up_counts(new_home: Home) -> None:
    new_home.hass.config_entries.async_update_entry(new_home.entry, options={})
    new_home.plex.fault("late", delay=1)
    setting_up = asyncio.create_task(new_home.set_up(), name="set-up")
    await until(lambda: bool(new_home.plex.requests))
    await new_home.hass.config.async_update(time_zone="Asia/Tokyo")
    await new_home.advance(2)
    await setting_up
    assert told(new_home) == ("on", "2037-06-02T17:00")
