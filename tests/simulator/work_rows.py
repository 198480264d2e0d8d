"""The rows of the work that tasks do, under the types that ordinary work has too."""

from __future__ import annotations

from .activities import UNKNOWN_PROGRESS, Board, Row
from .task import Task
from .timeline import Event, Timeline
from .traits import Traits
from .truth import Ending

# Work tells more seldom than Butler, and always about some item.
_TICK_SECONDS = 5.0
_ITEMS = (
    "The Tin Orchard",
    "Harbour Lane S02 E07",
    "Nine Quiet Rooms",
    "Paper Comet S01 E01",
)


class WorkRows:
    """A row for each running task whose work has an activity type."""

    def __init__(self, board: Board, timeline: Timeline, traits: Traits) -> None:
        """Show no work yet."""
        self._board = board
        self._timeline = timeline
        self._traits = traits
        self._rows: dict[str, tuple[str, Event]] = {}

    def on_started(self, task: Task) -> None:
        """Show the work."""
        if (work := task.spec.work) is None:
            return
        uuid = self._board.new_uuid()
        self._board.begin(
            Row(uuid=uuid, type=work.type, title=work.title, subtitle=_ITEMS[0])
        )
        self._tick_later(task, uuid, 1)

    def on_ended(self, task: Task, ending: Ending) -> None:
        """Take the work away."""
        if task.name in self._rows:
            uuid, tick = self._rows.pop(task.name)
            tick.cancel()
            self._board.end(uuid)

    def _tick(self, task: Task, uuid: str, count: int) -> None:
        known = self._traits.progress_known
        progress = task.progress(self._timeline.now) if known else UNKNOWN_PROGRESS
        self._board.update(
            uuid, progress=progress, subtitle=_ITEMS[count % len(_ITEMS)]
        )
        self._tick_later(task, uuid, count + 1)

    def _tick_later(self, task: Task, uuid: str, count: int) -> None:
        tick = self._timeline.after(
            _TICK_SECONDS, lambda: self._tick(task, uuid, count)
        )
        self._rows[task.name] = (uuid, tick)
