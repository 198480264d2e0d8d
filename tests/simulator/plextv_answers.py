"""How plex.tv writes what it says."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
import json
from typing import Any

from aiohttp import web

from .encoding import to_xml
from .fault_answers import JSON, XML

_ERRORS = {
    400: (1000, "{} is missing"),
    401: (1001, "User could not be authenticated"),
    404: (1020, "Code not found or expired"),
}


def wants_json(request: web.BaseRequest) -> bool:
    """Return if JSON was asked for by name."""
    return JSON in request.headers.get("Accept", "")


def said(
    request: web.BaseRequest, tag: str, content: Any, *, status: int = 200
) -> web.Response:
    """Answer in JSON when asked for, else in XML, under a root of that name."""
    if wants_json(request):
        return web.Response(status=status, text=json.dumps(content), content_type=JSON)
    text = to_xml({tag: _for_xml(tag, content)})
    return web.Response(status=status, text=text, content_type=XML)


def refused(
    request: web.BaseRequest, status: int, *, missing: str = ""
) -> web.Response:
    """Answer with the error that plex.tv has for a status."""
    code, message = _ERRORS.get(status, (0, HTTPStatus(status).phrase))
    error = {"code": code, "message": message.format(missing), "status": status}
    content: Any = {"errors": [error]} if wants_json(request) else [error]
    return said(request, "errors", content, status=status)


def _for_xml(tag: str, content: Any) -> dict[str, Any]:
    """Return lists as elements named in the singular, and what is null as empty."""
    if isinstance(content, Sequence):
        singular = tag.removesuffix("s")
        return {singular: [_for_xml(singular, item) for item in content]}
    return {
        key: _for_xml(key, value) if isinstance(value, dict | list) else _text(value)
        for key, value in content.items()
    }


def _text(value: Any) -> Any:
    return "" if value is None else value
