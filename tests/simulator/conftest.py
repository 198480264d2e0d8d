"""Clients of the simulated servers, and a server without sockets."""

from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime
import json
from typing import Any

import aiohttp
import pytest

from tests import simulator as sim

BACKUP = "BackupDatabase"
HOUR = 3_600.0
DAY = 24 * HOUR
NOTIFICATIONS = "/:/websockets/notifications"


async def ask(
    client: aiohttp.ClientSession, method: str, path: str, **headers: str
) -> tuple[int, str, str]:
    """Return status, content type and body."""
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    async with client.request(method, path, headers=sent) as response:
        text = await response.text(errors="replace")
        return response.status, response.content_type, text


async def listed(
    client: aiohttp.ClientSession, path: str, method: str = "GET", **headers: str
) -> Any:
    """Return what an answer of JSON has, whatever it is wrapped in."""
    body = json.loads((await ask(client, method, path, **headers))[2])
    return body.get("MediaContainer", body) if isinstance(body, dict) else body


async def received(socket: aiohttp.ClientWebSocketResponse) -> list[str]:
    """Return the texts that have arrived and arrive within a moment."""
    texts: list[str] = []
    with suppress(TimeoutError):
        while (message := await socket.receive(0.05)).type is aiohttp.WSMsgType.TEXT:
            texts.append(message.data)
    return texts


class Rules:
    """A server without sockets, the clock that moves it, and what it pushed of rows."""

    def __init__(
        self,
        profile: str | sim.Profile,
        *,
        start: datetime = sim.NOON,
        window: tuple[int, int] | None = None,
        seed: int = 0,
        **traits: Any,
    ) -> None:
        if isinstance(profile, str):
            profile = sim.PROFILES[profile]
        self.clock = sim.ManualClock(start)
        kind = profile.with_traits(**traits)
        self.state = sim.ServerState(kind, self.clock, UTC, seed, "Attic", window)
        self.butler = self.state.butler
        # Event, subtitle and progress.
        self.pushed: list[tuple[str, str, int]] = []
        self.state.listeners.append(self._note)

    def _note(self, frame: sim.Frame) -> None:
        for it in frame.elements if frame.type == "activity" else ():
            row = it["Activity"]
            if row["type"] == "butler":
                self.pushed.append((it["event"], row["subtitle"], row["progress"]))

    def advance(self, seconds: float) -> None:
        self.clock.move_to(self.clock.now() + seconds)
        self.state.catch_up()

    def advance_to_hour(self, hour: int) -> None:
        self.advance((hour * HOUR - self.clock.now() % DAY) % DAY)

    def doing(self, state: sim.TaskState = sim.TaskState.RUNNING) -> set[str]:
        """Return the tasks that run or are queued."""
        return {name for name, it in self.butler.truth().items() if it is state}

    @property
    def rows(self) -> list[tuple[str, str, int]]:
        """Return title, subtitle and progress of Butler's rows."""
        return [
            (row.title, row.subtitle, row.progress)
            for row in self.state.board.rows.values()
            if row.type == "butler"
        ]


@pytest.fixture(autouse=True)
def _no_leaks() -> None:
    """Let clients put the token into the address: servers take it there too."""


@pytest.fixture
async def client(plex: sim.SimulatedPlex) -> AsyncIterator[aiohttp.ClientSession]:
    """Return the owner's client."""
    headers = {"Accept": "application/json", "X-Plex-Token": plex.token}
    async with aiohttp.ClientSession(plex.url, headers=headers) as client:
        yield client


@pytest.fixture
async def tv(socket_enabled: None) -> AsyncIterator[sim.SimulatedPlexTv]:
    """Return a plex.tv without TLS, whose time stands still."""
    async with sim.SimulatedPlexTv(clock=sim.ManualClock()) as tv:
        yield tv
