"""Requests to the programs that the scripts start on this machine."""

from collections.abc import Mapping
import json
from typing import Any
from urllib.request import ProxyHandler, Request, build_opener

SECONDS = 60

_OPENER = build_opener(ProxyHandler({}))  # no proxy stands between us and ourselves


def ask(
    url: str,
    *,
    method: str = "GET",
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
) -> Any:
    """Return the JSON that a request is answered with."""
    request = Request(  # noqa: S310  the callers' addresses are their own
        url, body, dict(headers or {}), method=method
    )
    with _OPENER.open(request, timeout=SECONDS) as response:
        return json.load(response)
