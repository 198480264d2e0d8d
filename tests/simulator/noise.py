"""What a server does besides Butler: scans, adds, analysis."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from random import Random

from .activities import Board, Row
from .frames import Frame, status_frame, timeline_frame
from .timeline import Event, Timeline

SCAN = "library.update.section"
ADDED = "library.update.item.metadata"
ANALYSES = (
    "media.generate.intros",
    "media.generate.credits",
    "media.generate.loudness",
    "media.generate.chapter.thumbs",
    "provider.subscriptions.process",
)
_CONTEXT = {"librarySectionID": "1"}
_STEPS = 10


class Noise:
    """Ordinary activities; none of them is Butler's."""

    def __init__(
        self,
        board: Board,
        timeline: Timeline,
        publish: Callable[[Frame], None],
        rng: Random,
    ) -> None:
        """Be silent until asked."""
        self._board = board
        self._timeline = timeline
        self._publish = publish
        self._rng = rng
        self._next: Event | None = None

    def scan(self, seconds: float = 20.0) -> str:
        """Scan a library for so long; returns the activity's id."""
        self._publish(status_frame('Scanning the "Movies" section'))
        uuid = self.activity(SCAN, seconds, title="Scanning Movies")
        self._timeline.after(
            seconds, lambda: self._publish(status_frame("Library scan complete"))
        )
        return uuid

    def add(self, seconds: float = 8.0) -> str:
        """Add an item to the library."""
        item = self._rng.randrange(1000, 9999)
        for state, share in ((0, 0.1), (3, 0.5), (5, 1.0)):
            self._timeline.after(seconds * share, partial(self._entry, item, state))
        return self.activity(ADDED, seconds, title="Updating details")

    def activity(
        self,
        kind: str,
        seconds: float = 20.0,
        *,
        title: str = "Working",
        cancellable: bool = False,
    ) -> str:
        """Show an activity of any type for so long; returns its id."""
        uuid = self._board.new_uuid()
        row = Row(uuid=uuid, type=kind, title=title, cancellable=cancellable)
        self._board.begin(row)
        for step in range(1, _STEPS):
            self._timeline.after(
                seconds * step / _STEPS, partial(self._step, uuid, step)
            )
        self._timeline.after(seconds, lambda: self._board.end(uuid))
        return uuid

    def storm(self, count: int = 1500) -> None:
        """Send so many messages of one scan, all at once."""
        row = Row(uuid=self._board.new_uuid(), type=SCAN, title="Scanning Movies")
        self._board.begin(row)
        for number in range(count - 2):
            progress = 100 * number // count
            self._board.update(row.uuid, subtitle=f"Film {number}", progress=progress)
        self._board.end(row.uuid)

    def ordinary_day(self, per_hour: float) -> None:
        """Go on making noise at random, so often on average; 0 ends it."""
        if self._next is not None:
            self._next.cancel()
        self._next = None
        if per_hour > 0:
            wait = self._rng.expovariate(per_hour / 3600)
            self._next = self._timeline.after(wait, lambda: self._random(per_hour))

    def _random(self, per_hour: float) -> None:
        kind = self._rng.choice(("scan", "add", "analysis"))
        seconds = self._rng.uniform(2, 300)
        if kind == "scan":
            self.scan(seconds)
        elif kind == "add":
            self.add(seconds)
        else:
            self.activity(self._rng.choice(ANALYSES), seconds)
        self.ordinary_day(per_hour)

    def _step(self, uuid: str, step: int) -> None:
        progress = 100 * step // _STEPS
        self._board.update(
            uuid, progress=progress, subtitle=f"Item {step}", context=_CONTEXT
        )

    def _entry(self, item: int, state: int) -> None:
        self._publish(
            timeline_frame(item, "The Tin Orchard", state, self._timeline.now)
        )
