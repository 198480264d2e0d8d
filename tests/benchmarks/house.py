"""A real Home Assistant with entries for simulated servers."""

import asyncio
from asyncio import events
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from time import perf_counter, thread_time
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from homeassistant.core import HomeAssistant

from tests.conftest import add_entry
from tests.truth.home import home_assistant


@asynccontextmanager
async def house() -> AsyncIterator[HomeAssistant]:
    """Return a Home Assistant; what is set up in it is unloaded at its end."""
    async with home_assistant() as hass:
        yield hass
        for entry in hass.config_entries.async_entries():
            await hass.config_entries.async_unload(entry.entry_id)
        await hass.async_stop(force=True)


async def set_up(hass: HomeAssistant, plex: Any) -> Any:
    """Add a server, and return its coordinator once all is done."""
    entry = add_entry(hass, plex)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    return entry.runtime_data


@asynccontextmanager
async def at_home(plex: Any) -> AsyncIterator[tuple[HomeAssistant, Any]]:
    """Return a Home Assistant in which a server is set up, and its coordinator."""
    async with house() as hass:
        yield hass, await set_up(hass, plex)


async def until(done: Callable[[], bool], pause: float = 0) -> None:
    """Wait for what comes from the other end of a socket."""
    while not done():  # noqa: ASYNC110 the other end has no event to wait for
        await asyncio.sleep(pause)


@contextmanager
def held() -> Iterator[SimpleNamespace]:
    """Return the longest time that one callback holds the loop, in seconds, to be filled."""
    hold, run = SimpleNamespace(wall=0.0, cpu=0.0), events.Handle._run

    def timed(handle: asyncio.Handle) -> None:
        wall, cpu = perf_counter(), thread_time()
        run(handle)
        hold.cpu = max(hold.cpu, thread_time() - cpu)
        hold.wall = max(hold.wall, perf_counter() - wall)

    with patch.object(events.Handle, "_run", timed):
        yield hold
