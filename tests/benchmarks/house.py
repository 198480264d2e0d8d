"""A real Home Assistant with entries for servers of another process."""

import asyncio
from asyncio import events
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from time import perf_counter, thread_time
from typing import Any
from unittest.mock import patch

from homeassistant.const import (
    CONF_TOKEN,
    CONF_URL,
    CONF_VERIFY_SSL,
    EVENT_STATE_CHANGED,
    EVENT_STATE_REPORTED,
)
from homeassistant.core import Event, HomeAssistant, callback
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.plex_butler.const import DOMAIN
from tests.truth.home import home_assistant

from .server import Servers


def entry_of(hass: HomeAssistant, server: Mapping[str, Any]) -> MockConfigEntry:
    """Return an entry for a server, not set up yet."""
    entry = MockConfigEntry(
        domain=DOMAIN,
        title=server["name"],
        unique_id=server["machine"],
        data={
            CONF_URL: server["url"],
            CONF_TOKEN: server["token"],
            CONF_VERIFY_SSL: True,
        },
    )
    entry.add_to_hass(hass)
    return entry


@asynccontextmanager
async def house(
    servers: Servers,
) -> AsyncIterator[tuple[HomeAssistant, list[MockConfigEntry]]]:
    """Return a Home Assistant in which all of the servers are set up."""
    async with home_assistant() as hass:
        entries = [entry_of(hass, server) for server in servers.all]
        for entry in entries:
            assert await hass.config_entries.async_setup(entry.entry_id)
        await hass.async_block_till_done()
        yield hass, entries
        for entry in entries:
            await hass.config_entries.async_unload(entry.entry_id)
        await hass.async_stop(force=True)


async def until(done: Callable[[], bool], pause: float = 0) -> None:
    """Wait for what comes from the other end of a socket."""
    while not done():  # noqa: ASYNC110 the other end has no event to wait for
        await asyncio.sleep(pause)


def noted_writes(hass: HomeAssistant) -> list[str]:
    """Return a list of the entities whose states are written from now on."""
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


class Hold:
    """The longest time that one callback has held the event loop, in seconds."""

    def __init__(self) -> None:
        self.wall = 0.0
        self.cpu = 0.0


@contextmanager
def held() -> Iterator[Hold]:
    """Watch each callback of the event loop."""
    hold, run = Hold(), events.Handle._run

    def timed(handle: asyncio.Handle) -> None:
        wall, cpu = perf_counter(), thread_time()
        run(handle)
        hold.cpu = max(hold.cpu, thread_time() - cpu)
        hold.wall = max(hold.wall, perf_counter() - wall)

    with patch.object(events.Handle, "_run", timed):
        yield hold
