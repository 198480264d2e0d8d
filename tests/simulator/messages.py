"""Questions and answers, as the rules of the API see them: no sockets here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Ask:
    """What a client asked; `parts` is the unquoted path, split at its slashes."""

    method: str
    parts: tuple[str, ...]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    owner: bool = False
    # As the log has them: the path with its query, and the client's address.
    target: str = ""
    peer: str = ""

    @property
    def token(self) -> str | None:
        """Return the token, which the header names before the address does."""
        return self.headers.get("X-Plex-Token") or self.query.get("X-Plex-Token")

    @property
    def wants_json(self) -> bool:
        """Return if JSON was asked for by name."""
        return "application/json" in self.headers.get("Accept", "")

    @property
    def english(self) -> bool:
        """Return if the client wants titles in English, which is also the default."""
        return self.headers.get("Accept-Language", "en").lower().startswith("en")


@dataclass(frozen=True)
class Answer:
    """What the server says: content to be encoded, or no content and a page."""

    status: int = 200
    content: Mapping[str, Any] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


def page(status: int) -> str:
    """Return the page that the server shows for a status."""
    reason = HTTPStatus(status).phrase
    head = f"<head><title>{reason}</title></head>"
    return f"<html>{head}<body><h1>{status} {reason}</h1></body></html>"
