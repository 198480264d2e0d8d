"""How the faults of a request look on the wire."""

from __future__ import annotations

from http import HTTPStatus

from aiohttp import web

from .encoding import to_json
from .faults import Fault, FaultName
from .frames import status_frame
from .listener import abort
from .messages import page

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
_CHUNK = b'"' + b"x" * 65_534 + b","
_HUGE_CHUNKS = 160  # 10 MiB
# The first pong is taken, the second is reset, the third cannot be sent at all.
_PINGS = 3


def maintenance(*, json: bool) -> web.Response:
    """Say that the server is starting; JSON or XML, whatever was asked for."""
    kind = JSON if json else XML
    return web.Response(status=503, text=_MAINTENANCE[kind], content_type=kind)


def status_answer(fault: Fault) -> web.Response:
    """Answer with the status that the fault is named after."""
    status = int(fault.name)
    if fault.name in {FaultName.BAD_GATEWAY, FaultName.GATEWAY_TIMEOUT}:
        response = gateway(status)
    else:
        response = web.Response(status=status, text=page(status), content_type=HTML)
    ask_for_patience(response, fault)
    return response


def ask_for_patience(response: web.Response, fault: Fault) -> None:
    """Say when to ask again, if the fault does."""
    if fault.retry_after is not None:
        response.headers["Retry-After"] = str(fault.retry_after)


def gateway(status: int) -> web.Response:
    """Answer as a reverse proxy does that asks nobody."""
    text = _GATEWAY.format(status, HTTPStatus(status).phrase)
    return web.Response(status=status, text=text, content_type=HTML)


def garbage() -> web.Response:
    """Answer with bytes that are nothing."""
    return web.Response(body=_GARBAGE, content_type=JSON)


def wrong_shape() -> web.Response:
    """Answer with good JSON that is not what was asked for."""
    text = '{"MediaContainer": ["unexpected"], "ButlerTasks": "unexpected"}'
    return web.Response(text=text, content_type=JSON)


def redirect(fault: Fault, path: str) -> web.Response:
    """Send the client to another origin."""
    headers = {"Location": fault.target + path}
    return web.Response(status=302, text=page(302), content_type=HTML, headers=headers)


def refuse(request: web.BaseRequest, *, reset: bool = False) -> None:
    """Close the connection without an answer."""
    if request.transport is not None:
        abort(request.transport, reset=reset)


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
    """Send more than anybody should read, without saying so before."""
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


async def cut_socket(
    request: web.BaseRequest, name: FaultName
) -> web.WebSocketResponse:
    """Open a socket, send a frame or some pings, and break it without a word."""
    socket = web.WebSocketResponse(compress=False)
    await socket.prepare(request)
    if name is FaultName.PING_CUT:
        for _ in range(_PINGS):
            await socket.ping()
    else:
        frame = status_frame("Library scan complete")
        await socket.send_str(to_json(frame.as_dict(), loose=False))
    refuse(request)
    return socket
