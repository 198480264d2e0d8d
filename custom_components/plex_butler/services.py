"""The actions, for automations that speak to a server and not to a switch."""

from collections.abc import Awaitable, Callable
from dataclasses import asdict
from datetime import time, timedelta
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
from .const import ATTR_TASK, DOMAIN
from .coordinator import PlexButlerConfigEntry, PlexButlerCoordinator
from .describe import IDLE, describe, describe_outcome
from .device import task_of_unique_id
from .outcomes import Outcome, async_start, async_stop
from .schedule import END_HOUR, START_HOUR
from .tasks import find_task

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

# Most tasks end within it, and nobody waits for ever.
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

type Command = Callable[[PlexButlerCoordinator, str, float | None], Awaitable[Outcome]]


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
    """Start one task or several."""
    return await _async_each(call, async_start)


async def _async_stop_task(call: ServiceCall) -> ServiceResponse:
    """Stop one task or several."""
    return await _async_each(call, async_stop)


async def _async_start_all_tasks(call: ServiceCall) -> None:
    """Start what is enabled and due."""
    await _coordinator(call).commands.async_start_all_tasks()


async def _async_stop_all_tasks(call: ServiceCall) -> None:
    """Stop what runs or waits."""
    await _coordinator(call).commands.async_stop_all_tasks()


async def _async_set_maintenance_window(call: ServiceCall) -> None:
    """Change both hours of the window at once."""
    hours = {
        START_HOUR: _full_hour(call.data[ATTR_START]),
        END_HOUR: _full_hour(call.data[ATTR_END]),
    }
    await _coordinator(call).preferences.async_set(hours)


def _full_hour(wanted: time) -> int:
    if wanted != time(wanted.hour):
        raise ServiceValidationError(
            translation_domain=DOMAIN,
            translation_key="not_a_full_hour",
            translation_placeholders={"time": wanted.isoformat()},
        )
    return wanted.hour


async def _async_each(call: ServiceCall, command: Command) -> ServiceResponse:
    """Send a command for every task named, once all of them are known to exist."""
    deadline: float | None = None
    if call.data[ATTR_WAIT]:
        timeout: timedelta = call.data[ATTR_TIMEOUT]
        deadline = call.hass.loop.time() + timeout.total_seconds()
    return {
        "tasks": [
            describe_outcome(task, await command(coordinator, task.name, deadline))
            for coordinator, task in _meant(call)
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
        if task := task_of_unique_id(machine, entity.unique_id):
            return coordinator, _task(coordinator, task)
    raise ServiceValidationError(
        translation_domain=DOMAIN,
        translation_key="not_a_task",
        translation_placeholders={"entity": entity_id},
    )


def _task(coordinator: PlexButlerCoordinator, wanted: str) -> ButlerTask:
    tasks = coordinator.data.tasks
    if task := find_task(tasks.values(), wanted):
        return task
    raise ServiceValidationError(
        translation_domain=DOMAIN,
        translation_key="unknown_task",
        translation_placeholders={"task": wanted, "tasks": ", ".join(tasks)},
    )
