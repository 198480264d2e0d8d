"""What is known about running tasks: those that a busy row names, and those we began."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from .api import BUTLER_ACTIVITY, Activity, ButlerTask

# Some servers show a finished row for ever.
_FINISHED: Final = 100


class TaskState(StrEnum):
    """What a task is doing."""

    IDLE = "idle"
    RUNNING = "running"


@dataclass(frozen=True, slots=True)
class RunState:
    """The tasks that run, as far as is known."""

    commanded: frozenset[str] = frozenset()
    named: frozenset[str] = frozenset()

    @property
    def busy(self) -> bool:
        """Tell whether any task is believed to run."""
        return bool(self.commanded or self.named)

    def state(self, name: str) -> TaskState:
        """Return what a task is doing."""
        running = name in self.commanded or name in self.named
        return TaskState.RUNNING if running else TaskState.IDLE

    def started(self, name: str) -> RunState:
        """Take note that the server said yes to a start."""
        return replace(self, commanded=self.commanded | {name})

    def stopped(self, name: str) -> RunState:
        """Take note that the server said that a task does not run any more."""
        return RunState(self.commanded - {name}, self.named - {name})

    def seen(
        self, rows: Iterable[Activity], tasks: Mapping[str, ButlerTask]
    ) -> RunState:
        """Take note of all that the server shows, asked after our last command."""
        busy = [
            row
            for row in rows
            if row.type == BUTLER_ACTIVITY and row.progress != _FINISHED
        ]
        texts = {text.casefold() for row in busy for text in (row.title, row.subtitle)}
        named = frozenset(
            task.name
            for task in tasks.values()
            if texts & {task.name.casefold(), task.title.casefold()}
        )
        return RunState(self.commanded if busy and not named else frozenset(), named)
