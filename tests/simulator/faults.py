"""Faults that a test can ask for by name, and how they look on the wire."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Set as AbstractSet
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
import ssl
from typing import Any, override
import zlib

from aiohttp import web

from .api import page, to_json
from .network import Listener, RecordedRequest, abort
from .websocket import status_frame

JSON = "application/json"
XML = "text/xml"
HTML = "text/html"

_STATUS = "The server is being made ready."
_MAINTENANCE = {
    XML: f'<Response code="503" title="Maintenance" status="{_STATUS}"/>',
    JSON: f'{{"code":503,"title":"Maintenance","status":"{_STATUS}"}}',
}
_GATEWAY = "<html><body><center><h1>{} {}</h1></center></body></html>\r\n"
_GARBAGE = b"\x00\xff{]not <json or= xml"
_WRONG_SHAPE = '{"MediaContainer": ["unexpected"], "ButlerTasks": "unexpected"}'
_CHUNK = b'"' + b"x" * 65_534 + b","
_HUGE_CHUNKS = 160  # 10 MiB
_BOMB_MIB = 256
STATUSES = frozenset(map(str, (400, 401, 403, 404, 429, 500, 502, 503, 504)))
_NAMES = """
refuse reset slow late cut garbage wrong-shape huge gzip-bomb redirect ignore
half-open frame-cut ping-cut
"""


@dataclass(kw_only=True)
class Fault:
    """A fault and for how many requests more; `count` None is until it is cleared."""

    name: str
    count: int | None = 1
    path: str = "/"
    method: str | None = None
    # Wall seconds of `slow` and `late`.
    delay: float = 5.0
    # Seconds after which a status wants to be asked again.
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


class FaultyListener(Listener):
    """Records its requests, and has faults for them."""

    known_faults: AbstractSet[str] = STATUSES | set(_NAMES.split())

    def __init__(
        self, address: tuple[str, int], tls: ssl.SSLContext | None, prefix: str = ""
    ) -> None:
        super().__init__(address, tls, prefix)
        self.requests: list[RecordedRequest] = []
        self._faults: list[Fault] = []
        self._stopping = asyncio.Event()

    @override
    async def stop(self) -> None:
        """Let all requests that wait here go on, and end."""
        self._stopping.set()
        await super().stop()

    def fault(
        self, name: str, count: int | None = 1, path: str = "/", **fields: Any
    ) -> None:
        if name not in self.known_faults:
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


def plain_answer(fault: Fault, request: web.BaseRequest) -> web.Response | None:
    """Return the answer of a fault that has one whatever was asked."""
    match fault.name:
        case "garbage":
            return web.Response(body=_GARBAGE, content_type=JSON)
        case "wrong-shape":
            return web.Response(text=_WRONG_SHAPE, content_type=JSON)
        case "gzip-bomb":
            packed = {"Content-Encoding": "gzip"}
            return web.Response(body=_bomb(), content_type=JSON, headers=packed)
        case "redirect":
            response = html(302)
            response.headers["Location"] = fault.target + request.rel_url.raw_path_qs
            return response
    return None


@cache
def _bomb() -> bytes:
    """Return valid JSON of 256 MiB that is a quarter of a MiB in gzip."""
    packer = zlib.compressobj(wbits=31)
    blank = b" " * 1024 * 1024
    packed = b"".join(packer.compress(blank) for _ in range(_BOMB_MIB))
    return packed + packer.compress(b"{}") + packer.flush()


def status_answer(fault: Fault, *, json: bool) -> web.Response:
    match status := int(fault.name):
        case 503:
            response = maintenance(json=json)
        case 502 | 504:
            response = gateway(status)
        case _:
            response = html(status)
    ask_for_patience(response, fault)
    return response


def html(status: int, text: str | None = None) -> web.Response:
    """Answer with the server's page for a status, or with another one."""
    return web.Response(status=status, text=text or page(status), content_type=HTML)


def maintenance(*, json: bool) -> web.Response:
    """Say that the server is starting; JSON or XML, whatever was asked for."""
    kind = JSON if json else XML
    return web.Response(status=503, text=_MAINTENANCE[kind], content_type=kind)


def gateway(status: int) -> web.Response:
    """Answer as a reverse proxy does by itself."""
    return html(status, _GATEWAY.format(status, HTTPStatus(status).phrase))


def ask_for_patience(response: web.Response, fault: Fault) -> None:
    if fault.retry_after is not None:
        response.headers["Retry-After"] = str(fault.retry_after)


async def cut(request: web.BaseRequest, whole: web.Response) -> web.StreamResponse:
    """Promise the whole answer, send half of it, and hang up."""
    body = whole.body if isinstance(whole.body, bytes) else b""
    half = web.StreamResponse(status=whole.status)
    half.content_type = whole.content_type
    half.content_length = len(body) + 64
    await half.prepare(request)
    await half.write(body[: len(body) // 2] or b"{")
    if request.transport is not None:
        request.transport.close()
    return half


async def huge(request: web.BaseRequest) -> web.StreamResponse:
    """Send more than any client should read, without saying so before."""
    response = web.StreamResponse()
    response.content_type = JSON
    response.enable_chunked_encoding()
    await response.prepare(request)
    await response.write(b'{"MediaContainer": [')
    for _ in range(_HUGE_CHUNKS):
        await response.write(_CHUNK)
    await response.write(b'""]}')
    await response.write_eof()
    return response


async def cut_socket(request: web.BaseRequest, fault: Fault) -> web.WebSocketResponse:
    """Open a socket, send a frame or some pings, and break it."""
    socket = web.WebSocketResponse(compress=False)
    await socket.prepare(request)
    if fault.name == "ping-cut":
        # The first pong is taken, the second is reset, the third cannot be sent at all.
        for _ in range(3):
            await socket.ping()
    else:
        frame = status_frame("Library scan complete")
        await socket.send_str(to_json(frame.as_dict(), loose=False))
    abort(request.transport)
    return socket
