"""A task of a server and what it does at the moment."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from .task_spec import TaskSpec
from .timeline import Event
from .truth import Cause, Ending, TaskState


class StartResult(StrEnum):
    """What a start command came to."""

    ACCEPTED = "accepted"
    ALREADY_RUNNING = "already_running"
    UNKNOWN_TASK = "unknown_task"


class Watcher(Protocol):
    """Hears when tasks start and end."""

    def on_started(self, task: Task) -> None:
        """Hear that a task runs now."""

    def on_ended(self, task: Task, ending: Ending) -> None:
        """Hear that a task that ran does so no more."""


@dataclass(slots=True, kw_only=True, eq=False)
class Task:
    """A task and what it does now."""

    spec: TaskSpec
    duration: float
    state: TaskState = TaskState.IDLE
    since: float | None = None
    cause: Cause = Cause.COMMAND
    # Runs whether slots are free or not, and uses none.
    beside: bool = False
    last_done: float | None = None
    run_seconds: float = 0
    # The end of the run, or the chosen moment of a start.
    planned: Event | None = None

    @property
    def name(self) -> str:
        """Return the server's name of the task."""
        return self.spec.name

    def progress(self, now: float, *, phases: int = 1) -> int:
        """Return how much of the run, or of its phase, is done; 100 only at the end."""
        if self.since is None or self.run_seconds <= 0:
            return 0
        done = phases * (now - self.since) / self.run_seconds
        return min(99, int(100 * (done % 1 if done < phases else 1)))
