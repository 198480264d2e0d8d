"""A certificate of Plex's that is renamed: the repair of it leads to the new name."""

from freezegun.api import FrozenDateTimeFactory
from homeassistant.config_entries import SOURCE_RECONFIGURE
from homeassistant.const import CONF_URL, CONF_VERIFY_SSL, STATE_OFF
from homeassistant.core import HomeAssistant
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from tests.conftest import BACKUP_SWITCH, add_entry, settle
from tests.flows import answer_repair, choose, open_repair, repairs, submit, suggested
from tests.simulator import (
    Names,
    SecureConnections,
    SimulatedPlex,
    SimulatedPlexTv,
    local_http,
    local_https,
    plex_direct_name,
)
from tests.tls import Certificates

ANOTHER_HASH = "f" * 32


@pytest.fixture
async def secure_entry(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory, secure: SimulatedPlex
) -> MockConfigEntry:
    """Return an entry that is set up with the name of the certificate."""
    entry = add_entry(hass, secure)
    url = secure.url_at(plex_direct_name("127.0.0.1"))
    hass.config_entries.async_update_entry(entry, data=entry.data | {CONF_URL: url})
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
        repair = await open_repair(hass, "certificate_renamed")
        told = {"name": "Attic", "names": f"*.{ANOTHER_HASH}.plex.direct"}
        assert repair["description_placeholders"] == told
        assert repairs(hass)["certificate_renamed"].translation_placeholders == told
        await answer_repair(hass, repair, {})
        # What was presented is never taken for the new name.
        assert ANOTHER_HASH not in secure_entry.data[CONF_URL]
        (flow,) = hass.config_entries.flow.async_progress()
        assert flow["step_id"] == "renamed"
        assert flow["context"]["source"] == SOURCE_RECONFIGURE

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
    assert repairs(hass) == {}
    assert hass.states.is_state(BACKUP_SWITCH, STATE_OFF)


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
    assert hass.states.is_state(BACKUP_SWITCH, STATE_OFF)
