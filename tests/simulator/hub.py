"""The notification sockets: who is connected, and what each still has to get."""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import suppress

from aiohttp import WSMsgType, web

from .encoding import to_bytes, to_json
from .frames import Frame

LOG = "log"
# Without filters, all but the log is sent.
_DEFAULT_FILTERS = f"-{LOG}"


class Socket:
    """One connected client; frames wait here until they are sent, in order."""

    def __init__(
        self, request: web.BaseRequest, *, filters: str | None, owner: bool
    ) -> None:
        """Begin with nothing to send."""
        self.response = web.WebSocketResponse(compress=False)
        filters = _DEFAULT_FILTERS if filters is None else filters
        self.only_log = filters == LOG
        self._leaves_out = filters.startswith("-") or not filters
        self.filters = frozenset(filter(None, filters.removeprefix("-").split(",")))
        self.sent = 0
        self.muted = False
        self._request = request
        self._owner = owner
        self._pending: deque[str | bytes] = deque()
        self._arrived = asyncio.Event()
        self._flushed = asyncio.Event()
        self._flushed.set()

    def wants(self, kind: str) -> bool:
        """Return if this client gets such frames; only the owner gets any."""
        if self.muted or not self._owner:
            return False
        return (kind in self.filters) is not self._leaves_out

    def put(self, data: str | bytes) -> None:
        """Let a frame wait to be sent."""
        self._pending.append(data)
        self._flushed.clear()
        self._arrived.set()

    async def send_forever(self) -> None:
        """Send what waits until the connection is gone."""
        with suppress(ConnectionError):
            while True:
                await self._arrived.wait()
                self._arrived.clear()
                await self._send_pending()
                self._flushed.set()

    async def flushed(self) -> None:
        """Wait until nothing waits to be sent."""
        await self._flushed.wait()

    def forget(self) -> None:
        """Keep nobody waiting for a socket that is gone."""
        self._pending.clear()
        self._flushed.set()

    def abort(self) -> None:
        """Break the connection without a word."""
        self.forget()
        if self._request.transport is not None:
            self._request.transport.abort()

    async def _send_pending(self) -> None:
        while self._pending:
            data = self._pending.popleft()
            if isinstance(data, bytes):
                await self.response.send_bytes(data)
            else:
                # Not `send_str`: some texts hold what is no UTF-8.
                await self.response.send_frame(to_bytes(data), WSMsgType.TEXT)
            self.sent += 1


class NotificationHub:
    """All sockets; a frame is written once and put to each that wants it."""

    def __init__(self, *, loose: bool) -> None:
        """Begin with no socket."""
        self.sockets: list[Socket] = []
        self.connected = 0
        self._sent_before = 0
        self.muted = False
        self._loose = loose

    @property
    def sent(self) -> int:
        """Return how many frames were handed to connections since the start."""
        return self._sent_before + sum(socket.sent for socket in self.sockets)

    def publish(self, frame: Frame) -> None:
        """Send a frame to all who want it."""
        if not (takers := self.takers(frame.type)):
            return
        text = to_json(frame.as_dict(), loose=self._loose)
        for socket in takers:
            socket.put(text)

    def send_raw(self, data: str | bytes) -> None:
        """Send anything to everybody, wrong frames too."""
        for socket in self.sockets:
            socket.put(data)

    def takers(self, kind: str) -> list[Socket]:
        """Return the sockets that get such frames now."""
        if self.muted:
            return []
        return [socket for socket in self.sockets if socket.wants(kind)]

    def attach(self, socket: Socket) -> None:
        """Let a socket get frames."""
        self.connected += 1
        self.sockets.append(socket)

    def detach(self, socket: Socket) -> None:
        """Let a socket get no more frames."""
        socket.forget()
        self._sent_before += socket.sent
        self.sockets.remove(socket)

    async def flush(self) -> None:
        """Wait until every frame has been handed to its connection."""
        await asyncio.gather(*(socket.flushed() for socket in self.sockets))

    def drop(self) -> None:
        """Break all connections."""
        for socket in self.sockets:
            socket.abort()
