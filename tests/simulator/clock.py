"""Clocks: the one that runs with the wall, and the one that a test moves."""

from __future__ import annotations

from datetime import UTC, datetime
import time
from typing import Protocol

# Noon is far from the nightly window, so nothing starts by itself in a test.
NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


class Clock(Protocol):
    """Says what time it is in the simulated server."""

    def now(self) -> float:
        """Return seconds since the epoch."""


class WallClock:
    """Starts at the real time (or `start`) and runs `speed` times as fast."""

    def __init__(self, speed: float = 1.0, start: datetime | None = None) -> None:
        """Begin to run."""
        self.speed = speed
        self._origin = time.time() if start is None else start.timestamp()
        self._began = time.monotonic()

    def now(self) -> float:
        """Return seconds since the epoch, as the simulated server sees them."""
        return self._origin + (time.monotonic() - self._began) * self.speed

    def wall_seconds(self, seconds: float) -> float:
        """Return how long simulated seconds take on the wall."""
        return seconds / self.speed


class ManualClock:
    """Stands still until somebody moves it."""

    def __init__(self, start: datetime = NOON) -> None:
        """Stand at `start`."""
        self._now = start.timestamp()

    def now(self) -> float:
        """Return seconds since the epoch."""
        return self._now

    def move_to(self, when: float) -> None:
        """Stand at `when`; a clock never goes back."""
        self._now = max(self._now, when)
