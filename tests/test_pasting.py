"""What people paste into the dialogs is understood in every field that takes it."""

from homeassistant.const import CONF_TOKEN, CONF_URL, CONF_VERIFY_SSL
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from tests.flows import add, choose, submit, suggested, typed
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
    hass: HomeAssistant, plex: SimulatedPlex, way: str, pasted: str
) -> None:
    answer = typed(plex, token=pasted.format(token=plex.token))
    if way == "added":
        result = await add(hass, answer)
        assert result["data"] == typed(plex)
        return
    entry = MockConfigEntry(
        domain="plex_butler",
        unique_id=plex.machine_identifier,
        data=typed(plex, token="old"),
    )
    entry.add_to_hass(hass)
    if way == "reauth":
        result = await choose(hass, await entry.start_reauth_flow(hass), "reauth_token")
        answer = {CONF_TOKEN: answer[CONF_TOKEN]}
    else:
        result = await entry.start_reconfigure_flow(hass)
    result = await submit(hass, result, answer)
    assert result["reason"] == f"{way}_successful"
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
    hass: HomeAssistant,
    plex: SimulatedPlex,
    entry: MockConfigEntry,
    pasted: str,
    error: dict[str, str],
) -> None:
    result = await entry.start_reauth_flow(hass)
    assert result["step_id"] == "reauth_confirm"
    result = await choose(hass, result, "reauth_token")
    result = await submit(hass, result, {CONF_TOKEN: pasted})
    assert result["errors"] == error

    result = await submit(hass, result, {CONF_TOKEN: f" {plex.token} "})
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "reauth_successful"
    assert entry.data == typed(plex)


async def test_a_token_in_a_pasted_address_is_kept_apart_and_newer_than_the_hidden_one(
    hass: HomeAssistant, plex: SimulatedPlex
) -> None:
    first = {CONF_URL: f"{plex.url}/?X-Plex-Token=old", CONF_VERIFY_SSL: False}
    result = await add(hass, first)
    assert result["errors"] == {"base": "invalid_auth"}
    shown = {CONF_URL: plex.url, CONF_TOKEN: "old", CONF_VERIFY_SSL: False}
    assert suggested(result) == shown

    pasted = f"{plex.url}/library/metadata/1?X-Plex-Token={plex.token}"
    result = await submit(hass, result, {**shown, CONF_URL: pasted})
    assert result["data"] == typed(plex, verify_ssl=False)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://plex.example", "http://plex.example:80"),
        ("http://plex.example:80", "http://plex.example:80"),
        ("http://plex.example/", "http://plex.example:80"),
    ],
)
async def test_a_server_at_port_80_is_added_and_reconfigured_without_being_moved(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    names: Names,
    entry: MockConfigEntry,
    url: str,
    shown: str,
) -> None:
    names.point("plex.example", plex.port)
    data = typed(plex, url=url)
    hass.config_entries.async_update_entry(entry, data=data)
    for verify_ssl in (True, False):
        result = await entry.start_reconfigure_flow(hass)
        assert suggested(result)[CONF_URL] == shown
        unmoved = {CONF_URL: shown, CONF_VERIFY_SSL: verify_ssl}
        result = await submit(hass, result, unmoved)
        assert result["reason"] == "reconfigure_successful"
        assert entry.data == {**data, CONF_VERIFY_SSL: verify_ssl}

    await hass.config_entries.async_remove(entry.entry_id)
    pasted = f"http://plex.example:80/web?X-Plex-Token={plex.token}"
    answer = {CONF_URL: pasted, CONF_VERIFY_SSL: True}
    result = await add(hass, answer)
    assert result["data"] == typed(plex, url="http://plex.example:80")


async def test_a_prefix_that_looks_like_a_path_of_the_servers_stays_with_its_entry(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    async with SimulatedPlex(prefix="/media", clock=ManualClock()) as plex:
        data = typed(plex)
        hass.config_entries.async_update_entry(entry, data=data)
        result = await entry.start_reconfigure_flow(hass)
        result = await submit(hass, result, {CONF_URL: plex.url, CONF_VERIFY_SSL: True})
        assert result["reason"] == "reconfigure_successful"
        assert entry.data == data
