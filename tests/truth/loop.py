"""An event loop whose time stands still until it is moved."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from contextvars import Context
from typing import Any, Final, override

from tests.simulator import ManualClock

# Seconds since the epoch are no finer than this: what is due must count as due.
_FINEST: Final = 1e-6


class SimulatedLoop(asyncio.SelectorEventLoop):
    """Real sockets, but no timer comes due by itself and no thread runs beside."""

    _ready: deque[asyncio.Handle]
    _scheduled: list[asyncio.TimerHandle]

    def __init__(self, clock: ManualClock) -> None:
        """Read this clock."""
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
        """Tell whether nobody but the one who asks has anything to do now."""
        return not self._ready

    @property
    def next_timer_at(self) -> float | None:
        """Return when a timer is due next."""
        waiting = (timer.when() for timer in self._scheduled if not timer.cancelled())
        if self._scheduled and not self._scheduled[0].cancelled():
            # It is a heap, and usually long.
            return self._scheduled[0].when()
        return min(waiting, default=None)

    @override
    def run_in_executor(  # type: ignore[override]
        self, executor: object, func: Callable[..., Any], *args: Any
    ) -> asyncio.Future[Any]:
        """Do it at once: a thread would take as long as it likes."""
        future: asyncio.Future[Any] = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as err:  # noqa: BLE001 whoever waits gets it
            future.set_exception(err)
        return future
