"""Repairs lead somewhere, and are gone with their cause or their entry."""

from collections.abc import AsyncIterator
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.components.repairs import repairs_flow_manager
from homeassistant.config_entries import (
    SOURCE_REAUTH,
    ConfigEntryDisabler,
    ConfigEntryState,
)
from homeassistant.const import CONF_TOKEN, CONF_URL, STATE_OFF
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import issue_registry as ir
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.plex_butler.const import DOMAIN
from tests.conftest import Advance, SetUp, settle
from tests.flows import repairs
from tests.simulator import Names, SimulatedPlex, SimulatedPlexTv
from tests.test_staying import pass_by
from tests.tls import Certificates

BACKUP = "switch.attic_butler_back_up_database"
MINUTE = 60


@pytest.fixture
async def tv(
    socket_enabled: None, names: Names, certificates: Certificates
) -> AsyncIterator[SimulatedPlexTv]:
    """Return a plex.tv that really is at its own address."""
    async with SimulatedPlexTv(tls=certificates.named("plex.tv")) as tv:
        names.point("plex.tv", tv.port)
        yield tv


@pytest.fixture
def guest(hass: HomeAssistant, plex: SimulatedPlex, entry: MockConfigEntry) -> SetUp:
    """Return what sets the entry up with the token of a guest."""

    async def set_up() -> MockConfigEntry:
        hass.config_entries.async_update_entry(
            entry, data={**entry.data, CONF_TOKEN: plex.shared_token}
        )
        await hass.config_entries.async_setup(entry.entry_id)
        await settle(hass)
        return entry

    return set_up


def state_of(entry: MockConfigEntry) -> ConfigEntryState:
    """Return the state; mypy would take it for unchanged in between."""
    state: ConfigEntryState = entry.state
    return state


def issues(hass: HomeAssistant) -> list[ir.IssueEntry]:
    return [issue for issue in ir.async_get(hass).issues.values() if issue.active]


async def open_repair(hass: HomeAssistant) -> dict[str, Any]:
    """Look at the only repair."""
    assert await async_setup_component(hass, "repairs", {})
    flows = repairs_flow_manager(hass)
    assert flows
    (issue,) = issues(hass)
    return dict(await flows.async_init(DOMAIN, data={"issue_id": issue.issue_id}))


async def submit_repair(hass: HomeAssistant, repair: dict[str, Any]) -> dict[str, Any]:
    flows = repairs_flow_manager(hass)
    assert flows
    return dict(await flows.async_configure(repair["flow_id"], {}))


async def test_the_repair_of_a_guests_token_ends_in_a_loaded_entry_by_sign_in(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    tv: SimulatedPlexTv,
    guest: SetUp,
    freezer: FrozenDateTimeFactory,
) -> None:
    entry = await guest()
    url = entry.data[CONF_URL]
    assert state_of(entry) is ConfigEntryState.SETUP_RETRY
    tv.add_server(plex)

    _, flow_id = (await submit_repair(hass, await open_repair(hass)))["next_flow"]
    dialog = hass.config_entries.flow.async_get(flow_id)
    assert dialog["context"]["title_placeholders"] == {"name": "Attic"}
    assert dialog["step_id"] == "reauth_not_owner"
    result = await hass.config_entries.flow.async_configure(
        flow_id, {"next_step_id": "sign_in"}
    )
    assert result["type"] is FlowResultType.SHOW_PROGRESS
    tv.link()
    await settle(hass)
    freezer.tick(3)
    await settle(hass)
    result = await hass.config_entries.flow.async_configure(flow_id)
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "reauth_successful"
    await settle(hass)

    assert state_of(entry) is ConfigEntryState.LOADED
    assert entry.data[CONF_TOKEN] == plex.token
    assert entry.data[CONF_URL] == url
    assert issues(hass) == []
    state = hass.states.get(BACKUP)
    assert state and state.state == STATE_OFF


async def test_every_look_at_a_repair_leads_to_the_same_dialog_which_goes_with_its_cause(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    guest: SetUp,
    advance: Advance,
) -> None:
    entry = await guest()
    _, first = (await submit_repair(hass, await open_repair(hass)))["next_flow"]
    for _ in range(3):
        await advance(20)
    _, second = (await submit_repair(hass, await open_repair(hass)))["next_flow"]
    assert second == first
    (dialog,) = hass.config_entries.flow.async_progress()
    assert dialog["context"]["source"] == SOURCE_REAUTH
    assert dialog["context"]["unique_id"] == entry.unique_id

    hass.config_entries.async_update_entry(
        entry, data={**entry.data, CONF_TOKEN: plex.token}
    )
    for _ in range(15):
        await advance(20)

    assert state_of(entry) is ConfigEntryState.LOADED
    assert issues(hass) == []
    assert hass.config_entries.flow.async_progress() == []


async def test_a_repair_that_is_submitted_after_its_cause_has_gone_opens_nothing(
    hass: HomeAssistant, plex: SimulatedPlex, guest: SetUp, advance: Advance
) -> None:
    entry = await guest()
    repair = await open_repair(hass)
    hass.config_entries.async_update_entry(
        entry, data={**entry.data, CONF_TOKEN: plex.token}
    )
    await hass.config_entries.async_reload(entry.entry_id)
    await settle(hass)
    assert issues(hass) == []

    result = await submit_repair(hass, repair)

    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "outdated"
    assert hass.config_entries.flow.async_progress() == []


async def test_a_dialog_never_explains_a_cause_that_was(
    hass: HomeAssistant, plex: SimulatedPlex, guest: SetUp, advance: Advance
) -> None:
    def says() -> list[str]:
        return [flow["step_id"] for flow in hass.config_entries.flow.async_progress()]

    entry = await guest()
    await submit_repair(hass, await open_repair(hass))
    assert says() == ["reauth_not_owner"]

    # The guest's token is revoked, and later good again, but still a guest's.
    guests, revoked = entry.data, {**entry.data, CONF_TOKEN: "revoked"}
    hass.config_entries.async_update_entry(entry, data=revoked)
    for _ in range(20):
        await advance(MINUTE)
    assert repairs(hass) == {}
    assert says() == ["reauth_confirm"]

    hass.config_entries.async_update_entry(entry, data=guests)
    for _ in range(61):
        await advance(MINUTE)
    assert list(repairs(hass)) == ["not_owner"]
    assert says() == []
    await submit_repair(hass, await open_repair(hass))
    assert says() == ["reauth_not_owner"]

    hass.config_entries.async_update_entry(
        entry, data={**entry.data, CONF_TOKEN: plex.token}
    )
    for _ in range(5):
        await advance(MINUTE)
    assert state_of(entry) is ConfigEntryState.LOADED
    assert issues(hass) == []
    assert says() == []


async def be_broken(
    hass: HomeAssistant, entry: MockConfigEntry, advance: Advance
) -> dict[str, Any]:
    """Open the repair and its dialog, and look at the repair once more."""
    assert len(issues(hass)) == 1
    await submit_repair(hass, await open_repair(hass))
    assert len(hass.config_entries.flow.async_progress()) == 1
    for _ in range(15):
        await advance(20)
    assert state_of(entry) is ConfigEntryState.SETUP_RETRY
    return await open_repair(hass)


async def test_an_entry_that_is_removed_while_broken_leaves_nothing(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    guest: SetUp,
    advance: Advance,
    hass_storage: dict[str, Any],
) -> None:
    entry = await guest()
    repair = await be_broken(hass, entry, advance)

    await hass.config_entries.async_remove(entry.entry_id)
    await settle(hass)

    assert issues(hass) == []
    assert hass.config_entries.flow.async_progress() == []
    result = await submit_repair(hass, repair)
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "entry_removed"
    plex.requests.clear()
    for _ in range(10):
        await advance(MINUTE)
    assert plex.requests == []
    assert issues(hass) == []
    assert [key for key in hass_storage if entry.entry_id in key] == []
    assert entry.entry_id not in repr(hass.data.get("plex_butler_refusals"))


async def test_an_entry_whose_token_was_refused_leaves_nothing_when_it_is_removed(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    entry: MockConfigEntry,
    advance: Advance,
) -> None:
    plex.token = "another"
    await hass.config_entries.async_setup(entry.entry_id)
    for _ in range(20):
        await advance(MINUTE)
    assert len(hass.config_entries.flow.async_progress()) == 1

    await hass.config_entries.async_remove(entry.entry_id)
    await settle(hass)

    assert issues(hass) == []
    assert hass.config_entries.flow.async_progress() == []
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
        expected_logs.append("not that of the owner")
        await advance(3601)
    else:
        await hass.config_entries.async_reload(entry.entry_id)
        await settle(hass)
    await submit_repair(hass, await open_repair(hass))
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
