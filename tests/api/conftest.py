"""Clients of a simulated server."""

from collections.abc import AsyncIterator, Callable

import aiohttp
import pytest

from custom_components.plex_butler.api import PlexClient
from tests.simulator import SimulatedPlex

type MakeClient = Callable[..., PlexClient]


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
def make_client(plex: SimulatedPlex, session: aiohttp.ClientSession) -> MakeClient:
    def make(url: str | None = None, token: str | None = None) -> PlexClient:
        return PlexClient(
            session,
            url or plex.url,
            plex.token if token is None else token,
            client_identifier="test",
        )

    return make


@pytest.fixture
def client(make_client: MakeClient) -> PlexClient:
    return make_client()
