"""What people paste into the dialogs is understood in every field that takes it."""

from homeassistant.const import CONF_TOKEN, CONF_URL, CONF_VERIFY_SSL
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from tests.conftest import add_entry
from tests.flows import Dialog, begin, typed
from tests.simulator import ManualClock, Names, SimulatedPlex


@pytest.mark.parametrize(
    "pasted",
    [
        '"{token}"',
        "X-Plex-Token={token}",
        " X-Plex-Token: {token}\n",
        "https://box:32400/library/metadata/1?checkFiles=1&X-Plex-Token={token}",
    ],
)
@pytest.mark.parametrize("way", ["added", "reauth", "reconfigure"])
async def test_a_token_is_understood_wherever_one_is_asked_for(
    dialog: Dialog, plex: SimulatedPlex, way: str, pasted: str
) -> None:
    token = pasted.format(token=plex.token)
    if way == "added":
        await dialog.add(token=token)
        assert dialog.result["data"] == typed(plex)
        return
    entry = add_entry(dialog.hass, plex)
    data = typed(plex, token="old")
    dialog.hass.config_entries.async_update_entry(entry, data=data)
    if way == "reauth":
        await dialog.reauth(entry)
        await dialog.end("reauth_successful", {CONF_TOKEN: token})
    else:
        await dialog.reconfigure(entry)
        await dialog.end("reconfigure_successful", typed(plex, token=token))
    assert entry.data == typed(plex)


@pytest.mark.parametrize(
    ("pasted", "error"),
    [
        ("claim-abcDEF123", {CONF_TOKEN: "claim_code"}),
        ("https://app.plex.tv/desktop/#!/media", {CONF_TOKEN: "plex_site"}),
        ("", {CONF_TOKEN: "token_missing"}),
        ("wrong", {"base": "invalid_auth"}),
        ("a\rb", {"base": "invalid_auth"}),
        ("\ud800", {"base": "invalid_auth"}),
    ],
)
async def test_what_is_no_token_is_said_to_be_none_where_one_is_replaced(
    dialog: Dialog, entry: MockConfigEntry, pasted: str, error: dict[str, str]
) -> None:
    await dialog.reauth(entry)
    await dialog.submit({CONF_TOKEN: pasted})
    assert dialog.result["errors"] == error

    await dialog.end("reauth_successful", {CONF_TOKEN: f" {dialog.plex.token} "})
    assert entry.data == typed(dialog.plex)


async def test_a_token_in_a_pasted_address_is_kept_apart_and_newer_than_the_hidden_one(
    dialog: Dialog, plex: SimulatedPlex
) -> None:
    dialog.result = await begin(dialog.hass)
    first = {CONF_URL: f"{plex.url}/?X-Plex-Token=old", CONF_VERIFY_SSL: False}
    await dialog.fail("invalid_auth", first)
    shown = {CONF_URL: plex.url, CONF_TOKEN: "old", CONF_VERIFY_SSL: False}
    assert dialog.shown == shown

    pasted = f"{plex.url}/library/metadata/1?X-Plex-Token={plex.token}"
    await dialog.create({**shown, CONF_URL: pasted})
    assert dialog.result["data"] == typed(plex, verify_ssl=False)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://plex.example", "http://plex.example:80"),
        ("http://plex.example:80", "http://plex.example:80"),
        ("http://plex.example/", "http://plex.example:80"),
    ],
)
async def test_a_server_at_port_80_is_added_and_reconfigured_without_being_moved(
    dialog: Dialog, names: Names, entry: MockConfigEntry, url: str, shown: str
) -> None:
    hass, plex = dialog.hass, dialog.plex
    names.point("plex.example", plex.port)
    data = typed(plex, url=url)
    hass.config_entries.async_update_entry(entry, data=data)
    for verify_ssl in (True, False):
        await dialog.reconfigure(entry)
        assert dialog.shown[CONF_URL] == shown
        unmoved = {CONF_URL: shown, CONF_VERIFY_SSL: verify_ssl}
        await dialog.end("reconfigure_successful", unmoved)
        assert entry.data == {**data, CONF_VERIFY_SSL: verify_ssl}

    await hass.config_entries.async_remove(entry.entry_id)
    pasted = f"http://plex.example:80/web?X-Plex-Token={plex.token}"
    dialog.result = await begin(hass)
    await dialog.create({CONF_URL: pasted, CONF_VERIFY_SSL: True})
    assert dialog.result["data"] == typed(plex, url="http://plex.example:80")


async def test_a_prefix_that_looks_like_a_path_of_the_servers_stays_with_its_entry(
    dialog: Dialog, entry: MockConfigEntry
) -> None:
    async with SimulatedPlex(prefix="/media", clock=ManualClock()) as plex:
        data = typed(plex)
        dialog.hass.config_entries.async_update_entry(entry, data=data)
        await dialog.reconfigure(entry)
        unchanged = {CONF_URL: plex.url, CONF_VERIFY_SSL: True}
        await dialog.end("reconfigure_successful", unchanged)
        assert entry.data == data
