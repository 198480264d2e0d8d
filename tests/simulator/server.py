"""Requests from sockets, and answers back: faults, outages, a busy database, the API."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import asdict
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from aiohttp import web

from . import faults
from .api import IDENTITY, Answer, Ask, admits, answer, page, to_bytes, to_json, to_xml
from .butler import Butler, Ending, Task
from .faults import HTML, JSON, XML, Fault, FaultBook
from .network import RecordedRequest, abort
from .profiles import TaskSpec
from .state import Absence, ServerState
from .websocket import Exchange, NotificationHub, Socket

if TYPE_CHECKING:
    from .simulated_plex import SimulatedPlex

CONTROL = "_simulator"
NOTIFICATIONS = (":", "websockets", "notifications")
_PLEX_HEADERS = {"X-Plex-Protocol": "1.0", "Cache-Control": "no-cache"}


class NoAnswerError(Exception):
    """The connection is closed instead of an answer, in order or with a reset."""

    def __init__(self, *, reset: bool = False) -> None:
        super().__init__()
        self.reset = reset


class Hold:
    """Requests wait here while a test says so, or a database task makes the server hang."""

    forced = False
    waiting = 0

    def __init__(self, butler: Butler, *, hangs: bool) -> None:
        self._butler = butler
        self._hangs = hangs
        self.free = asyncio.Event()
        self.free.set()
        butler.watchers.append(self)

    def on_started(self, task: Task) -> None:
        self.update()

    def on_ended(self, task: Task, ending: Ending) -> None:
        self.update()

    def update(self) -> None:
        if self.forced or (self._hangs and self._butler.database_busy):
            self.free.clear()
        else:
            self.free.set()

    async def wait(self) -> None:
        self.waiting += 1
        try:
            while not self.free.is_set():
                await self.free.wait()
        finally:
            self.waiting -= 1


class RequestHandler:
    """Answers requests; faults come first, then an outage, then the API."""

    def __init__(self, state: ServerState, prefix: str) -> None:
        self.requests: list[RecordedRequest] = []
        self.faults = FaultBook()
        self.hub = NotificationHub(loose=state.traits.loose_types)
        # Of those who asked for the log alone.
        self.log_hub = NotificationHub(loose=state.traits.loose_types)
        state.log.hubs = (self.log_hub, self.hub)
        self.hold = Hold(state.butler, hangs=state.traits.hangs_on_database)
        self.stopping = asyncio.Event()
        self._state = state
        self._prefix = tuple(part for part in prefix.split("/") if part)
        state.listeners.append(self.hub.publish)

    def release_all(self) -> None:
        """Let all requests that wait here go on, because the server ends."""
        self.stopping.set()
        self.hold.free.set()

    def read(self, request: web.BaseRequest) -> Ask | None:
        """Return what is asked of the server; None if that is outside its prefix."""
        parts = tuple(unquote(part) for part in request.rel_url.raw_path.split("/")[1:])
        length = len(self._prefix)
        if parts[:length] == self._prefix:
            parts = parts[length:] or ("",)
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

    async def handle(self, request: web.BaseRequest, ask: Ask) -> web.StreamResponse:
        """Write down the request and answer it."""
        entry = RecordedRequest.of(request, self._state.timeline.now)
        self.requests.append(entry)
        try:
            response = await self._serve(request, ask)
        except NoAnswerError as err:
            abort(request.transport, reset=err.reset)
            return web.Response(status=500)
        entry.status = response.status
        return response

    async def _serve(self, request: web.BaseRequest, ask: Ask) -> web.StreamResponse:
        outage = self._state.outage
        if outage.refusing:
            raise NoAnswerError(reset=outage.how is Absence.RESET)
        if (fault := self.faults.take(ask.method, ask.target)) is None:
            return await self._serve_well(request, ask)
        return await self._serve_fault(request, ask, fault)

    async def _serve_fault(
        self, request: web.BaseRequest, ask: Ask, fault: Fault
    ) -> web.StreamResponse:
        match fault.name:
            case "refuse" | "reset":
                raise NoAnswerError(reset=fault.name == "reset")
            case "slow":
                await fault.wait(self.stopping)
                return await self._serve_well(request, ask)
            case "late":
                response = self._ask_api(ask)
                await fault.wait(self.stopping)
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
                await self.stopping.wait()
                raise NoAnswerError
            case "frame-cut" | "ping-cut":
                return await faults.cut_socket(request, fault)
        json_wanted = self._state.traits.maintenance_json
        plain = faults.plain_answer(fault, request)
        return plain or faults.status_answer(fault, json=json_wanted)

    async def _serve_well(
        self, request: web.BaseRequest, ask: Ask
    ) -> web.StreamResponse:
        if self._state.outage.starting:
            return faults.maintenance(json=self._state.traits.maintenance_json)
        if not IDENTITY.matches(ask.parts):
            await self.hold.wait()
        if self.stopping.is_set():
            raise NoAnswerError
        self._state.catch_up()
        if ask.parts == NOTIFICATIONS and ask.method == "GET":
            return await self._serve_socket(request, ask)
        return self._ask_api(ask)

    async def _serve_socket(
        self, request: web.BaseRequest, ask: Ask
    ) -> web.StreamResponse:
        if not admits(self._state, ask):
            return self._render(ask, Answer(401))
        if "Upgrade" not in request.headers:
            return self._render(ask, Answer(400))
        owner = ask.token == self._state.token
        socket = Socket(request, filters=ask.query.get("filters"), owner=owner)
        log = self._state.log
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
        with self._state.log.exchange(ask) as exchange:
            response = self._render(ask, answer(self._state, ask))
            body = response.body if isinstance(response.body, bytes) else b""
            exchange.status, exchange.size = response.status, len(body)
        return response

    def _render(self, ask: Ask, said: Answer) -> web.Response:
        if said.content is None:
            text, kind = ("" if said.status == 200 else page(said.status)), HTML
        elif ask.wants_json:
            loose = self._state.traits.loose_types
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


async def control(
    plex: SimulatedPlex, request: web.BaseRequest, ask: Ask
) -> web.Response:
    """Do what the methods do, for another process; under /_simulator, without a token.

    What cannot be done is a 400 that says why.
    """
    reads: dict[str, Callable[[], Any]] = {
        "truth": lambda: {
            "now": plex.clock.now(),
            "busy": bool(plex.butler.running),
            "tasks": {
                name: {"state": str(task.state), "since": task.since}
                for name, task in plex.butler.tasks.items()
            },
        },
        "runs": lambda: [asdict(run) for run in plex.intervals],
    }
    actions: dict[str, Callable[..., Any]] = {
        "fault": plex.fault,
        "clear-faults": plex.clear_faults,
        "start": plex.client_start,
        "stop": plex.client_stop,
        "start-all": plex.client_start_all,
        "stop-all": plex.client_stop_all,
        "preference": plex.set_preference,
        "duration": lambda task, seconds: plex.durations.update({task: seconds}),
        "add-task": lambda **fields: plex.add_task(TaskSpec(**fields)),
        "remove-task": plex.remove_task,
        "scan": plex.noise.scan,
    }
    outages: dict[str, Callable[..., Awaitable[None]]] = {
        "restart": plex.restart,
        "go-away": plex.go_away,
    }
    name = ask.parts[1] if len(ask.parts) == 2 else ""
    if request.method == "GET" and name in reads:
        return web.json_response(reads[name]())
    if request.method != "POST" or name not in actions | outages:
        return web.json_response({"error": f"no such thing: {name}"}, status=404)
    try:
        fields = json.loads(await request.text() or "{}")
        if name in outages:
            await outages[name](**fields, spare=request.transport)
            return web.json_response({})
        return web.json_response({"result": actions[name](**fields)})
    except (KeyError, TypeError, ValueError) as err:
        return web.json_response({"error": repr(err)}, status=400)
