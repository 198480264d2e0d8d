"""A server that got another address: from the old one dying to the entry being well."""

import logging

from freezegun.api import FrozenDateTimeFactory
from homeassistant.config_entries import ConfigEntryDisabler, ConfigEntryState
from homeassistant.const import (
    CONF_URL,
    STATE_OFF,
)
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
)
from pytest_socket import socket_allow_hosts

from tests.conftest import Advance, settle, until
from tests.flows import announce, answer_repair, open_repair, repairs
from tests.journeys.whereabouts import (
    NEW,
    OLD,
    confirm,
    got_a_token,
    lines,
    outage,
    pass_by,
    state,
    state_of,
)
from tests.simulator import ManualClock, Names, SimulatedPlex


async def test_a_server_on_plain_http_is_followed_once_a_person_says_so(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    moved: SimulatedPlex,
    loaded: MockConfigEntry,
    advance: Advance,
    expected_logs: list[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    expected_logs.append("Nothing listens at the address")
    caplog.set_level(logging.INFO)
    caplog.clear()
    await plex.stop_listening()
    await advance(31)
    await announce(hass, moved.port, NEW)
    await outage(advance)

    (issue,) = repairs(hass).values()
    assert issue.translation_key == "address_changed"
    assert issue.translation_placeholders == {
        "name": "Attic",
        "old": plex.url,
        "new": moved.url,
    }
    assert loaded.data[CONF_URL] == plex.url
    assert not got_a_token(moved)

    await confirm(hass)
    assert loaded.data[CONF_URL] == moved.url
    assert state_of(loaded) is ConfigEntryState.LOADED
    assert state(hass) == STATE_OFF
    assert repairs(hass) == {}
    begun, ended = lines(caplog)
    assert "Nothing listens at the address" in begun
    assert "at another address" in ended

    await outage(advance, 5)
    assert repairs(hass) == {}
    assert len(lines(caplog)) == 2


async def test_a_server_at_another_port_is_followed_with_that_port(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    elsewhere: SimulatedPlex,
    loaded: MockConfigEntry,
    advance: Advance,
    expected_logs: list[str],
) -> None:
    expected_logs.append("Nothing listens at the address")
    await plex.stop_listening()
    await announce(hass, elsewhere.port)
    await outage(advance)

    await confirm(hass)
    assert loaded.data[CONF_URL] == elsewhere.url != plex.url
    assert state(hass) == STATE_OFF


@pytest.mark.parametrize(
    "old", ["http://no.such.name.invalid:32400", "http://127.0.0.1:9/behind/a/proxy"]
)
async def test_a_name_and_a_proxy_on_plain_http_are_left_if_a_person_says_so(
    hass: HomeAssistant,
    moved: SimulatedPlex,
    names: Names,
    entry: MockConfigEntry,
    advance: Advance,
    old: str,
) -> None:
    hass.config_entries.async_update_entry(entry, data={**entry.data, CONF_URL: old})
    await hass.config_entries.async_setup(entry.entry_id)
    await announce(hass, moved.port, NEW)
    await outage(advance)
    assert entry.data[CONF_URL] == old

    await confirm(hass)
    assert entry.data[CONF_URL] == moved.url
    assert state_of(entry) is ConfigEntryState.LOADED


async def test_a_server_that_moved_while_home_assistant_was_down_is_found_by_set_up(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    moved: SimulatedPlex,
    entry: MockConfigEntry,
    advance: Advance,
) -> None:
    await plex.stop_listening()
    # Discovery may come before set-up.
    await announce(hass, moved.port, NEW)
    await hass.config_entries.async_setup(entry.entry_id)
    assert state_of(entry) is ConfigEntryState.SETUP_RETRY
    await outage(advance)
    assert repairs(hass).keys() == {"address_changed"}
    assert not got_a_token(moved)

    await confirm(hass)
    assert state_of(entry) is ConfigEntryState.LOADED
    assert repairs(hass) == {}


async def test_a_host_that_is_silent_is_as_absent_as_one_that_refuses(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    moved: SimulatedPlex,
    loaded: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
    expected_logs: list[str],
) -> None:
    expected_logs.append("did not answer in time")
    await announce(hass, moved.port, NEW)
    plex.fault("slow", count=None, delay=3600)
    plex.hub.drop()
    for _ in range(60):
        await pass_by(freezer, 5)
    assert repairs(hass).keys() == {"address_changed"}

    await confirm(hass)
    assert loaded.data[CONF_URL] == moved.url
    assert state(hass) == STATE_OFF


async def test_a_server_is_looked_for_at_all_addresses_that_it_announced(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    moved: SimulatedPlex,
    loaded: MockConfigEntry,
    advance: Advance,
    expected_logs: list[str],
) -> None:
    expected_logs.append("Nothing listens at the address")
    socket_allow_hosts([OLD, NEW, "127.0.0.3", "127.0.0.4"])
    async with SimulatedPlex(
        host="127.0.0.4", port=moved.port, seed=7, clock=ManualClock()
    ):
        # An address of one cable only, a bridge where a server of this host answers, and
        # one where nobody does
        await announce(hass, moved.port, "fe80::1", "127.0.0.4", "127.0.0.3", NEW)
    await plex.stop_listening()
    await outage(advance)

    await confirm(hass)
    assert loaded.data[CONF_URL] == moved.url
    assert state(hass) == STATE_OFF


async def test_a_server_that_announces_itself_before_it_is_ready_is_found_later(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    moved: SimulatedPlex,
    loaded: MockConfigEntry,
    advance: Advance,
    expected_logs: list[str],
) -> None:
    expected_logs.append("Nothing listens at the address")
    await plex.stop_listening()
    moved.fault("503", count=None)
    result = await announce(hass, moved.port, NEW)
    assert result["reason"] == "cannot_connect"
    await outage(advance, 5)
    assert repairs(hass) == {}

    moved.clear_faults()
    await advance(31)
    await confirm(hass)
    assert state(hass) == STATE_OFF


@pytest.mark.parametrize("leaves", [True, False])
async def test_a_new_address_that_is_none_any_more_is_said_to_be_none(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    moved: SimulatedPlex,
    loaded: MockConfigEntry,
    advance: Advance,
    expected_logs: list[str],
    leaves: bool,  # noqa: FBT001 pytest hands it over by name
) -> None:
    expected_logs.append("Nothing listens at the address")
    await announce(hass, moved.port, NEW)
    await plex.stop_listening()
    await outage(advance)
    result = await open_repair(hass, "address_changed")
    ours = moved.machine_identifier
    if leaves:
        await moved.stop_listening()
    else:
        moved.machine_identifier = "another"
    result = await answer_repair(hass, result, {})
    assert result["errors"] == {"base": "not_there"}
    assert loaded.data[CONF_URL] == plex.url
    assert repairs(hass).keys() == {"address_changed"}

    await moved.listen_again()
    moved.machine_identifier = ours
    result = await answer_repair(hass, result, {})
    assert result["type"] is FlowResultType.CREATE_ENTRY
    await settle(hass)
    assert state(hass) == STATE_OFF
    assert repairs(hass) == {}


async def test_the_dialog_of_an_entry_that_was_removed_meanwhile_says_so(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    moved: SimulatedPlex,
    loaded: MockConfigEntry,
    advance: Advance,
    expected_logs: list[str],
) -> None:
    expected_logs.append("Nothing listens at the address")
    await announce(hass, moved.port, NEW)
    await plex.stop_listening()
    await outage(advance)
    result = await open_repair(hass, "address_changed")
    await hass.config_entries.async_remove(loaded.entry_id)

    result = await answer_repair(hass, result, {})
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "outdated"


async def test_two_servers_that_swap_their_addresses_are_told_apart(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    moved: SimulatedPlex,
    loaded: MockConfigEntry,
    advance: Advance,
    expected_logs: list[str],
) -> None:
    expected_logs.append("Nothing listens at the address")
    await plex.stop_listening()
    await advance(31)
    plex.machine_identifier = "another"
    plex.requests.clear()
    await plex.listen_again()
    await announce(hass, moved.port, NEW)
    await outage(advance)

    assert repairs(hass).keys() == {"address_changed"}
    assert not got_a_token(moved)
    await confirm(hass)
    assert loaded.data[CONF_URL] == moved.url
    assert state(hass) == STATE_OFF


@pytest.mark.parametrize("how", ["disabled", "removed"])
async def test_who_is_looked_for_and_let_go_leaves_no_repair(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    moved: SimulatedPlex,
    loaded: MockConfigEntry,
    advance: Advance,
    freezer: FrozenDateTimeFactory,
    expected_logs: list[str],
    how: str,
) -> None:
    expected_logs.append("Nothing listens at the address")
    await announce(hass, moved.port, NEW)
    await plex.stop_listening()
    await advance(31)
    await advance(31)
    moved.requests.clear()
    moved.fault("slow", delay=1)
    freezer.tick(31)
    async_fire_time_changed(hass)
    await until(lambda: bool(moved.requests))

    if how == "removed":
        await hass.config_entries.async_remove(loaded.entry_id)
    else:
        by = ConfigEntryDisabler.USER
        await hass.config_entries.async_set_disabled_by(loaded.entry_id, by)
    freezer.tick(2)
    await settle(hass)
    assert repairs(hass) == {}
    assert not got_a_token(moved)
