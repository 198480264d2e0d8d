"""The simulated server as tests use it, in their own event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, tzinfo
from inspect import isawaitable
import json
import ssl
from typing import Any, Self, override

from aiohttp import web

from .api import START_STATUS, Ask
from .butler import Cause, Ending, Interval, StartResult, TaskState
from .network import set_route
from .preferences import Setting, Value
from .profiles import PROFILES, Profile, TaskSpec
from .server import Server
from .state import OWNER_TOKEN, Absence, ServerState
from .timeline import Clock, ManualClock, WallClock
from .websocket import Exchange

# What another process can have done, under /_simulator.
_METHODS = """
fault clear_faults client_start client_stop client_start_all client_stop_all
set_preference remove_task restart go_away
"""


class _Of[T]:
    """What the state has by the same name; tests may read and set it."""

    def __set_name__(self, _owner: object, name: str) -> None:
        self._name = name

    def __get__(self, plex: SimulatedPlex, _owner: object) -> T:
        value: T = getattr(plex.state, self._name)
        return value

    def __set__(self, plex: SimulatedPlex, value: T) -> None:
        plex.state.catch_up()
        setattr(plex.state, self._name, value)


class SimulatedPlex(Server):
    """A Plex Media Server with Butler, on a real socket, moved by a clock.

    What begins with `client_`, and other tasks and settings, are what other clients and
    updates of the server do.
    """

    # Another one ends the old one.
    token = _Of[str]()
    # Of a user who is not the owner.
    shared_token = _Of[str]()
    claimed = _Of[bool]()
    # A server that is installed anew has another.
    machine_identifier = _Of[str]()
    version = _Of[str]()
    name = _Of[str]()

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
        self.profile = PROFILES[profile] if isinstance(profile, str) else profile
        self.clock = WallClock(speed) if clock is None else clock
        if window is None and isinstance(self.clock, WallClock):
            # Half a day away, so that no test depends on the time of day.
            hour = datetime.fromtimestamp(self.clock.now(), zone).hour
            window = (hour + 11) % 24, (hour + 14) % 24
        state = ServerState(self.profile, self.clock, zone, seed, name, window)
        super().__init__(state, (host, port), tls, prefix)
        self.token = token
        self.butler = state.butler
        self.durations = state.butler.durations
        self.noise = state.noise
        self.log = state.log
        self.sessions = state.sessions
        self._listens = False
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
        await super().stop()

    @override
    async def _control(self, request: web.BaseRequest, ask: Ask) -> web.Response:
        """Do what a method does, for another process; what cannot be done says why."""
        name = "/".join(ask.parts[1:])
        if (request.method, name) == ("GET", "truth"):
            tasks = self.butler.tasks.items()
            truth = {it: {"state": str(task.state)} for it, task in tasks}
            return web.json_response({"tasks": truth})
        if request.method != "POST" or name not in _METHODS.split():
            return web.json_response({"error": f"no such thing: {name}"}, status=404)
        try:
            fields = json.loads(await request.text() or "{}")
            result = getattr(self, name)(**fields)
            if isawaitable(result):
                await result
        except (KeyError, TypeError, ValueError) as err:
            return web.json_response({"error": repr(err)}, status=400)
        return web.json_response({})

    @property
    def intervals(self) -> list[Interval]:
        self.state.catch_up()
        return self.butler.intervals

    def truth(self) -> dict[str, TaskState]:
        self.state.catch_up()
        return self.butler.truth()

    def client_start(self, task: str) -> StartResult:
        with self._other_client("POST", f"/butler/{task}") as exchange:
            result = self.butler.start(task, Cause.OTHER_CLIENT)
            exchange.status = START_STATUS[result]
        return result

    def client_stop(self, task: str) -> bool:
        with self._other_client("DELETE", f"/butler/{task}") as exchange:
            stopped = self.butler.stop(task, Ending.STOPPED_BY_OTHER)
            exchange.status = 200 if stopped else 404
        return stopped

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
        self, name: str, count: int | None = 1, path: str = "/", **fields: Any
    ) -> None:
        if name == "drop-sockets":
            self._drop_sockets()
        else:
            super().fault(name, count, path, **fields)

    def _drop_sockets(self) -> None:
        """Break all notification sockets, those of the log too."""
        self.hub.drop()
        self.log_hub.drop()

    @override
    async def stop_listening(self) -> None:
        self._listens = False
        await super().stop_listening()

    @override
    async def listen_again(self, port: int | None = None) -> None:
        self.port = port or self.port
        self._listens = True
        await self._listen_as_due()

    async def restart(
        self,
        version: str | None = None,
        *,
        refused_for: float = 0,
        maintenance_for: float = 0,
        how: str = Absence.REFUSED,
    ) -> None:
        """Die and come back; seconds are simulated, nothing that ran goes on.

        `how` is what clients meet meanwhile.
        """
        self._break_connections(Absence(how))
        self.state.restart(version, down_for=refused_for)
        self.state.outage.begin(refused_for, maintenance_for, Absence(how))
        await self._listen_as_due()

    async def go_away(self, seconds: float = 1, *, how: str = Absence.REFUSED) -> None:
        """Be cut off for so many simulated seconds, in which all that runs goes on."""
        self._break_connections(Absence(how))
        self.state.outage.begin(seconds, 0, Absence(how))
        await self._listen_as_due()

    def _break_connections(self, how: Absence) -> None:
        """Break all at once: a dead process sends no last notifications."""
        self.state.catch_up()
        self._abort_connections(reset=how is Absence.RESET)
        self._drop_sockets()

    async def _listen_as_due(self) -> None:
        outage = self.state.outage
        how = outage.how if outage.refusing else None
        set_route(self.port, closed=how is Absence.UNREACHABLE)
        if self._listens and how is not Absence.REFUSED:
            await self._open()
        else:
            self._close()

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
            delay = None if due is None else clock.wall_seconds(due - clock.now())
            with suppress(TimeoutError):
                async with asyncio.timeout(delay):
                    await self._wake.wait()
