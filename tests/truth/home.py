"""A real Home Assistant with the integration, and what was seen of a day in it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextlib import ExitStack, asynccontextmanager
from copy import copy
from tempfile import TemporaryDirectory
from typing import Any, Final
from unittest.mock import PropertyMock, patch
from urllib.parse import unquote

import aiohttp
from homeassistant import loader
from homeassistant.config_entries import ConfigEntry, ConfigEntryState
from homeassistant.const import (
    ATTR_ENTITY_ID,
    CONF_TOKEN,
    CONF_URL,
    CONF_VERIFY_SSL,
    EVENT_STATE_CHANGED,
)
from homeassistant.core import Event, EventStateChangedData, HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.dispatcher import async_dispatcher_connect
from homeassistant.helpers.entity import Entity
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_test_home_assistant,
)

from custom_components.plex_butler.const import DOMAIN
from custom_components.plex_butler.dynamic_entities import TASK_ID
from custom_components.plex_butler.event import SIGNAL_TASK_EVENT, TaskEvent
from custom_components.plex_butler.run_state import EndedRun
from tests.simulator import (
    Naming,
    RecordedRequest,
    Rows,
    SessionNames,
    SimulatedPlex,
    TaskState,
    Traits,
)

from .truths import Command, Observed, Reported, Shown, Span, Waited

# Seconds in which an entry that is loaded has looked at the server.
_SETTING_UP: Final = 5.0
_RESOLVER: Final = "homeassistant.helpers.aiohttp_client._async_make_resolver"


class Home:
    """What people at home see and do; all of it is written down."""

    def __init__(
        self,
        hass: HomeAssistant,
        plex: SimulatedPlex,
        now: Callable[[], float],
        seen: Observed,
        entry_id: str | None = None,
    ) -> None:
        self.hass = hass
        self.seen = seen
        self._machine = plex.machine_identifier
        self._now = now
        self._is_away = False
        self.entry = MockConfigEntry(
            domain=DOMAIN,
            entry_id=entry_id,
            title=plex.name,
            unique_id=plex.machine_identifier,
            data={CONF_URL: plex.url, CONF_TOKEN: plex.token, CONF_VERIFY_SSL: True},
        )
        self.entry.add_to_hass(hass)

    async def set_up(self) -> None:
        self.hass.bus.async_listen(EVENT_STATE_CHANGED, self._state_changed)
        async_dispatcher_connect(self.hass, SIGNAL_TASK_EVENT, self._told)
        assert await self.hass.config_entries.async_setup(self.entry.entry_id)

    async def unload(self) -> None:
        await self.hass.config_entries.async_unload(self.entry.entry_id)

    @callback
    def restart(self, away: float) -> None:
        """Be without the integration for so many seconds, as in a restart."""
        if self.entry.state is ConfigEntryState.LOADED and not self._is_away:
            now = self._now()
            self.seen.outages.append((now, now + away + _SETTING_UP))
            self.hass.async_create_task(self._restart(away))

    async def _restart(self, away: float) -> None:
        self._is_away = True
        await self.hass.config_entries.async_unload(self.entry.entry_id)
        await asyncio.sleep(away)
        await self.hass.config_entries.async_setup(self.entry.entry_id)
        self._is_away = False

    @callback
    def wait_for(self, task: str) -> None:
        if self.hass.services.has_service(DOMAIN, "start_task"):
            self.hass.async_create_task(self._waited(task))

    async def _waited(self, task: str) -> None:
        sent = self._now()
        data = {"task": task, "wait": True}
        answer = await _done_or_not(
            self.hass.services.async_call(
                DOMAIN, "start_task", data, blocking=True, return_response=True
            )
        )
        if answer is not None:
            (told,) = answer["tasks"]
            self.seen.waits.append(Waited(sent, task, told["result"], self._now()))

    @callback
    def switch(self, task: str, *, on: bool) -> None:
        self._call("switch", "turn_on" if on else "turn_off", f"task_{task}")

    @callback
    def press(self, button: str) -> None:
        self._call("button", "press", button)

    def _call(self, domain: str, service: str, key: str) -> None:
        registry = er.async_get(self.hass)
        unique_id = f"{self._machine}_{key}"
        if entity_id := registry.async_get_entity_id(domain, DOMAIN, unique_id):
            data = {ATTR_ENTITY_ID: entity_id}
            services = self.hass.services
            calling = services.async_call(domain, service, data, blocking=True)
            self.hass.async_create_task(_done_or_not(calling))

    @callback
    def _state_changed(self, event: Event[EventStateChangedData]) -> None:
        if (state := event.data["new_state"]) is None:
            return
        if (shown := self._list_of(state.entity_id)) is not None:
            shown.append(Shown(self._now(), state.state))

    def _list_of(self, entity_id: str) -> list[Shown] | None:
        entity = er.async_get(self.hass).async_get(entity_id)
        if entity is None or entity.platform != DOMAIN:
            return None
        if entity.unique_id == f"{self._machine}_butler":
            return self.seen.butler
        task = entity.unique_id.removeprefix(f"{self._machine}{TASK_ID}")
        if task == entity.unique_id or entity.domain != "switch":
            return None
        return self.seen.switches.setdefault(task, [])

    @callback
    def _told(self, _: ConfigEntry, event: TaskEvent) -> None:
        """Write down what automations hear of an end."""
        if isinstance(run := event.run, EndedRun):
            duration = None if run.duration is None else run.duration.total_seconds()
            ended = run.ended.utc.timestamp()
            told = Reported(task=run.task, ended=ended, duration=duration)
            self.seen.reported.append(told)


async def _done_or_not(call: Awaitable[Any]) -> Any:
    """Return the answer of an action; None if the server did not do it."""
    try:
        return await call
    except HomeAssistantError:
        return None


@asynccontextmanager
async def home_assistant(directory: str | None = None) -> AsyncIterator[HomeAssistant]:
    """Return a Home Assistant of this process, all of whose entities are enabled.

    One that is given the directory of another remembers what that one has stored.
    """
    enabled = PropertyMock(return_value=True)
    with ExitStack() as stack:
        directory = directory or stack.enter_context(TemporaryDirectory())
        stack.enter_context(
            patch.object(Entity, "entity_registry_enabled_default", enabled)
        )
        stack.enter_context(patch(_RESOLVER, _resolver))
        async with async_test_home_assistant(config_dir=directory) as hass:
            # Let it look for custom integrations.
            hass.data.pop(loader.DATA_CUSTOM_COMPONENTS)
            await hass.config.async_set_time_zone("UTC")
            yield hass


def _resolver(hass: HomeAssistant) -> aiohttp.ThreadedResolver:
    resolver = aiohttp.ThreadedResolver()
    resolver.real_close = resolver.close  # type: ignore[attr-defined]  # its own has it
    return resolver


_QUARTER: Final = 900.0


def complete(seen: Observed, plex: SimulatedPlex) -> None:
    """Add the truth; what goes on is copied, for it will be changed later."""
    seen.intervals = [copy(interval) for interval in plex.intervals]
    seen.outages += _hangs(seen, plex)
    seen.shows = plex.profile.traits.rows is not Rows.NONE
    seen.only_log = _names_in_log_alone(plex.profile.traits)
    specs = (task.spec for task in plex.butler.tasks.values())
    seen.randomized = frozenset(spec.name for spec in specs if spec.randomized)
    seen.commands = list(_commands(plex.requests))
    window, moment = plex.butler.window, seen.start
    while moment < seen.end:
        moment = window.closes_at(moment)
        seen.window_ends.append(moment)
    moment = seen.start - seen.start % _QUARTER
    while moment < seen.end:
        if window.contains(moment):
            seen.windows.append((moment, moment + _QUARTER))
        moment += _QUARTER


def _names_in_log_alone(traits: Traits) -> bool:
    if not traits.log_tells or traits.log_refused is not None:
        return False
    match traits.rows:
        case Rows.NONE:
            return True
        case Rows.SESSION:
            return traits.session_names is SessionNames.NOTHING
    return traits.naming is Naming.NOTHING


def _hangs(seen: Observed, plex: SimulatedPlex) -> Iterator[Span]:
    if not plex.profile.traits.hangs_on_database:
        return
    tasks = plex.butler.tasks
    for interval in seen.intervals:
        locks = interval.task in tasks and tasks[interval.task].spec.locks_database
        if locks and interval.state is TaskState.RUNNING:
            yield interval.start, interval.end or seen.end


def _commands(requests: Iterable[RecordedRequest]) -> Iterator[Command]:
    for request in requests:
        parts = request.path.split("/")[1:]
        if parts[0] == "butler" and request.method in ("POST", "DELETE"):
            task = unquote(parts[1]) if len(parts) > 1 else None
            yield Command(request.at, request.method == "POST", task)
