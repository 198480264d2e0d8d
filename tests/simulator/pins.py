"""PINs: how somebody signs in without typing a password here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random
import string
from typing import Any

LIFETIME = 900
_CHARACTERS = string.ascii_lowercase + string.digits
_STRONG_LENGTH = 25
_WEAK_LENGTH = 4


@dataclass(kw_only=True)
class Pin:
    """A PIN; the token comes when the user has signed in."""

    id: int
    code: str
    client_identifier: str
    product: str
    created: float
    token: str | None = None
    withdrawn: bool = False

    def is_valid(self, now: float) -> bool:
        """Return if it can still be asked for."""
        return not self.withdrawn and now < self.created + LIFETIME

    def as_dict(self, now: float) -> dict[str, Any]:
        """Return the PIN as plex.tv tells it."""
        return {
            "id": self.id,
            "code": self.code,
            "product": self.product,
            "trusted": False,
            "clientIdentifier": self.client_identifier,
            "location": {"code": "NZ", "country": "New Zealand", "city": "Oamaru"},
            "expiresIn": int(self.created + LIFETIME - now),
            "createdAt": _moment(self.created),
            "expiresAt": _moment(self.created + LIFETIME),
            "authToken": self.token,
            "newRegistration": None if self.token is None else False,
        }


class PinBook:
    """All PINs so far."""

    def __init__(self, seed: int) -> None:
        """Begin without any."""
        self._rng = Random(f"pins-{seed}")
        self._pins: list[Pin] = []

    def __iter__(self) -> Iterator[Pin]:
        """Return the PINs, the newest last."""
        return iter(self._pins)

    def new(
        self, client_identifier: str, product: str, *, strong: bool, now: float
    ) -> Pin:
        """Make a PIN for a client."""
        length = _STRONG_LENGTH if strong else _WEAK_LENGTH
        pin = Pin(
            id=self._rng.randrange(10**9, 2 * 10**9),
            code="".join(self._rng.choices(_CHARACTERS, k=length)),
            client_identifier=client_identifier,
            product=product,
            created=now,
        )
        self._pins.append(pin)
        return pin

    def find(self, key: int | str, now: float) -> Pin | None:
        """Return the PIN of an id or a code; an expired one is not found."""
        for pin in self._pins:
            if key in (pin.id, pin.code) and pin.is_valid(now):
                return pin
        return None


def _moment(when: float) -> str:
    return datetime.fromtimestamp(when, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
