"""A simulated plex.tv: signing in with a PIN, and what an account has."""

from __future__ import annotations

import asyncio
from contextlib import suppress
import ssl
from types import TracebackType
from typing import Any, Self

from aiohttp import web

from . import fault_answers
from .account import Account
from .clock import Clock, WallClock
from .faults import DEFAULT_DELAY, Fault, FaultBook, FaultName
from .listener import Listener
from .plextv_answers import refused
from .requests_log import RecordedRequest, record

# Those of a media server only.
_NO_FAULTS_HERE = {
    FaultName.CUT,
    FaultName.HUGE,
    FaultName.IGNORE,
    FaultName.HALF_OPEN,
    FaultName.DROP_SOCKETS,
    FaultName.RESTART,
}


class SimulatedPlexTv(Account):
    """plex.tv with one account, on a real socket."""

    def __init__(
        self,
        *,
        tls: ssl.SSLContext | None = None,
        clock: Clock | None = None,
        seed: int = 0,
        port: int = 0,
    ) -> None:
        """Describe it; `start` makes it listen."""
        super().__init__(WallClock() if clock is None else clock, seed)
        self.requests: list[RecordedRequest] = []
        self._faults = FaultBook()
        self._stopping = asyncio.Event()
        self._listener = Listener(self._handle, ("127.0.0.1", port), tls)

    async def start(self) -> Self:
        """Listen."""
        await self._listener.open()
        return self

    async def stop(self) -> None:
        """Leave no task and no socket behind."""
        self._stopping.set()
        await self._listener.shutdown()

    async def __aenter__(self) -> Self:
        return await self.start()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()

    @property
    def url(self) -> str:
        """Return the base address."""
        return self._listener.url

    @property
    def port(self) -> int:
        """Return the port."""
        return self._listener.port

    def fault(
        self, name: str, count: int | None = 1, path: str = "/", **fields: Any
    ) -> None:
        """Let something go wrong for the next requests."""
        fault = Fault(name=FaultName(name), count=count, path=path, **fields)
        if fault.name in _NO_FAULTS_HERE:
            raise ValueError(f"plex.tv does not know this fault: {name}")
        self._faults.add(fault)

    def clear_faults(self) -> None:
        """Let nothing go wrong any more."""
        self._faults.clear()

    async def stop_listening(self) -> None:
        """Break all connections and refuse new ones until `listen_again`."""
        self._listener.close()
        self._listener.abort_connections()

    async def listen_again(self) -> None:
        """Accept connections, at the same port."""
        await self._listener.open()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        entry = record(request, self._clock.now())
        self.requests.append(entry)
        response = await self._serve(request)
        if response is None:
            fault_answers.refuse(request)
            return web.Response(status=500)
        entry.status = response.status
        return response

    async def _serve(self, request: web.BaseRequest) -> web.Response | None:
        """Return the answer; None is to hang up."""
        fault = self._faults.take(request.method, request.rel_url.path)
        match fault:
            case None:
                return self.answer(request)
            case Fault(name=FaultName.REFUSE):
                return None
            case Fault(name=FaultName.SLOW):
                await self._wait(DEFAULT_DELAY if fault.delay is None else fault.delay)
                return None if self._stopping.is_set() else self.answer(request)
            case Fault(name=FaultName.GARBAGE):
                return fault_answers.garbage()
            case Fault(name=FaultName.WRONG_SHAPE):
                return fault_answers.wrong_shape()
            case Fault(name=FaultName.REDIRECT):
                return fault_answers.redirect(fault, request.rel_url.raw_path_qs)
        response = refused(request, int(fault.name))
        fault_answers.ask_for_patience(response, fault)
        return response

    async def _wait(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
