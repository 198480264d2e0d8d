"""What is known of runs, rows and the server, as frozen data."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from .clock import Moment, Window

# A run that nothing was ever seen of is believed for so long
DEFAULT_LIMIT: Final = timedelta(minutes=30)


class TaskState(StrEnum):
    """What a task does."""

    IDLE = "idle"
    QUEUED = "queued"
    RUNNING = "running"


class ButlerState(StrEnum):
    """What Butler as a whole does; unknown where no server ever showed it at work."""

    BUSY = "busy"
    IDLE = "idle"
    UNKNOWN = "unknown"


class Evidence(StrEnum):
    """How it is known that a task runs."""

    COMMAND = "command"
    NOTIFICATION = "notification"
    ACTIVITY = "activity"
    INFERRED = "inferred"


class Result(StrEnum):
    """How a run ended: seen to end, stopped by us, or its end not seen."""

    ENDED = "ended"
    STOPPED = "stopped"
    LOST = "lost"


class Company(StrEnum):
    """Which busy rows were seen since a command whose own task none of them names."""

    NONE = "none"
    OTHERS = "others"
    NAMELESS = "nameless"


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """A run that goes on, as far as is known."""

    task: str
    state: TaskState
    evidence: Evidence
    # None: it went on before anybody looked
    started: Moment | None
    # When its evidence was last renewed: limits count from here
    proved: Moment
    # Our command for it
    sent: Moment | None = None
    # The row that named it last, and since when that row names something else
    row: str | None = None
    unnamed: Moment | None = None
    progress: float | None = None
    # When a queued one is given up
    until: Moment | None = None
    company: Company = Company.NONE
    # It had not begun yet when somebody looked after the command
    waited: bool = False
    # Rows of its kind of work that began with it, and when one was last seen
    work: frozenset[str] = frozenset()
    worked: Moment | None = None
    # Remembered from before a restart: not shown until there is fresh evidence
    held: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class EndedRun:
    """A run that is over; `started` is None where it is not known."""

    task: str
    result: Result
    # Of its end; of a lost one, of its having run
    evidence: Evidence
    started: Moment | None
    ended: Moment

    @property
    def started_at(self) -> datetime | None:
        """Return when it began."""
        return self.started.utc if self.started else None

    @property
    def ended_at(self) -> datetime:
        """Return when it ended, or was given up; a clock set back changes no order."""
        return max(self.ended.utc, self.started_at or self.ended.utc)

    @property
    def duration(self) -> timedelta | None:
        """Return how long it took, if both ends are known."""
        if self.started is None or self.result is Result.LOST:
            return None
        return self.ended - self.started


@dataclass(frozen=True, kw_only=True, slots=True)
class KnownRow:
    """A butler row of the server's, and what was seen of it."""

    key: str
    # The one task that it names
    task: str | None
    title: str
    subtitle: str
    progress: float
    # Since when it is busy, or idle
    begun: Moment
    changed: Moment
    seen: Moment
    # The stream told of it
    told: bool = False
    # The stream told that it ended
    ended: Moment | None = None

    @property
    def busy(self) -> bool:
        """Tell whether it shows work; the standing row of an idle server is at 100."""
        return self.ended is None and self.progress < 100

    @property
    def content(self) -> tuple[str, str, float]:
        """Return what it shows."""
        return self.title, self.subtitle, self.progress


@dataclass(frozen=True, kw_only=True, slots=True)
class Mute:
    """Rows that prove nothing for a while, since their task (None: all) was stopped."""

    task: str | None
    keys: frozenset[str]
    sent: Moment
    answered: Moment


@dataclass(frozen=True, kw_only=True, slots=True)
class Learned:
    """What a version of the server has shown so far."""

    tasks: frozenset[str] = frozenset()
    busy: bool = False
    # A busy row named no task
    nameless: bool = False
    # The stream brought a butler notification, and missed none since
    pushed: bool = False
    # Two tasks had rows of their own at once
    parallel: bool = False


type PendingKey = tuple[str, str | None]


@dataclass(frozen=True, kw_only=True, slots=True)
class RunState:
    """All that is known at one moment."""

    now: Moment
    limit: timedelta = DEFAULT_LIMIT
    # Whether the start of each listed task is left to chance
    tasks: Mapping[str, bool] = field(default_factory=dict)
    # The texts that name one task only, case-folded
    names: Mapping[str, str] = field(default_factory=dict)
    window: Window | None = None
    version: str = ""
    learned: Mapping[str, Learned] = field(default_factory=dict)
    runs: Mapping[str, Run] = field(default_factory=dict)
    last: Mapping[str, EndedRun] = field(default_factory=dict)
    rows: Mapping[str, KnownRow] = field(default_factory=dict)
    # Rows in the last snapshot that show the kind of work that tasks do
    work: frozenset[str] | None = None
    mutes: tuple[Mute, ...] = ()
    # Commands that wait for their answer, and when they were sent
    pending: Mapping[PendingKey, Moment] = field(default_factory=dict)
    # When the newest snapshot was asked for
    asked: Moment | None = None
    # Since when, and in how many snapshots, nothing of Butler's was busy
    idle_since: Moment | None = None
    idle_snapshots: int = 0
    # Butler was seen at work, and was not told to be idle since
    was_busy: bool = False
    push_since: Moment | None = None
    refused: Moment | None = None
    restarted: Moment | None = None
    all_started: Moment | None = None
    # When something happened that a snapshot should look at
    poked: Moment | None = None

    @property
    def known(self) -> Learned:
        """Return what this version of the server has shown."""
        return self.learned.get(self.version, Learned())
