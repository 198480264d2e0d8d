"""What the server itself does to runs: tasks come and go, it restarts."""

from dataclasses import replace
from datetime import timedelta
from typing import Final

from .clock import Moment
from .events import TasksListed, VersionSeen, WindowChanged
from .model import TaskState
from .rows import names_of
from .step import Step

# A server that answers again so soon was not restarted
DROP: Final = timedelta(seconds=5)
# A stream whose server died is known to be dead within so long: see its heartbeat
DEAD_STREAM: Final = timedelta(seconds=60)


def tasks_listed(step: Step, event: TasksListed) -> None:
    """Know which tasks there are; one that is gone cannot be seen to end."""
    tasks = {task.name: task.schedule_randomized for task in event.tasks}
    step.state = replace(step.state, tasks=tasks, names=names_of(event.tasks))
    for run in list(step.state.runs.values()):
        if run.task not in tasks:
            step.lose(run)


def window_changed(step: Step, event: WindowChanged) -> None:
    """Know the window; what one means that ends when it starts, nobody knows."""
    window = event.window
    if window and not window.is_clear:
        window = None
    step.state = replace(step.state, window=window)
    if window is None or not window.is_open(step.now.utc):
        return
    for run in step.state.runs.values():
        if run.state is TaskState.QUEUED:
            step.put(replace(run, until=window.next_end(step.now)))


def push_changed(step: Step, *, up: bool) -> None:
    """Know whether the stream is up, and look at what it may not have told."""
    _disprove(step)
    step.state = replace(step.state, push_since=step.now if up else None)
    step.poke()


def version_seen(step: Step, event: VersionSeen) -> None:
    """Know the server's version; another one has been started anew."""
    if step.state.version and event.version != step.state.version:
        restarted(step, step.now)
    step.state = replace(step.state, version=event.version)


def refused(step: Step) -> None:
    """Suspect a restart."""
    step.state = replace(step.state, refused=step.state.refused or step.now)


def answered(step: Step) -> None:
    """Find out whether a server that answers again was restarted."""
    _disprove(step)
    since, stream = step.state.refused, step.state.push_since
    if since is None or (stream and stream < since):
        # If the stream dies now, it died with the server
        return
    step.state = replace(step.state, refused=None)
    if step.now - since > DROP:
        restarted(step, since)


def _disprove(step: Step) -> None:
    """Suspect no restart that the stream has outlived: a server's end ends it, too."""
    since, stream = step.state.refused, step.state.push_since
    if since and stream and stream < since and step.now - since > DEAD_STREAM:
        step.state = replace(step.state, refused=None)


def restarted(step: Step, at: Moment) -> None:
    """Believe nothing of what was known to run."""
    for run in list(step.state.runs.values()):
        step.lose(run, at)
    step.state = replace(
        step.state,
        rows={},
        work=None,
        mutes=(),
        asked=None,
        idle_since=None,
        idle_snapshots=0,
        refused=None,
        restarted=at,
        all_started=None,
    )
    step.poke()
