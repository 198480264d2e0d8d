"""The rows of /activities, and how the traits let running tasks show there."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import partial
from itertools import cycle
from random import Random
from typing import TYPE_CHECKING, Any
from uuid import UUID

from .butler import Ending, Task
from .profiles import (
    ByHand,
    Naming,
    Rows,
    SessionEnds,
    SessionNames,
    Traits,
    in_server_language,
)
from .timeline import Event, Ticker
from .websocket import Frame

if TYPE_CHECKING:
    from .state import ServerState

BUTLER = "butler"
SESSION = "Butler tasks"
GENERIC = "Running scheduled tasks"
_UNKNOWN_PROGRESS = -1
DONE = 100

_OVERALL = "parent: {} overall progress: {:.1f}% ({}/{})"
_REGISTERED = "Activity: registered new sub-activity {} - {q}{}{q} " + _OVERALL
_ENDED = "Activity: ended sub-activity {} " + _OVERALL
# Work changes more seldom than Butler's rows, and always names some item.
_WORK_SECONDS = 5.0
_ITEMS = ("The Tin Orchard", "Harbour Lane S02 E07", "Nine Quiet Rooms", "Paper Comet")


# What a notification says of a row.
RowEvent = StrEnum("RowEvent", "STARTED UPDATED ENDED")


@dataclass(frozen=True, kw_only=True)
class Row:
    """One activity, with what the server says of it, in its order."""

    uuid: str
    type: str
    cancellable: bool = False
    userID: int = 1  # noqa: N815 the server's name
    title: str
    subtitle: str = ""
    progress: int = 0
    context: Mapping[str, Any] | None = None

    def as_dict(self) -> dict[str, Any]:
        element = dict(vars(self))
        context = element.pop("context")
        return element | ({"Context": dict(context)} if context else {})


def activity_frame(event: RowEvent, row: Row) -> Frame:
    element = {"event": str(event), "uuid": row.uuid, "Activity": row.as_dict()}
    return Frame("activity", "ActivityNotification", (element,))


def new_uuid(rng: Random) -> str:
    return str(UUID(int=rng.getrandbits(128), version=4))


class Board:
    """The rows that are there now; the traits decide if those of Butler are pushed."""

    def __init__(
        self, rng: Random, traits: Traits, publish: Callable[[RowEvent, Row], None]
    ) -> None:
        self.rows: dict[str, Row] = {}
        self.new_uuid = partial(new_uuid, rng)
        self._traits = traits
        self._publish = publish

    def begin(self, row: Row) -> None:
        self.rows[row.uuid] = row
        self._push(RowEvent.STARTED, row)

    def update(self, uuid: str, **changes: Any) -> None:
        if uuid in self.rows:
            self.rows[uuid] = replace(self.rows[uuid], **changes)
            self._push(RowEvent.UPDATED, self.rows[uuid])

    def end(self, uuid: str) -> None:
        if row := self.rows.pop(uuid, None):
            self._push(RowEvent.ENDED, replace(row, progress=DONE))

    def _push(self, event: RowEvent, row: Row) -> None:
        traits, ended = self._traits, event is RowEvent.ENDED
        pushes = traits.pushes_rows and (traits.pushes_ended or not ended)
        if pushes or row.type != BUTLER:
            self._publish(event, row)


class _Watcher:
    """What shows the tasks that run."""

    def __init__(self, state: ServerState) -> None:
        self._butler, self._timeline = state.butler, state.timeline
        self._board, self._log = state.board, state.log
        self._traits = state.traits


@dataclass(eq=False)
class _Session:
    """One parent, and the sub-activities that are open, in the order of their begin."""

    uuid: str
    registered: int = 0
    ended: int = 0
    open: dict[str, str] = field(default_factory=dict)
    leaving: Event | None = None

    @property
    def overall(self) -> tuple[str, float, int, int]:
        """Return the id, and how many of the sub-activities so far have ended."""
        percent = 100 * self.ended / self.registered
        return self.uuid, percent, self.ended, self.registered

    def stay(self) -> None:
        if self.leaving is not None:
            self.leaving.cancel()


class ButlerSessions(_Watcher):
    """Counts tasks as the server does, writes its lines, and shows rows if it does."""

    def __init__(self, state: ServerState, rng: Random) -> None:
        super().__init__(state)
        self._rng = rng
        self._sessions: list[_Session] = []
        self._shows = self._traits.rows is Rows.SESSION
        children = self._traits.session_names is SessionNames.CHILDREN
        self._shows_children = self._shows and children

    def clear(self) -> None:
        for session in self._sessions:
            session.stay()
        self._sessions.clear()

    def on_started(self, task: Task) -> None:
        session = self._session_for(task)
        session.stay()
        session.registered += 1
        session.open[task.name] = child = new_uuid(self._rng)
        self._log.write(_REGISTERED, child, task.name, *session.overall)
        if self._shows_children:
            self._board.begin(Row(uuid=child, type=BUTLER, title=task.name))
        self._update(session)

    def on_ended(self, task: Task, ending: Ending) -> None:
        session = next(it for it in self._sessions if task.name in it.open)
        child = session.open.pop(task.name)
        session.ended += 1
        self._log.write(_ENDED, child, *session.overall)
        if self._shows_children:
            self._board.end(child)
        self._update(session, last=task.name)
        if not session.open:
            self._plan_end(session)

    def _session_for(self, task: Task) -> _Session:
        apart = task.beside and self._traits.by_hand is ByHand.OWN_SESSION
        for session in self._sessions:
            if not (apart and session.open):
                return session
        session = _Session(new_uuid(self._rng))
        self._sessions.append(session)
        if self._shows:
            self._board.begin(Row(uuid=session.uuid, type=BUTLER, title=SESSION))
        return session

    def _update(self, session: _Session, last: str = "") -> None:
        if not self._shows:
            return
        subtitle = ""
        if self._traits.session_names is SessionNames.SUBTITLE:
            ended = last if self._traits.subtitle_stays else ""
            subtitle = next(reversed(session.open), ended)
        percent = session.overall[1] + (0.5 if self._traits.rounds_percent else 0)
        self._board.update(session.uuid, subtitle=subtitle, progress=int(percent))

    def _plan_end(self, session: _Session) -> None:
        """Let the row go when it is time, unless another task begins before."""
        now = self._timeline.now
        match self._traits.session_ends:
            case SessionEnds.NEVER:
                return
            case SessionEnds.WINDOW if self._butler.window.contains(now):
                when = self._butler.window.closes_at(now)
            case _:
                when = now + self._traits.session_lingers
        session.leaving = self._timeline.at(when, partial(self._leave, session))

    def _leave(self, session: _Session) -> None:
        self._sessions.remove(session)
        if self._shows:
            self._board.end(session.uuid)


class _ButlerRows(_Watcher):
    """What both kinds of rows have in common: texts, progress, lingering."""

    def __init__(self, state: ServerState) -> None:
        super().__init__(state)
        self._standing: str | None = None
        self.stand()

    def stand(self) -> None:
        """Show the standing row of a server that has just started, under a new id."""
        if self._traits.standing:
            self._standing = uuid = self._board.new_uuid()
            # It is there from the start, so it is not pushed.
            self._board.rows[uuid] = Row(uuid=uuid, type=BUTLER, **self._shown(None))

    def _shown(self, task: Task | None) -> dict[str, Any]:
        """Return what a row says while this task runs, or without a task."""
        said = in_server_language if self._traits.foreign_rows else str
        title, subtitle, progress = said(GENERIC), "", DONE
        if task is not None:
            progress = _UNKNOWN_PROGRESS
            if self._traits.progress_known:
                now, phases = self._timeline.now, self._traits.phases
                progress = task.progress(now, phases=phases)
            match self._traits.naming:
                case Naming.TITLE:
                    title = said(task.spec.title)
                case Naming.SUBTITLE:
                    subtitle = said(task.spec.title)
                case Naming.NAME:
                    title = task.name
        return {"title": title, "subtitle": subtitle, "progress": progress}

    def _show(self, task: Task) -> str:
        uuid = self._board.new_uuid()
        self._board.begin(Row(uuid=uuid, type=BUTLER, **self._shown(task)))
        return uuid

    def _refresh(self, uuid: str, task: Task | None) -> None:
        self._board.update(uuid, **self._shown(task))

    def _after_linger(self, ending: Ending, end: Callable[[], None]) -> None:
        """End a row, at once or after it has lingered."""
        stopped = ending in (Ending.STOPPED, Ending.STOPPED_BY_OTHER)
        if stopped and self._traits.linger_after_stop:
            self._timeline.after(self._traits.linger_after_stop, end)
        else:
            end()


class RowPerTask(_ButlerRows):
    """Every run has a row of its own; the standing row is another one."""

    def __init__(self, state: ServerState) -> None:
        super().__init__(state)
        self._rows: dict[str, tuple[str, Ticker]] = {}
        self._phases: dict[str, list[Event]] = {}

    def on_started(self, task: Task) -> None:
        self._begin(task)
        length = task.run_seconds / self._traits.phases
        self._phases[task.name] = [
            self._timeline.after(number * length, partial(self._next_phase, task))
            for number in range(1, self._traits.phases)
        ]

    def on_ended(self, task: Task, ending: Ending) -> None:
        uuid, ticker = self._rows.pop(task.name)
        ticker.cancel()
        for event in self._phases.pop(task.name):
            event.cancel()
        self._after_linger(ending, partial(self._board.end, uuid))

    def _begin(self, task: Task) -> None:
        uuid, seconds = self._show(task), self._traits.progress_interval
        refresh = partial(self._refresh, uuid, task)
        self._rows[task.name] = uuid, Ticker(self._timeline, seconds, refresh)

    def _next_phase(self, task: Task) -> None:
        """Let the row fall back to 0, or go and come again as another one."""
        uuid, ticker = self._rows[task.name]
        self._board.update(uuid, **self._shown(task) | {"progress": DONE})
        if not self._traits.phase_gap:
            self._refresh(uuid, task)
            return
        ticker.cancel()
        self._board.end(uuid)
        again = self._timeline.after(self._traits.phase_gap, partial(self._begin, task))
        self._phases[task.name].append(again)


class SharedRow(_ButlerRows):
    """One row for all runs; it names them in turn. Idle, it stands or goes."""

    _uuid: str | None = None
    _ticking: Ticker | None = None
    _turn = 0

    def on_started(self, task: Task) -> None:
        self._uuid = self._uuid or self._standing
        if self._uuid is None or self._uuid not in self._board.rows:
            self._uuid = self._show(task)
        else:
            self._refresh(self._uuid, task)
        self._stop_ticking()
        seconds = self._traits.progress_interval
        self._ticking = Ticker(self._timeline, seconds, self._name_next)

    def on_ended(self, task: Task, ending: Ending) -> None:
        if self._butler.running:
            self._name_next()
        else:
            self._stop_ticking()
            self._after_linger(ending, self._rest)

    def _rest(self) -> None:
        if self._uuid is None or self._butler.running:
            return
        if self._standing is not None:
            self._refresh(self._uuid, None)
        else:
            self._board.end(self._uuid)
        self._uuid = None

    def _name_next(self) -> None:
        running = self._butler.running
        if self._uuid is not None and running:
            self._turn += 1
            self._refresh(self._uuid, running[self._turn % len(running)])

    def _stop_ticking(self) -> None:
        if self._ticking is not None:
            self._ticking.cancel()


class WorkRows(_Watcher):
    """A row for each running task whose work has an activity type of its own."""

    def __init__(self, state: ServerState) -> None:
        super().__init__(state)
        self._rows: dict[str, tuple[str, Ticker]] = {}

    def on_started(self, task: Task) -> None:
        if task.spec.work is None:
            return
        kind, title = task.spec.work
        uuid, items = self._board.new_uuid(), cycle(_ITEMS)
        self._board.begin(Row(uuid=uuid, type=kind, title=title, subtitle=next(items)))

        def tick() -> None:
            known = self._traits.progress_known
            progress = task.progress(self._timeline.now) if known else _UNKNOWN_PROGRESS
            self._board.update(uuid, progress=progress, subtitle=next(items))

        self._rows[task.name] = uuid, Ticker(self._timeline, _WORK_SECONDS, tick)

    def on_ended(self, task: Task, ending: Ending) -> None:
        if task.name in self._rows:
            uuid, ticker = self._rows.pop(task.name)
            ticker.cancel()
            self._board.end(uuid)
