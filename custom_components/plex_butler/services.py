"""The actions, for automations that speak to a server and not to a switch."""

from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Final

from homeassistant.const import ATTR_CONFIG_ENTRY_ID
from homeassistant.core import (
    HomeAssistant,
    ServiceCall,
    ServiceResponse,
    SupportsResponse,
    callback,
)
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import config_validation as cv, service
import voluptuous as vol

from .api import ButlerTask
from .commands import Commands
from .const import DOMAIN
from .coordinator import PlexButlerConfigEntry, PlexButlerCoordinator
from .describe import IDLE, describe
from .tasks import find_task

ATTR_TASK: Final = "task"

SERVICE_GET_BUTLER_TASKS: Final = "get_butler_tasks"
SERVICE_START_ALL_TASKS: Final = "start_all_tasks"
SERVICE_START_TASK: Final = "start_task"
SERVICE_STOP_ALL_TASKS: Final = "stop_all_tasks"
SERVICE_STOP_TASK: Final = "stop_task"

SERVER_SCHEMA: Final = vol.Schema({vol.Optional(ATTR_CONFIG_ENTRY_ID): cv.string})
TASK_SCHEMA: Final = SERVER_SCHEMA.extend(
    {vol.Required(ATTR_TASK): vol.All(cv.ensure_list, [cv.string], vol.Length(min=1))}
)

type Command = Callable[[Commands, str], Awaitable[str]]


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


async def _async_get_butler_tasks(call: ServiceCall) -> ServiceResponse:
    """Return all tasks and what they are doing."""
    data = _coordinator(call).data
    return {
        "tasks": [
            {**asdict(task), **describe(data.runs.tasks.get(task.name, IDLE))}
            for task in data.tasks.values()
        ]
    }


async def _async_start_task(call: ServiceCall) -> ServiceResponse:
    """Start one task or several."""
    return await _async_each(call, Commands.async_start_task)


async def _async_stop_task(call: ServiceCall) -> ServiceResponse:
    """Stop one task or several."""
    return await _async_each(call, Commands.async_stop_task)


async def _async_start_all_tasks(call: ServiceCall) -> None:
    """Start what is enabled and due."""
    await _coordinator(call).commands.async_start_all_tasks()


async def _async_stop_all_tasks(call: ServiceCall) -> None:
    """Stop what runs or waits."""
    await _coordinator(call).commands.async_stop_all_tasks()


async def _async_each(call: ServiceCall, command: Command) -> ServiceResponse:
    """Send a command for every task named, once all of them are known to exist."""
    coordinator = _coordinator(call)
    tasks = [_task(coordinator, wanted) for wanted in call.data[ATTR_TASK]]
    return {
        "tasks": [
            {
                "name": task.name,
                "title": task.title,
                "result": await command(coordinator.commands, task.name),
            }
            for task in tasks
        ]
    }


def _coordinator(call: ServiceCall) -> PlexButlerCoordinator:
    entry: PlexButlerConfigEntry = service.async_get_config_entry(
        call.hass, DOMAIN, call.data.get(ATTR_CONFIG_ENTRY_ID)
    )
    return entry.runtime_data


def _task(coordinator: PlexButlerCoordinator, wanted: str) -> ButlerTask:
    tasks = coordinator.data.tasks
    if task := find_task(tasks.values(), wanted):
        return task
    raise ServiceValidationError(
        translation_domain=DOMAIN,
        translation_key="unknown_task",
        translation_placeholders={"task": wanted, "tasks": ", ".join(tasks)},
    )
