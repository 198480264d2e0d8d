"""Adds the entities of what a server lists, and removes those of what is gone."""

from collections.abc import Callable, Container, Iterator, Mapping
from datetime import timedelta
from time import monotonic
from typing import TYPE_CHECKING, NamedTuple

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import Platform
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.helpers.entity import Entity
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .api import ButlerTask, Preference
from .const import DOMAIN, STALE_AFTER, STALE_AFTER_UPDATE
from .device import preference_unique_id, task_unique_id

if TYPE_CHECKING:
    # The coordinator imports this module.
    from .coordinator import (
        PlexButlerConfigEntry,
        PlexButlerCoordinator,
        PlexButlerData,
    )

# Returns what an entity with a unique id stands for on a machine, if for one of a kind.
type NameOf = Callable[[str, str], str | None]

type EntityFn[ItemT] = Callable[[PlexButlerCoordinator, ItemT], Entity | None]


class _Listed[ItemT](NamedTuple):
    """What the server lists, and the entities for it."""

    items_fn: Callable[[PlexButlerData], Mapping[str, ItemT]]
    unique_id_fn: Callable[[str, str], str]
    entity_fn: EntityFn[ItemT]


class StaleEntities:
    """Removes the entities of what has been missing from a list for long.

    A list may lack something for a while, and its entity may be in somebody's automations:
    only a day's worth of good answers without it tells that it is gone for good, or a
    quarter of one after an update of the server. A restart of Home Assistant begins a
    new day, whatever went before.
    """

    def __init__(
        self,
        hass: HomeAssistant,
        entry: ConfigEntry,
        name_of: NameOf,
        interval: timedelta,
    ) -> None:
        self._hass = hass
        self._entry = entry
        self._machine = entry.unique_id or ""
        self._name_of = name_of
        # A longer time between two answers is an outage.
        self._longest = interval.total_seconds() * 1.5
        # For how many seconds of good answers more each may be missing.
        self._patience: dict[str, float] = {}
        self._version: str | None = None
        self._last_answer: float | None = None

    @callback
    def async_process_list(self, names: Container[str], *, version: str) -> None:
        """Remove the entities of what the good answers have lacked for too long."""
        elapsed, updated = self._elapsed(), self._updated(version)
        missing = [it for it in self._registered() if it[1] not in names]
        patience: dict[str, float] = {}
        for _, name in missing:
            left = STALE_AFTER.total_seconds()
            if name in self._patience:
                left = self._patience[name] - elapsed
            if updated:
                left = min(left, STALE_AFTER_UPDATE.total_seconds())
            patience[name] = left
        self._patience = patience
        registry = er.async_get(self._hass)
        for entity_id, name in missing:
            if patience[name] <= 0:
                registry.async_remove(entity_id)

    def _registered(self) -> Iterator[tuple[str, str]]:
        registry = er.async_get(self._hass)
        for entity in er.async_entries_for_config_entry(registry, self._entry.entry_id):
            if name := self._name_of(self._machine, entity.unique_id):
                yield entity.entity_id, name

    def _elapsed(self) -> float:
        """Return the time that passed with good answers, outages left out."""
        now, last = monotonic(), self._last_answer
        self._last_answer = now
        if last is None:
            return 0
        return min(now - last, self._longest)

    def _updated(self, version: str) -> bool:
        """Return True if this is another version than last time, restarts included."""
        last, self._version = self._version or self._device_version(), version
        return last is not None and last != version

    def _device_version(self) -> str | None:
        devices = dr.async_entries_for_config_entry(
            dr.async_get(self._hass), self._entry.entry_id
        )
        return devices[0].sw_version if devices else None


@callback
def async_add_task_entities(
    entry: PlexButlerConfigEntry,
    platform: Platform,
    async_add_entities: AddConfigEntryEntitiesCallback,
    entity_fn: EntityFn[ButlerTask],
) -> None:
    """Add an entity for every task."""
    tasks = _Listed(lambda data: data.tasks, task_unique_id, entity_fn)
    _async_add_listed(entry, platform, async_add_entities, tasks)


@callback
def async_add_preference_entities(
    entry: PlexButlerConfigEntry,
    platform: Platform,
    async_add_entities: AddConfigEntryEntitiesCallback,
    entity_fn: EntityFn[Preference],
) -> None:
    """Add an entity for every setting for which the platform has one."""
    settings = _Listed(lambda data: data.preferences, preference_unique_id, entity_fn)
    _async_add_listed(entry, platform, async_add_entities, settings)


@callback
def _async_add_listed[ItemT](
    entry: PlexButlerConfigEntry,
    platform: Platform,
    async_add_entities: AddConfigEntryEntitiesCallback,
    kind: _Listed[ItemT],
) -> None:
    """Add entities for what is listed, and again for what was removed and came back."""
    coordinator = entry.runtime_data
    registry = er.async_get(coordinator.hass)
    added: set[str] = set()
    seen: Mapping[str, ItemT] = {}

    def is_registered(name: str) -> bool:
        unique_id = kind.unique_id_fn(coordinator.machine_identifier, name)
        return bool(registry.async_get_entity_id(platform, DOMAIN, unique_id))

    @callback
    def async_add_new() -> None:
        nonlocal seen
        if (listed := kind.items_fn(coordinator.data)) is seen:
            return
        appeared, seen = listed.keys() - seen.keys(), listed
        new = {it for it in appeared if it not in added or not is_registered(it)}
        added.update(new)
        # In the server's order.
        entities = (
            kind.entity_fn(coordinator, listed[it]) for it in listed if it in new
        )
        async_add_entities(filter(None, entities))

    async_add_new()
    entry.async_on_unload(coordinator.async_add_listener(async_add_new))
