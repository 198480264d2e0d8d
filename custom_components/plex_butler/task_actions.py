"""What an action on tasks brought about, and how it is waited for."""

import asyncio
from collections.abc import Callable
from contextlib import ExitStack, suppress
from datetime import timedelta
from enum import StrEnum
from typing import Any, Final, NamedTuple

from homeassistant.const import EVENT_HOMEASSISTANT_STOP
from homeassistant.core import Event, callback
from homeassistant.exceptions import HomeAssistantError

from .api import PlexTimeoutError, StartResult, StopResult
from .commands import NotSentError, Order, OvertakenError
from .const import IDLE_INTERVAL
from .coordinator import PlexButlerCoordinator
from .run_state import (
    EndedRun,
    Evidence,
    Moment,
    Result,
    Run,
    RunState,
    TaskView,
)

# During the backup of a large library, a server does not answer for up to five minutes.
# The poll that is under way times out then, and one more poll shows that it answers.
OUTAGE: Final = timedelta(minutes=5, seconds=16) + IDLE_INTERVAL


async def async_find[FoundT](
    coordinator: PlexButlerCoordinator,
    look_fn: Callable[[RunState], FoundT | None],
    deadline: float,
) -> FoundT | None:
    """Return what is found in the state of runs, or None if it will not be known.

    That is so after an outage, when the entry is unloaded or when Home Assistant stops.
    Raises TimeoutError when the loop's clock comes to the deadline.
    """
    hass, tracker = coordinator.hass, coordinator.tracker
    found: asyncio.Future[FoundT | None] = hass.loop.create_future()
    outage_ends: float | None = None

    @callback
    def async_end(result: FoundT | None = None) -> None:
        if not found.done():
            found.set_result(result)

    @callback
    def async_stopping(_: Event) -> None:
        async_end()

    @callback
    def async_look() -> None:
        if tracker.closed:
            async_end()
        elif (result := look_fn(tracker.state)) is not None:
            async_end(result)

    @callback
    def async_polled() -> None:
        nonlocal outage_ends
        if coordinator.last_update_success:
            outage_ends = None
        else:
            outage_ends = outage_ends or hass.loop.time() + OUTAGE.total_seconds()
        if not found.done():
            limit.reschedule(min(deadline, outage_ends or deadline))

    with ExitStack() as stack:
        stack.callback(tracker.async_add_listener(async_look))
        stack.callback(coordinator.async_add_listener(async_polled))
        stack.callback(hass.bus.async_listen(EVENT_HOMEASSISTANT_STOP, async_stopping))
        try:
            async with asyncio.timeout_at(deadline) as limit:
                async_look()
                async_polled()
                return await found
        except TimeoutError:
            if outage_ends is None or outage_ends >= deadline:
                raise
            return None


class TaskResult(StrEnum):
    """The result of the start or stop of a task."""

    STARTED = "started"
    ALREADY_RUNNING = "already_running"
    QUEUED = "queued"
    STOPPED = "stopped"
    NOT_RUNNING = "not_running"
    # Only of an end that was seen
    ENDED = "ended"
    TIMED_OUT = "timed_out"
    # It may have run, but nothing proves that it ended
    UNCONFIRMED = "unconfirmed"


class TaskActionResult(NamedTuple):
    """What became of a task, and what is known of its run."""

    result: TaskResult
    run: Run | EndedRun | None = None


async def async_start(
    coordinator: PlexButlerCoordinator,
    task: str,
    order: Order,
    deadline: float | None,
) -> TaskActionResult:
    """Start a task; with a deadline (of the loop's clock), wait for its end."""
    ran = False
    try:
        answer = await coordinator.commands.async_start_task(task, order, deadline)
    except OvertakenError:
        return TaskActionResult(TaskResult.STOPPED)
    except TimeoutError:
        return TaskActionResult(TaskResult.TIMED_OUT)
    except HomeAssistantError as err:
        if deadline is None:
            raise
        if isinstance(err, NotSentError):
            return TaskActionResult(TaskResult.UNCONFIRMED)
        # Silence may be the work that was asked for: a backup locks all out.
        is_silent = isinstance(err.__cause__, PlexTimeoutError)
        if not (is_silent and coordinator.last_update_success):
            raise
        if not await _async_shows_up(coordinator, task, order.sent, deadline):
            return TaskActionResult(TaskResult.UNCONFIRMED)
    else:
        ran = answer is StartResult.ALREADY_RUNNING
        if deadline is None:
            return _begun(coordinator.tracker.state, task, order.sent, ran=ran)
    return await _async_outcome(
        coordinator, task, lambda it: _end(it, task, order.sent, ran=ran), deadline
    )


async def async_stop(
    coordinator: PlexButlerCoordinator,
    task: str,
    order: Order,
    deadline: float | None,
) -> TaskActionResult:
    """Stop a task; with a deadline, wait until the server shows it no more."""
    answer = await coordinator.commands.async_stop_task(task, order)
    if answer is StopResult.NOT_RUNNING:
        return TaskActionResult(TaskResult.NOT_RUNNING)
    answered = coordinator.tracker.now()

    def stopped(state: RunState) -> TaskActionResult:
        return TaskActionResult(TaskResult.STOPPED, _last(state, task, order.sent))

    def look(state: RunState) -> TaskActionResult | None:
        shown = any(it.task == task and it.busy for it in state.rows.values())
        if state.snapshot_at is None or state.snapshot_at < answered or shown:
            return None
        return stopped(state)

    if deadline is None:
        return stopped(coordinator.tracker.state)
    return await _async_outcome(coordinator, task, look, deadline)


async def _async_shows_up(
    coordinator: PlexButlerCoordinator, task: str, sent: Moment, deadline: float
) -> bool:
    """Wait until a start that was not answered shows its effect."""
    latest = coordinator.hass.loop.time() + OUTAGE.total_seconds()
    with suppress(TimeoutError):
        found = await async_find(
            coordinator,
            lambda it: task in it.runs or _last(it, task, sent) or None,
            min(deadline, latest),
        )
        return bool(found)
    return False


async def _async_outcome(
    coordinator: PlexButlerCoordinator,
    task: str,
    look_fn: Callable[[RunState], TaskActionResult | None],
    deadline: float,
) -> TaskActionResult:
    """Return the outcome that is waited for, or why it is not known."""
    result = TaskResult.UNCONFIRMED
    try:
        if outcome := await async_find(coordinator, look_fn, deadline):
            return outcome
    except TimeoutError:
        result = TaskResult.TIMED_OUT
    return TaskActionResult(result, coordinator.tracker.state.runs.get(task))


def _begun(state: RunState, task: str, sent: Moment, *, ran: bool) -> TaskActionResult:
    run = state.runs.get(task)
    result = TaskResult.QUEUED if run and run.queued else TaskResult.STARTED
    if ran:
        result = TaskResult.ALREADY_RUNNING
    return TaskActionResult(result, run or _last(state, task, sent))


def _end(
    state: RunState, task: str, sent: Moment, *, ran: bool
) -> TaskActionResult | None:
    """Return how a run that we asked for ended, or None while it goes on.

    Unless it `ran` before, the end of a run that began before our start is another's.
    """
    if task in state.runs:
        return None
    result, run = TaskResult.UNCONFIRMED, _last(state, task, sent)
    if run and run.result is Result.STOPPED:
        result = TaskResult.STOPPED
    elif run and run.result is Result.ENDED:
        begun = run.started and sent <= run.started
        result = TaskResult.ENDED if ran or begun else TaskResult.UNCONFIRMED
    return TaskActionResult(result, run)


def _last(state: RunState, task: str, sent: Moment) -> EndedRun | None:
    """Return the last run if it ended after a command was sent."""
    last = state.last.get(task)
    return last if last and sent <= last.ended else None


def describe(task: TaskView) -> dict[str, Any]:
    """Return what a task is doing, how that is known, and what it did last."""
    return {
        "state": task.state,
        "evidence": task.evidence,
        "since": task.since,
        "progress": task.progress,
        "last_run": describe_run(task.last) if task.last else None,
    }


def describe_outcome(outcome: TaskActionResult) -> dict[str, Any]:
    """Return what became of a task; when a run that was lost ended is a guess at best."""
    described: dict[str, Any] = dict.fromkeys(
        ("evidence", "started_at", "ended_at", "duration")
    )
    match outcome:
        case (_, Run() | EndedRun() as run):
            described |= describe_run(run)
        # These follow from the server's answer alone.
        case (TaskResult.STOPPED | TaskResult.NOT_RUNNING, None):
            described["evidence"] = Evidence.ASSUMED
    is_lost = described.get("result") is Result.LOST
    if is_lost and described["evidence"] is not Evidence.INFERRED:
        described["ended_at"] = None
    return described | {"result": outcome.result}


def describe_run(run: Run | EndedRun) -> dict[str, Any]:
    """Return how a run goes or went; `duration` is in seconds.

    All are None where they are not known; a run that goes on has no result or end.
    """
    if isinstance(run, Run):
        return {
            "evidence": run.evidence,
            "started_at": run.started.utc if run.started else None,
        }
    return {
        "result": run.result,
        "evidence": run.evidence,
        "started_at": run.started_at,
        "ended_at": run.ended.utc,
        "duration": run.duration.total_seconds() if run.duration else None,
    }
