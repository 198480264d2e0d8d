"""What people paste into the dialogs is understood in every field that takes it."""

from collections.abc import AsyncIterator

from homeassistant.const import CONF_TOKEN, CONF_URL, CONF_VERIFY_SSL
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from tests.flows import begin, choose, submit, suggested, typed
from tests.simulator import ManualClock, Names, SimulatedPlex

PASTED = [
    '"{token}"',
    "X-Plex-Token={token}",
    " X-Plex-Token: {token}\n",
    "https://box:32400/library/metadata/1?checkFiles=1&X-Plex-Token={token}",
]


@pytest.mark.parametrize("pasted", PASTED)
async def test_a_token_is_understood_where_a_server_is_added(
    hass: HomeAssistant, plex: SimulatedPlex, pasted: str
) -> None:
    token = pasted.format(token=plex.token)

    result = await submit(hass, await begin(hass), typed(plex, **{CONF_TOKEN: token}))

    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["data"] == typed(plex)


@pytest.mark.parametrize("pasted", PASTED)
@pytest.mark.parametrize("way", ["reauth", "reconfigure"])
async def test_a_token_is_understood_where_one_is_replaced(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    entry: MockConfigEntry,
    way: str,
    pasted: str,
) -> None:
    hass.config_entries.async_update_entry(
        entry, data=typed(plex, **{CONF_TOKEN: "old"})
    )
    answer = {CONF_TOKEN: pasted.format(token=plex.token)}
    if way == "reauth":
        result = await choose(hass, await entry.start_reauth_flow(hass), "reauth_token")
    else:
        result = await entry.start_reconfigure_flow(hass)
        answer = suggested(result) | answer

    result = await submit(hass, result, answer)

    assert result["reason"] == f"{way}_successful"
    assert entry.data == typed(plex)


@pytest.mark.parametrize(
    ("pasted", "error"),
    [
        ("claim-abcDEF123", {CONF_TOKEN: "claim_code"}),
        ("https://app.plex.tv/desktop/#!/media", {CONF_TOKEN: "plex_site"}),
        ("", {CONF_TOKEN: "token_missing"}),
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
    result = await choose(hass, await entry.start_reauth_flow(hass), "reauth_token")
    result = await submit(hass, result, {CONF_TOKEN: pasted})
    assert result["errors"] == error

    result = await submit(hass, result, {CONF_TOKEN: plex.token})
    assert result["reason"] == "reauth_successful"


async def test_a_token_in_a_pasted_address_is_newer_than_the_hidden_one(
    hass: HomeAssistant, plex: SimulatedPlex
) -> None:
    first = {CONF_URL: f"{plex.url}/?X-Plex-Token=old", CONF_VERIFY_SSL: True}
    result = await submit(hass, await begin(hass), first)
    assert result["errors"] == {"base": "invalid_auth"}
    assert suggested(result)[CONF_TOKEN] == "old"

    pasted = f"{plex.url}/library/metadata/1?X-Plex-Token={plex.token}"
    result = await submit(hass, result, {**suggested(result), CONF_URL: pasted})

    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["data"] == typed(plex)


@pytest.fixture
async def named(socket_enabled: None, names: Names) -> AsyncIterator[SimulatedPlex]:
    """Return a server at the ports of HTTP itself, behind a proxy's name."""
    async with SimulatedPlex(clock=ManualClock()) as plex:
        names.point("plex.example", plex.port)
        yield plex


async def test_the_port_of_a_pasted_address_is_kept(
    hass: HomeAssistant, named: SimulatedPlex
) -> None:
    pasted = f"http://plex.example:80/web?X-Plex-Token={named.token}"
    result = await submit(
        hass, await begin(hass), {CONF_URL: pasted, CONF_VERIFY_SSL: True}
    )
    assert result["data"] == typed(named, **{CONF_URL: "http://plex.example:80"})


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://plex.example", "http://plex.example:80"),
        ("http://plex.example:80", "http://plex.example:80"),
        ("http://plex.example/", "http://plex.example:80"),
    ],
)
async def test_a_server_at_port_80_is_reconfigured_without_being_moved(
    hass: HomeAssistant,
    named: SimulatedPlex,
    entry: MockConfigEntry,
    url: str,
    shown: str,
) -> None:
    data = typed(named, **{CONF_URL: url})
    hass.config_entries.async_update_entry(entry, data=data)
    result = await entry.start_reconfigure_flow(hass)
    assert suggested(result)[CONF_URL] == shown

    unchanged = {CONF_URL: shown, CONF_VERIFY_SSL: True}
    result = await submit(hass, result, unchanged)
    assert result["reason"] == "reconfigure_successful"
    assert entry.data == data

    result = await submit(
        hass,
        await entry.start_reconfigure_flow(hass),
        {CONF_URL: shown, CONF_VERIFY_SSL: False},
    )
    assert result["reason"] == "reconfigure_successful"
    assert entry.data == {**data, CONF_VERIFY_SSL: False}


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
