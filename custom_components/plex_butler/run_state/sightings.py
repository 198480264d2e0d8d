"""What snapshots and notifications prove."""

from dataclasses import replace
from datetime import timedelta
from typing import Final

from .clock import Moment
from .events import Command, Notified, PushMissed, RowLike, Snapshot, Told
from .model import Evidence, KnownRow, Result, Run, TaskState
from .rows import is_butler, is_live, is_muted, key_of, live_rows, look, task_of
from .step import Step
from .verdicts import judge_row, judge_runs, tell_idle, track

# A start between two looks that are further apart is dated by nobody
WATCHED: Final = timedelta(seconds=60)
# What comes so soon after the end of a row, and is no new start, was on its way before
LATE: Final = timedelta(seconds=10)
# The stream tells of a row within so long, if it does
PUSH_DELAY: Final = timedelta(seconds=30)


def snapshot(step: Step, event: Snapshot) -> None:
    """See what the server shows, and what it does not show any more."""
    asked, state = min(event.asked, step.now), step.state
    newest = max(filter(None, (state.asked, state.restarted)), default=None)
    if newest and asked < newest:
        return
    dated = _is_watched(step, asked)
    rows = {key_of(row): row for row in event.rows if is_butler(row)}
    gone = _forget(step, frozenset(rows), asked)
    for key, row in rows.items():
        known = step.state.rows.get(key)
        if known is None or _is_news(known, asked):
            heir_of = gone.get((row.title, row.subtitle, row.progress))
            step.put_row(look(step.state, row, asked, told=False, heir_of=heir_of))
            _prove(step, key, asked, told=None, dated=dated)
    step.state = replace(step.state, asked=asked)
    _learn_parallel(step)
    track(step, asked, is_snapshot=True)
    judge_runs(step, event, asked)
    tell_idle(step, asked)
    _doubt_push(step, asked)


def _forget(
    step: Step, keys: frozenset[str], asked: Moment
) -> dict[tuple[str, str, float], KnownRow]:
    """Forget the rows that a snapshot does not show, and return them by content."""
    state = step.state
    gone = {
        key: row
        for key, row in state.rows.items()
        if key not in keys and row.seen < asked
    }
    rows = {key: row for key, row in state.rows.items() if key not in gone}
    # Rows that were there before the answer to a stop are not new after it
    mutes = tuple(
        replace(mute, keys=mute.keys | keys) if asked < mute.answered else mute
        for mute in state.mutes
    )
    step.state = replace(state, rows=rows, mutes=mutes)
    return {row.content: row for row in gone.values()}


def _is_news(known: KnownRow, asked: Moment) -> bool:
    """Tell whether a snapshot knows more of a row than what was heard of it."""
    if known.ended and asked < known.ended + LATE:
        return False
    return known.seen < asked


def _learn_parallel(step: Step) -> None:
    tasks = {row.task for row in live_rows(step.state) if row.task}
    if len(tasks) > 1:
        step.learn(replace(step.state.known, parallel=True))


def _doubt_push(step: Step, asked: Moment) -> None:
    """Trust the stream no longer if it did not tell of a row that it should have."""
    since = step.state.push_since
    untold = [
        row
        for row in live_rows(step.state)
        if since
        and not row.told
        and since <= row.begun
        and asked - row.begun > PUSH_DELAY
    ]
    for row in untold:
        step.put_row(replace(row, told=True))
    if untold:
        step.learn(replace(step.state.known, pushed=False))
        step.changes.append(PushMissed())


def notified(step: Step, event: Notified) -> None:
    """Hear of one row; an older snapshot cannot say otherwise."""
    if not is_butler(event.row):
        return
    step.learn(replace(step.state.known, pushed=True))
    key = key_of(event.row)
    if event.told is Told.ENDED:
        _hear_end(step, key, event.row)
    elif event.told is Told.STARTED or not _is_late(step, key):
        dated = event.told is Told.STARTED or _is_watched(step, step.now)
        step.put_row(look(step.state, event.row, step.now, told=True, heir_of=None))
        _prove(step, key, step.now, told=event.told, dated=dated)
        judge_row(step, key, step.now)
    track(step, step.now, is_snapshot=False)


def _is_late(step: Step, key: str) -> bool:
    known = step.state.rows.get(key)
    return bool(known and known.ended and step.now < known.ended + LATE)


def _is_watched(step: Step, at: Moment) -> bool:
    """Tell whether a row that was not there at the last look began only now."""
    state = step.state
    if state.asked is None:
        return False
    listening = state.push_since is not None and state.push_since <= state.asked
    return at - state.asked <= WATCHED or (listening and state.known.pushed)


def _prove(step: Step, key: str, at: Moment, *, told: Told | None, dated: bool) -> None:
    """Begin a run, or let it go on, if a row proves it."""
    row, known = step.state.rows[key], step.state.known
    if not is_live(step.state, row):
        return
    if row.task is None:
        step.learn(replace(known, busy=True, nameless=True))
        return
    step.learn(replace(known, busy=True, tasks=known.tasks | {row.task}))
    run = step.state.runs.get(row.task)
    if run and run.held and told is Told.STARTED:
        step.lose(run)
        run = None
    if run:
        _renew(step, run, row, at, told=told, dated=dated)
        return
    last = step.state.last.get(row.task)
    if last is None or last.ended <= at:
        step.begin(
            Run(
                task=row.task,
                state=TaskState.RUNNING,
                evidence=Evidence.NOTIFICATION if told else Evidence.ACTIVITY,
                started=at if dated else None,
                proved=at,
                row=key,
                progress=_progress(row),
            )
        )


def _renew(
    step: Step,
    run: Run,
    row: KnownRow,
    at: Moment,
    *,
    told: Told | None,
    dated: bool,
) -> None:
    """Let a run go on that a row proves."""
    if at < (run.sent if run.sent and not run.row else run.proved):
        return
    queued = run.state is TaskState.QUEUED
    evidence = run.evidence
    if run.row is None or evidence is Evidence.INFERRED:
        evidence = Evidence.NOTIFICATION if told else Evidence.ACTIVITY
    started = run.started
    if queued:
        started = at if dated else None
    elif run.row is None and not run.held and (run.waited or told is Told.STARTED):
        started = at
    run = replace(
        run,
        state=TaskState.RUNNING,
        evidence=evidence,
        started=started,
        proved=at,
        row=row.key,
        unnamed=None,
        progress=_progress(row),
        until=None,
        held=False,
    )
    if queued:
        step.begin(run)
    else:
        step.put(run)


def _progress(row: KnownRow) -> float | None:
    return row.progress if row.progress >= 0 else None


def _hear_end(step: Step, key: str, row: RowLike) -> None:
    """Hear that a row ended, or that one of the tasks that share it did."""
    known, named = step.state.rows.get(key), task_of(step.state.names, row)
    if known is None or named is None or known.task in (None, named):
        last = look(step.state, row, step.now, told=True, heir_of=None)
        task = named or (known.task if known else None)
        step.put_row(replace(last, task=task, ended=step.now))
        judge_row(step, key, step.now)
    if named and not is_muted(step.state, key, named):
        _end_named(step, key, named)


def _end_named(step: Step, key: str, task: str) -> None:
    """End the run of a task that was told to end, however short it was."""
    run = step.state.runs.get(task)
    if run is None:
        sent = step.state.pending.get((Command.START, task))
        last = step.state.last.get(task)
        if sent is None or (last and sent <= last.ended):
            return
        run = Run(
            task=task,
            state=TaskState.RUNNING,
            evidence=Evidence.NOTIFICATION,
            started=sent,
            proved=step.now,
        )
        step.begin(run)
    elif run.row not in (None, key):
        return
    elif run.state is TaskState.QUEUED:
        step.begin(replace(run, state=TaskState.RUNNING, until=None, held=False))
    step.end(step.state.runs[task], Result.ENDED, step.now, Evidence.NOTIFICATION)
