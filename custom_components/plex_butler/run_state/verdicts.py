"""What becomes of runs after somebody looked or heard."""

from dataclasses import replace
from datetime import timedelta
from typing import Final

from .clock import Moment
from .deadlines import STALE_AFTER, WORK_GAP
from .events import ButlerIdle, Snapshot
from .model import Company, Evidence, Result, Run, RunState, TaskState
from .rows import WORK_TYPES, is_muted, is_standing, key_of, live_rows
from .step import Step

# The row of a task that was started shows within so long, if it does
ROW_DELAY: Final = timedelta(seconds=4)
# Butler is idle if two snapshots say so, or one so long after the last row ended
IDLE_SNAPSHOTS: Final = 2
IDLE_FOR: Final = timedelta(seconds=10)


def track(step: Step, at: Moment, *, is_snapshot: bool) -> None:
    """Keep count of how long Butler is idle, and which commands had company."""
    state = step.state
    rows = live_rows(state)
    if rows:
        step.state = replace(state, idle_since=None, idle_snapshots=0, was_busy=True)
        nameless = any(row.task is None for row in rows)
        for run in state.runs.values():
            _accompany(step, run, at, nameless=nameless)
        return
    since = state.idle_since or at
    counts = is_snapshot and since <= at
    step.state = replace(
        state, idle_since=since, idle_snapshots=state.idle_snapshots + counts
    )


def _accompany(step: Step, run: Run, at: Moment, *, nameless: bool) -> None:
    if run.row or run.state is TaskState.QUEUED or (run.sent and at < run.sent):
        return
    if nameless:
        step.put(replace(run, company=Company.NAMELESS))
    elif run.company is Company.NONE:
        step.put(replace(run, company=Company.OTHERS))


def judge_runs(step: Step, event: Snapshot, asked: Moment) -> None:
    """End the runs that a snapshot does not show any more."""
    for run in list(step.state.runs.values()):
        if run.held:
            _judge_held(step, run)
        elif run.row:
            judge_seen(step, run, asked, Evidence.ACTIVITY)
        elif run.state is TaskState.RUNNING and run.sent and run.sent < asked:
            _judge_unseen(step, run, event, asked - run.sent, asked)
    work = frozenset(key_of(row) for row in event.rows if row.type in WORK_TYPES)
    step.state = replace(step.state, work=work)


def tell_idle(step: Step, asked: Moment) -> None:
    """Tell that Butler is idle; rows that still show after a stop may be work."""
    state = step.state
    shown = any(row.busy and not is_standing(state, row) for row in state.rows.values())
    if state.was_busy and not shown and _is_idle(state, asked):
        step.state = replace(state, was_busy=False)
        step.changes.append(ButlerIdle())


def judge_row(step: Step, key: str, at: Moment) -> None:
    """End the runs of a row that was told to have ended or changed."""
    for run in list(step.state.runs.values()):
        if run.row == key:
            judge_seen(step, run, at, Evidence.NOTIFICATION)


def judge_seen(step: Step, run: Run, at: Moment, evidence: Evidence) -> None:
    """End a run whose row is gone, and doubt one whose row names something else."""
    state = step.state
    row = state.rows.get(run.row or "")
    if row and row.busy:
        if row.task != run.task and run.unnamed is None:
            step.put(replace(run, unnamed=at, evidence=Evidence.INFERRED))
    elif other := next((it for it in live_rows(state) if it.task == run.task), None):
        step.put(replace(run, row=other.key))
    elif at - run.proved > STALE_AFTER:
        step.lose(run)
    else:
        step.end(run, Result.ENDED, run.proved if run.unnamed else at, evidence)


def _judge_held(step: Step, run: Run) -> None:
    """Let a remembered run go on where the server would not show it anyway."""
    if not step.state.tasks:
        return
    if run.state is TaskState.QUEUED or run.task not in step.state.known.tasks:
        step.put(replace(run, held=False))
    else:
        step.lose(run)


def _judge_unseen(
    step: Step, run: Run, event: Snapshot, age: timedelta, asked: Moment
) -> None:
    """End a run that we began, if its not being seen says anything."""
    state = step.state
    early = age < ROW_DELAY or _is_silenced(state, run.task)
    if run.task in state.known.tasks and run.company is not Company.NAMELESS:
        if not early:
            _judge_absent(step, run, asked)
    elif run.company is not Company.NONE and _is_idle(state, asked):
        nameless = run.company is Company.NAMELESS
        result = Result.ENDED if nameless else Result.LOST
        step.end(run, result, state.idle_since or asked, Evidence.INFERRED)
    elif run.company is Company.NONE and state.known.nameless and not early:
        _judge_never_busy(step, run, asked)
    else:
        _judge_work(step, run, event, asked)


def _judge_absent(step: Step, run: Run, asked: Moment) -> None:
    """End a run that the server would show, unless it may wait for its turn."""
    if live_rows(step.state) and not step.state.known.parallel:
        step.put(replace(run, waited=True))
    else:
        step.lose(run, asked)


def _judge_never_busy(step: Step, run: Run, asked: Moment) -> None:
    """End a run if a server that shows work without names shows none, twice."""
    if run.waited:
        step.lose(run, asked)
    else:
        step.put(replace(run, waited=True))


def _is_idle(state: RunState, asked: Moment) -> bool:
    if state.idle_since is None:
        return False
    long = asked - state.idle_since >= IDLE_FOR
    return long or state.idle_snapshots >= IDLE_SNAPSHOTS


def _is_silenced(state: RunState, task: str) -> bool:
    """Tell whether a row that may show the task is ignored after a stop."""
    return any(
        row.busy and row.task in (None, task) and is_muted(state, row.key, row.task)
        for row in state.rows.values()
    )


def _judge_work(step: Step, run: Run, event: Snapshot, asked: Moment) -> None:
    """Let rows of the task's kind of work prolong its run, and end it.

    Only rows that began with the run count, or follow closely upon such: an ordinary
    scan much later says nothing of it.
    """
    shown = frozenset(
        key_of(row)
        for row in event.rows
        if run.task in WORK_TYPES.get(row.type, frozenset())
    )
    near = asked - (run.worked or run.sent or asked) <= WORK_GAP
    before = step.state.work
    began = shown - before if near and before is not None else frozenset[str]()
    if work := (run.work & shown) | began:
        step.put(replace(run, work=work, worked=asked, evidence=Evidence.INFERRED))
    elif run.worked and asked - run.worked > WORK_GAP and not live_rows(step.state):
        step.end(run, Result.ENDED, run.worked, Evidence.INFERRED)
