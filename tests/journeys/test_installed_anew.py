"""A server that was installed anew: from the strange identifier to a place kept or left."""

from homeassistant import config_entries
from homeassistant.const import CONF_TOKEN, STATE_OFF, STATE_UNAVAILABLE
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import device_registry as dr, entity_registry as er
import pytest

from custom_components.plex_butler.const import DOMAIN
from tests.conftest import BACKUP_SWITCH, device_of, settle
from tests.flows import announce, answer_repair, open_repair, repairs, submit
from tests.journeys.journey import NOTHING_LISTENS, Journey, token_sent_to
from tests.simulator import ManualClock, SimulatedPlex

MINE = "switch.save_everything"
ANEW = "a" * 40


async def install_anew(home: Journey) -> None:
    """Let there be a new server at the address, and be met there for a while."""
    home.expect_log(NOTHING_LISTENS)
    await home.plex.stop_listening()
    home.plex.machine_identifier = ANEW
    await home.plex.restart("1.99.0")
    await home.advance(31)
    home.plex.requests.clear()
    await home.plex.listen_again()
    await home.advance(31)
    # What answers for less than a minute may only pass by.
    assert "installed_anew" not in home.repairs()
    await home.advance_steps(3, 31)
    assert home.repairs() == {"installed_anew"}


@pytest.fixture
async def anew(home: Journey) -> Journey:
    """Return an entry at whose server's address a new server answers."""
    await install_anew(home)
    return home


async def take_its_place(home: Journey) -> config_entries.ConfigFlowResult | None:
    """Confirm that the new server takes the place; return the dialog that it leads to."""
    result = await open_repair(home.hass, "installed_anew")
    assert result["type"] is FlowResultType.MENU
    assert result["menu_options"] == ["take_its_place", "remove"]
    result = await answer_repair(home.hass, result, {"next_step_id": "take_its_place"})
    assert result["type"] is FlowResultType.CREATE_ENTRY
    await settle(home.hass)
    if "next_flow" not in result:
        return None
    return home.hass.config_entries.flow.async_get(result["next_flow"][1])


def ids(home: Journey) -> dict[str, str]:
    """Return the unique ids of all entities, disabled ones too, without the server's."""
    registry, machine = er.async_get(home.hass), home.entry.unique_id or ""
    entities = er.async_entries_for_config_entry(registry, home.entry.entry_id)
    assert all(entity.unique_id.startswith(machine) for entity in entities)
    return {it.entity_id: it.unique_id.removeprefix(machine) for it in entities}


async def test_a_new_server_takes_the_place_with_names_and_history_kept(
    home: Journey,
) -> None:
    hass, entry = home.hass, home.entry
    entities = er.async_get(hass)
    entities.async_update_entity(
        BACKUP_SWITCH, new_entity_id=MINE, name="Save everything"
    )
    dr.async_get(hass).async_update_device(home.device, name_by_user="The old chest")
    before, options = ids(home), entry.options
    await install_anew(home)

    issue = repairs(hass)["installed_anew"]
    assert issue.translation_placeholders == {"name": "Attic", "url": home.plex.url}
    assert not token_sent_to(home.plex)

    logged = home.said
    assert await take_its_place(home) is None
    assert (entry.unique_id, entry.title, entry.options) == (ANEW, "Attic", options)
    assert home.state(MINE) == STATE_OFF
    entity = entities.async_get(MINE)
    assert entity and entity.name == "Save everything"
    device = device_of(hass, entry)
    assert device.identifiers == {(DOMAIN, ANEW), ("plex", ANEW)}
    assert device.name_by_user == "The old chest"

    await home.advance_steps(10, 31)
    assert home.repairs() == set()
    assert ids(home) == before
    assert home.said == logged

    await home.turn_on(MINE)
    assert home.plex.truth()["BackupDatabase"] == "running"


async def test_a_new_server_met_at_set_up_takes_the_place(home: Journey) -> None:
    before = ids(home)
    await home.unload()
    home.plex.machine_identifier = ANEW
    home.plex.requests.clear()
    await home.set_up()
    assert home.is_retried()
    assert home.entry.error_reason_translation_key == "wrong_server"
    await home.advance_steps(5, 31)
    assert not token_sent_to(home.plex)

    assert await take_its_place(home) is None
    home.expect_healthy()
    assert ids(home) == before


async def test_one_of_another_account_leads_on_to_its_token(anew: Journey) -> None:
    before = ids(anew)
    anew.plex.token = "another-token-0123456789"

    flow = await take_its_place(anew)
    assert flow
    assert flow["context"]["source"] == config_entries.SOURCE_REAUTH
    assert flow["context"]["title_placeholders"] == {"name": "Attic"}
    result = await submit(anew.hass, flow, {"next_step_id": "reauth_token"})
    result = await submit(anew.hass, result, {CONF_TOKEN: anew.plex.token})
    assert result["reason"] == "reauth_successful"
    anew.expect_healthy()
    assert ids(anew) == before


async def test_an_entry_can_be_removed_with_all_that_it_had(anew: Journey) -> None:
    hass = anew.hass
    result = await open_repair(hass, "installed_anew")
    result = await answer_repair(hass, result, {"next_step_id": "remove"})
    assert result["step_id"] == "remove"
    assert hass.config_entries.async_entries(DOMAIN) == [anew.entry]
    await answer_repair(hass, result, {})

    assert hass.config_entries.async_entries(DOMAIN) == []
    assert anew.repairs() == set()
    assert anew.state() is None
    assert not token_sent_to(anew.plex)

    # The new one is added like any other.
    card = await announce(hass, anew.plex.port)
    added = await submit(hass, card, {CONF_TOKEN: anew.plex.token})
    assert added["type"] is FlowResultType.CREATE_ENTRY
    assert anew.state() == STATE_OFF


async def test_a_stranger_that_leaves_takes_its_repair_along(anew: Journey) -> None:
    ours = anew.entry.unique_id or ""
    opened = [await open_repair(anew.hass, "installed_anew") for _ in range(2)]
    anew.plex.machine_identifier = ours
    # The old server answers, though not well.
    for path in ("/butler", "/activities"):
        anew.plex.fault("500", count=None, path=path)
    await anew.advance_steps(3, 31)
    assert anew.repairs() == set()
    assert anew.state() == STATE_UNAVAILABLE

    # Dialogs that are still open do no harm.
    for repair, step in zip(opened, ("take_its_place", "remove"), strict=True):
        result = await answer_repair(anew.hass, repair, {"next_step_id": step})
        assert result["reason"] == "outdated"
    assert anew.entry.unique_id == ours
    anew.plex.clear_faults()
    await anew.advance(31)
    anew.expect_healthy()


@pytest.mark.parametrize("third", [None, "third"], ids=["nothing", "a third one"])
async def test_only_the_server_that_was_found_takes_the_place(
    anew: Journey, third: str | None
) -> None:
    ours = anew.entry.unique_id
    result = await open_repair(anew.hass, "installed_anew")
    if third:
        anew.plex.machine_identifier = third
    else:
        await anew.plex.stop_listening()
    result = await answer_repair(anew.hass, result, {"next_step_id": "take_its_place"})
    assert result["reason"] == "not_there"
    assert anew.entry.unique_id == ours
    assert not token_sent_to(anew.plex)

    await anew.plex.listen_again()
    anew.plex.machine_identifier = ANEW
    await anew.advance(31)
    await take_its_place(anew)
    assert anew.state() == STATE_OFF


async def test_one_with_an_entry_of_its_own_takes_no_place(anew: Journey) -> None:
    hass = anew.hass
    opened = await open_repair(hass, "installed_anew")
    # Somebody adds it as a server of its own.
    card = await announce(hass, anew.plex.port)
    await submit(hass, card, {CONF_TOKEN: anew.plex.token})
    result = await answer_repair(hass, opened, {"next_step_id": "take_its_place"})
    assert result["reason"] == "outdated"
    await anew.advance(31)
    (issue,) = repairs(hass).values()
    assert issue.translation_key == "known_server"
    shown = {"name": "Attic", "other": "Attic", "url": anew.plex.url}
    assert issue.translation_placeholders == shown

    async with SimulatedPlex(clock=ManualClock()) as moved:
        assert moved.machine_identifier == anew.entry.unique_id
        flow = await anew.follow("known_server")
        assert flow["context"]["source"] == config_entries.SOURCE_RECONFIGURE
        await submit(hass, flow, {"url": moved.url, "verify_ssl": True})
        assert anew.repairs() == set()
        states = {it.state for it in hass.config_entries.async_entries(DOMAIN)}
        assert states == {config_entries.ConfigEntryState.LOADED}


async def test_cards_and_ignored_ones_of_the_new_server_go_when_it_takes_the_place(
    anew: Journey, cellar: SimulatedPlex
) -> None:
    hass = anew.hass
    card = await announce(hass, anew.plex.port)
    assert card["type"] is FlowResultType.FORM
    await hass.config_entries.flow.async_init(
        DOMAIN,
        context={"source": config_entries.SOURCE_IGNORE},
        data={"unique_id": ANEW, "title": "Attic"},
    )
    await anew.entry.start_reconfigure_flow(hass)
    await anew.advance(31)
    assert anew.repairs() == {"installed_anew"}
    other = await announce(hass, cellar.port, name="Cellar")

    await take_its_place(anew)
    assert hass.config_entries.async_entries(DOMAIN) == [anew.entry]
    assert [flow["flow_id"] for flow in anew.dialogs()] == [other["flow_id"]]
    assert anew.state() == STATE_OFF
