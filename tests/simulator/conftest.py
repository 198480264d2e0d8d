"""Servers, clients and rules for the simulator's own tests."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack

import aiohttp
from homeassistant.core import HomeAssistant
from homeassistant.helpers.aiohttp_client import async_get_clientsession
import pytest

from tests.simulator import ManualClock, Names, SimulatedPlex, SimulatedPlexTv
from tests.tls import Certificates

from .client import Client
from .tv_client import TvClient

type StartPlex = Callable[..., Awaitable[SimulatedPlex]]


@pytest.fixture(autouse=True)
def _no_leaks() -> None:
    """Let clients put the token into the address: servers take it there too."""


@pytest.fixture
async def start_plex(socket_enabled: None) -> AsyncIterator[StartPlex]:
    """Start servers that end with the test; by default time stands still at noon."""
    async with AsyncExitStack() as stack:

        async def start(
            profile: object = "current", **options: object
        ) -> SimulatedPlex:
            options.setdefault("clock", ManualClock())
            plex = SimulatedPlex(profile, **options)  # type: ignore[arg-type]  # tests choose them
            return await stack.enter_async_context(plex)

        yield start


@pytest.fixture
async def plex(start_plex: StartPlex) -> SimulatedPlex:
    """Return a running server of the usual kind."""
    return await start_plex()


@pytest.fixture
async def session(socket_enabled: None) -> AsyncIterator[aiohttp.ClientSession]:
    """Return a session that ends with the test."""
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
def client(plex: SimulatedPlex, session: aiohttp.ClientSession) -> Client:
    """Return the owner's client of the server."""
    return Client(plex, session)


@pytest.fixture
async def tv(socket_enabled: None) -> AsyncIterator[SimulatedPlexTv]:
    """Return a plex.tv whose time stands still."""
    async with SimulatedPlexTv(clock=ManualClock()) as tv:
        yield tv


@pytest.fixture
def tv_client(tv: SimulatedPlexTv, session: aiohttp.ClientSession) -> TvClient:
    """Return a client of plex.tv."""
    return TvClient(tv, session)


@pytest.fixture
def certificates() -> Certificates:
    """Return certificates that only those trust who are told to."""
    return Certificates()


@pytest.fixture
def names() -> Iterator[Names]:
    """Return what stands in for DNS."""
    with Names().in_force() as names:
        yield names


@pytest.fixture
async def home_session(
    hass: HomeAssistant, socket_enabled: None, certificates: Certificates
) -> aiohttp.ClientSession:
    """Return Home Assistant's session, which was there before the certificates."""
    session = async_get_clientsession(hass)
    certificates.let_home_assistant_trust()
    return session


@pytest.fixture(autouse=True)
async def enable_event_loop_debug() -> None:
    """Leave the loop's debug mode off: it costs as much as all tests here."""
