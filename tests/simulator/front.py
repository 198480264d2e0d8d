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
from .outage import Absence
from .parking import Parking
from .requests_log import RecordedRequest, record
from .router import IDENTITY, Doorman, answer
from .server_log import Exchange
from .state import ServerState

CONTROL = "_simulator"
NOTIFICATIONS = (":", "websockets", "notifications")
_PLEX_HEADERS = {"X-Plex-Protocol": "1.0", "Cache-Control": "no-cache"}


class NoAnswerError(Exception):
    """The connection is closed instead of an answer."""

    def __init__(self, *, reset: bool = False) -> None:
        """Close it with a reset, or in order."""
        super().__init__()
        self.reset = reset


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
        # Of those who asked for the log alone.
        self.log_hub = NotificationHub(loose=state.traits.loose_types)
        state.log.hubs = (self.log_hub, self.hub)
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
        except NoAnswerError as err:
            fault_answers.refuse(request, reset=err.reset)
            return web.Response(status=500)
        entry.status = response.status
        return response

    def release_all(self) -> None:
        """Let everybody go who waits here, because the server ends."""
        self.stopping.set()
        self.parking.open()

    async def _serve(self, request: web.BaseRequest, ask: Ask) -> web.StreamResponse:
        outage = self._state.outage
        if outage.refusing:
            raise NoAnswerError(reset=outage.how is Absence.RESET)
        fault = self.faults.take(ask.method, ask.target)
        if fault is not None:
            return await self._serve_fault(request, ask, fault)
        return await self._serve_well(request, ask)

    async def _serve_fault(  # noqa: C901 one case for each fault
        self, request: web.BaseRequest, ask: Ask, fault: Fault
    ) -> web.StreamResponse:
        match fault.name:
            case FaultName.REFUSE | FaultName.RESET | FaultName.DONE_LATER:
                raise self._unanswered(ask, fault)
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
        if fault.name is FaultName.MAINTENANCE:
            response = self._maintenance()
            fault_answers.ask_for_patience(response, fault)
            return response
        return fault_answers.status_answer(fault)

    def _unanswered(self, ask: Ask, fault: Fault) -> NoAnswerError:
        """Plan what is done behind the back of the client, and return how it ends."""
        if fault.name is FaultName.DONE_LATER:
            wait = DEFAULT_DELAY if fault.delay is None else fault.delay

            def do() -> None:
                self._ask_api(ask)

            self._state.timeline.after(wait, do)
        return NoAnswerError(reset=fault.name is FaultName.RESET)

    async def _serve_well(
        self, request: web.BaseRequest, ask: Ask
    ) -> web.StreamResponse:
        if self._state.outage.starting:
            return self._maintenance()
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
        owner = self._doorman.is_owner(ask)
        socket = Socket(request, filters=ask.query.get("filters"), owner=owner)
        refused = self._state.log.refused
        if socket.only_log and refused is not None:
            if refused:
                return self._render(ask, Answer(refused))
            raise NoAnswerError(reset=True)
        await socket.response.prepare(request)
        hub = self.log_hub if socket.only_log else self.hub
        hub.attach(socket)
        # The first line that the log's own socket gets is its own request.
        number = self._state.log.request(ask)
        sending = asyncio.create_task(socket.send_forever())
        try:
            async for _message in socket.response:
                pass  # clients have nothing to say here
        finally:
            sending.cancel()
            hub.detach(socket)
            self._state.log.completed(ask, number, Exchange(-3))
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
        with self._state.log.exchange(ask) as exchange:
            said = answer(self._state, self._doorman, ask)
            response = self._render(ask, said)
            body = response.body if isinstance(response.body, bytes) else b""
            exchange.status, exchange.size = response.status, len(body)
        return response

    def _maintenance(self) -> web.Response:
        return fault_answers.maintenance(json=self._state.traits.maintenance_json)

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
            target="/" + "/".join(parts) + _query(request),
            peer=_peer(request),
        )


def _query(request: web.BaseRequest) -> str:
    """Return the query as the log has it, without the token."""
    query = request.rel_url.without_query_params("X-Plex-Token").raw_query_string
    return f"?{query}" if query else ""


def _peer(request: web.BaseRequest) -> str:
    """Return the client's address as the log has it."""
    peer = request.transport and request.transport.get_extra_info("peername")
    return f"{peer[0]}:{peer[1]}" if peer else ""
