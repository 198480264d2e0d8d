"""Staying connected: renamed certificates, owners, slow servers, and what people see."""

import asyncio
from collections.abc import AsyncIterator

from freezegun.api import FrozenDateTimeFactory
from homeassistant.components.repairs import repairs_flow_manager
from homeassistant.config_entries import SOURCE_REAUTH, SOURCE_RECONFIGURE
from homeassistant.const import (
    CONF_TOKEN,
    CONF_URL,
    CONF_VERIFY_SSL,
    STATE_OFF,
    STATE_ON,
    STATE_UNAVAILABLE,
)
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
)

from custom_components.plex_butler.const import DOMAIN
from tests.conftest import Advance, settle
from tests.flows import choose, submit, suggested
from tests.simulator import (
    ManualClock,
    Names,
    SecureConnections,
    SimulatedPlex,
    SimulatedPlexTv,
    local_http,
    local_https,
    plex_direct_name,
)
from tests.tls import Certificates

BACKUP = "switch.attic_butler_back_up_database"
ANOTHER_HASH = "f" * 32


def state(hass: HomeAssistant, entity_id: str = BACKUP) -> str | None:
    found = hass.states.get(entity_id)
    return found.state if found else None


def issues(hass: HomeAssistant) -> dict[str, ir.IssueEntry]:
    return {
        issue.translation_key or "": issue
        for issue in ir.async_get(hass).issues.values()
        if issue.domain == DOMAIN and issue.active
    }


async def fix(hass: HomeAssistant, issue: ir.IssueEntry) -> str:
    """Walk through a repair, and return the source of the dialog that it leads to."""
    await async_setup_component(hass, "repairs", {})
    flows = repairs_flow_manager(hass)
    assert flows
    result = await flows.async_init(DOMAIN, data={"issue_id": issue.issue_id})
    assert result.get("step_id") == "confirm", result
    assert result["description_placeholders"] == issue.translation_placeholders
    result = await flows.async_configure(result["flow_id"], {})
    _, flow_id = result["next_flow"]
    return str(hass.config_entries.flow.async_get(flow_id)["context"]["source"])


async def test_whoever_is_not_the_owner_gets_a_repair_that_leads_to_a_new_token(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    loaded: MockConfigEntry,
    advance: Advance,
    expected_logs: list[str],
) -> None:
    expected_logs.append("not that of the owner")
    plex.fault("403", count=None, path="/butler")
    await advance(31)
    (issue,) = issues(hass).values()
    assert issue.translation_key == "not_owner"
    assert issue.translation_placeholders == {"name": "Attic"}
    assert await fix(hass, issue) == SOURCE_REAUTH

    await advance(31)
    assert issues(hass).keys() == {"not_owner"}

    plex.clear_faults()
    await advance(31)
    assert issues(hass) == {}
    assert state(hass) == STATE_OFF


@pytest.fixture
async def secure(
    socket_enabled: None, certificates: Certificates, names: Names
) -> AsyncIterator[SimulatedPlex]:
    """Return a server with a certificate of Plex's."""
    async with SimulatedPlex(
        tls=certificates.plex_direct(), clock=ManualClock()
    ) as plex:
        yield plex


@pytest.fixture
async def secure_entry(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory, secure: SimulatedPlex
) -> MockConfigEntry:
    """Return an entry that is set up with the name of the certificate."""
    entry = MockConfigEntry(
        domain=DOMAIN,
        title=secure.name,
        unique_id=secure.machine_identifier,
        data={
            CONF_URL: secure.url_at(plex_direct_name("127.0.0.1")),
            CONF_TOKEN: secure.token,
            CONF_VERIFY_SSL: True,
        },
    )
    entry.add_to_hass(hass)
    await hass.config_entries.async_setup(entry.entry_id)
    await settle(hass)
    return entry


async def pass_time(
    hass: HomeAssistant,
    freezer: FrozenDateTimeFactory,
    plex: SimulatedPlex,
    seconds: float,
) -> None:
    freezer.tick(seconds)
    await plex.advance(seconds)
    await settle(hass)


async def test_a_renamed_certificate_of_an_entry_made_by_hand_is_a_repair(
    hass: HomeAssistant,
    secure: SimulatedPlex,
    secure_entry: MockConfigEntry,
    certificates: Certificates,
    freezer: FrozenDateTimeFactory,
    expected_logs: list[str],
) -> None:
    expected_logs.append("certificate of the Plex server is for another name")
    await secure.use_certificate(certificates.plex_direct(ANOTHER_HASH))
    await pass_time(hass, freezer, secure, 31)
    (issue,) = issues(hass).values()
    assert issue.translation_key == "certificate_renamed"
    assert issue.translation_placeholders == {
        "name": "Attic",
        "names": f"*.{ANOTHER_HASH}.plex.direct",
    }
    assert await fix(hass, issue) == SOURCE_RECONFIGURE
    # What was presented is never taken for the new name.
    assert ANOTHER_HASH not in secure_entry.data[CONF_URL]

    await secure.use_certificate(certificates.plex_direct())
    await pass_time(hass, freezer, secure, 31)
    assert issues(hass) == {}
    assert state(hass) == STATE_OFF


@pytest.mark.parametrize("way", ["sign_in", "address"])
async def test_the_repair_of_a_renamed_certificate_leads_to_the_new_name(
    hass: HomeAssistant,
    secure: SimulatedPlex,
    secure_entry: MockConfigEntry,
    certificates: Certificates,
    names: Names,
    freezer: FrozenDateTimeFactory,
    expected_logs: list[str],
    way: str,
) -> None:
    expected_logs.append("certificate of the Plex server is for another name")
    renamed = local_https(secure, ANOTHER_HASH)
    async with SimulatedPlexTv(tls=certificates.named("plex.tv")) as tv:
        names.point("plex.tv", tv.port)
        tv.add_server(secure, connections=[renamed])
        await secure.use_certificate(certificates.plex_direct(ANOTHER_HASH))
        await pass_time(hass, freezer, secure, 31)
        (issue,) = issues(hass).values()
        assert await fix(hass, issue) == SOURCE_RECONFIGURE
        (flow,) = hass.config_entries.flow.async_progress()
        assert flow["step_id"] == "renamed"

        menu = await hass.config_entries.flow.async_configure(flow["flow_id"])
        result = await choose(hass, menu, way)
        if way == "sign_in":
            tv.link()
            await settle(hass)
            freezer.tick(3)
            await settle(hass)
            result = await hass.config_entries.flow.async_configure(flow["flow_id"])
        else:
            result = await submit(
                hass, result, {CONF_URL: renamed.uri, CONF_VERIFY_SSL: True}
            )
        await settle(hass)

    assert result["reason"] == "reconfigure_successful"
    assert secure_entry.data[CONF_URL] == renamed.uri
    assert issues(hass) == {}
    assert state(hass) == STATE_OFF


async def test_a_new_sign_in_does_not_lead_from_https_to_plain_http(
    hass: HomeAssistant,
    secure: SimulatedPlex,
    secure_entry: MockConfigEntry,
    certificates: Certificates,
    names: Names,
    freezer: FrozenDateTimeFactory,
    expected_logs: list[str],
) -> None:
    expected_logs.append("certificate of the Plex server is for another name")
    before = dict(secure_entry.data)
    secure.secure_connections = SecureConnections.PREFERRED
    async with SimulatedPlexTv(tls=certificates.named("plex.tv")) as tv:
        names.point("plex.tv", tv.port)
        # The router hides the new name, so only the bare address leads there.
        tv.add_server(secure, connections=[local_http(secure)])
        await secure.use_certificate(certificates.plex_direct(ANOTHER_HASH))
        await pass_time(hass, freezer, secure, 31)
        result = await secure_entry.start_reconfigure_flow(hass)
        result = await choose(hass, result, "sign_in")
        tv.link()
        await settle(hass)
        freezer.tick(3)
        await settle(hass)
        result = await hass.config_entries.flow.async_configure(result["flow_id"])
        assert result["step_id"] == "address"
        assert suggested(result)[CONF_URL] == before[CONF_URL]
        assert secure_entry.data == before

        await secure.use_certificate(certificates.plex_direct())
        answer = {CONF_URL: before[CONF_URL], CONF_VERIFY_SSL: True}
        result = await submit(hass, result, answer)
        await settle(hass)

    assert result["reason"] == "reconfigure_successful"
    assert state(hass) == STATE_OFF


async def pass_by(
    hass: HomeAssistant,
    freezer: FrozenDateTimeFactory,
    plex: SimulatedPlex,
    seconds: float,
) -> None:
    """Let time pass without waiting for answers that need it to pass themselves."""
    freezer.tick(seconds)
    await plex.advance(seconds)
    for _ in range(50):
        await asyncio.sleep(0)


async def test_silence_during_a_backup_makes_nothing_unavailable_for_two_minutes(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    loaded: MockConfigEntry,
    advance: Advance,
    freezer: FrozenDateTimeFactory,
    expected_logs: list[str],
) -> None:
    expected_logs.append("did not answer in time")
    plex.durations["BackupDatabase"] = 3600
    plex.client_start("BackupDatabase")
    await advance(31)
    assert state(hass) == STATE_ON
    plex.fault("slow", count=None, delay=30)

    for _ in range(20):
        await pass_by(hass, freezer, plex, 5)
        assert state(hass) == STATE_ON
    for _ in range(40):
        await pass_by(hass, freezer, plex, 5)
    assert state(hass) == STATE_UNAVAILABLE

    plex.clear_faults()
    for _ in range(14):
        await pass_by(hass, freezer, plex, 5)
    assert state(hass) == STATE_ON


async def test_silence_while_nothing_runs_is_an_outage(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    loaded: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
    expected_logs: list[str],
) -> None:
    expected_logs.append("did not answer in time")
    plex.fault("slow", count=None, delay=30)
    for _ in range(16):
        await pass_by(hass, freezer, plex, 5)
    assert state(hass) == STATE_UNAVAILABLE

    plex.clear_faults()
    for _ in range(14):
        await pass_by(hass, freezer, plex, 5)
    assert state(hass) == STATE_OFF
