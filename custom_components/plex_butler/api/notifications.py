"""The server's notification stream: filtered first, decoded late.

A single library scan sends more than a thousand messages, hardly any of which concern
Butler, so most frames are told apart by a few bytes and never become anything else.
"""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

import aiohttp
from yarl import URL

from . import models, transport
from .transport import PlexConnectionError, PlexResponseError, network_errors

# A dead connection is noticed after this many seconds and half as long again. The pings
# are ours: aiohttp's own leave a timer behind when the server closes the socket.
HEARTBEAT: Final = 30.0
# No notification comes near this.
MAX_MESSAGE: Final = 1024 * 1024


class ActivityEvent(StrEnum):
    """What happened to an activity."""

    STARTED = "started"
    UPDATED = "updated"
    ENDED = "ended"


@dataclass(frozen=True, kw_only=True, slots=True)
class ActivityNotification:
    """An activity began, changed or ended."""

    event: ActivityEvent
    activity: models.Activity


@dataclass(frozen=True, kw_only=True, slots=True)
class PreferenceNotification:
    """Settings were changed by any client; the server need not tell any `values`."""

    ids: frozenset[str]
    values: Mapping[str, models.PreferenceValue] = field(default_factory=dict)


type Notification = ActivityNotification | PreferenceNotification


class NotificationStream:
    """An open stream; iterating yields notifications until the server hangs up."""

    def __init__(
        self,
        socket: aiohttp.ClientWebSocketResponse[bool],
        keep: Callable[[bytes], None],
    ) -> None:
        self._socket = socket
        self._keep = keep
        self.frames = 0

    async def __aiter__(self) -> AsyncIterator[tuple[Notification, ...]]:
        """Yield what each frame brings; raise PlexConnectionError if it breaks."""
        async for frame in self.raw():
            notifications = parse_frame(frame)
            # Values of settings may be private.
            if any(isinstance(it, ActivityNotification) for it in notifications):
                self._keep(frame)
            yield notifications

    async def raw(self) -> AsyncIterator[bytes]:
        """Yield the frames as they are; raise PlexConnectionError as that breaks."""
        is_pinged = False
        # A ping or a pong on a broken connection raises, too.
        with network_errors():
            while True:
                patience = HEARTBEAT / 2 if is_pinged else HEARTBEAT
                try:
                    message = await self._socket.receive(patience)
                except TimeoutError:
                    if is_pinged:
                        raise
                    await self._socket.ping()
                    is_pinged = True
                    continue
                is_pinged = False
                match message.type:
                    case aiohttp.WSMsgType.TEXT | aiohttp.WSMsgType.BINARY:
                        self.frames += 1
                        yield message.data
                    case aiohttp.WSMsgType.PING:
                        await self._socket.pong(message.data)
                    case aiohttp.WSMsgType.ERROR:
                        raise PlexConnectionError(str(message.data)) from message.data
                    case aiohttp.WSMsgType.PONG:
                        pass
                    case _:
                        return


@asynccontextmanager
async def open_stream(
    session: aiohttp.ClientSession,
    url: URL,
    headers: Mapping[str, str],
    keep: Callable[[bytes], None],
    guard: aiohttp.ClientMiddlewareType,
) -> AsyncIterator[NotificationStream]:
    """Open the stream at a URL with the session's connections."""
    async with aiohttp.ClientSession(
        connector=session.connector,
        connector_owner=False,
        headers=session.headers,
        timeout=transport.TIMEOUT,
        middlewares=(guard,),
    ) as guarded:
        with network_errors():
            socket = await guarded.ws_connect(
                url,
                headers=headers,
                autoping=False,
                max_msg_size=MAX_MESSAGE,
                decode_text=False,
                # That nothing comes for hours is normal.
                timeout=aiohttp.ClientWSTimeout(ws_close=1.0),
            )
        try:
            yield NotificationStream(socket, keep)
        finally:
            with network_errors():
                await socket.close()


def parse_frame(frame: bytes) -> tuple[Notification, ...]:
    """Return what a frame brings; what cannot be understood brings nothing."""
    # Most frames are told apart by a few bytes.
    if b'"butler"' not in frame and b'"preference"' not in frame:
        return ()
    try:
        return tuple(_notifications(models.decode(frame)))
    except PlexResponseError:
        return ()


def _notifications(payload: object) -> Iterator[Notification]:
    match payload:
        case {"NotificationContainer": {"ActivityNotification": found}}:
            for item in models.iter_objects(found):
                match item:
                    case {"event": str(told), "Activity": Mapping() as row} if (
                        told in ActivityEvent
                    ):
                        # The identity may stand beside the activity only.
                        row = {"uuid": item.get("uuid"), **row}
                        yield ActivityNotification(
                            event=ActivityEvent(told),
                            activity=models.parse_activity(row),
                        )
        case {"NotificationContainer": {"Setting": found}}:
            items = tuple(models.iter_objects(found))
            known = filter(None, map(models.parse_preference, items))
            yield PreferenceNotification(
                ids=frozenset(models.get_name(item, "id") for item in items),
                values={preference.id: preference.value for preference in known},
            )
