"""Clients of a simulated server."""

from collections.abc import AsyncIterator

import aiohttp
import pytest

from custom_components.plex_butler import api
from tests.simulator import SimulatedPlex

STREAM = "/:/websockets/notifications"


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
def client(plex: SimulatedPlex, session: aiohttp.ClientSession) -> api.PlexClient:
    return api.PlexClient(session, plex.url, plex.token, client_identifier="test")


async def listen(client: api.PlexClient, plex: SimulatedPlex) -> None:
    """Open a stream, and hear a task begin."""
    async with client.notifications() as stream:
        plex.client_start("OptimizeDatabase")
        await plex.flush()
        (note,) = await anext(aiter(stream))
    assert isinstance(note, api.ActivityNotification)
    assert note.activity.title == "Optimize Database"
