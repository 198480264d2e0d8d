"""What is pushed: notifications and lines of the log, and the sockets that get them."""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
import itertools
import json
from typing import Any

from aiohttp import WSMsgType, web

from .api import Ask, to_bytes, to_json
from .profiles import LogFormat, Traits
from .timeline import Timeline

LOG = "log"


@dataclass(frozen=True)
class Frame:
    """One notification: its type, and the elements under its key."""

    type: str
    key: str
    elements: tuple[Mapping[str, Any], ...]

    def as_dict(self) -> dict[str, Any]:
        elements = list(self.elements)
        body = {"type": self.type, "size": len(elements), self.key: elements}
        return {"NotificationContainer": body}


def status_frame(title: str, description: str = "") -> Frame:
    element = {"title": title, "description": description}
    element |= {"notificationName": "LIBRARY_UPDATE"}
    return Frame("status", "StatusNotification", (element,))


def timeline_frame(item: int, title: str, state: int, now: float) -> Frame:
    element = {
        "identifier": "com.plexapp.plugins.library",
        "sectionID": "1",
        "itemID": str(item),
        "type": 1,
        "title": title,
        "state": state,
        "updatedAt": int(now),
    }
    return Frame("timeline", "TimelineEntry", (element,))


def playing_frame(session_key: str, rating_key: str, state: str, offset: int) -> Frame:
    element = {
        "sessionKey": session_key,
        "clientIdentifier": f"player-{session_key}",
        "ratingKey": rating_key,
        "key": f"/library/metadata/{rating_key}",
        "viewOffset": offset,
        "state": state,
    }
    return Frame("playing", "PlaySessionStateNotification", (element,))


def log_frame(message: str) -> Frame:
    """Return a line of the log as one of many shapes has it."""
    return Frame("log", "LogNotification", ({"level": 3, "message": message},))


class Socket:
    """One connected client; frames wait here until they are sent, in order."""

    def __init__(
        self, request: web.BaseRequest, *, filters: str | None, owner: bool
    ) -> None:
        self.response = web.WebSocketResponse(compress=False)
        # Without filters, all but the log is sent.
        filters = f"-{LOG}" if filters is None else filters
        self.only_log = filters == LOG
        self._leaves_out = filters.startswith("-") or not filters
        self.filters = frozenset(filter(None, filters.removeprefix("-").split(",")))
        self.sent = 0
        self._request = request
        self._owner = owner
        self._pending: asyncio.Queue[str | bytes] = asyncio.Queue()

    def wants(self, kind: str) -> bool:
        """Return True if this client gets such frames; only the owner gets any."""
        return self._owner and (kind in self.filters) is not self._leaves_out

    def put(self, data: str | bytes) -> None:
        with suppress(asyncio.QueueShutDown):
            self._pending.put_nowait(data)

    async def send_forever(self) -> None:
        with suppress(ConnectionError, asyncio.QueueShutDown):
            while True:
                data = await self._pending.get()
                try:
                    await self._send(data)
                finally:
                    self._pending.task_done()
                self.sent += 1

    async def flush(self) -> None:
        await self._pending.join()

    def forget(self) -> None:
        """Drop what waits, because the socket is gone."""
        self._pending.shutdown(immediate=True)

    def abort(self) -> None:
        """Break the connection without a closing frame."""
        self.forget()
        if self._request.transport is not None:
            self._request.transport.abort()

    async def _send(self, data: str | bytes) -> None:
        if isinstance(data, bytes):
            await self.response.send_bytes(data)
        else:
            # Not `send_str`: some texts hold what is no UTF-8.
            await self.response.send_frame(to_bytes(data), WSMsgType.TEXT)


class NotificationHub:
    """All sockets; a frame is written once and put to each that wants it."""

    connected = 0
    muted = False
    _sent_before = 0

    def __init__(self, *, loose: bool) -> None:
        self.sockets: list[Socket] = []
        self._loose = loose

    @property
    def sent(self) -> int:
        """Return how many frames were handed to connections since the start."""
        return self._sent_before + sum(socket.sent for socket in self.sockets)

    def publish(self, frame: Frame) -> None:
        if takers := self.takers(frame.type):
            text = to_json(frame.as_dict(), loose=self._loose)
            for socket in takers:
                socket.put(text)

    def send_raw(self, data: str | bytes) -> None:
        """Send anything to all sockets, wrong frames too."""
        for socket in self.sockets:
            socket.put(data)

    def takers(self, kind: str) -> list[Socket]:
        if self.muted:
            return []
        return [socket for socket in self.sockets if socket.wants(kind)]

    def attach(self, socket: Socket) -> None:
        self.connected += 1
        self.sockets.append(socket)

    def detach(self, socket: Socket) -> None:
        socket.forget()
        self._sent_before += socket.sent
        self.sockets.remove(socket)

    async def flush(self) -> None:
        await asyncio.gather(*(socket.flush() for socket in self.sockets))

    def drop(self) -> None:
        for socket in self.sockets:
            socket.abort()


@dataclass
class Exchange:
    """The answer to a request; a socket that is closed has got -3."""

    status: int = 200
    size: int = 0


class ServerLog:
    """The server's debug log; lines are formatted only while a socket gets them."""

    def __init__(self, timeline: Timeline, traits: Traits) -> None:
        # At a higher level, or behind some proxies, the stream stays empty.
        self.tells = traits.log_tells
        self.refused = traits.log_refused
        # The first is of those who get nothing but the log.
        self.hubs: tuple[NotificationHub, ...] = ()
        self._timeline = timeline
        self._traits = traits
        self._request = ""
        self._lines: list[str] = []
        self._live = 0
        self._numbers = itertools.count(0x1A)

    def write(self, line: str, *parts: object) -> None:
        """Write a line; the parts fill its braces, and `{q}` is a quote if there are."""
        if not (takers := self._takers()):
            return
        quote = '"' if self._traits.log_quotes else ""
        self._lines.append(self._request + line.format(*parts, q=quote))
        if not self._traits.log_batches:
            self._send(takers)
        elif len(self._lines) == 1:
            asyncio.get_running_loop().call_soon(self.flush)

    def flush(self) -> None:
        """Send what waits for the end of the instant."""
        if self._lines:
            self._send(self._takers())

    @contextmanager
    def exchange(self, ask: Ask) -> Iterator[Exchange]:
        """Write of a request and its answer; lines between are marked as caused by it."""
        number = self.request(ask)
        self._request = f"[Req#{number:x}] "
        exchange = Exchange()
        try:
            yield exchange
        finally:
            self._request = ""
            self.completed(ask, number, exchange)

    def request(self, ask: Ask) -> int:
        number = next(self._numbers)
        self._live += 1
        net = "Loopback" if ask.peer.startswith("127.") else "Subnet"
        line = "Request: [{} ({})] {} {} ({} live) #{:x} GZIP Signed-in Token (robin)"
        asked = (ask.peer, net, ask.method, ask.target, self._live, number)
        self.write(line, *asked)
        return number

    def completed(self, ask: Ask, number: int, answer: Exchange) -> None:
        line = "Completed: [{}] {} {} {} ({} live) #{:x} GZIP 1ms {} bytes"
        asked = (ask.method, ask.target, self._live, number)
        self.write(line, ask.peer, answer.status, *asked, answer.size)
        self._live -= 1

    def _takers(self) -> list[Socket]:
        if not self.tells:
            return []
        return [socket for hub in self.hubs for socket in hub.takers(LOG)]

    def _send(self, takers: list[Socket]) -> None:
        for frame in self._frames():
            for socket in takers:
                socket.put(frame)
        self._lines.clear()

    def _frames(self) -> Iterator[str]:
        """Yield what is sent for the lines of one instant."""
        traits, lines = self._traits, self._lines
        if traits.log_prefix:
            at = datetime.fromtimestamp(self._timeline.now, UTC)
            time = f"{at:%b %d, %Y %H:%M:%S}.{at.microsecond // 1000:03}"
            prefix = f"{time} [139876543210304] DEBUG - "
            lines = [prefix + line for line in lines]
        level = {} if traits.log_prefix else {"level": "DEBUG"}
        entries = [level | {"message": line} for line in lines]
        match traits.log_format:
            case LogFormat.LIST:
                frame = Frame(LOG, "LogNotification", tuple(entries))
                yield json.dumps(frame.as_dict())
            case LogFormat.FIELD:
                yield from map(json.dumps, entries)
            case LogFormat.TWICE:
                for entry in entries:
                    body = {"type": LOG, "size": 1, "data": json.dumps(entry)}
                    yield json.dumps({"NotificationContainer": body})
            case LogFormat.TEXT:
                yield "\n".join(lines)
