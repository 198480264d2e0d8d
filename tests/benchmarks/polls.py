"""What a poll costs: ours beside other clients', and a refresh with all entities."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from random import Random
from statistics import median
from time import process_time
from types import SimpleNamespace
from typing import Any, Final
from unittest.mock import Mock

import aiohttp
import orjson
from plex_api_client import PlexAPI
from plexapi.server import PlexServer

from custom_components.plex_butler import coordinator
from custom_components.plex_butler.api import PlexClient
from tests.conftest import noted_writes

from .house import at_home, until
from .server import servers

type Poll = Callable[[], Awaitable[Any]]

OURS: Final = "ours"
FLOOR: Final = "aiohttp + orjson"
_WARMING: Final = 5
_IN_A_ROW: Final = 4


@asynccontextmanager
async def _clients(server: Any) -> AsyncIterator[dict[str, Poll]]:
    """Return what each client does to list tasks and activities."""
    url, token = server.url, server.token
    headers = {"Accept": "application/json", "X-Plex-Token": token}
    async with (
        aiohttp.ClientSession() as session,
        aiohttp.ClientSession(headers=headers) as bare,
        PlexAPI(token=token, server_url=url) as api,
    ):
        plex = PlexServer(url, token)  # type: ignore[no-untyped-call]  # has no types
        client = PlexClient(
            session,
            url,
            token,
            client_identifier="benchmark",
            machine_identifier=server.machine_identifier,
        )

        async def ours() -> None:
            await client.get_butler_tasks()
            await client.get_activities()

        async def floor() -> None:
            for path in ("/butler", "/activities"):
                async with bare.get(f"{url}{path}") as response:
                    orjson.loads(await response.read())

        async def plexapi() -> None:
            plex.butlerTasks()  # type: ignore[no-untyped-call]  # has no types
            _ = plex.activities

        async def plex_api_client() -> None:
            await api.butler.get_tasks_async()
            await api.activities.list_activities_async()

        yield {
            OURS: ours,
            FLOOR: floor,
            "plexapi": plexapi,
            "plex-api-client": plex_api_client,
        }


async def measure_polls(count: int, change: str | None = None) -> dict[str, float]:
    """Return the median CPU time of the polls of each client, in turns.

    `change` is what the server does between two polls, if anything.
    """
    with servers() as plex:
        async with _clients(plex.all[0]) as polls:
            order, rng = list(polls), Random("turns")
            taken: dict[str, list[float]] = {name: [] for name in polls}
            for number in range(count):
                rng.shuffle(order)
                for name in order:
                    # What another client left in the processor's caches is not ours.
                    for turn in range(_IN_A_ROW):
                        if change:
                            plex.do(change, number * _IN_A_ROW + turn)
                        began = process_time()
                        await polls[name]()
                        taken[name].append(process_time() - began)
    return {name: median(times) for name, times in taken.items()}


async def measure_refresh(count: int) -> SimpleNamespace:
    """Return what refreshes cost that bring nothing new, with all entities there.

    These are the seconds of CPU time for one, and counts of all.
    """
    with servers() as plex:
        server = plex.all[0]
        async with at_home(server) as (hass, updater), _clients(server) as polls:
            await until(lambda: bool(plex.do("listeners")[0]), 0.01)
            # After that, the first poll that follows the stream comes.
            await asyncio.sleep(1.5)
            writes, updated = noted_writes(hass), Mock()
            updater.async_add_listener(updated)
            ours: list[float] = []
            floor: list[float] = []
            for number in range(count + _WARMING):
                for _ in range(_IN_A_ROW if number else _WARMING):
                    updater.async_invalidate(coordinator.TASKS)
                    began = process_time()
                    await updater.async_refresh()
                    await asyncio.sleep(0)
                    ours.append(process_time() - began)
                for _ in range(_IN_A_ROW):
                    began = process_time()
                    await polls[FLOOR]()
                    floor.append(process_time() - began)
            return SimpleNamespace(
                ours=median(ours),
                floor=median(floor),
                refreshes=len(ours),
                writes=len(writes),
                rounds=updated.call_count,
                entities=len(hass.states.async_all()),
            )
