"""One port for TLS and plain http: the first byte of a connection tells which it is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from enum import StrEnum
import socket
import ssl
import struct

# The first byte of every TLS connection: a handshake record.
_HANDSHAKE = b"\x16"
_ENOUGH = 65_536
_ALERT = bytes.fromhex("15 03 01 00 02 02 46")  # fatal: protocol version
_BAD_REQUEST = (
    b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n"
)
_REDIRECT = (
    "HTTP/1.1 301 Moved Permanently\r\nLocation: https://{}{}\r\n"
    "Content-Length: 0\r\nConnection: close\r\n\r\n"
)


class SecureConnections(StrEnum):
    """What the server's setting of this name says about plain http."""

    REQUIRED = "required"
    PREFERRED = "preferred"


class PlainHttp(StrEnum):
    """What becomes of plain http where it is not wanted; all but the first are guesses."""

    CLOSED = "closed"
    RESET = "reset"
    # As TLS libraries answer what is no handshake.
    ALERT = "alert"
    # As proxies do in front of a server.
    BAD_REQUEST = "400"
    REDIRECT = "redirect"


class Gate:
    """Accepts connections; TLS is served, plain http is served or hung up on."""

    def __init__(
        self,
        protocol: Callable[[], asyncio.BaseProtocol],
        address: tuple[str, int],
        *,
        context: Callable[[], ssl.SSLContext | None],
        secure_connections: Callable[[], SecureConnections],
        plain_http: Callable[[], PlainHttp],
        turned_away: list[str],
    ) -> None:
        """Listen; what the callables return is asked for each connection anew."""
        family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self._socket = socket.create_server(address, family=family)
        self._socket.settimeout(0)
        self._protocol = protocol
        self._context = context
        self._secure_connections = secure_connections
        self._plain_http = plain_http
        # Requests as they came, token and all.
        self.turned_away = turned_away
        self._greeting: set[asyncio.Task[None]] = set()
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._socket, self._accept)

    @property
    def port(self) -> int:
        """Return the port, also when a free one was taken."""
        return int(self._socket.getsockname()[1])

    def close(self) -> None:
        """Accept nobody any more, and send away who has not said a word yet."""
        self._loop.remove_reader(self._socket)
        self._socket.close()
        for task in self._greeting:
            task.cancel()

    async def wait_closed(self) -> None:
        """Wait until nobody is being greeted."""
        await asyncio.gather(*self._greeting, return_exceptions=True)

    def _accept(self) -> None:
        with suppress(BlockingIOError, ConnectionError):
            connection, _ = self._socket.accept()
            connection.settimeout(0)
            # At once, so that a connection is never left without a task to close it.
            task = self._loop.create_task(self._greet(connection), eager_start=True)
            self._greeting.add(task)
            task.add_done_callback(self._greeting.discard)

    async def _greet(self, connection: socket.socket) -> None:
        try:
            await _readable(connection)
            secure = connection.recv(1, socket.MSG_PEEK) == _HANDSHAKE
            if secure or self._secure_connections() is SecureConnections.PREFERRED:
                await self._serve(connection, self._context() if secure else None)
            else:
                # What is left unread would make of the end a reset.
                asked = connection.recv(_ENOUGH).decode("latin-1")
                self.turned_away.append(asked)
                self._refuse(connection, asked)
        except OSError:
            pass  # the client is gone, or does not like the certificate
        finally:
            # Who is served has a copy.
            connection.close()

    def _refuse(self, connection: socket.socket, asked: str) -> None:
        match self._plain_http():
            case PlainHttp.RESET:
                at_once = struct.pack("ii", 1, 0)
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, at_once)
            case PlainHttp.ALERT:
                connection.send(_ALERT)
            case PlainHttp.BAD_REQUEST:
                connection.send(_BAD_REQUEST)
            case PlainHttp.REDIRECT:
                host = asked.partition("\r\nHost: ")[2].partition("\r\n")[0]
                path = asked.split(" ", 2)[1]
                connection.send(_REDIRECT.format(host, path).encode())

    async def _serve(
        self, connection: socket.socket, context: ssl.SSLContext | None
    ) -> None:
        await self._loop.connect_accepted_socket(
            self._protocol, connection.dup(), ssl=context
        )


async def _readable(connection: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    readable = asyncio.Event()
    loop.add_reader(connection, readable.set)
    try:
        await readable.wait()
    finally:
        loop.remove_reader(connection)
