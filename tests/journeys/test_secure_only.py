"""A server that only takes secure connections, from its discovery to a loaded entry."""

from freezegun.api import FrozenDateTimeFactory
from homeassistant.config_entries import ConfigEntryState, ConfigFlowResult
from homeassistant.const import (
    ATTR_ENTITY_ID,
    CONF_TOKEN,
    CONF_URL,
    CONF_VERIFY_SSL,
    STATE_OFF,
    STATE_ON,
)
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
import pytest

from tests.conftest import BACKUP_SWITCH, settle
from tests.flows import announce, submit, suggested, typed
from tests.simulator import (
    CERT_HASH,
    Names,
    PlainHttp,
    SecureConnections,
    SimulatedPlex,
    plex_direct_name,
)
from tests.tls import Certificates


async def enter(
    hass: HomeAssistant, secure: SimulatedPlex, token: str
) -> ConfigFlowResult:
    """Hear of a server, and enter a token on its card."""
    result = await announce(hass, secure.port)
    assert result["step_id"] == "discovery_confirm"
    return await submit(hass, result, {CONF_TOKEN: token})


async def expect_healthy(
    hass: HomeAssistant, secure: SimulatedPlex, result: ConfigFlowResult, **data: object
) -> None:
    """See the entry at work: it asks, it commands, and it hears."""
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["title"] == "Attic"
    assert result["data"] == typed(secure, **data)
    await settle(hass)
    assert result["result"].state is ConfigEntryState.LOADED
    assert not hass.config_entries.flow.async_progress()
    target = {ATTR_ENTITY_ID: BACKUP_SWITCH}
    for state, truth in ((STATE_ON, "running"), (STATE_OFF, "idle")):
        await hass.services.async_call("switch", f"turn_{state}", target, blocking=True)
        await settle(hass)
        assert secure.truth()["BackupDatabase"] == truth
        assert hass.states.is_state(BACKUP_SWITCH, state)
    assert secure.hub.sockets
    # Not a word of the token over plain http.
    assert not any(secure.token in asked for asked in secure.turned_away)


@pytest.mark.parametrize("way", PlainHttp)
async def test_a_secure_only_server_goes_from_its_card_to_a_loaded_entry(
    hass: HomeAssistant, secure: SimulatedPlex, way: PlainHttp
) -> None:
    secure.plain_http = way
    result = await enter(hass, secure, secure.token)
    # The address in numbers is not in the certificate.
    assert result["step_id"] == "address"
    assert result["errors"] == {"base": "certificate_name"}
    placeholders = result["description_placeholders"]
    assert placeholders and placeholders["name"] == "Attic"
    assert placeholders["names"] == f"*.{CERT_HASH}.plex.direct"
    filled_in = {CONF_URL: secure.url, CONF_VERIFY_SSL: True}
    assert suggested(result) == {**filled_in, CONF_TOKEN: None}

    result = await submit(hass, result, {**filled_in, CONF_VERIFY_SSL: False})
    await expect_healthy(hass, secure, result, verify_ssl=False)


async def test_a_secure_only_server_is_added_by_the_name_in_its_certificate(
    hass: HomeAssistant,
    secure: SimulatedPlex,
    names: Names,
    freezer: FrozenDateTimeFactory,
) -> None:
    names.rebinding_protection = True
    name = plex_direct_name("127.0.0.1")
    result = await enter(hass, secure, secure.token)
    result = await submit(hass, result, {CONF_URL: name, CONF_VERIFY_SSL: True})
    assert result["errors"] == {"base": "cannot_resolve"}

    # The router is told to let the name pass; Plex's own port is not this one.
    names.rebinding_protection = False
    url = secure.url_at(name)
    freezer.tick(11)
    result = await submit(hass, result, {CONF_URL: url, CONF_VERIFY_SSL: True})
    await expect_healthy(hass, secure, result, url=url)


async def test_a_mistyped_token_of_a_secure_only_server_is_corrected_on_the_way(
    hass: HomeAssistant, secure: SimulatedPlex
) -> None:
    result = await enter(hass, secure, "mistyped")
    assert result["errors"] == {"base": "certificate_name"}
    unverified = {CONF_URL: secure.url, CONF_VERIFY_SSL: False}
    result = await submit(hass, result, unverified)
    assert result["step_id"] == "address"
    assert result["errors"] == {"base": "invalid_auth"}

    pasted = f"{secure.url}/library/metadata/1?X-Plex-Token={secure.token}"
    result = await submit(hass, result, {**unverified, CONF_TOKEN: pasted})
    await expect_healthy(hass, secure, result, verify_ssl=False)


async def test_a_server_that_becomes_secure_only_between_card_and_token_is_added(
    hass: HomeAssistant, secure: SimulatedPlex, certificates: Certificates
) -> None:
    await secure.use_certificate(certificates.right())
    secure.secure_connections = SecureConnections.PREFERRED
    result = await announce(hass, secure.port)
    secure.secure_connections = SecureConnections.REQUIRED
    result = await submit(hass, result, {CONF_TOKEN: secure.token})
    assert result["errors"] == {"base": "secure_required"}
    assert suggested(result)[CONF_URL] == secure.url

    filled_in = {CONF_URL: secure.url, CONF_VERIFY_SSL: True}
    await expect_healthy(hass, secure, await submit(hass, result, filled_in))
