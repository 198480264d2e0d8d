"""What is known of runs and rows, what is shown of it, and what outlives a restart."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, Literal, get_args, get_type_hints

if TYPE_CHECKING:
    from ..schedule import Window

type Memory = dict[str, Any]

# A run that nothing was ever seen of is believed for so long
DEFAULT_LIMIT: Final = timedelta(minutes=30)
# A server that worked so often without naming a task will not name one
UNNAMED: Final = 3


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
    """How something is known: the task was named, something fits, we commanded it."""

    OBSERVED = "observed"
    INFERRED = "inferred"
    ASSUMED = "assumed"


class Result(StrEnum):
    """How a run ended: seen to end, stopped by a client, or its end not seen."""

    ENDED = "ended"
    STOPPED = "stopped"
    LOST = "lost"


class Command(StrEnum):
    """What can be asked of Butler."""

    START = "start"
    STOP = "stop"
    START_ALL = "start_all"
    STOP_ALL = "stop_all"


@dataclass(frozen=True, slots=True)
class EndedRun:
    """A run that is over; `started` is None where it is not known."""

    task: str
    result: Result
    evidence: Evidence
    started: Moment | None
    ended: Moment
    ran: bool = True  # What was taken off the queue never did
    sent: Moment | None = None  # Our command for it

    @property
    def duration(self) -> timedelta | None:
        """Return how long it took, by the clock on which that was longer."""
        # One clock stands still while the host sleeps, and the other may be set back
        guessed = self.result is Result.LOST and self.evidence is not Evidence.INFERRED
        if self.started is None or guessed:
            return None
        return max(self.ended - self.started, self.ended.utc - self.started.utc)

    @property
    def started_at(self) -> datetime | None:
        """Return when it began, on the clock that showed its end."""
        if (duration := self.duration) is not None:
            return self.ended.utc - duration
        return min(self.started.utc, self.ended.utc) if self.started else None


@dataclass(frozen=True, slots=True)
class Run:
    """A run that goes on, as far as is known."""

    task: str
    evidence: Evidence
    started: Moment | None  # None: it went on before anybody looked
    proved: Moment  # When its evidence was last renewed: limits count from here
    queued: bool = False  # The server took our start, for a later time
    sent: Moment | None = None  # Our command for it
    # Its begin was seen, after our command: only then can its end be
    begin_seen: bool = False
    row: str | None = None  # The row that shows it
    log_id: str | None = None  # The log's name for it
    progress: float | None = None
    alone: bool = False  # Butler was idle when it was started
    waited: bool = False  # Butler was seen at work since, for an unknown task
    grace_over: bool = False  # The grace is over, and nothing was seen
    doubted: bool = False  # A stop of ours may be what ends it
    end: EndedRun | None = None  # How it ended, unless it goes on at once

    @property
    def unproven(self) -> bool:
        """Return True if nothing shows it but a command."""
        return not (self.row or self.log_id or self.end or self.queued)


@dataclass(frozen=True, slots=True)
class TrackedActivity:
    """A butler row of the server's, and what was seen of it."""

    key: str
    task: str | None  # The one task that it names
    is_own: bool  # Its title does: it is the task's own
    is_session: bool  # It is the row of a session: at 100, no task is at work
    content: str  # A digest of what it says
    progress: float
    since: Moment  # ... when it shows this work, or none
    changed: Moment
    seen: Moment
    told: bool = False  # The stream told of it
    ended: Moment | None = None  # The stream told that it ended

    @property
    def busy(self) -> bool:
        """Return True if it shows work; idle servers may have a row at 100."""
        return self.ended is None and self.progress < 100


@dataclass(frozen=True, slots=True)
class Sent:
    """A command of ours; `done` is None until it is answered, then whether it was."""

    sent: Moment
    until: Moment | None = None  # What shows since before then may end by it
    done: bool | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Capabilities:
    """What a version of the server has shown so far."""

    named: bool = False  # A row named a task
    busy: bool = False  # A row was busy
    logged: bool = False  # The log named a task
    pushed: bool = False  # The stream told of a row, and missed none since
    unnamed: int = (
        0  # How often Butler worked, or took a start, and nothing named a task
    )


# A run begins or is queued, or it ended, or Butler is idle; one that goes on after all
# is not told again, and pauses between two tasks are left out
type Change = Run | EndedRun | Literal["butler_idle"]


@dataclass(kw_only=True, slots=True)
class RunState:
    """All that is known at one moment; only `apply` makes another one of it."""

    now: Moment
    limit: timedelta = DEFAULT_LIMIT
    tasks: Mapping[str, bool] = field(default_factory=dict)  # ... started at random?
    names: Mapping[str, str] = field(default_factory=dict)  # Texts that name one task
    window: Window | None = None
    version: str = ""
    known: Capabilities = Capabilities()
    runs: Mapping[str, Run] = field(default_factory=dict)
    last: Mapping[str, EndedRun] = field(default_factory=dict)
    rows: Mapping[str, TrackedActivity] = field(default_factory=dict)
    # From before a restart: by their digests, since when rows had not changed
    unchanged: Mapping[str, Moment] = field(default_factory=dict)
    # The newest of each, with its task
    commands: Mapping[tuple[Command, str | None], Sent] = field(default_factory=dict)
    asked: Moment | None = None  # ... for the newest snapshot
    # Something happened that one should look at
    snapshot_requested: Moment | None = None
    busy_since: Moment | None = None
    idle_since: Moment | None = None
    was_busy: bool = False  # ... and was not told to be idle since
    task_named: bool = False  # ... and a task was
    push_since: Moment | None = None
    log_since: Moment | None = None  # Since when the log is open and tells
    # Since when the server does not answer, or refuses
    failing_since: Moment | None = None
    refused_since: Moment | None = None
    gap: Moment | None = None  # The newest gap in what was seen
    untold: tuple[Change, ...] = ()  # An end that is not yet decided, and what followed
    next_tick: Moment | None = None  # When time alone changes something

    @property
    def trusted(self) -> bool:
        """Return True if the stream is open and can be relied upon."""
        return self.push_since is not None and self.known.pushed

    @property
    def logging(self) -> bool:
        """Return True if the log is open and names the tasks of this version."""
        return self.log_since is not None and self.known.logged

    def follows(self, run: Run) -> bool:
        """Return True if the log named a run, and has told all since."""
        since = self.log_since if self.known.logged else None
        return run.log_id is not None and since is not None and since <= run.proved


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskView:
    """What one task does; None where it is idle or the thing is not known."""

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
    tasks: Mapping[str, TaskView]


def view(state: RunState) -> ButlerView:
    """Return what is to be shown."""
    known = state.known
    blind = known.unnamed >= UNNAMED and not (known.named or known.logged)
    tasks, never_ran = {}, TaskView(assumed=blind)
    for task in state.tasks:
        last = state.last.get(task)
        # Asked at most notifications, and to make another one is slow
        shown = replace(never_ran, last=last) if last else never_ran
        run = state.runs.get(task)
        # The log is sure of an end; a row may come back at once
        if run and not (run.end and run.log_id):
            began = run.sent if run.queued else run.started
            shown = replace(
                shown,
                state=TaskState.QUEUED if run.queued else TaskState.RUNNING,
                since=began.utc if began else None,
                progress=run.progress,
                evidence=run.evidence,
                assumed=blind or (run.grace_over and run.unproven),
            )
        tasks[task] = shown
    idle = False if state.asked and (known.busy or known.logged) else None
    return ButlerView(busy=bool(state.busy_since) or idle, tasks=tasks)


# How far a run is, an end not yet decided, and whether Butler is at work: known anew
_UNKEPT: Final = ("end", "progress", "waited")


def dump(state: RunState) -> Memory:
    """Return what is worth remembering."""
    runs = [
        replace(run, proved=state.now) if state.follows(run) else run
        for run in state.runs.values()
    ]
    rows = state.rows.values()
    return {
        "version": state.version,
        "known": _plain(state.known),
        "runs": [_plain(run) for run in runs],
        "last": [_plain(run) for run in state.last.values()],
        "stood": {it.content: it.changed.utc.isoformat() for it in rows if it.busy},
    }


def _plain(thing: Capabilities | Run | EndedRun) -> Memory:
    values = {it.name: getattr(thing, it.name) for it in fields(thing)}
    return {
        name: value.utc.isoformat() if isinstance(value, Moment) else value
        for name, value in values.items()
        if name not in _UNKEPT
    }


def load(
    memory: Mapping[str, Any], now: Moment, limit: timedelta = DEFAULT_LIMIT
) -> RunState:
    """Return the state that a memory leaves; one that cannot be read is forgotten."""
    state = RunState(now=now, limit=limit, gap=now)
    try:
        runs = [_read(Run, it, now) for it in memory.get("runs", ())]
        last = [_read(EndedRun, it, now) for it in memory.get("last", ())]
        return replace(
            state,
            version=str(memory.get("version", "")),
            known=_read(Capabilities, memory.get("known", {}), now),
            # Whether a row still shows a run is seen at the first look
            runs={it.task: replace(it, proved=now) if it.row else it for it in runs},
            last={run.task: run for run in last},
            unchanged={
                content: _value(Moment, since, now)
                for content, since in memory.get("stood", {}).items()
            },
        )
    except AttributeError, KeyError, TypeError, ValueError, OverflowError:
        return state


def _read[T](kind: type[T], item: Memory, now: Moment) -> T:
    hints = get_type_hints(kind)
    return kind(**{it: _value(hints[it], item[it], now) for it in item.keys() & hints})


def _value(hint: Any, value: Any, now: Moment) -> Any:
    kind, *none = get_args(hint) or (hint,)
    if none and value is None:
        return None
    if kind is not Moment:
        return kind(value)
    utc = datetime.fromisoformat(value).astimezone(UTC)
    then = now + (utc - now.utc)
    # One of the past remains so if the clock was set back since
    return Moment(utc, min(now.monotonic, then.monotonic))
