"""A small client for the simulator's own tests."""

from __future__ import annotations

import json
from typing import Any

import aiohttp

from tests.simulator import SimulatedPlex

NOTIFICATIONS = "/:/websockets/notifications"


class Client:
    """Asks a server, as its owner unless another token is given."""

    def __init__(self, plex: SimulatedPlex, session: aiohttp.ClientSession) -> None:
        """Know the server."""
        self._plex = plex
        self._session = session

    async def ask(
        self,
        method: str,
        path: str,
        *,
        token: str | None = "owner",
        accept: str = "application/json",
        **headers: str,
    ) -> tuple[int, str, str]:
        """Return status, content type and body; no redirect is followed."""
        headers["Accept"] = accept
        if token is not None:
            headers["X-Plex-Token"] = self._plex.token if token == "owner" else token
        async with self._session.request(
            method, self._plex.url + path, headers=headers, allow_redirects=False
        ) as response:
            return response.status, response.content_type, await response.text()

    async def status(self, method: str, path: str, **options: Any) -> int:
        """Return only the status."""
        return (await self.ask(method, path, **options))[0]

    async def json(self, path: str, **options: Any) -> Any:
        """Return what a GET answers."""
        return json.loads((await self.ask("GET", path, **options))[2])

    async def control(self, action: str, /, **fields: Any) -> tuple[int, Any]:
        """Post to one of the simulator's own paths."""
        url = f"{self._plex.url}/_simulator/{action}"
        async with self._session.post(url, json=fields) as response:
            return response.status, await response.json()

    async def rows(self, kind: str | None = None) -> list[dict[str, Any]]:
        """Return the activities, of one type or all."""
        rows = (await self.json("/activities"))["MediaContainer"].get("Activity", [])
        return [row for row in rows if kind in (None, row["type"])]

    async def listen(
        self,
        query: str = "",
        token: str | None = None,
        heartbeat: float | None = None,
    ) -> aiohttp.ClientWebSocketResponse:
        """Open the notification socket."""
        headers = {"X-Plex-Token": self._plex.token if token is None else token}
        url = self._plex.url + NOTIFICATIONS + query
        return await self._session.ws_connect(url, headers=headers, heartbeat=heartbeat)


async def frames(socket: aiohttp.ClientWebSocketResponse) -> list[dict[str, Any]]:
    """Return what has arrived and arrives within a moment."""
    received: list[dict[str, Any]] = []
    while True:
        try:
            message = await socket.receive(timeout=0.05)
        except TimeoutError:
            return received
        if message.type is not aiohttp.WSMsgType.TEXT:
            return received
        received.append(json.loads(message.data)["NotificationContainer"])


def row_events(
    received: list[dict[str, Any]], kind: str = "butler"
) -> list[tuple[str, str, int]]:
    """Return event, title and progress of each notification of a type of row."""
    notes = [note for one in received for note in one.get("ActivityNotification", [])]
    return [
        (note["event"], note["Activity"]["title"], note["Activity"]["progress"])
        for note in notes
        if note["Activity"]["type"] == kind
    ]


async def identity_status(session: aiohttp.ClientSession, url: str) -> int:
    """Return the status of a server's identity."""
    async with session.get(f"{url}/identity") as response:
        return response.status
