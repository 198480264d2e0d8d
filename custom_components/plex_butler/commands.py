"""Commands to Butler, and what their answers say of its tasks."""

from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Final

from .api import PlexClient, PlexResponseError, StartResult, StopResult
from .errors import translated_errors
from .run_state import Answer, Command, CommandAnswered, CommandSent
from .tracker import RunTracker

_ANSWERS: Final[Mapping[StartResult | StopResult | None, Answer]] = {
    None: Answer.OK,
    StartResult.STARTED: Answer.OK,
    StartResult.ALREADY_RUNNING: Answer.ALREADY_RUNNING,
    StopResult.STOPPED: Answer.OK,
    StopResult.NOT_RUNNING: Answer.NOT_RUNNING,
}


class Commands:
    """What people and automations can ask of one server's Butler.

    Every method raises a translated HomeAssistantError if the server does not do it.
    """

    def __init__(
        self, client: PlexClient, tracker: RunTracker, on_done: Callable[[], None]
    ) -> None:
        """Take who asks the server, who keeps track and whom to tell."""
        self._client = client
        self._tracker = tracker
        self._on_done = on_done

    async def async_start_task(self, name: str) -> StartResult:
        """Have a task started; that it runs already is no error."""
        request = self._client.start_task(name)
        return await self._async_send(Command.START, name, request)

    async def async_stop_task(self, name: str) -> StopResult:
        """Have a task stopped; that it does not run is no error."""
        return await self._async_send(Command.STOP, name, self._stop_task(name))

    async def async_start_all_tasks(self) -> None:
        """Have all tasks started that are due; which those are, only the server knows."""
        request = self._client.start_all_tasks()
        await self._async_send(Command.START_ALL, None, request)

    async def async_stop_all_tasks(self) -> None:
        """Have all tasks stopped, and taken off the queue."""
        request = self._client.stop_all_tasks()
        await self._async_send(Command.STOP_ALL, None, request)

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
        command: Command,
        task: str | None,
        request: Coroutine[Any, Any, ResultT],
    ) -> ResultT:
        """Send a command; what is seen from now on may be its doing."""
        sent = self._tracker.now()
        self._tracker.async_apply(CommandSent(command=command, task=task))
        answer = Answer.FAILED
        try:
            with translated_errors():
                result = await request
            answer = _ANSWERS[result]
        finally:
            self._tracker.async_apply(
                CommandAnswered(command=command, task=task, sent=sent, answer=answer)
            )
        self._on_done()
        return result
