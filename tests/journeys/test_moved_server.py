"""A server that got another address: from the old one dying to the entry being well."""

import logging

from freezegun.api import FrozenDateTimeFactory
from homeassistant.config_entries import (
    SOURCE_IGNORE,
    ConfigEntryDisabler,
    ConfigEntryState,
)
from homeassistant.const import CONF_URL
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
)
from pytest_socket import socket_allow_hosts

from custom_components.plex_butler.const import DOMAIN
from tests.conftest import settle, until
from tests.flows import announce, answer_repair, open_repair, repairs
from tests.journeys.whereabouts import (
    NEW,
    NOTHING_LISTENS,
    OLD,
    Move,
    got_a_token,
    lines,
    pass_by,
    state_of,
)
from tests.simulator import ManualClock, Names, SimulatedPlex


async def test_a_server_on_plain_http_is_followed_once_a_person_says_so(
    hass: HomeAssistant, move: Move, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    caplog.clear()
    await move.leave()

    (issue,) = repairs(hass).values()
    assert issue.translation_key == "address_changed"
    placeholders = {"name": "Attic", "old": move.old.url, "new": move.new.url}
    assert issue.translation_placeholders == placeholders
    assert move.url() == move.old.url
    assert not got_a_token(move.new)

    await move.confirm()
    move.expect_healthy(move.new.url)
    begun, ended = lines(caplog)
    assert NOTHING_LISTENS in begun
    assert "at another address" in ended

    await move.outage(5)
    move.expect_healthy(move.new.url)
    assert len(lines(caplog)) == 2


@pytest.mark.parametrize(
    "old", ["http://no.such.name.invalid:32400", "http://127.0.0.1:9/behind/a/proxy"]
)
async def test_a_name_and_a_proxy_on_plain_http_are_left_if_a_person_says_so(
    parked: Move, names: Names, old: str
) -> None:
    await parked.set_up(**{CONF_URL: old})
    await parked.announce()
    await parked.outage()
    assert parked.url() == old

    await parked.confirm()
    parked.expect_healthy(parked.new.url)


async def test_a_server_that_moved_while_home_assistant_was_down_is_found_by_set_up(
    parked: Move,
) -> None:
    await parked.old.stop_listening()
    # Discovery may come before set-up.
    await parked.announce()
    await parked.set_up()
    assert state_of(parked.entry) is ConfigEntryState.SETUP_RETRY
    await parked.outage()
    assert not got_a_token(parked.new)

    await parked.confirm()
    parked.expect_healthy(parked.new.url)


async def test_a_host_that_is_silent_is_as_absent_as_one_that_refuses(
    parked: Move, freezer: FrozenDateTimeFactory, expected_logs: list[str]
) -> None:
    expected_logs.append("did not answer in time")
    await parked.set_up()
    await parked.announce()
    parked.old.fault("slow", count=None, delay=3600)
    parked.old.hub.drop()
    for _ in range(60):
        await pass_by(freezer, 5)

    await parked.confirm()
    parked.expect_healthy(parked.new.url)


async def test_a_server_is_looked_for_at_all_addresses_that_it_announced(
    hass: HomeAssistant, move: Move
) -> None:
    socket_allow_hosts([OLD, NEW, "127.0.0.3", "127.0.0.4"])
    async with SimulatedPlex(
        host="127.0.0.4", port=move.new.port, seed=7, clock=ManualClock()
    ) as other:
        MockConfigEntry(
            domain=DOMAIN, unique_id=other.machine_identifier, source=SOURCE_IGNORE
        ).add_to_hass(hass)
        # An address of one cable only, a bridge where a server of this host answers, and
        # one where nobody does
        hosts = "fe80::1", "127.0.0.4", "127.0.0.3", NEW
        await announce(hass, move.new.port, *hosts)
    await move.old.stop_listening()
    await move.outage()

    await move.confirm()
    move.expect_healthy(move.new.url)


async def test_a_server_that_announces_itself_before_it_is_ready_is_found_later(
    move: Move,
) -> None:
    await move.old.stop_listening()
    move.new.fault("503", count=None)
    assert (await move.announce())["reason"] == "cannot_connect"
    await move.outage(5)
    assert move.repairs() == set()

    move.new.clear_faults()
    await move.advance(31)
    await move.confirm()
    move.expect_healthy(move.new.url)


@pytest.mark.parametrize("leaves", [True, False])
async def test_a_new_address_that_is_none_any_more_is_said_to_be_none(
    hass: HomeAssistant,
    move: Move,
    leaves: bool,  # noqa: FBT001 pytest hands it over by name
) -> None:
    await move.leave()
    result = await open_repair(hass, "address_changed")
    ours = move.new.machine_identifier
    if leaves:
        await move.new.stop_listening()
    else:
        move.new.machine_identifier = "another"
    result = await answer_repair(hass, result, {})
    assert result["errors"] == {"base": "not_there"}
    assert move.url() == move.old.url
    assert move.repairs() == {"address_changed"}

    await move.new.listen_again()
    move.new.machine_identifier = ours
    result = await answer_repair(hass, result, {})
    assert result["type"] is FlowResultType.CREATE_ENTRY
    await settle(hass)
    move.expect_healthy(move.new.url)


async def test_two_servers_that_swap_their_addresses_are_told_apart(move: Move) -> None:
    await move.old.stop_listening()
    await move.advance(31)
    move.old.machine_identifier = "another"
    await move.old.listen_again()
    await move.announce()
    await move.outage()
    assert not got_a_token(move.new)

    await move.confirm()
    move.expect_healthy(move.new.url)


@pytest.mark.parametrize("how", ["disabled", "removed"])
async def test_who_is_looked_for_and_let_go_leaves_no_repair(
    hass: HomeAssistant, move: Move, freezer: FrozenDateTimeFactory, how: str
) -> None:
    await move.announce()
    await move.old.stop_listening()
    await move.outage(1)
    move.new.requests.clear()
    move.new.fault("slow", delay=1)
    freezer.tick(31)
    async_fire_time_changed(hass)
    await until(lambda: bool(move.new.requests))

    entries, entry_id = hass.config_entries, move.entry.entry_id
    if how == "removed":
        await entries.async_remove(entry_id)
    else:
        await entries.async_set_disabled_by(entry_id, ConfigEntryDisabler.USER)
    freezer.tick(2)
    await settle(hass)
    assert move.repairs() == set()
    assert not got_a_token(move.new)
