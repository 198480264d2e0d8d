"""Butler's session: one activity for many tasks, and its lines in the log."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

from .activities import Board, Row
from .butler import Butler
from .server_log import ServerLog
from .task import Task
from .timeline import Event, Timeline
from .traits import ByHand, Rows, SessionEnds, SessionNames, Traits
from .truth import Ending

BUTLER = "butler"
TITLE = "Butler tasks"
_OVERALL = "parent: {} overall progress: {:.1f}% ({}/{})"
_REGISTERED = "Activity: registered new sub-activity {} - {q}{}{q} " + _OVERALL
_ENDED = "Activity: ended sub-activity {} " + _OVERALL


@dataclass(eq=False)
class _Session:
    """One parent, and the sub-activities that are open, in the order of their begin."""

    uuid: str
    registered: int = 0
    ended: int = 0
    open: dict[str, str] = field(default_factory=dict)
    leaving: Event | None = None

    @property
    def percent(self) -> float:
        """Return how many of the sub-activities so far have ended."""
        return 100 * self.ended / self.registered

    @property
    def overall(self) -> tuple[str, float, int, int]:
        """Return the same as lines have it, behind the id."""
        return self.uuid, self.percent, self.ended, self.registered


class ButlerSessions:
    """Counts tasks as the server does, writes its lines, and shows rows if it does."""

    def __init__(
        self,
        butler: Butler,
        board: Board,
        timeline: Timeline,
        traits: Traits,
        log: ServerLog,
        rng: Random,
    ) -> None:
        """Begin without a session."""
        self._butler = butler
        self._board = board
        self._timeline = timeline
        self._traits = traits
        self._log = log
        self._ids = Board(rng, lambda *_: None)
        self._sessions: list[_Session] = []
        self._shows = traits.rows is Rows.SESSION

    def clear(self) -> None:
        """Forget all sessions, as a restart does."""
        for session in self._sessions:
            self._stay(session)
        self._sessions.clear()

    def on_started(self, task: Task) -> None:
        """Register a sub-activity."""
        session = self._session_for(task)
        self._stay(session)
        session.registered += 1
        session.open[task.name] = child = self._ids.new_uuid()
        self._log.write(_REGISTERED, child, task.name, *session.overall)
        if self._shows_children:
            row = Row(uuid=child, type=BUTLER, title=task.name)
            self._board.begin(row, push=self._traits.pushes_rows)
        self._update(session)

    def on_ended(self, task: Task, ending: Ending) -> None:
        """End the sub-activity; the session goes or stands."""
        session = next(it for it in self._sessions if task.name in it.open)
        child = session.open.pop(task.name)
        session.ended += 1
        self._log.write(_ENDED, child, *session.overall)
        if self._shows_children:
            self._end_row(child)
        self._update(session, last=task.name)
        if not session.open:
            self._plan_end(session)

    @property
    def _shows_children(self) -> bool:
        return self._shows and self._traits.session_names is SessionNames.CHILDREN

    def _session_for(self, task: Task) -> _Session:
        apart = task.beside and self._traits.by_hand is ByHand.OWN_SESSION
        for session in self._sessions:
            if not (apart and session.open):
                return session
        session = _Session(self._ids.new_uuid())
        self._sessions.append(session)
        if self._shows:
            row = Row(uuid=session.uuid, type=BUTLER, title=TITLE)
            self._board.begin(row, push=self._traits.pushes_rows)
        return session

    def _update(self, session: _Session, last: str = "") -> None:
        if not self._shows:
            return
        percent = session.percent + (0.5 if self._traits.rounds_percent else 0)
        self._board.update(
            session.uuid,
            push=self._traits.pushes_rows,
            subtitle=self._subtitle(session, last),
            progress=int(percent),
        )

    def _subtitle(self, session: _Session, last: str) -> str:
        if self._traits.session_names is not SessionNames.SUBTITLE:
            return ""
        if session.open:
            return next(reversed(session.open))
        return last if self._traits.subtitle_stays else ""

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
        session.leaving = self._timeline.at(when, lambda: self._leave(session))

    def _stay(self, session: _Session) -> None:
        if session.leaving is not None:
            session.leaving.cancel()
        session.leaving = None

    def _leave(self, session: _Session) -> None:
        self._sessions.remove(session)
        if self._shows:
            self._end_row(session.uuid)

    def _end_row(self, uuid: str) -> None:
        push = self._traits.pushes_rows and self._traits.pushes_ended
        self._board.end(uuid, push=push)
