"""The listening socket: one address, that can go away and come back."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
import ssl

from aiohttp import web

_PATIENCE = 1.0
_ROUNDS = 3


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
        self._tls = tls
        self._server = web.Server(handler, access_log=None)
        self._listening: asyncio.Server | None = None

    @property
    def url(self) -> str:
        """Return the address."""
        scheme = "http" if self._tls is None else "https"
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"{scheme}://{host}:{self.port}"

    @property
    def listening(self) -> bool:
        """Return if connections are accepted."""
        return self._listening is not None

    async def open(self) -> None:
        """Accept connections, at the same port as before."""
        if self._listening is not None:
            return
        loop = asyncio.get_running_loop()
        self._listening = await loop.create_server(
            self._server, self._host, self.port, ssl=self._tls, reuse_address=True
        )
        self.port = self._listening.sockets[0].getsockname()[1]

    def close(self) -> None:
        """Let new connections be refused."""
        if self._listening is not None:
            self._listening.close()
            self._listening = None

    def abort_connections(self, spare: asyncio.BaseTransport | None = None) -> None:
        """Break all connections but one, as a process that dies does."""
        for connection in self._server.connections:
            transport = connection.transport
            if transport is not None and transport is not spare:
                transport.abort()

    async def shutdown(self) -> None:
        """Stop for good; no task and no socket is left."""
        self.close()
        # Who has just been accepted needs some rounds of the loop to be known.
        for _ in range(_ROUNDS):
            await asyncio.sleep(0)
        self.abort_connections()
        await self._server.shutdown(_PATIENCE)
