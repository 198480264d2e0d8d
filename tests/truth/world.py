"""One clock for all in this process, a loop that stands still, and what is under way."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from contextvars import Context
from datetime import UTC, datetime, tzinfo
import functools
import logging
import pkgutil
import sys
import time
from typing import Any, Final, override
from unittest.mock import patch

import aiohttp
from homeassistant.util import dt as dt_util
from yarl import URL

import custom_components.plex_butler
from custom_components.plex_butler.api import NotificationStream, PlexClient, client
from custom_components.plex_butler.api.notifications import open_stream
from tests.simulator import LOG, ManualClock, SimulatedPlex, Socket

from .truths import Listened

# Held here, for the names in `time` are replaced.
_real_time: Final = time.time
_real_monotonic: Final = time.monotonic

_PACKAGES: Final = ("homeassistant", "custom_components.plex_butler")


class _Shown:
    """The clock that is shown; a module may keep our functions for longer than that."""

    clock: ManualClock | None = None


def _time() -> float:
    return _Shown.clock.now() if _Shown.clock else _real_time()


def _monotonic() -> float:
    return _Shown.clock.now() if _Shown.clock else _real_monotonic()


def _utcnow() -> datetime:
    return datetime.fromtimestamp(_time(), UTC)


def _now(time_zone: tzinfo | None = None) -> datetime:
    return _utcnow().astimezone(time_zone or dt_util.get_default_time_zone())


_NAMES: Final[dict[str, Callable[[], Any]]] = {
    "monotonic": _monotonic,
    "utcnow": _utcnow,
    "time_tracker_utcnow": _utcnow,
    "time_tracker_timestamp": _time,
}


@contextmanager
def simulated_time(clock: ManualClock) -> Iterator[None]:
    """Let all code in this process read one clock, which stands until it is moved."""
    package = custom_components.plex_butler
    # What is imported later would keep its own reading of the time.
    for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        __import__(found.name)
    with ExitStack() as stack:
        stack.enter_context(patch.object(_Shown, "clock", clock))
        stack.enter_context(patch("time.time", _time))
        stack.enter_context(patch("time.monotonic", _monotonic))
        stack.enter_context(patch.object(dt_util, "now", _now))
        for module in list(sys.modules.values()):
            if not module.__name__.startswith(_PACKAGES):
                continue
            for name in _NAMES.keys() & vars(module).keys():
                stack.enter_context(patch.object(module, name, _NAMES[name]))
        assert dt_util.utcnow().timestamp() == clock.now()
        yield


# Seconds since the epoch are no finer than this: what is due must count as due.
_FINEST: Final = 1e-6


class SimulatedLoop(asyncio.SelectorEventLoop):
    """Real sockets, but no timer comes due by itself and no thread runs beside."""

    _ready: deque[asyncio.Handle]
    _scheduled: list[asyncio.TimerHandle]

    def __init__(self, clock: ManualClock) -> None:
        self._clock = clock
        super().__init__()
        self._clock_resolution = _FINEST

    @override
    def time(self) -> float:
        return self._clock.now()

    @override
    def call_at[*Ts](
        self,
        when: float,
        callback: Callable[[*Ts], object],
        *args: *Ts,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        """Be late, as every loop is; too early by a rounding would be for ever."""
        return super().call_at(when + 2 * _FINEST, callback, *args, context=context)

    @property
    def idle(self) -> bool:
        """Return True if only the caller has anything to do now."""
        return not self._ready

    @property
    def next_timer_at(self) -> float | None:
        waiting = (timer.when() for timer in self._scheduled if not timer.cancelled())
        if self._scheduled and not self._scheduled[0].cancelled():
            # It is a heap, and usually long.
            return self._scheduled[0].when()
        return min(waiting, default=None)

    @override
    def run_in_executor(  # type: ignore[override]  # generic there
        self, executor: object, func: Callable[..., Any], *args: Any
    ) -> asyncio.Future[Any]:
        """Do it at once: a thread would take as long as it likes."""
        future: asyncio.Future[Any] = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as err:  # noqa: BLE001 the future has it
            future.set_exception(err)
        return future


# The simulator's own, when a client hangs up on it.
_SERVER: Final = "aiohttp.server"
# The one line with which an outage begins.
_OUTAGE: Final = "Error fetching "


@contextmanager
def watched_errors(errors: list[str]) -> Iterator[None]:
    """Write down all errors; asyncio logs exceptions that were not caught as such."""

    def keep(record: logging.LogRecord) -> None:
        line = record.getMessage()
        if record.name != _SERVER and not line.startswith(_OUTAGE):
            trouble = record.exc_info[1] if record.exc_info else None
            errors.append(f"{record.name}: {line} {trouble or ''}".strip())

    root, handler = logging.getLogger(), logging.Handler(logging.ERROR)
    with patch.object(handler, "emit", keep):
        root.addHandler(handler)
        try:
            yield
        finally:
            root.removeHandler(handler)


# Turns of the loop in a row in which there was nothing to do.
_CALM_TURNS: Final = 3
# While the server keeps requests waiting, it cannot be counted who still has to arrive.
_PARKED_TURNS: Final = 12
# Wall seconds; then something is wrong.
_PATIENCE: Final = 20.0


class Traffic:
    """Counts requests that wait for answers, and frames that wait to be read."""

    def __init__(self, plex: SimulatedPlex) -> None:
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
        calm, began, turns = 0, _real_monotonic(), 0
        while calm < (_PARKED_TURNS if self._plex.parked else _CALM_TURNS):
            await asyncio.sleep(0)
            calm = calm + 1 if loop.idle and self._is_calm else 0
            turns += 1
            if turns % 1000 == 0 or self._plex.parked:
                time.sleep(0.0002)  # noqa: ASYNC251 the kernel is waited for
            if _real_monotonic() - began > _PATIENCE:
                sent = [socket.sent for socket in self._sockets]
                counts = f"{sent} frames sent, {self.frames_read} read"
                raise TimeoutError(f"{self._requests} requests, {counts}")

    @property
    def frames_read(self) -> int:
        """Return how many frames the open streams have brought."""
        return sum(stream.frames for stream in self._streams)

    @property
    def _sockets(self) -> list[Socket]:
        return [*self._plex.hub.sockets, *self._plex.log_hub.sockets]

    @property
    def _is_calm(self) -> bool:
        if self._requests and not self._plex.parked:
            return False
        sent = [socket.sent for socket in self._sockets]
        return len(sent) == len(self._streams) and sum(sent) == self.frames_read

    def _count(self, method: Callable[..., Awaitable[Any]]) -> Any:
        @functools.wraps(method)
        async def counting(*args: Any, **kwargs: Any) -> Any:
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
