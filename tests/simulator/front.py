"""Takes requests from sockets and gives answers back."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from urllib.parse import unquote

from aiohttp import web

from . import fault_answers
from .control import Control
from .encoding import to_bytes, to_json, to_xml
from .fault_answers import HTML, JSON, XML
from .faults import DEFAULT_DELAY, Fault, FaultBook, FaultName
from .hub import NotificationHub, Socket
from .messages import Answer, Ask, page
from .parking import Parking
from .requests_log import RecordedRequest, record
from .router import IDENTITY, Doorman, answer
from .state import ServerState

CONTROL = "_simulator"
NOTIFICATIONS = (":", "websockets", "notifications")
_PLEX_HEADERS = {"X-Plex-Protocol": "1.0", "Cache-Control": "no-cache"}


class NoAnswerError(Exception):
    """The connection was closed instead of an answer."""


class Front:
    """Faults come first, then an outage, then a busy database, then the API."""

    def __init__(
        self,
        state: ServerState,
        doorman: Doorman,
        *,
        prefix: str = "",
    ) -> None:
        """Be ready for requests."""
        self.requests: list[RecordedRequest] = []
        self.faults = FaultBook()
        self.hub = NotificationHub(loose=state.traits.loose_types)
        self.parking = Parking(state.butler, hangs=state.traits.hangs_on_database)
        self.stopping = asyncio.Event()
        self.control: Control | None = None
        self._state = state
        self._doorman = doorman
        self._prefix = tuple(part for part in prefix.split("/") if part)
        state.listeners.append(self.hub.publish)

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request, whatever it is."""
        self._state.catch_up()
        ask = self._read(request)
        if ask is None:
            return fault_answers.gateway(404)
        if ask.parts[0] == CONTROL and self.control is not None:
            return await self.control.handle(request, ask)
        entry = record(request, self._state.timeline.now)
        self.requests.append(entry)
        try:
            response = await self._serve(request, ask)
        except NoAnswerError:
            fault_answers.refuse(request)
            return web.Response(status=500)
        entry.status = response.status
        return response

    def release_all(self) -> None:
        """Let everybody go who waits here, because the server ends."""
        self.stopping.set()
        self.parking.open()

    async def _serve(self, request: web.BaseRequest, ask: Ask) -> web.StreamResponse:
        if self._state.outage.refusing:
            raise NoAnswerError
        fault = self.faults.take(ask.method, "/" + "/".join(ask.parts))
        if fault is not None:
            return await self._serve_fault(request, ask, fault)
        return await self._serve_well(request, ask)

    async def _serve_fault(
        self, request: web.BaseRequest, ask: Ask, fault: Fault
    ) -> web.StreamResponse:
        match fault.name:
            case FaultName.REFUSE:
                raise NoAnswerError
            case FaultName.SLOW:
                await self._wait(DEFAULT_DELAY if fault.delay is None else fault.delay)
                return await self._serve_well(request, ask)
            case FaultName.LATE:
                response = self._ask_api(ask)
                await self._wait(DEFAULT_DELAY if fault.delay is None else fault.delay)
                return response
            case FaultName.CUT:
                return await fault_answers.cut(request, self._ask_api(ask))
            case FaultName.HUGE:
                return await fault_answers.huge(request)
            case FaultName.GARBAGE:
                return fault_answers.garbage()
            case FaultName.WRONG_SHAPE:
                return fault_answers.wrong_shape()
            case FaultName.REDIRECT:
                return fault_answers.redirect(fault, request.rel_url.raw_path_qs)
            case FaultName.IGNORE:
                return self._render(ask, Answer())
            case FaultName.HALF_OPEN:
                return await self._hold(request)
            case FaultName.FRAME_CUT | FaultName.PING_CUT:
                return await fault_answers.cut_socket(request, fault.name)
        return fault_answers.status_answer(fault)

    async def _serve_well(
        self, request: web.BaseRequest, ask: Ask
    ) -> web.StreamResponse:
        if self._state.outage.starting:
            return fault_answers.maintenance()
        if not IDENTITY.leads(ask.parts):
            await self.parking.wait()
        if self.stopping.is_set():
            raise NoAnswerError
        self._state.catch_up()
        if ask.parts == NOTIFICATIONS and ask.method == "GET":
            return await self._serve_socket(request, ask)
        return self._ask_api(ask)

    async def _serve_socket(
        self, request: web.BaseRequest, ask: Ask
    ) -> web.StreamResponse:
        if not self._doorman.admits(self._state, ask):
            return self._render(ask, Answer(401))
        if "Upgrade" not in request.headers:
            return self._render(ask, Answer(400))
        filters = [name for name in ask.query.get("filters", "").split(",") if name]
        owner = self._doorman.is_owner(ask)
        socket = Socket(request, filters=filters, owner=owner)
        await socket.response.prepare(request)
        self.hub.attach(socket)
        sending = asyncio.create_task(socket.send_forever())
        try:
            async for _message in socket.response:
                pass  # clients have nothing to say here
        finally:
            sending.cancel()
            self.hub.detach(socket)
        return socket.response

    async def _hold(self, request: web.BaseRequest) -> web.StreamResponse:
        """Accept a socket and then neither read nor write, not even a pong."""
        response = web.WebSocketResponse()
        await response.prepare(request)
        await self.stopping.wait()
        raise NoAnswerError

    async def _wait(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.stopping.wait()

    def _ask_api(self, ask: Ask) -> web.Response:
        said = answer(self._state, self._doorman, ask)
        return self._render(ask, said)

    def _render(self, ask: Ask, said: Answer) -> web.Response:
        headers = _PLEX_HEADERS | dict(said.headers)
        if said.content is None:
            text, kind = ("" if said.status == 200 else page(said.status)), HTML
        elif ask.wants_json:
            text, kind = (
                to_json(said.content, loose=self._state.traits.loose_types),
                JSON,
            )
        else:
            text, kind = to_xml(said.content), XML
        return web.Response(
            status=said.status,
            body=to_bytes(text),
            content_type=kind,
            charset="utf-8",
            headers=headers,
        )

    def _read(self, request: web.BaseRequest) -> Ask | None:
        """Return what is asked of the server; None if that is outside its prefix."""
        parts = tuple(unquote(part) for part in request.rel_url.raw_path.split("/")[1:])
        length = len(self._prefix)
        if parts[:length] == self._prefix:
            parts = parts[length:] or ("",)
        elif parts[0] != CONTROL:
            return None
        return Ask(
            method=request.method,
            parts=parts,
            query=request.query,
            headers=request.headers,
        )
