"""When a run begins, goes on and ends."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from hashlib import blake2s
from typing import Any, Final

from ..api import Activity, ActivityEvent, ButlerTask
from ..tasks import SHORT_TASKS, fold
from . import models as m
from .models import Evidence, Moment, Result

SESSION: Final = "butler tasks"  # Its row has the progress of all its tasks together
MAX_ROWS: Final = 64  # No server shows so many; more without a run are dropped
MAX_ENDED: Final = 200
ROW_STALE_AFTER: Final = timedelta(hours=12)  # Unchanged; 144 min are on record
_ROW_STALE_SECONDS: Final = ROW_STALE_AFTER.total_seconds()
GRACE: Final = timedelta(seconds=15)  # For a start to show; slow servers need 8 s
END_DECIDED_AFTER: Final = timedelta(milliseconds=100)  # Until then a row may come back
SESSION_PAUSE: Final = timedelta(milliseconds=200)  # At most, between two tasks
IDLE_AFTER: Final = timedelta(seconds=10)  # After a longer pause Butler became idle
ROWS_LINGER_FOR: Final = timedelta(seconds=30)  # After a stop, when they prove no work
DONE_LATER: Final = timedelta(minutes=5)  # A failed stop may take effect until then
# Two snapshots that are no further apart show when a run began, or that it ended
START_SEEN_WITHIN: Final = timedelta(seconds=90)
END_SEEN_WITHIN: Final = timedelta(minutes=6.5)
ASLEEP: Final = timedelta(minutes=1)  # By which the two clocks differ if the host slept
PUSH_DELAY: Final = timedelta(seconds=30)  # A trusted stream reports a row within this
SHORT_OUTAGE: Final = timedelta(seconds=5)  # Too short for a restart
SHORT_LIMIT: Final = timedelta(minutes=3)  # For a short task that nothing shows


def apply(
    state: m.RunState, now: Moment, rule: Callable[..., None], *args: Any, **kwargs: Any
) -> tuple[m.RunState, tuple[m.Change, ...]]:
    """Return the state after a rule was applied, and the changes to report by now."""
    rules = Rules(state, now)
    if state.next_tick and state.next_tick <= rules.now:
        rules.tick()
    rule(rules, *args, **kwargs)
    rules.tick()
    # An end that is not decided yet, and all later changes, are held back
    changes, runs = tuple(rules.changes), rules.state.runs.values()
    ends = [run.end for run in runs if run.end]
    held_from = next((n for n, it in enumerate(changes) if it in ends), len(changes))
    rules.state.held_changes = changes[held_from:]
    return rules.state, changes[:held_from]


def _is_active(row: m.TrackedActivity, now: Moment) -> bool:
    """Return True if a row shows work, even if a stop may have ended that work."""
    # Called for each row at each notification, so it only compares numbers
    return row.busy and now.monotonic < row.changed.monotonic + _ROW_STALE_SECONDS


class Rules:
    """One public method for each event: it updates the state and adds the changes."""

    def __init__(self, state: m.RunState, now: Moment) -> None:
        # Time never goes back; `seen_at` is when what an event shows was so
        self.now = self.seen_at = max(state.now, now)
        self.state = replace(state, now=self.now)
        self.changes: list[m.Change] = list(state.held_changes)
        self.active_rows: list[m.TrackedActivity] = []
        self.event: ActivityEvent | None = None  # Set by `notified`
        if (now.utc - state.now.utc) - (now - state.now) > ASLEEP:
            self.state.gap_at = state.now

    def _learn(self, **changes: Any) -> None:
        self.state.capabilities = replace(self.state.capabilities, **changes)

    def _update(self, run: m.Run, **changes: Any) -> m.Run:
        run = replace(run, **changes)
        self.state.runs = {**self.state.runs, run.task: run}
        return run

    def _ongoing_runs(self, row: str | None = None) -> list[m.Run]:
        """Return the runs, of one row or all, that have not ended."""
        runs = self.state.runs.values()
        return [run for run in runs if run.end is None and row in (None, run.row)]

    def _end_seen(self, run: m.Run, at: Moment, *, named: bool) -> None:
        """End a run whose end was seen; if not `named`, it may be that of another."""
        result, evidence = Result.LOST, Evidence.INFERRED
        if any(stop.done is None for stop in self._stops(run.task)):
            result, evidence = Result.STOPPED, Evidence.OBSERVED
        elif named and run.begin_seen and not run.stop_sent:
            result, evidence = Result.ENDED, Evidence.OBSERVED
        self._end(replace(run, evidence=evidence), at, result)

    def _end(self, run: m.Run, at: Moment, result: Result = Result.LOST) -> None:
        """End a run; `ended` is held back until a second call decides it."""
        state, changes = self.state, self.changes
        if end := run.end:
            ended = replace(end, result=result) if result is Result.STOPPED else end
            changes[changes.index(end)] = ended
        else:
            began, at = run.started, max(at, run.started or at)
            ended = m.EndedRun(
                run.task, result, run.evidence, began, at, not run.queued, run.sent
            )
            changes.append(ended)
            if result is Result.ENDED:
                self._update(run, end=ended)
                return
        state.runs = {k: other for k, other in state.runs.items() if k != run.task}
        state.last = {**state.last, run.task: ended}
        if len(state.last) > MAX_ENDED:
            del state.last[next(iter(state.last))]

    def _is_cut_off(self, run: m.Run) -> bool:
        """Return True if a gap, or a restart for one without a row, came after it."""
        since = self.state.gap_at if run.row else self.state.restarted_at
        return since is not None and run.proved <= since

    def _stops(self, task: str | None) -> list[m.SentCommand]:
        keys = {(m.Command.STOP, task), (m.Command.STOP, None)}
        return [sent for key, sent in self.state.commands.items() if key in keys]

    def command_sent(self, command: m.Command, task: str | None) -> None:
        """Remember a command; what is seen from now on may be its effect."""
        sent = m.SentCommand(self.now)
        self.state.commands = {**self.state.commands, (command, task): sent}

    def command_answered(
        self,
        command: m.Command,
        task: str | None,
        sent: Moment,
        *,
        done: bool = True,
        changed: bool = True,  # False: there was nothing to start or stop
        ours: bool = True,  # False: the log shows the command of another client
    ) -> None:
        """Update the runs by an answer; a command that failed may still take effect."""
        state, now, sent = self.state, self.now, min(sent, self.now)
        if done:
            self._server_answered(sent)
        state.snapshot_wanted = now
        is_start = command is m.Command.START
        until = None if is_start else now if done else now + DONE_LATER
        answered = m.SentCommand(sent, until, done)
        state.commands = {**state.commands, (command, task): answered}
        if is_start and task and done and ours:
            self._start_accepted(task, sent, ran=not changed)
        result = Result.STOPPED if changed else Result.LOST
        evidence = Evidence.ASSUMED if ours else Evidence.OBSERVED
        for run in () if is_start else tuple(state.runs.values()):
            if task in (None, run.task) and (not run.sent or run.sent <= sent):
                self._update(run, stop_sent=True)
                if done:
                    start = run.sent if changed else None
                    self._end(replace(run, evidence=evidence, sent=start), now, result)

    def _start_accepted(self, task: str, sent: Moment, *, ran: bool) -> None:
        """Begin or queue the run that was asked for, unless the task `ran` already."""
        state, now, window = self.state, self.now, self.state.window
        run, last = state.runs.get(task), state.last.get(task)
        last_seen = last and (last.ended if ran else last.started)
        stopped = any(stop.done and sent <= stop.sent for stop in self._stops(task))
        known = run and not ran and (run.queued or (run.sent and sent <= run.sent))
        # A short run may have ended before the answer to its start came
        if stopped or known or (not run and last_seen and sent <= last_seen):
            return
        if run and ran:
            # Only its row, if there is one, shows that it is still the same run
            new = self._update(run, queued=False, proved=run.proved if run.row else now)
            self.changes += [new] if run.queued else []
            return
        if run:
            # The server starts no task that still runs, so the old run is over
            self._end(run, sent)
        random = not ran and state.tasks.get(task)
        queued = bool(random and window and window.is_open(now.utc))
        began, busy = None if ran or queued else sent, state.busy_since
        new = m.Run(task, Evidence.ASSUMED, began, now, queued, None if ran else sent)
        alone = began is not None and (busy is None or began <= busy)
        self.changes.append(self._update(new, alone=alone))

    def snapshot(self, rows: Sequence[Activity], asked: Moment) -> None:
        """Compare the rows with all activities that the server showed when `asked`."""
        self._server_answered(asked)
        state, newest = self.state, self.state.snapshot_at
        self.seen_at = asked = min(asked, self.now)
        if newest and asked < newest:
            return
        if newest and asked - newest > END_SEEN_WITHIN and not state.push_trusted:
            state.gap_at = newest
        butlers = {row.uuid: row for row in rows if row.is_butler}
        restart, old = state.restarted_at, state.rows.items()
        if restart and any(k in butlers and row.since <= restart for k, row in old):
            state.restarted_at = None  # A row has kept its uuid, so it was none
        state.rows = {k: row for k, row in old if k in butlers or row.seen >= asked}
        for key, seen in butlers.items():
            row = state.rows.get(key)
            if not row or row.seen < asked:
                self._observe(seen)
        for run in self._ongoing_runs():
            self._reconcile(run)
        state.snapshot_at, state.unchanged_since, state.restarted_at = asked, {}, None
        up, live = state.push_since, filter(self._proves_work, state.rows.values())
        begun = [row.since for row in live if not row.pushed]
        if up and any(up <= since and since + PUSH_DELAY < asked for since in begun):
            # The stream missed a row, so it is not trusted any more
            self._learn(pushes_rows=False)

    def notified(self, event: ActivityEvent, row: Activity) -> None:
        """Update a row and its runs; a snapshot that is older changes neither."""
        self._server_answered()
        if not row.is_butler:
            return
        self._learn(pushes_rows=True)
        self.event, key = event, row.uuid
        known = self.state.rows.get(key)
        if event is ActivityEvent.ENDED:
            self._track(row)
        elif event is ActivityEvent.STARTED or not (known and known.ended):
            # An update that comes after an end is late, and dropped
            self._observe(row)
        for run in self._ongoing_runs(key):
            self._reconcile(run)

    def _proves_work(self, row: m.TrackedActivity) -> bool:
        """Return True if a row proves work: after a stop, an old row does not."""
        return _is_active(row, self.now) and not any(
            stop.done and row.since < until and self.now < until + ROWS_LINGER_FOR
            for stop in self._stops(row.task)
            if (until := stop.covers_until)
        )

    def _track(self, seen: Activity) -> m.TrackedActivity:
        """Store a row, and since when it is unchanged; a new uuid is no change."""
        state, at, by_text = self.state, self.seen_at, self.state.task_by_text
        title, subtitle = fold(seen.title), fold(seen.subtitle)
        named = {by_text.get(title), by_text.get(subtitle)} - {None}
        task = named.pop() if len(named) == 1 else None
        said = f"{title}\n{subtitle}\n{seen.progress:g}".encode(errors="replace")
        content, is_session = blake2s(said, digest_size=8).hexdigest(), title == SESSION
        since, changed = at, state.unchanged_since.get(content, at)
        old = state.rows.get(seen.uuid)
        if old and not old.ended:
            same = old.content == content
            changed = old.changed if same else at
            # A session's row changes only when one of its tasks begins or ends
            alike = old.task == task and old.busy == (seen.progress < 100)
            if same or (alike and not is_session):
                since = old.since
        row = m.TrackedActivity(
            key=seen.uuid,
            task=task,
            is_task_row=task is not None and title in by_text,
            is_session=is_session,
            content=content,
            progress=seen.progress,
            since=since,
            changed=changed,
            seen=at,
            pushed=self.event is not None or bool(old and old.pushed),
            ended=at if self.event is ActivityEvent.ENDED else None,
        )
        state.rows = {**state.rows, row.key: row}
        if len(state.rows) > MAX_ROWS:
            shown = {run.row for run in state.runs.values()}
            del state.rows[next(key for key in state.rows if key not in shown)]
        return row

    def _observe(self, seen: Activity) -> None:
        """Store a row, and update the runs by what it proves."""
        row = self._track(seen)
        if row.progress >= 100:
            # At 100, a task's own row is in its last phase; a session has no such phase
            for run in self._ongoing_runs(row.key):
                if row.is_task_row and row.task == run.task:
                    self._update(run, progress=row.progress)
                else:
                    named = row.is_session and row.task == run.task
                    self._end_seen(run, self.seen_at, named=named)
        elif self._proves_work(row):
            self._learn(shows_work=True)
            if row.task:
                self._learn(names_tasks=True)
                self._begin_or_continue(row.task, row)

    def _begin_or_continue(self, task: str, by: m.TrackedActivity | str) -> None:
        """Begin or continue the run that is named by a row, or by a uuid of the log."""
        state, at, gap = self.state, self.seen_at, self.state.gap_at
        row, log_id = (None, by) if isinstance(by, str) else (by, None)
        since = row.since if row else at
        run, last = state.runs.get(task), state.last.get(task)
        state.task_named = True
        if run and row:
            if at < run.proved or (run.end and run.log_id):
                return
            is_new = run.row != row.key and self._is_cut_off(run)
        elif run:
            is_new = run.log_id is not None or self._is_cut_off(run)
        elif last and at < last.ended:
            return
        if run and is_new:
            self._end(run, at)
            run = None
        start = state.commands.get((m.Command.START, task))
        pending = start.sent if start and start.done is None else None
        sent = run.sent if run else pending
        seen = sent is None or sent <= since or bool(run and run.begin_seen)
        started = at if log_id or self.event is ActivityEvent.STARTED else None
        if (asked := state.snapshot_at) and not (gap and asked <= gap):
            # The task was not in the last snapshot, so it began since then
            watched = state.push_trusted or at - asked <= START_SEEN_WITHIN
            started = at if watched else started
        if run and not run.queued:
            shown = log_id or self.event or run.butler_worked
            started = at if shown and seen and not run.begin_seen else run.started
        # A start that was given up shows after all: its begin was reported already
        lost = last and last.result is Result.LOST and at - last.ended < m.DEFAULT_LIMIT
        again = last and lost and last.sent and last.evidence is Evidence.ASSUMED
        sent = sent or (last.sent if last and again else None)
        # The log may name a run after its row has shown its end
        end = run.end if run and log_id else None
        if run and run.end and not end:
            self.changes.remove(run.end)
        has_progress = row and row.is_task_row and row.progress >= 0
        stops = (stop.covers_until for stop in self._stops(task))
        new = m.Run(
            task,
            Evidence.OBSERVED,
            started,
            proved=at,
            sent=sent,
            begin_seen=seen,
            row=row.key if row else None,
            log_id=log_id or (run.log_id if run else None),
            progress=row.progress if row and has_progress else None,
            end=end,
            stop_sent=run.stop_sent if run else any(it and since < it for it in stops),
        )
        self._update(new)
        if run.queued if run else not again:
            self.changes.append(new)

    def _reconcile(self, run: m.Run) -> None:
        """End a run whose row is gone, or names something else."""
        rows, at = self.state.rows, self.seen_at
        row = rows.get(run.row or "")
        if row and not row.ended:
            if row.task == run.task or not row.busy:
                return
            if self.state.log_follows(run):
                self._update(run, row=None)  # The log will name its end
            elif run.begin_seen or row.task or row.since > run.proved:
                self._end_seen(run, at, named=False)
            else:
                self._update(run, proved=at)
        elif run.row:
            others = (other for other in rows.values() if other.task == run.task)
            if successor := next(filter(self._proves_work, others), None):
                self._update(run, row=successor.key)
            elif not self.event and self._is_cut_off(run):
                self._end(run, at)
            else:
                self._end_seen(run, at, named=not row or row.task == run.task)
        elif self._is_cut_off(run):
            self._end(run, at)

    def log_changed(self, *, up: bool) -> None:
        """Update whether the log is open and has proven to name tasks."""
        state, now = self.state, self.now
        if up:
            self._server_answered()
        for run in filter(state.log_follows, self._ongoing_runs()):
            # A run that only the log shows is believed for a while after the log closed
            self._update(run, proved=now)
        if not up and state.log_since:
            state.gap_at = state.gap_at if state.push_since else now
            state.refused_since = state.refused_since and now
        state.log_since = (state.log_since or now) if up else None
        state.snapshot_wanted = now

    def sub_activity_started(self, uuid: str, title: str) -> None:
        """Begin or continue the run that the log names."""
        if task := self.state.task_by_text.get(fold(title)):
            self._learn(logs_tasks=True)
            self._begin_or_continue(task, uuid)

    def sub_activity_ended(self, uuid: str) -> None:
        """End the run whose uuid in the log has ended."""
        for run in self._ongoing_runs():
            if run.log_id == uuid:
                self._end_seen(run, self.now, named=True)

    def tasks_listed(self, tasks: Sequence[ButlerTask]) -> None:
        """Update the tasks, and which texts name exactly one of them."""
        self._server_answered()
        self.state.tasks = {task.name: task.schedule_randomized for task in tasks}
        named = {(fold(it), one.name) for one in tasks for it in (one.name, one.title)}
        times = Counter(text for text, _ in named)
        self.state.task_by_text = {t: task for t, task in named if t and times[t] == 1}
        for run in tuple(self.state.runs.values()):
            if run.task not in self.state.tasks:
                self._end(run, self.now)  # Its end cannot be seen

    def window_changed(self, window: m.Window | None) -> None:
        """Update the window, until whose end a queued task may start."""
        self.state.window = window

    def push_changed(self, *, up: bool) -> None:
        """Update whether the stream is up; a snapshot shows what it may have missed."""
        if up:
            self._server_answered()
        else:
            self.state.gap_at = self.now
        self.state.push_since = self.now if up else None
        self.state.snapshot_wanted = self.now

    def poll_failed(self, *, refused: bool) -> None:
        """Suspect a restart of a server that does not answer as it should."""
        state, since = self.state, self.now if refused else None
        state.failing_since = state.failing_since or self.now
        state.refused_since = state.refused_since or since

    def _server_answered(self, asked: Moment | None = None) -> None:
        """Note a gap when a server answers again, unless a stream stayed up."""
        state, since = self.state, self.state.failing_since
        if since is None or (asked and asked <= since):
            return
        refused, streams = state.refused_since, (state.push_since, state.log_since)
        state.failing_since = state.refused_since = None
        if any(up and up <= since for up in streams):
            return
        state.gap_at = max(state.gap_at or since, since)
        if refused and self.now - since > SHORT_OUTAGE:
            state.restarted_at = refused

    def version_seen(self, version: str) -> None:
        """Update the version; a new one ends all earlier runs and must prove itself."""
        self._server_answered()
        state, was = self.state, self.state.version
        state.version = version
        if was not in ("", version):
            # A log that is open is that of the new version already
            for run in [it for it in state.runs.values() if not state.log_follows(it)]:
                self._end(run, self.now)
            state.capabilities = m.Capabilities(logs_tasks=bool(state.runs))
            state.rows, state.unchanged_since, state.commands = {}, {}, {}
            state.snapshot_at = None
            state.gap_at = state.snapshot_wanted = self.now

    def tick(self) -> None:
        """Apply what follows from time alone, and set when that is due again."""
        self._update_busy()
        for run in (runs := tuple(self.state.runs.values())):
            if not run.end:
                self._expire(run)
            elif run.end.ended + END_DECIDED_AFTER <= self.now:
                self._end(run, self.now)
        if len(self.state.runs) < len(runs):
            self._update_busy()  # Perhaps nothing else follows that shows Butler idle
        due = (moment for moment in self._deadlines() if self.now < moment)
        self.state.next_tick = min(due, default=None)

    def _update_busy(self) -> None:
        """Update whether Butler is at work, and the runs that this work may be for."""
        state, now, runs = self.state, self.now, self.state.runs.values()
        rows = state.rows.values()
        self.active_rows = [row for row in rows if _is_active(row, now)]
        working = [row for row in self.active_rows if self._proves_work(row)]
        task_rows = {row.key for row in rows if row.is_task_row and not row.ended}
        held = any(run.end and not run.log_id for run in runs)
        on = any(not run.end and (run.log_id or run.row in task_rows) for run in runs)
        if working or held or on:
            for run in [run for run in runs if run.unproven or run.queued]:
                sent = run.sent or now
                sessions = (it for it in working if it.is_session and not it.task)
                soon = (it for it in sessions if sent <= it.since <= sent + GRACE)
                if run.alone and not run.queued and (session := next(soon, None)):
                    seen = replace(run, row=session.key, evidence=Evidence.INFERRED)
                    self._update(seen, proved=now, butler_worked=True)
                elif sent <= self.seen_at and not run.butler_worked:
                    self._update(run, butler_worked=True)
            if working and state.log_since and not state.busy_since:
                self._learn(unlogged=state.capabilities.unlogged + 1)
            state.busy_since, state.idle_since = state.busy_since or now, None
            state.was_busy = True
        else:
            since = None if self.active_rows else state.idle_since or self.seen_at
            state.idle_since = since
            in_session = any(row.is_session and not row.ended for row in rows)
            if not (in_session and since and now < since + SESSION_PAUSE):
                state.busy_since = None
            # A snapshot, the stream or the log would have shown new work
            looked = since and state.snapshot_at and since < state.snapshot_at
            sure = looked or state.push_trusted or state.log_trusted
            if sure and state.was_busy and since and since + IDLE_AFTER <= now:
                self._learn(unnamed=state.capabilities.unnamed + (not state.task_named))
                state.was_busy = state.task_named = False
                self.changes.append("butler_idle")

    def _expire(self, run: m.Run) -> None:
        """End a run that nothing shows, once it was believed for long enough."""
        state, now, can = self.state, self.now, self.state.capabilities
        log, asked = state.log_since, state.snapshot_at or run.proved
        looked, is_over = run.proved + IDLE_AFTER <= asked, self._deadline(run) <= now
        grace = run.proved + GRACE <= now
        early = (run.alone or run.queued) and not (can.names_tasks or state.log_trusted)
        may_end = early if run.queued else run.unproven and (early or grace)
        if run.butler_worked and may_end and not state.busy_since:
            # Butler's work, which was for this run, is over
            self._end_seen(run, state.idle_since or now, named=False)
            return
        if run.unproven:
            if grace and not run.grace_over:
                run = self._update(run, grace_over=True)
                if run.sent and not can.names_tasks:
                    unlogged = can.unlogged + bool(log)
                    self._learn(unnamed=can.unnamed + 1, unlogged=unlogged)
            logs = state.log_trusted and run.sent and log and log <= run.sent
            rows = [row for row in self.active_rows if row.task in (None, run.task)]
            may_wait = state.busy_since or not all(map(self._proves_work, rows))
            can_show = can.names_tasks or can.shows_work or logs
            is_over |= bool(grace and can_show and looked and not may_wait)
        elif run.log_id and not (run.row or self.active_rows or state.log_follows(run)):
            # Only the log showed the run; the log broke, and a snapshot shows no work
            seen = (row.seen for row in state.rows.values())
            is_over |= looked and can.shows_work and all(it <= asked for it in seen)
        if is_over:
            self._end(run, now)

    def _deadline(self, run: m.Run) -> Moment:
        """Return when a run ends if nothing more is seen of it."""
        state, row = self.state, self.state.rows.get(run.row or "")
        if run.queued and state.window:
            return self.now + (state.window.next_end(run.proved.utc) - self.now.utc)
        if run.queued or state.log_follows(run):
            return run.proved + ROW_STALE_AFTER
        if run.row:
            # The row may stay at 100, which is the task's last phase
            stale = run.proved + state.limit
            return min(stale, row.changed + ROW_STALE_AFTER) if row else stale
        # A server that shows when Butler works needs no shorter limit
        short = run.task in SHORT_TASKS and not state.capabilities.shows_work
        return run.proved + (min(state.limit, SHORT_LIMIT) if short else state.limit)

    def _deadlines(self) -> Iterator[Moment]:
        state = self.state
        for run in state.runs.values():
            yield run.end.ended + END_DECIDED_AFTER if run.end else self._deadline(run)
            yield run.proved + GRACE
        covered = (command.covers_until for command in state.commands.values())
        yield from (until + ROWS_LINGER_FOR for until in covered if until)
        if self.active_rows:
            oldest = min(self.active_rows, key=lambda row: row.changed.monotonic)
            yield oldest.changed + ROW_STALE_AFTER
        if state.idle_since and (state.busy_since or state.was_busy):
            yield from (state.idle_since + SESSION_PAUSE, state.idle_since + IDLE_AFTER)
