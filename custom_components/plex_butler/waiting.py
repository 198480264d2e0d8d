"""Waits for what becomes of a task, for as long as that can be known."""

import asyncio
from collections.abc import Callable
from contextlib import ExitStack
from datetime import timedelta
from typing import Any, Final

from homeassistant.const import EVENT_HOMEASSISTANT_STOP
from homeassistant.core import CALLBACK_TYPE, callback
from homeassistant.helpers.event import async_call_later

from .const import IDLE_INTERVAL
from .coordinator import PlexButlerCoordinator
from .run_state import RunState

# A backup of a large library makes a server answer nobody for five minutes; that it
# answers again is known after one more poll, and a time-out of the one before.
OUTAGE: Final = timedelta(minutes=5, seconds=16) + IDLE_INTERVAL


class Wait[FoundT]:
    """One wait for something to be known of a server.

    It gives up after an outage, when the entry is unloaded or when Home Assistant stops.
    """

    def __init__(
        self,
        coordinator: PlexButlerCoordinator,
        look_fn: Callable[[RunState], FoundT | None],
    ) -> None:
        """Take what is looked for whenever something may have changed."""
        self._coordinator = coordinator
        self._look_fn = look_fn
        self._future: asyncio.Future[FoundT | None] = (
            coordinator.hass.loop.create_future()
        )
        self._unsub_outage: CALLBACK_TYPE | None = None

    async def async_found(self, deadline: float) -> FoundT | None:
        """Return what was found, or None if it will not be known.

        Raises TimeoutError when the loop's clock comes to the deadline.
        """
        coordinator, hass = self._coordinator, self._coordinator.hass
        with ExitStack() as stack:
            stack.callback(coordinator.tracker.async_add_listener(self._async_look))
            stack.callback(coordinator.async_add_listener(self._async_polled))
            stack.callback(
                hass.bus.async_listen(EVENT_HOMEASSISTANT_STOP, self._async_give_up)
            )
            stack.callback(self._async_end_outage)
            self._async_look()
            self._async_polled()
            async with asyncio.timeout_at(deadline):
                return await self._future

    @callback
    def _async_look(self) -> None:
        tracker = self._coordinator.tracker
        if tracker.closed:
            self._async_give_up()
        elif (found := self._look_fn(tracker.state)) is not None:
            self._async_resolve(found)

    @callback
    def _async_polled(self) -> None:
        if self._coordinator.last_update_success:
            self._async_end_outage()
        else:
            self._unsub_outage = self._unsub_outage or async_call_later(
                self._coordinator.hass, OUTAGE, self._async_give_up
            )

    @callback
    def _async_end_outage(self) -> None:
        if self._unsub_outage:
            self._unsub_outage()
            self._unsub_outage = None

    @callback
    def _async_give_up(self, _: Any = None) -> None:
        self._async_resolve(None)

    @callback
    def _async_resolve(self, found: FoundT | None) -> None:
        if not self._future.done():
            self._future.set_result(found)
