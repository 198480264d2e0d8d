"""Listens to the server's log while it may say something of Butler's tasks."""

import asyncio
from contextlib import suppress
from datetime import timedelta
from time import monotonic
from typing import TYPE_CHECKING, Any, Final, override

from homeassistant.util import dt as dt_util

from . import api
from .const import LOGGER
from .push import LOOK_INTERVAL, StreamListener
from .run_state import UNNAMED, Command, Rules
from .run_state.rules import fold

if TYPE_CHECKING:
    from .coordinator import PlexButlerCoordinator

# The clocks of the two hosts differ by less.
_MARGIN: Final = timedelta(minutes=5)
# Our own request comes back as a line within a second, if such lines come at all.
_PROOF_WAIT: Final = 5.0
# Which lines there are changes with the version, the log's level or a proxy.
_SILENT_FOR: Final = timedelta(days=1).total_seconds()
# A command is answered within this, and its line comes no later.
_COMMAND_FOR: Final = 60.0

# By the method, and whether a task is named.
_COMMANDS: Final = {
    ("POST", True): Command.START,
    ("POST", False): Command.START_ALL,
    ("DELETE", True): Command.STOP,
    ("DELETE", False): Command.STOP_ALL,
}


class LogListener(StreamListener):
    """Feeds the rules with what the log says while a task may begin or end."""

    _what, _retry_limits = "log", (5.0, 300.0)

    def __init__(self, coordinator: PlexButlerCoordinator) -> None:
        super().__init__(coordinator)
        self._client = coordinator.client
        # While it is open, this asks for what proves the log, and closes it.
        self._minder: asyncio.Task[None] | None = None
        # The log has proven that it tells; that, or that it is not open after all
        self._is_up = False
        self._settled = asyncio.Event()
        # A start is about to be sent, or was; commands whose line has yet to come
        self._wanted_until = 0.0
        self._own: dict[tuple[Command, str | None], float] = {}
        # The version whose log tells nothing
        self._silent_version: str | None = None
        self._floods = 0

    def statistics(self) -> dict[str, Any]:
        """Return what a bug report needs to know of the log."""
        return {
            "open": self._minder is not None,
            "tells": self._is_up,
            "silent": self._silent_version is not None,
            "connects": self._connects,
            "failures": self._failures,
            "floods": self._floods,
        }

    async def async_opened(self) -> None:
        """Have the log open before a start is sent, if that takes at most a second."""
        self._wanted_until = monotonic() + _COMMAND_FOR
        if not self._is_up and self._is_wanted and self._retry_at <= monotonic():
            self._settled.clear()
            self._wake.set()
            with suppress(TimeoutError):
                async with asyncio.timeout(1.0):
                    await self._settled.wait()

    def async_sent(self, command: Command, task: str | None) -> None:
        """Expect the line of a command of ours."""
        if self._is_up:
            self._own[command, task] = monotonic()

    @override
    def _async_happened(self) -> None:
        """Open the log for what the rules have just come to know of."""
        version = self._tracker.state.version
        if self._silent_version not in (None, version):
            self._silent_version = None
            self._retry_at = 0.0
        super()._async_happened()

    @property
    @override
    def _is_wanted(self) -> bool:
        state = self._tracker.state
        known, now = state.known, dt_util.utcnow()
        if self._tracker.closed or (not known.logged and known.unnamed >= UNNAMED):
            return False
        if state.busy_since or state.runs or monotonic() < self._wanted_until:
            return True
        if known.logged and not known.named:
            return True
        return state.window is not None and any(
            state.window.is_open(now + shift)
            for shift in (-_MARGIN, timedelta(), _MARGIN)
        )

    @override
    async def _async_listen(self) -> None:
        """Read the log until it is of no use or proves nothing; raise if it breaks."""
        opened = self._tracker.now()
        try:
            async with (
                self._client.log_stream() as stream,
                asyncio.timeout(_PROOF_WAIT) as limit,
            ):
                self._connects += 1
                self._minder = self._create_task(self._async_mind(limit))
                async for lines in stream:
                    if not self._is_up:
                        limit.reschedule(None)
                        self._async_proven()
                    for line in lines:
                        self._async_logged(line)
        except TimeoutError as err:
            if self._is_up:
                return
            asked = self._tracker.state.asked
            if asked is None or asked < opened:
                raise api.PlexTimeoutError("No answer to prove the log with") from err
            self._async_silent("it does not tell of our own requests")
            return
        finally:
            self._settled.set()
            if self._minder:
                self._minder.cancel()
                self._minder = None
            if self._is_up:
                self._is_up = False
                self._own.clear()
                self._tracker.async_apply(Rules.log_changed, up=False)
        if not stream.is_flooded:
            raise api.PlexConnectionError("The server closed the log")
        LOGGER.debug("%s: the log says too much", self._name)
        self._floods += 1
        self._retry_at = monotonic() + timedelta(minutes=5).total_seconds()

    async def _async_mind(self, limit: asyncio.Timeout) -> None:
        """Ask for what the log then tells of; have it closed once it is of no use."""
        with suppress(api.PlexError):
            while not self._is_up:
                asked = self._tracker.now()
                rows = await self._client.get_activities()
                self._tracker.async_apply(Rules.snapshot, rows, asked)
                await asyncio.sleep(2.0)
        while self._is_wanted:  # noqa: ASYNC110 the window opens by time alone
            await asyncio.sleep(LOOK_INTERVAL)
        limit.reschedule(0.0)

    def _async_proven(self) -> None:
        LOGGER.debug("%s: the log tells", self._name)
        self._is_up = True
        self._silent_version = None
        self._async_forget_failures()
        self._tracker.async_apply(Rules.log_changed, up=True)
        self._settled.set()

    def _async_logged(self, line: api.LogLine) -> None:
        state = self._tracker.state
        match line:
            case api.LoggedSubActivity(uuid=uuid, title=str(title), parent=parent):
                # Other work has sub-activities as well, many of them.
                if fold(title) in state.names or parent in state.rows:
                    self._client.keep("log", line)
                    self._tracker.async_apply(Rules.sub_activity_started, uuid, title)
            case api.LoggedSubActivity(uuid=uuid):
                if any(run.log_id == uuid for run in state.runs.values()):
                    self._client.keep("log", line)
                    self._tracker.async_apply(Rules.sub_activity_ended, uuid)
            case api.LoggedRequest(method=method, task=task, status=status) if (
                command := _COMMANDS.get((method, task is not None))
            ) and (task is None or task in state.tasks):
                self._client.keep("log", line)
                # Each command of ours has one line, which comes soon.
                now = self._tracker.now()
                sent = self._own.pop((command, task), float("-inf"))
                if status == 200 and monotonic() - sent > _COMMAND_FOR:
                    self._tracker.async_apply(
                        Rules.command_answered, command, task, now, ours=False
                    )

    @override
    def _async_failed(self, err: Exception) -> None:
        """Open the log later; much later if it is refused and all else works."""
        refused = isinstance(err, api.PlexResponseError) and err.status in (400, 404)
        if not isinstance(err, api.PlexError):
            LOGGER.error("%s: the log cannot be read", self._name, exc_info=err)
            self._retry_at = monotonic() + _SILENT_FOR
        elif refused or self._is_refused:
            self._async_silent(str(err))
        else:
            self._retry_at = monotonic() + self._next_delay()

    def _async_silent(self, why: str) -> None:
        """Leave alone a log that tells nothing, for a day or until the next version."""
        LOGGER.debug("%s: the log tells nothing: %s", self._name, why)
        self._silent_version = self._tracker.state.version
        self._retry_at = monotonic() + _SILENT_FOR
