"""A container's or a proxy's address, which plex.tv does not know, and a new token."""

from dataclasses import dataclass

from homeassistant.config_entries import SOURCE_REAUTH, ConfigFlowResult
from homeassistant.const import CONF_TOKEN, CONF_URL, CONF_VERIFY_SSL
import pytest

from tests.conftest import SignIn
from tests.flows import submit, suggested
from tests.journeys.journey import Journey
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

ADDRESS = {CONF_URL: "https://plex.container", CONF_VERIFY_SSL: False}
NEW_TOKEN = "new-token-2468"


@dataclass
class Container(Journey):
    """A server whose name only we know, and its owner's account."""

    names: Names
    tv: SimulatedPlexTv
    sign_in: SignIn

    async def sign_in_again(self) -> ConfigFlowResult:
        """Sign in as the owner, in the dialog that Home Assistant has opened."""
        (flow,) = self.entry.async_get_active_flows(self.hass, {SOURCE_REAUTH})
        flows = self.hass.config_entries.flow
        return await self.sign_in(await flows.async_configure(flow["flow_id"]))

    async def leave(self, port: int) -> None:
        """Let the address lead to another port."""
        self.names.point("plex.container", port)
        await self.plex.stop_listening()
        await self.plex.listen_again()
        # So long is remembered where a name led to.
        self.freezer.tick(11)

    def expect_done(self, result: ConfigFlowResult, **data: object) -> None:
        """See the new token in use, at the old address unless another one is given."""
        assert result["reason"] == "reauth_successful"
        assert self.entry.data == {CONF_TOKEN: NEW_TOKEN, **ADDRESS, **data}
        self.expect_healthy()


@pytest.fixture
def plex(secure: SimulatedPlex) -> SimulatedPlex:
    return secure


@pytest.fixture
async def container(
    new_home: Journey, names: Names, tv: SimulatedPlexTv, sign_in: SignIn
) -> Container:
    """Return a container whose token was revoked."""
    home = Container(**vars(new_home), names=names, tv=tv, sign_in=sign_in)
    names.point("plex.container", home.plex.port)
    home.update(**ADDRESS)
    await home.set_up()
    home.plex.token = NEW_TOKEN
    home.expect_log("does not accept the token")
    while not any(home.entry.async_get_active_flows(home.hass, {SOURCE_REAUTH})):
        await home.advance(31)
    return home


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
async def test_a_new_token_leaves_an_address_that_answers_be_it_badly_at_first(
    container: Container, fault: str, path: str, error: str
) -> None:
    plex = container.plex
    container.tv.add_server(plex)
    before = dict(container.entry.data)
    plex.fault(fault, count=None, path=path)
    result = await container.sign_in_again()
    assert result["step_id"] == "server"
    assert result["errors"] == {"base": error}
    assert container.entry.data == before

    plex.clear_faults()
    chosen = {"server": plex.machine_identifier}
    container.expect_done(await submit(container.hass, result, chosen))


async def test_an_address_that_is_dead_and_the_only_one_can_be_mended(
    container: Container,
) -> None:
    container.tv.add_server(container.plex, connections=[remote_https(), relay()])
    await container.leave(9)
    container.names.point("plex.new", container.plex.port)
    result = await container.sign_in_again()
    assert result["step_id"] == "address"
    assert result["errors"] == {"base": "refused"}
    assert suggested(result) == {**ADDRESS, CONF_TOKEN: None}

    moved = {**ADDRESS, CONF_URL: "https://plex.new"}
    result = await submit(container.hass, result, moved)
    container.expect_done(result, **moved)


async def test_a_stranger_at_the_address_gets_neither_token(
    container: Container, certificates: Certificates
) -> None:
    container.tv.add_server(container.plex)
    async with SimulatedPlex(
        name="Cellar", seed=7, tls=certificates.right(), clock=ManualClock()
    ) as stranger:
        await container.unload()
        await container.leave(stranger.port)
        result = await container.sign_in_again()
        assert [request.path for request in stranger.requests] == ["/identity"]
        assert "X-Plex-Token" not in stranger.requests[0].headers
    # It is left for one that plex.tv knows.
    url = container.plex.url_at(plex_direct_name("127.0.0.1"))
    container.expect_done(result, url=url, verify_ssl=True)
