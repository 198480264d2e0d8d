"""Listens to the server's log while it may say something of Butler's tasks."""

import asyncio
from collections import deque
from contextlib import suppress
from datetime import datetime, timedelta
from time import monotonic
from typing import Any, Final

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import CALLBACK_TYPE, HassJob, HomeAssistant, callback
from homeassistant.helpers.event import async_call_later, async_track_time_interval
from homeassistant.util import dt as dt_util

from .api import (
    LoggedBegin,
    LoggedEnd,
    LoggedRequest,
    LogLine,
    LogStream,
    PlexClient,
    PlexConnectionError,
    PlexError,
    PlexResponseError,
    PlexTimeoutError,
)
from .const import LOGGER
from .run_state import Command, Moment, Rules
from .run_state.activities import fold
from .tracker import RunTracker

# How often to see whether the log has become of use, or is of none any more
_LOOK_INTERVAL: Final = timedelta(minutes=1)
# The clocks of the two hosts differ by less.
_MARGIN: Final = timedelta(minutes=5)
# A start waits for the log no longer than this.
_START_WAIT: Final = 1.0
# Our own request comes back as a line within a second, if such lines come at all.
_PROOF_WAIT: Final = 5.0
_PROOF_INTERVAL: Final = 2.0
# Which lines there are changes with the version, the log's level or a proxy.
_SILENT_FOR: Final = timedelta(days=1).total_seconds()
_FLOODED_FOR: Final = timedelta(minutes=5).total_seconds()
_RETRY_MINIMUM: Final = 5.0
_RETRY_MAXIMUM: Final = 300.0
# So many failures in a row, while requests are answered, are a refusal.
_FAILURES: Final = 3
# So many runs without a line of the log show that it does not name tasks.
_UNNAMED_RUNS: Final = 3
# A command is answered within this, and its line comes no later.
_COMMAND_FOR: Final = 60.0
# More sub-activities of Butler's are not at work at once.
_MAX_BEGUN: Final = 100

_REQUESTS: Final = {
    Command.START: "POST",
    Command.START_ALL: "POST",
    Command.STOP: "DELETE",
    Command.STOP_ALL: "DELETE",
}


class LogListener:
    """Feeds the rules with what one server's log says of tasks.

    The log is a lot to listen to, so it is open only while a task may begin or end.
    """

    def __init__(
        self,
        hass: HomeAssistant,
        entry: ConfigEntry,
        client: PlexClient,
        tracker: RunTracker,
    ) -> None:
        self._hass = hass
        self._entry = entry
        self._client = client
        self._tracker = tracker
        self._name = f"{entry.title} Butler"
        self._task: asyncio.Task[None] | None = None
        self._stream: LogStream | None = None
        # The log has proven that it tells; that, or that it is not open after all
        self._is_up = False
        self._settled = asyncio.Event()
        self._answered = False
        # A start is about to be sent, or was; commands whose line has yet to come
        self._wanted_until = 0.0
        self._own: deque[tuple[str, str | None, float]] = deque()
        self._begun: deque[str] = deque(maxlen=_MAX_BEGUN)
        # Until it calls, the log stays closed, unless the version is another one
        self._unsub_wait: CALLBACK_TYPE | None = None
        self._silent_version: str | None = None
        self._retry = _RETRY_MINIMUM
        self._failures = 0
        self._failing_since: Moment | None = None
        self._connects = 0
        self._floods = 0

    @callback
    def statistics(self) -> dict[str, Any]:
        """Return what a bug report needs to know of the log."""
        return {
            "open": self._stream is not None,
            "tells": self._is_up,
            "silent": self._silent_version is not None,
            "connects": self._connects,
            "failures": self._failures,
            "floods": self._floods,
        }

    @callback
    def async_start(self) -> None:
        """Begin to see whether the log is of use, until the entry is unloaded."""
        self._entry.async_on_unload(
            async_track_time_interval(
                self._hass, self._async_look, _LOOK_INTERVAL, cancel_on_shutdown=True
            )
        )
        self._entry.async_on_unload(
            self._tracker.async_add_listener(self._async_happened)
        )
        self._entry.async_on_unload(self._async_wait_no_more)
        self._async_look()

    async def async_opened(self) -> None:
        """Have the log open before a start is sent, if that takes no longer than it may."""
        self._wanted_until = monotonic() + _COMMAND_FOR
        self._async_look()
        if self._task:
            with suppress(TimeoutError):
                async with asyncio.timeout(_START_WAIT):
                    await self._settled.wait()

    @callback
    def async_sent(self, command: Command, task: str | None) -> None:
        """Expect the line of a command of ours."""
        if self._is_up:
            self._own.append((_REQUESTS[command], task, monotonic()))

    @callback
    def _async_look(self, _: datetime | None = None) -> None:
        """Open the log if it is of use by now, or close it."""
        if self._is_wanted:
            self._async_open()
        elif self._task:
            self._task.cancel()

    @callback
    def _async_happened(self) -> None:
        """Open the log for what the rules have just come to know of."""
        state = self._tracker.state
        if self._task is None and (state.busy or state.runs) and self._is_wanted:
            self._async_open()

    @property
    def _is_wanted(self) -> bool:
        state = self._tracker.state
        known, now = state.known, dt_util.utcnow()
        if not known.logged and known.runs_not_logged >= _UNNAMED_RUNS:
            return False
        if state.busy or state.runs or monotonic() < self._wanted_until:
            return True
        if known.logged and not known.tasks:
            return True
        return state.window is not None and any(
            state.window.is_open(now + shift)
            for shift in (-_MARGIN, timedelta(), _MARGIN)
        )

    @callback
    def _async_open(self) -> None:
        if self._task or self._tracker.closed:
            return
        if self._silent_version not in (None, self._tracker.state.version):
            self._silent_version = None
            self._async_wait_no_more()
        if self._unsub_wait:
            return
        self._settled.clear()
        self._task = self._entry.async_create_background_task(
            self._hass, self._async_listen(), f"{self._name} log"
        )
        self._task.add_done_callback(self._async_closed)

    @callback
    def _async_closed(self, task: asyncio.Task[None]) -> None:
        self._task = None
        self._settled.set()
        if not task.cancelled() and (err := task.exception()):
            LOGGER.error("%s: the log cannot be read", self._name, exc_info=err)
            self._async_wait_for(_SILENT_FOR)

    async def _async_listen(self) -> None:
        try:
            async with self._client.log_stream() as stream:
                self._stream = stream
                self._connects += 1
                await self._async_read(stream)
        except PlexError as err:
            self._async_failed(err)

    async def _async_read(self, stream: LogStream) -> None:
        """Read what the log says until it ends, or has proven nothing for too long.

        Raises PlexError if it breaks.
        """
        self._answered = False
        proof = self._entry.async_create_background_task(
            self._hass, self._async_prove(), f"{self._name} log"
        )
        try:
            async with asyncio.timeout(_PROOF_WAIT) as limit:
                async for lines in stream:
                    if not self._is_up:
                        limit.reschedule(None)
                        self._async_proven()
                    for line in lines:
                        self._async_logged(line)
        except TimeoutError as err:
            if not self._answered:
                raise PlexTimeoutError("No answer to prove the log with") from err
            self._async_silent("it does not tell of our own requests")
            return
        finally:
            proof.cancel()
            self._stream = None
            if self._is_up:
                self._is_up = False
                self._own.clear()
                self._tracker.async_apply(Rules.log_changed, up=False)
        if not stream.is_flooded:
            raise PlexConnectionError("The server closed the log")
        LOGGER.debug("%s: the log says too much", self._name)
        self._floods += 1
        self._async_wait_for(_FLOODED_FOR)

    async def _async_prove(self) -> None:
        """Ask for what the log then tells of."""
        with suppress(PlexError):
            while not self._is_up:
                asked = self._tracker.now()
                rows = await self._client.get_activities()
                self._answered = True
                self._tracker.async_apply(Rules.snapshot, rows, asked)
                await asyncio.sleep(_PROOF_INTERVAL)

    @callback
    def _async_proven(self) -> None:
        LOGGER.debug("%s: the log tells", self._name)
        self._is_up = True
        self._silent_version = None
        self._retry = _RETRY_MINIMUM
        self._failures = 0
        self._failing_since = None
        self._tracker.async_apply(Rules.log_changed, up=True)
        self._settled.set()

    @callback
    def _async_logged(self, line: LogLine) -> None:
        state = self._tracker.state
        match line:
            case LoggedBegin(uuid=uuid, title=title, parent=parent):
                # Other work has sub-activities as well, many of them.
                if fold(title) in state.names or parent in state.rows:
                    self._begun.append(uuid)
                    self._client.keep("log", line)
                    self._tracker.async_apply(Rules.sub_activity_started, uuid, title)
            case LoggedEnd(uuid=uuid):
                if uuid in self._begun or any(
                    run.log_id == uuid for run in state.runs.values()
                ):
                    self._client.keep("log", line)
                    self._tracker.async_apply(Rules.sub_activity_ended, uuid)
            case LoggedRequest(method="POST" | "DELETE", task=task):
                self._client.keep("log", line)
                if not self._is_own(line) and line.is_done:
                    command = next(
                        it
                        for it, method in _REQUESTS.items()
                        if method == line.method
                        and (it in (Command.START_ALL, Command.STOP_ALL))
                        is (task is None)
                    )
                    self._tracker.async_apply(Rules.foreign_command, command, task)

    def _is_own(self, line: LoggedRequest) -> bool:
        """Return True once for each command of ours that was sent."""
        for own in tuple(self._own):
            method, task, at = own
            if monotonic() - at > _COMMAND_FOR:
                self._own.remove(own)
            elif (method, task) == (line.method, line.task):
                self._own.remove(own)
                return True
        return False

    @callback
    def _async_failed(self, err: PlexError) -> None:
        """Open the log later; much later if it is refused and all else works."""
        LOGGER.debug("%s: the log failed: %s", self._name, err)
        state = self._tracker.state
        self._failures += 1
        self._failing_since = self._failing_since or self._tracker.now()
        works = (
            state.failing_since is None
            and state.asked is not None
            and self._failing_since < state.asked
        )
        refused = isinstance(err, PlexResponseError) and err.status in (400, 404)
        if refused or (works and self._failures >= _FAILURES):
            self._async_silent(str(err))
        else:
            self._async_wait_for(self._retry)
            self._retry = min(self._retry * 2, _RETRY_MAXIMUM)

    @callback
    def _async_silent(self, why: str) -> None:
        """Leave alone a log that tells nothing, for a day or until the next version."""
        LOGGER.debug("%s: the log tells nothing: %s", self._name, why)
        self._silent_version = self._tracker.state.version
        self._async_wait_for(_SILENT_FOR)

    @callback
    def _async_wait_for(self, seconds: float) -> None:
        """Leave the log closed for so long, and open it then if it is of use."""
        self._async_wait_no_more()
        job = HassJob(self._async_waited, cancel_on_shutdown=True)
        self._unsub_wait = async_call_later(self._hass, seconds, job)

    @callback
    def _async_waited(self, _: datetime) -> None:
        self._unsub_wait = None
        self._async_look()

    @callback
    def _async_wait_no_more(self) -> None:
        if self._unsub_wait:
            self._unsub_wait()
            self._unsub_wait = None
