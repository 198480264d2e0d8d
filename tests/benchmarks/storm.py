"""What a storm of scan messages costs, side by side with decoding all of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
import json
from time import process_time
from typing import Any

from homeassistant.const import EVENT_STATE_CHANGED, EVENT_STATE_REPORTED
from homeassistant.core import Event, HomeAssistant, callback

from custom_components.plex_butler.api.log_lines import parse_log_frame
from custom_components.plex_butler.api.notifications import parse_frame
from tests.simulator import SimulatedPlex
from tests.truth.traffic import Traffic

from .listeners import at_home, bare_client


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
        await _until(lambda: not plex.hub.sockets)
        traffic = Traffic(plex)
        with traffic.counted():
            async with at_home(plex) as hass:
                writes = _noted_writes(hass)
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
            await _until(lambda: bool(plex.log_hub.sockets))
            plex.noise.log_flood(count)
            await _until(lambda: len(client.frames) >= count)
        await _until(lambda: not plex.log_hub.sockets)
        plex.durations["BackupDatabase"] = 3600
        plex.client_start("BackupDatabase")
        async with at_home(plex) as hass:
            await _until(lambda: bool(plex.log_hub.sockets))
            # It proves itself, and the polls of the set-up are shown, before the storm.
            await asyncio.sleep(2)
            writes = _noted_writes(hass)
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
    await _until(lambda: bool(plex.hub.sockets))
    before, began = read(), process_time()
    plex.noise.storm(count)
    await plex.flush()
    await _until(lambda: read() - before == count)
    return process_time() - began


async def _until(done: Callable[[], bool]) -> None:
    # What is waited for comes from the other end of a socket.
    while not done():  # noqa: ASYNC110 it comes from the other end
        await asyncio.sleep(0)


def _noted_writes(hass: HomeAssistant) -> list[str]:
    writes: list[str] = []

    @callback
    def always(data: Mapping[str, Any]) -> bool:
        return True

    @callback
    def note(event: Event[Any]) -> None:
        writes.append(event.data["entity_id"])

    # The same state written again is an event of its own.
    hass.bus.async_listen(EVENT_STATE_CHANGED, note)
    hass.bus.async_listen(EVENT_STATE_REPORTED, note, event_filter=always)
    return writes


def _cost(read: Callable[[bytes], object], frames: list[bytes]) -> float:
    began = process_time()
    for frame in frames:
        read(frame)
    return process_time() - began
