"""The server's debug log, of which only those who ask for it get the lines."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
import itertools
import json

from .hub import LOG, NotificationHub, Socket
from .messages import Ask
from .timeline import Timeline
from .traits import LogFormat, Traits

_THREAD = 139876543210304
_LEVEL = "DEBUG"
USER = "robin"


@dataclass
class Exchange:
    """What a request has got; a socket that is closed has got -3."""

    status: int = 200
    size: int = 0


class ServerLog:
    """Lines that are formatted only while a socket gets them."""

    def __init__(self, timeline: Timeline, traits: Traits) -> None:
        """Begin without listeners."""
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
        """Write that a request has come; returns its number."""
        number = next(self._numbers)
        self._live += 1
        self.write(
            "Request: [{} ({})] {} {} ({} live) #{:x} GZIP Signed-in Token ({})",
            ask.peer,
            "Loopback" if ask.peer.startswith("127.") else "Subnet",
            ask.method,
            ask.target,
            self._live,
            number,
            USER,
        )
        return number

    def completed(self, ask: Ask, number: int, answer: Exchange) -> None:
        """Write that a request has been answered."""
        self.write(
            "Completed: [{}] {} {} {} ({} live) #{:x} GZIP 1ms {} bytes",
            ask.peer,
            answer.status,
            ask.method,
            ask.target,
            self._live,
            number,
            answer.size,
        )
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
            prefix = f"{time} [{_THREAD}] {_LEVEL} - "
            lines = [prefix + line for line in lines]
        level = {} if traits.log_prefix else {"level": _LEVEL}
        entries = [level | {"message": line} for line in lines]
        match traits.log_format:
            case LogFormat.LIST:
                yield _container(size=len(entries), LogNotification=entries)
            case LogFormat.FIELD:
                yield from map(json.dumps, entries)
            case LogFormat.TWICE:
                for entry in entries:
                    yield _container(size=1, data=json.dumps(entry))
            case LogFormat.TEXT:
                yield "\n".join(lines)


def _container(**fields: object) -> str:
    return json.dumps({"NotificationContainer": {"type": "log"} | fields})
