"""A server that only takes secure connections, from its discovery to a loaded entry."""

from freezegun.api import FrozenDateTimeFactory
from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import CONF_TOKEN, CONF_URL, CONF_VERIFY_SSL
import pytest

from tests.conftest import BACKUP_SWITCH, settle
from tests.flows import Dialog, announce, typed
from tests.simulator import CERT_HASH, Names, PlainHttp, plex_direct_name


async def hear_of(dialog: Dialog, token: str) -> None:
    """Hear of a server, and enter a token on its card."""
    dialog.result = await announce(dialog.hass, dialog.plex.port)
    assert dialog.result["step_id"] == "discovery_confirm"
    # The address in numbers is not in the certificate.
    await dialog.fail("certificate_name", {CONF_TOKEN: token}, "address")


async def expect_healthy(
    dialog: Dialog, answer: dict[str, object], **data: object
) -> None:
    """See the entry made and at work: it asks, it commands, and it hears."""
    hass, secure = dialog.hass, dialog.plex
    await dialog.create(answer)
    assert dialog.result["title"] == "Attic"
    assert dialog.result["data"] == typed(secure, **data)
    assert dialog.result["result"].state is ConfigEntryState.LOADED
    assert not hass.config_entries.flow.async_progress()
    target = {"entity_id": BACKUP_SWITCH}
    for state, truth in (("on", "running"), ("off", "idle")):
        await hass.services.async_call("switch", f"turn_{state}", target, blocking=True)
        await settle(hass)
        assert secure.truth()["BackupDatabase"] == truth
        assert hass.states.is_state(BACKUP_SWITCH, state)
    assert secure.hub.sockets
    # Not a word of the token over plain http.
    assert not any(secure.token in asked for asked in secure.turned_away)


@pytest.mark.parametrize("way", PlainHttp)
async def test_a_secure_only_server_goes_from_its_card_to_a_loaded_entry(
    secure_dialog: Dialog, way: PlainHttp
) -> None:
    dialog, secure = secure_dialog, secure_dialog.plex
    secure.plain_http = way
    await hear_of(dialog, "mistyped")
    assert dialog.placeholders["name"] == "Attic"
    assert dialog.placeholders["names"] == f"*.{CERT_HASH}.plex.direct"
    filled_in = {CONF_URL: secure.url, CONF_VERIFY_SSL: True}
    assert dialog.shown == {**filled_in, CONF_TOKEN: None}

    unverified = {**filled_in, CONF_VERIFY_SSL: False}
    await dialog.fail("invalid_auth", unverified, "address")
    pasted = f"{secure.url}/library/metadata/1?X-Plex-Token={secure.token}"
    corrected = {**unverified, CONF_TOKEN: pasted}
    await expect_healthy(dialog, corrected, verify_ssl=False)


async def test_a_secure_only_server_is_added_by_the_name_in_its_certificate(
    secure_dialog: Dialog, names: Names, freezer: FrozenDateTimeFactory
) -> None:
    names.rebinding_protection = True
    name = plex_direct_name("127.0.0.1")
    await hear_of(secure_dialog, secure_dialog.plex.token)
    answer = {CONF_URL: name, CONF_VERIFY_SSL: True}
    await secure_dialog.fail("cannot_resolve", answer)

    # The router is told to let the name pass; Plex's own port is not this one.
    names.rebinding_protection = False
    url = secure_dialog.plex.url_at(name)
    freezer.tick(11)
    await expect_healthy(secure_dialog, {**answer, CONF_URL: url}, url=url)
