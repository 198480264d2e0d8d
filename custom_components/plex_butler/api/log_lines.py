"""The server's log as a stream: the few lines that are about Butler, and no others.

The log names people and addresses, so a frame is searched for a few bytes, and only
what a line says of a task leaves it, be it in JSON, in JSON inside JSON, or in text.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
import re
from time import monotonic
from typing import Final, override
from urllib.parse import unquote

from .notifications import NotificationStream

# A scan writes hundreds of lines a second; more than 2,000 a second, each in a frame of
# its own, cost too much, as does what many lines in one frame come to.
FLOOD_FRAMES: Final = 20_000
FLOOD_BYTES: Final = 8 * 1024 * 1024
FLOOD_SECONDS: Final = 10.0

# A quote that is escaped again each time JSON is put into JSON
_QUOTE: Final = r'(?:\\{0,31}")?'
_SLASH: Final = r"\\{0,31}/"
_UUID: Final = r"([0-9A-Fa-f][0-9A-Fa-f-]{0,63})"
# Each begins with a literal and each repetition is bounded: the time is linear.
_ACTIVITY: Final = re.compile(
    (
        rf"Activity: (?:registered new sub-activity {_UUID} - {_QUOTE}"
        rf'([^"\\\x00-\x1f]{{1,255}}?){_QUOTE}|ended sub-activity {_UUID})'
        rf" parent: {_UUID}(?![\w-])"
        r"(?: overall progress: ([\d.]{1,9}% \(\d{1,9}/\d{1,9}\)))?"
    ).encode()
)
_COMPLETED: Final = re.compile(
    (
        r'Completed: \[[^\s"\\]{0,80}\] (-?\d{1,3}) ([A-Z]{1,10}) '
        rf"{_SLASH}butler(?:{_SLASH}([\w.~%-]{{1,255}}))?(?=[ ?])"
    ).encode()
)
# Any request for activities shows that the log tells of requests.
_PROOF: Final = re.compile(rf" GET {_SLASH}activities(?=[ ?])".encode())


@dataclass(frozen=True, kw_only=True, slots=True)
class LoggedSubActivity:
    """A sub-activity was registered, by a task's name, or ended: it has no title."""

    uuid: str
    parent: str
    title: str | None = None
    progress: str = ""

    @override
    def __str__(self) -> str:
        title = "" if self.title is None else f' - "{self.title}"'
        what = f"{'registered new' if title else 'ended'} sub-activity {self.uuid}"
        progress = f" overall progress: {self.progress}" if self.progress else ""
        return f"Activity: {what}{title} parent: {self.parent}{progress}"


@dataclass(frozen=True, kw_only=True, slots=True)
class LoggedRequest:
    """A request to Butler was answered; `task` is None for those that mean all."""

    method: str
    task: str | None
    status: int

    @override
    def __str__(self) -> str:
        path = "/butler" if self.task is None else f"/butler/{self.task}"
        return f"Completed: [...] {self.status} {self.method} {path} (...)"


type LogLine = LoggedSubActivity | LoggedRequest


class LogStream:
    """An open stream of the log; iterating yields what its lines say of tasks."""

    def __init__(self, stream: NotificationStream) -> None:
        self._stream = stream
        # The iteration ended because the server wrote too much
        self.is_flooded = False

    async def __aiter__(self) -> AsyncIterator[tuple[LogLine, ...]]:
        """Yield the lines of each frame that has any; at the first proof, none."""
        began, counted, size, tells = monotonic(), 0, 0, False
        async for frame in self._stream.raw():
            lines = parse_log_frame(frame)
            if lines or (not tells and _PROOF.search(frame)):
                tells = True
                yield lines
            size += len(frame)
            if self._stream.frames % 64 and size <= FLOOD_BYTES:
                continue
            # Between two looks at the clock, others get their turn as well.
            await asyncio.sleep(0)
            if monotonic() - began >= FLOOD_SECONDS:
                began, counted, size = monotonic(), self._stream.frames, 0
            elif self._stream.frames - counted > FLOOD_FRAMES or size > FLOOD_BYTES:
                self.is_flooded = True
                return


def parse_log_frame(frame: bytes) -> tuple[LogLine, ...]:
    """Return what a frame of the log says of tasks, in the order of its lines."""
    if b"sub-activity" not in frame and b"/butler" not in frame:
        return ()
    found = [*_ACTIVITY.finditer(frame), *_COMPLETED.finditer(frame)]
    return tuple(map(_parse_line, sorted(found, key=re.Match.start)))


def _parse_line(found: re.Match[bytes]) -> LogLine:
    groups = ((it or b"").decode(errors="replace") for it in found.groups())
    if found.re is _COMPLETED:
        status, method, task = groups
        name = unquote(task) or None
        return LoggedRequest(method=method, task=name, status=int(status))
    begun, title, ended, parent, progress = groups
    return LoggedSubActivity(
        uuid=begun or ended,
        title=title.strip() if begun else None,
        parent=parent,
        progress=progress,
    )
