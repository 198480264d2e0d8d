"""Servers, clients and rules for the simulator's own tests."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack

import aiohttp
import pytest

from tests.simulator import ManualClock, SimulatedPlex

from .client import Client

type StartPlex = Callable[..., Awaitable[SimulatedPlex]]


@pytest.fixture
async def start_plex(socket_enabled: None) -> AsyncIterator[StartPlex]:
    """Start servers that end with the test; by default time stands still at noon."""
    async with AsyncExitStack() as stack:

        async def start(
            profile: object = "current", **options: object
        ) -> SimulatedPlex:
            options.setdefault("clock", ManualClock())
            plex = SimulatedPlex(profile, **options)  # type: ignore[arg-type]
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


@pytest.fixture(autouse=True)
async def enable_event_loop_debug() -> None:
    """Leave the loop's debug mode off: it costs as much as all tests here."""
