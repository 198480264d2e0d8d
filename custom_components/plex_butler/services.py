"""The actions, on servers and on tasks."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import time, timedelta
from functools import partial
from typing import Final

from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import (
    HomeAssistant,
    ServiceCall,
    ServiceResponse,
    SupportsResponse,
    callback,
)
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers import config_validation as cv
import voluptuous as vol

from .api import ButlerTask
from .commands import Order
from .const import ATTR_TASK, DOMAIN
from .coordinator import PlexButlerConfigEntry, PlexButlerCoordinator
from .run_state import IDLE, Command
from .schedule import END_HOUR, START_HOUR
from .target import async_only_server, async_scope_of_action
from .task_actions import (
    TaskActionResult,
    async_start,
    async_stop,
    describe,
    describe_outcome,
)
from .tasks import async_task_name, find_tasks, task_key

ATTR_END: Final = "end"
ATTR_START: Final = "start"
ATTR_TIMEOUT: Final = "timeout"
ATTR_WAIT: Final = "wait"

# Most tasks end within it.
DEFAULT_TIMEOUT: Final = timedelta(hours=1)

SERVER_SCHEMA: Final = vol.Schema(cv.ENTITY_SERVICE_FIELDS)
TASK_SCHEMA: Final = SERVER_SCHEMA.extend(
    {
        vol.Optional(ATTR_TASK, default=list): vol.All(cv.ensure_list, [cv.string]),
        vol.Optional(ATTR_WAIT, default=False): cv.boolean,
        vol.Optional(ATTR_TIMEOUT, default=DEFAULT_TIMEOUT): cv.positive_time_period,
    }
)
WINDOW_SCHEMA: Final = SERVER_SCHEMA.extend(
    {vol.Required(ATTR_START): cv.time, vol.Required(ATTR_END): cv.time}
)

type _Task = tuple[PlexButlerCoordinator, ButlerTask]
type _CommandFn = Callable[
    [PlexButlerCoordinator, str, Order, float | None], Awaitable[TaskActionResult]
]


@callback
def async_setup_services(hass: HomeAssistant) -> None:
    """Register the actions."""
    register = partial(hass.services.async_register, DOMAIN)
    answers, may_answer = SupportsResponse.ONLY, SupportsResponse.OPTIONAL
    register("get_butler_tasks", _async_get_butler_tasks, SERVER_SCHEMA, answers)
    register("start_task", _async_start_task, TASK_SCHEMA, may_answer)
    register("stop_task", _async_stop_task, TASK_SCHEMA, may_answer)
    register("start_all_tasks", _async_start_all, SERVER_SCHEMA)
    register("stop_all_tasks", _async_stop_all, SERVER_SCHEMA)
    register("set_maintenance_window", _async_set_maintenance_window, WINDOW_SCHEMA)


async def _async_get_butler_tasks(call: ServiceCall) -> ServiceResponse:
    """Return the tasks and what they are doing."""
    tasks = _tasks_of(call)
    for coordinator, _ in tasks:
        if not coordinator.last_update_success:
            raise HomeAssistantError(
                translation_domain=DOMAIN,
                translation_key="unreachable",
                translation_placeholders={"name": coordinator.config_entry.title},
            ) from coordinator.last_exception
    return {
        "tasks": [
            {
                **_names(coordinator, task),
                "description": task.description,
                "interval": task.interval,
                "schedule_randomized": task.schedule_randomized,
                "enabled": task.enabled,
                **describe(coordinator.data.runs.tasks.get(task.name, IDLE)),
            }
            for coordinator, task in tasks
        ]
    }


async def _async_start_task(call: ServiceCall) -> ServiceResponse:
    """Start one task or several; those whose ends are waited for, one after another."""
    return await _async_command(
        call, Command.START, async_start, in_turn=call.data[ATTR_WAIT]
    )


async def _async_stop_task(call: ServiceCall) -> ServiceResponse:
    """Stop one task or several."""
    return await _async_command(call, Command.STOP, async_stop)


async def _async_start_all(call: ServiceCall) -> None:
    """Start what is enabled and due."""
    await _async_on_servers(call, lambda it: it.commands.async_start_all_tasks())


async def _async_stop_all(call: ServiceCall) -> None:
    """Stop what runs or waits."""
    await _async_on_servers(call, lambda it: it.commands.async_stop_all_tasks())


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
    await _async_on_servers(call, lambda it: it.async_set_settings(hours))


def _full_hour(wanted: time) -> int:
    if wanted != time(wanted.hour):
        raise ServiceValidationError(
            translation_domain=DOMAIN,
            translation_key="not_a_full_hour",
            translation_placeholders={"time": wanted.isoformat()},
        )
    return wanted.hour


async def _async_on_servers(
    call: ServiceCall, action_fn: Callable[[PlexButlerCoordinator], Awaitable[None]]
) -> None:
    """Do something on all servers that are meant, whatever becomes of the others."""
    scope = async_scope_of_action(call.hass, call.data, of_tasks=False)

    async def do(entry: PlexButlerConfigEntry) -> None:
        await action_fn(_loaded(entry))

    results = await asyncio.gather(*map(do, scope.servers), return_exceptions=True)
    _raise_errors([entry.title for entry in scope.servers], results)


async def _async_command(
    call: ServiceCall,
    command: Command,
    command_fn: _CommandFn,
    *,
    in_turn: bool = False,
) -> ServiceResponse:
    """Command all tasks that a call means, and return what became of them.

    Orders are given for all now, also for those that are only sent when others have
    ended.
    """
    tasks = _tasks_of(call)
    orders = [
        (coordinator, task.name, coordinator.commands.order(command, task.name))
        for coordinator, task in tasks
    ]
    deadline = None
    if call.data[ATTR_WAIT]:
        deadline = call.hass.loop.time() + call.data[ATTR_TIMEOUT].total_seconds()
    results: list[TaskActionResult | BaseException] = []
    for batch in [[it] for it in orders] if in_turn else [orders]:
        if results and isinstance(results[-1], BaseException):
            # What comes after an error may be meant for what should have been done.
            results.append(results[-1])
            continue
        results += await asyncio.gather(
            *(command_fn(*order, deadline) for order in batch), return_exceptions=True
        )
    names = [_names(coordinator, task) for coordinator, task in tasks]
    of_one = len({coordinator for coordinator, _ in tasks}) == 1
    _raise_errors(
        [it["task"] if of_one else f"{it['task']} ({it['server']})" for it in names],
        results,
    )
    return {
        "tasks": [
            name | describe_outcome(result)
            for name, result in zip(names, results, strict=True)
            if isinstance(result, TaskActionResult)
        ]
    }


def _tasks_of(call: ServiceCall) -> list[_Task]:
    """Return every task that a call means, each once.

    An action that has no field for tasks means all those of a server.
    """
    scope = async_scope_of_action(call.hass, call.data, of_tasks=True)
    wanted: list[str] | None = call.data.get(ATTR_TASK)
    if scope.servers and wanted == []:
        raise ServiceValidationError(
            translation_domain=DOMAIN, translation_key="no_task"
        )
    servers = scope.servers or ([async_only_server(call.hass)] if wanted else [])
    tasks = [_task(entry, name, is_name=True) for entry, name in scope.tasks]
    for entry in servers:
        names = _loaded(entry).data.tasks if wanted is None else wanted
        of_server = [_task(entry, name) for name in names]
        tasks += (it for it in of_server if (entry, it[1].name) not in scope.excluded)
    return list(dict.fromkeys(tasks))


def _raise_errors(names: Sequence[str], results: Sequence[object]) -> None:
    """Raise an error that names all that failed."""
    failed = [
        (name, result)
        for name, result in zip(names, results, strict=True)
        if isinstance(result, BaseException)
    ]
    if not failed:
        return
    _, first = failed[0]
    if len(names) == 1:
        raise first
    raise HomeAssistantError(
        translation_domain=DOMAIN,
        translation_key="some_failed",
        translation_placeholders={
            "names": ", ".join(name for name, _ in failed),
            "error": str(first),
        },
    ) from first


def _names(coordinator: PlexButlerCoordinator, task: ButlerTask) -> dict[str, str]:
    """Return what a task is called by people, by automations and by the server."""
    return {
        "server": coordinator.config_entry.title,
        "task": async_task_name(coordinator.hass, task),
        "key": task_key(task.name),
        "name": task.name,
    }


def _loaded(entry: PlexButlerConfigEntry) -> PlexButlerCoordinator:
    if entry.state is not ConfigEntryState.LOADED:
        raise ServiceValidationError(
            translation_domain=DOMAIN,
            translation_key="not_loaded",
            translation_placeholders={"name": entry.title},
        )
    return entry.runtime_data


def _task(entry: PlexButlerConfigEntry, wanted: str, *, is_name: bool = False) -> _Task:
    """Return the task that is called so; one that is gone means no other like it."""
    coordinator = _loaded(entry)
    tasks = coordinator.data.tasks.values()
    found = [task for task in tasks if task.name == wanted]
    if not is_name:
        found = find_tasks(coordinator.hass, tasks, wanted)
    if len(found) == 1:
        return coordinator, found[0]
    if found:
        raise ServiceValidationError(
            translation_domain=DOMAIN,
            translation_key="ambiguous_task",
            translation_placeholders={
                "task": wanted,
                "tasks": ", ".join(task.name for task in found),
            },
        )
    offered = (_names(coordinator, task) for task in tasks)
    raise ServiceValidationError(
        translation_domain=DOMAIN,
        translation_key="unknown_task",
        translation_placeholders={
            "name": entry.title,
            "task": wanted,
            "tasks": ", ".join(sorted(f"{it['task']} ({it['key']})" for it in offered)),
        },
    )
