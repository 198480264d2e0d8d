"""Sends commands to Butler, one at a time, and applies them to the run state."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from weakref import WeakSet

from homeassistant.const import EVENT_HOMEASSISTANT_STOP
from homeassistant.core import Event, callback

from .api import PlexError, PlexResponseError, StartResult, StopResult
from .connection import PlexButlerError
from .run_state import Command, Moment, Rules

if TYPE_CHECKING:
    from .coordinator import PlexButlerCoordinator

# The task ran already, or did not run, so the command changed nothing.
_UNCHANGED: Final = {StartResult.ALREADY_RUNNING, StopResult.NOT_RUNNING}

type Answer = StartResult | StopResult | None  # None to a command for all tasks


class NotSentError(PlexButlerError):
    """A command still waited when the entry was unloaded or Home Assistant stopped."""

    def __init__(self) -> None:
        super().__init__("not_sent")


class OvertakenError(PlexButlerError):
    """A start still waited when a stop was asked for."""

    def __init__(self) -> None:
        super().__init__("overtaken")


@dataclass(eq=False, slots=True, weakref_slot=True)
class Order:
    """A command that waits for its turn, is under way or is done."""

    command: Command
    task: str | None  # None for all tasks
    sent: Moment  # When it was sent; until then, when it was asked for
    # Set once the order is the first in the queue, or void.
    turn: asyncio.Event = field(default_factory=asyncio.Event)
    void: type[PlexButlerError] | None = None

    def cancel(self, error: type[PlexButlerError]) -> None:
        """Void the order: it leaves the queue unsent, unless it is under way."""
        self.void = self.void or error
        self.turn.set()


class Commands:
    """Sends commands to one server's Butler; raises translated errors.

    The server gets one command at a time, since its reaction to two is not known.
    A stop of one task voids the starts of it that wait, and a stop of all tasks goes
    before everything that waits. The command that is under way is not cut short.
    """

    def __init__(self, coordinator: PlexButlerCoordinator) -> None:
        self._coordinator = coordinator
        # All orders, including those of actions that are not in the queue yet.
        self._orders: WeakSet[Order] = WeakSet()
        # The command under way, and those that wait behind it.
        self._queue: list[Order] = []
        entry, bus = coordinator.config_entry, coordinator.hass.bus
        entry.async_on_unload(self._async_void_all)
        entry.async_on_unload(
            bus.async_listen(EVENT_HOMEASSISTANT_STOP, self._async_void_all)
        )

    @callback
    def order(self, command: Command, task: str | None = None) -> Order:
        """Return an order to be sent later; a stop voids waiting starts at once."""
        if command is Command.STOP:
            for other in self._orders:
                if other.command is Command.START and task in (None, other.task):
                    other.cancel(OvertakenError)
        order = Order(command, task, sent=self._coordinator.tracker.now())
        self._orders.add(order)
        return order

    async def async_command(self, command: Command, task: str | None = None) -> None:
        """Start or stop a task; without one, start all that are due, or stop all."""
        await self.async_send(self.order(command, task))

    async def async_send(self, order: Order, deadline: float | None = None) -> Answer:
        """Send a command at its turn, and apply it and its answer to the run state.

        Raises TimeoutError if the turn comes after the deadline (of the loop's clock).
        """
        key = order.command, order.task
        tracker = self._coordinator.tracker
        async with self._turn(order, deadline):
            order.sent = tracker.now()
            self._coordinator.log.async_expect_line(*key)
            tracker.async_apply(Rules.command_sent, *key)
            done, changed = False, True
            try:
                answer = await self._async_request(*key)
                done, changed = True, answer not in _UNCHANGED
            except PlexError as err:
                raise PlexButlerError(err.key, error=str(err)) from err
            finally:
                tracker.async_apply(
                    Rules.command_answered, *key, order.sent, done=done, changed=changed
                )
        self._coordinator.async_command_done()
        return answer

    async def _async_request(self, command: Command, task: str | None) -> Answer:
        client, is_start = self._coordinator.client, command is Command.START
        if task is None:
            await (client.start_all_tasks() if is_start else client.stop_all_tasks())
            return None
        if is_start:
            return await client.start_task(task)
        result = await client.stop_task(task)
        if result is StopResult.NOT_RUNNING:
            # A proxy also answers 404 if its server is down; then the list fails.
            tasks = await client.get_butler_tasks()
            if all(it.name != task for it in tasks):
                raise PlexResponseError("The server has no such task", status=404)
        return result

    @asynccontextmanager
    async def _turn(self, order: Order, deadline: float | None) -> AsyncIterator[None]:
        """Wait for the turn of an order, and hold it; raise if the order is void."""
        is_first = order.command is Command.STOP and order.task is None
        self._queue.insert(1 if is_first else len(self._queue), order)
        self._queue[0].turn.set()
        try:
            async with asyncio.timeout_at(deadline):
                await order.turn.wait()
                if order.command is Command.START and not order.void:
                    await self._coordinator.log.async_ensure_open()
            if order.void:
                raise order.void
            # Without a wait, the time-out above does not fire.
            if deadline is not None and self._coordinator.hass.loop.time() >= deadline:
                raise TimeoutError
            yield
        finally:
            self._queue.remove(order)
            if self._queue:
                self._queue[0].turn.set()

    @callback
    def _async_void_all(self, _: Event | None = None) -> None:
        """Void all orders that are not under way."""
        for order in self._orders:
            order.cancel(NotSentError)
