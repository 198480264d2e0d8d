"""What is under way between Home Assistant and the server, so that time can wait."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
import functools
import time
from typing import Any, Final
from unittest.mock import patch

import aiohttp
from yarl import URL

from custom_components.plex_butler.api import NotificationStream, PlexClient, client
from custom_components.plex_butler.api.notifications import open_stream
from tests.simulator import LOG, SimulatedPlex, Socket

from .clocks import wall
from .loop import SimulatedLoop
from .observed import Listened

# Turns of the loop in a row in which nobody had anything to do.
_CALM_TURNS: Final = 3
# While the server keeps requests waiting, it cannot be counted who still has to arrive.
_PARKED_TURNS: Final = 12
# Wall seconds; then something is wrong.
_PATIENCE: Final = 20.0


class RestlessError(Exception):
    """Something is under way that does not arrive."""


class Traffic:
    """Counts requests that wait for answers, and frames that wait to be read."""

    def __init__(self, plex: SimulatedPlex) -> None:
        """Count nothing yet."""
        self._plex = plex
        self._requests = 0
        self._streams: list[NotificationStream] = []
        self.listened: list[Listened] = []

    @contextmanager
    def counted(self) -> Iterator[None]:
        """Count all that the integration asks and hears from now on."""
        with ExitStack() as stack:
            for owner, name in (
                (PlexClient, "_get"),
                (PlexClient, "_command"),
                (aiohttp.ClientSession, "_request"),
            ):
                counting = self._count(getattr(owner, name))
                stack.enter_context(patch.object(owner, name, counting))
            stack.enter_context(patch.object(client, "open_stream", self._open))
            yield

    async def settle(self, loop: SimulatedLoop) -> None:
        """Wait until all that was sent has been dealt with."""
        calm, began, turns = 0, wall(), 0
        while calm < (_PARKED_TURNS if self._plex.parked else _CALM_TURNS):
            await asyncio.sleep(0)
            calm = calm + 1 if loop.idle and self._is_calm else 0
            turns += 1
            if turns % 1000 == 0 or self._plex.parked:
                time.sleep(0.0002)  # noqa: ASYNC251 whoever is awaited is the kernel
            if wall() - began > _PATIENCE:
                raise RestlessError(self.describe())

    def describe(self) -> str:
        """Return what is under way."""
        sent = [socket.sent for socket in self._sockets]
        read = [stream.frames for stream in self._streams]
        return f"{self._requests} requests, {sent} frames sent, {read} read"

    @property
    def frames_read(self) -> int:
        """Return how many frames the open streams have brought."""
        return sum(stream.frames for stream in self._streams)

    @property
    def _sockets(self) -> list[Socket]:
        return [*self._plex.hub.sockets, *self._plex.log_hub.sockets]

    @property
    def _is_calm(self) -> bool:
        sockets = self._sockets
        if self._requests and not self._plex.parked:
            return False
        return len(sockets) == len(self._streams) and sum(
            socket.sent for socket in sockets
        ) == sum(stream.frames for stream in self._streams)

    def _count[**P, R](
        self, method: Callable[P, Awaitable[R]]
    ) -> Callable[P, Awaitable[R]]:
        @functools.wraps(method)
        async def counting(*args: P.args, **kwargs: P.kwargs) -> R:
            self._requests += 1
            try:
                return await method(*args, **kwargs)
            finally:
                self._requests -= 1

        return counting

    @asynccontextmanager
    async def _open(
        self, session: aiohttp.ClientSession, url: URL, *args: Any
    ) -> AsyncIterator[NotificationStream]:
        async with open_stream(session, url, *args) as stream:
            self._streams.append(stream)
            opened, first = self._plex.clock.now(), len(self._plex.intervals)
            try:
                yield stream
            finally:
                self._streams.remove(stream)
                if url.query.get("filters") == LOG and self._plex.log.tells:
                    begun = range(first, len(self._plex.intervals))
                    closed = self._plex.clock.now()
                    self.listened.append(Listened(opened, closed, begun))
