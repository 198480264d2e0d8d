"""What the network and proxies do to the client, each as the error that it means."""

import asyncio
from collections.abc import AsyncIterator
import errno
import socket
from typing import override

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from hypothesis import example, given, strategies as st
import pytest
from pytest_socket import socket_allow_hosts

from custom_components.plex_butler import api
from tests.simulator import ManualClock, PlainHttp, SimulatedPlex
from tests.tls import Certificates

from .conftest import MakeClient

CLOSED = 9
# The loopback's broadcast address and a group of hosts: no connection leads there.
NO_WAY_4, NO_WAY_6 = "127.255.255.255", "ff02::1"


class Addresses(AbstractResolver):
    """Leads every name to the same addresses."""

    def __init__(self, *addresses: str) -> None:
        self._addresses = addresses

    @override
    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
            for address in self._addresses
        ]

    @override
    async def close(self) -> None:
        """There is nothing to close."""


@pytest.mark.parametrize(
    ("addresses", "error"),
    [
        (["127.0.0.1", "::1"], api.PlexRefusedError),
        (["127.0.0.1", NO_WAY_6], api.PlexRefusedError),
        ([NO_WAY_4, NO_WAY_6], api.PlexConnectionError),
        ([NO_WAY_4], api.PlexConnectionError),
    ],
)
async def test_several_addresses_fail_as_those_that_a_way_leads_to(
    socket_enabled: None, addresses: list[str], error: type[api.PlexError]
) -> None:
    socket_allow_hosts(["127.0.0.1", "::1", NO_WAY_4, NO_WAY_6])
    connector = aiohttp.TCPConnector(resolver=Addresses(*addresses))
    async with aiohttp.ClientSession(connector=connector) as session:
        client = api.PlexClient(
            session, f"http://dual.example:{CLOSED}", client_identifier="test"
        )

        with pytest.raises(api.PlexError) as raised:
            await client.get_identity()

    assert type(raised.value) is error


def both(*numbers: int) -> OSError:
    """Return the error that aiohappyeyeballs makes of several."""
    errors = ", ".join(f"[Errno {number}] it failed" for number in numbers)
    return OSError(f"Multiple exceptions: {errors}")


@pytest.mark.parametrize(
    ("error", "ours"),
    [
        # As the system says it while it connects, and as several addresses do.
        (TimeoutError(errno.ETIMEDOUT, "Timed out"), api.PlexTimeoutError),
        (ConnectionResetError(errno.ECONNRESET, "Reset by peer"), api.PlexHungUpError),
        (both(errno.ETIMEDOUT, errno.ENETUNREACH), api.PlexTimeoutError),
        (both(errno.ECONNREFUSED, errno.ETIMEDOUT), api.PlexConnectionError),
        (OSError("no number at all"), api.PlexConnectionError),
    ],
)
async def test_a_connection_that_cannot_be_made_has_the_error_of_its_reason(
    monkeypatch: pytest.MonkeyPatch,
    session: aiohttp.ClientSession,
    socket_enabled: None,
    error: OSError,
    ours: type[api.PlexError],
) -> None:
    async def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(asyncio.get_running_loop(), "sock_connect", fail)
    client = api.PlexClient(session, "http://127.0.0.1:1", client_identifier="test")

    with pytest.raises(api.PlexError) as raised:
        await client.get_identity()

    assert type(raised.value) is ours


@pytest.fixture
async def secure(
    socket_enabled: None, certificates: Certificates
) -> AsyncIterator[SimulatedPlex]:
    """Return a server that wants to be secure."""
    async with SimulatedPlex(tls=certificates.right(), clock=ManualClock()) as plex:
        yield plex


@pytest.mark.parametrize(
    ("way", "error"),
    [
        (PlainHttp.CLOSED, api.PlexHungUpError),
        (PlainHttp.RESET, api.PlexHungUpError),
        (PlainHttp.ALERT, api.PlexResponseError),
        (PlainHttp.BAD_REQUEST, api.PlexResponseError),
        (PlainHttp.REDIRECT, api.PlexResponseError),
    ],
)
async def test_plain_http_that_is_not_wanted_is_told_from_a_broken_connection(
    session: aiohttp.ClientSession,
    secure: SimulatedPlex,
    way: PlainHttp,
    error: type[api.PlexError],
) -> None:
    secure.plain_http = way
    url = secure.url_at("127.0.0.1", scheme="http")
    client = api.PlexClient(session, url, secure.token, client_identifier="test")

    with pytest.raises(api.PlexError) as raised:
        await client.get_identity()

    assert type(raised.value) is error
    if way is PlainHttp.REDIRECT:
        assert isinstance(raised.value, api.PlexResponseError)
        assert raised.value.location == f"{secure.url}/identity"
    assert secure.turned_away
    assert not any(secure.token in asked for asked in secure.turned_away)


@pytest.mark.parametrize(
    ("path", "error"),
    [
        ("/identity", api.PlexForbiddenError),
        ("/", api.PlexForbiddenError),
        ("/activities", api.PlexForbiddenError),
        ("/butler", api.PlexNotOwnerError),
        ("/:/prefs", api.PlexNotOwnerError),
    ],
)
async def test_a_403_speaks_of_the_owner_only_where_others_are_not_let_in(
    client: api.PlexClient, plex: SimulatedPlex, path: str, error: type[api.PlexError]
) -> None:
    ask = {
        "/identity": client.get_identity,
        "/": client.get_server,
        "/activities": client.get_activities,
        "/butler": client.get_butler_tasks,
        "/:/prefs": client.get_preferences,
    }[path]
    plex.fault("403", path=path)

    with pytest.raises(api.PlexError) as raised:
        await ask()

    assert type(raised.value) is error
    assert await ask()


@pytest.mark.parametrize(
    "url", ["http://[::1", "http://box:99999", "http://bo\\x", "http://\ud800"]
)
async def test_what_is_no_url_is_refused_at_once(
    make_client: MakeClient, url: str
) -> None:
    with pytest.raises(api.PlexAddressError):
        make_client(url=url)


@pytest.mark.parametrize(
    "token", ["a\nb", "a\r\nX-Other: b", "a\0b", "a\x7fb", "\ud800", "naïve", "a b"]
)
async def test_what_is_no_token_is_not_sent(
    make_client: MakeClient, plex: SimulatedPlex, token: str
) -> None:
    client = make_client(token=token)
    assert await client.get_identity()
    plex.requests.clear()

    with pytest.raises(api.PlexAuthenticationError):
        await client.get_server()
    with pytest.raises(api.PlexAuthenticationError):
        async with client.notifications():
            pass

    assert plex.requests == []


SHAPES = st.one_of(
    st.text(),
    st.text().map("http://{}".format),
    st.text().map("https://{}:9".format),
    st.from_regex(
        r"https?://[a-z0-9.-]{1,80}(:[0-9]{0,6})?(/[^/?#]*)*", fullmatch=True
    ),
)


def refuse(_: object) -> socket.socket:
    raise ConnectionRefusedError(errno.ECONNREFUSED, "Refused")


@given(url=SHAPES, token=st.text())
@example(url="http://a..b:9", token="token")
@example(url=f"http://{'a' * 70}.example:9", token="token")
@example(url="http://127.1:9", token="token")
@example(url="http:///identity", token="token")
@example(url="mailto:somebody", token="token")
def test_any_texts_end_in_our_own_errors(url: str, token: str) -> None:
    async def ask() -> None:
        # Nothing leaves this machine.
        connector = aiohttp.TCPConnector(
            resolver=Addresses("127.0.0.1"), socket_factory=refuse
        )
        async with aiohttp.ClientSession(connector=connector) as session:
            with pytest.raises(api.PlexError):
                await api.PlexClient(
                    session, url, token, client_identifier="test"
                ).get_server()
            with pytest.raises(api.PlexError):
                await api.PlexTvClient(
                    session, client_identifier="test", device=token
                ).get_owned_servers(token)

    asyncio.run(ask())


async def test_a_name_that_no_url_holds_is_unknown_to_the_server(
    client: api.PlexClient,
) -> None:
    with pytest.raises(api.PlexResponseError) as raised:
        await client.start_task("\ud800")
    assert raised.value.status == 404
    assert await client.stop_task("\ud800") is api.StopResult.NOT_RUNNING

    with pytest.raises(api.PlexPreferenceError):
        await client.set_preferences({"\ud800": "\udfff"})
