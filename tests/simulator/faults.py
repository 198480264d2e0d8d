"""How the faults look on the wire that a test can ask for by name."""

from functools import cache
from http import HTTPStatus
import zlib

from aiohttp import web

from .api import page, to_json
from .network import Fault, abort
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
            return maintenance(json=json)
        case 502 | 504:
            return gateway(status)
    return html(status)


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
