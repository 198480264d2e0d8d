"""Listens to the server's log while it may say something of Butler's tasks."""

import asyncio
from contextlib import suppress
from datetime import timedelta
from time import monotonic
from typing import TYPE_CHECKING, Any, Final, override

from homeassistant.util import dt as dt_util

from .. import api
from ..const import LOGGER
from ..run_state import UNNAMED_LIMIT, Command, Rules
from ..tasks import fold
from .push import RECHECK_INTERVAL, StreamListener

if TYPE_CHECKING:
    from ..coordinator import PlexButlerCoordinator

# The clocks of the two hosts differ by less.
_CLOCK_MARGIN: Final = timedelta(minutes=5)
# A log that had no lines is tried again: its level or a proxy may have changed.
_RETRY_SILENT_AFTER: Final = timedelta(days=1).total_seconds()
# The line of a command comes within this time, as does the command's answer.
_LINE_WITHIN: Final = 60.0

_COMMANDS: Final = {"POST": Command.START, "DELETE": Command.STOP}


class LogListener(StreamListener):
    """Feeds the rules with what the log says while a task may begin or end."""

    _stream_name, _retry_limits = "log", (5.0, 300.0)

    def __init__(self, coordinator: PlexButlerCoordinator) -> None:
        super().__init__(coordinator)
        # While the log is open, this task has it proven, and later closes it.
        self._watcher: asyncio.Task[None] | None = None
        # True: the open log has shown a line. Event: that, or the attempt has failed.
        self._is_proven = False
        self._attempt_done = asyncio.Event()
        # Until when a start may show in the log; commands whose line has yet to come
        self._start_expected_until = 0.0
        self._expected_lines: list[tuple[Command, str | None, float]] = []
        # The version whose log had no lines
        self._silent_version: str | None = None
        self._floods = 0

    def statistics(self) -> dict[str, Any]:
        """Return what a bug report needs to know of the log."""
        return {
            "open": self._watcher is not None,
            "tells": self._is_proven,
            "silent": self._silent_version is not None,
            "connects": self._connects,
            "failures": self._failures,
            "floods": self._floods,
        }

    async def async_ensure_open(self) -> None:
        """Open the log before a start is sent; wait for that a second at most."""
        self._start_expected_until = monotonic() + _LINE_WITHIN
        if not self._is_proven and self._is_wanted and self._retry_at <= monotonic():
            self._attempt_done.clear()
            self._wake.set()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._attempt_done.wait(), 1.0)

    def async_expect_line(self, command: Command, task: str | None) -> None:
        """Expect the line of our command, to tell it from those of other clients."""
        if self._is_proven:
            self._expected_lines.append((command, task, monotonic()))

    @override
    def _async_tracker_notified(self, _: object) -> None:
        """Check if an event has made the log of use, or has shown a new version."""
        version = self._tracker.state.version
        if self._silent_version not in (None, version):
            self._silent_version = None
            self._retry_at = 0.0
        self._wake.set()

    @property
    @override
    def _is_wanted(self) -> bool:
        state, known = self._tracker.state, self._tracker.state.capabilities
        never_tells = not known.logs_tasks and known.unlogged >= UNNAMED_LIMIT
        # As with notifications, it is up to the polls to send a refused token.
        is_shut = not (self._coordinator.last_update_success or self._watcher)
        if is_shut or self._tracker.closed or never_tells:
            return False
        if state.busy_since or state.runs or monotonic() < self._start_expected_until:
            return True
        if known.logs_tasks and not known.names_tasks:
            return True
        now = dt_util.utcnow()
        moments = (now - _CLOCK_MARGIN, now, now + _CLOCK_MARGIN)
        return state.window is not None and any(map(state.window.is_open, moments))

    @override
    async def _async_listen(self) -> None:
        """Read the log while it is proven and of use; raise PlexError if it breaks."""
        opened = self._tracker.now()
        try:
            async with (
                self._client.log_stream() as stream,
                # A request of ours shows within a second, if any request does.
                asyncio.timeout(5.0) as limit,
            ):
                self._connects += 1
                self._watcher = self._create_task(self._async_watch(limit))
                async for lines in stream:
                    if not self._is_proven:
                        limit.reschedule(None)
                        LOGGER.debug("%s: the log tells", self._name)
                        self._is_proven, self._silent_version = True, None
                        self._async_forget_failures()
                        self._tracker.async_apply(Rules.log_changed, up=True)
                        self._attempt_done.set()
                    for line in lines:
                        self._async_logged(line)
        except TimeoutError as err:
            if self._is_proven:
                return
            asked = self._tracker.state.snapshot_at
            if asked is None or asked < opened:
                raise api.PlexTimeoutError("No answer to prove the log with") from err
            self._async_found_silent("it does not tell of our own requests")
            return
        finally:
            self._attempt_done.set()
            if self._watcher:
                self._watcher.cancel()
                self._watcher = None
            if self._is_proven:
                self._is_proven = False
                self._expected_lines.clear()
                self._tracker.async_apply(Rules.log_changed, up=False)
        if not stream.is_flooded:
            raise api.PlexConnectionError("The server closed the log")
        LOGGER.debug("%s: the log says too much", self._name)
        self._floods += 1
        self._retry_at = monotonic() + timedelta(minutes=5).total_seconds()

    async def _async_watch(self, limit: asyncio.Timeout) -> None:
        """Send requests until one is in the log; close the log once it is of no use."""
        with suppress(api.PlexError):
            while not self._is_proven:
                asked = self._tracker.now()
                rows = await self._client.get_activities()
                self._tracker.async_apply(Rules.snapshot, rows, asked)
                await asyncio.sleep(2.0)
        while self._is_wanted:  # noqa: ASYNC110 the window opens by time alone
            await asyncio.sleep(RECHECK_INTERVAL)
        limit.reschedule(0.0)

    def _async_logged(self, line: api.LogLine) -> None:
        state, tracker = self._tracker.state, self._tracker
        match line:
            case api.LoggedSubActivity(uuid=uuid, title=str(title), parent=parent):
                # Work that is no Butler task has many sub-activities as well.
                if fold(title) in state.task_by_text or parent in state.rows:
                    self._client.record_event("log", line)
                    tracker.async_apply(Rules.sub_activity_started, uuid, title)
            case api.LoggedSubActivity(uuid=uuid):
                if any(run.log_id == uuid for run in state.runs.values()):
                    self._client.record_event("log", line)
                    tracker.async_apply(Rules.sub_activity_ended, uuid)
            case api.LoggedRequest(method=method, task=task, status=status) if (
                command := _COMMANDS.get(method)
            ) and (task is None or task in state.tasks):
                self._client.record_event("log", line)
                # Each command of ours has one line, which comes soon.
                now, since = tracker.now(), monotonic() - _LINE_WITHIN
                expected = [it for it in self._expected_lines if it[2] >= since]
                own = next((it for it in expected if it[:2] == (command, task)), None)
                self._expected_lines = [it for it in expected if it is not own]
                if status == 200 and not own:
                    rule = Rules.command_answered
                    tracker.async_apply(rule, command, task, now, ours=False)

    @override
    def _async_failed(self, err: Exception) -> None:
        """Open the log later; much later if it is refused and all else works."""
        refused = isinstance(err, api.PlexResponseError) and err.status in (400, 404)
        if not isinstance(err, api.PlexError):
            LOGGER.error("%s: the log cannot be read", self._name, exc_info=err)
            self._retry_at = monotonic() + _RETRY_SILENT_AFTER
        elif refused or self._only_stream_fails:
            self._async_found_silent(str(err))
        else:
            self._retry_at = monotonic() + self._next_delay()

    def _async_found_silent(self, why: str) -> None:
        """Keep a log without lines closed for a day, or until the version changes."""
        LOGGER.debug("%s: the log tells nothing: %s", self._name, why)
        self._silent_version = self._tracker.state.version
        self._retry_at = monotonic() + _RETRY_SILENT_AFTER
