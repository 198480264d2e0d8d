"""An ordered list of what is going to happen, and a clock that only it moves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
import heapq
import itertools

type Action = Callable[[], None]


@dataclass(order=True, slots=True)
class Event:
    """Something planned; compared by time, then by the order of planning."""

    when: float
    order: int
    action: Action = field(compare=False)
    cancelled: bool = field(default=False, compare=False)

    def cancel(self) -> None:
        """Let it never happen."""
        self.cancelled = True


class Timeline:
    """Runs planned actions in order; every action sees `now` at its own time."""

    def __init__(self, now: float) -> None:
        """Begin at `now`, in seconds since the epoch."""
        self.now = now
        self.on_planned: Action = lambda: None
        self._events: list[Event] = []
        self._order = itertools.count()

    def at(self, when: float, action: Action) -> Event:
        """Plan `action`; what lies in the past happens at the next advance."""
        event = Event(max(when, self.now), next(self._order), action)
        heapq.heappush(self._events, event)
        self.on_planned()
        return event

    def after(self, seconds: float, action: Action) -> Event:
        """Plan `action` so many simulated seconds from now."""
        return self.at(self.now + seconds, action)

    def next_at(self) -> float | None:
        """Return when the next action is due."""
        while self._events and self._events[0].cancelled:
            heapq.heappop(self._events)
        return self._events[0].when if self._events else None

    def advance(self, to: float) -> None:
        """Do all that is due up to `to`, in order, and stand there."""
        while (due := self.next_at()) is not None and due <= to:
            event = heapq.heappop(self._events)
            self.now = max(self.now, event.when)
            event.action()
        self.now = max(self.now, to)
