"""The server's log as a stream: the few lines that are about Butler, and no others.

A scan writes hundreds of lines a second, with names and addresses of people in them, so
a frame is searched for a few bytes, and only what a line says of a task leaves it. What
is around the line (JSON, JSON inside JSON, text) does not matter.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from http import HTTPStatus
from operator import itemgetter
import re
from time import monotonic
from typing import Final, override
from urllib.parse import unquote_to_bytes

from .notifications import NotificationStream

# A scan writes hundreds of lines a second; more than 2,000 a second, each in a frame of
# its own, cost too much, as does what many lines in one frame come to.
FLOOD_FRAMES: Final = 20_000
FLOOD_BYTES: Final = 8 * 1024 * 1024
FLOOD_SECONDS: Final = 10.0
# Between two looks at the clock, others get their turn as well.
_TURN: Final = 64

# A quote that is escaped again each time JSON is put into JSON
_QUOTE: Final = rb'(?:\\{0,31}")?'
_SLASH: Final = rb"\\{0,31}/"
_UUID: Final = rb"[0-9A-Fa-f][0-9A-Fa-f-]{0,63}"
# Each begins with a literal and each repetition is bounded: the time is linear.
_ACTIVITY: Final = re.compile(
    rb"Activity: (?:registered new sub-activity (?P<begun>"
    + _UUID
    + rb") - "
    + _QUOTE
    + rb'(?P<title>[^"\\\x00-\x1f]{1,255}?)'
    + _QUOTE
    + rb"|ended sub-activity (?P<ended>"
    + _UUID
    + rb")) parent: (?P<parent>"
    + _UUID
    + rb")(?![\w-])(?: overall progress: (?P<progress>[\d.]{1,9}% \(\d{1,9}/\d{1,9}\)))?"
)
_COMPLETED: Final = re.compile(
    rb'Completed: \[[^\s"\\]{0,80}\] (?P<status>-?\d{1,3}) (?P<method>[A-Z]{1,10}) '
    + _SLASH
    + rb"butler(?:"
    + _SLASH
    + rb"(?P<task>[\w.~%-]{1,255}))?(?=[ ?])"
)
# Any request for activities shows that the log tells of requests.
_PROOF: Final = re.compile(rb" GET " + _SLASH + rb"activities(?=[ ?])")


@dataclass(frozen=True, kw_only=True, slots=True)
class LoggedBegin:
    """A sub-activity was registered; of Butler's, the title is the name of a task."""

    uuid: str
    title: str
    parent: str
    progress: str = ""

    @override
    def __str__(self) -> str:
        return (
            f"Activity: registered new sub-activity {self.uuid} - "
            f'"{self.title}" parent: {self.parent}{_of_all(self.progress)}'
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class LoggedEnd:
    """A sub-activity ended."""

    uuid: str
    parent: str
    progress: str = ""

    @override
    def __str__(self) -> str:
        return (
            f"Activity: ended sub-activity {self.uuid} "
            f"parent: {self.parent}{_of_all(self.progress)}"
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class LoggedRequest:
    """A request to Butler was answered; `task` is None for those that mean all."""

    method: str
    task: str | None
    status: int

    @property
    def is_done(self) -> bool:
        """Return True if the server did what was asked."""
        return self.status == HTTPStatus.OK

    @override
    def __str__(self) -> str:
        path = "/butler" if self.task is None else f"/butler/{self.task}"
        return f"Completed: [...] {self.status} {self.method} {path} (...)"


type LogLine = LoggedBegin | LoggedEnd | LoggedRequest


class LogStream:
    """An open stream of the log; iterating yields what its lines say of tasks."""

    def __init__(self, stream: NotificationStream) -> None:
        """Read a stream that brings nothing but the log."""
        self._stream = stream
        # A line came that comes at no other level than those of Butler
        self.tells = False
        # The iteration ended because the server wrote too much
        self.is_flooded = False

    async def __aiter__(self) -> AsyncIterator[tuple[LogLine, ...]]:
        """Yield the lines of each frame that has any, and nothing at the first proof.

        Raises PlexConnectionError when the connection breaks.
        """
        began, before, size = monotonic(), 0, 0
        async for frame in self._stream.raw():
            if lines := parse_log_frame(frame):
                self.tells = True
                yield lines
            elif not self.tells and _PROOF.search(frame):
                self.tells = True
                yield ()
            size += len(frame)
            if self._stream.frames % _TURN and size <= FLOOD_BYTES:
                continue
            await asyncio.sleep(0)
            if monotonic() - began >= FLOOD_SECONDS:
                began, before, size = monotonic(), self._stream.frames, 0
            elif self._stream.frames - before > FLOOD_FRAMES or size > FLOOD_BYTES:
                self.is_flooded = True
                return


def parse_log_frame(frame: bytes) -> tuple[LogLine, ...]:
    """Return what a frame of the log says of tasks, in the order of its lines."""
    if b"sub-activity" not in frame and b"/butler" not in frame:
        return ()
    found: list[tuple[int, LogLine]] = []
    for it in _ACTIVITY.finditer(frame):
        begun, title, ended, parent, progress = map(_text, it.groups())
        line = (
            LoggedBegin(
                uuid=begun, title=title.strip(), parent=parent, progress=progress
            )
            if begun
            else LoggedEnd(uuid=ended, parent=parent, progress=progress)
        )
        found.append((it.start(), line))
    for it in _COMPLETED.finditer(frame):
        status, method, task = it.groups()
        request = LoggedRequest(
            method=_text(method),
            task=_text(unquote_to_bytes(task)) if task else None,
            status=int(status),
        )
        found.append((it.start(), request))
    return tuple(line for _, line in sorted(found, key=itemgetter(0)))


def _text(found: bytes | None) -> str:
    return (found or b"").decode(errors="replace")


def _of_all(progress: str) -> str:
    return f" overall progress: {progress}" if progress else ""
