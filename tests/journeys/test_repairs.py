"""Repairs lead somewhere, and are gone with their cause or their entry."""

from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.components.repairs import RepairsFlowResult
from homeassistant.config_entries import (
    SOURCE_REAUTH,
    ConfigEntryDisabler,
    ConfigEntryState,
)
from homeassistant.const import CONF_TOKEN, CONF_URL, STATE_OFF
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.plex_butler.const import DOMAIN
from tests.conftest import Advance, SetUp, SignIn, settle
from tests.flows import answer_repair, open_repair, repairs
from tests.journeys.test_busy_server import pass_by
from tests.journeys.whereabouts import state, state_of
from tests.simulator import SimulatedPlex, SimulatedPlexTv

MINUTE = 60


@pytest.fixture
def guest(hass: HomeAssistant, plex: SimulatedPlex, entry: MockConfigEntry) -> SetUp:
    """Return what sets the entry up with the token of a guest."""

    async def set_up() -> MockConfigEntry:
        use_token(hass, entry, plex.shared_token)
        await hass.config_entries.async_setup(entry.entry_id)
        await settle(hass)
        return entry

    return set_up


def issues(hass: HomeAssistant) -> list[str]:
    return list(repairs(hass))


async def look(hass: HomeAssistant) -> RepairsFlowResult:
    """Look at the only repair."""
    (kind,) = issues(hass)
    return await open_repair(hass, kind)


async def follow(hass: HomeAssistant) -> str:
    """Submit the only repair; return the dialog to which it leads."""
    result = await answer_repair(hass, await look(hass), {})
    _, flow_id = result["next_flow"]
    return flow_id


def use_token(hass: HomeAssistant, entry: MockConfigEntry, token: str) -> None:
    data = {**entry.data, CONF_TOKEN: token}
    hass.config_entries.async_update_entry(entry, data=data)


async def test_the_repair_of_a_guests_token_ends_in_a_loaded_entry_by_sign_in(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    tv: SimulatedPlexTv,
    guest: SetUp,
    sign_in: SignIn,
) -> None:
    entry = await guest()
    url = entry.data[CONF_URL]
    assert state_of(entry) is ConfigEntryState.SETUP_RETRY
    tv.add_server(plex)

    dialog = hass.config_entries.flow.async_get(await follow(hass))
    assert dialog["context"]["title_placeholders"] == {"name": "Attic"}
    assert dialog["step_id"] == "reauth_not_owner"
    result = await hass.config_entries.flow.async_configure(dialog["flow_id"])
    result = await sign_in(result)
    assert result["reason"] == "reauth_successful"

    assert state_of(entry) is ConfigEntryState.LOADED
    assert entry.data[CONF_TOKEN] == plex.token
    assert entry.data[CONF_URL] == url
    assert issues(hass) == []
    assert state(hass) == STATE_OFF


async def test_every_look_at_a_repair_leads_to_the_same_dialog_which_goes_with_its_cause(
    hass: HomeAssistant, plex: SimulatedPlex, guest: SetUp, advance: Advance
) -> None:
    entry = await guest()
    first = await follow(hass)
    for _ in range(3):
        await advance(20)
    opened = await look(hass)
    assert await follow(hass) == first
    (dialog,) = hass.config_entries.flow.async_progress()
    assert dialog["context"]["source"] == SOURCE_REAUTH
    assert dialog["context"]["unique_id"] == entry.unique_id

    use_token(hass, entry, plex.token)
    for _ in range(15):
        await advance(20)
    assert state_of(entry) is ConfigEntryState.LOADED
    assert issues(hass) == []
    assert hass.config_entries.flow.async_progress() == []

    # What is submitted after its cause has gone opens nothing.
    result = await answer_repair(hass, opened, {})
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "outdated"
    assert hass.config_entries.flow.async_progress() == []


async def test_a_dialog_never_explains_a_cause_that_was(
    hass: HomeAssistant, plex: SimulatedPlex, guest: SetUp, advance: Advance
) -> None:
    async def says() -> list[str]:
        """Return what the open dialogs say when somebody looks at them."""
        flows = hass.config_entries.flow
        opened = [
            await flows.async_configure(it["flow_id"]) for it in flows.async_progress()
        ]
        return [it["step_id"] for it in opened]

    entry = await guest()
    await follow(hass)
    assert await says() == ["reauth_not_owner"]

    # The guest's token is revoked, and later good again, but still a guest's.
    use_token(hass, entry, "revoked")
    for _ in range(20):
        await advance(MINUTE)
    assert issues(hass) == []
    assert await says() == ["reauth_confirm"]

    use_token(hass, entry, plex.shared_token)
    for _ in range(61):
        await advance(MINUTE)
    assert issues(hass) == ["not_owner"]
    assert await says() == []
    await follow(hass)
    assert await says() == ["reauth_not_owner"]

    # Since 2026.11, Home Assistant waits as long as it has waited at most.
    use_token(hass, entry, plex.token)
    for _ in range(61):
        await advance(MINUTE)
    assert state_of(entry) is ConfigEntryState.LOADED
    assert issues(hass) == []
    assert await says() == []


@pytest.mark.parametrize("cause", ["guest", "refused"])
async def test_an_entry_that_is_removed_while_broken_leaves_nothing(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    guest: SetUp,
    advance: Advance,
    hass_storage: dict[str, Any],
    cause: str,
) -> None:
    entry = await guest()
    repair = await look(hass)
    if cause == "guest":
        await follow(hass)
    else:
        use_token(hass, entry, "revoked")
    for _ in range(20):
        await advance(MINUTE)
    assert state_of(entry) is ConfigEntryState.SETUP_RETRY
    assert len(hass.config_entries.flow.async_progress()) == 1
    assert issues(hass) == (["not_owner"] if cause == "guest" else [])

    await hass.config_entries.async_remove(entry.entry_id)
    await settle(hass)
    assert issues(hass) == []
    assert hass.config_entries.flow.async_progress() == []
    result = await answer_repair(hass, repair, {})
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "outdated"
    plex.requests.clear()
    for _ in range(10):
        await advance(MINUTE)
    assert plex.requests == []
    assert issues(hass) == []
    assert [key for key in hass_storage if entry.entry_id in key] == []
    ours = {key: value for key, value in hass.data.items() if DOMAIN in str(key)}
    assert entry.entry_id not in repr(ours)


@pytest.mark.usefixtures("all_entities_enabled")
@pytest.mark.parametrize("while_loaded", [True, False])
async def test_a_disabled_entry_shows_no_repair_and_remembers_its_runs(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    entry: MockConfigEntry,
    advance: Advance,
    freezer: FrozenDateTimeFactory,
    hass_storage: dict[str, Any],
    expected_logs: list[str],
    while_loaded: bool,  # noqa: FBT001 pytest hands it over by name
) -> None:
    await hass.config_entries.async_setup(entry.entry_id)
    await settle(hass)
    plex.durations["BackupDatabase"] = MINUTE
    plex.client_start("BackupDatabase")
    await advance(1)
    await advance(MINUTE)
    await advance(MINUTE)
    last = hass.states.get("event.attic_butler_task")
    assert last and last.attributes["event_type"] == "ended"
    plex.fault("403", count=None, path="/butler")
    if while_loaded:
        expected_logs.append("not belong to the owner")
        await advance(3601)
    else:
        await hass.config_entries.async_reload(entry.entry_id)
        await settle(hass)
    await follow(hass)
    for _ in range(15):
        await advance(20)
    assert len(issues(hass)) == 1
    assert len(hass.config_entries.flow.async_progress()) == 1

    await hass.config_entries.async_set_disabled_by(
        entry.entry_id, ConfigEntryDisabler.USER
    )
    await settle(hass)
    assert issues(hass) == []
    assert hass.config_entries.flow.async_progress() == []
    assert [key for key in hass_storage if entry.entry_id in key]

    plex.clear_faults()
    await hass.config_entries.async_set_disabled_by(entry.entry_id, None)
    await pass_by(hass, freezer, plex, 1)
    await settle(hass)
    assert state_of(entry) is ConfigEntryState.LOADED
    response = await hass.services.async_call(
        DOMAIN, "get_butler_tasks", {}, blocking=True, return_response=True
    )
    assert response
    tasks = {task["name"]: task for task in response["tasks"]}  # type: ignore[union-attr, index, call-overload]  # a response is plain JSON
    assert tasks["BackupDatabase"]["last_run"]["result"] == "ended"  # type: ignore[call-overload, index]  # likewise
