"""What is to be shown of a state."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from .model import ButlerState, EndedRun, Evidence, Run, RunState, TaskState
from .rows import live_rows


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskView:
    """What one task does; None where it is idle or the thing is not known."""

    state: TaskState = TaskState.IDLE
    since: datetime | None = None
    progress: float | None = None
    evidence: Evidence | None = None
    # This version of the server has never shown this task: slow to change
    assumed: bool = True
    last: EndedRun | None = None

    @property
    def is_on(self) -> bool:
        """Tell whether the task runs or is about to."""
        return self.state is not TaskState.IDLE


@dataclass(frozen=True, kw_only=True, slots=True)
class ButlerView:
    """What Butler does; two views are equal if nothing to be shown has changed."""

    butler: ButlerState
    # How many tasks run; those that wait for their start do not
    running: int
    tasks: Mapping[str, TaskView]


def view(state: RunState) -> ButlerView:
    """Return what is to be shown."""
    runs = {task: run for task, run in state.runs.items() if not run.held}
    return ButlerView(
        butler=_butler(state),
        running=sum(run.state is TaskState.RUNNING for run in runs.values()),
        tasks={task: _task(state, task, runs.get(task)) for task in state.tasks},
    )


def _task(state: RunState, task: str, run: Run | None) -> TaskView:
    assumed = task not in state.known.tasks
    last = state.last.get(task)
    if run is None:
        return TaskView(assumed=assumed, last=last)
    queued = run.state is TaskState.QUEUED
    since = run.sent if queued else run.started
    return TaskView(
        state=run.state,
        since=since.utc if since else None,
        progress=run.progress,
        evidence=run.evidence,
        assumed=assumed,
        last=last,
    )


def _butler(state: RunState) -> ButlerState:
    if live_rows(state):
        return ButlerState.BUSY
    if state.asked is None or not state.known.busy:
        return ButlerState.UNKNOWN
    return ButlerState.IDLE
