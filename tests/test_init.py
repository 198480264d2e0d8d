"""Setting up, outages, refusals and letting go."""

from homeassistant.config_entries import ConfigEntryState
from homeassistant.helpers import device_registry as dr
import pytest

from custom_components.plex_butler.const import DOMAIN
from tests.conftest import Home, device_of


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
        ("500", "/butler", "answered 500"),
        ("garbage", "/butler", "not JSON"),
        ("wrong-shape", "/activities", "cannot be used"),
        ("cut", "/", "connection to the Plex server failed"),
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


async def test_an_outage_in_the_middle_of_a_refusal_is_an_outage(home: Home) -> None:
    home.expect_log("starting or migrating its database")
    await home.advance(601)
    home.plex.fault("401", path="/activities")
    home.plex.fault("503", path="/")
    await home.advance(76)
    assert home.hass.config_entries.flow.async_progress() == []

    await home.shows("off", after=31)


async def test_unloading_leaves_nothing_that_asks(home: Home) -> None:
    await home.unload()
    home.plex.requests.clear()
    await home.advance(120)

    assert home.plex.requests == []
    assert home.entry_state() is ConfigEntryState.NOT_LOADED

    await home.set_up()
    assert home.state() == "off"
