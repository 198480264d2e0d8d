"""What is known about running tasks, and how: pure rules.

There is no I/O here and no clock. The caller tells what happened and when, and gets
the next state and what changed; the same inputs give the same outputs.
"""

from .clock import Moment, Window
from .commands import answered as _command_answered, sent as _command_sent
from .deadlines import expire, next_deadline, next_snapshot
from .events import (
    Answer,
    ButlerIdle,
    Change,
    Command,
    CommandAnswered,
    CommandSent,
    Event,
    Notified,
    PushChanged,
    PushMissed,
    RowLike,
    RunEnded,
    RunQueued,
    RunStarted,
    ServerAnswered,
    ServerRefused,
    ServerRestarted,
    Snapshot,
    TaskLike,
    TasksListed,
    Tick,
    Told,
    VersionSeen,
    WindowChanged,
)
from .memory import Memory, dump, load
from .model import (
    DEFAULT_LIMIT,
    ButlerState,
    EndedRun,
    Evidence,
    Learned,
    Result,
    Run,
    RunState,
    TaskState,
)
from .rows import BUTLER, is_shown
from .server import (
    answered as _server_answered,
    push_changed,
    refused,
    restarted,
    tasks_listed,
    version_seen,
    window_changed,
)
from .sightings import notified, snapshot
from .step import Step
from .view import ButlerView, TaskView, view

__all__ = [
    "BUTLER",
    "DEFAULT_LIMIT",
    "Answer",
    "ButlerIdle",
    "ButlerState",
    "ButlerView",
    "Change",
    "Command",
    "CommandAnswered",
    "CommandSent",
    "EndedRun",
    "Event",
    "Evidence",
    "Learned",
    "Memory",
    "Moment",
    "Notified",
    "PushChanged",
    "PushMissed",
    "Result",
    "RowLike",
    "Run",
    "RunEnded",
    "RunQueued",
    "RunStarted",
    "RunState",
    "ServerAnswered",
    "ServerRefused",
    "ServerRestarted",
    "Snapshot",
    "TaskLike",
    "TaskState",
    "TaskView",
    "TasksListed",
    "Tick",
    "Told",
    "VersionSeen",
    "Window",
    "WindowChanged",
    "apply",
    "dump",
    "is_shown",
    "load",
    "next_deadline",
    "next_snapshot",
    "view",
]


def apply(
    state: RunState, event: Event, now: Moment
) -> tuple[RunState, tuple[Change, ...]]:
    """Return the state after an event, and what changed."""
    step = Step(state, now)
    expire(step)
    if _is_answer(step, event):
        _server_answered(step)
    _handle(step, event)
    expire(step)
    return step.state, tuple(step.changes)


def _is_answer(step: Step, event: Event) -> bool:
    """Tell whether the server answers again, after it had refused."""
    match event:
        case (
            Snapshot(asked=asked)
            | CommandAnswered(
                sent=asked,
                answer=Answer.OK | Answer.ALREADY_RUNNING | Answer.NOT_RUNNING,
            )
        ):
            return step.state.refused is not None and step.state.refused < asked
        case PushChanged(up=up):
            return up
    return isinstance(event, TasksListed | Notified | VersionSeen | ServerAnswered)


def _handle(step: Step, event: Event) -> None:
    match event:
        case Notified():
            notified(step, event)
        case Snapshot():
            snapshot(step, event)
        case CommandSent():
            _command_sent(step, event)
        case CommandAnswered():
            _command_answered(step, event)
        case TasksListed():
            tasks_listed(step, event)
        case WindowChanged():
            window_changed(step, event)
        case PushChanged(up=up):
            push_changed(step, up=up)
        case VersionSeen():
            version_seen(step, event)
        case ServerRefused():
            refused(step)
        case ServerRestarted():
            restarted(step, step.now)
        case _:
            # An answer, or time alone: both were looked at already
            pass
