"""What is known of runs and rows, what is shown of it, and what outlives a restart."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, Literal, get_args, get_type_hints

if TYPE_CHECKING:
    from ..schedule import Window as Window  # noqa: PLC0414 the rules name it, too

type Memory = dict[str, Any]

DEFAULT_LIMIT: Final = timedelta(minutes=30)  # For a run that only a command shows
UNNAMED_LIMIT: Final = 3  # A server that works so often without a name never gives one


@dataclass(frozen=True, order=True, slots=True)
class Moment:
    """A moment on two clocks; the monotonic one orders moments and measures time."""

    utc: datetime = field(compare=False)
    monotonic: float

    def __add__(self, time: timedelta) -> Moment:
        return Moment(self.utc + time, self.monotonic + time.total_seconds())

    def __sub__(self, other: Moment) -> timedelta:
        return timedelta(seconds=self.monotonic - other.monotonic)


class TaskState(StrEnum):
    """What a task does."""

    IDLE = "idle"
    QUEUED = "queued"
    RUNNING = "running"


class Evidence(StrEnum):
    """How a run is known: the server named its task, work fits, or only a command."""

    OBSERVED = "observed"
    INFERRED = "inferred"
    ASSUMED = "assumed"


class Result(StrEnum):
    """How a run ended: by itself, stopped by a client, or with no end seen."""

    ENDED = "ended"
    STOPPED = "stopped"
    LOST = "lost"


class Command(StrEnum):
    """A command to Butler, for one task or for all."""

    START = "start"
    STOP = "stop"


@dataclass(frozen=True, slots=True)
class EndedRun:
    """A run that is over; `started` is None where it is not known."""

    task: str
    result: Result
    evidence: Evidence
    started: Moment | None
    ended: Moment
    ran: bool = True  # False: it was taken off the queue
    sent: Moment | None = None  # Our command for it

    @property
    def duration(self) -> timedelta | None:
        """Return how long the run took, by the clock on which that was longer."""
        # The monotonic clock stops while the host sleeps; the other may be set back
        guessed = self.result is Result.LOST and self.evidence is not Evidence.INFERRED
        if self.started is None or guessed:
            return None
        return max(self.ended - self.started, self.ended.utc - self.started.utc)

    @property
    def started_at(self) -> datetime | None:
        """Return when the run began, on the clock that gave its duration."""
        if (duration := self.duration) is not None:
            return self.ended.utc - duration
        return min(self.started.utc, self.ended.utc) if self.started else None


@dataclass(frozen=True, slots=True)
class Run:
    """A run that goes on, as far as is known."""

    task: str
    evidence: Evidence
    started: Moment | None  # None: the run was older than the first look
    proved: Moment  # When it was last seen or commanded: limits count from here
    queued: bool = False  # The server took our start, for later in the window
    sent: Moment | None = None  # Our command for it
    begin_seen: bool = False  # ... after our command; else its end proves nothing
    row: str | None = None  # The key of the row that shows it
    log_id: str | None = None  # Its uuid in the log
    progress: float | None = None
    alone: bool = False  # Butler was idle when the run was started
    butler_worked: bool = False  # ... since the start, for an unknown task
    grace_over: bool = False  # GRACE has passed, and nothing was seen
    stop_sent: bool = False  # ... which may end it, in place of the task
    end: EndedRun | None = None  # Its end, held back: the run may go on at once

    @property
    def unproven(self) -> bool:
        """Return True if only a command says that the task runs."""
        return not (self.row or self.log_id or self.end or self.queued)


@dataclass(frozen=True, slots=True)
class TrackedActivity:
    """A row (an activity of Butler's), and what was seen of it."""

    key: str
    task: str | None  # The one task that it names
    is_task_row: bool  # Its title names the task: only that task has this row
    is_session: bool  # The row of a session: at 100, no task is at work
    content: str  # A digest of its texts and progress
    progress: float
    since: Moment  # Since when it has shown this work, or none
    changed: Moment
    seen: Moment
    pushed: bool = False  # The stream reported it
    ended: Moment | None = None  # When the stream reported its end

    @property
    def busy(self) -> bool:
        """Return True if the row shows work; idle servers may have one at 100."""
        return self.ended is None and self.progress < 100


@dataclass(frozen=True, slots=True)
class SentCommand:
    """A command of ours; `done` is None until the answer says if it succeeded."""

    sent: Moment
    covers_until: Moment | None = None  # A stop may end runs that began before this
    done: bool | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Capabilities:
    """What a version of the server has proven to show."""

    names_tasks: bool = False  # A row named a task
    shows_work: bool = False  # A row was busy
    logs_tasks: bool = False  # The log named a task
    pushes_rows: bool = False  # The stream reported a row, and missed none since
    unnamed: int = 0  # How often work, or a start, showed without a task's name
    unlogged: int = 0  # ... in the log, which was open


# A run began, was queued or ended; or Butler became idle, not just between two tasks
type Change = Run | EndedRun | Literal["butler_idle"]
type CommandKey = tuple[Command, str | None]  # A task, or None for all


@dataclass(kw_only=True, slots=True)
class RunState:
    """All that is known at one moment; only `apply` makes the next one."""

    now: Moment
    limit: timedelta = DEFAULT_LIMIT
    tasks: Mapping[str, bool] = field(default_factory=dict)  # Is its start random?
    task_by_text: Mapping[str, str] = field(default_factory=dict)  # Titles and names
    window: Window | None = None
    version: str = ""
    capabilities: Capabilities = Capabilities()
    runs: Mapping[str, Run] = field(default_factory=dict)
    last: Mapping[str, EndedRun] = field(default_factory=dict)
    rows: Mapping[str, TrackedActivity] = field(default_factory=dict)
    # From before a restart: by the digest of a row, since when it had not changed
    unchanged_since: Mapping[str, Moment] = field(default_factory=dict)
    # Only the newest of each kind for each task
    commands: Mapping[CommandKey, SentCommand] = field(default_factory=dict)
    snapshot_at: Moment | None = None  # When the newest snapshot was asked for
    snapshot_wanted: Moment | None = None  # When the last reason for one came up
    busy_since: Moment | None = None
    idle_since: Moment | None = None
    was_busy: bool = False  # Work was seen, and no `butler_idle` reported since
    task_named: bool = False  # ... and a task of that work was named
    push_since: Moment | None = None
    log_since: Moment | None = None  # Since when the log is open and proven
    failing_since: Moment | None = None  # The server does not answer ...
    refused_since: Moment | None = None  # ... since it refuses connections
    restarted_at: Moment | None = None  # Suspected; the next snapshot may disprove it
    gap_at: Moment | None = None  # The newest gap in what was seen
    held_changes: tuple[Change, ...] = ()  # The oldest is an end not decided yet
    next_tick: Moment | None = None  # When time alone changes something

    @property
    def push_trusted(self) -> bool:
        """Return True if the stream is open and can be relied upon."""
        return self.push_since is not None and self.capabilities.pushes_rows

    @property
    def log_trusted(self) -> bool:
        """Return True if the log is open and names the tasks of this version."""
        return self.log_since is not None and self.capabilities.logs_tasks

    @property
    def has_unnamed_work(self) -> bool:
        """Return True if a row shows work that names no task."""
        return any(row.busy and not row.task for row in self.rows.values())

    def log_follows(self, run: Run) -> bool:
        """Return True if the log named a run, and missed nothing of it since."""
        since = self.log_since if self.capabilities.logs_tasks else None
        return run.log_id is not None and since is not None and since <= run.proved


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskView:
    """What one task does; values are None while it is idle, or if they are unknown."""

    state: TaskState = TaskState.IDLE
    since: datetime | None = None
    progress: float | None = None
    evidence: Evidence | None = None
    assumed: bool = False  # Nothing but our command speaks for what is shown
    last: EndedRun | None = None

    @property
    def is_on(self) -> bool:
        """Return True if the task runs or is about to."""
        return self.state is not TaskState.IDLE


IDLE: Final = TaskView()


@dataclass(frozen=True, kw_only=True, slots=True)
class ButlerView:
    """What Butler does; `busy` is None on a server that never showed it at work."""

    busy: bool | None
    has_unnamed_work: bool  # It shows work that names no task
    tasks: Mapping[str, TaskView]


def view(state: RunState) -> ButlerView:
    """Return what is to be shown."""
    can = state.capabilities
    blind = can.unnamed >= UNNAMED_LIMIT and not (can.names_tasks or can.logs_tasks)
    tasks = {}
    for task in state.tasks:
        run, last = state.runs.get(task), state.last.get(task)
        # An end in the log is final; a row that ended may come back
        if not run or (run.end and run.log_id):
            tasks[task] = TaskView(assumed=blind, last=last)
            continue
        began = run.sent if run.queued else run.started
        tasks[task] = TaskView(
            state=TaskState.QUEUED if run.queued else TaskState.RUNNING,
            since=began.utc if began else None,
            progress=run.progress,
            evidence=run.evidence,
            assumed=blind or (run.grace_over and run.unproven),
            last=last,
        )
    idle = False if state.snapshot_at and (can.shows_work or can.logs_tasks) else None
    busy = bool(state.busy_since) or idle
    return ButlerView(busy=busy, has_unnamed_work=state.has_unnamed_work, tasks=tasks)


_NOT_STORED: Final = {"end", "progress", "butler_worked"}  # Short-lived, or found again


def dump(state: RunState) -> Memory:
    """Return what is stored for the next start of Home Assistant."""
    runs = [
        replace(run, proved=state.now) if state.log_follows(run) else run
        for run in state.runs.values()
    ]
    stood = {row.content: row.changed for row in state.rows.values() if row.busy}
    stood = {**state.unchanged_since, **stood}
    return {
        "version": state.version,
        "known": _plain(state.capabilities),
        "runs": list(map(_plain, runs)),
        "last": list(map(_plain, state.last.values())),
        "stood": {it: since.utc.isoformat() for it, since in stood.items()},
    }


def _plain(item: Capabilities | Run | EndedRun) -> Memory:
    names = (it.name for it in fields(item) if it.name not in _NOT_STORED)
    values = ((name, getattr(item, name)) for name in names)
    return {
        name: value.utc.isoformat() if isinstance(value, Moment) else value
        for name, value in values
    }


def load(memory: Mapping[str, Any], now: Moment) -> RunState:
    """Return the state from a memory; a memory that cannot be read is dropped."""
    state = RunState(now=now, gap_at=now)
    try:
        runs = [_read(Run, it, now) for it in memory.get("runs", ())]
        last = [_read(EndedRun, it, now) for it in memory.get("last", ())]
        stood = memory.get("stood", {}).items()
        return replace(
            state,
            version=str(memory.get("version", "")),
            capabilities=_read(Capabilities, memory.get("known", {}), now),
            # The first snapshot shows whether the row of a run is still there
            runs={it.task: replace(it, proved=now) if it.row else it for it in runs},
            last={run.task: run for run in last},
            unchanged_since={it: _value(Moment, since, now) for it, since in stood},
        )
    except AttributeError, KeyError, TypeError, ValueError, OverflowError:
        return state


def _read[T](kind: type[T], item: Memory, now: Moment) -> T:
    hints = get_type_hints(kind)
    names = (item.keys() & hints.keys()) - _NOT_STORED
    return kind(**{it: _value(hints[it], item[it], now) for it in names})


def _value(hint: Any, value: Any, now: Moment) -> Any:
    kind, *none = get_args(hint) or (hint,)
    if none and value is None:
        return None
    if kind is not Moment:
        return kind(value)
    utc = datetime.fromisoformat(value).astimezone(UTC)
    if not 1970 <= utc.year <= 9000:
        raise ValueError("No clock shows this")
    then = now + (utc - now.utc)
    # A stored moment stays in the past if the clock was set back since
    return Moment(utc, min(now.monotonic, then.monotonic))
