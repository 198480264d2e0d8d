"""Who answers is asked before the token is sent: it reaches no other server."""

from collections.abc import Iterator

from homeassistant.config_entries import ConfigFlowResult
from homeassistant.const import CONF_TOKEN, CONF_URL, CONF_VERIFY_SSL, STATE_OFF
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.plex_butler.const import DOMAIN
from tests.conftest import Home, add_entry, settle
from tests.flows import (
    add,
    announce,
    begin,
    choose,
    core_entry,
    is_created,
    submit,
    suggested,
    typed,
)
from tests.simulator import ManualClock, SimulatedPlex


@pytest.fixture
def stranger(cellar: SimulatedPlex) -> Iterator[SimulatedPlex]:
    """Return another server, which knows the same token."""
    yield cellar
    # All that it was asked, whatever else a test looked at.
    assert cellar.requests
    for request in cellar.requests:
        assert request.path == "/identity"
        assert "X-Plex-Token" not in request.headers


async def expect_stranger(
    hass: HomeAssistant, result: ConfigFlowResult, plex: SimulatedPlex
) -> ConfigFlowResult:
    """Read that another server is there, and correct the address."""
    assert result["type"] is FlowResultType.FORM
    assert result["errors"] == {"base": "wrong_server"}
    placeholders = result["description_placeholders"]
    assert placeholders and placeholders["name"] in ("Attic", "Attic of the core")
    return await submit(hass, result, {CONF_URL: plex.url, CONF_VERIFY_SSL: True})


async def test_a_new_token_is_not_sent_to_who_has_got_the_servers_address(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    stranger: SimulatedPlex,
    entry: MockConfigEntry,
) -> None:
    hass.config_entries.async_update_entry(
        entry, data=typed(plex, url=stranger.url, token="old")
    )
    result = await choose(hass, await entry.start_reauth_flow(hass), "reauth_token")

    result = await submit(hass, result, {CONF_TOKEN: plex.token})
    # What was typed is not lost, and not shown.
    assert result["step_id"] == "address"
    old = {CONF_URL: stranger.url, CONF_TOKEN: None}
    assert suggested(result) == typed(plex, **old)
    result = await expect_stranger(hass, result, plex)

    assert result["reason"] == "reauth_successful"
    assert entry.data == typed(plex)


@pytest.mark.parametrize("way", ["reconfigure", "plex"])
async def test_a_mistyped_or_copied_address_of_another_server_gets_no_token(
    hass: HomeAssistant, plex: SimulatedPlex, stranger: SimulatedPlex, way: str
) -> None:
    if way == "plex":
        theirs = core_entry(plex, url=stranger.url)
        theirs.add_to_hass(hass)
        result = await begin(hass, "plex")
        result = await submit(hass, result, {"server": theirs.entry_id})
    else:
        entry = add_entry(hass, plex)
        await hass.config_entries.async_setup(entry.entry_id)
        result = await entry.start_reconfigure_flow(hass)
        answer = {CONF_URL: stranger.url, CONF_VERIFY_SSL: True}
        result = await submit(hass, result, answer)
        assert entry.data == typed(plex)
    assert suggested(result)[CONF_URL] == stranger.url
    result = await expect_stranger(hass, result, plex)

    if way == "reconfigure":
        assert result["reason"] == "reconfigure_successful"
    await settle(hass)
    (added,) = hass.config_entries.async_entries(DOMAIN)
    assert added.data == typed(plex)


async def test_a_discovered_server_that_has_left_its_address_gets_no_token(
    hass: HomeAssistant, plex: SimulatedPlex, stranger: SimulatedPlex
) -> None:
    port = plex.port
    result = await announce(hass, port)
    await plex.stop_listening()
    async with SimulatedPlex(
        name="Cellar", seed=7, port=port, clock=ManualClock()
    ) as newcomer:
        result = await submit(hass, result, {CONF_TOKEN: plex.token})

        assert result["errors"] == {"base": "wrong_server"}
        assert suggested(result)[CONF_URL] == newcomer.url
        assert all("X-Plex-Token" not in it.headers for it in newcomer.requests)
        # Nor does the stranger who is asked for next.
        result = await submit(
            hass, result, {CONF_URL: stranger.url, CONF_VERIFY_SSL: True}
        )
        assert result["errors"] == {"base": "wrong_server"}
    await plex.listen_again()

    result = await submit(hass, result, {CONF_URL: plex.url, CONF_VERIFY_SSL: True})

    assert result["data"] == typed(plex)


async def test_a_request_that_breaks_is_not_repeated_to_who_has_got_the_address(
    new_home: Home, expected_logs: list[str]
) -> None:
    expected_logs.append("Another Plex server")
    home, plex = new_home, new_home.plex
    await home.set_up()
    await home.advance(31)
    plex.hangs = True
    plex.fault("drop-sockets")
    plex.requests.clear()
    await home.advance_steps(4, 1)
    waiting = {it.path for it in plex.requests if it.status is None}
    assert waiting >= {"/activities", "/:/websockets/notifications"}

    # aiohttp makes what breaks once more.
    await plex.stop_listening()
    async with SimulatedPlex(
        name="Cellar", seed=7, port=plex.port, clock=ManualClock()
    ) as newcomer:
        await settle(home.hass)
        await home.advance(31)
        assert {it.path for it in newcomer.requests} == {"/identity"}
        assert all("X-Plex-Token" not in it.headers for it in newcomer.requests)
    plex.hangs = False
    await plex.listen_again()
    await home.advance(61)
    assert home.state() == STATE_OFF


async def test_what_is_no_plex_server_gets_no_token(
    hass: HomeAssistant, plex: SimulatedPlex
) -> None:
    plex.fault("wrong-shape", path="/identity")
    result = await add(hass, typed(plex))
    assert result["errors"] == {"base": "invalid_response"}
    assert all("X-Plex-Token" not in it.headers for it in plex.requests)

    result = await submit(hass, result, typed(plex))
    assert is_created(result)
