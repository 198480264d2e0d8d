"""Commands to Butler, one at a time, and what their answers say of its tasks."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Final

from homeassistant.const import EVENT_HOMEASSISTANT_STOP
from homeassistant.core import Event, callback
from homeassistant.exceptions import HomeAssistantError

from .api import PlexError, PlexResponseError, StartResult, StopResult
from .connection import translation
from .const import DOMAIN
from .run_state import Command, Moment, Rules

if TYPE_CHECKING:
    from .coordinator import PlexButlerCoordinator

# The server did nothing, since all was so already.
_UNCHANGED: Final = {StartResult.ALREADY_RUNNING, StopResult.NOT_RUNNING}
_STARTS: Final = {Command.START, Command.START_ALL}


class NotSentError(HomeAssistantError):
    """A command still waited when the entry was unloaded or Home Assistant stopped."""


class OvertakenError(HomeAssistantError):
    """A start still waited when a stop was asked for."""


@dataclass(eq=False, kw_only=True, slots=True)
class Order:
    """A command that was asked for, and its place among all that are."""

    command: Command
    # None: all tasks
    task: str | None
    number: int
    turn: asyncio.Future[None]
    # Until it is sent, when it was asked for.
    sent: Moment


class Commands:
    """What people and automations can ask of one server's Butler.

    The server gets one command at a time: what it makes of two at once is not known.
    A stop voids the starts of its task that wait, and a stop of all tasks goes before
    everything that waits. The command that is under way is not cut short.

    Every method raises a translated HomeAssistantError if the server does not do it.
    """

    def __init__(self, coordinator: PlexButlerCoordinator) -> None:
        """Let nothing wait any longer than the entry is loaded."""
        self._coordinator = coordinator
        self._loop = coordinator.hass.loop
        self._client = coordinator.client
        self._numbers = count(1)
        # The command under way, and those that wait behind it.
        self._line: list[Order] = []
        # The newest stop of each task (None: of all).
        self._stops: dict[str | None, int] = {}
        self._void_before = 0
        entry, bus = coordinator.config_entry, coordinator.hass.bus
        entry.async_on_unload(self._async_void)
        entry.async_on_unload(
            bus.async_listen(EVENT_HOMEASSISTANT_STOP, self._async_void)
        )

    @callback
    def order(self, command: Command, task: str | None = None) -> Order:
        """Return an order to be sent later; a stop has its effect on starts at once."""
        order = Order(
            command=command,
            task=task,
            number=next(self._numbers),
            turn=self._loop.create_future(),
            sent=self._coordinator.tracker.now(),
        )
        if command not in _STARTS:
            self._stops[task] = order.number
            self._async_call()
        return order

    async def async_start_task(
        self, name: str, order: Order | None = None, deadline: float | None = None
    ) -> StartResult:
        """Have a task started; that it runs already is no error.

        Raises TimeoutError if its turn has not come at the deadline, on the loop's clock.
        """
        order = order or self.order(Command.START, name)
        request_fn = partial(self._client.start_task, name)
        return await self._async_send(order, request_fn, deadline)

    async def async_stop_task(
        self, name: str, order: Order | None = None
    ) -> StopResult:
        """Have a task stopped; that it does not run is no error."""
        order = order or self.order(Command.STOP, name)
        return await self._async_send(order, partial(self._stop_task, name))

    async def async_start_all_tasks(self) -> None:
        """Have all tasks started that are due; which those are, only the server knows."""
        order = self.order(Command.START_ALL)
        await self._async_send(order, self._client.start_all_tasks)

    async def async_stop_all_tasks(self) -> None:
        """Have all tasks stopped, and taken off the queue."""
        order = self.order(Command.STOP_ALL)
        await self._async_send(order, self._client.stop_all_tasks)

    async def _stop_task(self, name: str) -> StopResult:
        """Stop a task; believe that it does not run only if there is such a task.

        A proxy that misses its server answers 404 as well.
        """
        result = await self._client.stop_task(name)
        if result is StopResult.NOT_RUNNING:
            tasks = await self._client.get_butler_tasks()
            if all(task.name != name for task in tasks):
                raise PlexResponseError("The server has no such task", status=404)
        return result

    async def _async_send[ResultT: StartResult | StopResult | None](
        self,
        order: Order,
        request_fn: Callable[[], Awaitable[ResultT]],
        deadline: float | None = None,
    ) -> ResultT:
        """Send a command when its turn comes; what is seen then may be its doing."""
        command, task = order.command, order.task
        tracker = self._coordinator.tracker
        async with self._turn(order, deadline):
            order.sent = tracker.now()
            self._coordinator.log.async_sent(command, task)
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
        """Hold the server for one command; raise if it is not to be sent any more."""
        is_first = order.command is Command.STOP_ALL
        self._line.insert(1 if is_first else len(self._line), order)
        self._async_call()
        try:
            async with asyncio.timeout_at(deadline):
                await order.turn
                if order.command in _STARTS and not self._error_of(order):
                    await self._coordinator.log.async_opened()
            if err := self._error_of(order):
                raise err
            if deadline is not None and self._loop.time() >= deadline:
                raise TimeoutError
            yield
        finally:
            self._line.remove(order)
            self._async_call()

    @callback
    def _async_call(self) -> None:
        """Let the first in line go on, and those that wait for nothing."""
        for order in self._line:
            is_called = order is self._line[0] or self._error_of(order)
            if is_called and not order.turn.done():
                order.turn.set_result(None)

    def _error_of(self, order: Order) -> HomeAssistantError | None:
        """Return why an order is void, if it is."""
        if order.number < self._void_before:
            return NotSentError(translation_domain=DOMAIN, translation_key="not_sent")
        newest_stop = max(self._stops.get(order.task, 0), self._stops.get(None, 0))
        if order.command in _STARTS and order.number < newest_stop:
            return OvertakenError(
                translation_domain=DOMAIN, translation_key="overtaken"
            )
        return None

    @callback
    def _async_void(self, _: Event | None = None) -> None:
        """Send nothing of what was asked for so far."""
        self._void_before = next(self._numbers)
        self._async_call()
