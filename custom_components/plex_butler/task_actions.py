"""What an action on tasks brought about, and how it is waited for."""

import asyncio
from collections.abc import Callable
from contextlib import ExitStack
from datetime import timedelta
from enum import StrEnum
from typing import Any, Final, NamedTuple

from homeassistant.const import EVENT_HOMEASSISTANT_STOP
from homeassistant.core import Event, callback
from homeassistant.exceptions import HomeAssistantError

from .api import PlexTimeoutError, StartResult, StopResult
from .commands import NotSentError, OvertakenError
from .const import RETRY_INTERVAL
from .coordinator import PlexButlerCoordinator
from .run_state import (
    Change,
    Command,
    EndedRun,
    Evidence,
    Result,
    Run,
    RunState,
    TaskView,
)

# During the backup of a large library, a server does not answer for up to five minutes.
# The poll that is under way times out then, and one more poll shows that it answers.
OUTAGE: Final = (timedelta(minutes=5, seconds=16) + RETRY_INTERVAL).total_seconds()


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


class TaskOutcome(NamedTuple):
    """What became of a task, and what is known of its run."""

    result: TaskResult
    run: Run | EndedRun | None = None


class TaskAction:
    """A start or a stop of a task: ordered now, sent and perhaps waited for later.

    Deadlines, until which to wait, are of the loop's clock.
    """

    def __init__(
        self, coordinator: PlexButlerCoordinator, task: str, command: Command
    ) -> None:
        self._coordinator = coordinator
        self._task = task
        self._order = coordinator.commands.order(command, task)

    async def async_start(self, deadline: float | None) -> TaskOutcome:
        """Start the task; with a deadline, wait for its end."""
        answer = None
        try:
            answer = await self._coordinator.commands.async_send(self._order, deadline)
        except OvertakenError:
            return TaskOutcome(TaskResult.STOPPED)
        except TimeoutError:
            return TaskOutcome(TaskResult.TIMED_OUT)
        except HomeAssistantError as err:
            if deadline is None:
                raise
            if isinstance(err, NotSentError):
                return TaskOutcome(TaskResult.UNCONFIRMED)
            # A time-out may be the work itself: a backup locks the database.
            is_silent = isinstance(err.__cause__, PlexTimeoutError)
            if not (is_silent and self._coordinator.last_update_success):
                raise
            latest = self._coordinator.hass.loop.time() + OUTAGE
            shown = await self._async_wait_for(self._start_seen, min(deadline, latest))
            if shown.result is not TaskResult.STARTED:
                return TaskOutcome(TaskResult.UNCONFIRMED)
        already_ran = answer is StartResult.ALREADY_RUNNING
        if deadline is None:
            state = self._coordinator.tracker.state
            run = state.runs.get(self._task)
            result = TaskResult.QUEUED if run and run.queued else TaskResult.STARTED
            if already_ran:
                result = TaskResult.ALREADY_RUNNING
            return TaskOutcome(result, run or self._last(state))
        return await self._async_wait_for(
            lambda it: self._run_outcome(it, already_ran=already_ran), deadline
        )

    async def async_stop(self, deadline: float | None) -> TaskOutcome:
        """Stop the task; with a deadline, wait until the server shows it no more."""
        tracker = self._coordinator.tracker
        # Unlike a start, a stop that was not sent is always an error.
        answer = await self._coordinator.commands.async_send(self._order)
        if answer is StopResult.NOT_RUNNING:
            return TaskOutcome(TaskResult.NOT_RUNNING)
        answered = tracker.now()

        def stop_outcome(state: RunState) -> TaskOutcome | None:
            rows = state.rows.values()
            is_shown = any(it.task == self._task and it.busy for it in rows)
            if state.snapshot_at is None or state.snapshot_at < answered or is_shown:
                return None
            return TaskOutcome(TaskResult.STOPPED, self._last(state))

        if deadline is None:
            return TaskOutcome(TaskResult.STOPPED, self._last(tracker.state))
        return await self._async_wait_for(stop_outcome, deadline)

    async def _async_wait_for(
        self, look_fn: Callable[[RunState], TaskOutcome | None], deadline: float
    ) -> TaskOutcome:
        """Return the outcome that is waited for, or why it is not known.

        It is unconfirmed after an outage, when the entry is unloaded and when Home
        Assistant stops.
        """
        coordinator, tracker = self._coordinator, self._coordinator.tracker
        hass = coordinator.hass
        found: asyncio.Future[TaskOutcome | None] = hass.loop.create_future()

        @callback
        def async_check(news: Event | tuple[Change, ...] = ()) -> None:
            is_over = tracker.closed or isinstance(news, Event)
            outcome = look_fn(tracker.state)
            if (outcome or is_over) and not found.done():
                found.set_result(outcome)

        @callback
        def async_polled() -> None:
            # In an outage, only its first failed poll comes here.
            is_outage = not coordinator.last_update_success
            until = hass.loop.time() + OUTAGE if is_outage else deadline
            if not found.done():
                limit.reschedule(min(until, deadline))

        result = TaskResult.UNCONFIRMED
        with ExitStack() as stack:
            stack.callback(tracker.async_add_listener(async_check))
            stack.callback(coordinator.async_add_listener(async_polled))
            stack.callback(hass.bus.async_listen(EVENT_HOMEASSISTANT_STOP, async_check))
            try:
                async with asyncio.timeout_at(deadline) as limit:
                    async_check()
                    async_polled()
                    if outcome := await found:
                        return outcome
            except TimeoutError:
                if limit.when() == deadline:
                    result = TaskResult.TIMED_OUT
        return TaskOutcome(result, tracker.state.runs.get(self._task))

    def _start_seen(self, state: RunState) -> TaskOutcome | None:
        """Return STARTED once a start that was not answered shows its effect."""
        is_shown = self._task in state.runs or self._last(state)
        return TaskOutcome(TaskResult.STARTED) if is_shown else None

    def _run_outcome(self, state: RunState, *, already_ran: bool) -> TaskOutcome | None:
        """Return how a run that we asked for ended, or None while it goes on.

        Unless it `already_ran`, a run that began before our start is not ours.
        """
        if self._task in state.runs:
            return None
        result, run = TaskResult.UNCONFIRMED, self._last(state)
        if run and run.result is Result.STOPPED:
            result = TaskResult.STOPPED
        elif run and run.result is Result.ENDED:
            begun = run.started and self._order.sent <= run.started
            result = (
                TaskResult.ENDED if already_ran or begun else TaskResult.UNCONFIRMED
            )
        return TaskOutcome(result, run)

    def _last(self, state: RunState) -> EndedRun | None:
        """Return the last run if it ended after the command was sent."""
        last = state.last.get(self._task)
        return last if last and self._order.sent <= last.ended else None


def describe(task: TaskView) -> dict[str, Any]:
    """Return what a task is doing, how that is known, and what it did last."""
    return {
        "state": task.state,
        "evidence": task.evidence,
        "since": task.since,
        "progress": task.progress,
        "last_run": describe_run(task.last) if task.last else None,
    }


def describe_outcome(outcome: TaskOutcome) -> dict[str, Any]:
    """Return what became of a task; `ended_at` is None if it is only a guess."""
    result, run = outcome
    keys = ("evidence", "started_at", "ended_at", "duration")
    described: dict[str, Any] = dict.fromkeys(keys)
    if run:
        described |= describe_run(run)
    elif result in {TaskResult.STOPPED, TaskResult.NOT_RUNNING}:
        # This follows from the server's answer alone.
        described["evidence"] = Evidence.ASSUMED
    is_lost = described.get("result") is Result.LOST
    if is_lost and described["evidence"] is not Evidence.INFERRED:
        described["ended_at"] = None
    return described | {"result": result}


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
