"""The rows of the type butler: how running tasks show, which the traits decide."""

from __future__ import annotations

from functools import partial

from .activities import DONE, UNKNOWN_PROGRESS, Board, Row
from .butler import Butler
from .row_texts import RowText, generic_text, row_text
from .task import Task, Watcher
from .timeline import Event, Timeline
from .traits import Rows, Standing, Traits
from .truth import Ending

BUTLER = "butler"


class _ButlerRows:
    """What both kinds have in common: progress, lingering, pushing."""

    def __init__(
        self, butler: Butler, board: Board, timeline: Timeline, traits: Traits
    ) -> None:
        """Show what the traits let be seen of an idle server."""
        self._butler = butler
        self._board = board
        self._timeline = timeline
        self._traits = traits
        self._standing: str | None = None
        self.stand()

    def stand(self) -> None:
        """Show the standing row of a server that has just started, under a new id."""
        if self._traits.standing is Standing.NONE:
            return
        self._standing = self._show(generic_text(self._traits), DONE, push=False)

    def _progress(self, task: Task) -> int:
        if not self._traits.progress_known:
            return UNKNOWN_PROGRESS
        return task.progress(self._timeline.now, phases=self._traits.phases)

    def _show(self, text: RowText, progress: int, *, push: bool) -> str:
        uuid = self._board.new_uuid()
        row = Row(uuid=uuid, type=BUTLER, progress=progress, **text)
        self._board.begin(row, push=push)
        return uuid

    def _update(self, uuid: str, text: RowText, progress: int) -> None:
        push = self._traits.pushes_rows
        self._board.update(uuid, push=push, progress=progress, **text)

    def _linger(self, ending: Ending) -> float:
        by_hand = ending in (Ending.STOPPED, Ending.STOPPED_BY_OTHER)
        return self._traits.linger_after_stop if by_hand else 0.0

    def _end(self, uuid: str) -> None:
        push = self._traits.pushes_rows and self._traits.pushes_ended
        self._board.end(uuid, push=push)


class RowPerTask(_ButlerRows):
    """Every run has a row of its own; the standing row is another one."""

    def __init__(
        self, butler: Butler, board: Board, timeline: Timeline, traits: Traits
    ) -> None:
        """Show no run yet."""
        super().__init__(butler, board, timeline, traits)
        self._rows: dict[str, tuple[str, Event]] = {}
        self._phases: dict[str, list[Event]] = {}

    def on_started(self, task: Task) -> None:
        """Show the run."""
        self._begin(task)
        length = task.run_seconds / self._traits.phases
        self._phases[task.name] = [
            self._timeline.after(number * length, partial(self._next_phase, task))
            for number in range(1, self._traits.phases)
        ]

    def on_ended(self, task: Task, ending: Ending) -> None:
        """Take the row away, now or after it has lingered."""
        for event in self._phases.pop(task.name):
            event.cancel()
        uuid, tick = self._rows.pop(task.name)
        tick.cancel()
        if seconds := self._linger(ending):
            self._timeline.after(seconds, lambda: self._end(uuid))
        else:
            self._end(uuid)

    def _begin(self, task: Task) -> None:
        text = row_text(task.spec, self._traits)
        uuid = self._show(text, self._progress(task), push=self._traits.pushes_rows)
        self._tick_later(task, uuid)

    def _next_phase(self, task: Task) -> None:
        """Let the row fall back to 0, or go and come again as another one."""
        uuid, tick = self._rows[task.name]
        text = row_text(task.spec, self._traits)
        self._update(uuid, text, DONE)
        if not self._traits.phase_gap:
            self._update(uuid, text, self._progress(task))
            return
        tick.cancel()
        self._end(uuid)
        again = self._timeline.after(self._traits.phase_gap, partial(self._begin, task))
        self._phases[task.name].append(again)

    def _tick(self, task: Task, uuid: str) -> None:
        self._update(uuid, row_text(task.spec, self._traits), self._progress(task))
        self._tick_later(task, uuid)

    def _tick_later(self, task: Task, uuid: str) -> None:
        wait = self._traits.progress_interval
        tick = self._timeline.after(wait, lambda: self._tick(task, uuid))
        self._rows[task.name] = (uuid, tick)


class SharedRow(_ButlerRows):
    """One row for all runs; it names them in turn. Idle, it stands or goes."""

    def __init__(
        self, butler: Butler, board: Board, timeline: Timeline, traits: Traits
    ) -> None:
        """Show no run yet."""
        self._uuid: str | None = None
        self._ticker: Event | None = None
        self._turn = 0
        super().__init__(butler, board, timeline, traits)

    def on_started(self, task: Task) -> None:
        """Show the row, or let it name the new run."""
        self._uuid = self._uuid or self._standing
        text = row_text(task.spec, self._traits)
        if self._uuid is None or self._uuid not in self._board.rows:
            self._uuid = self._show(
                text, self._progress(task), push=self._traits.pushes_rows
            )
        else:
            self._update(self._uuid, text, self._progress(task))
        self._tick_later()

    def on_ended(self, task: Task, ending: Ending) -> None:
        """Name another run, or let the row stand or go."""
        if self._butler.running:
            self._name_next()
            return
        self._cancel_tick()
        if seconds := self._linger(ending):
            self._timeline.after(seconds, self._rest)
        else:
            self._rest()

    def _rest(self) -> None:
        if self._uuid is None or self._butler.running:
            return
        if self._standing is not None:
            self._update(self._uuid, generic_text(self._traits), DONE)
        else:
            self._end(self._uuid)
        self._uuid = None

    def _name_next(self) -> None:
        running = self._butler.running
        if self._uuid is None or not running:
            return
        self._turn += 1
        task = running[self._turn % len(running)]
        self._update(
            self._uuid, row_text(task.spec, self._traits), self._progress(task)
        )

    def _tick(self) -> None:
        self._name_next()
        self._tick_later()

    def _tick_later(self) -> None:
        self._cancel_tick()
        self._ticker = self._timeline.after(self._traits.progress_interval, self._tick)

    def _cancel_tick(self) -> None:
        if self._ticker is not None:
            self._ticker.cancel()
        self._ticker = None


def rows_of(
    butler: Butler, board: Board, timeline: Timeline, traits: Traits
) -> RowPerTask | SharedRow | None:
    """Return what lets the board show what Butler does, if the traits allow it."""
    if traits.rows in (Rows.NONE, Rows.SESSION):
        return None
    kind = RowPerTask if traits.rows is Rows.PER_TASK else SharedRow
    return kind(butler, board, timeline, traits)


class Late:
    """Lets a watcher see tasks after a while; what has ended by then it never sees."""

    def __init__(self, watcher: Watcher, timeline: Timeline, seconds: float) -> None:
        """Stand between Butler and the watcher."""
        self._watcher = watcher
        self._timeline = timeline
        self._seconds = seconds
        self._coming: dict[str, Event] = {}

    def on_started(self, task: Task) -> None:
        """Pass it on later."""
        if not self._seconds:
            self._watcher.on_started(task)
            return
        self._coming[task.name] = self._timeline.after(
            self._seconds, partial(self._show, task)
        )

    def on_ended(self, task: Task, ending: Ending) -> None:
        """Pass it on, unless the begin was not."""
        if (coming := self._coming.pop(task.name, None)) is not None:
            coming.cancel()
        else:
            self._watcher.on_ended(task, ending)

    def _show(self, task: Task) -> None:
        del self._coming[task.name]
        self._watcher.on_started(task)
