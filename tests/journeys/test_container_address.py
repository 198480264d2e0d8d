"""A container's or a proxy's address, which plex.tv does not know, and a new token."""

from collections.abc import AsyncIterator, Awaitable, Callable

from freezegun.api import FrozenDateTimeFactory
from homeassistant.config_entries import (
    SOURCE_REAUTH,
    ConfigEntryState,
    ConfigFlowResult,
)
from homeassistant.const import CONF_TOKEN, CONF_URL, CONF_VERIFY_SSL, STATE_OFF
from homeassistant.core import HomeAssistant
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from tests.conftest import SignIn, add_entry, settle
from tests.flows import submit, suggested
from tests.journeys.whereabouts import state
from tests.simulator import (
    Connection,
    ManualClock,
    Names,
    SimulatedPlex,
    SimulatedPlexTv,
    plex_direct_name,
    relay,
    remote_https,
)
from tests.tls import Certificates

ADDRESS = {CONF_URL: "https://plex.container", CONF_VERIFY_SSL: False}
NEW_TOKEN = "new-token-2468"

type SignInAgain = Callable[[], Awaitable[ConfigFlowResult]]


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
    entry = add_entry(hass, server)
    hass.config_entries.async_update_entry(entry, data={**entry.data, **ADDRESS})
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


@pytest.fixture
def sign_in_again(
    hass: HomeAssistant, container: MockConfigEntry, sign_in: SignIn
) -> SignInAgain:
    """Return what signs in as the owner, in the dialog that Home Assistant has opened."""

    async def sign_in_again() -> ConfigFlowResult:
        (flow,) = container.async_get_active_flows(hass, {SOURCE_REAUTH})
        dialog = await hass.config_entries.flow.async_configure(flow["flow_id"])
        return await sign_in(dialog)

    return sign_in_again


async def leave(
    server: SimulatedPlex, names: Names, freezer: FrozenDateTimeFactory, port: int = 9
) -> None:
    """Let the container's address lead to another port; by default, a closed one."""
    names.point("plex.container", port)
    await server.stop_listening()
    await server.listen_again()
    # So long is remembered where a name led to.
    freezer.tick(11)


def expect_healthy(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    result: ConfigFlowResult,
    **data: object,
) -> None:
    assert result["reason"] == "reauth_successful"
    assert entry.data == {CONF_TOKEN: NEW_TOKEN, **ADDRESS, **data}
    assert entry.state is ConfigEntryState.LOADED
    assert state(hass) == STATE_OFF
    assert not hass.config_entries.flow.async_progress()


@pytest.mark.parametrize("connections", [None, [remote_https(), relay()]])
async def test_a_new_token_leaves_the_address_whether_plex_knows_another_or_not(
    hass: HomeAssistant,
    tv: SimulatedPlexTv,
    server: SimulatedPlex,
    container: MockConfigEntry,
    sign_in_again: SignInAgain,
    connections: list[Connection] | None,
) -> None:
    tv.add_server(server, connections=connections)
    expect_healthy(hass, container, await sign_in_again())


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
    sign_in_again: SignInAgain,
    fault: str,
    path: str,
    error: str,
) -> None:
    tv.add_server(server)
    before = dict(container.data)
    server.fault(fault, count=None, path=path)
    result = await sign_in_again()
    assert result["step_id"] == "server"
    assert result["errors"] == {"base": error}
    assert container.data == before

    server.clear_faults()
    result = await submit(hass, result, {"server": server.machine_identifier})
    await settle(hass)
    expect_healthy(hass, container, result)


async def test_an_address_that_is_dead_is_left_for_one_that_plex_knows(
    hass: HomeAssistant,
    tv: SimulatedPlexTv,
    server: SimulatedPlex,
    container: MockConfigEntry,
    names: Names,
    freezer: FrozenDateTimeFactory,
    sign_in_again: SignInAgain,
) -> None:
    tv.add_server(server)
    await leave(server, names, freezer)
    result = await sign_in_again()
    direct = server.url_at(plex_direct_name("127.0.0.1"))
    expect_healthy(hass, container, result, url=direct, verify_ssl=True)


async def test_an_address_that_is_dead_and_the_only_one_can_be_mended(
    hass: HomeAssistant,
    tv: SimulatedPlexTv,
    server: SimulatedPlex,
    container: MockConfigEntry,
    names: Names,
    freezer: FrozenDateTimeFactory,
    sign_in_again: SignInAgain,
) -> None:
    tv.add_server(server, connections=[remote_https(), relay()])
    await leave(server, names, freezer)
    names.point("plex.new", server.port)
    result = await sign_in_again()
    assert result["step_id"] == "address"
    assert result["errors"] == {"base": "refused"}
    assert suggested(result) == {**ADDRESS, CONF_TOKEN: None}

    moved = {**ADDRESS, CONF_URL: "https://plex.new"}
    result = await submit(hass, result, moved)
    await settle(hass)
    expect_healthy(hass, container, result, **moved)


async def test_a_stranger_at_the_address_gets_neither_token(
    hass: HomeAssistant,
    tv: SimulatedPlexTv,
    server: SimulatedPlex,
    container: MockConfigEntry,
    names: Names,
    freezer: FrozenDateTimeFactory,
    certificates: Certificates,
    sign_in_again: SignInAgain,
) -> None:
    tv.add_server(server)
    async with SimulatedPlex(
        name="Cellar", seed=7, tls=certificates.right(), clock=ManualClock()
    ) as stranger:
        await hass.config_entries.async_unload(container.entry_id)
        await leave(server, names, freezer, stranger.port)
        result = await sign_in_again()
        assert [request.path for request in stranger.requests] == ["/identity"]
        assert "X-Plex-Token" not in stranger.requests[0].headers
    direct = server.url_at(plex_direct_name("127.0.0.1"))
    expect_healthy(hass, container, result, url=direct, verify_ssl=True)
