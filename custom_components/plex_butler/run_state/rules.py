"""When a run begins, goes on and ends."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, Concatenate, Final

from ..api import Activity, ActivityEvent, ButlerTask
from ..tasks import SHORT_TASKS
from . import models as m
from .activities import (
    BUTLER,
    STANDING_AFTER,
    fold,
    is_live,
    keep,
    key_of,
    look,
    shows,
    unique_names,
)
from .models import Moment, Window

# A start that nothing shows is given up so long after its answer: slow servers need 8 s
GRACE: Final = timedelta(seconds=15)
# A task's own row may come back at once, and the log names who stopped it
SETTLE: Final = timedelta(milliseconds=100)
# Between two tasks of a session there is less; and after this, Butler is idle
PAUSE: Final = timedelta(milliseconds=200)
IDLE_AFTER: Final = timedelta(seconds=10)
# How long a task's own row is believed at 100, and one that now names another task
LAST_PHASE: Final = timedelta(minutes=10)
OTHER_NAME_FOR: Final = timedelta(seconds=30)
# Rows linger after a stop, frames after an end, and the log repeats what rows said
IGNORED_FOR: Final = timedelta(seconds=30)
LATE: Final = timedelta(seconds=10)
ECHO: Final = timedelta(seconds=2)
# An answer takes no longer; a stop that failed may be done so much later
PENDING_FOR: Final = timedelta(minutes=1)
DONE_LATER: Final = timedelta(minutes=5)
# If two polls are further apart, no start is known, or no end is seen
WATCHED: Final = timedelta(seconds=90)
STALE_AFTER: Final = timedelta(minutes=6.5)
# The clocks of a host that slept differ by more
ASLEEP: Final = timedelta(minutes=1)
# The stream tells of a row within so long; who is away for less was not restarted
PUSH_DELAY: Final = timedelta(seconds=30)
DROP: Final = timedelta(seconds=5)
# So long the start of a short task is believed that nothing shows
SHORT: Final = timedelta(minutes=3)


def apply[**P](
    state: m.RunState,
    now: Moment,
    rule: Callable[Concatenate[Rules, P], None],
    *args: P.args,
    **kwargs: P.kwargs,
) -> tuple[m.RunState, tuple[m.Change, ...]]:
    """Return the state after something happened, as a rule says, and what changed."""
    rules = Rules(state, now)
    if state.next_tick and state.next_tick <= rules.now:
        rules.tick()
    rule(rules, *args, **kwargs)
    rules.tick()
    # No change overtakes an end that is not yet decided
    told = next((n for n, it in enumerate(rules.changes) if isinstance(it, str)), None)
    changes, untold = rules.changes[:told], () if told is None else rules.changes[told:]
    rules.state.undecided = tuple(untold)
    return rules.state, tuple(it for it in changes if not isinstance(it, str))


class Rules:
    """What each thing that can happen does to a state, and what it changes."""

    def __init__(self, state: m.RunState, now: Moment) -> None:
        # A clock that runs backwards must not undo what was known
        self.now = self.at = max(state.now, now)
        self.state = replace(state, now=self.now)
        self.changes: list[m.Change | str] = list(state.undecided)
        self.shown: list[m.TrackedActivity] = []
        # Of the row that is seen: how the stream told of it, and if its start is known
        self.told: ActivityEvent | None = None
        self.start_known = False
        if (now.utc - state.now.utc) - (now - state.now) > ASLEEP:
            self.state.gap = state.now

    def _learn(self, **changes: Any) -> None:
        known = replace(self.state.known, **changes)
        if known != self.state.known:
            self.state.learned = {**self.state.learned, self.state.version: known}

    def _put(self, run: m.Run, **changes: Any) -> m.Run:
        run = replace(run, **changes)
        self.state.runs = {**self.state.runs, run.task: run}
        return run

    def _runs(self, row: str | None = None) -> list[m.Run]:
        """Return the runs, of one row or all, whose end is not about to be decided."""
        runs = self.state.runs.values()
        return [it for it in runs if it.end is None and row in (None, it.row)]

    def _begin(self, run: m.Run, *, again: bool = False) -> None:
        """Begin a run, which cannot have begun before the last of its task ended."""
        if run.started and (last := self.state.last.get(run.task)):
            run = replace(run, started=max(run.started, last.ended))
        self._put(run)
        self.changes.append(m.RunQueued(run) if run.until else m.RunStarted(run, again))

    def _resume(self, run: m.Run, **changes: Any) -> None:
        """Let a run go on; if it was queued, it begins."""
        going = self._put(run, state=m.TaskState.RUNNING, until=None, **changes)
        if run.until:
            self.changes.append(m.RunStarted(going))

    def _end_seen(self, run: m.Run, at: Moment, *, named: bool) -> None:
        """End a run whose end was seen: by name, or what is likely its end."""
        stop = self._stop_of(run)
        result, evidence = m.Result.LOST, m.Evidence.INFERRED
        if stop and stop.done is None:
            result, evidence = m.Result.STOPPED, m.Evidence.OBSERVED
        elif named and run.begin_seen and not (stop or run.stop_failed):
            result, evidence = m.Result.ENDED, m.Evidence.OBSERVED
        self._end(run, result, evidence, at)

    def _end_unseen(self, run: m.Run, at: Moment | None = None) -> None:
        """End a run whose end was not seen."""
        self._end(run, m.Result.LOST, run.evidence, at or self.now)

    def _end(
        self, run: m.Run, result: m.Result, evidence: m.Evidence, at: Moment
    ) -> None:
        state, row = self.state, self.state.rows.get(run.row or "")
        ended = max(at, run.started or at)
        over = run.end or m.EndedRun(
            run.task, result, evidence, run.started, ended, run.sent, run.log_id
        )
        settles = (row and row.is_own) or state.logging
        if settles and result is m.Result.ENDED and not run.end:
            self._put(run, end=over, end_final_at=self.now + SETTLE)
            self.changes.append(run.task)
            return
        # What a server that names its tasks has not named was most likely in a queue
        named = state.known.tasks or state.logging
        waited = named and run.grace_over and run.unproven
        change = m.RunEnded(over, ran=run.until is None and not waited)
        state.runs = {it: run_ for it, run_ in state.runs.items() if it != run.task}
        state.last = {**state.last, run.task: over}
        place = self.changes.index(run.task) if run.end else len(self.changes)
        self.changes[place : place + 1] = [change]

    # Commands

    def _stops(self, task: str | None) -> list[m.Stop]:
        return [it for to, it in self.state.stops.items() if to in (None, task)]

    def _stop_of(self, run: m.Run) -> m.Stop | None:
        """Return a stop that is out or has failed, and may be what ends a run."""
        for stop in self._stops(run.task):
            wait = PENDING_FOR if stop.done is None else DONE_LATER
            before = run.sent and stop.sent < run.sent
            if not (stop.done or before) and self.now - stop.sent < wait:
                return stop
        return None

    def command_sent(self, command: m.Command, task: str | None) -> None:
        """Remember when a command was sent: what is seen from now on may be its doing.

        Its task is None if it is for all of them.
        """
        if command is m.Command.START and task:
            self.state.pending = {task: self.now, **self.state.pending}
        elif command in m.STOPS:
            self.state.stops = {**self.state.stops, task: m.Stop(self.now)}

    def command_answered(
        self, command: m.Command, task: str | None, sent: Moment, answer: m.Answer
    ) -> None:
        """Update the runs by what the server answered; a failure answers nothing."""
        state, sent = self.state, min(sent, self.now)
        failed = answer is m.Answer.FAILED
        if not failed:
            self._answers(sent)
        failed |= state.restarted is not None and sent < state.restarted
        state.snapshot_requested = self.now
        if command is m.Command.START and task:
            state.pending = {it: at for it, at in state.pending.items() if it != task}
            if not failed:
                self._start_accepted(task, sent, ran=answer is m.Answer.ALREADY_RUNNING)
        elif command in m.STOPS:
            stop = m.Stop(sent, self.now, done=not failed)
            state.stops = {**state.stops, task: stop}
            lost = answer is m.Answer.NOT_RUNNING
            result = m.Result.LOST if lost else m.Result.STOPPED
            for run in self._runs():
                if task in (None, run.task) and (not run.sent or run.sent <= sent):
                    if failed:
                        self._put(run, stop_failed=True)
                    else:
                        self._end(run, result, m.Evidence.ASSUMED, self.now)
            if not failed:
                self._ignore_activities(task)

    def _ignore_activities(self, task: str | None) -> None:
        """Let known rows prove nothing of what was stopped, for a while."""
        until = self.now + IGNORED_FOR
        for row in self.state.rows.values():
            if row.busy and task in (None, row.task):
                muted = replace(row, ignored_until=until)
                self.state.rows = {**self.state.rows, row.key: muted}

    def _start_accepted(self, task: str, sent: Moment, *, ran: bool) -> None:
        """Believe that a task was started or queued now, or that it ran already."""
        state, now = self.state, self.now
        run, last = state.runs.get(task), state.last.get(task)
        over = last and (last.ended if ran else last.started)
        overtaken = any(it.done and sent <= it.sent for it in self._stops(task))
        if overtaken or (over and sent <= over and not run):
            # Also so short that it ended before the answer came
            return
        if run and ran:
            self._resume(run, proved=now)
        elif run and not run.until and run.started and sent <= run.started:
            self._put(run, sent=sent, answered=now)
        elif not run or not (run.until or sent <= run.proved):
            if run:
                # Had it gone on, the answer had been another
                self._end_unseen(run, sent)
            at, since, window = None if ran else sent, state.busy_since, state.window
            alone = not state.busy or bool(since and sent <= since)
            new = m.Run(
                task, m.Evidence.ASSUMED, at, now, sent=at, answered=now, alone=alone
            )
            if at and window and state.tasks.get(task) and window.is_open(now.utc):
                queued, until = m.TaskState.QUEUED, window.next_end(now)
                new = replace(new, state=queued, started=None, until=until)
            self._begin(new)

    def foreign_command(self, command: m.Command, task: str | None) -> None:
        """Let another client have stopped what it stopped, as the log says."""
        self.state.snapshot_requested = self.now
        if command in m.STOPS:
            for run in tuple(self.state.runs.values()):
                if task in (None, run.task):
                    stopped = run.end and replace(run.end, result=m.Result.STOPPED)
                    known = replace(run, end=stopped)
                    self._end(known, m.Result.STOPPED, m.Evidence.OBSERVED, self.now)
            self._ignore_activities(task)

    # Rows

    def snapshot(self, rows: Sequence[Activity], asked: Moment) -> None:
        """See all activities that the server shows, and what it shows no more."""
        self._answers(asked)
        state = self.state
        self.at = asked = min(asked, self.now)
        if any(it and asked < it for it in (state.asked, state.restarted)):
            return
        if state.asked and asked - state.asked > STALE_AFTER and not state.trusted:
            state.gap = state.asked
        self.start_known = self._is_watched()
        butlers = {key_of(row): row for row in rows if fold(row.type) == BUTLER}
        old = [it for it in state.rows.values() if it.seen < asked]
        gone = {it.key: it for it in old if it.key not in butlers}
        unchanged = {it.content: it.changed for it in gone.values()}
        state.unchanged = {**state.unchanged, **unchanged}
        state.rows = {key: it for key, it in state.rows.items() if key not in gone}
        for key, row in butlers.items():
            known = state.rows.get(key)
            late = known and known.ended and asked < known.ended + LATE
            if not known or (known.seen < asked and not late):
                self._observe(row)
        state.asked, state.unchanged = asked, {}
        for run in self._runs():
            self._reconcile(run)
        for run in state.restored if state.tasks else ():
            # What the server would not show anyway goes on
            if run.task not in state.runs:
                self._put(run)
                if run.row or (run.unproven and state.known.tasks):
                    self._end_unseen(run)
        state.restored = () if state.tasks else state.restored
        # The stream is trusted no longer if it did not tell of a row
        live = [row for row in state.rows.values() if is_live(row, self.now)]
        since = state.push_since
        untold = [row for row in live if since and not row.told and since <= row.since]
        if any(asked - row.since > PUSH_DELAY for row in untold):
            told = {row.key: replace(row, told=True) for row in untold}
            state.rows = {**state.rows, **told}
            self._learn(pushed=False)
            self.changes.append(m.PushMissed())

    def notified(self, told: ActivityEvent, row: Activity) -> None:
        """Hear of one activity; an older snapshot cannot say otherwise."""
        self._answers()
        if fold(row.type) != BUTLER:
            return
        self.told, key, starts = told, key_of(row), told is ActivityEvent.STARTED
        self._learn(pushed=True)
        known = self.state.rows.get(key)
        late = known and known.ended and self.now < known.ended + LATE
        if told is ActivityEvent.ENDED:
            self._activity_ended(row, known)
        elif starts or not late:
            self.start_known = starts or self._is_watched()
            self._observe(row)
            for run in self._runs(key):
                self._reconcile(run)

    def _is_watched(self) -> bool:
        """Return True if a row that was not there at the last look began only now."""
        asked, gap, since = (self.state.asked, self.state.gap, self.state.push_since)
        if asked is None or (gap and asked <= gap):
            return False
        listening = since is not None and since <= asked and self.state.known.pushed
        return self.at - asked <= WATCHED or listening

    def _observe(self, seen: Activity) -> None:
        """See a row, and take what it proves."""
        state, at = self.state, self.at
        row = look(state, seen, at, told=self.told is not None)
        for stop in self._stops(row.task):
            if stop.done and stop.answered and row.since < stop.answered:
                row = replace(row, ignored_until=stop.answered + IGNORED_FOR)
        state.rows = keep(state.rows, row)
        if row.progress >= 100:
            self._observe_full(row)
        elif is_live(row, self.now):
            self._learn(busy=True)
            if row.task:
                self._learn(tasks=state.known.tasks | {row.task})
                state.task_named = True
                self._confirm(row, row.task)
                return
            for run in self._runs(row.key):
                if not run.begin_seen and row.since <= run.proved:
                    self._put(run, proved=at)

    def _confirm(self, row: m.TrackedActivity, task: str) -> None:
        """Begin a run, or let it go on, if a row proves it."""
        state, at, gap = self.state, self.at, self.state.gap
        run, last = state.runs.get(task), state.last.get(task)
        sent = state.pending.get(task)
        if run and gap and run.proved <= gap and run.row not in (None, row.key):
            self._end_unseen(run)
        elif run:
            self._continue(run, row)
            return
        echo = last and last.log_id and state.logging and at - last.ended < ECHO
        if not run and last and (at < last.ended or echo):
            return
        if sent and (row.since < sent or self.now - sent > PENDING_FOR):
            sent = None
        again = self._given_up(task)
        sent = again.sent if again else sent
        stops = [it.answered for it in self._stops(task) if it.answered]
        new = m.Run(
            task,
            m.Evidence.OBSERVED,
            started=at if self.start_known else None,
            proved=at,
            sent=sent,
            answered=sent and self.now,
            begin_seen=sent is None or sent <= row.since,
            row=row.key,
            progress=row.task_progress,
            stop_failed=any(row.since < answered for answered in stops),
        )
        for old in state.restored if self.told is not ActivityEvent.STARTED else ():
            if old.task == task and old.row in (None, row.key):
                self._put(
                    new, started=old.started, sent=old.sent, begin_seen=old.begin_seen
                )
                return
        self._begin(new, again=again is not None)

    def _given_up(self, task: str) -> m.EndedRun | None:
        """Return the run that was given up, and that goes on if the task shows now."""
        last = self.state.last.get(task)
        recent = last and self.at - last.ended < m.DEFAULT_LIMIT
        return last if last and last.given_up and recent else None

    def _continue(self, run: m.Run, row: m.TrackedActivity) -> None:
        """Let a run go on that a row proves."""
        at, started = self.at, run.started
        if at < (run.sent if run.sent and not run.row else run.proved):
            return
        if run.end:
            if run.log_id or row.since < run.end.ended:
                return
            self.changes.remove(run.task)
        if run.other_name_since and row.is_session:
            # What was named meanwhile is over
            for other in self._runs(row.key):
                if other.task != run.task and not other.other_name_since:
                    self._end_seen(other, at, named=False)
        seen = run.begin_seen or run.sent is None or run.sent <= row.since
        if run.until:
            started = at if self.start_known else None
        elif seen and not run.begin_seen:
            dated = self.told or run.grace_over or run.waited
            started = at if dated else started
        run = replace(run, evidence=m.Evidence.OBSERVED, started=started, proved=at)
        run = replace(run, row=row.key, progress=row.task_progress)
        self._resume(run, begin_seen=seen, other_name_since=None, end=None)

    def _observe_full(self, row: m.TrackedActivity) -> None:
        """End the runs of a session's row at 100; a task's own row is in its last phase."""
        for run in self._runs(row.key):
            if row.is_own and row.task == run.task:
                self._put(run, proved=self.at, progress=row.progress)
            else:
                named = row.is_session and row.task in (None, run.task)
                self._end_seen(run, self.at, named=named)
        ours = self.state.runs.get(row.task or "")
        began = ours and ours.unproven and ours.sent and ours.sent <= row.since
        if ours and began and row.is_session:
            self._end_seen(ours, self.at, named=False)

    def _activity_ended(self, row: Activity, known: m.TrackedActivity | None) -> None:
        """Hear that a row ended, or that one of the tasks that share it did."""
        it = look(self.state, row, self.now, told=True)
        ours = self.state.runs.get(it.task or "")
        if known and it.task and known.task not in (None, it.task):
            if ours and ours.row == it.key and not ours.end:
                self._end_seen(ours, self.now, named=True)
            return
        named = known if known and not it.task else it
        ended = replace(it, task=named.task, is_own=named.is_own, ended=self.now)
        self.state.rows = keep(self.state.rows, ended)
        for run in self._runs(it.key):
            self._reconcile(run)
        if ours and not known and ours.unproven and ours.sent:
            # Its begin was not seen: this may be the late end of an older one
            self._end_seen(ours, self.now, named=False)

    def _reconcile(self, run: m.Run) -> None:
        """End a run whose row is gone, and doubt one whose row names something else."""
        rows, gap, at = self.state.rows, self.state.gap, self.at
        polled = not self.told
        row = rows.get(run.row or "")
        if row and not row.ended:
            if row.task == run.task or not row.busy:
                return
            if not run.begin_seen and row.task is None:
                if run.proved < row.since:
                    # Another task of the session, for all that is known
                    began = run.answered or run.proved
                    self._put(run, row=None, alone=False, proved=began)
            elif row.is_session and polled and not self.state.trusted:
                self._end_seen(run, at, named=False)
            elif run.other_name_since is None:
                self._put(run, other_name_since=at, evidence=m.Evidence.INFERRED)
        elif run.row:
            others = (it for it in rows.values() if it.task == run.task)
            live = next((it for it in others if is_live(it, self.now)), None)
            if live:
                self._put(run, row=live.key, other_name_since=None)
            elif polled and gap and run.proved <= gap:
                self._end_unseen(run, at)
            elif run.other_name_since or (row and row.task != run.task):
                self._end_seen(run, run.proved, named=False)
            else:
                self._end_seen(run, at, named=True)

    # The log

    def log_changed(self, *, up: bool) -> None:
        """Know whether the log is open and tells of tasks.

        A run that only the log shows is believed for a while after it closed.
        """
        for run in self._runs():
            if self.state.follows(run):
                self._put(run, proved=self.now)
        self.state.log_since = (self.state.log_since or self.now) if up else None
        self.state.snapshot_requested = self.now

    def sub_activity_started(self, uuid: str, title: str) -> None:
        """Begin the run that the log names, or know it for one that is known."""
        state, now = self.state, self.now
        if (task := state.names.get(fold(title))) is None:
            return
        self._learn(logged=True, runs_not_logged=0)
        state.task_named = True
        run, last = state.runs.get(task), state.last.get(task)
        if run and run.end and not run.log_id:
            self._put(run, log_id=uuid, end=replace(run.end, log_id=uuid))
            return
        seen = last and last.result is m.Result.ENDED and not last.log_id
        if not run and last and seen and now - last.ended < ECHO:
            # The row told of it first, and it was short
            state.last = {**state.last, task: replace(last, log_id=uuid)}
            return
        old = run and run.begin_seen and (not run.started or now - run.started > ECHO)
        if run and (run.log_id or old):
            self._end_unseen(run)
            run = None
        observed = m.Evidence.OBSERVED
        if run:
            started = run.started if run.begin_seen else now
            known = state.rows.get(run.row or "")
            # A row that was only guessed to be the run's may go on to other tasks
            row = known.key if known and known.task == task else None
            run = replace(run, evidence=observed, started=started, proved=now, row=row)
            self._resume(run, begin_seen=True, log_id=uuid)
        else:
            again = self._given_up(task)
            sent = again.sent if again else state.pending.get(task)
            new = m.Run(
                task, observed, now, now, sent=sent, begin_seen=True, log_id=uuid
            )
            self._begin(new, again=again is not None)

    def sub_activity_ended(self, uuid: str) -> None:
        """End the run that the log names."""
        for run in self._runs():
            if run.log_id == uuid:
                self._end_seen(run, self.now, named=True)

    # The server

    def tasks_listed(self, tasks: Sequence[ButlerTask]) -> None:
        """Know which tasks there are; one that is gone cannot be seen to end."""
        self._answers()
        self.state.tasks = {task.name: task.schedule_randomized for task in tasks}
        self.state.names = unique_names(tasks)
        for run in tuple(self.state.runs.values()):
            if run.task not in self.state.tasks:
                self._end_unseen(run)

    def window_changed(self, window: Window | None) -> None:
        """Know the window, until whose end what is queued may start."""
        self.state.window = window = window if window and window.is_clear else None
        for run in self._runs():
            if run.until and window and window.is_open(self.now.utc):
                self._put(run, until=window.next_end(self.now))

    def push_changed(self, *, up: bool) -> None:
        """Know whether the stream is up, and look at what it may not have told."""
        if up:
            self._answers()
        elif self.state.push_since:
            self.state.gap = self.now
        self.state.push_since = self.now if up else None
        self.state.snapshot_requested = self.now

    def poll_failed(self, *, refused: bool) -> None:
        """Suspect a restart of a server that does not answer as it should."""
        self.state.failing_since = self.state.failing_since or self.now
        if refused:
            self.state.refused_since = self.state.refused_since or self.now

    def _answers(self, asked: Moment | None = None) -> None:
        """Let a server that answers again have been restarted, if that may be.

        A stream that stayed up disproves it.
        """
        state, since = self.state, self.state.failing_since
        refused = state.refused_since
        if since is None or (asked and asked <= since):
            return
        state.failing_since = state.refused_since = None
        if state.push_since and state.push_since <= since:
            return
        state.gap = since
        for run in self._runs():
            if not run.row and refused and self.now - since > DROP:
                self._end_unseen(run, refused)

    def version_seen(self, version: str) -> None:
        """Know the version; with another one, nothing of what ran before goes on."""
        self._answers()
        state, was = self.state, self.state.version
        state.version = version
        if was not in ("", version):
            for run in (*state.runs.values(), *state.restored):
                self._end_unseen(self._put(run))
            state.rows, state.unchanged, state.stops, state.restored = ({}, {}, {}, ())
            state.asked = None
            state.restarted = state.gap = state.snapshot_requested = self.now

    # Time

    def tick(self) -> None:
        """Do what time alone does, and know when it does more."""
        self._update_busy()
        for run in tuple(self.state.runs.values()):
            if not run.end:
                self._expire(run)
            elif run.end_final_at and run.end_final_at <= self.now:
                self._end(run, run.end.result, run.end.evidence, run.end.ended)
        self._tell_idle()
        due = (it for it in self._deadlines() if self.now < it)
        self.state.next_tick = min(due, default=None)

    def _update_busy(self) -> None:
        """Know whether Butler is at work, and for which run of ours if for one alone."""
        state, now = self.state, self.now
        rows, runs = state.rows, state.runs.values()
        self.shown = shown = [row for row in rows.values() if shows(row, now)]
        live = [row for row in shown if is_live(row, now)]
        own = {row.key for row in rows.values() if row.is_own and not row.ended}
        logged = any(it.is_on if it.end else it.log_id or it.row in own for it in runs)
        works = bool(live) or logged
        unproven = [run for run in runs if run.unproven]
        queued = [run for run in runs if run.until]
        for run in (*unproven, *queued) if works else ():
            sent = run.sent or self.at
            unnamed = (it for it in live if it.is_session and not it.task)
            mine = next((it for it in unnamed if sent <= it.since), None)
            if mine and run.sent and run.alone and unproven == [run]:
                inferred, row = m.Evidence.INFERRED, mine.key
                self._put(run, row=row, evidence=inferred, proved=now, waited=True)
            elif sent <= self.at and not run.waited:
                self._put(run, waited=True)
        state.idle_since = None if works or shown else state.idle_since or self.at
        if works:
            state.busy_since = state.busy_since if state.busy else now
            state.busy = state.was_busy = True
        elif state.busy and (since := state.busy_since):
            full = [it for it in rows.values() if it.is_session and it.progress >= 100]
            rests = [it.since for it in full if since <= it.since]
            state.busy = bool(rests) and now < max(rests) + PAUSE

    def _expire(self, run: m.Run) -> None:
        """End a run that has been believed for long enough."""
        state, asked = self.state, self.state.asked
        looked = asked is not None and run.proved + IDLE_AFTER <= asked
        closed = run.log_id and not (run.row or self.shown or state.follows(run))
        names = state.known.tasks or state.logging
        if run.unproven:
            self._expire_unproven(run)
        elif run.other_name_since and run.other_name_since + OTHER_NAME_FOR <= self.now:
            self._end_seen(run, run.proved, named=False)
        elif run.until and run.waited and not (state.busy or names):
            # What had waited for work that names nothing is over with it
            self._end_seen(run, state.idle_since or self.now, named=False)
        elif closed and looked and state.known.busy:
            # The log, which alone told of it, broke, and Butler was idle since
            self._end_unseen(run)
        elif _deadline(state, run) <= self.now:
            self._end_unseen(run)

    def _expire_unproven(self, run: m.Run) -> None:
        """End a start that nothing shows, if that says anything."""
        state, now, known = self.state, self.now, self.state.known
        answered, log = run.answered or run.proved, self.state.log_since
        grace = answered + GRACE <= now
        if run.waited and not state.busy and (run.alone or grace):
            self._end_seen(run, state.idle_since or now, named=False)
            return
        if grace and not run.grace_over:
            if run.sent and not known.tasks:
                runs_not_logged = min(known.runs_not_logged + (log is not None), 3)
                self._learn(
                    sessions_unnamed=min(known.sessions_unnamed + 1, 3),
                    runs_not_logged=runs_not_logged,
                )
            run = self._put(run, grace_over=True)
        logs = state.logging and run.sent and log and log <= run.sent
        heard = (state.trusted or logs) and not (state.gap and answered <= state.gap)
        looked = state.asked is not None and answered + IDLE_AFTER <= state.asked
        mine = [row for row in self.shown if row.task in (None, run.task)]
        waits = state.busy or any(not is_live(row, now) for row in mine)
        can_show = known.tasks or known.busy or logs
        absent = grace and can_show and (heard or looked) and not waits
        if absent or _deadline(state, run) <= now:
            self._end_unseen(self._put(run, grace_over=True))
            last = replace(state.last[run.task], given_up=True)
            state.last = {**state.last, run.task: last}

    def _tell_idle(self) -> None:
        """Tell once that Butler is idle, if a look or the stream would have said more."""
        state, since = self.state, self.state.idle_since
        if not state.was_busy or not since or self.now < since + IDLE_AFTER:
            return
        if state.trusted or state.logging or (state.asked and since < state.asked):
            if not state.task_named:
                self._learn(sessions_unnamed=min(state.known.sessions_unnamed + 1, 3))
            state.was_busy = state.task_named = False
            self.changes.append(m.ButlerIdle())

    def _deadlines(self) -> Iterator[Moment]:
        state = self.state
        for run in state.runs.values():
            decided = run.end_final_at if run.end else None
            yield decided or _deadline(state, run)
            if run.other_name_since:
                yield run.other_name_since + OTHER_NAME_FOR
            if run.unproven:
                yield (run.answered or run.proved) + GRACE
        ignored = (row.ignored_until for row in state.rows.values())
        yield from (until for until in ignored if until)
        if self.shown:
            oldest = min(self.shown, key=lambda row: row.changed.monotonic)
            yield oldest.changed + STANDING_AFTER
        if state.idle_since and (state.busy or state.was_busy):
            yield from (state.idle_since + PAUSE, state.idle_since + IDLE_AFTER)


def _deadline(state: m.RunState, run: m.Run) -> Moment:
    """Return when a run ends if nothing more is seen of it."""
    row = state.rows.get(run.row or "")
    if run.until:
        return run.until
    if row and row.is_own and not row.busy:
        return row.changed + LAST_PHASE
    if state.follows(run):
        return run.proved + STANDING_AFTER
    if run.row:
        stale = run.proved + max(state.limit, STALE_AFTER)
        return min(stale, row.changed + STANDING_AFTER) if row else stale
    # Where Butler is seen at work, that says more than a limit
    short = run.task in SHORT_TASKS and not state.known.busy
    return run.proved + (min(state.limit, SHORT) if short else state.limit)
