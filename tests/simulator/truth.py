"""What really happens to tasks, written down."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class TaskState(StrEnum):
    """What a task does."""

    IDLE = "idle"
    QUEUED = "queued"
    RUNNING = "running"


class Cause(StrEnum):
    """Who wanted a run."""

    COMMAND = "command"
    WINDOW = "window"
    OTHER_CLIENT = "other_client"


class Ending(StrEnum):
    """Why a run or a wait was over; STARTED ends a wait."""

    STARTED = "started"
    FINISHED = "finished"
    STOPPED = "stopped"
    STOPPED_BY_OTHER = "stopped_by_other"
    WINDOW_CLOSED = "window_closed"
    SWITCHED_OFF = "switched_off"
    RESTARTED = "restarted"
    REMOVED = "removed"


@dataclass(slots=True)
class Interval:
    """A time in which a task was queued or ran; open while `end` is None."""

    task: str
    state: TaskState
    start: float
    cause: Cause
    end: float | None = None
    ending: Ending | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return what /_simulator/runs answers."""
        return asdict(self)


class RunLog:
    """All intervals, in the order in which they began."""

    def __init__(self) -> None:
        """Begin an empty log."""
        self.intervals: list[Interval] = []
        self._open: dict[str, Interval] = {}

    @property
    def runs(self) -> list[Interval]:
        """Return when tasks ran."""
        return list(self._of(TaskState.RUNNING))

    @property
    def waits(self) -> list[Interval]:
        """Return when tasks were queued."""
        return list(self._of(TaskState.QUEUED))

    def begin(self, task: str, state: TaskState, now: float, cause: Cause) -> None:
        """Write down that something began."""
        self._open[task] = Interval(task, state, now, cause)
        self.intervals.append(self._open[task])

    def end(self, task: str, now: float, ending: Ending) -> None:
        """Write down that it is over."""
        interval = self._open.pop(task)
        interval.end = now
        interval.ending = ending

    def _of(self, state: TaskState) -> Iterator[Interval]:
        return (interval for interval in self.intervals if interval.state is state)
