"""The listening socket: one address, that can go away and come back."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
import socket
import ssl
import struct

from aiohttp import web

from .gate import Gate, PlainHttp, SecureConnections

# Ends a connection with a reset instead of an orderly end.
_LINGER_NOT = struct.pack("ii", 1, 0)
_PATIENCE = 1.0
_ROUNDS = 3


def abort(transport: asyncio.Transport, *, reset: bool = False) -> None:
    """Close a connection at once, with or without a reset."""
    if reset:
        connection: socket.socket = transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
    transport.abort()


class Listener:
    """Listens at a host and port; port 0 takes a free one and keeps it."""

    def __init__(
        self,
        handler: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]],
        address: tuple[str, int],
        tls: ssl.SSLContext | None,
    ) -> None:
        """Do not listen yet."""
        self._host, self.port = address
        self.tls = tls
        self.secure_connections = SecureConnections.REQUIRED
        self.plain_http = PlainHttp.CLOSED
        self.turned_away: list[str] = []
        self._server = web.Server(handler, access_log=None)
        self._listening: asyncio.Server | Gate | None = None

    @property
    def url(self) -> str:
        """Return the address."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return self.url_at(host)

    @property
    def listening(self) -> bool:
        """Return if connections are accepted."""
        return self._listening is not None

    def url_at(self, host: str, *, scheme: str | None = None) -> str:
        """Return the address under another name, or with another scheme."""
        scheme = scheme or ("http" if self.tls is None else "https")
        return f"{scheme}://{host}:{self.port}"

    async def open(self) -> None:
        """Accept connections, at the same port as before."""
        if self._listening is None:
            await (self._open_plain() if self.tls is None else self._open_gate())

    def close(self) -> None:
        """Let new connections be refused."""
        if self._listening is not None:
            self._listening.close()
            self._listening = None

    def use_certificate(self, tls: ssl.SSLContext) -> None:
        """Show another certificate, to those who are connected as well."""
        if self.tls is None:
            raise TypeError("only a server with TLS has a certificate")
        self.tls = tls
        self.abort_connections()

    def abort_connections(
        self, spare: asyncio.BaseTransport | None = None, *, reset: bool = False
    ) -> None:
        """Break all connections but one, as a process that dies does."""
        for connection in self._server.connections:
            transport = connection.transport
            if transport is not None and transport is not spare:
                abort(transport, reset=reset)

    async def shutdown(self) -> None:
        """Stop for good; no task and no socket is left."""
        gate = self._listening
        self.close()
        if isinstance(gate, Gate):
            await gate.wait_closed()
        # Who has just been accepted needs some rounds of the loop to be known.
        for _ in range(_ROUNDS):
            await asyncio.sleep(0)
        self.abort_connections()
        await self._server.shutdown(_PATIENCE)

    async def _open_plain(self) -> None:
        loop = asyncio.get_running_loop()
        self._listening = await loop.create_server(
            self._server, self._host, self.port, reuse_address=True
        )
        self.port = self._listening.sockets[0].getsockname()[1]

    async def _open_gate(self) -> None:
        self._listening = Gate(
            self._server,
            (self._host, self.port),
            context=lambda: self.tls,
            secure_connections=lambda: self.secure_connections,
            plain_http=lambda: self.plain_http,
            turned_away=self.turned_away,
        )
        self.port = self._listening.port
