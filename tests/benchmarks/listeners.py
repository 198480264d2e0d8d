"""Who listens to a server: a Home Assistant, and a bare client to compare it with."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
import json

import aiohttp
from homeassistant.core import HomeAssistant

from custom_components.plex_butler.push import FILTERS
from tests.simulator import SimulatedPlex
from tests.truth.home import Home, home_assistant
from tests.truth.observed import Observed


class BareClient:
    """Listens, decodes every message and keeps it."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse[bool]) -> None:
        """Take an open socket."""
        self._socket = socket
        self._arrived: Callable[[], None] = _nothing
        self.frames: list[bytes] = []

    def on_frame(self, arrived: Callable[[], None]) -> Callable[[], None]:
        """Tell somebody when a message has been decoded, until that is ended."""
        self._arrived = arrived

        def remove() -> None:
            self._arrived = _nothing

        return remove

    async def listen(self) -> None:
        """Take what comes."""
        async for message in self._socket:
            json.loads(message.data)
            self.frames.append(message.data)
            self._arrived()


def _nothing() -> None:
    pass


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
