"""What the integration costs, measured against a real Home Assistant and real sockets."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
import json
from time import perf_counter, process_time
from typing import Any, Final
from unittest.mock import patch

import aiohttp
from homeassistant.const import EVENT_STATE_CHANGED
from homeassistant.core import Event, HomeAssistant, callback

from custom_components.plex_butler import const
from custom_components.plex_butler.api.log_lines import parse_log_frame
from custom_components.plex_butler.api.notifications import parse_frame
from custom_components.plex_butler.streams.push import FILTERS
from tests.simulator import SimulatedPlex
from tests.truth.home import Home, home_assistant
from tests.truth.score import percentile
from tests.truth.truths import Observed
from tests.truth.world import Traffic

from .house import noted_writes, until


class BareClient:
    """A client that decodes every message and keeps it."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse[bool]) -> None:
        self._socket = socket
        self._arrived: Callable[[], None] | None = None
        self.frames: list[bytes] = []

    def on_frame(self, arrived: Callable[[], None]) -> Callable[[], None]:
        """Call back when a message has been decoded, until that is ended."""
        self._arrived = arrived

        def remove() -> None:
            self._arrived = None

        return remove

    async def listen(self) -> None:
        async for message in self._socket:
            json.loads(message.data)
            self.frames.append(message.data)
            if self._arrived:
                self._arrived()


@asynccontextmanager
async def bare_client(
    plex: SimulatedPlex, *, filters: Iterable[str] = FILTERS
) -> AsyncIterator[BareClient]:
    """Return a client that listens to the same as the integration."""
    url = f"{plex.url}/:/websockets/notifications?filters={','.join(filters)}"
    async with (
        aiohttp.ClientSession(headers={"X-Plex-Token": plex.token}) as session,
        session.ws_connect(url, decode_text=False) as socket,
    ):
        client = BareClient(socket)
        listening = asyncio.create_task(client.listen())
        yield client
        listening.cancel()


@asynccontextmanager
async def at_home(plex: SimulatedPlex) -> AsyncIterator[HomeAssistant]:
    """Return a Home Assistant that listens to the server."""
    now = plex.clock.now
    async with home_assistant() as hass:
        home = Home(hass, plex, now, Observed(start=now(), end=now() + 3600))
        await home.set_up()
        await hass.async_block_till_done()
        yield hass
        await home.unload()
        await hass.async_stop(force=True)


_TASK: Final = "CleanOldBundles"
# Seconds.
_APART: Final = 0.01
# The first samples warm caches up.
_WARMING: Final = 4

type Arrive = Callable[[Callable[[], None]], Callable[[], None]]


@dataclass(frozen=True, kw_only=True)
class Latency:
    """From a frame being sent to a state being written, in seconds."""

    median: float
    p99: float
    # The same, to a bare client having the frame.
    bare_median: float
    bare_p99: float

    @property
    def ratio(self) -> float:
        """Return how many times as long it takes as the bare client needs."""
        return self.median / self.bare_median


async def measure_latency(samples: int) -> Latency:
    """Let a task start and end so often, and time what becomes of it."""
    async with SimulatedPlex() as plex:
        plex.durations[_TASK] = 3600
        async with bare_client(plex) as client:
            bare = await _sample(plex, samples, client.on_frame)
    # Of the news of one moment all but the first wait, which is not to be measured.
    soon = patch.object(const, "PUBLISH_INTERVAL", timedelta(milliseconds=1))
    async with SimulatedPlex() as plex:
        plex.durations[_TASK] = 3600
        with soon:
            async with at_home(plex) as hass:
                shown = await _sample(plex, samples, partial(_on_switch, hass))
    bare_median, bare_p99, middle, p99 = (
        percentile(times, share) or 0.0
        for times in (bare, shown)
        for share in (0.5, 0.99)
    )
    return Latency(median=middle, p99=p99, bare_median=bare_median, bare_p99=bare_p99)


async def _sample(plex: SimulatedPlex, samples: int, arrive: Arrive) -> list[float]:
    """Return how long each of so many frames took to arrive."""
    while not plex.hub.sockets:  # noqa: ASYNC110 it comes from the other end
        await asyncio.sleep(0)
    arrived = asyncio.Event()
    remove = arrive(arrived.set)
    times = []
    for number in range(samples + _WARMING):
        arrived.clear()
        began = perf_counter()
        (plex.client_stop if number % 2 else plex.client_start)(_TASK)
        await arrived.wait()
        times.append(perf_counter() - began)
        # What else a change brings is not to meet the next one.
        await asyncio.sleep(_APART)
    remove()
    return times[_WARMING:]


def _on_switch(hass: HomeAssistant, arrived: Callable[[], None]) -> Callable[[], None]:
    @callback
    def note(event: Event[Any]) -> None:
        if event.data["entity_id"].startswith("switch."):
            arrived()

    return hass.bus.async_listen(EVENT_STATE_CHANGED, note)


@dataclass(frozen=True, kw_only=True)
class Storm:
    """A storm of scan messages: seconds of CPU time of the server and who listens."""

    frames: int
    state_writes: int
    home_assistant: float
    # A client that decodes every message, listening alone.
    decoding_client: float
    # Without any socket: telling the messages apart, and decoding them all.
    filtering: float
    decoding: float


async def measure_storm(count: int) -> Storm:
    """Let a scan send so many messages at once, to one listener and to the other."""
    async with SimulatedPlex() as plex:
        async with bare_client(plex) as client:
            decoding_client = await _storm(plex, count, lambda: len(client.frames))
        await until(lambda: not plex.hub.sockets)
        traffic = Traffic(plex)
        with traffic.counted():
            async with at_home(plex) as hass:
                writes = noted_writes(hass)
                home_assistant = await _storm(plex, count, lambda: traffic.frames_read)
                state_writes = len(writes)
    return Storm(
        frames=len(client.frames),
        state_writes=state_writes,
        home_assistant=home_assistant,
        decoding_client=decoding_client,
        filtering=_cost(parse_frame, client.frames),
        decoding=_cost(json.loads, client.frames),
    )


@dataclass(frozen=True, kw_only=True)
class LogStorm:
    """Lines of a log that are not Butler's: what they cost in seconds of CPU time."""

    frames: int
    state_writes: int
    home_assistant: float
    # Without any socket: looking for lines of Butler's, and decoding all frames.
    filtering: float
    decoding: float
    # Their ratio for frames that could be Butler's: sub-activities of other work
    alike: float


async def measure_log_storm(count: int) -> LogStorm:
    """Let a server write so many lines at once while its log is listened to."""
    async with SimulatedPlex() as plex:
        async with bare_client(plex, filters=("log",)) as client:
            await until(lambda: bool(plex.log_hub.sockets))
            plex.noise.log_flood(count)
            await until(lambda: len(client.frames) >= count)
        await until(lambda: not plex.log_hub.sockets)
        plex.durations["BackupDatabase"] = 3600
        plex.client_start("BackupDatabase")
        async with at_home(plex) as hass:
            await until(lambda: bool(plex.log_hub.sockets))
            # It proves itself, and the polls of the set-up are shown, before the storm.
            await asyncio.sleep(2)
            writes = noted_writes(hass)
            began = process_time()
            plex.noise.log_flood(count)
            await plex.flush()
            await asyncio.sleep(1)
            home_assistant = process_time() - began
            assert plex.log_hub.sockets
            state_writes = len(writes)
    alike = [frame for frame in client.frames if b"sub-activity" in frame]
    frames = [frame for frame in client.frames if b"sub-activity" not in frame]
    return LogStorm(
        frames=len(client.frames),
        state_writes=state_writes,
        home_assistant=home_assistant,
        filtering=_cost(parse_log_frame, frames),
        decoding=_cost(json.loads, frames),
        alike=_cost(parse_log_frame, alike) / _cost(json.loads, alike),
    )


async def _storm(plex: SimulatedPlex, count: int, read: Callable[[], int]) -> float:
    """Return the seconds of CPU time from the first message to the last."""
    await until(lambda: bool(plex.hub.sockets))
    before, began = read(), process_time()
    plex.noise.storm(count)
    await plex.flush()
    await until(lambda: read() - before == count)
    return process_time() - began


def _cost(read: Callable[[bytes], object], frames: list[bytes]) -> float:
    began = process_time()
    for frame in frames:
        read(frame)
    return process_time() - began
