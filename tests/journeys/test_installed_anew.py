"""A server that was installed anew: from the strange identifier to a place kept or left."""

import logging

from homeassistant.config_entries import (
    SOURCE_IGNORE,
    SOURCE_REAUTH,
    SOURCE_RECONFIGURE,
    ConfigEntryState,
)
from homeassistant.const import CONF_TOKEN, CONF_URL, CONF_VERIFY_SSL, STATE_OFF
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import device_registry as dr, entity_registry as er
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.plex_butler.const import DOMAIN
from tests.conftest import Advance, settle
from tests.flows import announce, answer_repair, open_repair, repairs, submit
from tests.journeys.whereabouts import (
    ANOTHER_HASH,
    BACKUP,
    NOTHING_LISTENS,
    OLD,
    Move,
    Pass,
    got_a_token,
    lines,
    state,
    state_of,
)
from tests.simulator import ManualClock, SimulatedPlex, plex_direct_name
from tests.tls import Certificates

MINE = "switch.save_everything"
ANEW = "a" * 40


async def install_anew(plex: SimulatedPlex, advance: Pass) -> None:
    """Let there be a new server at the address, and be met there for a while."""
    await plex.stop_listening()
    plex.machine_identifier = ANEW
    await plex.restart("1.99.0")
    await advance(31)
    plex.requests.clear()
    await plex.listen_again()
    for _ in range(4):
        await advance(31)


@pytest.fixture
async def anew(
    plex: SimulatedPlex,
    loaded: MockConfigEntry,
    advance: Advance,
    expected_logs: list[str],
) -> SimulatedPlex:
    """Return what answers at the address of the entry's server now."""
    expected_logs.append(NOTHING_LISTENS)
    await install_anew(plex, advance)
    return plex


async def take_its_place(hass: HomeAssistant) -> str | None:
    """Confirm that the new server takes the place; return where that leads on."""
    result = await open_repair(hass, "installed_anew")
    assert result["type"] is FlowResultType.MENU
    assert result["menu_options"] == ["take_its_place", "remove"]
    result = await answer_repair(hass, result, {"next_step_id": "take_its_place"})
    assert result["type"] is FlowResultType.CREATE_ENTRY
    await settle(hass)
    _, flow_id = result.get("next_flow") or (None, None)
    return flow_id


def ids(hass: HomeAssistant, entry: MockConfigEntry) -> dict[str, str]:
    """Return the unique ids of all entities, disabled ones too, without the server's."""
    machine = entry.unique_id or ""
    entities = er.async_entries_for_config_entry(er.async_get(hass), entry.entry_id)
    assert all(entity.unique_id.startswith(machine) for entity in entities)
    return {it.entity_id: it.unique_id.removeprefix(machine) for it in entities}


async def test_a_new_server_takes_the_place_with_names_and_history_kept(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    loaded: MockConfigEntry,
    advance: Advance,
    expected_logs: list[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    expected_logs.append(NOTHING_LISTENS)
    entities, devices = er.async_get(hass), dr.async_get(hass)
    entities.async_update_entity(BACKUP, new_entity_id=MINE, name="Save everything")
    (device,) = dr.async_entries_for_config_entry(devices, loaded.entry_id)
    devices.async_update_device(device.id, name_by_user="The old chest")
    before, options = ids(hass, loaded), loaded.options
    await install_anew(plex, advance)

    (issue,) = repairs(hass).values()
    assert issue.translation_key == "installed_anew"
    assert issue.translation_placeholders == {"name": "Attic", "url": plex.url}
    assert not got_a_token(plex)

    caplog.set_level(logging.INFO)
    said = len(lines(caplog))
    assert await take_its_place(hass) is None
    assert state_of(loaded) is ConfigEntryState.LOADED
    assert loaded.unique_id == ANEW
    assert (loaded.title, loaded.options) == ("Attic", options)
    assert state(hass, MINE) == STATE_OFF
    entity = entities.async_get(MINE)
    assert entity and entity.name == "Save everything"
    (device,) = dr.async_entries_for_config_entry(devices, loaded.entry_id)
    assert device.identifiers == {(DOMAIN, ANEW), ("plex", ANEW)}
    assert device.name_by_user == "The old chest"

    for _ in range(10):
        await advance(31)
    assert repairs(hass) == {}
    assert ids(hass, loaded) == before
    assert len(lines(caplog)) == said

    await hass.services.async_call(
        "switch", "turn_on", {"entity_id": MINE}, blocking=True
    )
    assert plex.truth()["BackupDatabase"] == "running"


async def test_a_new_server_that_is_met_at_set_up_takes_the_place(
    hass: HomeAssistant, plex: SimulatedPlex, loaded: MockConfigEntry, advance: Advance
) -> None:
    before = ids(hass, loaded)
    await hass.config_entries.async_unload(loaded.entry_id)
    plex.machine_identifier = ANEW
    plex.requests.clear()
    await hass.config_entries.async_setup(loaded.entry_id)
    assert state_of(loaded) is ConfigEntryState.SETUP_RETRY
    assert loaded.error_reason_translation_key == "wrong_server"
    for _ in range(5):
        await advance(31)
    assert not got_a_token(plex)

    assert await take_its_place(hass) is None
    assert state_of(loaded) is ConfigEntryState.LOADED
    assert ids(hass, loaded) == before
    assert repairs(hass) == {}


async def test_a_new_server_of_another_account_leads_on_to_its_token(
    hass: HomeAssistant, anew: SimulatedPlex, loaded: MockConfigEntry
) -> None:
    before = ids(hass, loaded)
    anew.token = "another-token-0123456789"

    flow_id = await take_its_place(hass)
    assert flow_id
    flow = hass.config_entries.flow.async_get(flow_id)
    assert flow["context"]["source"] == SOURCE_REAUTH
    assert flow["context"]["title_placeholders"] == {"name": "Attic"}
    result = await submit(hass, flow, {"next_step_id": "reauth_token"})
    result = await submit(hass, result, {CONF_TOKEN: anew.token})
    assert result["reason"] == "reauth_successful"
    await settle(hass)
    assert state(hass) == STATE_OFF
    assert ids(hass, loaded) == before
    assert repairs(hass) == {}


async def test_a_new_server_with_a_new_certificate_leads_on_to_its_name(
    hass: HomeAssistant,
    secure_move: Move,
    certificates: Certificates,
    expected_logs: list[str],
) -> None:
    expected_logs.append(NOTHING_LISTENS)
    plex, entry = secure_move.old, secure_move.entry
    await secure_move.set_up()
    before = ids(hass, entry)
    await plex.use_certificate(certificates.plex_direct(ANOTHER_HASH))
    await install_anew(plex, secure_move.advance)
    assert repairs(hass).keys() == {"installed_anew"}

    flow_id = await take_its_place(hass)
    assert flow_id
    flow = hass.config_entries.flow.async_get(flow_id)
    assert flow["context"]["source"] == SOURCE_RECONFIGURE
    assert not got_a_token(plex)
    renamed = plex.url_at(plex_direct_name(OLD, ANOTHER_HASH))
    result = await submit(hass, flow, {CONF_URL: renamed, CONF_VERIFY_SSL: True})
    assert result["reason"] == "reconfigure_successful"
    await settle(hass)
    secure_move.expect_healthy(renamed)
    assert ids(hass, entry) == before


async def test_an_entry_whose_server_is_gone_is_removed_with_all_that_it_had(
    hass: HomeAssistant, anew: SimulatedPlex, loaded: MockConfigEntry
) -> None:
    result = await open_repair(hass, "installed_anew")
    result = await answer_repair(hass, result, {"next_step_id": "remove"})
    assert result["step_id"] == "remove"
    assert hass.config_entries.async_entries(DOMAIN) == [loaded]
    await answer_repair(hass, result, {})

    assert hass.config_entries.async_entries(DOMAIN) == []
    assert repairs(hass) == {}
    assert state(hass) is None
    assert not got_a_token(anew)

    # The new one is added like any other.
    card = await announce(hass, anew.port)
    added = await submit(hass, card, {CONF_TOKEN: anew.token})
    assert added["type"] is FlowResultType.CREATE_ENTRY
    await settle(hass)
    assert state(hass) == STATE_OFF


async def test_a_stranger_that_leaves_again_takes_its_repair_along(
    hass: HomeAssistant, anew: SimulatedPlex, loaded: MockConfigEntry, advance: Advance
) -> None:
    ours = loaded.unique_id or ""
    opened = [await open_repair(hass, "installed_anew") for _ in range(2)]
    anew.machine_identifier = ours
    await advance(31)
    assert repairs(hass) == {}

    # Dialogs that are still open do no harm.
    for repair, step in zip(opened, ("take_its_place", "remove"), strict=True):
        result = await answer_repair(hass, repair, {"next_step_id": step})
        assert result["reason"] == "outdated"
    assert loaded.unique_id == ours
    assert state(hass) == STATE_OFF


async def test_a_stranger_for_less_than_a_minute_is_no_repair(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    loaded: MockConfigEntry,
    advance: Advance,
    expected_logs: list[str],
) -> None:
    expected_logs.append("Another Plex server")
    plex.machine_identifier = ANEW
    plex.hub.drop()
    await advance(31)
    assert repairs(hass) == {}

    plex.machine_identifier = loaded.unique_id or ""
    await advance(31)
    assert repairs(hass) == {}
    assert state(hass) == STATE_OFF


@pytest.mark.parametrize("comes", ["nobody", "a third one"])
async def test_only_the_server_that_was_found_takes_the_place(
    hass: HomeAssistant,
    anew: SimulatedPlex,
    loaded: MockConfigEntry,
    advance: Advance,
    comes: str,
) -> None:
    ours = loaded.unique_id
    result = await open_repair(hass, "installed_anew")
    if comes == "nobody":
        await anew.stop_listening()
    else:
        anew.machine_identifier = "third"
    result = await answer_repair(hass, result, {"next_step_id": "take_its_place"})
    assert result["reason"] == "not_there"
    assert loaded.unique_id == ours
    assert not got_a_token(anew)

    await anew.listen_again()
    anew.machine_identifier = ANEW
    await advance(31)
    await take_its_place(hass)
    assert state(hass) == STATE_OFF


async def test_a_server_that_has_an_entry_of_its_own_does_not_take_the_place(
    hass: HomeAssistant, anew: SimulatedPlex, loaded: MockConfigEntry, advance: Advance
) -> None:
    opened = await open_repair(hass, "installed_anew")
    # Somebody adds it as a server of its own.
    card = await announce(hass, anew.port)
    await submit(hass, card, {CONF_TOKEN: anew.token})
    await settle(hass)
    result = await answer_repair(hass, opened, {"next_step_id": "take_its_place"})
    assert result["reason"] == "outdated"
    await advance(31)
    (issue,) = repairs(hass).values()
    assert issue.translation_key == "known_server"
    shown = {"name": "Attic", "other": "Attic", "url": anew.url}
    assert issue.translation_placeholders == shown

    async with SimulatedPlex(clock=ManualClock()) as moved:
        assert moved.machine_identifier == loaded.unique_id
        result = await open_repair(hass, "known_server")
        result = await answer_repair(hass, result, {})
        _, flow_id = result["next_flow"]
        flow = hass.config_entries.flow.async_get(flow_id)
        assert flow["context"]["source"] == SOURCE_RECONFIGURE
        await submit(hass, flow, {CONF_URL: moved.url, CONF_VERIFY_SSL: True})
        await settle(hass)
        assert repairs(hass) == {}
        states = {state_of(it) for it in hass.config_entries.async_entries(DOMAIN)}
        assert states == {ConfigEntryState.LOADED}


async def test_cards_and_ignored_ones_of_the_new_server_go_when_it_takes_the_place(
    hass: HomeAssistant, anew: SimulatedPlex, loaded: MockConfigEntry, advance: Advance
) -> None:
    card = await announce(hass, anew.port)
    assert card["type"] is FlowResultType.FORM
    await hass.config_entries.flow.async_init(
        DOMAIN,
        context={"source": SOURCE_IGNORE},
        data={"unique_id": ANEW, "title": "Attic"},
    )
    await loaded.start_reconfigure_flow(hass)
    await advance(31)
    assert repairs(hass).keys() == {"installed_anew"}
    async with SimulatedPlex(name="Cellar", seed=7, clock=ManualClock()) as cellar:
        other = await announce(hass, cellar.port, name="Cellar")

    await take_its_place(hass)
    assert hass.config_entries.async_entries(DOMAIN) == [loaded]
    (flow,) = hass.config_entries.flow.async_progress()
    assert flow["flow_id"] == other["flow_id"]
    assert state(hass) == STATE_OFF
