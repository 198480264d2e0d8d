"""When a run begins, goes on and ends."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from hashlib import blake2s
from typing import TYPE_CHECKING, Any, Final

from ..api import Activity, ActivityEvent, ButlerTask
from ..tasks import SHORT_TASKS
from . import models as m
from .models import Moment

if TYPE_CHECKING:
    from ..schedule import Window

BUTLER: Final = "butler"
# A session's row, whose progress is that of all its tasks together
SESSION: Final = "butler tasks"
# No server shows so many rows of Butler's; of more, those that show a run are kept
MAX_ROWS: Final = 64
# Nor so many tasks, be it one after another
MAX_ENDED: Final = 200
# A row that has not changed for so long shows no work; an analysis of 144 min is known
STANDING_AFTER: Final = timedelta(hours=12)
_STANDING_SECONDS: Final = STANDING_AFTER.total_seconds()
# A start that nothing shows is given up so long after its answer: slow servers need 8 s
GRACE: Final = timedelta(seconds=15)
# A task's own row may come back at once, and the log names who stopped it
SETTLE: Final = timedelta(milliseconds=100)
# Between two tasks of a session there is less; and after this, Butler is idle
PAUSE: Final = timedelta(milliseconds=200)
IDLE_AFTER: Final = timedelta(seconds=10)
# Rows linger after a stop
IGNORED_FOR: Final = timedelta(seconds=30)
# A stop that failed may be done so much later
DONE_LATER: Final = timedelta(minutes=5)
# If two looks are further apart, no start is known, or no end is seen
WATCHED: Final = timedelta(seconds=90)
STALE_AFTER: Final = timedelta(minutes=6.5)
# The clocks of a host that slept differ by more
ASLEEP: Final = timedelta(minutes=1)
# The stream tells of a row within so long
PUSH_DELAY: Final = timedelta(seconds=30)
# So long the start of a short task is believed that nothing shows
SHORT: Final = timedelta(minutes=3)


def apply(
    state: m.RunState, now: Moment, rule: Callable[..., None], *args: Any, **kwargs: Any
) -> tuple[m.RunState, tuple[m.Change, ...]]:
    """Return the state after something happened, as a rule says, and what changed."""
    rules = Rules(state, now)
    if state.next_tick and state.next_tick <= rules.now:
        rules.tick()
    rule(rules, *args, **kwargs)
    rules.tick()
    # No change overtakes an end that is not yet decided
    changes, runs = tuple(rules.changes), rules.state.runs.values()
    ends = [run.end for run in runs if run.end]
    told = next((n for n, it in enumerate(changes) if it in ends), len(changes))
    rules.state.untold = changes[told:]
    return rules.state, changes[:told]


def fold(text: str) -> str:
    """Return a text as it is compared with others."""
    return text.strip().casefold()


def _shows(row: m.TrackedActivity, now: Moment) -> bool:
    """Return True if a row shows work, be it work that a stop has put in doubt."""
    # Asked of every row at every notification: no more than a comparison of numbers
    return row.busy and now.monotonic < row.changed.monotonic + _STANDING_SECONDS


class Rules:
    """What each thing that can happen does to a state, and what it changes."""

    def __init__(self, state: m.RunState, now: Moment) -> None:
        # A clock that runs backwards must not undo what was known
        self.now = self.at = max(state.now, now)
        self.state = replace(state, now=self.now)
        self.changes: list[m.Change] = list(state.untold)
        self.shown: list[m.TrackedActivity] = []
        # How the stream told of the row that is seen
        self.told: ActivityEvent | None = None
        if (now.utc - state.now.utc) - (now - state.now) > ASLEEP:
            self.state.gap = state.now

    def _learn(self, **changes: Any) -> None:
        self.state.known = replace(self.state.known, **changes)

    def _put(self, run: m.Run, **changes: Any) -> m.Run:
        run = replace(run, **changes)
        self.state.runs = {**self.state.runs, run.task: run}
        return run

    def _runs(self, row: str | None = None) -> list[m.Run]:
        """Return the runs, of one row or all, whose end is not about to be decided."""
        runs = self.state.runs.values()
        return [it for it in runs if it.end is None and row in (None, it.row)]

    def _end_seen(self, run: m.Run, at: Moment, *, named: bool) -> None:
        """End a run whose end was seen: by name, or what is likely its end."""
        result, evidence = m.Result.LOST, m.Evidence.INFERRED
        if any(it.done is None for it in self._stops(run.task)):
            result, evidence = m.Result.STOPPED, m.Evidence.OBSERVED
        elif named and run.begin_seen and not run.doubted:
            result, evidence = m.Result.ENDED, m.Evidence.OBSERVED
        self._end(replace(run, evidence=evidence), at, result)

    def _end(self, run: m.Run, at: Moment, result: m.Result = m.Result.LOST) -> None:
        """End a run, or decide how it ended if that was put off."""
        state, changes = self.state, self.changes
        if end := run.end:
            over = replace(end, result=result) if result is m.Result.STOPPED else end
            changes[changes.index(end)] = over
        else:
            began, ended = run.started, max(at, run.started or at)
            over = m.EndedRun(
                run.task, result, run.evidence, began, ended, not run.queued, run.sent
            )
            changes.append(over)
            if result is m.Result.ENDED:
                self._put(run, end=over)
                return
        state.runs = {it: other for it, other in state.runs.items() if it != run.task}
        last = {it: end for it, end in state.last.items() if it != run.task}
        state.last = dict([*last.items(), (run.task, over)][-MAX_ENDED:])

    def _stops(self, task: str | None) -> list[m.Sent]:
        keys = {(m.Command.STOP, task), (m.Command.STOP_ALL, None)}
        return [it for key, it in self.state.commands.items() if key in keys]

    def command_sent(self, command: m.Command, task: str | None) -> None:
        """Remember when a command was sent: what is seen from now on may be its doing."""
        sent = m.Sent(self.now)
        self.state.commands = {**self.state.commands, (command, task): sent}

    def command_answered(
        self,
        command: m.Command,
        task: str | None,
        sent: Moment,
        *,
        done: bool = True,
        changed: bool = True,
        ours: bool = True,
    ) -> None:
        """Update the runs by an answer; a command that failed may yet be done.

        `changed` is False if the task ran already, or did not run. If it is not ours,
        the log says what another client asked for.
        """
        state, now, sent = self.state, self.now, min(sent, self.now)
        if done:
            self._answers(sent)
        state.snapshot_requested = now
        is_start = command in (m.Command.START, m.Command.START_ALL)
        until = None if is_start else now if done else now + DONE_LATER
        known = m.Sent(sent, until, done)
        state.commands = {**state.commands, (command, task): known}
        if is_start:
            if task and done and ours:
                self._start_accepted(task, sent, ran=not changed)
            return
        result = m.Result.STOPPED if changed else m.Result.LOST
        evidence = m.Evidence.ASSUMED if ours else m.Evidence.OBSERVED
        for run in tuple(state.runs.values()):
            if task in (None, run.task) and (not run.sent or run.sent <= sent):
                self._put(run, doubted=True)
                if done:
                    self._end(replace(run, evidence=evidence), now, result)

    def _start_accepted(self, task: str, sent: Moment, *, ran: bool) -> None:
        """Believe that a task was started or queued now, or that it ran already."""
        state, now, window = self.state, self.now, self.state.window
        run, last = state.runs.get(task), state.last.get(task)
        over = last and (last.ended if ran else last.started)
        stopped = any(it.done and sent <= it.sent for it in self._stops(task))
        known = run and not ran and (run.queued or sent <= run.proved)
        # It may have been so short that it ended before the answer came
        if stopped or known or (not run and over and sent <= over):
            return
        if run and ran:
            going = self._put(run, queued=False, proved=now)
            self.changes += [going] if run.queued else []
            return
        if run:
            # Had it gone on, the answer had been another
            self._end(run, sent)
        random = not ran and state.tasks.get(task, False)
        queued = bool(random and window and window.is_open(now.utc))
        began, busy = None if ran or queued else sent, state.busy_since
        new = m.Run(task, m.Evidence.ASSUMED, began, now, queued, None if ran else sent)
        alone = began is not None and (busy is None or began <= busy)
        self.changes.append(self._put(new, alone=alone))

    def snapshot(self, rows: Sequence[Activity], asked: Moment) -> None:
        """See all activities that the server shows, and what it shows no more."""
        self._answers(asked)
        state = self.state
        self.at = asked = min(asked, self.now)
        if state.asked and asked < state.asked:
            return
        if state.asked and asked - state.asked > STALE_AFTER and not state.trusted:
            state.gap = state.asked
        butlers = {row.uuid: row for row in rows if fold(row.type) == BUTLER}
        rows_before = state.rows.items()
        state.rows = {
            k: it for k, it in rows_before if k in butlers or it.seen >= asked
        }
        for key, seen in butlers.items():
            known = state.rows.get(key)
            if not known or known.seen < asked:
                self._observe(seen)
        state.asked, state.unchanged = asked, {}
        for run in self._runs():
            self._reconcile(run)
        up, untold = state.push_since, (it for it in state.rows.values() if not it.told)
        begun = [it.since for it in untold if self._is_live(it)]
        if up and any(up <= since and since + PUSH_DELAY < asked for since in begun):
            # The stream is trusted no longer
            self._learn(pushed=False)

    def notified(self, told: ActivityEvent, row: Activity) -> None:
        """Hear of one activity; an older snapshot cannot say otherwise."""
        self._answers()
        if fold(row.type) != BUTLER:
            return
        self._learn(pushed=True)
        self.told, key = told, row.uuid
        known = self.state.rows.get(key)
        if told is ActivityEvent.ENDED:
            ours = self.state.runs.get(self._track(row).task or "")
            if ours and not known and ours.unproven and ours.sent:
                # Its begin was not seen: this may be the late end of an older one
                self._end_seen(ours, self.now, named=False)
        elif told is ActivityEvent.STARTED or not (known and known.ended):
            # What comes after an end is late
            self._observe(row)
        for run in self._runs(key):
            self._reconcile(run)

    def _is_live(self, row: m.TrackedActivity) -> bool:
        """Return True if a row proves work: after a stop, it does not for a while."""
        return _shows(row, self.now) and not any(
            it.done and row.since < it.until and self.now < it.until + IGNORED_FOR
            for it in self._stops(row.task)
            if it.until
        )

    def _track(self, seen: Activity) -> m.TrackedActivity:
        """Keep what a row shows, and since when; a new uuid is no change."""
        state, at, key = self.state, self.at, seen.uuid
        title, subtitle = fold(seen.title), fold(seen.subtitle)
        named = {state.names.get(title), state.names.get(subtitle)} - {None}
        task = named.pop() if len(named) == 1 else None
        said = f"{title}\n{subtitle}\n{seen.progress:g}".encode(errors="replace")
        content, is_session = blake2s(said, digest_size=8).hexdigest(), title == SESSION
        since, changed = at, state.unchanged.get(content, at)
        old = state.rows.get(key)
        if old and not old.ended:
            same = old.content == content
            changed = old.changed if same else at
            # A session's row changes when one of its tasks begins or ends, and only then
            alike = old.task == task and old.busy == (seen.progress < 100)
            if same or (alike and not is_session):
                since = old.since
        row = m.TrackedActivity(
            key=key,
            task=task,
            is_own=task is not None and title in state.names,
            is_session=is_session,
            content=content,
            progress=seen.progress,
            since=since,
            changed=changed,
            seen=at,
            told=self.told is not None or bool(old and old.told),
            ended=at if self.told is ActivityEvent.ENDED else None,
        )
        state.rows = {**state.rows, key: row}
        if len(state.rows) > MAX_ROWS:
            shown = {run.row for run in state.runs.values()}
            del state.rows[next(it for it in state.rows if it not in shown)]
        return row

    def _observe(self, seen: Activity) -> None:
        """See a row, and take what it proves."""
        row = self._track(seen)
        if row.progress >= 100:
            # A task's own row is in its last phase, and that of a session has none
            for run in self._runs(row.key):
                if row.is_own and row.task == run.task:
                    self._put(run, progress=row.progress)
                else:
                    named = row.is_session and row.task in (None, run.task)
                    self._end_seen(run, self.at, named=named)
        elif self._is_live(row):
            self._learn(busy=True, named=self.state.known.named or row.task is not None)
            if row.task:
                self._named(row.task, row)

    def _named(self, task: str, by: m.TrackedActivity | str) -> None:
        """Begin a run, or let it go on, that a row or the log names (by its uuid)."""
        state, at, gap, asked = self.state, self.at, self.state.gap, self.state.asked
        row, log_id = (None, by) if isinstance(by, str) else (by, None)
        since = row.since if row else at
        run, last = state.runs.get(task), state.last.get(task)
        state.task_named = True
        if run and row:
            if at < run.proved or (run.end and run.log_id):
                return
            other = run.row not in (None, row.key) and bool(gap and run.proved <= gap)
        elif run:
            other = run.log_id is not None
        elif last and at < last.ended:
            return
        if run and other:
            self._end(run, at)
            run = None
        start = state.commands.get((m.Command.START, task))
        pending = start.sent if start and start.done is None else None
        sent = run.sent if run else pending
        seen = sent is None or sent <= since or bool(run and run.begin_seen)
        started = at if log_id or self.told is ActivityEvent.STARTED else None
        if asked and not (gap and asked <= gap):
            # What was not there at the last look began only now
            started = at if state.trusted or at - asked <= WATCHED else started
        if run and not run.queued:
            dated = (log_id or self.told or run.waited) and seen and not run.begin_seen
            started = at if dated else run.started
        # The run had been given up and goes on: its start was an event already
        recent = last and at - last.ended < m.DEFAULT_LIMIT
        lost = last and last.result is m.Result.LOST
        again = last and recent and lost and last.evidence is m.Evidence.ASSUMED
        sent = sent or (last.sent if last and again else None)
        # The log may name late what the row has shown to end
        end = run.end if run and log_id else None
        if run and run.end and not end:
            self.changes.remove(run.end)
        stops = (it.until for it in self._stops(task))
        new = m.Run(
            task,
            m.Evidence.OBSERVED,
            started,
            proved=at,
            sent=sent,
            begin_seen=seen,
            row=row.key if row else None,
            log_id=log_id or (run.log_id if run else None),
            # The progress of a session says nothing of its task's
            progress=row.progress if row and row.is_own and row.progress >= 0 else None,
            end=end,
            doubted=run.doubted if run else any(it and since < it for it in stops),
        )
        self._put(new)
        if run.queued if run else not again:
            self.changes.append(new)

    def _reconcile(self, run: m.Run) -> None:
        """End a run whose row is gone, or names something else."""
        rows, gap, at = self.state.rows, self.state.gap, self.at
        row = rows.get(run.row or "")
        if row and not row.ended:
            if row.task == run.task or not row.busy:
                return
            if run.begin_seen or row.task or row.since > run.proved:
                self._end_seen(run, at, named=False)
            else:
                self._put(run, proved=at)
        elif run.row:
            others = (it for it in rows.values() if it.task == run.task)
            if live := next(filter(self._is_live, others), None):
                self._put(run, row=live.key)
            elif not self.told and gap and run.proved <= gap:
                self._end(run, at)
            else:
                self._end_seen(run, at, named=not row or row.task == run.task)

    def log_changed(self, *, up: bool) -> None:
        """Know whether the log is open and tells of tasks."""
        for run in self._runs():
            if self.state.follows(run):
                # What only the log shows is believed for a while after it closed
                self._put(run, proved=self.now)
        self.state.log_since = (self.state.log_since or self.now) if up else None
        self.state.snapshot_requested = self.now

    def sub_activity_started(self, uuid: str, title: str) -> None:
        """Begin the run that the log names, or know it for one that is known."""
        if task := self.state.names.get(fold(title)):
            self._learn(logged=True)
            self._named(task, uuid)

    def sub_activity_ended(self, uuid: str) -> None:
        """End the run that the log names."""
        for run in self._runs():
            if run.log_id == uuid:
                self._end_seen(run, self.now, named=True)

    def tasks_listed(self, tasks: Sequence[ButlerTask]) -> None:
        """Know which tasks there are, and what names one of them only."""
        self._answers()
        self.state.tasks = {task.name: task.schedule_randomized for task in tasks}
        named = {(fold(it), own.name) for own in tasks for it in (own.name, own.title)}
        times = Counter(text for text, _ in named)
        self.state.names = {it: task for it, task in named if it and times[it] == 1}

    def window_changed(self, window: Window | None) -> None:
        """Know the window, until whose end what is queued may start."""
        self.state.window = window

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
        state, since = self.state, self.now if refused else None
        state.failing_since = state.failing_since or self.now
        state.refused_since = state.refused_since or since

    def _answers(self, asked: Moment | None = None) -> None:
        """Suspect a restart of a server that answers again, unless a stream stayed up."""
        state, since = self.state, self.state.failing_since
        refused = state.refused_since
        if since is None or (asked and asked <= since):
            return
        state.failing_since = state.refused_since = None
        if state.push_since and state.push_since <= since:
            return
        state.gap = since
        for run in self._runs():
            if not run.row and refused:
                self._end(run, refused)

    def version_seen(self, version: str) -> None:
        """Know the version; with another one, nothing of what ran before goes on."""
        self._answers()
        state, was = self.state, self.state.version
        state.version = version
        if was not in ("", version):
            state.known = m.Capabilities()
            for run in tuple(state.runs.values()):
                self._end(run, self.now)
            state.rows, state.unchanged, state.commands, state.asked = {}, {}, {}, None
            state.gap = state.snapshot_requested = self.now

    def tick(self) -> None:
        """Do what time alone does, and know when it does more."""
        self._update_busy()
        for run in tuple(self.state.runs.values()):
            if not run.end:
                self._expire(run)
            elif run.end.ended + SETTLE <= self.now:
                self._end(run, self.now)
        due = (it for it in self._deadlines() if self.now < it)
        self.state.next_tick = min(due, default=None)

    def _update_busy(self) -> None:
        """Know whether Butler is at work, and for which run of ours if for one alone."""
        state, now, runs = self.state, self.now, self.state.runs.values()
        self.shown = [row for row in state.rows.values() if _shows(row, now)]
        live = [row for row in self.shown if self._is_live(row)]
        own = {row.key for row in state.rows.values() if row.is_own and not row.ended}
        # The log is sure of an end; a row may come back at once
        on = (not it.log_id if it.end else it.log_id or it.row in own for it in runs)
        if live or any(on):
            for run in (it for it in runs if it.unproven or it.queued):
                sent = run.sent or now
                unnamed = (it for it in live if it.is_session and not it.task)
                mine = next((it for it in unnamed if sent <= it.since), None)
                if mine and run.alone and not run.queued:
                    inferred, row = m.Evidence.INFERRED, mine.key
                    self._put(run, row=row, evidence=inferred, proved=now, waited=True)
                elif sent <= self.at and not run.waited:
                    self._put(run, waited=True)
            state.busy_since, state.idle_since = state.busy_since or now, None
            state.was_busy = True
        else:
            since = None if self.shown else state.idle_since or self.at
            state.idle_since = since
            rests = any(it.is_session and not it.ended for it in state.rows.values())
            if not (rests and since and now < since + PAUSE):
                state.busy_since = None
            # A look, the stream or the log would have said more
            looked = since and state.asked and since < state.asked
            sure = looked or state.trusted or state.logging
            if sure and state.was_busy and since and since + IDLE_AFTER <= now:
                self._learn(unnamed=state.known.unnamed + (not state.task_named))
                state.was_busy = state.task_named = False
                self.changes.append("butler_idle")

    def _expire(self, run: m.Run) -> None:
        """End a run that has been believed for long enough."""
        state, now, known = self.state, self.now, self.state.known
        # What is listed no more cannot be seen to end
        delisted = bool(state.tasks) and run.task not in state.tasks
        over, log = delisted or self._deadline(run) <= now, state.log_since
        looked = state.asked is not None and run.proved + IDLE_AFTER <= state.asked
        grace = run.proved + GRACE <= now
        nameless = not (known.named or state.logging)
        may_end = nameless if run.queued else run.unproven and (run.alone or grace)
        if run.waited and may_end and not state.busy_since:
            # What Butler worked for since is over with it
            self._end_seen(run, state.idle_since or now, named=False)
            return
        if run.unproven:
            if grace and not run.grace_over:
                run = self._put(run, grace_over=True)
                if run.sent and not known.named:
                    self._learn(unnamed=known.unnamed + 1)
            logs = state.logging and run.sent and log and log <= run.sent
            mine = [row for row in self.shown if row.task in (None, run.task)]
            waits = state.busy_since or not all(map(self._is_live, mine))
            can_show = known.named or known.busy or logs
            over |= bool(grace and can_show and looked and not waits)
        elif run.log_id and not (run.row or self.shown or state.follows(run)):
            # The log, which alone told of it, broke, and Butler was idle since
            over |= looked and known.busy
        if over:
            self._end(run, now)

    def _deadline(self, run: m.Run) -> Moment:
        """Return when a run ends if nothing more is seen of it."""
        state, row = self.state, self.state.rows.get(run.row or "")
        if run.queued and state.window:
            since = run.proved.utc
            return run.proved + (state.window.next_end(since) - since)
        if run.queued or state.follows(run):
            return run.proved + STANDING_AFTER
        if run.row:
            # At 100 in its own row, a task is in its last phase
            stale = run.proved + state.limit
            return min(stale, row.changed + STANDING_AFTER) if row else stale
        # Where Butler is seen at work, that says more than a limit
        short = run.task in SHORT_TASKS and not state.known.busy
        return run.proved + (min(state.limit, SHORT) if short else state.limit)

    def _deadlines(self) -> Iterator[Moment]:
        state = self.state
        for run in state.runs.values():
            yield run.end.ended + SETTLE if run.end else self._deadline(run)
            yield run.proved + GRACE
        answered = (it.until for it in state.commands.values())
        yield from (until + IGNORED_FOR for until in answered if until)
        if self.shown:
            oldest = min(self.shown, key=lambda row: row.changed.monotonic)
            yield oldest.changed + STANDING_AFTER
        if state.idle_since and (state.busy_since or state.was_busy):
            yield from (state.idle_since + PAUSE, state.idle_since + IDLE_AFTER)
