"""When to ask the server, what its errors mean, and when to show what is known."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from time import monotonic
from typing import Any, Final, override

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.update_coordinator import (
    TimestampDataUpdateCoordinator,
    UpdateFailed,
)

from .api import (
    PlexAuthenticationError,
    PlexClient,
    PlexError,
    PlexMaintenanceError,
    PlexNotOwnerError,
    PlexRefusedError,
    PlexResponseError,
    PlexTimeoutError,
)
from .asker import TASKS, Asker
from .commands import Commands
from .const import (
    IDLE_INTERVAL,
    LOGGER,
    PATIENCE,
)
from .data import PlexButlerData
from .errors import translation
from .log_listener import LogListener
from .preferences import Preferences
from .problems import Problems
from .publisher import Publisher
from .refusals import Refusals
from .run_state import Rules
from .tasks import DATABASE_TASKS
from .tracker import RunTracker

type PlexButlerConfigEntry = ConfigEntry[PlexButlerCoordinator]

_SOON: Final = timedelta(seconds=1)

# A poll that is due anyway so soon is not moved.
_SLACK: Final = 0.5

# What a server, or a proxy in front of it, answers while its database is locked.
_BUSY_STATUSES: Final = frozenset({500, 502, 504})


class PlexButlerCoordinator(TimestampDataUpdateCoordinator[PlexButlerData]):
    """Keeps what is known of one server's Butler up to date."""

    config_entry: PlexButlerConfigEntry

    def __init__(
        self, hass: HomeAssistant, entry: PlexButlerConfigEntry, client: PlexClient
    ) -> None:
        """Take the client that does the asking."""
        super().__init__(
            hass,
            LOGGER,
            config_entry=entry,
            name=f"{entry.title} Butler",
            update_interval=IDLE_INTERVAL,
            always_update=False,
        )
        self.client = client
        self.publisher = Publisher(hass, self._async_publish, self._async_published)
        self.tracker = RunTracker(hass, entry, self.publisher.async_changed)
        self._asker = Asker(hass, entry, client, self.tracker)
        self._next_poll = float("inf")
        self._refusals = Refusals(hass, entry)
        self._problems = Problems(hass, entry)
        self._silent_since: float | None = None
        self.push_statistics_fn: Callable[[], dict[str, Any]] = dict
        self.log = LogListener(hass, entry, client, self.tracker)
        self.commands = Commands(
            hass, entry, client, self.tracker, self.log, self.async_commanded
        )
        self.preferences = Preferences(
            client, self._asker, self._async_asked, self.async_ask_soon
        )

    @property
    def machine_identifier(self) -> str:
        """Return the server's identity, which outlives names and addresses."""
        # Every entry has been given one by the config flow.
        return self.config_entry.unique_id or ""

    @property
    def push_state(self) -> str:
        """Tell whether notifications are relied upon, tried out or missing."""
        if self.tracker.trusted:
            return "trusted"
        return "connected" if self.tracker.state.push_since else "polling"

    @override
    async def _async_setup(self) -> None:
        """Remember what was known before, and what was chosen."""
        await self.preferences.async_setup(self.hass, self.config_entry)
        await self.tracker.async_load()

    @override
    async def _async_update_data(self) -> PlexButlerData:
        """Ask for what is due, and tell what errors mean."""
        try:
            data = await self._ask()
        except PlexError as err:
            self.tracker.async_apply(Rules.poll_failed, refused=False)
            if self._is_working_on_its_database(err):
                self._set_interval(IDLE_INTERVAL)
                # What was asked for was not answered.
                self._asker.forget()
                return self.data
            raise await self._async_failure(err) from err
        self._silent_since = None
        self._problems.async_clear()
        self._refusals.async_accepted()
        # What was to be asked again while this was under way may have been missed.
        missed = self._asker.has_missed
        self._set_interval(_SOON if missed else self.tracker.until_next_look)
        return data

    async def _async_failure(self, err: PlexError) -> Exception:
        """Return what an error means for the entry."""
        # Who does not answer is not asked more often for having been busy.
        self._set_interval(IDLE_INTERVAL)
        # Whatever is wrong may be that something else has the address now.
        self.client.doubt()
        self.async_heard_error(err)
        await self._problems.async_report(err)
        retry_after = None
        if isinstance(err, PlexAuthenticationError):
            retry_after = self._refusals.async_refused()
        elif isinstance(err, PlexNotOwnerError):
            self._refusals.async_accepted()
        return UpdateFailed(**translation(err), retry_after=retry_after)

    def _is_working_on_its_database(self, err: PlexError) -> bool:
        """Return True if an error is most likely the effect of a running database task.

        Such a task takes all connections to the database, so the server answers late, or
        it or a proxy in front of it answers that it cannot.
        """
        if not self.last_update_success or not _is_busy(err):
            return False
        now = monotonic()
        self._silent_since = self._silent_since or now
        return (
            now - self._silent_since < PATIENCE.total_seconds()
            and self.data is not None
            and any(
                run.is_on
                for task, run in self.tracker.view.tasks.items()
                if task in DATABASE_TASKS
            )
        )

    async def _ask(self) -> PlexButlerData:
        if not self.last_update_success:
            # Who comes back from an outage may have been updated or replaced.
            self._asker.forget()
        if self._refusals.hold_token:
            await self.client.verify()
            raise PlexAuthenticationError("The token was refused")
        server = await self._asker.async_ask()
        return self._asker.told(server, self.tracker.view)

    def _set_interval(self, interval: timedelta) -> None:
        """Have the next poll after an interval, counted from now."""
        self.update_interval = max(interval, _SOON)
        self._next_poll = monotonic() + self.update_interval.total_seconds()

    @callback
    def async_ask_again(self, *what: str) -> None:
        """Have something asked for at the next poll, however fresh it is."""
        self._asker.forget(*what)

    @callback
    def async_ask_soon(self, *what: str) -> None:
        """Have something asked for at a poll that does not wait for its turn."""
        self.async_ask_again(*what)
        self.async_look_soon()

    @callback
    def async_look_soon(self) -> None:
        """Poll soon for what is due."""
        is_late = self._next_poll - monotonic() > _SOON.total_seconds()
        if is_late and not self.tracker.closed:
            self._set_interval(_SOON)
            self._schedule_refresh()

    @callback
    def async_heard_error(self, err: PlexError) -> None:
        """Take note of what an error says of the server; a time-out says nothing."""
        match err:
            case PlexRefusedError() | PlexMaintenanceError():
                self.tracker.async_apply(Rules.poll_failed, refused=True)
            case PlexResponseError(status=502):
                self.tracker.async_apply(Rules.poll_failed, refused=True)

    @callback
    def async_commanded(self) -> None:
        """Show what a command changed, and look what became of it."""
        self.async_ask_again(TASKS)
        self._async_publish()

    @callback
    def _async_asked(self) -> None:
        """Show what was asked for between two polls."""
        if self.data:
            self.data = self._asker.told(self.data.server, self.tracker.view)
            self.async_update_listeners()

    @callback
    def _async_publish(self) -> bool:
        """Show what is known and look again in time; return if there was any news."""
        if not self.data or not self.last_update_success:
            # Let the poll tell that the outage is over.
            return False
        is_news = self.data.runs != self.tracker.view
        if is_news:
            self.data = replace(self.data, runs=self.tracker.view)
        wait = max(self.tracker.until_next_look, _SOON)
        if wait.total_seconds() < self._next_poll - monotonic() - _SLACK:
            self._set_interval(wait)
            # Also starts the timer anew, which is why it is not done for all news.
            self.async_set_updated_data(self.data)
        elif is_news:
            self.async_update_listeners()
        return is_news

    @callback
    def _async_published(self) -> None:
        self.tracker.async_tell()

    @override
    async def async_shutdown(self) -> None:
        """Leave no timer behind, and keep what is known."""
        await super().async_shutdown()
        self.publisher.async_stop()
        await self.tracker.async_close()


def _is_busy(err: PlexError) -> bool:
    """Return True if a server that is only busy may cause an error."""
    return isinstance(err, PlexTimeoutError) or (
        isinstance(err, PlexResponseError) and err.status in _BUSY_STATUSES
    )
