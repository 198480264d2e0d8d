"""What time alone changes, and when somebody should look."""

from dataclasses import replace
from datetime import timedelta
from typing import Final

from .clock import Moment
from .model import Evidence, Result, Run, RunState, TaskState
from .rows import MUTED_FOR, is_standing, live_rows, stands_from
from .step import Step

# A run whose row now names something else may still be named again
UNNAMED_FOR: Final = timedelta(seconds=30)
# Rows of one kind of work that follow each other so closely are one piece of work
WORK_GAP: Final = timedelta(seconds=15)
# No answer to a command comes after so long
PENDING_FOR: Final = timedelta(minutes=1)

# How often to look: while something must be settled, and then with trusted push ...
SETTLING: Final = timedelta(seconds=5)
TRUSTED_BUSY: Final = timedelta(seconds=60)
TRUSTED_IDLE: Final = timedelta(minutes=5)
# ... and without: while work is seen or a command of ours is out, in the window, in
# which Butler begins by itself, and outside, where it begins only if somebody says so.
BUSY: Final = timedelta(seconds=5)
IDLE_IN_WINDOW: Final = timedelta(seconds=10)
IDLE: Final = timedelta(seconds=32)
# A stream that is up and has not pushed anything of Butler yet most likely will.
IDLE_CONNECTED: Final = timedelta(seconds=75)

# A row that nobody could look at for so long may have gone at any time: an outage of
# five minutes, after the last look at it and before the next one
STALE_AFTER: Final = timedelta(minutes=5) + TRUSTED_BUSY + IDLE


def expire(step: Step) -> None:
    """Do what time alone does."""
    for run in list(step.state.runs.values()):
        _expire_run(step, run)
    state, now = step.state, step.now
    mutes = tuple(mute for mute in state.mutes if now < mute.answered + MUTED_FOR)
    if mutes != state.mutes:
        step.poke()
    pending = {
        key: sent for key, sent in state.pending.items() if now < sent + PENDING_FOR
    }
    step.state = replace(step.state, mutes=mutes, pending=pending)


def _expire_run(step: Step, run: Run) -> None:
    row = step.state.rows.get(run.row) if run.row else None
    if row and row.busy and is_standing(step.state, row):
        step.lose(run)
    elif (deadline := _deadline(step.state, run)) and deadline <= step.now:
        if run.unnamed:
            # Dated when it was last named
            step.end(run, Result.ENDED, run.proved)
        else:
            step.lose(run)


def _deadline(state: RunState, run: Run) -> Moment | None:
    """Return when a run ends if nothing more is seen of it."""
    if run.held:
        return None
    if run.unnamed:
        return run.unnamed + UNNAMED_FOR
    if run.row:
        return run.proved + max(state.limit, STALE_AFTER)
    if run.until:
        return run.until
    limit = run.proved + state.limit
    return max(limit, run.worked + WORK_GAP) if run.worked else limit


def next_deadline(state: RunState) -> Moment | None:
    """Return when a `Tick` is due, if nothing else happens before."""
    moments = [mute.answered + MUTED_FOR for mute in state.mutes]
    moments += [stands_from(state, row) for row in live_rows(state)]
    moments += filter(None, (_deadline(state, run) for run in state.runs.values()))
    return min(moments, default=None)


def next_snapshot(state: RunState) -> Moment:
    """Return when a snapshot is due; the past means at once.

    It counts from the last success: to go easier on a server that does not answer is
    up to the caller.
    """
    if state.asked is None:
        return state.now
    due = state.asked + _interval(state)
    window = state.window
    if window and not window.is_open(state.now.utc):
        # Work that begins with the window is looked for at once.
        begin = window.next_start(state.now.utc) - state.now.utc
        due = min(due, state.now + begin)
    if state.poked and state.asked < state.poked:
        return min(due, state.poked)
    return due


def _interval(state: RunState) -> timedelta:
    trusted = state.push_since is not None and state.known.pushed
    runs = [run for run in state.runs.values() if run.state is TaskState.RUNNING]
    rows = live_rows(state)
    busy = bool(runs or rows)
    # Whether work is over or only pauses, the next looks tell
    pauses = state.was_busy and not rows
    if state.mutes or pauses or any(_is_unsettled(run) for run in runs):
        return SETTLING
    if trusted:
        return TRUSTED_BUSY if busy else TRUSTED_IDLE
    if busy:
        return BUSY
    if state.window and state.window.is_open(state.now.utc):
        return IDLE_IN_WINDOW
    return IDLE_CONNECTED if state.push_since else IDLE


def _is_unsettled(run: Run) -> bool:
    return run.row is None or run.evidence is Evidence.INFERRED
