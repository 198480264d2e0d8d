"""A container's or a proxy's address, which plex.tv does not know, and a new token."""

from homeassistant.config_entries import SOURCE_REAUTH, ConfigFlowResult
from homeassistant.const import CONF_TOKEN, CONF_URL, CONF_VERIFY_SSL
import pytest

from tests.conftest import SignIn, settle
from tests.flows import submit, suggested
from tests.journeys.journey import Journey
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


@pytest.fixture
async def container(secure_home: Journey, names: Names) -> Journey:
    """Return a server whose name only we know, and whose token was revoked."""
    home = secure_home
    names.point("plex.container", home.plex.port)
    home.update(**ADDRESS)
    await home.set_up()
    assert home.is_loaded()
    home.plex.token = NEW_TOKEN
    home.expected_logs.append("does not accept the token")
    while not any(home.entry.async_get_active_flows(home.hass, {SOURCE_REAUTH})):
        await home.advance(31)
    return home


async def sign_in_again(container: Journey, sign_in: SignIn) -> ConfigFlowResult:
    """Sign in as the owner, in the dialog that Home Assistant has opened."""
    flows = container.hass.config_entries.flow
    (flow,) = container.entry.async_get_active_flows(container.hass, {SOURCE_REAUTH})
    return await sign_in(await flows.async_configure(flow["flow_id"]))


async def leave(container: Journey, names: Names, port: int = 9) -> None:
    """Let the container's address lead to another port; by default, a closed one."""
    names.point("plex.container", port)
    await container.plex.stop_listening()
    await container.plex.listen_again()
    # So long is remembered where a name led to.
    container.freezer.tick(11)


def expect_healthy(
    container: Journey, result: ConfigFlowResult, **data: object
) -> None:
    assert result["reason"] == "reauth_successful"
    assert container.entry.data == {CONF_TOKEN: NEW_TOKEN, **ADDRESS, **data}
    container.expect_healthy()


def expect_healthy_at_its_name(container: Journey, result: ConfigFlowResult) -> None:
    url = container.plex.url_at(plex_direct_name("127.0.0.1"))
    expect_healthy(container, result, url=url, verify_ssl=True)


@pytest.mark.parametrize("connections", [None, [remote_https(), relay()]])
async def test_a_new_token_leaves_the_address_whether_plex_knows_another_or_not(
    tv: SimulatedPlexTv,
    container: Journey,
    sign_in: SignIn,
    connections: list[Connection] | None,
) -> None:
    tv.add_server(container.plex, connections=connections)
    expect_healthy(container, await sign_in_again(container, sign_in))


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
    tv: SimulatedPlexTv,
    container: Journey,
    sign_in: SignIn,
    fault: str,
    path: str,
    error: str,
) -> None:
    plex = container.plex
    tv.add_server(plex)
    before = dict(container.entry.data)
    plex.fault(fault, count=None, path=path)
    result = await sign_in_again(container, sign_in)
    assert result["step_id"] == "server"
    assert result["errors"] == {"base": error}
    assert container.entry.data == before

    plex.clear_faults()
    chosen = {"server": plex.machine_identifier}
    result = await submit(container.hass, result, chosen)
    await settle(container.hass)
    expect_healthy(container, result)


async def test_an_address_that_is_dead_is_left_for_one_that_plex_knows(
    tv: SimulatedPlexTv, container: Journey, names: Names, sign_in: SignIn
) -> None:
    tv.add_server(container.plex)
    await leave(container, names)
    result = await sign_in_again(container, sign_in)
    expect_healthy_at_its_name(container, result)


async def test_an_address_that_is_dead_and_the_only_one_can_be_mended(
    tv: SimulatedPlexTv, container: Journey, names: Names, sign_in: SignIn
) -> None:
    tv.add_server(container.plex, connections=[remote_https(), relay()])
    await leave(container, names)
    names.point("plex.new", container.plex.port)
    result = await sign_in_again(container, sign_in)
    assert result["step_id"] == "address"
    assert result["errors"] == {"base": "refused"}
    assert suggested(result) == {**ADDRESS, CONF_TOKEN: None}

    moved = {**ADDRESS, CONF_URL: "https://plex.new"}
    result = await submit(container.hass, result, moved)
    await settle(container.hass)
    expect_healthy(container, result, **moved)


async def test_a_stranger_at_the_address_gets_neither_token(
    tv: SimulatedPlexTv,
    container: Journey,
    names: Names,
    certificates: Certificates,
    sign_in: SignIn,
) -> None:
    tv.add_server(container.plex)
    async with SimulatedPlex(
        name="Cellar", seed=7, tls=certificates.right(), clock=ManualClock()
    ) as stranger:
        await container.unload()
        await leave(container, names, stranger.port)
        result = await sign_in_again(container, sign_in)
        assert [request.path for request in stranger.requests] == ["/identity"]
        assert "X-Plex-Token" not in stranger.requests[0].headers
    expect_healthy_at_its_name(container, result)
