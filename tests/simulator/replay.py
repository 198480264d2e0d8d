"""Plays a record of `scripts/capture` again, as the server that it was made of."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import suppress
import json
from pathlib import Path
from typing import Any, Self

from aiohttp import web

from .api import page

_MACHINE = "0" * 40


def _page(status: int) -> web.Response:
    return web.Response(status=status, text=page(status), content_type="text/html")


class ReplayedPlex:
    """A server that says what the recorded one said, from the start of a task on."""

    def __init__(
        self,
        record: dict[str, Any],
        *,
        token: str,
        speed: float = 1.0,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        """Take the record, and how much faster it is to be played."""
        self.token = token
        self.machine_identifier = _MACHINE
        # Downloaded diagnostics hold the same as a record of `scripts/capture`, but the
        # answers of its end.
        is_download = "data" in record
        record = record.get("data", record)
        self.version = str(record.get("version") or record["server"]["version"])
        self._answers: dict[str, Any] = record["answers"]
        self._events: list[dict[str, Any]] = record["record"]
        self._speed = speed
        self._address = (host, port)
        self._activities = (
            {"MediaContainer": {"size": 0}}
            if is_download
            else self._answers["/activities"]
        )
        self._sockets: dict[web.WebSocketResponse, bool] = {}
        self._playing: asyncio.Task[None] | None = None

    @classmethod
    def of_file(cls, path: Path, **options: Any) -> Self:
        """Read the record from a file."""
        return cls(json.loads(path.read_text()), **options)

    async def __aenter__(self) -> Self:
        app = web.Application(middlewares=[self._doorman])
        app.router.add_get("/identity", self._identity)
        app.router.add_get("/", self._identity)
        app.router.add_get("/butler", self._butler)
        app.router.add_get("/activities", self._show_activities)
        app.router.add_post("/butler/{task}", self._start)
        app.router.add_get("/:/websockets/notifications", self._socket)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, *self._address)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._playing:
            self._playing.cancel()
            with suppress(asyncio.CancelledError):
                await self._playing
        for socket in tuple(self._sockets):
            await socket.close()
        await self._runner.cleanup()

    @web.middleware
    async def _doorman(self, request: web.Request, handler: Any) -> web.StreamResponse:
        known = request.headers.get("X-Plex-Token") == self.token
        if request.path != "/identity" and not known:
            return _page(401)
        try:
            response: web.StreamResponse = await handler(request)
        except web.HTTPException as err:
            return _page(err.status)
        return response

    async def _identity(self, request: web.Request) -> web.Response:
        container = {
            "machineIdentifier": _MACHINE,
            "version": self.version,
            "claimed": True,
            "friendlyName": "Replay",
        }
        return web.json_response({"MediaContainer": container})

    async def _butler(self, request: web.Request) -> web.Response:
        return web.json_response(self._answers["/butler"])

    async def _show_activities(self, request: web.Request) -> web.Response:
        # By this line a client knows that the log tells.
        await self._send("Request: [-] GET /activities (1 live)", log=True)
        return web.json_response(self._activities)

    async def _start(self, request: web.Request) -> web.Response:
        if self._playing and not self._playing.done():
            return _page(202)
        self._playing = asyncio.create_task(self._play())
        return _page(200)

    async def _socket(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self._sockets[socket] = request.query.get("filters") == "log"
        if self._began is None and self._playing is None:
            self._playing = asyncio.create_task(self._play())
        try:
            async for _ in socket:
                pass
        finally:
            del self._sockets[socket]
        return socket

    async def _play(self) -> None:
        now = 0.0
        for at, kind, what in self._happenings():
            await asyncio.sleep(max(0, at - now) / self._speed)
            now = at
            if kind == "activities":
                self._activities = what
            else:
                text = what if kind == "log" else json.dumps(what)
                await self._send(text, log=kind == "log")

    async def _send(self, text: str, *, log: bool) -> None:
        for socket, has_log in tuple(self._sockets.items()):
            if has_log is log:
                await socket.send_str(text)

    @property
    def _began(self) -> float | None:
        """Return when the client started a task, before which nothing is played.

        None if something else happened first: that is played to the first stream.
        """
        starts = [
            event
            for event in self._events
            if "start" in event or event.get("command", "").startswith("POST")
        ]
        is_capture = any("start" in event for event in starts)
        if starts and (is_capture or starts[0] is self._events[0]):
            return float(starts[0]["at"])
        return None

    def _happenings(self) -> Iterator[tuple[float, str, Any]]:
        """Return what happened, from the start of the task on."""
        began = self._began or 0
        for event in self._events:
            for kind in event.keys() & {"activities", "frame", "log"}:
                if event["at"] >= began:
                    yield event["at"] - began, kind, event[kind]
