"""What is not known about real servers, as a set of switches."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from random import Random


class Rows(StrEnum):
    """How running tasks show as activities of the type butler."""

    SESSION = "session"
    PER_TASK = "per_task"
    SHARED = "shared"
    NONE = "none"


class Naming(StrEnum):
    """Where a butler row says which task it is."""

    TITLE = "title"
    SUBTITLE = "subtitle"
    NAME = "name"
    NOTHING = "nothing"


class Standing(StrEnum):
    """If an idle server has a butler row at 100."""

    NONE = "none"
    NAMELESS = "nameless"


class SessionNames(StrEnum):
    """Where a session's row names its tasks."""

    # The parent's subtitle is the raw name of the current task.
    SUBTITLE = "subtitle"
    NOTHING = "nothing"
    # Every task has a row of its own beside the parent; its title is the raw name.
    CHILDREN = "children"


class SessionBegins(StrEnum):
    """What begins the session of a night."""

    WINDOW = "window"
    # The window too, and 300 s after a start of the server inside it.
    AFTER_SERVER_START = "after_server_start"
    # The first accepted start inside the window, of any client.
    FIRST_START = "first_start"


class SessionEnds(StrEnum):
    """When a session's row goes."""

    LAST_TASK = "last_task"
    WINDOW = "window"
    # Hostile: it stands at 100, and the next session uses it again.
    NEVER = "never"


class ByHand(StrEnum):
    """What a single start does while others run."""

    QUEUES = "queues"
    BESIDE = "beside"
    # Beside, under a session's row of its own.
    OWN_SESSION = "own_session"


class LogFormat(StrEnum):
    """What a frame of the log stream looks like."""

    # A container as of other notifications, with a list of entries.
    LIST = "list"
    # One JSON object for each line, which is in a field.
    FIELD = "field"
    # JSON inside a field of JSON: quotes are escaped twice.
    TWICE = "twice"
    TEXT = "text"


@dataclass(frozen=True, kw_only=True)
class Traits:
    """One way in which a server may behave; all times in simulated seconds."""

    # What shows.
    rows: Rows = Rows.PER_TASK
    naming: Naming = Naming.TITLE
    standing: Standing = Standing.NONE
    # Rows speak the server's language, /butler the one that was asked for.
    foreign_rows: bool = False
    progress_known: bool = True
    progress_interval: float = 2.0
    # How long after the begin of a task it shows, in rows and in the log.
    row_delay: float = 0.0
    # A row of a task's own goes through its progress so often, as for each library.
    phases: int = 1
    # Each phase has a row of its own, so long after the last; 0 is one row for all.
    phase_gap: float = 0.0
    linger_after_stop: float = 0.0
    # The work shows under its own type, beside the butler row.
    work_rows: bool = False

    # The row of a session; `session_lingers` is how soon after its last task it goes.
    session_names: SessionNames = SessionNames.SUBTITLE
    session_begins: SessionBegins = SessionBegins.WINDOW
    session_ends: SessionEnds = SessionEnds.LAST_TASK
    session_lingers: float = 1.0
    # At the end of a task the subtitle still names it, or is empty.
    subtitle_stays: bool = True
    rounds_percent: bool = False

    # What is pushed.
    pushes_rows: bool = True
    pushes_ended: bool = True

    # What commands do.
    ignored_starts: float = 0.0
    starts_disabled: bool = True
    starts_not_due: bool = True
    queues_single_start: bool = True
    activity_header: bool = False

    # The stream of the server's log.
    log_tells: bool = True
    # The status that its handshake gets instead of a socket; 0 is a reset.
    log_refused: int | None = None
    log_format: LogFormat = LogFormat.LIST
    log_quotes: bool = True
    # Time, thread and level stand before each line; otherwise the level is a field.
    log_prefix: bool = False
    # Lines of one instant come in one frame.
    log_batches: bool = False

    # How tasks run; concurrency None is no limit.
    by_hand: ByHand = ByHand.QUEUES
    # The names of tasks that are over in the instant in which they begin.
    nothing_to_do: frozenset[str] = frozenset()
    concurrency: int | None = None
    duration_spread: float = 0.0
    stops_at_window_end: bool = False
    equal_hours_open: bool = False
    hangs_on_database: bool = False

    # How it answers. An unclaimed server knows no token.
    claimed: bool = True
    not_owner_status: int = 403
    maintenance_json: bool = False
    loose_types: bool = False
    old_hour_labels: bool = False
    preferences_settle: float = 0.0
    unknown_preference_status: int = 400

    @classmethod
    def draw(cls, rng: Random) -> Traits:
        """Return a mix that the generator chose; the same state, the same mix."""
        rows = rng.choices(list(Rows), (6, 2, 2, 2))[0]
        return cls(
            rows=rows,
            naming=rng.choice(list(Naming)),
            standing=rng.choice(list(Standing)),
            foreign_rows=_maybe(rng),
            progress_known=not _maybe(rng),
            progress_interval=rng.choice((1.0, 2.0, 10.0, 60.0)),
            row_delay=rng.choice((0.0, 0.0, 0.0, 0.0, 2.0, 8.0)),
            phases=rng.choice((1, 1, 3)),
            phase_gap=rng.choice((0.0, 0.05)),
            linger_after_stop=rng.choice((0.0, 0.0, 3.0, 20.0)),
            work_rows=_maybe(rng, 0.5),
            session_names=rng.choice(list(SessionNames)),
            session_begins=rng.choice(list(SessionBegins)),
            session_ends=rng.choices(list(SessionEnds), (7, 2, 1))[0],
            session_lingers=rng.choice((0.0, 0.5, 1.0, 5.0)),
            subtitle_stays=not _maybe(rng),
            rounds_percent=_maybe(rng, 0.5),
            pushes_rows=not _maybe(rng),
            pushes_ended=not _maybe(rng),
            ignored_starts=rng.choice((0.0, 0.0, 0.2)),
            starts_disabled=not _maybe(rng),
            starts_not_due=not _maybe(rng),
            queues_single_start=_maybe(rng, 0.5),
            activity_header=_maybe(rng),
            log_tells=not _maybe(rng),
            log_refused=rng.choice((None,) * 9 + (0, 400, 404)),
            log_format=rng.choice(list(LogFormat)),
            log_quotes=not _maybe(rng),
            log_prefix=_maybe(rng, 0.5),
            log_batches=_maybe(rng, 0.5),
            by_hand=rng.choice(list(ByHand)),
            # Within a session, tasks run strictly one after another.
            concurrency=1 if rows is Rows.SESSION else rng.choice((None, 1, 2, 3)),
            duration_spread=rng.choice((0.0, 0.3, 0.9)),
            stops_at_window_end=_maybe(rng, 0.5),
            equal_hours_open=_maybe(rng, 0.5),
            hangs_on_database=_maybe(rng),
            not_owner_status=rng.choice((401, 403)),
            maintenance_json=_maybe(rng, 0.5),
            loose_types=_maybe(rng),
            old_hour_labels=_maybe(rng),
            preferences_settle=rng.choice((0.0, 0.0, 0.7)),
            unknown_preference_status=rng.choice((400, 403)),
        )


def _maybe(rng: Random, chance: float = 0.25) -> bool:
    return rng.random() < chance
