"""Setting up, outages, refusals and letting go."""

import asyncio

from homeassistant.config_entries import ConfigEntryState
from homeassistant.helpers import device_registry as dr
from homeassistant.util import dt as dt_util
import pytest

from custom_components.plex_butler.const import DOMAIN
from tests.conftest import BACKUP, Home, device_of, until
from tests.simulator import PROFILES


async def test_a_server_is_one_service_with_its_name(home: Home) -> None:
    device = device_of(home.hass, home.entry)
    assert device.identifiers == {
        (DOMAIN, home.plex.machine_identifier),
        # The device of the Plex integration, which is shown as linked.
        ("plex", home.plex.machine_identifier),
    }
    assert device.name == "Attic Butler"
    assert device.sw_version == home.plex.version
    assert device.entry_type is dr.DeviceEntryType.SERVICE
    assert device.configuration_url == f"{home.plex.url}/web"

    await home.plex.restart(version="1.99.0")
    home.plex.set_preference("FriendlyName", "Loft")
    await home.advance(3601)
    device = device_of(home.hass, home.entry)
    assert (device.name, device.sw_version) == ("Loft Butler", "1.99.0")


@pytest.mark.parametrize("reason", ["maintenance", "wrong_server"])
async def test_set_up_waits_for_the_right_server_to_be_ready(
    new_home: Home, reason: str
) -> None:
    entries, right = new_home.hass.config_entries, new_home.plex.machine_identifier
    if reason == "maintenance":
        new_home.plex.fault("503", count=None)
    else:
        entries.async_update_entry(new_home.entry, unique_id="another")
    await new_home.set_up()
    assert new_home.entry_state() is ConfigEntryState.SETUP_RETRY
    assert new_home.entry.error_reason_translation_key == reason

    new_home.plex.clear_faults()
    entries.async_update_entry(new_home.entry, unique_id=right)
    await new_home.advance(10)
    assert new_home.entry_state() is ConfigEntryState.LOADED


@pytest.mark.parametrize(
    ("fault", "path", "words"),
    [
        ("503", "/", "starting or migrating its database"),
        ("502", "/", "answered 502"),
        ("404", "/", "answered 404"),
        ("500", "/butler", "answered 500"),
        ("garbage", "/butler", "not JSON"),
        ("wrong-shape", "/activities", "cannot be used"),
        ("cut", "/", "connection to the Plex server failed"),
        ("403", "/butler", "not belong to the owner"),
        ("401", "/butler", "not belong to the owner"),
    ],
)
async def test_an_outage_is_two_lines_in_the_log_and_ends_by_itself(
    home: Home, fault: str, path: str, words: str
) -> None:
    home.expect_log(words)
    home.plex.fault(fault, count=None, path=path)
    await home.shows("unavailable", after=31, steps=4)

    home.plex.clear_faults()
    await home.shows("off", after=31)
    outage, end = home.said
    assert words in outage
    assert "recovered" in end
    assert home.hass.config_entries.flow.async_progress() == []


async def test_a_healthy_day_leaves_nothing_in_the_log(home: Home) -> None:
    await home.advance_steps(10, 31)
    assert home.said == []


async def test_an_outage_in_the_middle_of_a_refusal_is_an_outage(home: Home) -> None:
    home.expect_log("starting or migrating its database")
    await home.advance(601)
    home.plex.fault("401", path="/activities")
    home.plex.fault("503", path="/")
    await home.advance(76)
    assert home.hass.config_entries.flow.async_progress() == []

    await home.shows("off", after=31)


@pytest.mark.parametrize(
    ("opens_in", "expected"), [(6, range(3, 7)), (0, range(18, 28))]
)
async def test_idle_servers_are_asked_more_often_in_their_window(
    home: Home, opens_in: int, expected: range
) -> None:
    hour = dt_util.now().hour + opens_in
    home.plex.set_preference("ButlerStartHour", hour % 24)
    home.plex.set_preference("ButlerEndHour", (hour + 3) % 24)
    await home.advance(31)
    home.plex.requests.clear()
    await home.advance_steps(60, 5)

    assert home.asked("/activities") in expected
    assert home.asked("/") == 0


@pytest.mark.parametrize(
    "profile", [PROFILES["current"].with_traits(pushes_rows=False)]
)
async def test_busy_servers_are_asked_for_their_activities_alone(home: Home) -> None:
    await home.others_start(BACKUP, lasts=3600, wait=31)
    home.plex.requests.clear()
    await home.advance_steps(60, 5)

    # Timers fall on whole seconds, so some five seconds are four or six.
    assert 45 <= home.asked("/activities") <= 75
    assert home.asked("/butler") <= 1


async def test_unloading_leaves_nothing_that_asks(home: Home) -> None:
    await home.unload()
    home.plex.requests.clear()
    await home.advance(120)

    assert home.plex.requests == []
    assert home.entry_state() is ConfigEntryState.NOT_LOADED

    await home.set_up()
    assert home.state() == "off"


async def test_the_first_poll_asks_for_all_at_once_in_any_zone(new_home: Home) -> None:
    new_home.plex.fault("slow", path="/butler", delay=1)
    set_up = asyncio.create_task(new_home.set_up())
    await until(lambda: new_home.asked("/butler") > 0)
    await until(lambda: new_home.asked("/activities") > 0)
    assert not set_up.done()
    # What has not been read yet has no window to be worked out anew.
    await new_home.hass.config.async_update(time_zone="Asia/Kathmandu")
    await new_home.advance(2)
    await set_up
    assert new_home.state() == "off"
