"""Moments, and the hours that a server keeps for Butler."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from itertools import pairwise
from typing import Final

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
# Offsets and changes of the clock are all multiples of it, hence so are edges in UTC.
_STEP: Final = timedelta(minutes=15)
# A window that the change of a clock leaves out comes on the day after.
_STEPS: Final = 3 * 24 * 4


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
        """Return True if it says anything."""
        hours = {self.start_hour, self.end_hour}
        return len(hours) == 2 and hours <= set(range(24))

    def is_open(self, utc: datetime) -> bool:
        """Return True if the window is on; it has to be clear."""
        hour = utc.astimezone(self.zone).hour
        if self.start_hour < self.end_hour:
            return self.start_hour <= hour < self.end_hour
        return hour >= self.start_hour or hour < self.end_hour

    def next_end(self, after: Moment) -> Moment:
        """Return when the window ends next; it has to be clear."""
        return after + (_edge(self, after.utc, opens=False) - after.utc)

    def next_start(self, after: datetime) -> datetime:
        """Return when the window starts next; it has to be clear."""
        return _edge(self, after, opens=True)

    def next_edge(self, after: datetime) -> datetime:
        """Return when the window starts or ends next; it has to be clear."""
        return _edge(self, after, opens=not self.is_open(after))


def _edge(window: Window, after: datetime, *, opens: bool) -> datetime:
    return _edge_from(window, after - (after - _EPOCH) % _STEP, opens=opens)


@lru_cache(maxsize=64)
def _edge_from(window: Window, moment: datetime, *, opens: bool) -> datetime:
    """Look for an edge: when the clock is changed, an hour comes twice or never."""
    moments = (moment + step * _STEP for step in range(_STEPS))
    for before, after in pairwise(moments):
        if window.is_open(before) is not opens and window.is_open(after) is opens:
            return after
    raise ValueError("The window never changes")
