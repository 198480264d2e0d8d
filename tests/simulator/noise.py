"""What a server does besides Butler: scans, adds, analysis."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
import math
from random import Random

from .activities import Board, Row, RowEvent
from .frames import Frame, activity_frame, status_frame, timeline_frame
from .server_log import ServerLog
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

# Lines of a scan and of people at home; some have names in them that mean nothing.
_LINES = """\
Request: [192.168.4.21:{} (Subnet)] GET /library/metadata/{} (9 live) #8f2 GZIP (alex)
Completed: [192.168.4.21:{}] 200 GET /library/metadata/{} (9 live) #8f2 12ms 482 bytes
Scanner: looking at /media/Films/Harbour Lane ({})/Harbour Lane {}.mkv
Scanner: skipping /media/Films/BackupDatabase ({})/BackupDatabase {}.mkv
Play progress on {} 'Nine Quiet Rooms' - got played {} ms by account 7 (alex)!
Activity: registered new sub-activity 7c0f{1:04}-0000-4000-8000-000000000001 - \
{q}Harbour Lane{q} parent: 7c0f{1:04}-0000-4000-8000-000000000000 overall progress: 50.0% (1/2)
Activity: ended sub-activity 7c0f{1:04}-0000-4000-8000-000000000001 \
parent: 7c0f{1:04}-0000-4000-8000-000000000000 overall progress: 100.0% (2/2)
""".splitlines()
_LINES_PER_STEP = 20


class Noise:
    """Ordinary activities; none of them is Butler's."""

    def __init__(
        self,
        board: Board,
        timeline: Timeline,
        publish: Callable[[Frame], None],
        rng: Random,
        log: ServerLog,
    ) -> None:
        """Be silent until asked."""
        self._log = log
        self._line = 0
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

    def crowd(
        self, count: int, *, kind: str = "butler", title: str = "Butler tasks"
    ) -> None:
        """Push `updated` of so many rows, which nothing else shows, all at once."""
        for number in range(count):
            row = Row(
                uuid=self._board.new_uuid(),
                type=kind,
                title=title,
                progress=number % 100,
            )
            self._publish(activity_frame(RowEvent.UPDATED, row))

    def hang(
        self,
        kind: str = SCAN,
        *,
        title: str = "Scanning Movies",
        subtitle: str = "",
        progress: int = 50,
    ) -> str:
        """Show a row that never changes, of any type, until `end`; returns its id."""
        uuid = self._board.new_uuid()
        self._board.begin(
            Row(uuid=uuid, type=kind, title=title, subtitle=subtitle, progress=progress)
        )
        return uuid

    def end(self, uuid: str) -> None:
        """Remove a row."""
        self._board.end(uuid)

    def log_flood(self, count: int = 1000, seconds: float = 0.0) -> None:
        """Write so many lines that are not Butler's, at once or in so many seconds."""
        if not seconds:
            self._write_lines(count)
            return
        for second in range(math.ceil(seconds)):
            lines = count // math.ceil(seconds)
            self._timeline.after(second, partial(self._write_lines, lines))

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
        self._write_lines(_LINES_PER_STEP)

    def _write_lines(self, count: int) -> None:
        for _ in range(count):
            self._line += 1
            text = _LINES[self._line % len(_LINES)]
            self._log.write(
                text, self._line % 10_000, self._line // len(_LINES) % 10_000
            )

    def _entry(self, item: int, state: int) -> None:
        self._publish(
            timeline_frame(item, "The Tin Orchard", state, self._timeline.now)
        )
