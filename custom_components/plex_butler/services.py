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
from homeassistant.helpers import config_validation as cv
import voluptuous as vol

from .api import ButlerTask
from .connection import InvalidCallError, PlexButlerError
from .const import ATTR_TASK, DOMAIN
from .coordinator import PlexButlerConfigEntry, PlexButlerCoordinator
from .run_state import IDLE, Command
from .schedule import END_HOUR, START_HOUR
from .target import async_only_server, async_scope_of_action
from .task_actions import TaskAction, TaskOutcome, describe, describe_outcome
from .tasks import async_task_name, find_tasks, task_key

SERVER_SCHEMA: Final = vol.Schema(cv.ENTITY_SERVICE_FIELDS)
TASK_SCHEMA: Final = SERVER_SCHEMA.extend(
    {
        vol.Optional(ATTR_TASK, default=list): vol.All(cv.ensure_list, [cv.string]),
        vol.Optional("wait", default=False): cv.boolean,
        # Most tasks end within an hour.
        vol.Optional("timeout", default=timedelta(hours=1)): cv.positive_time_period,
    }
)
WINDOW_SCHEMA: Final = SERVER_SCHEMA.extend(
    {vol.Required("start"): cv.time, vol.Required("end"): cv.time}
)

type _ServerTask = tuple[PlexButlerCoordinator, ButlerTask]


@callback
def async_setup_services(hass: HomeAssistant) -> None:
    """Register the actions."""
    register = partial(hass.services.async_register, DOMAIN)
    answers, may_answer = SupportsResponse.ONLY, SupportsResponse.OPTIONAL
    register("get_butler_tasks", _async_get_butler_tasks, SERVER_SCHEMA, answers)
    # start_task, stop_task, start_all_tasks and stop_all_tasks
    for command in Command:
        command_tasks = partial(_async_handle_tasks, command)
        command_servers = partial(_async_handle_all_tasks, command)
        register(f"{command}_task", command_tasks, TASK_SCHEMA, may_answer)
        register(f"{command}_all_tasks", command_servers, SERVER_SCHEMA)
    register("set_maintenance_window", _async_set_maintenance_window, WINDOW_SCHEMA)


async def _async_get_butler_tasks(call: ServiceCall) -> ServiceResponse:
    """Return the tasks and what they are doing."""
    tasks = _tasks_of(call)
    for coordinator, _ in tasks:
        if not coordinator.last_update_success:
            title, cause = coordinator.config_entry.title, coordinator.last_exception
            raise PlexButlerError("unreachable", name=title) from cause
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


async def _async_handle_all_tasks(command: Command, call: ServiceCall) -> None:
    """Start what is enabled and due, or stop what runs or waits."""
    await _async_for_servers(call, lambda it: it.commands.async_command(command))


async def _async_set_maintenance_window(call: ServiceCall) -> None:
    """Change both hours of the window at once."""
    start, end = _full_hour(call.data["start"]), _full_hour(call.data["end"])
    if start == end:
        raise InvalidCallError("window_unclear", time=f"{start:02}:00")
    hours = {START_HOUR: start, END_HOUR: end}
    await _async_for_servers(call, lambda it: it.async_set_settings(hours))


def _full_hour(wanted: time) -> int:
    if wanted != time(wanted.hour):
        raise InvalidCallError("not_a_full_hour", time=wanted.isoformat())
    return wanted.hour


async def _async_for_servers(
    call: ServiceCall, action_fn: Callable[[PlexButlerCoordinator], Awaitable[None]]
) -> None:
    """Run an action on all servers of a call, even if some fail."""
    scope = async_scope_of_action(call.hass, call.data, of_tasks=False)

    async def do(entry: PlexButlerConfigEntry) -> None:
        await action_fn(_coordinator_of(entry))

    results = await asyncio.gather(*map(do, scope.servers), return_exceptions=True)
    _raise_errors([entry.title for entry in scope.servers], results)


async def _async_handle_tasks(command: Command, call: ServiceCall) -> ServiceResponse:
    """Command all tasks that a call means, and return what became of them.

    With `wait`, starts are sent one after another. Orders are given for all now, so
    that a stop can void those that are not sent yet.
    """
    tasks = _tasks_of(call)
    actions = [TaskAction(it, task.name, command) for it, task in tasks]
    is_start = command is Command.START
    deadline = None
    if call.data["wait"]:
        deadline = call.hass.loop.time() + call.data["timeout"].total_seconds()
    perform_fn = TaskAction.async_start if is_start else TaskAction.async_stop
    in_turn = is_start and deadline is not None
    results: list[TaskOutcome | BaseException] = []
    for batch in [[it] for it in actions] if in_turn else [actions]:
        if results and isinstance(results[-1], BaseException):
            # Starts after one that failed are not sent: they may depend on it.
            results.append(results[-1])
            continue
        results += await asyncio.gather(
            *(perform_fn(action, deadline) for action in batch), return_exceptions=True
        )
    names = [_names(coordinator, task) for coordinator, task in tasks]
    is_one_server = len({coordinator for coordinator, _ in tasks}) == 1
    _raise_errors(
        [
            it["task"] if is_one_server else f"{it['task']} ({it['server']})"
            for it in names
        ],
        results,
    )
    return {
        "tasks": [
            name | describe_outcome(result)
            for name, result in zip(names, results, strict=True)
            if isinstance(result, TaskOutcome)
        ]
    }


def _tasks_of(call: ServiceCall) -> list[_ServerTask]:
    """Return every task that a call means, each once.

    An action without a field for tasks means all tasks of a server.
    """
    scope = async_scope_of_action(call.hass, call.data, of_tasks=True)
    wanted: list[str] | None = call.data.get(ATTR_TASK)
    if scope.servers and wanted == []:
        raise InvalidCallError("no_task")
    servers = scope.servers or ([async_only_server(call.hass)] if wanted else [])
    tasks = [_find_task(entry, name, exact=True) for entry, name in scope.tasks]
    for entry in servers:
        names = _coordinator_of(entry).data.tasks if wanted is None else wanted
        of_server = [_find_task(entry, name) for name in names]
        tasks += (it for it in of_server if (entry, it[1].name) not in scope.excluded)
    return list(dict.fromkeys(tasks))


def _raise_errors(names: Sequence[str], results: Sequence[object]) -> None:
    """Raise an error that names all that failed."""
    first = next((it for it in results if isinstance(it, BaseException)), None)
    if first is None:
        return
    if len(names) == 1:
        raise first
    pairs = zip(names, results, strict=True)
    failed = ", ".join(name for name, it in pairs if isinstance(it, BaseException))
    raise PlexButlerError("some_failed", names=failed, error=str(first)) from first


def _names(coordinator: PlexButlerCoordinator, task: ButlerTask) -> dict[str, str]:
    """Return the names of a task: shown, as a key, and the server's own."""
    return {
        "server": coordinator.config_entry.title,
        "task": async_task_name(coordinator.hass, task),
        "key": task_key(task.name),
        "name": task.name,
    }


def _coordinator_of(entry: PlexButlerConfigEntry) -> PlexButlerCoordinator:
    if entry.state is not ConfigEntryState.LOADED:
        raise InvalidCallError("not_loaded", name=entry.title)
    return entry.runtime_data


def _find_task(
    entry: PlexButlerConfigEntry, wanted: str, *, exact: bool = False
) -> _ServerTask:
    """Return the task that is called so; one that is gone means no other like it."""
    coordinator = _coordinator_of(entry)
    tasks = coordinator.data.tasks.values()
    found = [task for task in tasks if task.name == wanted]
    if not exact:
        found = find_tasks(coordinator.hass, tasks, wanted)
    if len(found) == 1:
        return coordinator, found[0]
    if found:
        names = ", ".join(task.name for task in found)
        raise InvalidCallError("ambiguous_task", task=wanted, tasks=names)
    offered = (_names(coordinator, task) for task in tasks)
    names = ", ".join(sorted(f"{it['task']} ({it['key']})" for it in offered))
    raise InvalidCallError("unknown_task", name=entry.title, task=wanted, tasks=names)
