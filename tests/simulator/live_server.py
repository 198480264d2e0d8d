"""A server state on a socket, moved by a clock."""

from __future__ import annotations

import asyncio
from contextlib import suppress
import ssl
from types import TracebackType
from typing import Self

from .clock import Clock, ManualClock, WallClock
from .front import Front
from .gate import PlainHttp, SecureConnections
from .hub import NotificationHub
from .listener import Listener
from .outage import Absence
from .requests_log import RecordedRequest
from .router import Doorman
from .routes import close_route, open_route
from .state import ServerState


class LiveServer:
    """Listens, and lets things happen when they are due."""

    def __init__(
        self,
        state: ServerState,
        *,
        clock: Clock,
        doorman: Doorman,
        address: tuple[str, int],
        prefix: str,
        tls: ssl.SSLContext | None,
    ) -> None:
        """Do not listen yet."""
        self.state = state
        self.clock = clock
        self._prefix = prefix.rstrip("/")
        self._front = Front(state, doorman, prefix=self._prefix)
        self._listener = Listener(self._front.handle, address, tls)
        self._listens = False
        self._wake = asyncio.Event()
        self._pump_task: asyncio.Task[None] | None = None
        state.timeline.on_planned = self._wake.set

    async def start(self) -> Self:
        """Listen."""
        await self.listen_again()
        if isinstance(self.clock, WallClock):
            self._pump_task = asyncio.create_task(self._pump(self.clock))
        return self

    async def stop(self) -> None:
        """Leave no task and no socket behind."""
        if self._pump_task is not None:
            self._pump_task.cancel()
            with suppress(asyncio.CancelledError):
                await self._pump_task
        open_route(self.port)
        self._front.release_all()
        await self._listener.shutdown()

    async def __aenter__(self) -> Self:
        return await self.start()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()

    @property
    def url(self) -> str:
        """Return the base address, with the prefix."""
        return self._listener.url + self._prefix

    @property
    def port(self) -> int:
        """Return the port, which a server keeps for its life."""
        return self._listener.port

    def url_at(self, host: str, *, scheme: str | None = None) -> str:
        """Return the base address under another name, or with another scheme."""
        return self._listener.url_at(host, scheme=scheme) + self._prefix

    @property
    def secure_connections(self) -> SecureConnections:
        """Return what a server with TLS makes of plain http, to be read and written."""
        return self._listener.secure_connections

    @secure_connections.setter
    def secure_connections(self, value: SecureConnections) -> None:
        self._listener.secure_connections = value

    @property
    def plain_http(self) -> PlainHttp:
        """Return how plain http is turned away, to be read and written."""
        return self._listener.plain_http

    @plain_http.setter
    def plain_http(self, value: PlainHttp) -> None:
        self._listener.plain_http = value

    @property
    def turned_away(self) -> list[str]:
        """Return the plain requests, as they came, that were turned away."""
        return self._listener.turned_away

    async def use_certificate(self, tls: ssl.SSLContext) -> None:
        """Show another certificate from now on; whoever is connected is cut off."""
        self._listener.use_certificate(tls)

    @property
    def requests(self) -> list[RecordedRequest]:
        """Return what was asked so far; clear it at will."""
        return self._front.requests

    @property
    def hub(self) -> NotificationHub:
        """Return the notification sockets."""
        return self._front.hub

    @property
    def log_hub(self) -> NotificationHub:
        """Return the sockets of those who asked for the log alone."""
        return self._front.log_hub

    @property
    def parked(self) -> int:
        """Return how many requests wait until a database task ends."""
        return self._front.parking.waiting

    @property
    def hangs(self) -> bool:
        """Return if all but /identity waits, to be read and written."""
        return self._front.parking.held

    @hangs.setter
    def hangs(self, hangs: bool) -> None:
        self._front.parking.held = hangs

    async def stop_listening(self) -> None:
        """Break all connections and refuse new ones until `listen_again`."""
        self._listens = False
        await self._listen_as_due()
        self._listener.abort_connections()

    async def listen_again(self, port: int | None = None) -> None:
        """Accept connections, at the same port or at another one."""
        self._listener.port = port or self.port
        self._listens = True
        await self._listen_as_due()

    async def restart(
        self,
        version: str | None = None,
        *,
        refused_for: float = 0,
        maintenance_for: float = 0,
        how: str = Absence.REFUSED,
        spare: asyncio.BaseTransport | None = None,
    ) -> None:
        """Die and come back; seconds are simulated, nothing that ran goes on.

        `how` is what clients meet meanwhile, `spare` the connection over which somebody
        asked for it.
        """
        self.state.catch_up()
        # Dead processes say no last words: the sockets break first.
        self._break_connections(Absence(how), spare)
        self.state.restart(version, down_for=refused_for)
        self.state.outage.begin(refused_for, maintenance_for, Absence(how))
        await self._listen_as_due()

    async def go_away(
        self,
        seconds: float = 1,
        *,
        how: str = Absence.REFUSED,
        spare: asyncio.BaseTransport | None = None,
    ) -> None:
        """Be cut off for so many simulated seconds, in which all that runs goes on."""
        self.state.catch_up()
        self._break_connections(Absence(how), spare)
        self.state.outage.begin(seconds, 0, Absence(how))
        await self._listen_as_due()

    def next_event_at(self) -> float | None:
        """Return when something happens next, in seconds since the epoch."""
        return self.state.timeline.next_at()

    async def advance(self, seconds: float) -> None:
        """Move simulated time on; all frames are with the sockets afterwards."""
        await self.advance_to(self.clock.now() + seconds)

    async def advance_to(self, when: float) -> None:
        """Move simulated time to a moment."""
        if not isinstance(self.clock, ManualClock):
            raise TypeError("only a ManualClock can be moved")
        self.clock.move_to(when)
        self.state.catch_up()
        await self._listen_as_due()
        await self.flush()

    async def flush(self) -> None:
        """Wait until every frame has been handed to its connection."""
        self.state.log.flush()
        await self.hub.flush()
        await self.log_hub.flush()

    def drop_sockets(self) -> None:
        """Break all notification sockets, those of the log too."""
        self.hub.drop()
        self.log_hub.drop()

    async def _pump(self, clock: WallClock) -> None:
        while True:
            self.state.catch_up()
            await self._listen_as_due()
            self._wake.clear()
            due = self.next_event_at()
            delay = None if due is None else clock.wall_seconds(due - clock.now())
            with suppress(TimeoutError):
                async with asyncio.timeout(delay):
                    await self._wake.wait()

    async def _listen_as_due(self) -> None:
        outage = self.state.outage
        if outage.refusing and outage.how is Absence.UNREACHABLE:
            close_route(self.port)
        else:
            open_route(self.port)
        if self._listens and not outage.deaf:
            await self._listener.open()
        else:
            self._listener.close()

    def _break_connections(
        self, how: Absence, spare: asyncio.BaseTransport | None
    ) -> None:
        self._listener.abort_connections(spare, reset=how is Absence.RESET)
        self.drop_sockets()
