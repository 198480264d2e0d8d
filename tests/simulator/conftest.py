"""Servers, clients and states without sockets for the simulator's own tests."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from datetime import UTC, datetime, tzinfo
from functools import partial
import json
from typing import Any
from xml.etree import ElementTree as ET

import aiohttp
import pytest

from tests import simulator as sim

NOTIFICATIONS = "/:/websockets/notifications"
PINS = "/api/v2/pins?strong=true"
RESOURCES = "/api/v2/resources?includeHttps=1&includeIPv6=1"
DAY = 86_400.0
HOUR = 3_600.0
NIGHT = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
SMALL = sim.Profile(
    name="small",
    tasks=(
        sim.TaskSpec(name="Plain", title="Plain", description="", seconds=100),
        sim.TaskSpec(
            name="Other", title="Other", description="", seconds=50, interval=3
        ),
        sim.TaskSpec(name="Random", title="Random", description="", randomized=True),
    ),
)


class Asker:
    """A client whose headers go with all that it asks; None leaves one out."""

    def __init__(
        self, url: str, session: aiohttp.ClientSession, **headers: str
    ) -> None:
        self._url = url
        self._session = session
        self._headers = {"Accept": "application/json"} | headers

    async def ask(
        self, method: str, path: str, **headers: str | None
    ) -> tuple[int, str, str]:
        """Return status, content type and body; no redirect is followed."""
        sent = {
            name.replace("_", "-"): value
            for name, value in (self._headers | headers).items()
            if value is not None
        }
        async with self._session.request(
            method, self._url + path, headers=sent, allow_redirects=False
        ) as response:
            text = await response.text(errors="replace")
            return response.status, response.content_type, text

    async def status(self, method: str, path: str, **headers: str | None) -> int:
        return (await self.ask(method, path, **headers))[0]

    async def json(self, path: str, method: str = "GET", **headers: str | None) -> Any:
        return json.loads((await self.ask(method, path, **headers))[2])


class Client(Asker):
    """A client of a server, of its owner unless another token is given."""

    def __init__(self, plex: sim.SimulatedPlex, session: aiohttp.ClientSession) -> None:
        super().__init__(plex.url, session, X_Plex_Token=plex.token)
        self.plex = plex

    async def rows(self, kind: str) -> list[dict[str, Any]]:
        rows = (await self.json("/activities"))["MediaContainer"].get("Activity", [])
        return [row for row in rows if row["type"] == kind]

    async def listen(
        self, query: str = "", token: str | None = None, **options: Any
    ) -> aiohttp.ClientWebSocketResponse:
        headers = {"X-Plex-Token": self.plex.token if token is None else token}
        connect: Any = partial(self._session.ws_connect, headers=headers, **options)
        socket: aiohttp.ClientWebSocketResponse
        socket = await connect(self.plex.url + NOTIFICATIONS + query)
        return socket


def from_xml(text: str) -> ET.Element:
    return ET.fromstring(text)  # noqa: S314 our own server wrote it


async def received(socket: aiohttp.ClientWebSocketResponse) -> list[str]:
    """Return the texts that have arrived and arrive within a moment."""
    texts: list[str] = []
    with suppress(TimeoutError):
        while (message := await socket.receive(0.05)).type is aiohttp.WSMsgType.TEXT:
            texts.append(message.data)
    return texts


async def frames(socket: aiohttp.ClientWebSocketResponse) -> list[dict[str, Any]]:
    """Return the notifications that have arrived and arrive within a moment."""
    return [json.loads(it)["NotificationContainer"] for it in await received(socket)]


class TvClient(Asker):
    """A client of plex.tv."""

    def __init__(self, tv: sim.SimulatedPlexTv, session: aiohttp.ClientSession) -> None:
        names = {"X_Plex_Client_Identifier": "client-1", "X_Plex_Product": "Product"}
        super().__init__(tv.url, session, **names)


class Rules:
    """A state, the clock that moves it, and the frames that it sent."""

    def __init__(
        self,
        profile: str | sim.Profile = "current",
        *,
        start: datetime | None = None,
        zone: tzinfo = UTC,
        window: tuple[int, int] | None = None,
        seed: int = 0,
        **traits: Any,
    ) -> None:
        if isinstance(profile, str):
            profile = sim.PROFILES[profile]
        self.clock = sim.ManualClock() if start is None else sim.ManualClock(start)
        kind = profile.with_traits(**traits)
        self.state = sim.ServerState(kind, self.clock, zone, seed, "Attic", window)
        self.butler = self.state.butler
        self.frames: list[sim.Frame] = []
        self.state.listeners.append(self.frames.append)

    def advance(self, seconds: float) -> None:
        self.clock.move_to(self.clock.now() + seconds)
        self.state.catch_up()

    def advance_to_hour(self, hour: int) -> None:
        self.advance((hour * HOUR - self.clock.now() % DAY) % DAY)

    @property
    def running(self) -> set[str]:
        return {task.name for task in self.butler.running}

    @property
    def queued(self) -> set[str]:
        truth = self.butler.truth()
        return {name for name in truth if truth[name] is sim.TaskState.QUEUED}

    @property
    def waits(self) -> list[sim.Interval]:
        intervals = self.butler.intervals
        return [it for it in intervals if it.state is sim.TaskState.QUEUED]

    def rows(self, kind: str = "butler") -> list[tuple[str, str, int]]:
        """Return title, subtitle and progress of the rows of a type."""
        return [
            (row.title, row.subtitle, row.progress)
            for row in self.state.board.rows.values()
            if row.type == kind
        ]

    def pushed(self, kind: str = "butler") -> list[tuple[str, str, int]]:
        """Return event, subtitle and progress of what was pushed of a type."""
        frames = (it for it in self.frames if it.type == "activity")
        notes = [
            (it["event"], it["Activity"]) for frame in frames for it in frame.elements
        ]
        return [
            (event, row["subtitle"], row["progress"])
            for event, row in notes
            if row["type"] == kind
        ]

    def events(self, kind: str = "butler") -> list[str]:
        return [event for event, _, _ in self.pushed(kind)]


type Start = Callable[..., Awaitable[Client]]


@pytest.fixture(autouse=True)
def _no_leaks() -> None:
    """Let clients put the token into the address: servers take it there too."""


@pytest.fixture(autouse=True)
async def enable_event_loop_debug() -> None:
    """Leave the loop's debug mode off: it costs as much as all tests here."""


@pytest.fixture
async def session(socket_enabled: None) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
async def start(session: aiohttp.ClientSession) -> AsyncIterator[Start]:
    """Start servers whose time stands still at noon; return a client of each."""
    async with AsyncExitStack() as stack:

        async def start(profile: str = "current", **traits: object) -> Client:
            kind = sim.PROFILES[profile].with_traits(**traits)
            plex = sim.SimulatedPlex(kind, clock=sim.ManualClock())
            return Client(await stack.enter_async_context(plex), session)

        yield start


@pytest.fixture
async def plex(start: Start) -> sim.SimulatedPlex:
    return (await start()).plex


@pytest.fixture
def client(plex: sim.SimulatedPlex, session: aiohttp.ClientSession) -> Client:
    return Client(plex, session)


@pytest.fixture
async def tv(socket_enabled: None) -> AsyncIterator[sim.SimulatedPlexTv]:
    """Return a plex.tv whose time stands still."""
    async with sim.SimulatedPlexTv(clock=sim.ManualClock()) as tv:
        yield tv


@pytest.fixture
def tv_client(tv: sim.SimulatedPlexTv, session: aiohttp.ClientSession) -> TvClient:
    return TvClient(tv, session)
