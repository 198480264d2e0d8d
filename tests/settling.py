"""How a test waits for what is under way."""

import asyncio
from collections.abc import Callable
from typing import Any

from homeassistant.core import HomeAssistant

from tests.simulator import SimulatedPlex

# What is sent on this machine is there in the next turn of the loop, and its answer a
# few later.
SETTLING_TURNS = 10


def is_stream(task: asyncio.Future[Any]) -> bool:
    """Tell the tasks that wait for a server or a person from those that end."""
    return isinstance(task, asyncio.Task) and task.get_name().endswith(
        (" notifications", " log", " sign-in")
    )


async def until(condition: Callable[[], bool]) -> None:
    """Wait for what is about to happen."""
    while not condition():  # noqa: ASYNC110 no event tells of what others do
        await asyncio.sleep(0)


async def settle(hass: HomeAssistant, plex: SimulatedPlex | None = None) -> None:
    """Wait until everything has been answered, but for the stream, which never ends.

    A server that hangs answers nothing.
    """

    def is_busy() -> bool:
        return not (plex and plex.parked) and not all(
            map(is_stream, hass._background_tasks)
        )

    for _ in range(SETTLING_TURNS):
        await asyncio.sleep(0)
        # What the public method would wait for, the stream among it.
        while is_busy():  # noqa: ASYNC110 no event tells of it
            await asyncio.sleep(0)
        await hass.async_block_till_done()
