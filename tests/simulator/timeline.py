"""Time in a simulated server: clocks, what is planned when, and the nightly window."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, time as time_of_day, timedelta, tzinfo
import heapq
import itertools
import time

# Noon is far from the nightly window, so nothing starts by itself in a test.
NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)

type Action = Callable[[], None]


class WallClock:
    """Starts at the real time and runs `speed` times as fast."""

    def __init__(self, speed: float = 1.0) -> None:
        self.speed = speed
        self._origin = time.time()
        self._began = time.monotonic()

    def now(self) -> float:
        return self._origin + (time.monotonic() - self._began) * self.speed


class ManualClock:
    """Stands still until a test moves it; it never goes back."""

    def __init__(self, start: datetime = NOON) -> None:
        self._now = start.timestamp()

    def now(self) -> float:
        return self._now

    def move_to(self, when: float) -> None:
        self._now = max(self._now, when)


# Both tell the time in the simulated server, in seconds since the epoch.
type Clock = WallClock | ManualClock


@dataclass(order=True, slots=True)
class Event:
    """A planned action; compared by time, then by the order of planning."""

    when: float
    order: int
    action: Action = field(compare=False)
    cancelled: bool = field(default=False, compare=False)

    def cancel(self) -> None:
        self.cancelled = True


class Timeline:
    """Runs planned actions in order; every action sees `now` at its own time."""

    def __init__(self, now: float) -> None:
        self.now = now
        self.on_planned: Action = lambda: None
        self._events: list[Event] = []
        self._order = itertools.count()

    def at(self, when: float, action: Action) -> Event:
        """Plan an action; one in the past happens at the next advance."""
        event = Event(max(when, self.now), next(self._order), action)
        heapq.heappush(self._events, event)
        self.on_planned()
        return event

    def after(self, seconds: float, action: Action) -> Event:
        return self.at(self.now + seconds, action)

    def next_at(self) -> float | None:
        while self._events and self._events[0].cancelled:
            heapq.heappop(self._events)
        return self._events[0].when if self._events else None

    def advance(self, to: float) -> None:
        """Do all that is due up to a moment, in order, and stand there."""
        while (due := self.next_at()) is not None and due <= to:
            event = heapq.heappop(self._events)
            self.now = max(self.now, event.when)
            event.action()
        self.now = max(self.now, to)


class Ticker:
    """Does something again and again, until it is cancelled."""

    def __init__(self, timeline: Timeline, seconds: float, action: Action) -> None:
        def tick() -> None:
            action()
            self._next = timeline.after(seconds, tick)

        self._next = timeline.after(seconds, tick)

    def cancel(self) -> None:
        self._next.cancel()


@dataclass(frozen=True)
class Window:
    """From one full hour to another in the server's zone; it may cross midnight."""

    start_hour: int
    end_hour: int
    zone: tzinfo
    # What start = end means on a real server is not known.
    open_when_equal: bool = False

    def contains(self, at: float) -> bool:
        hour = datetime.fromtimestamp(at, self.zone).hour
        if self.start_hour == self.end_hour:
            return self.open_when_equal
        if self.start_hour < self.end_hour:
            return self.start_hour <= hour < self.end_hour
        return hour >= self.start_hour or hour < self.end_hour

    def next_edge(self, after: float) -> float:
        return min(self._next(self.start_hour, after), self.closes_at(after))

    def closes_at(self, after: float) -> float:
        return self._next(self.end_hour, after)

    def _next(self, hour: int, after: float) -> float:
        today = datetime.fromtimestamp(after, self.zone).date()
        first = datetime.combine(today, time_of_day(hour), self.zone)
        moments = ((first + timedelta(days)).timestamp() for days in range(3))
        return next(moment for moment in moments if moment > after)
