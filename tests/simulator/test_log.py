"""The stream of the server's log."""

from __future__ import annotations

import json

import aiohttp
import pytest

from tests.simulator import SimulatedPlex

from .client import Client
from .conftest import StartPlex


@pytest.fixture
async def plex(start_plex: StartPlex) -> SimulatedPlex:
    """Return a server whose log tells."""
    return await start_plex("session")


async def received(socket: aiohttp.ClientWebSocketResponse) -> list[str]:
    """Return the frames that arrive within a moment."""
    frames: list[str] = []
    while True:
        try:
            message = await socket.receive(timeout=0.05)
        except TimeoutError:
            return frames
        frames.append(str(message.data))


async def test_the_log_names_tasks_at_their_begin_and_end(
    plex: SimulatedPlex, client: Client
) -> None:
    socket = await client.listen("?filters=log")
    await client.ask("POST", "/butler/BackupDatabase")
    await plex.advance(30)
    lines = [
        entry["message"]
        for frame in await received(socket)
        for entry in json.loads(frame)["NotificationContainer"]["LogNotification"]
    ]
    assert any("registered new sub-activity" in line for line in lines)
    await socket.close()
