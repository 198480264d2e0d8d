"""What the network and proxies do to the client, each as the error that it means."""

import asyncio
from collections.abc import Awaitable, Callable
import errno
import socket
from time import process_time
import tracemalloc
from unittest.mock import AsyncMock, Mock

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from hypothesis import example, given, strategies as st
import pytest
from pytest_socket import socket_allow_hosts

from custom_components.plex_butler import api
from custom_components.plex_butler.api import transport
from tests.simulator import SimulatedPlex

from .conftest import STREAM, listen

CLOSED = 9
# The loopback's broadcast address and a group of hosts: no connection leads there.
NO_WAY_4, NO_WAY_6 = "127.255.255.255", "ff02::1"

type Way = Callable[[api.PlexClient, SimulatedPlex], Awaitable[None]]


async def read(client: api.PlexClient, _: SimulatedPlex) -> None:
    assert await client.get_butler_tasks()


async def look(client: api.PlexClient, _: SimulatedPlex) -> None:
    assert await client.get_activities()


async def write(client: api.PlexClient, _: SimulatedPlex) -> None:
    found = await client.set_preferences({"ButlerStartHour": 1})
    assert {it.id: it.value for it in found}["ButlerStartHour"] == 1


async def fail(way: Awaitable[object]) -> api.PlexError:
    with pytest.raises(api.PlexError) as raised:
        await way
    return raised.value


PATHS: dict[Way, str] = {
    look: "/activities",
    read: "/butler",
    write: "/:/prefs",
    listen: STREAM,
}
# What means the same in every way
FAULTS: dict[str, type[api.PlexError]] = {
    "refuse": api.PlexHungUpError,
    "401": api.PlexAuthenticationError,
    "404": api.PlexResponseError,
    "500": api.PlexResponseError,
    "502": api.PlexResponseError,
    "503": api.PlexMaintenanceError,
    "garbage": api.PlexResponseError,
}


@pytest.mark.parametrize(
    ("way", "fault", "error"),
    [
        *((way, *fault) for way in PATHS for fault in FAULTS.items()),
        (look, "403", api.PlexForbiddenError),
        (read, "403", api.PlexNotOwnerError),
        (write, "403", api.PlexNotOwnerError),
        (read, "cut", api.PlexConnectionError),
        (read, "wrong-shape", api.PlexResponseError),
        (read, "huge", api.PlexResponseError),
        (read, "redirect", api.PlexResponseError),
        (listen, "403", api.PlexForbiddenError),
        (listen, "cut", api.PlexResponseError),
        (listen, "ignore", api.PlexResponseError),
        (listen, "redirect", api.PlexResponseError),
    ],
)
async def test_every_fault_has_its_error_and_then_it_works_again(
    client: api.PlexClient,
    plex: SimulatedPlex,
    way: Way,
    fault: str,
    error: type[api.PlexError],
) -> None:
    # A GET on a kept connection that breaks is tried once more by aiohttp itself.
    plex.fault(fault, count=2, path=PATHS[way])
    raised = await fail(way(client, plex))
    plex.clear_faults()

    assert type(raised) is error
    assert plex.token not in str(raised)
    await way(client, plex)


async def test_a_small_answer_that_decodes_to_much_costs_little(
    client: api.PlexClient, plex: SimulatedPlex
) -> None:
    plex.fault("gzip-bomb", count=None, path="/butler")
    # The simulator packs it once
    await fail(read(client, plex))
    tracemalloc.start()
    began = process_time()
    try:
        raised = await fail(read(client, plex))
        spent, (_, peak) = process_time() - began, tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert type(raised) is api.PlexResponseError
    # Of 256 MiB
    assert peak < 4 * transport.MAX_BODY
    assert spent < 2
    # Where only the status matters, the body is not read.
    assert await client.start_task("BackupDatabase") is api.StartResult.STARTED
    plex.clear_faults()
    await read(client, plex)


@pytest.mark.parametrize("way", PATHS)
async def test_a_server_that_is_silent_for_long_or_not_there_has_an_error_of_its_own(
    client: api.PlexClient,
    plex: SimulatedPlex,
    monkeypatch: pytest.MonkeyPatch,
    way: Way,
) -> None:
    monkeypatch.setattr(transport, "TIMEOUT", aiohttp.ClientTimeout(total=0.05))
    plex.fault("slow", delay=5)
    assert type(await fail(way(client, plex))) is api.PlexTimeoutError
    monkeypatch.undo()
    await plex.stop_listening()
    assert type(await fail(way(client, plex))) is api.PlexRefusedError

    await plex.listen_again()
    await way(client, plex)


def leading_to(*addresses: str) -> AbstractResolver:
    """Return what leads every name to the same addresses."""

    def resolve(host: str, port: int, **_: object) -> list[ResolveResult]:
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
            for address in addresses
        ]

    return Mock(AbstractResolver, resolve=AsyncMock(side_effect=resolve))


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
    connector = aiohttp.TCPConnector(resolver=leading_to(*addresses))
    url = f"http://dual.example:{CLOSED}"
    async with aiohttp.ClientSession(connector=connector) as session:
        client = api.PlexClient(session, url, client_identifier="test")
        assert type(await fail(client.get_identity())) is error


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
    client: api.PlexClient,
    error: OSError,
    ours: type[api.PlexError],
) -> None:
    async def connect(*_: object) -> None:
        raise error

    monkeypatch.setattr(asyncio.get_running_loop(), "sock_connect", connect)
    assert type(await fail(client.get_identity())) is ours


@pytest.mark.parametrize("token", ["a\nb", "a\x7fb", "\ud800", "naïve", "a b"])
async def test_what_is_no_token_is_not_sent(
    session: aiohttp.ClientSession, plex: SimulatedPlex, token: str
) -> None:
    client = api.PlexClient(session, plex.url, token, client_identifier="test")
    for call in (client.get_server(), listen(client, plex)):
        assert isinstance(await fail(call), api.PlexAuthenticationError)
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
            resolver=leading_to("127.0.0.1"), socket_factory=refuse
        )
        async with aiohttp.ClientSession(connector=connector) as session:
            tv = api.PlexTvClient(session, client_identifier="test", device=token)
            await fail(tv.get_owned_servers(token))
            with pytest.raises(api.PlexError):
                await api.PlexClient(
                    session, url, token, client_identifier="test"
                ).get_server()

    asyncio.run(ask())
