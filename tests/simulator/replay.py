"""Plays a record of `scripts/capture` again, as the server that it was made of."""

import asyncio
from contextlib import suppress
import json
from typing import Any, override

from aiohttp import web

from .faults import html
from .network import Listener

_NOTIFICATIONS = "/:/websockets/notifications"


class ReplayedPlex(Listener):
    """A server that answers as the recorded one did, from the start of a task on."""

    machine_identifier = "0" * 40

    def __init__(
        self,
        record: dict[str, Any],
        *,
        token: str,
        speed: float = 1.0,
        port: int = 0,
    ) -> None:
        super().__init__(("127.0.0.1", port), None)
        self.token = token
        # Downloaded diagnostics hold the same as a record of `scripts/capture`, but the
        # answers of its end.
        is_download = "data" in record
        record = record.get("data", record)
        self.version = str(record.get("version") or record["server"]["version"])
        self._answers: dict[str, Any] = record["answers"]
        self._events: list[dict[str, Any]] = record["record"]
        self._speed = speed
        nothing = {"MediaContainer": {"size": 0}}
        self._activities: Any = nothing if is_download else self._answers["/activities"]
        # Those of the log alone are true.
        self._sockets: dict[web.WebSocketResponse, bool] = {}
        self._playing: asyncio.Task[None] | None = None

    @override
    async def stop(self) -> None:
        if self._playing:
            self._playing.cancel()
            with suppress(asyncio.CancelledError):
                await self._playing
        for socket in tuple(self._sockets):
            await socket.close()
        await super().stop()

    @override
    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        known = request.headers.get("X-Plex-Token") == self.token
        if request.path != "/identity" and not known:
            return html(401)
        match request.method, request.path:
            case "GET", "/identity" | "/":
                container = {
                    "machineIdentifier": self.machine_identifier,
                    "version": self.version,
                    "claimed": True,
                    "friendlyName": "Replay",
                }
                return web.json_response({"MediaContainer": container})
            case "GET", "/butler":
                return web.json_response(self._answers["/butler"])
            case "GET", "/activities":
                # By this line a client knows that the log tells.
                await self._send("Request: [-] GET /activities (1 live)", log=True)
                return web.json_response(self._activities)
            case "POST", path if path.startswith("/butler/"):
                if self._playing and not self._playing.done():
                    return html(202)
                self._playing = asyncio.create_task(self._play())
                return html(200)
            case "GET", path if path == _NOTIFICATIONS:
                return await self._serve_socket(request)
        return html(404)

    async def _serve_socket(self, request: web.BaseRequest) -> web.WebSocketResponse:
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
        """Let all happen again, from the start of the task on."""
        began = now = self._began or 0.0
        for event in (it for it in self._events if it["at"] >= began):
            await asyncio.sleep(max(0, event["at"] - now) / self._speed)
            now = event["at"]
            if "activities" in event:
                self._activities = event["activities"]
            if "frame" in event:
                self._show(event["frame"])
                await self._send(json.dumps(event["frame"]), log=False)
            if "log" in event:
                await self._send(event["log"], log=True)

    def _show(self, frame: object) -> None:
        """Have the next answer show what a notification told.

        A client that asks between a notification and the next recorded answer would
        else find a row that has ended.
        """
        match frame, self._activities:
            case (
                {"NotificationContainer": {"ActivityNotification": list(told)}},
                {"MediaContainer": dict(shown)},
            ):
                rows = {row.get("uuid"): row for row in shown.get("Activity", [])}
                rows |= {item.get("uuid"): item.get("Activity") for item in told}
                for item in told:
                    if item.get("event") == "ended":
                        rows.pop(item.get("uuid"), None)
                self._activities = {"MediaContainer": {"Activity": list(rows.values())}}

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
