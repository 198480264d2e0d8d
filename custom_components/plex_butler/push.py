"""Keeps the notification stream up, and feeds what it brings to the coordinator."""

import asyncio
from contextlib import suppress
from datetime import datetime
import random
from typing import TYPE_CHECKING, Any, Final

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.event import async_call_later
from homeassistant.util import dt as dt_util

from .api import (
    Notification,
    NotificationStream,
    PlexConnectionError,
    PlexError,
    PreferenceNotification,
)
from .const import LOGGER
from .run_state import Change, Notice, Rules

if TYPE_CHECKING:
    from .coordinator import PlexButlerCoordinator

# Waits between two attempts, in seconds.
RETRY_MINIMUM: Final = 1.0
RETRY_MAXIMUM: Final = 900.0
# A stream that stays up for so long works, even if the server has nothing to say.
PROVEN_AFTER: Final = 60.0
# Fewer failures than these in a row are a restart, or a hiccup.
FAILURES_TO_TELL: Final = 4

# So many frames take less than 5 ms; then others have their turn.
FRAMES_AT_ONCE: Final = 32

# What is needed of a stream that carries much more.
FILTERS: Final = ("activity", "preference")


class PushListener:
    """Listens to one server, for as long as its entry is loaded.

    Polling is right without it: a stream that never comes up costs nothing but time.
    """

    def __init__(
        self,
        hass: HomeAssistant,
        entry: ConfigEntry,
        coordinator: PlexButlerCoordinator,
    ) -> None:
        self._hass = hass
        self._entry = entry
        self._coordinator = coordinator
        self._wants_all = False
        self._filters: tuple[str, ...] = ()
        self._stream: NotificationStream | None = None
        # Whether the last stream stayed up; the first one has the benefit of the doubt.
        self._proven = True
        self._is_behind = False
        self._retry = RETRY_MINIMUM
        self._failures = 0
        self._failing_since: datetime | None = None
        self._answered = True
        self._told = False
        self._unexpected: set[type[Exception]] = set()
        self._wake = asyncio.Event()
        self._connects = 0
        self._notifications = 0

    async def async_run(self) -> None:
        """Keep the stream up; never give up."""
        while True:
            while not self._coordinator.last_update_success:
                # The polls find out when the server answers again, and which server it
                # is; a refused token is not sent by both of us.
                self._wake.clear()
                await self._wake.wait()
            try:
                await self._async_listen()
            except PlexError as err:
                self._async_failed(err)
            except Exception as err:  # noqa: BLE001 a defect must not end push for good
                self._async_failed_unexpectedly(err)
            self._wake.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(self._next_delay()):
                    await self._wake.wait()

    @callback
    def statistics(self) -> dict[str, Any]:
        """Return what a bug report needs to know of the stream."""
        return {
            "connected": self._stream is not None,
            "connects": self._connects,
            "failures": self._failures,
            "filters": list(self._filters),
            "frames": self._stream.frames if self._stream else 0,
            "notifications": self._notifications,
        }

    @callback
    def async_start(self) -> None:
        """Begin to listen, until the entry is unloaded."""
        coordinator = self._coordinator
        self._entry.async_on_unload(
            coordinator.tracker.async_add_change_listener(self._async_changed)
        )
        self._entry.async_on_unload(coordinator.async_add_listener(self._async_polled))
        self._entry.async_create_background_task(
            self._hass, self.async_run(), f"{coordinator.name} notifications"
        )

    async def _async_listen(self) -> None:
        """Listen until the stream ends.

        Raises PlexError if it fails, or ends before it has proven itself.
        """
        client = self._coordinator.client
        self._filters = () if self._wants_all else FILTERS
        async with client.notifications(filters=self._filters) as stream:
            unsub = async_call_later(self._hass, PROVEN_AFTER, self._async_proven)
            try:
                self._async_connected(stream)
                async for notifications in stream:
                    for notification in notifications:
                        self._async_notified(notification)
                    if stream.frames % FRAMES_AT_ONCE == 0:
                        # What waits in the socket's buffer is read without a pause.
                        await asyncio.sleep(0)
            finally:
                unsub()
                self._stream = None
                self._coordinator.tracker.async_apply(Rules.push_changed, up=False)
        # A stream without filters is a reason of ours to hang up.
        if not self._proven and not (self._wants_all and self._filters):
            raise PlexConnectionError("The server hung up soon after the connection")

    @callback
    def _async_connected(self, stream: NotificationStream) -> None:
        LOGGER.debug("%s: notifications connected", self._coordinator.name)
        self._stream = stream
        self._connects += 1
        # What changed meanwhile was in no notification. A stream that breaks again and
        # again must not have everything asked for each time: it has to stay up first.
        self._is_behind = not self._proven
        if self._proven:
            self._coordinator.async_refresh_soon()
        self._proven = False
        self._coordinator.tracker.async_apply(Rules.push_changed, up=True)

    @callback
    def _async_proven(self, _: datetime) -> None:
        """Forget earlier failures: the stream has stayed up."""
        if self._told:
            LOGGER.info("%s: notifications are back", self._coordinator.name)
        self._told = False
        self._unexpected.clear()
        self._proven = True
        self._retry = RETRY_MINIMUM
        self._failures = 0
        self._failing_since = None
        if self._is_behind:
            self._coordinator.async_refresh_soon()

    @callback
    def _async_notified(self, notification: Notification) -> None:
        self._notifications += 1
        if isinstance(notification, PreferenceNotification):
            self._coordinator.async_settings_notified(notification)
            return
        self._coordinator.tracker.async_apply(
            Rules.notified, notification.event, notification.activity
        )

    @callback
    def _async_failed(self, err: PlexError) -> None:
        """Note a failure, which says nothing of the server.

        A proxy may let no stream through. While HTTP does not answer either, the
        coordinator has logged that already.
        """
        LOGGER.debug("%s: notifications failed: %s", self._coordinator.name, err)
        self._failing_since = self._failing_since or dt_util.utcnow()
        self._failures += 1
        if self._failures == 1:
            # The server may be gone, or refuse the token: a poll says which.
            self._coordinator.async_poll_within()
        if self._failures >= FAILURES_TO_TELL and not self._told and self._polls_work:
            self._told = True
            LOGGER.warning(
                "%s: no notifications, so changes show later: %s",
                self._coordinator.name,
                err,
            )

    @callback
    def _async_failed_unexpectedly(self, err: Exception) -> None:
        """Log an error that nothing foresaw, each kind once until the stream works."""
        log = LOGGER.debug if type(err) in self._unexpected else LOGGER.error
        self._unexpected.add(type(err))
        self._told = True
        log("%s: notifications failed", self._coordinator.name, exc_info=err)

    @property
    def _polls_work(self) -> bool:
        """Return True if the server has answered otherwise since this began to fail."""
        answered = self._coordinator.last_update_success_time
        return bool(
            self._coordinator.last_update_success
            and answered
            and self._failing_since
            and answered > self._failing_since
        )

    @callback
    def _async_polled(self) -> None:
        """Try again at once when the server answers again."""
        answers = self._coordinator.last_update_success
        if answers and not self._answered:
            self._retry = RETRY_MINIMUM
            self._failures = 0
            self._failing_since = None
            self._wake.set()
        self._answered = answers

    @callback
    def _async_changed(self, changes: tuple[Change, ...]) -> None:
        """Listen to everything if what was asked for does not come."""
        missed = Notice.PUSH_MISSED in changes
        if missed and self._stream and not self._wants_all:
            self._wants_all = True
            self._entry.async_create_background_task(
                self._hass,
                self._stream.close(),
                f"{self._coordinator.name} notifications reconnect",
            )

    def _next_delay(self) -> float:
        delay = self._retry
        self._retry = min(self._retry * 2, RETRY_MAXIMUM)
        # Many homes lose the same power at once.
        return delay * random.uniform(0.5, 1)  # noqa: S311 no secret
