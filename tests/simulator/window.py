"""The nightly window, in the server's local time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta, tzinfo


@dataclass(frozen=True)
class Window:
    """From one full hour to another; it may cross midnight."""

    start_hour: int
    end_hour: int
    zone: tzinfo
    # What start = end means on a real server is not known.
    open_when_equal: bool = False

    def contains(self, at: float) -> bool:
        """Return if the window is open at this time."""
        hour = self._local(at).hour
        if self.start_hour == self.end_hour:
            return self.open_when_equal
        if self.start_hour < self.end_hour:
            return self.start_hour <= hour < self.end_hour
        return hour >= self.start_hour or hour < self.end_hour

    def next_edge(self, after: float) -> float:
        """Return when it opens or closes next."""
        return min(self._next(self.start_hour, after), self.closes_at(after))

    def closes_at(self, after: float) -> float:
        """Return when it closes next."""
        return self._next(self.end_hour, after)

    def _next(self, hour: int, after: float) -> float:
        today = self._local(after).date()
        days = (today + timedelta(days=offset) for offset in range(3))
        moments = (
            datetime.combine(day, time(hour), self.zone).timestamp() for day in days
        )
        return next(moment for moment in moments if moment > after)

    def _local(self, at: float) -> datetime:
        return datetime.fromtimestamp(at, self.zone)
