"""When a run begins, goes on and ends."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, Concatenate, Final

from ..api import Activity, ActivityEvent, ButlerTask
from ..clock import Moment, Window
from . import models as m
from .activities import (
    BUTLER,
    STANDING_AFTER,
    fold,
    is_live,
    keep,
    key_of,
    look,
    names_of,
    shows,
)

# A start that nothing shows is given up so long after its answer: slow servers need 8 s
GRACE: Final = timedelta(seconds=15)
# A task's own row may come back at once, and the log names who stopped it
SETTLE: Final = timedelta(milliseconds=100)
# Between two tasks of a session there is less; and after this, Butler is idle
PAUSE: Final = timedelta(milliseconds=200)
IDLE_AFTER: Final = timedelta(seconds=10)
# How long a task's own row is believed at 100, and one that now names another task
LAST_PHASE: Final = timedelta(minutes=10)
UNNAMED_FOR: Final = timedelta(seconds=30)
# Rows linger after a stop, frames after an end, and the log repeats what rows said
MUTED_FOR: Final = timedelta(seconds=30)
LATE: Final = timedelta(seconds=10)
ECHO: Final = timedelta(seconds=2)
# An answer takes no longer; a stop that failed may be done so much later
PENDING_FOR: Final = timedelta(minutes=1)
DONE_LATER: Final = timedelta(minutes=5)
# Between two looks that are further apart no start is dated, or no end is seen
WATCHED: Final = timedelta(seconds=90)
STALE_AFTER: Final = timedelta(minutes=6.5)
# The clocks of a host that slept differ by more
ASLEEP: Final = timedelta(minutes=1)
# The stream tells of a row within so long; who is away for less was not restarted
PUSH_DELAY: Final = timedelta(seconds=30)
DROP: Final = timedelta(seconds=5)
# Tasks of seconds, minutes at most: for so long a start is believed that nothing shows
SHORT: Final = timedelta(minutes=3)
SHORT_TASKS: Final = frozenset(
    [
        "BackupDatabase",
        "ButlerTaskCleanSupplementalLogFiles",
        "CleanOldBundles",
        "CleanOldCacheFiles",
        "GarbageCollectBlobs",
        "GarbageCollectLibraryMedia",
    ]
)


def apply[**P](
    state: m.RunState,
    now: Moment,
    rule: Callable[Concatenate[Rules, P], None],
    *args: P.args,
    **kwargs: P.kwargs,
) -> tuple[m.RunState, tuple[m.Change, ...]]:
    """Return the state after something happened, as a rule says, and what changed."""
    rules = Rules(state, now)
    if state.due and state.due <= rules.now:
        rules.tick()
    rule(rules, *args, **kwargs)
    rules.tick()
    # No change overtakes an end that is not yet decided
    told = next((n for n, it in enumerate(rules.changes) if isinstance(it, str)), None)
    changes, untold = rules.changes[:told], () if told is None else rules.changes[told:]
    rules.state.untold = tuple(untold)
    return rules.state, tuple(it for it in changes if not isinstance(it, str))


class Rules:
    """What each thing that can happen does to a state, and what it changes."""

    def __init__(self, state: m.RunState, now: Moment) -> None:
        # A clock that runs backwards must not undo what was known
        self.now = self.at = max(state.now, now)
        self.state = replace(state, now=self.now)
        self.changes: list[m.Change | str] = list(state.untold)
        self.shown: list[m.KnownRow] = []
        # Of the row that is seen: how the stream told of it, and if its begin is dated
        self.told: ActivityEvent | None = None
        self.dated = False
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
        return [it for it in runs if it.over is None and row in (None, it.row)]

    def _begin(self, run: m.Run, *, again: bool = False) -> None:
        """Begin a run, which cannot have begun before the last of its task ended."""
        if run.started and (last := self.state.last.get(run.task)):
            run = replace(run, started=max(run.started, last.ended))
        self._put(run)
        self.changes.append(m.RunQueued(run) if run.until else m.RunStarted(run, again))

    def _run(self, run: m.Run, **changes: Any) -> None:
        """Let a run go on; if it was queued, it begins."""
        going = self._put(run, state=m.TaskState.RUNNING, until=None, **changes)
        if run.until:
            self.changes.append(m.RunStarted(going))

    def _finish(self, run: m.Run, at: Moment, *, named: bool) -> None:
        """End a run whose end was seen: by name, or what is likely its end."""
        stop = next(filter(self._may_stop(run), self._stops(run.task)), None)
        result, evidence = m.Result.LOST, m.Evidence.INFERRED
        if stop and stop.done is None:
            result, evidence = m.Result.STOPPED, m.Evidence.OBSERVED
        elif named and run.seen and not (stop or run.stopping):
            result, evidence = m.Result.ENDED, m.Evidence.OBSERVED
        self._end(run, result, evidence, at)

    def _lose(self, run: m.Run, at: Moment | None = None) -> None:
        """End a run whose end was not seen."""
        self._end(run, m.Result.LOST, run.evidence, at or self.now)

    def _end(
        self, run: m.Run, result: m.Result, evidence: m.Evidence, at: Moment
    ) -> None:
        state, row = self.state, self.state.rows.get(run.row or "")
        ended = max(at, run.started or at)
        over = run.over or m.EndedRun(
            run.task, result, evidence, run.started, ended, sub=run.sub, sent=run.sent
        )
        settles = (row and row.own) or state.logging
        if settles and result is m.Result.ENDED and not run.over:
            self._put(run, over=over, settled=self.now + SETTLE)
            self.changes.append(run.task)
            return
        # What a server that names its tasks has not named was most likely in a queue
        waited = run.doubted and run.unproven and (state.known.tasks or state.logging)
        change = m.RunEnded(over, ran=run.until is None and not waited)
        state.runs = {it: run_ for it, run_ in state.runs.items() if it != run.task}
        state.last = {**state.last, run.task: over}
        place = self.changes.index(run.task) if run.over else len(self.changes)
        self.changes[place : place + 1] = [change]

    # Commands

    def _stops(self, task: str | None) -> list[m.Stop]:
        return [it for to, it in self.state.stops.items() if to in (None, task)]

    def _may_stop(self, run: m.Run) -> Callable[[m.Stop], bool]:
        """Return what is True of a stop that is out or failed, and may end a run."""

        def may_stop(stop: m.Stop) -> bool:
            wait = PENDING_FOR if stop.done is None else DONE_LATER
            before = run.sent is not None and stop.sent < run.sent
            return not (stop.done or before) and self.now - stop.sent < wait

        return may_stop

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
        """Take the server's word for what it did; an answer that failed is none."""
        state, sent = self.state, min(sent, self.now)
        failed = answer is m.Answer.FAILED
        if not failed:
            self._answers(sent)
        failed |= state.restarted is not None and sent < state.restarted
        state.poked = self.now
        if command is m.Command.START and task:
            state.pending = {it: at for it, at in state.pending.items() if it != task}
            if not failed:
                self._started(task, sent, ran=answer is m.Answer.ALREADY_RUNNING)
        elif command in m.STOPS:
            stop = m.Stop(sent, self.now, done=not failed)
            state.stops = {**state.stops, task: stop}
            lost = answer is m.Answer.NOT_RUNNING
            result = m.Result.LOST if lost else m.Result.STOPPED
            for run in self._runs():
                if task in (None, run.task) and (not run.sent or run.sent <= sent):
                    if failed:
                        self._put(run, stopping=True)
                    else:
                        self._end(run, result, m.Evidence.ASSUMED, self.now)
            if not failed:
                self._mute(task)

    def _mute(self, task: str | None) -> None:
        """Let known rows prove nothing of what was stopped, for a while."""
        until = self.now + MUTED_FOR
        for row in self.state.rows.values():
            if row.busy and task in (None, row.task):
                muted = replace(row, muted=until)
                self.state.rows = {**self.state.rows, row.key: muted}

    def _started(self, task: str, sent: Moment, *, ran: bool) -> None:
        """Believe that a task was started or queued now, or that it ran already."""
        state, now = self.state, self.now
        run, last = state.runs.get(task), state.last.get(task)
        over = last and (last.ended if ran else last.started)
        overtaken = any(it.done and sent <= it.sent for it in self._stops(task))
        if overtaken or (over and sent <= over and not run):
            # Also so short that it ended before the answer came
            return
        if run and ran:
            self._run(run, proved=now)
        elif run and not run.until and run.started and sent <= run.started:
            self._put(run, sent=sent, answered=now)
        elif not run or not (run.until or sent <= run.proved):
            if run:
                # Had it gone on, the answer had been another
                self._lose(run, sent)
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
        self.state.poked = self.now
        if command in m.STOPS:
            for run in tuple(self.state.runs.values()):
                if task in (None, run.task):
                    stopped = run.over and replace(run.over, result=m.Result.STOPPED)
                    known = replace(run, over=stopped)
                    self._end(known, m.Result.STOPPED, m.Evidence.OBSERVED, self.now)
            self._mute(task)

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
        self.dated = self._is_watched()
        butlers = {key_of(row): row for row in rows if fold(row.type) == BUTLER}
        gone = {
            key: it
            for key, it in state.rows.items()
            if it.seen < asked and key not in butlers
        }
        stood = {it.content: it.changed for it in gone.values()}
        state.stood = {**state.stood, **stood}
        state.rows = {key: it for key, it in state.rows.items() if key not in gone}
        for key, row in butlers.items():
            known = state.rows.get(key)
            late = known and known.ended and asked < known.ended + LATE
            if not known or (known.seen < asked and not late):
                self._see(row)
        state.asked, state.stood = asked, {}
        for run in self._runs():
            self._judge(run)
        for run in state.held if state.tasks else ():
            # What the server would not show anyway goes on
            if run.task not in state.runs:
                self._put(run)
                if run.row or (run.unproven and state.known.tasks):
                    self._lose(run)
        state.held = () if state.tasks else state.held
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
            self._hear_end(row, known)
        elif starts or not late:
            self.dated = starts or self._is_watched()
            self._see(row)
            for run in self._runs(key):
                self._judge(run)

    def _is_watched(self) -> bool:
        """Return True if a row that was not there at the last look began only now."""
        asked, gap, since = self.state.asked, self.state.gap, self.state.push_since
        if asked is None or (gap and asked <= gap):
            return False
        listening = since is not None and since <= asked and self.state.known.pushed
        return self.at - asked <= WATCHED or listening

    def _see(self, seen: Activity) -> None:
        """See a row, and take what it proves."""
        state, at = self.state, self.at
        row = look(state, seen, at, told=self.told is not None)
        for stop in self._stops(row.task):
            if stop.done and stop.answered and row.since < stop.answered:
                row = replace(row, muted=stop.answered + MUTED_FOR)
        state.rows = keep(state.rows, row)
        if row.progress >= 100:
            self._rest(row)
        elif is_live(row, self.now):
            self._learn(busy=True)
            if row.task:
                self._learn(tasks=state.known.tasks | {row.task})
                state.was_named = True
                self._prove(row, row.task)
                return
            for run in self._runs(row.key):
                if not run.seen and row.since <= run.proved:
                    self._put(run, proved=at)

    def _prove(self, row: m.KnownRow, task: str) -> None:
        """Begin a run, or let it go on, if a row proves it."""
        state, at, gap = self.state, self.at, self.state.gap
        run, last = state.runs.get(task), state.last.get(task)
        sent = state.pending.get(task)
        if run and gap and run.proved <= gap and run.row not in (None, row.key):
            self._lose(run)
        elif run:
            self._renew(run, row)
            return
        echo = last and last.sub and state.logging and at - last.ended < ECHO
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
            started=at if self.dated else None,
            proved=at,
            sent=sent,
            answered=sent and self.now,
            seen=sent is None or sent <= row.since,
            row=row.key,
            progress=row.task_progress,
            stopping=any(row.since < answered for answered in stops),
        )
        for old in state.held if self.told is not ActivityEvent.STARTED else ():
            if old.task == task and old.row in (None, row.key):
                self._put(new, started=old.started, sent=old.sent, seen=old.seen)
                return
        self._begin(new, again=again is not None)

    def _given_up(self, task: str) -> m.EndedRun | None:
        """Return the run that was given up, and that goes on if the task shows now."""
        last = self.state.last.get(task)
        recent = last and self.at - last.ended < m.DEFAULT_LIMIT
        return last if last and last.given_up and recent else None

    def _renew(self, run: m.Run, row: m.KnownRow) -> None:
        """Let a run go on that a row proves."""
        at, started = self.at, run.started
        if at < (run.sent if run.sent and not run.row else run.proved):
            return
        if run.over:
            if run.sub or row.since < run.over.ended:
                return
            self.changes.remove(run.task)
        if run.unnamed and row.session:
            # What was named meanwhile is over
            for other in self._runs(row.key):
                if other.task != run.task and not other.unnamed:
                    self._finish(other, at, named=False)
        seen = run.seen or run.sent is None or run.sent <= row.since
        if run.until:
            started = at if self.dated else None
        elif seen and not run.seen and (self.told or run.doubted or run.waited):
            started = at
        run = replace(run, evidence=m.Evidence.OBSERVED, started=started, proved=at)
        run = replace(run, row=row.key, progress=row.task_progress)
        self._run(run, seen=seen, unnamed=None, over=None)

    def _rest(self, row: m.KnownRow) -> None:
        """Take what a row at 100 says: that a session pauses, or a last phase."""
        for run in self._runs(row.key):
            if row.own and row.task == run.task:
                self._put(run, proved=self.at, progress=row.progress)
            else:
                named = row.session and row.task in (None, run.task)
                self._finish(run, self.at, named=named)
        ours = self.state.runs.get(row.task or "")
        began = ours and ours.unproven and ours.sent and ours.sent <= row.since
        if ours and began and row.session:
            self._finish(ours, self.at, named=False)

    def _hear_end(self, row: Activity, known: m.KnownRow | None) -> None:
        """Hear that a row ended, or that one of the tasks that share it did."""
        it = look(self.state, row, self.now, told=True)
        ours = self.state.runs.get(it.task or "")
        if known and it.task and known.task not in (None, it.task):
            if ours and ours.row == it.key and not ours.over:
                self._finish(ours, self.now, named=True)
            return
        named = known if known and not it.task else it
        ended = replace(it, task=named.task, own=named.own, ended=self.now)
        self.state.rows = keep(self.state.rows, ended)
        for run in self._runs(it.key):
            self._judge(run)
        if ours and not known and ours.unproven and ours.sent:
            # Its begin was not seen: this may be the late end of an older one
            self._finish(ours, self.now, named=False)

    def _judge(self, run: m.Run) -> None:
        """End a run whose row is gone, and doubt one whose row names something else."""
        rows, gap, at, polled = self.state.rows, self.state.gap, self.at, not self.told
        row = rows.get(run.row or "")
        if row and not row.ended:
            if row.task == run.task or not row.busy:
                return
            if not run.seen and row.task is None:
                if run.proved < row.since:
                    # Another task of the session, for all that is known
                    began = run.answered or run.proved
                    self._put(run, row=None, alone=False, proved=began)
            elif row.session and polled and not self.state.trusted:
                self._finish(run, at, named=False)
            elif run.unnamed is None:
                self._put(run, unnamed=at, evidence=m.Evidence.INFERRED)
        elif run.row:
            others = (it for it in rows.values() if it.task == run.task)
            live = next((it for it in others if is_live(it, self.now)), None)
            if live:
                self._put(run, row=live.key, unnamed=None)
            elif polled and gap and run.proved <= gap:
                self._lose(run, at)
            elif run.unnamed or (row and row.task != run.task):
                self._finish(run, run.proved, named=False)
            else:
                self._finish(run, at, named=True)

    # The log

    def log_changed(self, *, up: bool) -> None:
        """Know whether the log is open and tells of tasks.

        A run that only the log shows is believed for a while after it closed.
        """
        for run in self._runs():
            if self.state.follows(run):
                self._put(run, proved=self.now)
        self.state.log_since = (self.state.log_since or self.now) if up else None
        self.state.poked = self.now

    def sub_activity_started(self, uuid: str, title: str) -> None:
        """Begin the run that the log names, or know it for one that is known."""
        state, now = self.state, self.now
        if (task := state.names.get(fold(title))) is None:
            return
        self._learn(logged=True, unlogged=0)
        state.was_named = True
        run, last = state.runs.get(task), state.last.get(task)
        if run and run.over and not run.sub:
            self._put(run, sub=uuid, over=replace(run.over, sub=uuid))
            return
        seen = last and last.result is m.Result.ENDED and not last.sub
        if not run and last and seen and now - last.ended < ECHO:
            # The row told of it first, and it was short
            state.last = {**state.last, task: replace(last, sub=uuid)}
            return
        old = run and run.seen and (not run.started or now - run.started > ECHO)
        if run and (run.sub or old):
            self._lose(run)
            run = None
        observed = m.Evidence.OBSERVED
        if run:
            started = run.started if run.seen else now
            known = state.rows.get(run.row or "")
            # A row that was only guessed to be the run's may go on to other tasks
            row = known.key if known and known.task == task else None
            run = replace(run, evidence=observed, started=started, proved=now, row=row)
            self._run(run, seen=True, sub=uuid)
        else:
            again = self._given_up(task)
            sent = again.sent if again else state.pending.get(task)
            new = m.Run(task, observed, now, now, sent=sent, seen=True, sub=uuid)
            self._begin(new, again=again is not None)

    def sub_activity_ended(self, uuid: str) -> None:
        """End the run that the log names."""
        for run in self._runs():
            if run.sub == uuid:
                self._finish(run, self.now, named=True)

    # The server

    def tasks_listed(self, tasks: Sequence[ButlerTask]) -> None:
        """Know which tasks there are; one that is gone cannot be seen to end."""
        self._answers()
        self.state.tasks = {task.name: task.schedule_randomized for task in tasks}
        self.state.names = names_of(tasks)
        for run in tuple(self.state.runs.values()):
            if run.task not in self.state.tasks:
                self._lose(run)

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
        self.state.poked = self.now

    def poll_failed(self, *, refused: bool) -> None:
        """Suspect a restart of a server that does not answer as it should."""
        self.state.failing = self.state.failing or self.now
        if refused:
            self.state.refused = self.state.refused or self.now

    def _answers(self, asked: Moment | None = None) -> None:
        """Let a server that answers again have been restarted, if that may be.

        A stream that stayed up disproves it.
        """
        state, since, refused = self.state, self.state.failing, self.state.refused
        if since is None or (asked and asked <= since):
            return
        state.failing = state.refused = None
        if state.push_since and state.push_since <= since:
            return
        state.gap = since
        for run in self._runs():
            if not run.row and refused and self.now - since > DROP:
                self._lose(run, refused)

    def version_seen(self, version: str) -> None:
        """Know the version; with another one, nothing of what ran before goes on."""
        self._answers()
        state, was = self.state, self.state.version
        state.version = version
        if was not in ("", version):
            for run in (*state.runs.values(), *state.held):
                self._lose(self._put(run))
            state.rows, state.stood, state.stops, state.held = {}, {}, {}, ()
            state.asked = None
            state.restarted = state.gap = state.poked = self.now

    # Time

    def tick(self) -> None:
        """Do what time alone does, and know when it does more."""
        self._watch()
        for run in tuple(self.state.runs.values()):
            if not run.over:
                self._expire(run)
            elif run.settled and run.settled <= self.now:
                self._end(run, run.over.result, run.over.evidence, run.over.ended)
        self._tell_idle()
        due = (it for it in self._deadlines() if self.now < it)
        self.state.due = min(due, default=None)

    def _watch(self) -> None:
        """Know whether Butler is at work, and for which run of ours if for one alone."""
        state, now = self.state, self.now
        rows, runs = state.rows, state.runs.values()
        self.shown = shown = [row for row in rows.values() if shows(row, now)]
        live = [row for row in shown if row.muted is None or row.muted <= now]
        own = {row.key for row in rows.values() if row.own and not row.ended}
        logged = any(it.is_on if it.over else it.sub or it.row in own for it in runs)
        works = bool(live) or logged
        unproven = [run for run in runs if run.unproven]
        for run in unproven if works else ():
            sent = run.sent or self.at
            unnamed = (it for it in live if it.session and not it.task)
            mine = next((it for it in unnamed if sent <= it.since), None)
            if mine and run.sent and run.alone and len(unproven) == 1:
                inferred, row = m.Evidence.INFERRED, mine.key
                self._put(run, row=row, evidence=inferred, proved=now, waited=True)
            elif sent <= self.at and not run.waited:
                self._put(run, waited=True)
        state.idle_since = None if works or shown else state.idle_since or self.at
        if works:
            state.busy_since = state.busy_since if state.busy else now
            state.busy = state.was_busy = True
        elif state.busy and (since := state.busy_since):
            full = [it for it in rows.values() if it.session and it.progress >= 100]
            rests = [it.since for it in full if since <= it.since]
            state.busy = bool(rests) and now < max(rests) + PAUSE

    def _expire(self, run: m.Run) -> None:
        """End a run that has been believed for long enough."""
        state, asked = self.state, self.state.asked
        looked = asked is not None and run.proved + IDLE_AFTER <= asked
        closed = run.sub and not (run.row or self.shown or state.follows(run))
        if run.unproven:
            self._doubt(run)
        elif run.unnamed and run.unnamed + UNNAMED_FOR <= self.now:
            self._finish(run, run.proved, named=False)
        elif closed and looked and state.known.busy:
            # The log, which alone told of it, broke, and Butler was idle since
            self._lose(run)
        elif _deadline(state, run) <= self.now:
            self._lose(run)

    def _doubt(self, run: m.Run) -> None:
        """End a start that nothing shows, if that says anything."""
        state, now, known = self.state, self.now, self.state.known
        answered, log = run.answered or run.proved, self.state.log_since
        grace = answered + GRACE <= now
        if run.waited and not state.busy and (run.alone or grace):
            self._finish(run, state.idle_since or now, named=False)
            return
        if grace and not run.doubted:
            if run.sent and not known.tasks:
                unlogged = min(known.unlogged + (log is not None), 3)
                self._learn(unnamed=min(known.unnamed + 1, 3), unlogged=unlogged)
            run = self._put(run, doubted=True)
        logs = state.logging and run.sent and log and log <= run.sent
        heard = (state.trusted or logs) and not (state.gap and answered <= state.gap)
        looked = state.asked is not None and answered + IDLE_AFTER <= state.asked
        muted = [row for row in self.shown if row.muted and now < row.muted]
        waits = state.busy or any(row.task in (None, run.task) for row in muted)
        shows_ = known.tasks or known.busy or logs
        absent = grace and shows_ and (heard or looked) and not waits
        if absent or _deadline(state, run) <= now:
            self._lose(self._put(run, doubted=True))
            last = replace(state.last[run.task], given_up=True)
            state.last = {**state.last, run.task: last}

    def _tell_idle(self) -> None:
        """Tell once that Butler is idle, if a look or the stream would have said more."""
        state, since = self.state, self.state.idle_since
        if not state.was_busy or not since or self.now < since + IDLE_AFTER:
            return
        if state.trusted or state.logging or (state.asked and since < state.asked):
            if not state.was_named:
                self._learn(unnamed=min(state.known.unnamed + 1, 3))
            state.was_busy = state.was_named = False
            self.changes.append(m.ButlerIdle())

    def _deadlines(self) -> Iterator[Moment]:
        state = self.state
        for run in state.runs.values():
            yield run.settled if run.over and run.settled else _deadline(state, run)
            if run.unnamed:
                yield run.unnamed + UNNAMED_FOR
            if run.unproven:
                yield (run.answered or run.proved) + GRACE
        yield from (row.muted for row in state.rows.values() if row.muted)
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
    if row and row.own and not row.busy:
        return row.changed + LAST_PHASE
    if state.follows(run):
        return run.proved + STANDING_AFTER
    if run.row:
        stale = run.proved + max(state.limit, STALE_AFTER)
        return min(stale, row.changed + STANDING_AFTER) if row else stale
    # Where Butler is seen at work, that says more than a limit
    short = run.task in SHORT_TASKS and not state.known.busy
    return run.proved + (min(state.limit, SHORT) if short else state.limit)
