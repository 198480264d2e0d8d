"""Polls a server, and updates the entities when something changed."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from time import monotonic
from typing import Final, override

from homeassistant.config_entries import SOURCE_REAUTH, ConfigEntry
from homeassistant.const import CONF_TIME_ZONE
from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers.debounce import Debouncer
from homeassistant.helpers.update_coordinator import (
    TimestampDataUpdateCoordinator,
    UpdateFailed,
)
from homeassistant.util import dt as dt_util

from . import api, connection, const
from .commands import Commands
from .dynamic_entities import PREFERENCE_ID, TASK_ID, StaleEntities
from .repairs import async_forget_problems, async_report_error
from .run_state import IDLE, ButlerView, Moment, Rules
from .schedule import ScheduleCoordinator, Window
from .streams import LogListener, PushListener
from .tasks import DATABASE_TASKS
from .tracker import RunTracker

type PlexButlerConfigEntry = ConfigEntry[PlexButlerCoordinator]

# The parts that only some polls fetch.
SERVER: Final = "server"
SETTINGS: Final = "settings"
TASKS: Final = "tasks"

_SOON: Final = timedelta(seconds=1)
_NEVER: Final = float("-inf")


@dataclass(frozen=True, kw_only=True, slots=True)
class PlexButlerData:
    """What entities show; `preferences` are the settings of the schedule."""

    server: api.Server
    tasks: Mapping[str, api.ButlerTask]
    runs: ButlerView
    preferences: Mapping[str, api.Preference]
    window: Window | None


class PlexButlerCoordinator(TimestampDataUpdateCoordinator[PlexButlerData]):
    """Coordinates one server: polls it, and publishes changes by polls and push."""

    config_entry: PlexButlerConfigEntry

    def __init__(
        self, hass: HomeAssistant, entry: PlexButlerConfigEntry, client: api.PlexClient
    ) -> None:
        super().__init__(
            hass,
            const.LOGGER,
            config_entry=entry,
            name=f"{entry.title} Butler",
            update_interval=const.RETRY_INTERVAL,
            always_update=False,
        )
        self.client = client
        # The config flow gives each entry a unique id.
        self.machine_identifier = entry.unique_id or ""
        self.tracker = RunTracker(self)
        self.log = LogListener(self)
        self.commands = Commands(self)
        self.schedule = ScheduleCoordinator(self)
        self.schedule.async_add_listener(self._async_settings_updated)
        self.push = PushListener(self)
        self._stale_tasks = StaleEntities(self, TASK_ID, const.TRUSTED_INTERVAL)
        self._stale_preferences = StaleEntities(
            self, PREFERENCE_ID, const.PREFERENCES_INTERVAL
        )
        # When each part was fetched last; `schedule.due_at` is for the settings.
        self._fetched_at = {SERVER: _NEVER, TASKS: _NEVER}
        self._tasks: Mapping[str, api.ButlerTask] = {}
        self._tasks_request = object()
        self._silent_since: float | None = None
        self._shown: PlexButlerData | None = None
        self._next_poll = float("inf")
        self._poll: asyncio.Task[object] | None = None
        self._publisher = Debouncer(
            hass,
            const.LOGGER,
            cooldown=const.PUBLISH_INTERVAL.total_seconds(),
            immediate=True,
            function=self._async_publish,
        )

    @override
    async def _async_setup(self) -> None:
        if zone := self.config_entry.options.get(CONF_TIME_ZONE):
            self.schedule.zone = await dt_util.async_get_time_zone(zone)
        await self.tracker.async_load()

    @override
    async def _async_update_data(self) -> PlexButlerData:
        self._poll = asyncio.current_task()
        try:
            await self._async_fetch()
        except api.PlexError as err:
            is_locked = self._is_database_locked(err)
            # A time-out does not show that the server is down.
            is_down = isinstance(err, api.PlexRefusedError | api.PlexMaintenanceError)
            is_down |= getattr(err, "status", None) == 502 and not is_locked
            self.tracker.async_apply(Rules.poll_failed, refused=is_down)
            # Back off while the server is failing, then fetch everything.
            self.async_invalidate()
            self._set_interval(const.RETRY_INTERVAL)
            if is_locked:
                return self.data
            raise await self._async_report_failure(err) from err
        finally:
            self._poll = None
        self._silent_since = None
        if not (self.data and self.last_update_success):
            # The first poll also closes repairs that an earlier set-up left.
            async_forget_problems(self.hass, self.config_entry, SOURCE_REAUTH)
        # A part may have been invalidated while it was fetched.
        is_stale = _NEVER in self._fetched_at.values()
        is_stale |= monotonic() >= self.schedule.due_at
        self._set_interval(_SOON if is_stale else self.tracker.until_next_snapshot)
        return self._build_data()

    async def _async_report_failure(self, err: api.PlexError) -> UpdateFailed:
        """Create the repair or start the reauth for an error; return UpdateFailed."""
        # Another server may have the address now.
        self.client.require_verification()
        entry, retry_after = self.config_entry, None
        await async_report_error(self.hass, entry, err)
        if isinstance(err, api.PlexAuthenticationError):
            now = monotonic()
            refused = connection.refusals(self.hass)
            refusal = refused.setdefault(entry.entry_id, connection.Refusal(now, now))
            retry_after = refusal.next_poll_delay()
            if refusal.is_lasting:
                # ConfigEntryAuthFailed would end the polls, which notice a good token.
                entry.async_start_reauth(self.hass)
        elif isinstance(err, api.PlexNotOwnerError):
            connection.refusals(self.hass).pop(entry.entry_id, None)
        return UpdateFailed(**connection.translation(err), retry_after=retry_after)

    def _is_database_locked(self, err: api.PlexError) -> bool:
        """Return True if an error is probably caused by a running database task."""
        # Such a task takes all connections to the database. Then the server, or a proxy
        # in front of it, answers late or with an error.
        is_busy = getattr(err, "status", None) in {500, 502, 504}
        is_busy |= isinstance(err, api.PlexTimeoutError)
        if not (self.data and self.last_update_success and is_busy):
            return False
        now, runs = monotonic(), self.tracker.view.tasks
        self._silent_since = self._silent_since or now
        is_locked = any(runs.get(task, IDLE).is_on for task in DATABASE_TASKS)
        return is_locked and now - self._silent_since < const.PATIENCE.total_seconds()

    async def _async_fetch(self) -> None:
        """Fetch the activities, and every other part that is due; raise PlexError."""
        refusal = connection.refusals(self.hass).get(self.config_entry.entry_id)
        if refusal and monotonic() < refusal.next_try - const.EARLY:
            # Until the next try, only see if this is still the server.
            await self.client.verify()
            raise api.PlexAuthenticationError("The token was refused")
        if self.data:
            await self._async_fetch_due()
            return
        # Entities wait for the first poll, so it sends all its requests at once.
        asked = self.tracker.now()
        async with self.client.prefetch("/", "/:/prefs", "/butler", "/activities"):
            await self._async_fetch_due(asked)

    async def _async_fetch_due(self, asked: Moment | None = None) -> None:
        machine = self.machine_identifier
        is_server_due = self._is_due(SERVER, const.SERVER_INTERVAL)
        if is_server_due:
            self._fetched_at[SERVER] = monotonic()
            self._server = await connection.async_get_server(self.client, machine)
            self.tracker.async_apply(Rules.version_seen, version=self._server.version)
        try:
            if monotonic() >= self.schedule.due_at - const.EARLY:
                await self.schedule.async_read()
            is_trusted = self.tracker.state.push_trusted
            interval = const.TRUSTED_INTERVAL if is_trusted else const.TASKS_INTERVAL
            if not self._tasks or self._is_due(TASKS, interval):
                await self._async_fetch_tasks()
            if is_server_due:
                # After the stale checks, which compare with the version before.
                self._async_update_device()
            asked = asked or self.tracker.now()
            rows = await self.client.get_activities()
        except (api.PlexAuthenticationError, api.PlexForbiddenError) as err:
            raise await connection.async_classify_refusal(self.client, machine) from err
        self.tracker.async_apply(Rules.snapshot, rows=rows, asked=asked)

    def _async_update_device(self) -> None:
        identifier, server = self.machine_identifier, self._server
        # The Plex integration's device has the server's name alone.
        name = connection.short_name(connection.server_name(server))
        dr.async_get(self.hass).async_get_or_create(
            config_entry_id=self.config_entry.entry_id,
            configuration_url=f"{self.client.url}/web",
            entry_type=dr.DeviceEntryType.SERVICE,
            # The second identifier links this device with the Plex integration's.
            identifiers={(const.DOMAIN, identifier), (const.PLEX_DOMAIN, identifier)},
            manufacturer="Plex",
            model="Plex Media Server",
            name=f"{name} Butler",
            sw_version=server.version,
        )

    def _is_due(self, part: str, interval: timedelta) -> bool:
        since = monotonic() - self._fetched_at[part]
        return since >= interval.total_seconds() - const.EARLY

    async def _async_fetch_tasks(self) -> None:
        """Fetch the tasks; drop the answer if a newer request was sent meanwhile."""
        self._fetched_at[TASKS] = monotonic()
        self._tasks_request = request = object()
        tasks = await self.client.get_butler_tasks()
        if request is self._tasks_request:
            self._tasks = {task.name: task for task in tasks}
            version = self._server.version
            self._stale_tasks.async_process_list(self._tasks, version=version)
            self.tracker.async_apply(Rules.tasks_listed, tasks=tasks)

    def _build_data(self) -> PlexButlerData:
        return PlexButlerData(
            server=self._server,
            tasks=self._tasks,
            runs=self.tracker.view,
            preferences=self.schedule.data,
            window=self.schedule.window,
        )

    async def async_set_settings(
        self, values: Mapping[str, api.PreferenceValue]
    ) -> None:
        """Change settings, all or none; raise a translated error on failure."""
        try:
            await self.schedule.async_set(values)
            # The server decides which tasks are enabled by the new settings.
            await self._async_fetch_tasks()
            self._async_publish()
        except api.PlexError:
            self.async_refresh_soon(TASKS)
        except HomeAssistantError:
            # Some of the settings may have been changed all the same.
            self.async_refresh_soon(SETTINGS, TASKS)
            raise

    @callback
    def async_settings_notified(self, notification: api.PreferenceNotification) -> None:
        """Fetch the settings soon, unless the notified value is known already."""
        if not self.schedule.is_known(notification):
            self.async_refresh_soon(SETTINGS, TASKS)

    @callback
    def _async_settings_updated(self) -> None:
        """Apply settings that a poll or our own change has read."""
        schedule, version = self.schedule, self._server.version
        self._stale_preferences.async_process_list(schedule.data, version=version)
        self.tracker.async_apply(Rules.window_changed, window=schedule.window)
        if not self._in_poll:
            # A person waits for this change, so it is published at once.
            self._async_publish()

    @callback
    def async_invalidate(self, *parts: str) -> None:
        """Mark these parts, or all, to be fetched by the next poll."""
        for part in parts or (SERVER, SETTINGS, TASKS):
            if part == SETTINGS:
                self.schedule.invalidate()
            else:
                self._fetched_at[part] = _NEVER

    @callback
    def async_refresh_soon(self, *parts: str) -> None:
        """Fetch these parts, or all, in a second at the latest."""
        self.async_invalidate(*parts)
        self.async_poll_within()

    @callback
    def async_poll_within(self, wait: timedelta = _SOON) -> bool:
        """Poll within a time; return True if that updated the listeners already."""
        wait = max(wait, _SOON)
        # A poll that is due anyway so soon is not moved.
        is_late = self._next_poll - monotonic() > wait.total_seconds() + 0.5
        if not is_late or not self.last_update_success or self.tracker.closed:
            return False
        self._set_interval(wait)
        # This also updates the listeners, so a poll is moved only if it is late.
        self.async_set_updated_data(self.data)
        return True

    def _set_interval(self, interval: timedelta) -> None:
        """Have the next poll after an interval, counted from now."""
        self.update_interval = max(interval, _SOON)
        self._next_poll = monotonic() + self.update_interval.total_seconds()

    @property
    def _in_poll(self) -> bool:
        """Return True if called by a poll, whose end updates the listeners once."""
        return self._poll is not None and asyncio.current_task() is self._poll

    @callback
    def async_command_done(self) -> None:
        """Publish what a command changed; the poll for its effect fetches the tasks."""
        self.async_invalidate(TASKS)
        self._async_publish()

    @callback
    def async_event_applied(self) -> None:
        """Publish what an event changed: the first at once, more in a moment."""
        # The first poll publishes what an event changed before its end.
        if self._in_poll or not self.data:
            return
        if self.tracker.changes or self.data.runs != self.tracker.view:
            self._publisher.async_schedule_call()
        else:
            self._async_publish()

    @override
    @callback
    def _async_refresh_finished(self) -> None:
        """Publish the changes that the poll found, once the listeners are updated."""
        super()._async_refresh_finished()
        self.hass.loop.call_soon(self._async_publish)

    @override
    @callback
    def async_update_listeners(self) -> None:
        # A change may come and go during a poll, whose result is then that of before.
        self._shown = self.data
        super().async_update_listeners()

    @callback
    def _async_publish(self) -> None:
        """Update the listeners if something changed; then report changes of runs."""
        # Only a poll shows that an outage is over.
        if self.data and self.last_update_success:
            data = self._build_data()
            is_changed = data != self._shown
            if is_changed:
                self.data = data
            # While the database is locked, the polls keep their distance.
            is_updated = self._silent_since is None and self.async_poll_within(
                self.tracker.until_next_snapshot
            )
            if is_changed and not is_updated:
                self.async_update_listeners()
        # Automations that a change triggers check states, so states come first.
        self.tracker.async_notify_listeners()

    @override
    async def async_shutdown(self) -> None:
        await super().async_shutdown()
        self._publisher.async_shutdown()
        await self.tracker.async_close()
