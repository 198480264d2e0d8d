"""Set-up, bursts of frames, and many servers in one Home Assistant."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
import gc
from pathlib import Path
import resource
from statistics import mean, median
from time import perf_counter, process_time
from typing import Any
from unittest.mock import patch

import aiohttp

from tests.simulator import SimulatedPlex
from tests.truth.home import home_assistant

from .house import Hold, entry_of, held, house, noted_writes, until
from .server import PROFILE, servers


@dataclass(frozen=True, kw_only=True)
class SetUp:
    """How an entry came to its entities; seconds of wall time."""

    # Exchanges that waited for each other, all requests, and the time
    depth: int
    requests: int
    wall: float


async def measure_set_up(round_trip: float) -> SetUp:
    """Set an entry up with a server that needs so many seconds for each answer."""
    async with SimulatedPlex(PROFILE) as plex, home_assistant() as hass:
        if round_trip:
            plex.fault("slow", count=None, delay=round_trip)
        server = {"name": plex.name, "machine": plex.machine_identifier}
        entry = entry_of(hass, server | {"url": plex.url, "token": plex.token})
        with _exchanges() as spans:
            began = perf_counter()
            assert await hass.config_entries.async_setup(entry.entry_id)
            wall = perf_counter() - began
            # The stream is opened once the entities are there.
            before = [it for it in spans if it.ended]
        assert hass.states.async_entity_ids("switch")
        await hass.config_entries.async_unload(entry.entry_id)
        await hass.async_stop(force=True)
    return SetUp(depth=_depth(before), requests=len(before), wall=wall)


@dataclass(kw_only=True)
class _Exchange:
    began: float
    ended: float = 0.0


@contextmanager
def _exchanges() -> Iterator[list[_Exchange]]:
    """Note when each request is sent, and when its answer begins."""
    spans: list[_Exchange] = []
    ask = aiohttp.ClientSession._request

    async def asking(*args: Any, **kwargs: Any) -> Any:
        spans.append(span := _Exchange(began=perf_counter()))
        try:
            return await ask(*args, **kwargs)
        finally:
            span.ended = perf_counter()

    with patch.object(aiohttp.ClientSession, "_request", asking):
        yield spans


def _depth(spans: list[_Exchange]) -> int:
    """Return how many of these can have waited for each other at most."""
    depth, free_at = 0, float("-inf")
    for span in sorted(spans, key=lambda it: it.ended):
        if span.began >= free_at:
            depth, free_at = depth + 1, span.ended
    return depth


@dataclass(frozen=True, kw_only=True)
class Burst:
    """What many frames at once bring about."""

    frames: int
    rounds: int
    writes: int
    requests: int
    hold: Hold


async def measure_burst(method: str, *arguments: Any) -> Burst:
    """Let a server send frames at once: those of a night, or distinct ones."""
    with servers(at_night=True) as plex:
        async with house(plex) as (hass, (entry,)):
            updater = entry.runtime_data
            # In the window the log is open as well.
            await until(lambda: all(plex.do("listeners")), 0.01)
            # What the first polls after the streams ask for is not the burst's.
            await _quiet(lambda: plex.do("asked"), 2.0)
            rounds = [0]

            def updated() -> None:
                rounds[0] += 1

            updater.async_add_listener(updated)
            writes, asked = noted_writes(hass), plex.do("asked")
            before = updater.push.statistics()["frames"]
            gc.collect()
            gc.freeze()
            with held() as hold:
                plex.do(method, *arguments)
                # The looks that come every five seconds in the window are not the burst's.
                await _quiet(lambda: updater.push.statistics()["frames"], 0.7)
                frames = updater.push.statistics()["frames"] - before
                requests = plex.do("asked") - asked
            gc.unfreeze()
            return Burst(
                frames=frames,
                rounds=rounds[0],
                writes=len(writes),
                requests=requests,
                hold=hold,
            )


async def _quiet(count: Callable[[], int], seconds: float) -> None:
    """Wait until a count has stood still for so long."""
    before = -1
    while (now := count()) != before:
        before = now
        await asyncio.sleep(seconds)


@dataclass(kw_only=True)
class Scale:
    """What each of many servers costs, in the order in which they were set up."""

    set_up: list[float] = field(default_factory=list)
    memory: list[int] = field(default_factory=list)
    refresh: list[float] = field(default_factory=list)

    @staticmethod
    def tenths(figures: list[float]) -> tuple[float, float]:
        """Return the medians of the first and of the last tenth."""
        tenth = max(1, len(figures) // 10)
        return median(figures[:tenth]), median(figures[-tenth:])

    @property
    def memory_per_server(self) -> float:
        """Return the bytes that the process grew by, the first tenth left out."""
        return mean(self.memory[len(self.memory) // 10 :])


def _resident() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


async def measure_scale(count: int, polls: int = 5) -> Scale:
    """Set so many servers up one after the other, and let each be polled."""
    scale = Scale()
    with servers(count) as plex:
        async with home_assistant() as hass:
            entries = []
            for server in plex.all:
                entry = entry_of(hass, server)
                memory, began = _resident(), process_time()
                assert await hass.config_entries.async_setup(entry.entry_id)
                await hass.async_block_till_done()
                scale.set_up.append(process_time() - began)
                scale.memory.append(_resident() - memory)
                entries.append(entry)
            for entry in entries:
                scale.refresh.append(await _polled(entry, polls))
            for entry in entries:
                await hass.config_entries.async_unload(entry.entry_id)
            await hass.async_stop(force=True)
    return scale


async def _polled(entry: Any, polls: int) -> float:
    taken = []
    for _ in range(polls):
        began = process_time()
        await entry.runtime_data.async_refresh()
        taken.append(process_time() - began)
    return median(taken)
