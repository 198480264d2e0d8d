"""Sockets and names: TLS and plain http at one port, which fault is next, and DNS."""

from abc import ABC, abstractmethod
import asyncio
from collections.abc import Awaitable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
import errno
import os
import socket
import ssl
import struct
from typing import Any, Self
from unittest.mock import patch

# A part of aiohttp: there is no way to make an address of this machine unreachable.
import aiohappyeyeballs
from aiohttp import web
from aiohttp.abc import ResolveResult
from aiohttp.resolver import AsyncResolver

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
_FAULTS = """
400 401 403 404 429 500 502 503 504
refuse reset slow late cut garbage wrong-shape huge gzip-bomb redirect ignore
half-open frame-cut ping-cut
"""
# Ends a connection with a reset instead of an orderly end.
_LINGER_NOT = struct.pack("ii", 1, 0)
_PATIENCE = 1.0
_ROUNDS = 3

CERT_HASH = "0a1b2c3d4e5f60718293a4b5c6d7e8f9"
_LOOPBACK = "127.0.0.1"
# No server listens there.
_CLOSED_PORT = 9
# aiohttp has the number of an error here, and for a name that there is not it is None.
_UNKNOWN_NAME = (None, "Domain name not found")


# What the server's setting of this name says about plain http.
SecureConnections = StrEnum("SecureConnections", "REQUIRED PREFERRED")


class PlainHttp(StrEnum):
    """What becomes of plain http where it is not wanted; all but the first are guesses."""

    CLOSED = "closed"
    RESET = "reset"
    # As TLS libraries answer what is no handshake.
    ALERT = "alert"
    # As proxies do in front of a server.
    BAD_REQUEST = "400"
    REDIRECT = "redirect"


@dataclass(kw_only=True)
class Fault:
    """A fault and for how many requests more; `count` None is until it is cleared."""

    name: str
    count: int | None = 1
    path: str = "/"
    method: str | None = None
    # Wall seconds of `slow` and `late`.
    delay: float = 5.0
    # Seconds after which plex.tv wants to be asked again.
    retry_after: int | None = None
    # Where `redirect` leads: an origin such as http://127.0.0.1:1234.
    target: str = "http://127.0.0.1:9"

    async def wait(self, stopping: asyncio.Event) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(self.delay):
                await stopping.wait()


class NoAnswerError(Exception):
    """The connection is closed instead of an answer, in order or with a reset."""

    def __init__(self, *, reset: bool = False) -> None:
        super().__init__()
        self.reset = reset


@dataclass(kw_only=True)
class RecordedRequest:
    """A request; `status` is None while it waits, or when it got no answer."""

    at: float
    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    status: int | None = None

    @classmethod
    def of(cls, request: web.BaseRequest, now: float) -> RecordedRequest:
        # Names of headers ignore case.
        path, query, headers = request.path, dict(request.query), request.headers.copy()
        method = request.method
        return cls(at=now, method=method, path=path, query=query, headers=headers)


def abort(transport: asyncio.BaseTransport | None, *, reset: bool = False) -> None:
    """Close a connection at once, with or without a reset."""
    if isinstance(transport, asyncio.Transport):
        if reset:
            connection: socket.socket = transport.get_extra_info("socket")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
        transport.abort()


class Listener(ABC):
    """A web server at a host and port, with faults; port 0 takes a free one."""

    def __init__(
        self, address: tuple[str, int], tls: ssl.SSLContext | None, prefix: str = ""
    ) -> None:
        self.secure_connections = SecureConnections.REQUIRED
        self.plain_http = PlainHttp.CLOSED
        # Plain requests as they came, token and all, to a server with TLS.
        self.turned_away: list[str] = []
        self.requests: list[RecordedRequest] = []
        self._faults: list[Fault] = []
        self._stopping = asyncio.Event()
        self._host, self.port = address
        self._tls = tls
        self._prefix = prefix.rstrip("/")
        self._server = web.Server(self._handle, access_log=None)
        self._listens = False
        self._listening: asyncio.Server | _TlsPort | None = None

    @abstractmethod
    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request."""

    async def start(self) -> Self:
        await self.listen_again()
        return self

    async def stop(self) -> None:
        """Let all requests that wait here go on, and leave no task and no socket."""
        self._stopping.set()
        listening = self._listening
        self._close()
        if isinstance(listening, _TlsPort):
            await listening.wait_closed()
        # A connection that has just been accepted is known some rounds of the loop later.
        for _ in range(_ROUNDS):
            await asyncio.sleep(0)
        self._abort_connections()
        await self._server.shutdown(_PATIENCE)

    async def __aenter__(self) -> Self:
        return await self.start()

    async def __aexit__(self, *_error: object) -> None:
        await self.stop()

    @property
    def url(self) -> str:
        return self.url_at(f"[{self._host}]" if ":" in self._host else self._host)

    def url_at(self, host: str, *, scheme: str | None = None) -> str:
        """Return the base address under another name, or with another scheme."""
        scheme = scheme or ("http" if self._tls is None else "https")
        return f"{scheme}://{host}:{self.port}{self._prefix}"

    async def stop_listening(self) -> None:
        """Break all connections and refuse new ones until `listen_again`."""
        self._listens = False
        await self._listen_as_due()
        self._abort_connections()

    async def listen_again(self, port: int | None = None) -> None:
        """Accept connections, at the same port or at another one."""
        self.port = port or self.port
        self._listens = True
        await self._listen_as_due()

    async def use_certificate(self, tls: ssl.SSLContext) -> None:
        """Show another certificate, and cut off those who are connected."""
        self._tls = tls
        self._abort_connections()

    async def _listen_as_due(self) -> None:
        if not self._listens:
            self._close()
        elif self._listening is None:
            address = self._host, self.port
            if self._tls is None:
                loop = asyncio.get_running_loop()
                self._listening = await loop.create_server(
                    self._server, *address, reuse_address=True
                )
            else:
                self._listening = _TlsPort(self, address)
            self.port = self._listening.sockets[0].getsockname()[1]

    def fault(
        self, name: str, count: int | None = 1, path: str = "/", **fields: Any
    ) -> None:
        if name not in _FAULTS.split():
            raise ValueError(f"no such fault: {name}")
        self._faults.append(Fault(name=name, count=count, path=path, **fields))

    def clear_faults(self) -> None:
        self._faults.clear()

    def _take_fault(self, method: str, target: str) -> Fault | None:
        """Return the oldest fault that fits, which is used up by it."""
        for fault in self._faults:
            meant = fault.method in (None, method) and target.startswith(fault.path)
            if meant and fault.count != 0:
                if fault.count is not None:
                    fault.count -= 1
                return fault
        return None

    async def _record(
        self,
        request: web.BaseRequest,
        now: float,
        answering: Awaitable[web.StreamResponse],
    ) -> web.StreamResponse:
        entry = RecordedRequest.of(request, now)
        self.requests.append(entry)
        try:
            response = await answering
        except NoAnswerError as err:
            abort(request.transport, reset=err.reset)
            return web.Response(status=500)
        entry.status = response.status
        return response

    def _close(self) -> None:
        if self._listening is not None:
            self._listening.close()
            self._listening = None

    def _abort_connections(self, *, reset: bool = False) -> None:
        """Break all connections, as a process that dies does."""
        for connection in self._server.connections:
            abort(connection.transport, reset=reset)


class _TlsPort:
    """Looks at the first byte of each connection: TLS, or plain http."""

    def __init__(self, listener: Listener, address: tuple[str, int]) -> None:
        family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self._socket = socket.create_server(address, family=family)
        self._socket.settimeout(0)
        self.sockets = (self._socket,)
        self._listener = listener
        self._greeting: set[asyncio.Task[None]] = set()
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._socket, self._accept)

    def close(self) -> None:
        """Accept no connection any more, and close those that have sent nothing yet."""
        self._loop.remove_reader(self._socket)
        self._socket.close()
        for task in self._greeting:
            task.cancel()

    async def wait_closed(self) -> None:
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
        listener = self._listener
        try:
            readable = asyncio.Event()
            self._loop.add_reader(connection, readable.set)
            try:
                await readable.wait()
            finally:
                self._loop.remove_reader(connection)
            secure = connection.recv(1, socket.MSG_PEEK) == _HANDSHAKE
            if secure or listener.secure_connections is SecureConnections.PREFERRED:
                context = listener._tls if secure else None
                copy = connection.dup()
                server = listener._server
                await self._loop.connect_accepted_socket(server, copy, ssl=context)
            else:
                # What is left unread would make of the end a reset.
                asked = connection.recv(_ENOUGH).decode("latin-1")
                listener.turned_away.append(asked)
                _turn_away(connection, asked, listener.plain_http)
        except OSError:
            pass  # the client is gone, or does not like the certificate
        finally:
            connection.close()


def _turn_away(connection: socket.socket, asked: str, how: PlainHttp) -> None:
    match how:
        case PlainHttp.RESET:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
        case PlainHttp.ALERT:
            connection.send(_ALERT)
        case PlainHttp.BAD_REQUEST:
            connection.send(_BAD_REQUEST)
        case PlainHttp.REDIRECT:
            host = asked.partition("\r\nHost: ")[2].partition("\r\n")[0]
            path = asked.split(" ", 2)[1]
            connection.send(_REDIRECT.format(host, path).encode())


_connect = aiohappyeyeballs.start_connection
_unreachable: set[int] = set()


def set_route(port: int, *, closed: bool) -> None:
    """Let all of aiohttp's clients in this process fail at this port, or not any more."""
    (_unreachable.add if closed else _unreachable.discard)(port)
    connect = _connect_if_reachable if _unreachable else _connect
    aiohappyeyeballs.start_connection = connect


async def _connect_if_reachable(addr_infos: Any, *args: Any, **kwargs: Any) -> Any:
    if any(info[4][1] in _unreachable for info in addr_infos):
        raise OSError(errno.EHOSTUNREACH, os.strerror(errno.EHOSTUNREACH))
    return await _connect(addr_infos, *args, **kwargs)


def plex_direct_name(address: str, cert_hash: str = CERT_HASH) -> str:
    """Return the name under which Plex's certificate is good for an IPv4 address."""
    return f"{address.replace('.', '-')}.{cert_hash}.plex.direct"


class Names:
    """Stands in for DNS in what aiohttp asks; addresses written as such never ask.

    Known are localhost, what `point` names, and `*.<hash>.plex.direct`: the loopback
    address leads here and all others to a closed port, so that no test leaves the
    machine. Everything else cannot be resolved.
    """

    def __init__(self) -> None:
        # Routers that have it hide names that lead into the home's own network; of
        # such addresses only the loopback one leads anywhere here.
        self.rebinding_protection = False
        self._pointed: dict[str, tuple[str, int | None]] = {}
        self.point("localhost")

    def point(
        self, name: str, port: int | None = None, address: str = _LOOPBACK
    ) -> None:
        """Let a name lead to an address; a port takes the place of the URL's."""
        self._pointed[name] = (address, port)

    @contextmanager
    def in_force(self) -> Iterator[Self]:
        """Answer all questions of this process' aiohttp sessions."""

        async def resolve(
            _resolver: AsyncResolver,
            host: str,
            port: int = 0,
            family: socket.AddressFamily = socket.AF_INET,
        ) -> list[ResolveResult]:
            return [self._resolve(host, port)]

        async def getaddrinfo(
            _loop: asyncio.BaseEventLoop, host: str, port: int, **_hints: object
        ) -> list[tuple[object, ...]]:
            found = self._resolve(host, port)
            address = (found["host"], found["port"])
            return [(socket.AF_INET, socket.SOCK_STREAM, 0, "", address)]

        with (
            patch.object(AsyncResolver, "resolve", resolve),
            # asyncio's own connections ask the system.
            patch.object(asyncio.BaseEventLoop, "getaddrinfo", getaddrinfo),
        ):
            yield self

    def _resolve(self, host: str, port: int) -> ResolveResult:
        if host in self._pointed:
            address, own_port = self._pointed[host]
        else:
            # As at Plex, the name says the address.
            dashed, _, domain = host.partition(".")
            is_here = dashed == _LOOPBACK.replace(".", "-")
            hidden = self.rebinding_protection and is_here
            if hidden or not domain.endswith(".plex.direct"):
                raise OSError(*_UNKNOWN_NAME)
            address, own_port = _LOOPBACK, None if is_here else _CLOSED_PORT
        return ResolveResult(
            hostname=host,
            host=address,
            port=own_port or port,
            family=socket.AF_INET,
            proto=0,
            flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
        )
