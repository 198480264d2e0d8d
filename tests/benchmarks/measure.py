"""What push costs, measured against a real Home Assistant and real sockets."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from datetime import timedelta
import json
from time import perf_counter, process_time
from types import SimpleNamespace
from typing import Any, Final
from unittest.mock import patch

import aiohttp
from homeassistant.const import EVENT_STATE_CHANGED
from homeassistant.core import callback

from custom_components.plex_butler import const
from custom_components.plex_butler.api.log_lines import parse_log_frame
from custom_components.plex_butler.api.notifications import parse_frame
from custom_components.plex_butler.streams.push import FILTERS
from tests.conftest import noted_writes
from tests.simulator import SimulatedPlex

from .house import at_home, until

_TASK: Final = "CleanOldBundles"
# Seconds.
_APART: Final = 0.01
# The first samples warm caches up.
_WARMING: Final = 4


@asynccontextmanager
async def bare_client(
    plex: SimulatedPlex,
    *,
    filters: Iterable[str] = FILTERS,
    arrived: Callable[[], object] = bool,
) -> AsyncIterator[list[bytes]]:
    """Let a client decode all that the integration hears; return its messages."""
    url = f"{plex.url}/:/websockets/notifications?filters={','.join(filters)}"
    frames: list[bytes] = []
    async with (
        aiohttp.ClientSession(headers={"X-Plex-Token": plex.token}) as session,
        session.ws_connect(url, decode_text=False) as socket,
    ):

        async def listen() -> None:
            async for message in socket:
                json.loads(message.data)
                frames.append(message.data)
                arrived()

        listening = asyncio.create_task(listen())
        yield frames
        listening.cancel()


async def measure_latency(samples: int) -> tuple[list[float], list[float]]:
    """Let a task start and end so often, and time what becomes of it, in seconds.

    Return how long it took until Home Assistant had a new state, and until a bare
    client had the frame.
    """
    arrived = asyncio.Event()
    async with SimulatedPlex() as plex, bare_client(plex, arrived=arrived.set):
        bare = await _sample(plex, samples, arrived)

    @callback
    def note(event: Any) -> None:
        if event.data["entity_id"].startswith("switch."):
            arrived.set()

    # Of the news of one moment all but the first wait, which is not to be measured.
    with patch.object(const, "PUBLISH_INTERVAL", timedelta(milliseconds=1)):
        async with SimulatedPlex() as plex, at_home(plex) as (hass, _):
            hass.bus.async_listen(EVENT_STATE_CHANGED, note)
            return await _sample(plex, samples, arrived), bare


async def _sample(
    plex: SimulatedPlex, samples: int, arrived: asyncio.Event
) -> list[float]:
    """Return how long each of so many frames took to arrive."""
    plex.durations[_TASK] = 3600
    await until(lambda: bool(plex.hub.sockets))
    times = []
    for number in range(samples + _WARMING):
        arrived.clear()
        began = perf_counter()
        (plex.client_stop if number % 2 else plex.client_start)(_TASK)
        await arrived.wait()
        times.append(perf_counter() - began)
        # What else a change brings is not to meet the next one.
        await asyncio.sleep(_APART)
    return times[_WARMING:]


async def measure_storm(count: int) -> SimpleNamespace:
    """Let a scan send so many messages at once."""
    async with SimulatedPlex() as plex:
        async with bare_client(plex) as frames:
            await until(lambda: bool(plex.hub.sockets))
            plex.noise.storm(count)
            await until(lambda: len(frames) >= count)
        await until(lambda: not plex.hub.sockets)
        async with at_home(plex) as (hass, updater):
            await until(lambda: bool(plex.hub.sockets))
            writes, statistics = noted_writes(hass), updater.push.statistics
            before = statistics()["frames"]
            plex.noise.storm(count)
            await plex.flush()
            await until(lambda: statistics()["frames"] - before >= count)
            return _storm(frames, writes, parse_frame)


async def measure_log_storm(count: int) -> SimpleNamespace:
    """Let a server write so many lines at once while its log is listened to."""
    async with SimulatedPlex() as plex:
        async with bare_client(plex, filters=("log",)) as frames:
            await until(lambda: bool(plex.log_hub.sockets))
            plex.noise.log_flood(count)
            await until(lambda: len(frames) >= count)
        await until(lambda: not plex.log_hub.sockets)
        plex.durations["BackupDatabase"] = 3600
        plex.client_start("BackupDatabase")
        async with at_home(plex) as (hass, _):
            await until(lambda: bool(plex.log_hub.sockets))
            # It proves itself, and the polls of the set-up are shown, before the storm.
            await asyncio.sleep(2)
            writes = noted_writes(hass)
            plex.noise.log_flood(count)
            await plex.flush()
            await asyncio.sleep(1)
            assert plex.log_hub.sockets
            return _storm(frames, writes, parse_log_frame)


def _storm(
    frames: list[bytes], writes: list[str], parse: Callable[[bytes], object]
) -> SimpleNamespace:
    """Return the counts, and the CPU time of telling frames apart or decoding them."""
    # Lines that could be Butler's are decoded: sub-activities of other work
    others = [frame for frame in frames if b"sub-activity" not in frame]
    costs = []
    for read in (parse, json.loads):
        began = process_time()
        for frame in others:
            read(frame)
        costs.append(process_time() - began)
    filtering, decoding = costs
    return SimpleNamespace(
        frames=len(frames),
        state_writes=len(writes),
        filtering=filtering,
        decoding=decoding,
    )
