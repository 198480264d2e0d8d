"""What can happen, and what it can change."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from .clock import Moment, Window
from .model import EndedRun, Run


class TaskLike(Protocol):
    """A task as the server lists it."""

    @property
    def name(self) -> str:
        """Return what the server calls it in requests."""
        ...

    @property
    def title(self) -> str:
        """Return what the server calls it for people."""
        ...

    @property
    def schedule_randomized(self) -> bool:
        """Tell whether the server starts it when it likes."""
        ...


class RowLike(Protocol):
    """An activity as the server shows it; negative progress is unknown."""

    @property
    def uuid(self) -> str:
        """Return what tells it from others."""
        ...

    @property
    def type(self) -> str:
        """Return what kind of work it is."""
        ...

    @property
    def title(self) -> str:
        """Return what it does."""
        ...

    @property
    def subtitle(self) -> str:
        """Return what it works on."""
        ...

    @property
    def progress(self) -> float:
        """Return how far it is, in percent."""
        ...


class Command(StrEnum):
    """What can be asked of Butler."""

    START = "start"
    STOP = "stop"
    START_ALL = "start_all"
    STOP_ALL = "stop_all"


class Answer(StrEnum):
    """What became of a command."""

    OK = "ok"
    # 202 on a start
    ALREADY_RUNNING = "already_running"
    # 404 on a stop, and /butler answered after it and lists the task
    NOT_RUNNING = "not_running"
    # Every other answer, or none: it proves nothing
    FAILED = "failed"


class Told(StrEnum):
    """What a notification says of a row."""

    STARTED = "started"
    UPDATED = "updated"
    ENDED = "ended"


@dataclass(frozen=True, kw_only=True, slots=True)
class TasksListed:
    """The server listed its tasks."""

    tasks: Sequence[TaskLike]


@dataclass(frozen=True, kw_only=True, slots=True)
class WindowChanged:
    """The window became known, or (None) unknown."""

    window: Window | None


@dataclass(frozen=True, kw_only=True, slots=True)
class CommandSent:
    """A command is on its way; `task` is None for those that mean all."""

    command: Command
    task: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class CommandAnswered:
    """A command was answered, or will not be."""

    command: Command
    task: str | None = None
    sent: Moment
    answer: Answer


@dataclass(frozen=True, kw_only=True, slots=True)
class Snapshot:
    """The server answered with all its activities."""

    rows: Sequence[RowLike]
    asked: Moment


@dataclass(frozen=True, kw_only=True, slots=True)
class Notified:
    """The stream told of an activity."""

    told: Told
    row: RowLike


@dataclass(frozen=True, kw_only=True, slots=True)
class PushChanged:
    """The notification stream came up, or went down."""

    up: bool


@dataclass(frozen=True, slots=True)
class ServerRefused:
    """The server refused a connection, or answered 502 or 503; a time-out is none."""


@dataclass(frozen=True, slots=True)
class ServerAnswered:
    """The server answers (again); a snapshot or a list of tasks says so, too."""


@dataclass(frozen=True, slots=True)
class ServerRestarted:
    """The server is known to have been restarted."""


@dataclass(frozen=True, kw_only=True, slots=True)
class VersionSeen:
    """The server told its version."""

    version: str


@dataclass(frozen=True, slots=True)
class Tick:
    """Nothing happened but time."""


type Event = (
    TasksListed
    | WindowChanged
    | CommandSent
    | CommandAnswered
    | Snapshot
    | Notified
    | PushChanged
    | ServerRefused
    | ServerAnswered
    | ServerRestarted
    | VersionSeen
    | Tick
)


@dataclass(frozen=True, slots=True)
class RunQueued:
    """The server took our start, for a later time."""

    run: Run


@dataclass(frozen=True, slots=True)
class RunStarted:
    """A task runs; where `run.started` is None, it did so before anybody looked."""

    run: Run


@dataclass(frozen=True, slots=True)
class RunEnded:
    """A run is over; one that is `lost` is to be announced to nobody.

    What was taken off the queue never `ran`.
    """

    run: EndedRun
    ran: bool = True


@dataclass(frozen=True, slots=True)
class PushMissed:
    """The stream was up and did not tell of a row: it is trusted no longer."""


@dataclass(frozen=True, slots=True)
class ButlerIdle:
    """Butler was at work and is not any more, pauses between two tasks left out."""


type Change = RunQueued | RunStarted | RunEnded | PushMissed | ButlerIdle
