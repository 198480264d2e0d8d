"""Requests from sockets, and answers back: faults, outages, a busy database, the API."""

from __future__ import annotations

from abc import abstractmethod
import asyncio
import ssl
from typing import override
from urllib.parse import unquote

from aiohttp import web

from . import faults
from .api import IDENTITY, Answer, Ask, admits, answer, page, to_bytes, to_json, to_xml
from .faults import HTML, JSON, XML, Fault, FaultyListener, NoAnswerError
from .state import Absence, ServerState
from .websocket import Exchange, NotificationHub, Socket

CONTROL = "_simulator"
NOTIFICATIONS = (":", "websockets", "notifications")
_PLEX_HEADERS = {"X-Plex-Protocol": "1.0", "Cache-Control": "no-cache"}


class Server(FaultyListener):
    """Answers requests; faults come first, then an outage, then the API."""

    def __init__(
        self,
        state: ServerState,
        address: tuple[str, int],
        tls: ssl.SSLContext | None,
        prefix: str,
    ) -> None:
        super().__init__(address, tls, prefix)
        self.state = state
        self.hub = NotificationHub(loose=state.traits.loose_types)
        # Of those who asked for the log alone.
        self.log_hub = NotificationHub(loose=state.traits.loose_types)
        state.log.hubs = (self.log_hub, self.hub)
        state.listeners.append(self.hub.publish)
        # How many requests wait until the server hangs no more.
        self.parked = 0
        self._hangs = False
        self._free = asyncio.Event()
        state.butler.watchers.append(self)
        self.on_task()

    @override
    async def stop(self) -> None:
        self._free.set()
        await super().stop()

    @property
    def hangs(self) -> bool:
        """Return if all but /identity waits, to be read and written."""
        return self._hangs

    @hangs.setter
    def hangs(self, hangs: bool) -> None:
        self._hangs = hangs
        self.on_task()

    def on_task(self, *_: object) -> None:
        """Hang while a test says so, or while a database task runs."""
        state = self.state
        busy = state.traits.hangs_on_database and state.butler.database_busy
        if self._hangs or busy:
            self._free.clear()
        else:
            self._free.set()

    on_started = on_ended = on_task

    async def _wait_until_free(self) -> None:
        self.parked += 1
        try:
            while not self._free.is_set():
                await self._free.wait()
        finally:
            self.parked -= 1

    def _read(self, request: web.BaseRequest) -> Ask | None:
        """Return what is asked of the server; None if that is outside its prefix."""
        prefix = tuple(self._prefix.split("/")[1:])
        parts = tuple(unquote(part) for part in request.rel_url.raw_path.split("/")[1:])
        if parts[: len(prefix)] == prefix:
            parts = parts[len(prefix) :] or ("",)
        elif parts[0] != CONTROL:
            return None
        # The log has the query without the token.
        url = request.rel_url.without_query_params("X-Plex-Token")
        query = f"?{url.raw_query_string}" if url.raw_query_string else ""
        peer = request.transport and request.transport.get_extra_info("peername")
        return Ask(
            method=request.method,
            parts=parts,
            query=request.query,
            headers=request.headers,
            target="/" + "/".join(parts) + query,
            peer=f"{peer[0]}:{peer[1]}" if peer else "",
        )

    @override
    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        self.state.catch_up()
        if (ask := self._read(request)) is None:
            return faults.gateway(404)
        if ask.parts[0] == CONTROL:
            return await self._control(request, ask)
        now = self.state.timeline.now
        return await self._record(request, now, self._serve(request, ask))

    @abstractmethod
    async def _control(self, request: web.BaseRequest, ask: Ask) -> web.Response:
        """Answer a request for the simulator itself."""

    async def _serve(self, request: web.BaseRequest, ask: Ask) -> web.StreamResponse:
        outage = self.state.outage
        if outage.refusing:
            raise NoAnswerError(reset=outage.how is Absence.RESET)
        if (fault := self._take_fault(ask.method, ask.target)) is None:
            return await self._serve_well(request, ask)
        return await self._serve_fault(request, ask, fault)

    async def _serve_fault(
        self, request: web.BaseRequest, ask: Ask, fault: Fault
    ) -> web.StreamResponse:
        match fault.name:
            case "refuse" | "reset":
                raise NoAnswerError(reset=fault.name == "reset")
            case "slow":
                await fault.wait(self._stopping)
                return await self._serve_well(request, ask)
            case "late":
                response = self._ask_api(ask)
                await fault.wait(self._stopping)
                return response
            case "cut":
                return await faults.cut(request, self._ask_api(ask))
            case "huge":
                return await faults.huge(request)
            case "ignore":
                return self._render(ask, Answer())
            case "half-open":
                # It neither reads nor writes from now on, not even a pong.
                await web.WebSocketResponse().prepare(request)
                await self._stopping.wait()
                raise NoAnswerError
            case "frame-cut" | "ping-cut":
                return await faults.cut_socket(request, fault)
        json_wanted = self.state.traits.maintenance_json
        plain = faults.plain_answer(fault, request)
        return plain or faults.status_answer(fault, json=json_wanted)

    async def _serve_well(
        self, request: web.BaseRequest, ask: Ask
    ) -> web.StreamResponse:
        if self.state.outage.starting:
            return faults.maintenance(json=self.state.traits.maintenance_json)
        if not IDENTITY.matches(ask.parts):
            await self._wait_until_free()
        if self._stopping.is_set() or request.transport is None:
            # It, or the client, has gone meanwhile.
            raise NoAnswerError
        self.state.catch_up()
        if ask.parts == NOTIFICATIONS and ask.method == "GET":
            return await self._serve_socket(request, ask)
        return self._ask_api(ask)

    async def _serve_socket(
        self, request: web.BaseRequest, ask: Ask
    ) -> web.StreamResponse:
        if not admits(self.state, ask):
            return self._render(ask, Answer(401))
        if "Upgrade" not in request.headers:
            return self._render(ask, Answer(400))
        owner = ask.token == self.state.token
        socket = Socket(request, filters=ask.query.get("filters"), owner=owner)
        log = self.state.log
        if socket.only_log and log.refused is not None:
            if log.refused:
                return self._render(ask, Answer(log.refused))
            raise NoAnswerError(reset=True)
        await socket.response.prepare(request)
        hub = self.log_hub if socket.only_log else self.hub
        hub.attach(socket)
        # The first line that the log's own socket gets is its own request.
        number = log.request(ask)
        sending = asyncio.create_task(socket.send_forever())
        try:
            async for _message in socket.response:
                pass  # clients have nothing to say here
        finally:
            sending.cancel()
            hub.detach(socket)
            log.completed(ask, number, Exchange(-3))
        return socket.response

    def _ask_api(self, ask: Ask) -> web.Response:
        with self.state.log.exchange(ask) as exchange:
            response = self._render(ask, answer(self.state, ask))
            body = response.body if isinstance(response.body, bytes) else b""
            exchange.status, exchange.size = response.status, len(body)
        return response

    def _render(self, ask: Ask, said: Answer) -> web.Response:
        if said.content is None:
            text, kind = ("" if said.status == 200 else page(said.status)), HTML
        elif ask.wants_json:
            loose = self.state.traits.loose_types
            text, kind = to_json(said.content, loose=loose), JSON
        else:
            text, kind = to_xml(said.content), XML
        return web.Response(
            status=said.status,
            body=to_bytes(text),
            content_type=kind,
            charset="utf-8",
            headers=_PLEX_HEADERS | dict(said.headers),
        )
