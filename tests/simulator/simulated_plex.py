"""The simulated server as tests use it, in their own event loop."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, tzinfo
from hashlib import sha1
from inspect import isawaitable
import json
import ssl
from typing import Self, override
from urllib.parse import unquote

from aiohttp import web

from . import faults
from .api import IDENTITY, Answer, Ask, admits, answer, page, to_bytes, to_json, to_xml
from .butler import Cause, Ending, Interval, TaskState
from .network import Listener, NoAnswerError, set_route
from .preferences import FRIENDLY_NAME, Setting, Value
from .profiles import PROFILES, Profile, TaskSpec
from .state import Absence, ServerState
from .timeline import Clock, ManualClock, WallClock
from .websocket import Exchange, NotificationHub, Socket

OWNER_TOKEN = "owner-token-0123456789"
# Of a user who is not the owner.
SHARED_TOKEN = "shared-token-9876543210"
_NOTIFICATIONS = (":", "websockets", "notifications")
# What another process can have done
_METHODS = frozenset(
    {
        *("fault", "clear_faults", "restart", "go_away", "set_preference"),
        *("client_start", "client_stop", "client_start_all", "client_stop_all"),
        "remove_task",
    }
)
_PLEX_HEADERS = {"X-Plex-Protocol": "1.0", "Cache-Control": "no-cache"}


class SimulatedPlex(Listener):
    """A Plex Media Server with Butler, on a real socket, moved by a clock.

    What begins with `client_`, and other tasks and settings, are what other clients and
    updates of the server do.
    """

    def __init__(
        self,
        profile: str | Profile = "session",
        *,
        token: str = OWNER_TOKEN,
        speed: float = 1.0,
        clock: Clock | None = None,
        zone: tzinfo = UTC,
        window: tuple[int, int] | None = None,
        seed: int = 0,
        name: str = "Attic",
        host: str = "127.0.0.1",
        port: int = 0,
        prefix: str = "",
        tls: ssl.SSLContext | None = None,
    ) -> None:
        super().__init__((host, port), tls, prefix)
        self.profile = PROFILES[profile] if isinstance(profile, str) else profile
        # Tests may set these at any time. Another token ends the old one.
        self.token = token
        self.shared_token = SHARED_TOKEN
        self.claimed = self.profile.traits.claimed
        self.version = self.profile.version
        # A server that is installed anew has another.
        origin = sha1(f"{name}-{seed}".encode(), usedforsecurity=False)
        self.machine_identifier = origin.hexdigest()
        self.clock = WallClock(speed) if clock is None else clock
        if window is None and isinstance(self.clock, WallClock):
            # Half a day away, so that no test depends on the time of day.
            hour = datetime.fromtimestamp(self.clock.now(), zone).hour
            window = (hour + 11) % 24, (hour + 14) % 24
        state = ServerState(self.profile, self.clock, zone, seed, name, window)
        self.state = state
        self.butler = state.butler
        self.durations = state.butler.durations
        self.noise = state.noise
        self.log = state.log
        self.sessions = state.sessions
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
        self._wake = asyncio.Event()
        self._pump_task: asyncio.Task[None] | None = None
        state.timeline.on_planned = self._wake.set

    @override
    async def start(self) -> Self:
        await super().start()
        if isinstance(self.clock, WallClock):
            self._pump_task = asyncio.create_task(self._pump(self.clock))
        return self

    @override
    async def stop(self) -> None:
        if self._pump_task is not None:
            self._pump_task.cancel()
            with suppress(asyncio.CancelledError):
                await self._pump_task
        set_route(self.port, closed=False)
        self._free.set()
        await super().stop()

    @property
    def name(self) -> str:
        return str(self.state.preferences[FRIENDLY_NAME].value)

    @name.setter
    def name(self, name: str) -> None:
        self.set_preference(FRIENDLY_NAME, name)

    @property
    def intervals(self) -> list[Interval]:
        self.state.catch_up()
        return self.butler.intervals

    def truth(self) -> dict[str, TaskState]:
        self.state.catch_up()
        return self.butler.truth()

    def client_start(self, task: str) -> None:
        with self._other_client("POST", f"/butler/{task}") as exchange:
            exchange.status = self.butler.start(task, Cause.OTHER_CLIENT)

    def client_stop(self, task: str) -> None:
        with self._other_client("DELETE", f"/butler/{task}") as exchange:
            stopped = self.butler.stop(task, Ending.STOPPED_BY_OTHER)
            exchange.status = 200 if stopped else 404

    def client_start_all(self) -> None:
        with self._other_client("POST", "/butler"):
            self.butler.start_due(Cause.OTHER_CLIENT)

    def client_stop_all(self) -> None:
        with self._other_client("DELETE", "/butler"):
            self.butler.stop_all(Ending.STOPPED_BY_OTHER)

    @contextmanager
    def _other_client(self, method: str, path: str) -> Iterator[Exchange]:
        """Let the log have a request of another client at home."""
        self.state.catch_up()
        peer = "192.168.4.21:50514"
        ask = Ask(method=method, parts=(), query={}, headers={}, target=path, peer=peer)
        with self.log.exchange(ask) as exchange:
            yield exchange

    def set_preference(self, name: str, value: Value) -> None:
        self.state.catch_up()
        self.state.preferences.set(name, value)

    def add_preference(self, setting: Setting) -> None:
        self.state.preferences[setting.id] = setting

    def remove_preference(self, name: str) -> None:
        """List a setting no longer; the task that it switched is always enabled."""
        self.state.catch_up()
        del self.state.preferences[name]

    def add_task(self, spec: TaskSpec) -> None:
        self.butler.add_task(spec)

    def remove_task(self, name: str) -> None:
        self.state.catch_up()
        self.butler.remove_task(name)

    @override
    def fault(
        self, name: str, count: int | None = 1, path: str = "/", **fields: object
    ) -> None:
        if name == "drop-sockets":
            self.hub.drop()
            self.log_hub.drop()
        else:
            super().fault(name, count, path, **fields)

    async def restart(
        self,
        version: str | None = None,
        *,
        refused_for: float = 0,
        maintenance_for: float = 0,
        how: Absence = Absence.REFUSED,
    ) -> None:
        """Die and come back; seconds are simulated, nothing that ran goes on.

        `how` is what clients meet meanwhile.
        """
        self._break_connections(how)
        self.version = version or self.version
        self.state.restart(refused_for)
        self.state.outage.begin(refused_for, maintenance_for, how)
        await self._listen_as_due()

    async def go_away(
        self, seconds: float = 1, *, how: Absence = Absence.REFUSED
    ) -> None:
        """Be cut off for so many simulated seconds, in which all that runs goes on."""
        self._break_connections(how)
        self.state.outage.begin(seconds, 0, how)
        await self._listen_as_due()

    def _break_connections(self, how: Absence) -> None:
        """Break all at once: a dead process sends no last notifications."""
        self.state.catch_up()
        self._abort_connections(reset=how is Absence.RESET)
        self.hub.drop()
        self.log_hub.drop()

    @override
    async def _listen_as_due(self) -> None:
        outage = self.state.outage
        how = outage.how if outage.refusing else None
        set_route(self.port, closed=how is Absence.UNREACHABLE)
        if how is Absence.REFUSED:
            self._close()
        else:
            await super()._listen_as_due()

    async def advance(self, seconds: float) -> None:
        """Move simulated time on; all frames are with the sockets afterwards."""
        await self.advance_to(self.clock.now() + seconds)

    async def advance_to(self, when: float) -> None:
        if not isinstance(self.clock, ManualClock):
            raise TypeError("only a ManualClock can be moved")
        self.clock.move_to(when)
        self.state.catch_up()
        await self._listen_as_due()
        await self.flush()

    async def flush(self) -> None:
        self.log.flush()
        await self.hub.flush()
        await self.log_hub.flush()

    async def _pump(self, clock: WallClock) -> None:
        while True:
            self.state.catch_up()
            await self._listen_as_due()
            self._wake.clear()
            due = self.state.timeline.next_at()
            delay = None if due is None else (due - clock.now()) / clock.speed
            with suppress(TimeoutError):
                async with asyncio.timeout(delay):
                    await self._wake.wait()

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

    @override
    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        self.state.catch_up()
        if request.path.startswith("/_simulator/"):
            return await self._control(request)
        if (ask := self._read(request)) is None:
            return faults.gateway(404)
        now = self.state.timeline.now
        return await self._record(request, now, self._serve(request, ask))

    async def _control(self, request: web.BaseRequest) -> web.Response:
        """Tell another process the truth, or do what it names, with fields as JSON."""
        name = request.path.removeprefix("/_simulator/")
        if (request.method, name) == ("GET", "truth"):
            tasks = {task: {"state": state} for task, state in self.truth().items()}
            return web.json_response({"tasks": tasks})
        if request.method != "POST" or name not in _METHODS:
            return web.json_response({"error": f"no such thing: {name}"}, status=404)
        try:
            result = getattr(self, name)(**json.loads(await request.text() or "{}"))
            if isawaitable(result):
                await result
        except (KeyError, TypeError, ValueError) as err:
            return web.json_response({"error": repr(err)}, status=400)
        return web.json_response({})

    def _read(self, request: web.BaseRequest) -> Ask | None:
        """Return what is asked of the server; None if that is outside its prefix."""
        prefix = tuple(self._prefix.split("/")[1:])
        parts = tuple(unquote(part) for part in request.rel_url.raw_path.split("/")[1:])
        if parts[: len(prefix)] != prefix:
            return None
        parts = parts[len(prefix) :] or ("",)
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

    async def _serve(self, request: web.BaseRequest, ask: Ask) -> web.StreamResponse:
        """Faults come first, then an outage, then the API."""
        outage = self.state.outage
        if outage.refusing:
            raise NoAnswerError(reset=outage.how is Absence.RESET)
        if (fault := self._take_fault(ask.method, ask.target)) is None:
            return await self._serve_well(request, ask)
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
        if ask.parts == _NOTIFICATIONS and ask.method == "GET":
            return await self._serve_socket(request, ask)
        return self._ask_api(ask)

    async def _serve_socket(
        self, request: web.BaseRequest, ask: Ask
    ) -> web.StreamResponse:
        if not admits(self, ask):
            return self._render(ask, Answer(401))
        if "Upgrade" not in request.headers:
            return self._render(ask, Answer(400))
        owner = ask.token == self.token
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
            response = self._render(ask, answer(self, ask))
            body = response.body if isinstance(response.body, bytes) else b""
            exchange.status, exchange.size = response.status, len(body)
        return response

    def _render(self, ask: Ask, said: Answer) -> web.Response:
        if said.content is None:
            text, kind = ("" if said.status == 200 else page(said.status)), faults.HTML
        elif ask.wants_json:
            loose = self.state.traits.loose_types
            text, kind = to_json(said.content, loose=loose), faults.JSON
        else:
            text, kind = to_xml(said.content), faults.XML
        return web.Response(
            status=said.status,
            body=to_bytes(text),
            content_type=kind,
            charset="utf-8",
            headers=_PLEX_HEADERS | dict(said.headers),
        )
