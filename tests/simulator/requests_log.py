"""What clients asked, kept for tests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from aiohttp import web


@dataclass(kw_only=True)
class RecordedRequest:
    """A request; `status` is None while it waits, or when it got no answer."""

    at: float
    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    status: int | None = None


def record(request: web.BaseRequest, now: float) -> RecordedRequest:
    """Return what was asked, with names of headers that ignore case."""
    return RecordedRequest(
        at=now,
        method=request.method,
        path=request.rel_url.path,
        query=dict(request.query),
        headers=request.headers.copy(),
    )
