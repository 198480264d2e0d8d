"""A container's or a proxy's address, which plex.tv does not know, and a new token."""

from collections.abc import AsyncIterator

from freezegun.api import FrozenDateTimeFactory
from homeassistant.config_entries import (
    SOURCE_REAUTH,
    ConfigEntryState,
    ConfigFlowResult,
)
from homeassistant.const import CONF_TOKEN, CONF_URL, CONF_VERIFY_SSL, STATE_OFF
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.plex_butler.const import DOMAIN
from tests.conftest import settle
from tests.flows import choose, submit, suggested
from tests.simulator import (
    ManualClock,
    Names,
    SimulatedPlex,
    SimulatedPlexTv,
    plex_direct_name,
    relay,
    remote_https,
)
from tests.tls import Certificates

BACKUP = "switch.attic_butler_back_up_database"
NEW_TOKEN = "new-token-2468"


@pytest.fixture
async def tv(
    socket_enabled: None, names: Names, certificates: Certificates
) -> AsyncIterator[SimulatedPlexTv]:
    """Return plex.tv."""
    async with SimulatedPlexTv(tls=certificates.named("plex.tv")) as tv:
        names.point("plex.tv", tv.port)
        yield tv


@pytest.fixture
async def server(
    socket_enabled: None, names: Names, certificates: Certificates
) -> AsyncIterator[SimulatedPlex]:
    """Return a server in a container, with a certificate that only Plex's name fits."""
    async with SimulatedPlex(
        tls=certificates.plex_direct(), clock=ManualClock()
    ) as server:
        names.point("plex.container", server.port)
        yield server


@pytest.fixture
async def container(
    hass: HomeAssistant,
    freezer: FrozenDateTimeFactory,
    server: SimulatedPlex,
    expected_logs: list[str],
) -> MockConfigEntry:
    """Return an entry whose token was revoked, so that a new one is asked for."""
    entry = MockConfigEntry(
        domain=DOMAIN,
        title=server.name,
        unique_id=server.machine_identifier,
        data={
            CONF_URL: "https://plex.container",
            CONF_TOKEN: server.token,
            CONF_VERIFY_SSL: False,
        },
    )
    entry.add_to_hass(hass)
    await hass.config_entries.async_setup(entry.entry_id)
    await settle(hass)
    assert entry.state is ConfigEntryState.LOADED
    server.token = NEW_TOKEN
    expected_logs.append("does not accept the token")
    while not any(entry.async_get_active_flows(hass, {SOURCE_REAUTH})):
        freezer.tick(31)
        await server.advance(31)
        await settle(hass)
    return entry


async def sign_in(
    hass: HomeAssistant,
    tv: SimulatedPlexTv,
    freezer: FrozenDateTimeFactory,
    entry: MockConfigEntry,
) -> ConfigFlowResult:
    """Sign in as the owner, in the dialog that Home Assistant has opened."""
    (flow,) = entry.async_get_active_flows(hass, {SOURCE_REAUTH})
    result = await hass.config_entries.flow.async_configure(flow["flow_id"])
    result = await choose(hass, result, "sign_in")
    tv.link()
    await settle(hass)
    freezer.tick(3)
    await settle(hass)
    return await hass.config_entries.flow.async_configure(result["flow_id"])


async def leave(
    server: SimulatedPlex, names: Names, freezer: FrozenDateTimeFactory, port: int = 9
) -> None:
    """Let the container's address lead to another port; by default, a closed one."""
    names.point("plex.container", port)
    await server.stop_listening()
    await server.listen_again()
    # So long is remembered where a name led to.
    freezer.tick(11)


def expect_healthy(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    assert entry.state is ConfigEntryState.LOADED
    state = hass.states.get(BACKUP)
    assert state and state.state == STATE_OFF
    assert not hass.config_entries.flow.async_progress()


async def test_a_new_token_leaves_an_address_that_plex_does_not_know(
    hass: HomeAssistant,
    tv: SimulatedPlexTv,
    server: SimulatedPlex,
    container: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
) -> None:
    tv.add_server(server, connections=[remote_https(), relay()])
    before = dict(container.data)

    result = await sign_in(hass, tv, freezer, container)
    await settle(hass)

    assert result["reason"] == "reauth_successful"
    assert container.data == {**before, CONF_TOKEN: NEW_TOKEN}
    expect_healthy(hass, container)


async def test_a_new_token_leaves_an_address_to_which_plex_knows_a_better_one(
    hass: HomeAssistant,
    tv: SimulatedPlexTv,
    server: SimulatedPlex,
    container: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
) -> None:
    tv.add_server(server)
    before = dict(container.data)
    hass.config_entries.async_update_entry(container, data=before)

    result = await sign_in(hass, tv, freezer, container)
    await settle(hass)

    assert result["reason"] == "reauth_successful"
    assert container.data == {**before, CONF_TOKEN: NEW_TOKEN}
    expect_healthy(hass, container)


@pytest.mark.parametrize(
    ("fault", "path", "error"),
    [
        ("503", "/identity", "maintenance"),
        ("502", "/identity", "invalid_response"),
        ("403", "/identity", "forbidden"),
        ("403", "/butler", "not_owner"),
        ("refuse", "/butler", "hung_up"),
    ],
)
async def test_an_address_that_answers_is_not_left_for_a_bad_answer(
    hass: HomeAssistant,
    tv: SimulatedPlexTv,
    server: SimulatedPlex,
    container: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
    fault: str,
    path: str,
    error: str,
) -> None:
    tv.add_server(server)
    before = dict(container.data)
    server.fault(fault, count=None, path=path)

    result = await sign_in(hass, tv, freezer, container)
    assert result["step_id"] == "server"
    assert result["errors"] == {"base": error}
    assert container.data == before
    server.clear_faults()
    result = await submit(hass, result, {"server": server.machine_identifier})
    await settle(hass)

    assert result["reason"] == "reauth_successful"
    assert container.data == {**before, CONF_TOKEN: NEW_TOKEN}
    expect_healthy(hass, container)


async def test_an_address_that_is_dead_is_left_for_one_that_plex_knows(
    hass: HomeAssistant,
    tv: SimulatedPlexTv,
    server: SimulatedPlex,
    container: MockConfigEntry,
    names: Names,
    freezer: FrozenDateTimeFactory,
) -> None:
    direct = server.url_at(plex_direct_name("127.0.0.1"))
    tv.add_server(server)
    await leave(server, names, freezer)

    result = await sign_in(hass, tv, freezer, container)
    await settle(hass)

    assert result["reason"] == "reauth_successful"
    assert container.data == {
        CONF_URL: direct,
        CONF_TOKEN: NEW_TOKEN,
        CONF_VERIFY_SSL: True,
    }
    expect_healthy(hass, container)


async def test_an_address_that_is_dead_and_the_only_one_can_be_mended(
    hass: HomeAssistant,
    tv: SimulatedPlexTv,
    server: SimulatedPlex,
    container: MockConfigEntry,
    names: Names,
    freezer: FrozenDateTimeFactory,
) -> None:
    tv.add_server(server, connections=[remote_https(), relay()])
    await leave(server, names, freezer)
    names.point("plex.new", server.port)

    result = await sign_in(hass, tv, freezer, container)
    assert result["type"] is FlowResultType.FORM
    assert result["step_id"] == "address"
    assert result["errors"] == {"base": "refused"}
    assert suggested(result) == {
        CONF_URL: "https://plex.container",
        CONF_TOKEN: None,
        CONF_VERIFY_SSL: False,
    }
    moved = {CONF_URL: "https://plex.new", CONF_VERIFY_SSL: False}
    result = await submit(hass, result, moved)
    await settle(hass)

    assert result["reason"] == "reauth_successful"
    assert container.data == {**moved, CONF_TOKEN: NEW_TOKEN}
    expect_healthy(hass, container)


async def test_a_stranger_at_the_address_gets_neither_token(
    hass: HomeAssistant,
    tv: SimulatedPlexTv,
    server: SimulatedPlex,
    container: MockConfigEntry,
    names: Names,
    freezer: FrozenDateTimeFactory,
    certificates: Certificates,
) -> None:
    tv.add_server(server)
    async with SimulatedPlex(
        name="Cellar", seed=7, tls=certificates.right(), clock=ManualClock()
    ) as stranger:
        await hass.config_entries.async_unload(container.entry_id)
        await leave(server, names, freezer, stranger.port)

        result = await sign_in(hass, tv, freezer, container)
        await settle(hass)

        assert result["reason"] == "reauth_successful"
        assert [request.path for request in stranger.requests] == ["/identity"]
        assert "X-Plex-Token" not in stranger.requests[0].headers
    assert container.data[CONF_URL] == server.url_at(plex_direct_name("127.0.0.1"))
    expect_healthy(hass, container)
