"""Clients of a simulated server."""

from collections.abc import AsyncIterator, Callable

import aiohttp
import pytest

from custom_components.plex_butler import api
from tests.simulator import SimulatedPlex

type MakeClient = Callable[..., api.PlexClient]

STREAM = "/:/websockets/notifications"


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
def make_client(plex: SimulatedPlex, session: aiohttp.ClientSession) -> MakeClient:
    def make(url: str = plex.url, token: str = plex.token) -> api.PlexClient:
        return api.PlexClient(session, url, token, client_identifier="test")

    return make


@pytest.fixture
def client(make_client: MakeClient) -> api.PlexClient:
    return make_client()


async def listen(client: api.PlexClient, plex: SimulatedPlex) -> None:
    """Open a stream, and hear a task begin."""
    async with client.notifications() as stream:
        plex.client_start("OptimizeDatabase")
        await plex.flush()
        (note,) = await anext(aiter(stream))
    assert isinstance(note, api.ActivityNotification)
    assert note.activity.title == "Optimize Database"
