"""What is asked of a server, and how often each part of it."""

from collections.abc import Mapping
from datetime import timedelta
from time import monotonic
from typing import Final

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers.update_coordinator import UpdateFailed

from .api import ButlerTask, PlexClient, PlexResponseError, Server
from .const import (
    DOMAIN,
    IDLE_INTERVAL,
    LOGGER,
    PREFERENCES_INTERVAL,
    SERVER_INTERVAL,
    TRUSTED_INTERVAL,
)
from .device import device_info
from .run_state import Snapshot, TasksListed, VersionSeen, WindowChanged
from .stale_tasks import StaleTasks
from .tracker import RunTracker
from .window import window_of

SERVER: Final = "server"
PREFERENCES: Final = "preferences"
TASKS: Final = "tasks"
_PARTS: Final = {SERVER, PREFERENCES, TASKS}

# Home Assistant's timers may come up to a second early.
_EARLY: Final = timedelta(seconds=2)


class Asker:
    """Asks for activities every time, and for the rest when it is due."""

    def __init__(
        self,
        hass: HomeAssistant,
        entry: ConfigEntry,
        client: PlexClient,
        tracker: RunTracker,
    ) -> None:
        """Take whom to ask, and who keeps track of the answers."""
        self._hass = hass
        self._entry = entry
        self._client = client
        self._tracker = tracker
        self._stale = StaleTasks(hass, entry)
        self._asked_at: dict[str, float] = {}
        self._server: Server | None = None
        self._described: Server | None = None
        self._tasks: Mapping[str, ButlerTask] | None = None

    @callback
    def forget(self, *what: str) -> None:
        """Have these parts, or all, asked for next time however fresh they are."""
        for part in what or _PARTS:
            self._asked_at.pop(part, None)

    @property
    def has_missed(self) -> bool:
        """Tell whether a part was to be asked for anew while it was being asked for."""
        return self._asked_at.keys() != _PARTS

    async def async_ask(self) -> tuple[Server, Mapping[str, ButlerTask]]:
        """Return the server and its tasks; what runs is the tracker's to know.

        Raises PlexError, or UpdateFailed if another server answers.
        """
        server = await self._ask_server()
        await self._ask_preferences()
        tasks = await self._ask_tasks(server)
        asked = self._tracker.now()
        rows = await self._client.get_activities()
        self._tracker.async_apply(Snapshot(rows=rows, asked=asked))
        return server, tasks

    async def _ask_server(self) -> Server:
        if not self._is_due(SERVER, SERVER_INTERVAL) and self._server:
            return self._server
        server = await self._client.get_server()
        if server.machine_identifier != self._entry.unique_id:
            raise UpdateFailed(
                translation_domain=DOMAIN,
                translation_key="wrong_server",
                translation_placeholders={"url": self._client.url},
            )
        self._tracker.async_apply(VersionSeen(version=server.version))
        self._server = server
        return server

    async def _ask_preferences(self) -> None:
        if not self._is_due(PREFERENCES, PREFERENCES_INTERVAL):
            return
        try:
            window = window_of(await self._client.get_preferences())
        except PlexResponseError as err:
            # A server that has just been given other settings answers 400 for a while,
            # and all else works without them.
            LOGGER.debug("%s: no preferences: %s", self._entry.title, err)
            self._asked_at[PREFERENCES] = float("-inf")
            return
        self._tracker.async_apply(WindowChanged(window=window))

    async def _ask_tasks(self, server: Server) -> Mapping[str, ButlerTask]:
        interval = TRUSTED_INTERVAL if self._tracker.trusted else IDLE_INTERVAL
        if not self._is_due(TASKS, interval) and self._tasks:
            return self._tasks
        tasks = {task.name: task for task in await self._client.get_butler_tasks()}
        self._tracker.async_apply(TasksListed(tasks=tuple(tasks.values())))
        # It compares with the version that the device has, so the device comes second.
        self._stale.async_listed(tasks, version=server.version)
        self._async_describe(server)
        self._tasks = tasks
        return tasks

    def _is_due(self, what: str, interval: timedelta) -> bool:
        """Tell whether to ask for something now, and take note of it."""
        since = monotonic() - self._asked_at.get(what, float("-inf"))
        if since < (interval - _EARLY).total_seconds():
            return False
        self._asked_at[what] = monotonic()
        return True

    @callback
    def _async_describe(self, server: Server) -> None:
        """Keep the device's name and version fresh."""
        if server == self._described:
            return
        self._described = server
        dr.async_get(self._hass).async_get_or_create(
            config_entry_id=self._entry.entry_id,
            **device_info(server, self._client.url),
        )
