"""Sends commands to Butler, one at a time, and applies them to the run state."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Final
from weakref import WeakSet

from homeassistant.const import EVENT_HOMEASSISTANT_STOP
from homeassistant.core import Event, callback
from homeassistant.exceptions import HomeAssistantError

from .api import PlexError, PlexResponseError, StartResult, StopResult
from .connection import translation
from .const import DOMAIN
from .run_state import Command, Moment, Rules

if TYPE_CHECKING:
    from .coordinator import PlexButlerCoordinator

# The task ran already, or did not run, so the command changed nothing.
_UNCHANGED: Final = {StartResult.ALREADY_RUNNING, StopResult.NOT_RUNNING}


class NotSentError(HomeAssistantError):
    """A command still waited when the entry was unloaded or Home Assistant stopped."""

    def __init__(self) -> None:
        super().__init__(translation_domain=DOMAIN, translation_key="not_sent")


class OvertakenError(HomeAssistantError):
    """A start still waited when a stop was asked for."""

    def __init__(self) -> None:
        super().__init__(translation_domain=DOMAIN, translation_key="overtaken")


@dataclass(eq=False, kw_only=True, slots=True, weakref_slot=True)
class Order:
    """A command that waits for its turn, is under way or is done."""

    command: Command
    # None for all tasks.
    task: str | None
    # When the command was sent; until then, when it was asked for.
    sent: Moment
    # Set once the order is the first in line, or void.
    turn: asyncio.Event = field(default_factory=asyncio.Event)
    void: type[NotSentError | OvertakenError] | None = None

    def cancel(self, error: type[NotSentError | OvertakenError]) -> None:
        """Void the order: it leaves the line unsent, unless it is under way."""
        self.void = self.void or error
        self.turn.set()


class Commands:
    """Sends commands to one server's Butler; raises translated errors.

    The server gets one command at a time, since its reaction to two is not known.
    A stop voids the starts of its task that wait, and a stop of all tasks goes before
    everything that waits. The command that is under way is not cut short.
    """

    def __init__(self, coordinator: PlexButlerCoordinator) -> None:
        self._coordinator = coordinator
        self._client = coordinator.client
        # All orders, including those of actions that are not in the line yet.
        self._orders: WeakSet[Order] = WeakSet()
        # The command under way, and those that wait behind it.
        self._line: list[Order] = []
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
        now = self._coordinator.tracker.now()
        order = Order(command=command, task=task, sent=now)
        self._orders.add(order)
        return order

    async def async_start_task(
        self, name: str, order: Order | None = None, deadline: float | None = None
    ) -> StartResult:
        """Start a task; raise TimeoutError if its turn comes after the deadline."""
        order = order or self.order(Command.START, name)
        request_fn = partial(self._client.start_task, name)
        return await self._async_send(order, request_fn, deadline)

    async def async_stop_task(
        self, name: str, order: Order | None = None
    ) -> StopResult:
        """Stop a task; it is no error if the task does not run."""
        order = order or self.order(Command.STOP, name)
        return await self._async_send(order, partial(self._stop_task, name))

    async def async_start_all_tasks(self) -> None:
        """Start all tasks that are due; only the server knows which these are."""
        order = self.order(Command.START)
        await self._async_send(order, self._client.start_all_tasks)

    async def async_stop_all_tasks(self) -> None:
        """Stop all tasks, and take those that are queued off the queue."""
        order = self.order(Command.STOP)
        await self._async_send(order, self._client.stop_all_tasks)

    async def _stop_task(self, name: str) -> StopResult:
        result = await self._client.stop_task(name)
        if result is StopResult.NOT_RUNNING:
            # A proxy without its server answers 404 as well; the list then fails.
            tasks = await self._client.get_butler_tasks()
            if all(task.name != name for task in tasks):
                raise PlexResponseError("The server has no such task", status=404)
        return result

    async def _async_send[ResultT](
        self,
        order: Order,
        request_fn: Callable[[], Awaitable[ResultT]],
        deadline: float | None = None,
    ) -> ResultT:
        """Send a command at its turn, and apply it and its answer to the run state."""
        command, task = order.command, order.task
        tracker = self._coordinator.tracker
        async with self._turn(order, deadline):
            order.sent = tracker.now()
            self._coordinator.log.async_expect_line(command, task)
            tracker.async_apply(Rules.command_sent, command, task)
            done, changed = False, True
            try:
                result = await request_fn()
                done, changed = True, result not in _UNCHANGED
            except PlexError as err:
                raise HomeAssistantError(**translation(err)) from err
            finally:
                tracker.async_apply(
                    Rules.command_answered,
                    command,
                    task,
                    order.sent,
                    done=done,
                    changed=changed,
                )
        self._coordinator.async_command_done()
        return result

    @asynccontextmanager
    async def _turn(self, order: Order, deadline: float | None) -> AsyncIterator[None]:
        """Wait for the turn of an order, and hold it; raise if the order is void."""
        is_first = order.command is Command.STOP and order.task is None
        self._line.insert(1 if is_first else len(self._line), order)
        self._line[0].turn.set()
        try:
            async with asyncio.timeout_at(deadline):
                await order.turn.wait()
                if order.command is Command.START and not order.void:
                    await self._coordinator.log.async_ensure_open()
            if order.void:
                raise order.void
            if deadline is not None and self._coordinator.hass.loop.time() >= deadline:
                raise TimeoutError
            yield
        finally:
            self._line.remove(order)
            if self._line:
                self._line[0].turn.set()

    @callback
    def _async_void_all(self, _: Event | None = None) -> None:
        """Void all orders that are not under way."""
        for order in self._orders:
            order.cancel(NotSentError)
