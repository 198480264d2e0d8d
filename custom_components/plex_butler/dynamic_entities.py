"""Adds the entities of what a server lists, and removes those of what is gone."""

from collections.abc import Callable, Container, Iterable, Mapping
from datetime import timedelta
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Final

from homeassistant.core import callback
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.helpers.entity import Entity
from homeassistant.helpers.entity_platform import (
    AddConfigEntryEntitiesCallback,
    async_get_current_platform,
)

from .const import DOMAIN

if TYPE_CHECKING:
    # The coordinator imports this module.
    from .coordinator import PlexButlerConfigEntry, PlexButlerCoordinator

# No server has so many tasks, or settings for them, be it one after another.
MAX_LISTED: Final = 200

# Unique ids are of a machine identifier, one of these, and a name.
TASK_ID: Final = "_task_"
PREFERENCE_ID: Final = "_preference_"


class StaleEntities:
    """Removes the entities of what has been missing from a list for long.

    A list may lack something for a while, and its entity may be in somebody's automations.
    Only good answers count, and a restart of Home Assistant begins a new day.
    """

    def __init__(
        self, coordinator: PlexButlerCoordinator, id_part: str, interval: timedelta
    ) -> None:
        hass, entry = coordinator.hass, coordinator.config_entry
        self._entities = er.async_get(hass)
        self._entry_id = entry.entry_id
        self._prefix = f"{entry.unique_id}{id_part}"
        # A longer time between two answers is an outage.
        self._longest = interval.total_seconds() * 1.5
        # For how many seconds of good answers more each may be missing.
        self._patience: dict[str, float] = {}
        self._last_answer: float | None = None
        # The server may have been updated while Home Assistant was not running.
        devices = dr.async_entries_for_config_entry(dr.async_get(hass), entry.entry_id)
        self._version = devices[0].sw_version if devices else None

    @callback
    def async_process_list(self, names: Container[str], *, version: str) -> None:
        """Remove the entities of what the good answers have lacked for too long."""
        now = monotonic()
        elapsed = min(now - (self._last_answer or now), self._longest)
        # A task hidden for one night keeps its switch and its history. What an update
        # took away goes sooner, but the first list after one may still be short.
        is_update = self._version not in (None, version)
        longest = timedelta(hours=6 if is_update else 24).total_seconds()
        self._last_answer, self._version = now, version
        patience: dict[str, float] = {}
        for entity in er.async_entries_for_config_entry(self._entities, self._entry_id):
            name = entity.unique_id.removeprefix(self._prefix)
            if name == entity.unique_id or name in names:
                continue
            left = self._patience.get(name, longest + elapsed) - elapsed
            patience[name] = min(left, longest)
            if patience[name] <= 0:
                self._entities.async_remove(entity.entity_id)
        self._patience = patience


def _async_add_listed[ItemT](
    id_part: str,
    listed_fn: Callable[[PlexButlerCoordinator], Mapping[str, ItemT]],
    entry: PlexButlerConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
    entity_fn: Callable[[PlexButlerCoordinator, ItemT], Entity | None],
) -> None:
    """Add entities for what is listed, and again for what was removed and came back."""
    coordinator = entry.runtime_data
    registry = er.async_get(coordinator.hass)
    platform = async_get_current_platform().domain
    prefix = f"{entry.unique_id}{id_part}"
    added: set[str] = set()
    seen: Mapping[str, ItemT] = {}

    def names_of(
        entities: Iterable[er.RegistryEntry | er.DeletedRegistryEntry],
    ) -> set[str]:
        return {
            it.unique_id.removeprefix(prefix)
            for it in entities
            if (it.domain, it.platform) == (platform, DOMAIN)
            and it.unique_id.startswith(prefix)
        }

    @callback
    def async_add_new() -> None:
        nonlocal seen
        listed = listed_fn(coordinator)
        if listed is seen:
            return
        appeared, seen = listed.keys() - seen.keys(), listed
        if not appeared:
            return
        known = er.async_entries_for_config_entry(registry, entry.entry_id)
        registered = names_of(known)
        added.intersection_update(registered)
        # Those that were removed are remembered by Home Assistant.
        known_ever = registered | names_of(registry.deleted_entities.values())
        unheard_of = [it for it in listed if it in appeared - known_ever]
        room = max(MAX_LISTED - len(known_ever), 0)
        new = appeared - added - set(unheard_of[room:])
        added.update(new)
        # In the server's order.
        entities = (entity_fn(coordinator, listed[it]) for it in listed if it in new)
        async_add_entities(filter(None, entities))

    async_add_new()
    entry.async_on_unload(coordinator.async_add_listener(async_add_new))


async_add_task_entities = partial(_async_add_listed, TASK_ID, lambda it: it.data.tasks)
async_add_preference_entities = partial(
    _async_add_listed, PREFERENCE_ID, lambda it: it.data.preferences
)
