"""What is asked of a server, and how often each part of it."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta, tzinfo
from http import HTTPStatus
from itertools import count
from time import monotonic
from typing import Final

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import device_registry as dr

from .api import (
    ButlerTask,
    PlexAuthenticationError,
    PlexClient,
    PlexError,
    PlexForbiddenError,
    PlexNotOwnerError,
    PlexResponseError,
    PlexWrongServerError,
    Preference,
    PreferenceValue,
    Server,
)
from .const import (
    LOGGER,
    PREFERENCES_INTERVAL,
    SERVER_INTERVAL,
    TASKS_INTERVAL,
    TRUSTED_INTERVAL,
)
from .data import PlexButlerData
from .device import device_info, preference_of_unique_id, task_of_unique_id
from .run_state import ButlerView, Rules, Window
from .schedule import schedule_of
from .stale import StaleEntities
from .tracker import RunTracker
from .window import window_of

SERVER: Final = "server"
PREFERENCES: Final = "preferences"
TASKS: Final = "tasks"
_PARTS: Final = {SERVER, PREFERENCES, TASKS}
# So many polls, a second apart, may find a server busy with writing its settings.
_SETTLING_POLLS: Final = 10
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
        self._stale_tasks = StaleEntities(
            hass, entry, task_of_unique_id, SERVER_INTERVAL
        )
        self._stale_preferences = StaleEntities(
            hass, entry, preference_of_unique_id, PREFERENCES_INTERVAL
        )
        self._asked_at: dict[str, float] = {}
        # The newest question that was answered, for each part.
        self._answered: dict[str, int] = {}
        self._questions = count()
        self._settling = _SETTLING_POLLS
        self._expected: list[Mapping[str, PreferenceValue]] = []
        self.zone: tzinfo | None = None
        self.tasks: Mapping[str, ButlerTask] = {}
        self.preferences: Mapping[str, Preference] = {}
        self.window: Window | None = None
        self._server: Server | None = None
        self._version = ""
        self._described: Server | None = None

    @callback
    def forget(self, *what: str) -> None:
        """Have these parts, or all, asked for next time however fresh they are."""
        for part in what or _PARTS:
            self._asked_at.pop(part, None)
        if PREFERENCES in what:
            self._settling = _SETTLING_POLLS

    @property
    def has_missed(self) -> bool:
        """Tell whether a part was to be asked for anew while it was being asked for."""
        return self._asked_at.keys() != _PARTS

    def told(self, server: Server, runs: ButlerView) -> PlexButlerData:
        """Return what a server has told so far."""
        return PlexButlerData(
            server=server,
            tasks=self.tasks,
            runs=runs,
            preferences=self.preferences,
            window=self.window,
        )

    async def async_ask(self) -> Server:
        """Return the server; what runs is the tracker's to know, the rest is kept here.

        Raises PlexError.
        """
        server = await self._ask_server()
        try:
            await self._ask_preferences()
            await self._ask_tasks()
            # After the stale check, which compares with the version that the device had.
            self._async_describe(server)
            asked = self._tracker.now()
            rows = await self._client.get_activities()
        except (PlexAuthenticationError, PlexForbiddenError) as err:
            raise await self._async_refused() from err
        self._tracker.async_apply(Rules.snapshot, rows, asked)
        return server

    async def _ask_server(self) -> Server:
        if not self._is_due(SERVER, SERVER_INTERVAL) and self._server:
            return self._server
        server = await self._get_server()
        self._tracker.async_apply(Rules.version_seen, server.version)
        self._server = server
        self._version = server.version
        return server

    async def _async_refused(self) -> PlexError:
        """Return what a 401 or 403 means: the owner alone is let in at /butler."""
        await self._get_server()
        try:
            await self._client.get_butler_tasks()
        except (PlexAuthenticationError, PlexForbiddenError) as err:
            return PlexNotOwnerError(str(err))
        return PlexForbiddenError("Access is refused, as a firewall or a tunnel does")

    async def _get_server(self) -> Server:
        """Return the server; raise what is wrong with it or with the token."""
        try:
            server = await self._client.get_server()
        except PlexAuthenticationError:
            # Something in front of the server may refuse whatever is asked for.
            await self._client.verify()
            raise
        if server.machine_identifier != self._entry.unique_id:
            raise PlexWrongServerError(found=server.machine_identifier)
        return server

    async def _ask_preferences(self) -> None:
        if not self._is_due(PREFERENCES, PREFERENCES_INTERVAL):
            return
        question = next(self._questions)
        try:
            with self.expecting({}):
                preferences = await self._client.get_preferences()
        except PlexResponseError as err:
            # All else works without them.
            LOGGER.debug("%s: no preferences: %s", self._entry.title, err)
            self._async_refused_preferences(err)
            return
        self._async_preferences(preferences, question)

    @callback
    def _async_refused_preferences(self, err: PlexResponseError) -> None:
        """Ask again soon, for it may pass; later if it does not."""
        if err.status != HTTPStatus.NOT_FOUND and self._settling:
            self._settling -= 1
            self._asked_at.pop(PREFERENCES, None)
        else:
            sooner = (PREFERENCES_INTERVAL - SERVER_INTERVAL).total_seconds()
            self._asked_at[PREFERENCES] = monotonic() - sooner

    @contextmanager
    def expecting(self, values: Mapping[str, PreferenceValue]) -> Iterator[None]:
        """Have settings read with the only change that is expected meanwhile."""
        self._asked_at.setdefault(PREFERENCES, monotonic())
        self._expected.append(values)
        try:
            yield
        finally:
            self._expected.remove(values)

    def knows(self, values: Mapping[str, PreferenceValue]) -> bool:
        """Tell whether a change brings nothing that has to be asked for."""
        known = {name: it.value for name, it in self.preferences.items()}
        if self._expected:
            # The answer that is under way may be older than the change.
            known = {name: it[name] for it in self._expected for name in it}
        return all(known.get(name) == value for name, value in values.items())

    @callback
    def async_told_preferences(self, preferences: Iterable[Preference]) -> None:
        """Take in settings that were read after a change."""
        if PREFERENCES in self._asked_at:
            self._asked_at[PREFERENCES] = monotonic()
        self._async_preferences(preferences, next(self._questions))

    @callback
    def _async_preferences(
        self, preferences: Iterable[Preference], question: int
    ) -> None:
        if not self._is_news(PREFERENCES, question):
            return
        self.preferences = schedule_of(preferences)
        self.async_see_window()
        self._stale_preferences.async_listed(self.preferences, version=self._version)

    @callback
    def async_see_window(self) -> None:
        """Make the window out of the settings and the zone that are known."""
        self.window = window_of(self.preferences.values(), self.zone)
        self._tracker.async_apply(Rules.window_changed, self.window)

    async def async_ask_tasks(self) -> None:
        """Ask for the tasks, however fresh the list is."""
        self._asked_at[TASKS] = monotonic()
        question = next(self._questions)
        tasks = {task.name: task for task in await self._client.get_butler_tasks()}
        if not self._is_news(TASKS, question):
            return
        self._tracker.async_apply(Rules.tasks_listed, tuple(tasks.values()))
        self._stale_tasks.async_listed(tasks, version=self._version)
        self.tasks = tasks

    async def _ask_tasks(self) -> None:
        interval = TRUSTED_INTERVAL if self._tracker.trusted else TASKS_INTERVAL
        if not self.tasks or self._is_due(TASKS, interval):
            await self.async_ask_tasks()

    def _is_news(self, part: str, question: int) -> bool:
        """Tell whether no question was answered that was asked after this one."""
        if question < self._answered.get(part, question):
            return False
        self._answered[part] = question
        return True

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
