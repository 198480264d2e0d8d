"""From a frame being sent to a state being written, over a real socket.

A bare client of the same server is measured in the same run, for only the ratio says
something on another machine.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from time import perf_counter
from typing import Any, Final
from unittest.mock import patch

from homeassistant.const import EVENT_STATE_CHANGED
from homeassistant.core import Event, HomeAssistant, callback

from custom_components.plex_butler import coordinator
from tests.simulator import SimulatedPlex
from tests.truth.lags import percentile

from .listeners import at_home, bare_client

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
    soon = patch.object(coordinator, "PUBLISH_INTERVAL", timedelta(milliseconds=1))
    async with SimulatedPlex() as plex:
        plex.durations[_TASK] = 3600
        with soon:
            async with at_home(plex) as hass:
                shown = await _sample(plex, samples, partial(_on_switch, hass))
    return Latency(
        median=_share(shown, 0.5),
        p99=_share(shown, 0.99),
        bare_median=_share(bare, 0.5),
        bare_p99=_share(bare, 0.99),
    )


def _share(times: list[float], share: float) -> float:
    return percentile(times, share) or 0.0


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
        _change(plex, start=number % 2 == 0)
        await arrived.wait()
        times.append(perf_counter() - began)
        # What else a change brings is not to meet the next one.
        await asyncio.sleep(_APART)
    remove()
    return times[_WARMING:]


def _change(plex: SimulatedPlex, *, start: bool) -> None:
    if start:
        plex.client_start(_TASK)
    else:
        plex.client_stop(_TASK)


def _on_switch(hass: HomeAssistant, arrived: Callable[[], None]) -> Callable[[], None]:
    @callback
    def note(event: Event[Any]) -> None:
        if event.data["entity_id"].startswith("switch."):
            arrived()

    return hass.bus.async_listen(EVENT_STATE_CHANGED, note)
