"""When to ask the server, and what its errors mean."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from time import monotonic
from typing import Final, override

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import ConfigEntryAuthFailed
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers.update_coordinator import DataUpdateCoordinator, UpdateFailed
from homeassistant.util.hass_dict import HassKey

from .api import (
    ButlerTask,
    PlexAuthenticationError,
    PlexClient,
    PlexError,
    PlexNotOwnerError,
    Server,
    StartResult,
    StopResult,
)
from .const import (
    BUSY_INTERVAL,
    DOMAIN,
    IDLE_INTERVAL,
    LOGGER,
    SERVER_INTERVAL,
    UNAUTHORIZED_GRACE,
)
from .device import device_info
from .errors import translated_errors, translation
from .run_state import RunState
from .stale_tasks import StaleTasks

type PlexButlerConfigEntry = ConfigEntry[PlexButlerCoordinator]

# When an entry's token was first refused: a set-up that fails begins anew with another
# coordinator, and the second refusal must still be known as the second.
_REFUSED_SINCE: HassKey[dict[str, float]] = HassKey(f"{DOMAIN}_refused_since")

# Home Assistant's timers may come up to a second early.
_EARLY: Final = timedelta(seconds=2)


@dataclass(frozen=True, kw_only=True, slots=True)
class PlexButlerData:
    """What is known of a server and its Butler."""

    server: Server
    tasks: Mapping[str, ButlerTask]
    runs: RunState


class PlexButlerCoordinator(DataUpdateCoordinator[PlexButlerData]):
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
        self._runs = RunState()
        self._commands = 0
        self._asked_at: dict[str, float] = {}
        self._refused_since = hass.data.setdefault(_REFUSED_SINCE, {})
        self._stale = StaleTasks(hass, entry)

    @property
    def machine_identifier(self) -> str:
        """Return the server's identity, which outlives names and addresses."""
        # Every entry has been given one by the config flow.
        return self.config_entry.unique_id or ""

    @override
    async def _async_update_data(self) -> PlexButlerData:
        """Ask for what is due, and tell what errors mean."""
        try:
            data = await self._ask()
        except PlexAuthenticationError as err:
            raise await self._refusal(err) from err
        except PlexError as err:
            raise UpdateFailed(**translation(err)) from err
        self._refused_since.pop(self.config_entry.entry_id, None)
        self.update_interval = BUSY_INTERVAL if data.runs.busy else IDLE_INTERVAL
        return data

    async def _ask(self) -> PlexButlerData:
        if not self.last_update_success:
            # Who comes back from an outage may have been updated or replaced.
            self._asked_at.clear()
        server = await self._ask_server()
        tasks = await self._ask_tasks(server)
        commands = self._commands
        rows = await self.client.get_activities()
        if commands == self._commands:
            # An answer that our command overtook would undo it.
            self._runs = self._runs.seen(rows, tasks)
        return PlexButlerData(server=server, tasks=tasks, runs=self._runs)

    async def _ask_server(self) -> Server:
        if self.data and not self._due("server", SERVER_INTERVAL):
            return self.data.server
        server = await self.client.get_server()
        if server.machine_identifier != self.machine_identifier:
            raise UpdateFailed(
                translation_domain=DOMAIN,
                translation_key="wrong_server",
                translation_placeholders={"url": self.client.url},
            )
        self._asked_at["server"] = monotonic()
        return server

    async def _ask_tasks(self, server: Server) -> Mapping[str, ButlerTask]:
        if self.data and not self._due("tasks", IDLE_INTERVAL):
            return self.data.tasks
        tasks = {task.name: task for task in await self.client.get_butler_tasks()}
        self._asked_at["tasks"] = monotonic()
        self._stale.async_listed(tasks, version=server.version)
        self._async_update_device(server)
        return tasks

    def _due(self, what: str, interval: timedelta) -> bool:
        since = monotonic() - self._asked_at.get(what, float("-inf"))
        return since >= (interval - _EARLY).total_seconds()

    @callback
    def _async_update_device(self, server: Server) -> None:
        """Keep the device's name and version fresh."""
        if self.data and self.data.server == server:
            return
        dr.async_get(self.hass).async_get_or_create(
            config_entry_id=self.config_entry.entry_id,
            **device_info(server, self.client.url),
        )

    async def _refusal(self, err: PlexAuthenticationError) -> Exception:
        """Tell what a 401 means: it takes more than one to call a token bad.

        Older servers also answer it to users who are not the owner, and any server may
        while it starts.
        """
        try:
            await self.client.get_server()
        except PlexAuthenticationError:
            pass
        except PlexError as other:
            return UpdateFailed(**translation(other))
        else:
            self._refused_since.pop(self.config_entry.entry_id, None)
            return UpdateFailed(**translation(PlexNotOwnerError(str(err))))
        now = monotonic()
        since = self._refused_since.setdefault(self.config_entry.entry_id, now)
        if now - since < UNAUTHORIZED_GRACE.total_seconds():
            return UpdateFailed(
                **translation(err), retry_after=UNAUTHORIZED_GRACE.total_seconds() + 1
            )
        return ConfigEntryAuthFailed(**translation(err))

    async def async_start_task(self, name: str) -> StartResult:
        """Have a task started, and show it at once."""
        with translated_errors():
            result = await self.client.start_task(name)
        self._async_commanded(self._runs.started(name))
        return result

    async def async_stop_task(self, name: str) -> StopResult:
        """Have a task stopped, and show it at once."""
        with translated_errors():
            result = await self.client.stop_task(name)
        self._async_commanded(self._runs.stopped(name))
        return result

    async def async_start_all_tasks(self) -> None:
        """Have all tasks started that are due; which those are, only the server knows."""
        with translated_errors():
            await self.client.start_all_tasks()
        await self.async_request_refresh()

    async def async_stop_all_tasks(self) -> None:
        """Have all tasks stopped, and show it at once."""
        with translated_errors():
            await self.client.stop_all_tasks()
        self._async_commanded(RunState())

    @callback
    def _async_commanded(self, runs: RunState) -> None:
        """Show what a command changed, and look soon at what came of it."""
        self._commands += 1
        self._runs = runs
        if not self.last_update_success:
            # Let the poll tell that the outage is over.
            return
        self.update_interval = BUSY_INTERVAL
        self.async_set_updated_data(
            PlexButlerData(server=self.data.server, tasks=self.data.tasks, runs=runs)
        )
