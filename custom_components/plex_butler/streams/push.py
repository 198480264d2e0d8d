"""Keeps streams of a server open; applies notifications of activities and settings."""

from abc import ABC, abstractmethod
import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from functools import partial
import random
from time import monotonic
from typing import TYPE_CHECKING, Any, Final, override

from .. import api
from ..const import LOGGER
from ..run_state import Moment, Rules

if TYPE_CHECKING:
    from ..coordinator import PlexButlerCoordinator

# The kinds of notifications that are used; a stream carries many more.
FILTERS: Final = ("activity", "preference")
# How often to check if a stream has become of use by time alone.
RECHECK_INTERVAL: Final = 60.0


class StreamListener(ABC):
    """Keeps a stream open while it is of use, and never gives up."""

    _stream_name: str
    # The first and the longest wait between two attempts, in seconds.
    _retry_limits: tuple[float, float]

    def __init__(self, coordinator: PlexButlerCoordinator) -> None:
        self._coordinator = coordinator
        self._client = coordinator.client
        self._name = coordinator.name
        self._tracker = coordinator.tracker
        # The stream is not opened before this moment.
        self._retry_at = 0.0
        self._wake = asyncio.Event()
        self._connects = 0
        self._async_forget_failures()

    def _async_forget_failures(self) -> None:
        self._retry_delay = self._retry_limits[0]
        self._failures = 0
        self._failing_since: Moment | None = None

    def async_start(self) -> None:
        """Begin to listen, until the entry is unloaded."""
        self._tracker.async_add_listener(self._async_tracker_notified)
        self._create_task(self._async_run())

    def _create_task(self, coroutine: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        hass, entry = self._coordinator.hass, self._coordinator.config_entry
        name = f"{self._name} {self._stream_name}"
        return entry.async_create_background_task(hass, coroutine, name)

    async def _async_run(self) -> None:
        while True:
            while not self._is_wanted or monotonic() < self._retry_at:
                self._wake.clear()
                wait = self._retry_at - monotonic()
                with suppress(TimeoutError):
                    async with asyncio.timeout(wait if wait > 0 else RECHECK_INTERVAL):
                        await self._wake.wait()
            try:
                await self._async_listen()
            except Exception as err:  # noqa: BLE001 a defect must not end the loop
                self._failures += 1
                self._failing_since = self._failing_since or self._tracker.now()
                LOGGER.debug("%s: %s failed: %s", self._name, self._stream_name, err)
                self._async_failed(err)

    @property
    @abstractmethod
    def _is_wanted(self) -> bool:
        """Return True if the stream is of use by now."""

    @abstractmethod
    async def _async_listen(self) -> None:
        """Listen until the stream ends; raise PlexError if it should not have."""

    @abstractmethod
    def _async_failed(self, err: Exception) -> None:
        """Log a failure if it is a new one, and set when the next attempt is."""

    @abstractmethod
    def _async_tracker_notified(self, _: object) -> None:
        """Wake up: the stream may be of use now."""

    @property
    def _only_stream_fails(self) -> bool:
        """Return True after several failures if polls have worked since the first."""
        state, since = self._tracker.state, self._failing_since
        asked = state.snapshot_at if state.failing_since is None else None
        # Fewer failures in a row may be a restart of the server.
        return bool(asked and since and since < asked) and self._failures >= 4

    def _next_delay(self) -> float:
        delay = self._retry_delay
        self._retry_delay = min(delay * 2, self._retry_limits[1])
        # Not all clients should reconnect at once after a power cut.
        return delay * random.uniform(0.9, 1)  # noqa: S311 no secret


class PushListener(StreamListener):
    """Listens to the notifications of one server, whenever it answers polls."""

    _stream_name, _retry_limits = "notifications", (1.0, 900.0)

    def __init__(self, coordinator: PlexButlerCoordinator) -> None:
        super().__init__(coordinator)
        self._stream: api.NotificationStream | None = None
        # Whether the last stream stayed up; True before the first one.
        self._proven = True
        # Kinds of failures that were logged since the stream last stayed up
        self._logged_failures: set[type[Exception]] = set()
        self._notifications = 0

    def statistics(self) -> dict[str, Any]:
        """Return what a bug report needs to know of the stream."""
        return {
            "connected": self._stream is not None,
            "connects": self._connects,
            "failures": self._failures,
            "frames": self._stream.frames if self._stream else 0,
            "notifications": self._notifications,
        }

    @property
    @override
    def _is_wanted(self) -> bool:
        # Polls find out when the server answers again, and if it is still the same one.
        # A refused token is sent by the polls alone.
        return self._coordinator.last_update_success

    @override
    async def _async_listen(self) -> None:
        async with self._client.notifications(filters=FILTERS) as stream:
            LOGGER.debug("%s: notifications connected", self._name)
            self._stream = stream
            self._connects += 1
            # What changed meanwhile was not notified, so fetch it. If streams keep
            # breaking, fetch once one stays up, not after each attempt.
            if self._proven:
                self._coordinator.async_refresh_soon()
            # A stream that stays up for a minute works, even if it says nothing.
            proven = partial(self._async_proven, refresh=not self._proven)
            timer = self._coordinator.hass.loop.call_later(60.0, proven)
            self._proven = False
            self._tracker.async_apply(Rules.push_changed, up=True)
            try:
                async for notifications in stream:
                    for notification in notifications:
                        self._async_notified(notification)
                    if stream.frames % 32 == 0:
                        # Frames that wait are read without yielding; 32 take 5 ms.
                        await asyncio.sleep(0)
            finally:
                timer.cancel()
                self._stream = None
                self._tracker.async_apply(Rules.push_changed, up=False)
        if not self._proven:
            raise api.PlexConnectionError(
                "The server hung up soon after the connection"
            )
        self._retry_at = monotonic() + self._next_delay()

    def _async_proven(self, *, refresh: bool) -> None:
        if self._logged_failures:
            LOGGER.info("%s: notifications are back", self._name)
        self._logged_failures.clear()
        self._proven = True
        self._async_forget_failures()
        if refresh:
            self._coordinator.async_refresh_soon()

    def _async_notified(self, notification: api.Notification) -> None:
        self._notifications += 1
        if isinstance(notification, api.PreferenceNotification):
            self._coordinator.async_settings_notified(notification)
        else:
            event, activity = notification.event, notification.activity
            self._tracker.async_apply(Rules.notified, event, activity)

    @override
    def _async_failed(self, err: Exception) -> None:
        self._retry_at = monotonic() + self._next_delay()
        if self._failures == 1:
            # The server may be down, or refuse the token: a poll shows which.
            self._coordinator.async_poll_within()
        is_defect = not isinstance(err, api.PlexError)
        kind = type(err) if is_defect else api.PlexError
        if kind in self._logged_failures or not (is_defect or self._only_stream_fails):
            return
        self._logged_failures.add(kind)
        if is_defect:
            LOGGER.error("%s: notifications failed", self._name, exc_info=err)
        else:
            # Polls work, so a proxy may block streams. Polls log other causes.
            LOGGER.warning(
                "%s: no notifications, so changes show later: %s", self._name, err
            )

    @override
    def _async_tracker_notified(self, _: object) -> None:
        """While polls fail, forget the wait, so that the stream opens right after."""
        if not self._coordinator.last_update_success:
            self._async_forget_failures()
            self._retry_at = 0.0
        self._wake.set()
