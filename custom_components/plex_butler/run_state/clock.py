"""Moments, and the hours that a server keeps for Butler."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo


@dataclass(frozen=True, slots=True)
class Moment:
    """A moment on two clocks; the monotonic one orders moments and measures time."""

    utc: datetime
    monotonic: float

    def __lt__(self, other: Moment) -> bool:
        return self.monotonic < other.monotonic

    def __le__(self, other: Moment) -> bool:
        return self.monotonic <= other.monotonic

    def __add__(self, time: timedelta) -> Moment:
        return Moment(self.utc + time, self.monotonic + time.total_seconds())

    def __sub__(self, other: Moment) -> timedelta:
        return timedelta(seconds=self.monotonic - other.monotonic)


@dataclass(frozen=True, kw_only=True, slots=True)
class Window:
    """The hours that the server keeps for Butler, on the clock of its own zone."""

    start_hour: int
    end_hour: int
    zone: tzinfo

    @property
    def is_clear(self) -> bool:
        """Tell whether it says anything."""
        hours = {self.start_hour, self.end_hour}
        return len(hours) == 2 and hours <= set(range(24))

    def is_open(self, utc: datetime) -> bool:
        """Tell whether the window is on."""
        hour = utc.astimezone(self.zone).hour
        if self.start_hour < self.end_hour:
            return self.start_hour <= hour < self.end_hour
        return hour >= self.start_hour or hour < self.end_hour

    def next_end(self, after: Moment) -> Moment:
        """Return when the window ends next."""
        local = after.utc.astimezone(self.zone)
        end = local.replace(hour=self.end_hour, minute=0, second=0, microsecond=0)
        if end <= local:
            end += timedelta(days=1)
        return after + (end.astimezone(UTC) - after.utc)
