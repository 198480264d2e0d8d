"""Setting up, outages, refusals and letting go."""

import logging

from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import STATE_OFF, STATE_UNAVAILABLE
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.plex_butler.const import DOMAIN
from tests.conftest import Advance
from tests.simulator import PROFILES, SimulatedPlex

BACKUP = "switch.attic_butler_back_up_database"
OURS = "custom_components"


def reauth_flows(hass: HomeAssistant) -> list[str]:
    return [flow["step_id"] for flow in hass.config_entries.flow.async_progress()]


def state_of(entry: MockConfigEntry) -> ConfigEntryState:
    """Return the state; mypy would take it for unchanged in between."""
    state: ConfigEntryState = entry.state
    return state


def devices(hass: HomeAssistant, entry: MockConfigEntry) -> list[dr.DeviceEntry]:
    return dr.async_entries_for_config_entry(dr.async_get(hass), entry.entry_id)


def asked(plex: SimulatedPlex, path: str) -> int:
    return sum(request.path == path for request in plex.requests)


async def test_a_server_is_one_service_with_its_name(
    hass: HomeAssistant, plex: SimulatedPlex, loaded: MockConfigEntry
) -> None:
    (device,) = devices(hass, loaded)

    assert device.identifiers == {
        (DOMAIN, plex.machine_identifier),
        # The device of the Plex integration, which is shown as linked.
        ("plex", plex.machine_identifier),
    }
    assert device.name == "Attic Butler"
    assert device.sw_version == plex.version
    assert device.entry_type is dr.DeviceEntryType.SERVICE
    assert device.configuration_url == f"{plex.url}/web"


async def test_every_task_has_its_switch(
    hass: HomeAssistant, plex: SimulatedPlex, loaded: MockConfigEntry
) -> None:
    entries = er.async_entries_for_config_entry(er.async_get(hass), loaded.entry_id)
    ids = {
        it.unique_id
        for it in entries
        if it.domain == "switch" and "_task_" in it.unique_id
    }

    assert ids == {f"{plex.machine_identifier}_task_{name}" for name in plex.truth()}


@pytest.mark.parametrize("reason", ["maintenance", "wrong_server"])
async def test_set_up_waits_for_the_right_server_to_be_ready(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    entry: MockConfigEntry,
    advance: Advance,
    reason: str,
) -> None:
    if reason == "maintenance":
        plex.fault("503", count=None)
    else:
        hass.config_entries.async_update_entry(entry, unique_id="another")
    await hass.config_entries.async_setup(entry.entry_id)
    assert state_of(entry) is ConfigEntryState.SETUP_RETRY
    assert entry.error_reason_translation_key == reason

    plex.clear_faults()
    hass.config_entries.async_update_entry(entry, unique_id=plex.machine_identifier)
    await advance(10)
    assert state_of(entry) is ConfigEntryState.LOADED


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
    hass: HomeAssistant,
    plex: SimulatedPlex,
    loaded: MockConfigEntry,
    advance: Advance,
    expected_logs: list[str],
    caplog: pytest.LogCaptureFixture,
    fault: str,
    path: str,
    words: str,
) -> None:
    expected_logs.append(words)
    caplog.set_level(logging.INFO)
    caplog.clear()
    plex.fault(fault, count=None, path=path)
    for _ in range(4):
        await advance(31)
    assert hass.states.is_state(BACKUP, STATE_UNAVAILABLE)

    plex.clear_faults()
    await advance(31)

    assert hass.states.is_state(BACKUP, STATE_OFF)
    lines = [line for name, _, line in caplog.record_tuples if name.startswith(OURS)]
    assert len(lines) == 2
    assert words in lines[0]
    assert "recovered" in lines[1]
    assert reauth_flows(hass) == []


async def test_a_healthy_day_leaves_nothing_in_the_log(
    plex: SimulatedPlex,
    loaded: MockConfigEntry,
    advance: Advance,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    caplog.clear()
    for _ in range(10):
        await advance(31)

    assert not [line for name, _, line in caplog.record_tuples if name.startswith(OURS)]


async def test_an_outage_in_the_middle_of_a_refusal_is_an_outage(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    loaded: MockConfigEntry,
    advance: Advance,
    expected_logs: list[str],
) -> None:
    expected_logs.append("starting or migrating its database")
    await advance(601)
    plex.fault("401", path="/activities")
    plex.fault("503", path="/")
    await advance(76)
    assert reauth_flows(hass) == []

    await advance(31)
    assert hass.states.is_state(BACKUP, STATE_OFF)


@pytest.mark.parametrize(
    ("opens_in", "expected"), [(6, range(3, 7)), (0, range(18, 28))]
)
async def test_idle_servers_are_asked_more_often_in_their_window(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    loaded: MockConfigEntry,
    advance: Advance,
    opens_in: int,
    expected: range,
) -> None:
    hour = dt_util.now().hour + opens_in
    plex.set_preference("ButlerStartHour", hour % 24)
    plex.set_preference("ButlerEndHour", (hour + 3) % 24)
    await advance(31)
    plex.requests.clear()
    for _ in range(60):
        await advance(5)

    assert asked(plex, "/activities") in expected
    assert asked(plex, "/") == 0


@pytest.mark.parametrize(
    "profile", [PROFILES["current"].with_traits(pushes_rows=False)]
)
async def test_busy_servers_are_asked_for_their_activities_alone(
    hass: HomeAssistant, plex: SimulatedPlex, loaded: MockConfigEntry, advance: Advance
) -> None:
    plex.durations["BackupDatabase"] = 3600
    plex.client_start("BackupDatabase")
    await advance(31)
    plex.requests.clear()
    for _ in range(60):
        await advance(5)

    # Timers fall on whole seconds, so some five seconds are four or six.
    assert 45 <= asked(plex, "/activities") <= 75
    assert asked(plex, "/butler") <= 1


async def test_a_new_version_and_name_are_on_the_device(
    hass: HomeAssistant, plex: SimulatedPlex, loaded: MockConfigEntry, advance: Advance
) -> None:
    await plex.restart(version="1.99.0")
    plex.set_preference("FriendlyName", "Loft")
    await advance(3601)

    (device,) = devices(hass, loaded)
    assert (device.name, device.sw_version) == ("Loft Butler", "1.99.0")


async def test_unloading_leaves_nothing_that_asks(
    hass: HomeAssistant, plex: SimulatedPlex, loaded: MockConfigEntry, advance: Advance
) -> None:
    assert await hass.config_entries.async_unload(loaded.entry_id)
    plex.requests.clear()
    await advance(120)

    assert plex.requests == []
    assert loaded.state is ConfigEntryState.NOT_LOADED

    assert await hass.config_entries.async_setup(loaded.entry_id)
    assert hass.states.is_state(BACKUP, STATE_OFF)
