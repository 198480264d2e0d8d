"""Set-up, bursts of frames, and many servers in one Home Assistant."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
import gc
from pathlib import Path
import resource
from statistics import median
from time import perf_counter, process_time
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock, patch

import aiohttp

from tests.conftest import add_entry, noted_writes
from tests.simulator import SimulatedPlex

from .house import at_home, held, house, set_up, until
from .server import PROFILE, servers


async def measure_set_up(round_trip: float) -> tuple[int, int, float]:
    """Set an entry up with a server that needs so many seconds for each answer.

    Return how many exchanges waited for each other, how many there were in all, and
    the seconds until the entities were there.
    """
    async with SimulatedPlex(PROFILE) as plex, house() as hass:
        entry = add_entry(hass, plex)
        if round_trip:
            plex.fault("slow", count=None, delay=round_trip)
        with _exchanges() as spans:
            began = perf_counter()
            assert await hass.config_entries.async_setup(entry.entry_id)
            wall = perf_counter() - began
            # The stream is opened once the entities are there.
            before = spans.copy()
        assert hass.states.async_entity_ids("switch")
    return _depth(before), len(before), wall


@contextmanager
def _exchanges() -> Iterator[list[tuple[float, float]]]:
    """Note when each request was sent, and when its answer began."""
    spans: list[tuple[float, float]] = []
    ask = aiohttp.ClientSession._request

    async def asking(*args: Any, **kwargs: Any) -> Any:
        began = perf_counter()
        try:
            return await ask(*args, **kwargs)
        finally:
            spans.append((began, perf_counter()))

    with patch.object(aiohttp.ClientSession, "_request", asking):
        yield spans


def _depth(spans: list[tuple[float, float]]) -> int:
    """Return how many of these, in the order of their ends, can have waited at most."""
    depth, free_at = 0, float("-inf")
    for began, ended in spans:
        if began >= free_at:
            depth, free_at = depth + 1, ended
    return depth


async def measure_burst(method: str, *arguments: Any) -> SimpleNamespace:
    """Let a server send frames at once, those of a night or distinct ones.

    Return what they bring about.
    """
    with servers(at_night=True) as plex:
        async with at_home(plex.all[0]) as (hass, updater):
            # In the window the log is open as well.
            await until(lambda: all(plex.do("listeners")), 0.01)
            # What the first polls after the streams ask for is not the burst's.
            await _quiet(lambda: plex.do("asked"), 2.0)

            updated, statistics = Mock(), updater.push.statistics
            updater.async_add_listener(updated)
            writes, asked = noted_writes(hass), plex.do("asked")
            before = statistics()["frames"]
            gc.collect()
            gc.freeze()
            with held() as hold:
                plex.do(method, *arguments)
                # The looks that come every five seconds in the window are not the burst's.
                await _quiet(lambda: statistics()["frames"], 0.7)
                burst = SimpleNamespace(
                    frames=statistics()["frames"] - before,
                    rounds=updated.call_count,
                    writes=len(writes),
                    requests=plex.do("asked") - asked,
                    hold=hold,
                )
            gc.unfreeze()
            return burst


async def _quiet(count: Callable[[], int], seconds: float) -> None:
    """Wait until a count has stood still for so long."""
    before = -1
    while (now := count()) != before:
        before = now
        await asyncio.sleep(seconds)


def tenths(figures: list[float]) -> tuple[float, float]:
    """Return the medians of the first and of the last tenth."""
    tenth = len(figures) // 10
    return median(figures[:tenth]), median(figures[-tenth:])


def _resident() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


async def measure_scale(count: int, polls: int = 5) -> SimpleNamespace:
    """Set so many servers up one after the other, and let each be polled.

    Return what each costs, in the order in which they were set up.
    """
    scale = SimpleNamespace(set_up=[], memory=[], refresh=[])
    with servers(count) as plex:
        async with house() as hass:
            updaters = []
            for server in plex.all:
                memory, began = _resident(), process_time()
                updaters.append(await set_up(hass, server))
                scale.set_up.append(process_time() - began)
                scale.memory.append(_resident() - memory)
            for updater in updaters:
                taken = []
                for _ in range(polls):
                    began = process_time()
                    await updater.async_refresh()
                    taken.append(process_time() - began)
                scale.refresh.append(median(taken))
    return scale
