"""Faults that a test can ask for by name, each for so many requests."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum


class FaultName(StrEnum):
    """What can go wrong."""

    REFUSE = "refuse"
    RESET = "reset"
    BAD_REQUEST = "400"
    UNAUTHORIZED = "401"
    FORBIDDEN = "403"
    NOT_FOUND = "404"
    TOO_MANY_REQUESTS = "429"
    SERVER_ERROR = "500"
    BAD_GATEWAY = "502"
    MAINTENANCE = "503"
    GATEWAY_TIMEOUT = "504"
    SLOW = "slow"
    LATE = "late"
    DONE_LATER = "done-later"
    CUT = "cut"
    GARBAGE = "garbage"
    WRONG_SHAPE = "wrong-shape"
    HUGE = "huge"
    REDIRECT = "redirect"
    IGNORE = "ignore"
    HALF_OPEN = "half-open"
    FRAME_CUT = "frame-cut"
    PING_CUT = "ping-cut"
    DROP_SOCKETS = "drop-sockets"
    RESTART = "restart"


DEFAULT_DELAY = 5.0


@dataclass(kw_only=True)
class Fault:
    """A fault and for how many requests more; `count` None is until it is cleared."""

    name: FaultName
    count: int | None = 1
    path: str = "/"
    method: str | None = None
    # Wall seconds for `slow` and `late`, simulated ones for `done-later`.
    delay: float | None = None
    # Seconds after which a status wants to be asked again.
    retry_after: int | None = None
    # Where `redirect` leads: an origin such as http://127.0.0.1:1234.
    target: str = "http://127.0.0.1:9"

    def strikes(self, method: str, path: str) -> bool:
        """Return if this request is meant; the path has its query."""
        return (
            path.startswith(self.path)
            and self.method in (None, method)
            and self.count != 0
        )


class FaultBook:
    """The faults that wait; the oldest that fits is taken first."""

    def __init__(self) -> None:
        """Begin without faults."""
        self._faults: list[Fault] = []

    def __iter__(self) -> Iterator[Fault]:
        """Return the faults that still wait."""
        return iter([fault for fault in self._faults if fault.count != 0])

    def add(self, fault: Fault) -> None:
        """Let a fault wait for its requests."""
        self._faults.append(fault)

    def clear(self) -> None:
        """Let nothing go wrong any more."""
        self._faults.clear()

    def take(self, method: str, path: str) -> Fault | None:
        """Return the fault for this request, which is used up by it."""
        for fault in self:
            if fault.strikes(method, path):
                if fault.count is not None:
                    fault.count -= 1
                return fault
        return None
