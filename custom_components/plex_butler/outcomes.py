"""Tells a task to start or to stop, and what came of it, if need be at its end."""

from dataclasses import dataclass
from enum import StrEnum

from homeassistant.exceptions import HomeAssistantError

from .api import PlexTimeoutError, StartResult, StopResult
from .commands import NotSentError, Order, OvertakenError
from .coordinator import PlexButlerCoordinator
from .run_state import (
    EndedRun,
    Moment,
    Result,
    Run,
    RunState,
    TaskState,
    is_shown,
)
from .waiting import OUTAGE, Wait


class TaskResult(StrEnum):
    """What became of a task that was told to start or to stop."""

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


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What became of a task, and what is known of its run."""

    result: TaskResult
    run: Run | EndedRun | None = None


async def async_start(
    coordinator: PlexButlerCoordinator,
    task: str,
    order: Order,
    deadline: float | None,
) -> Outcome:
    """Start a task; with a deadline (of the loop's clock), wait for its end."""
    ran = False
    try:
        answer = await coordinator.commands.async_start_task(task, order, deadline)
    except OvertakenError:
        return Outcome(result=TaskResult.STOPPED)
    except TimeoutError:
        return Outcome(result=TaskResult.TIMED_OUT)
    except HomeAssistantError as err:
        if deadline is None:
            raise
        if isinstance(err, NotSentError):
            return Outcome(result=TaskResult.UNCONFIRMED)
        if not _may_have_started(coordinator, err):
            raise
        if not await _async_shows_up(coordinator, task, order.sent, deadline):
            return Outcome(result=TaskResult.UNCONFIRMED)
    else:
        ran = answer is StartResult.ALREADY_RUNNING
        if deadline is None:
            return _begun(coordinator.tracker.state, task, order.sent, answer)
    return await _async_outcome(
        coordinator,
        task,
        Wait(coordinator, lambda state: _end(state, task, order.sent, ran=ran)),
        deadline,
    )


async def async_stop(
    coordinator: PlexButlerCoordinator,
    task: str,
    order: Order,
    deadline: float | None,
) -> Outcome:
    """Stop a task; with a deadline, wait until the server shows it no more."""
    answer = await coordinator.commands.async_stop_task(task, order)
    if answer is StopResult.NOT_RUNNING:
        return Outcome(result=TaskResult.NOT_RUNNING)
    if deadline is None:
        return _stopped(coordinator.tracker.state, task, order.sent)
    answered = coordinator.tracker.now()

    def look(state: RunState) -> Outcome | None:
        if state.asked is None or state.asked < answered or is_shown(state, task):
            return None
        return _stopped(state, task, order.sent)

    return await _async_outcome(coordinator, task, Wait(coordinator, look), deadline)


def _may_have_started(
    coordinator: PlexButlerCoordinator, err: HomeAssistantError
) -> bool:
    """Tell whether silence may be the work that was asked for: a backup locks all out."""
    return (
        isinstance(err.__cause__, PlexTimeoutError) and coordinator.last_update_success
    )


async def _async_shows_up(
    coordinator: PlexButlerCoordinator, task: str, sent: Moment, deadline: float
) -> bool:
    """Wait until a start that was not answered shows its effect."""

    def look(state: RunState) -> bool | None:
        return task in state.runs or _last(state, task, sent) is not None or None

    latest = coordinator.hass.loop.time() + OUTAGE.total_seconds()
    try:
        found = await Wait(coordinator, look).async_found(min(deadline, latest))
    except TimeoutError:
        return False
    return bool(found)


async def _async_outcome(
    coordinator: PlexButlerCoordinator,
    task: str,
    wait: Wait[Outcome],
    deadline: float,
) -> Outcome:
    """Return the outcome that is waited for, or why it is not known."""
    result = TaskResult.UNCONFIRMED
    try:
        if outcome := await wait.async_found(deadline):
            return outcome
    except TimeoutError:
        result = TaskResult.TIMED_OUT
    return Outcome(result=result, run=coordinator.tracker.state.runs.get(task))


def _begun(state: RunState, task: str, sent: Moment, answer: StartResult) -> Outcome:
    run = state.runs.get(task)
    if answer is StartResult.ALREADY_RUNNING:
        result = TaskResult.ALREADY_RUNNING
    elif run and run.state is TaskState.QUEUED:
        result = TaskResult.QUEUED
    else:
        result = TaskResult.STARTED
    return Outcome(result=result, run=run or _last(state, task, sent))


def _end(state: RunState, task: str, sent: Moment, *, ran: bool) -> Outcome | None:
    """Return how a run that we asked for ended, or None while it goes on.

    Unless it `ran` before, the end of a run that began before our start is another's.
    """
    if task in state.runs:
        return None
    run = _last(state, task, sent)
    if run and run.result is Result.STOPPED:
        return Outcome(result=TaskResult.STOPPED, run=run)
    begun = run and run.started and sent <= run.started
    if run and run.result is Result.ENDED and (ran or begun):
        return Outcome(result=TaskResult.ENDED, run=run)
    return Outcome(result=TaskResult.UNCONFIRMED, run=run)


def _stopped(state: RunState, task: str, sent: Moment) -> Outcome:
    return Outcome(result=TaskResult.STOPPED, run=_last(state, task, sent))


def _last(state: RunState, task: str, sent: Moment) -> EndedRun | None:
    """Return the last run if it ended after a command was sent."""
    last = state.last.get(task)
    return last if last and sent <= last.ended else None
