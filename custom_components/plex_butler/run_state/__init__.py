"""What is known about running tasks, and how: pure rules.

There is no I/O here and no clock. The caller tells what happened and when, and gets
the next state and what changed; the same inputs give the same outputs.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from ..clock import Moment as Moment, Window as Window
from . import models as m
from .activities import is_shown as is_shown
from .models import *  # noqa: F403 all that can be known, happen, change or be shown
from .rules import Step, next_snapshot as next_snapshot
from .storage import Memory as Memory, dump as dump, load as load

_RULES: Final[Mapping[type[m.Event], Callable[[Step, Any], None]]] = {
    m.Notified: Step.notified,
    m.Snapshot: Step.snapshot,
    m.SubActivityStarted: Step.sub_started,
    m.SubActivityEnded: Step.sub_ended,
    m.ForeignCommand: Step.foreign,
    m.CommandSent: Step.sent,
    m.CommandAnswered: Step.answered,
    m.TasksListed: Step.tasks_listed,
    m.WindowChanged: Step.window_changed,
    m.PushChanged: Step.push_changed,
    m.LogChanged: Step.log_changed,
    m.VersionSeen: Step.version_seen,
    m.PollFailed: Step.poll_failed,
}


def apply(
    state: m.RunState, event: m.Event, now: Moment
) -> tuple[m.RunState, tuple[m.Change, ...]]:
    """Return the state after an event, and what changed."""
    step = Step(state, now)
    if state.due and state.due <= step.now:
        step.pass_time()
    if _is_answer(state, event):
        step.answers()
    if rule := _RULES.get(type(event)):
        rule(step, event)
    step.pass_time()
    return step.result()


def next_deadline(state: m.RunState) -> Moment | None:
    """Return when a `Tick` is due, if nothing else happens before."""
    return state.due


def _is_answer(state: m.RunState, event: m.Event) -> bool:
    """Return True if an event is the answer of a server that did not answer before."""
    match event:
        case m.CommandAnswered(answer=m.Answer.FAILED):
            return False
        case m.Snapshot(asked=asked) | m.CommandAnswered(sent=asked):
            return state.failing is not None and state.failing < asked
        case m.PushChanged(up=up):
            return up
    return isinstance(event, m.TasksListed | m.Notified | m.VersionSeen)
