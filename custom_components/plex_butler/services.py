"""The actions, for automations that speak to a server and not to a switch."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from datetime import time, timedelta
from itertools import zip_longest
from typing import Final

from homeassistant.const import ATTR_CONFIG_ENTRY_ID, ATTR_ENTITY_ID
from homeassistant.core import (
    HomeAssistant,
    ServiceCall,
    ServiceResponse,
    SupportsResponse,
    callback,
)
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers import (
    config_validation as cv,
    entity_registry as er,
    service,
)
import voluptuous as vol

from .api import ButlerTask
from .commands import Order
from .const import ATTR_TASK, DOMAIN
from .coordinator import PlexButlerConfigEntry, PlexButlerCoordinator
from .dynamic_entities import task_of_unique_id
from .run_state import IDLE, Command
from .schedule import END_HOUR, START_HOUR
from .task_actions import (
    TaskActionResult,
    async_start,
    async_stop,
    describe,
    describe_outcome,
)
from .tasks import find_tasks

ATTR_END: Final = "end"
ATTR_START: Final = "start"
ATTR_TIMEOUT: Final = "timeout"
ATTR_WAIT: Final = "wait"

SERVICE_GET_BUTLER_TASKS: Final = "get_butler_tasks"
SERVICE_SET_MAINTENANCE_WINDOW: Final = "set_maintenance_window"
SERVICE_START_ALL_TASKS: Final = "start_all_tasks"
SERVICE_START_TASK: Final = "start_task"
SERVICE_STOP_ALL_TASKS: Final = "stop_all_tasks"
SERVICE_STOP_TASK: Final = "stop_task"

# Most tasks end within it.
DEFAULT_TIMEOUT: Final = timedelta(hours=1)

SERVER_SCHEMA: Final = vol.Schema({vol.Optional(ATTR_CONFIG_ENTRY_ID): cv.string})
TASK_SCHEMA: Final = vol.Schema(
    vol.All(
        SERVER_SCHEMA.extend(
            {
                vol.Optional(ATTR_TASK): vol.All(
                    cv.ensure_list, [cv.string], vol.Length(min=1)
                ),
                vol.Optional(ATTR_ENTITY_ID): vol.All(cv.entity_ids, vol.Length(min=1)),
                vol.Optional(ATTR_WAIT, default=False): cv.boolean,
                vol.Optional(
                    ATTR_TIMEOUT, default=DEFAULT_TIMEOUT
                ): cv.positive_time_period,
            }
        ),
        cv.has_at_least_one_key(ATTR_TASK, ATTR_ENTITY_ID),
    )
)
WINDOW_SCHEMA: Final = SERVER_SCHEMA.extend(
    {vol.Required(ATTR_START): cv.time, vol.Required(ATTR_END): cv.time}
)

type _Order = tuple[PlexButlerCoordinator, ButlerTask, Order]
type _CommandFn = Callable[
    [PlexButlerCoordinator, str, Order, float | None], Awaitable[TaskActionResult]
]
type _Result = TaskActionResult | HomeAssistantError


@callback
def async_setup_services(hass: HomeAssistant) -> None:
    """Register the actions."""
    hass.services.async_register(
        DOMAIN,
        SERVICE_GET_BUTLER_TASKS,
        _async_get_butler_tasks,
        schema=SERVER_SCHEMA,
        supports_response=SupportsResponse.ONLY,
    )
    for name, task_action in (
        (SERVICE_START_TASK, _async_start_task),
        (SERVICE_STOP_TASK, _async_stop_task),
    ):
        hass.services.async_register(
            DOMAIN,
            name,
            task_action,
            schema=TASK_SCHEMA,
            supports_response=SupportsResponse.OPTIONAL,
        )
    for name, action in (
        (SERVICE_START_ALL_TASKS, _async_start_all_tasks),
        (SERVICE_STOP_ALL_TASKS, _async_stop_all_tasks),
    ):
        hass.services.async_register(DOMAIN, name, action, schema=SERVER_SCHEMA)
    hass.services.async_register(
        DOMAIN,
        SERVICE_SET_MAINTENANCE_WINDOW,
        _async_set_maintenance_window,
        schema=WINDOW_SCHEMA,
    )


async def _async_get_butler_tasks(call: ServiceCall) -> ServiceResponse:
    """Return all tasks and what they are doing."""
    coordinator = _coordinator(call)
    if not coordinator.last_update_success:
        raise HomeAssistantError(
            translation_domain=DOMAIN,
            translation_key="unreachable",
            translation_placeholders={"name": coordinator.config_entry.title},
        ) from coordinator.last_exception
    data = coordinator.data
    return {
        "tasks": [
            {**asdict(task), **describe(data.runs.tasks.get(task.name, IDLE))}
            for task in data.tasks.values()
        ]
    }


async def _async_start_task(call: ServiceCall) -> ServiceResponse:
    """Start one task or several; those whose ends are waited for, one after another."""
    orders, deadline = _orders(call, Command.START), _deadline(call)
    if deadline is None:
        return await _async_all(orders, async_start, deadline)
    results: list[_Result] = []
    for coordinator, task, order in orders:
        doing = async_start(coordinator, task.name, order, deadline)
        results.append(await _async_result(doing))
        if isinstance(results[-1], HomeAssistantError):
            # What comes after may be meant for what this one did.
            break
    return _response(orders, results)


async def _async_stop_task(call: ServiceCall) -> ServiceResponse:
    """Stop one task or several."""
    return await _async_all(_orders(call, Command.STOP), async_stop, _deadline(call))


async def _async_start_all_tasks(call: ServiceCall) -> None:
    """Start what is enabled and due."""
    await _coordinator(call).commands.async_start_all_tasks()


async def _async_stop_all_tasks(call: ServiceCall) -> None:
    """Stop what runs or waits."""
    await _coordinator(call).commands.async_stop_all_tasks()


async def _async_set_maintenance_window(call: ServiceCall) -> None:
    """Change both hours of the window at once."""
    start, end = _full_hour(call.data[ATTR_START]), _full_hour(call.data[ATTR_END])
    if start == end:
        raise ServiceValidationError(
            translation_domain=DOMAIN,
            translation_key="window_unclear",
            translation_placeholders={"time": f"{start:02}:00"},
        )
    hours = {START_HOUR: start, END_HOUR: end}
    await _coordinator(call).async_set_settings(hours)


def _full_hour(wanted: time) -> int:
    if wanted != time(wanted.hour):
        raise ServiceValidationError(
            translation_domain=DOMAIN,
            translation_key="not_a_full_hour",
            translation_placeholders={"time": wanted.isoformat()},
        )
    return wanted.hour


def _deadline(call: ServiceCall) -> float | None:
    """Return until when a call waits, on the loop's clock, if it does."""
    if not call.data[ATTR_WAIT]:
        return None
    timeout: timedelta = call.data[ATTR_TIMEOUT]
    return call.hass.loop.time() + timeout.total_seconds()


def _orders(call: ServiceCall, command: Command) -> list[_Order]:
    """Return an order for every task that a call names, each task once.

    All of them are asked for now, also those that are only sent when others have ended.
    """
    return [
        (coordinator, task, coordinator.commands.order(command, task.name))
        for coordinator, task in dict.fromkeys(_meant(call))
    ]


async def _async_all(
    orders: list[_Order], command_fn: _CommandFn, deadline: float | None
) -> ServiceResponse:
    """Send all orders, whatever becomes of the others."""
    return _response(
        orders,
        await asyncio.gather(
            *(
                _async_result(command_fn(coordinator, task.name, order, deadline))
                for coordinator, task, order in orders
            )
        ),
    )


async def _async_result(doing: Awaitable[TaskActionResult]) -> _Result:
    try:
        return await doing
    except HomeAssistantError as err:
        return err


def _response(orders: list[_Order], results: list[_Result]) -> ServiceResponse:
    """Return what became of all tasks; raise an error that names those not done."""
    errors = [it for it in results if isinstance(it, HomeAssistantError)]
    if errors and len(orders) > 1:
        named = zip_longest((task.name for _, task, _ in orders), results)
        failed = [name for name, it in named if not isinstance(it, TaskActionResult)]
        raise HomeAssistantError(
            translation_domain=DOMAIN,
            translation_key="some_failed",
            translation_placeholders={
                "tasks": ", ".join(failed),
                "error": str(errors[0]),
            },
        ) from errors[0]
    if errors:
        raise errors[0]
    return {
        "tasks": [
            describe_outcome(task, result)
            for (_, task, _), result in zip(orders, results, strict=True)
            if isinstance(result, TaskActionResult)
        ]
    }


def _meant(call: ServiceCall) -> list[tuple[PlexButlerCoordinator, ButlerTask]]:
    """Return the tasks that a call names, by name or by entity."""
    meant = [
        _task_of_entity(call.hass, entity_id)
        for entity_id in call.data.get(ATTR_ENTITY_ID, ())
    ]
    if wanted := call.data.get(ATTR_TASK):
        coordinator = _coordinator(call)
        meant += [(coordinator, _task(coordinator, task)) for task in wanted]
    return meant


def _coordinator(call: ServiceCall) -> PlexButlerCoordinator:
    return _coordinator_of(call.hass, call.data.get(ATTR_CONFIG_ENTRY_ID))


def _coordinator_of(hass: HomeAssistant, entry_id: str | None) -> PlexButlerCoordinator:
    entry: PlexButlerConfigEntry = service.async_get_config_entry(
        hass, DOMAIN, entry_id
    )
    return entry.runtime_data


def _task_of_entity(
    hass: HomeAssistant, entity_id: str
) -> tuple[PlexButlerCoordinator, ButlerTask]:
    """Return the server and the task that an entity stands for."""
    entity = er.async_get(hass).async_get(entity_id)
    if entity and entity.platform == DOMAIN:
        coordinator = _coordinator_of(hass, entity.config_entry_id)
        machine = coordinator.machine_identifier
        if name := task_of_unique_id(machine, entity.unique_id):
            if task := coordinator.data.tasks.get(name):
                return coordinator, task
            raise _unknown_task(coordinator, name)
    raise ServiceValidationError(
        translation_domain=DOMAIN,
        translation_key="not_a_task",
        translation_placeholders={"entity": entity_id},
    )


def _task(coordinator: PlexButlerCoordinator, wanted: str) -> ButlerTask:
    found = find_tasks(coordinator.data.tasks.values(), wanted)
    if len(found) == 1:
        return found[0]
    if found:
        raise ServiceValidationError(
            translation_domain=DOMAIN,
            translation_key="ambiguous_task",
            translation_placeholders={
                "task": wanted,
                "tasks": ", ".join(task.name for task in found),
            },
        )
    raise _unknown_task(coordinator, wanted)


def _unknown_task(
    coordinator: PlexButlerCoordinator, wanted: str
) -> ServiceValidationError:
    return ServiceValidationError(
        translation_domain=DOMAIN,
        translation_key="unknown_task",
        translation_placeholders={
            "task": wanted,
            "tasks": ", ".join(coordinator.data.tasks),
        },
    )
