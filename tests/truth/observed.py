"""What was seen of a day, on both sides; moments are seconds since the epoch."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.simulator import Interval

ON = "on"
OFF = "off"
UNAVAILABLE = "unavailable"
UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Shown:
    """A state of an entity, from a moment on."""

    at: float
    state: str
    assumed: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Reported:
    """A run that the integration told to be over; a lost one is told to nobody."""

    task: str
    ended: float
    duration: float | None


@dataclass(frozen=True, slots=True)
class Command:
    """A command that reached the server; `task` None means all."""

    at: float
    starts: bool
    task: str | None


@dataclass(frozen=True, slots=True)
class Outage:
    """A time in which the server did not answer."""

    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Listened:
    """When the log was open and told, and which of the intervals began meanwhile."""

    start: float
    end: float
    begun: range


@dataclass(frozen=True, slots=True)
class Waited:
    """A start that waited, and what it was answered; it was sent at `at`."""

    at: float
    task: str
    result: str
    answered: float


@dataclass(kw_only=True)
class Observed:
    """One server's day."""

    start: float
    end: float
    # The simulator's truth.
    intervals: list[Interval] = field(default_factory=list)
    # Whether this server shows that Butler works.
    shows: bool = True
    # Whether its log is all that names the tasks that run.
    only_log: bool = False
    randomized: frozenset[str] = frozenset()
    outages: list[Outage] = field(default_factory=list)
    # When the server was another version than before, of which nothing is known.
    updates: list[float] = field(default_factory=list)
    window_ends: list[float] = field(default_factory=list)
    windows: list[tuple[float, float]] = field(default_factory=list)
    # Home Assistant's side, by task.
    switches: dict[str, list[Shown]] = field(default_factory=dict)
    butler: list[Shown] = field(default_factory=list)
    reported: list[Reported] = field(default_factory=list)
    waits: list[Waited] = field(default_factory=list)
    # When the stream was cut, and until when its loss was surely made up for.
    cuts: list[Outage] = field(default_factory=list)
    listened: list[Listened] = field(default_factory=list)
    commands: list[Command] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
