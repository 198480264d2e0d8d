"""A server that announces itself: from its card to a loaded entry and a bug report."""

import json

from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import CONF_TOKEN, CONF_URL, STATE_OFF
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator
from pytest_socket import socket_allow_hosts

from tests.conftest import BACKUP_SWITCH
from tests.downloads import download
from tests.flows import Dialog, announce, repairs, submit
from tests.journeys.journey import Journey, token_sent_to
from tests.simulator import ManualClock, SimulatedPlex


async def test_a_server_is_discovered_added_and_reported_without_telling_whose_it_is(
    dialog: Dialog, hass_client: ClientSessionGenerator
) -> None:
    hass, plex = dialog.hass, dialog.plex
    plex.fault("503", count=None)
    assert (await announce(hass, plex.port))["reason"] == "cannot_connect"
    assert hass.config_entries.flow.async_progress() == []

    # It is ready, and announces itself again.
    plex.clear_faults()
    await announce(hass, plex.port)
    (card,) = hass.config_entries.flow.async_progress()
    assert card["context"]["title_placeholders"] == {"name": "Attic"}
    assert not token_sent_to(plex)

    dialog.result = await hass.config_entries.flow.async_configure(card["flow_id"])
    await dialog.fail("invalid_auth", {CONF_TOKEN: "wrong"})
    await dialog.create({CONF_TOKEN: plex.token})
    entry = dialog.result["result"]
    assert entry.state is ConfigEntryState.LOADED
    assert hass.states.is_state(BACKUP_SWITCH, STATE_OFF)

    assert (await announce(hass, plex.port))["reason"] == "already_configured"
    assert hass.config_entries.flow.async_progress() == []
    assert repairs(hass) == {}

    report = await download(hass, hass_client, entry)
    tasks = json.loads(report)["data"]["tasks"]
    assert {task["name"] for task in tasks} == plex.truth().keys()
    secrets = (plex.token, plex.url, plex.machine_identifier, plex.name, "127.0.0.1")
    assert [secret for secret in secrets if secret in report] == []


async def test_a_server_is_found_at_any_of_the_addresses_that_it_announces(
    home: Journey,
) -> None:
    """A container announces its bridge, and many cards have link-local addresses."""
    socket_allow_hosts(["127.0.0.1", "127.0.0.2", "127.0.0.3"])
    port = home.plex.port
    async with SimulatedPlex(
        host="127.0.0.2", port=port, seed=7, name="Cellar", clock=ManualClock()
    ) as cellar:
        # One where nothing answers, and a bridge where a server of this host does
        hosts = ("fe80::1", "127.0.0.3", "127.0.0.1", "127.0.0.2")
        result = await announce(home.hass, port, *hosts)
        assert result["type"] is FlowResultType.FORM
        result = await submit(home.hass, result, {CONF_TOKEN: cellar.token})
        assert result["data"][CONF_URL] == cellar.url
        assert result["result"].unique_id == cellar.machine_identifier
        assert result["result"].state is ConfigEntryState.LOADED


async def test_no_name_makes_a_link_of_a_text(
    hass: HomeAssistant, plex: SimulatedPlex
) -> None:
    name = "Attic [here](http://a.example) <img src=x>\u202e"
    result = await announce(hass, plex.port, name=name)
    shown = "Attic (here)(http://a.example) \u2039img src=x\u203a\ufffd"
    assert (result["description_placeholders"] or {})["name"] == shown
    (flow,) = hass.config_entries.flow.async_progress()
    assert flow["context"]["title_placeholders"] == {"name": shown}

    plex.name = name
    result = await submit(hass, result, {CONF_TOKEN: plex.token})
    plex.fault("403", count=None, path="/butler")
    await hass.config_entries.async_reload(result["result"].entry_id)
    assert repairs(hass)["not_owner"].translation_placeholders == {"name": shown}
