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

# More than any server has, even over time: a limit for broken answers.
MAX_LISTED: Final = 200

# A unique id is a machine identifier, one of these, and a name.
TASK_ID: Final = "_task_"
PREFERENCE_ID: Final = "_preference_"


class StaleEntities:
    """Removes the entities of what has been missing from a list for long.

    A list may lack something for a while, and automations may use its entity. Only
    time between good answers counts, and a restart starts the count again.
    """

    def __init__(
        self, coordinator: PlexButlerCoordinator, id_part: str, interval: timedelta
    ) -> None:
        hass, entry = coordinator.hass, coordinator.config_entry
        self._entities = er.async_get(hass)
        self._entry_id = entry.entry_id
        self._prefix = f"{entry.unique_id}{id_part}"
        # A longer time between two answers is an outage.
        self._max_elapsed = interval.total_seconds() * 1.5
        # For how many seconds of good answers more each may be missing.
        self._seconds_left: dict[str, float] = {}
        self._last_answer: float | None = None
        # The server may have been updated while Home Assistant was not running.
        devices = dr.async_entries_for_config_entry(dr.async_get(hass), entry.entry_id)
        self._version = devices[0].sw_version if devices else None

    @callback
    def async_process_list(self, names: Container[str], *, version: str) -> None:
        """Remove the entities of what the good answers have lacked for too long."""
        now = monotonic()
        elapsed = min(now - (self._last_answer or now), self._max_elapsed)
        # A task that is missing for one night keeps its entities. After an update they
        # go sooner, but its first list may still be short.
        is_update = self._version not in (None, version)
        limit = timedelta(hours=6 if is_update else 24).total_seconds()
        self._last_answer, self._version = now, version
        seconds_left: dict[str, float] = {}
        for entity in er.async_entries_for_config_entry(self._entities, self._entry_id):
            name = entity.unique_id.removeprefix(self._prefix)
            if name == entity.unique_id or name in names:
                continue
            left = self._seconds_left.get(name, limit + elapsed) - elapsed
            seconds_left[name] = min(left, limit)
            if seconds_left[name] <= 0:
                self._entities.async_remove(entity.entity_id)
        self._seconds_left = seconds_left


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
    created: set[str] = set()
    last_listed: Mapping[str, ItemT] = {}

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
        nonlocal last_listed
        listed = listed_fn(coordinator)
        if listed is last_listed:
            return
        appeared, last_listed = listed.keys() - last_listed.keys(), listed
        if not appeared:
            return
        known = er.async_entries_for_config_entry(registry, entry.entry_id)
        registered = names_of(known)
        created.intersection_update(registered)
        # Those that were removed are remembered by Home Assistant.
        ever_registered = registered | names_of(registry.deleted_entities.values())
        never_registered = [it for it in listed if it in appeared - ever_registered]
        room = max(MAX_LISTED - len(ever_registered), 0)
        new = appeared - created - set(never_registered[room:])
        created.update(new)
        # In the server's order.
        entities = (entity_fn(coordinator, listed[it]) for it in listed if it in new)
        async_add_entities(filter(None, entities))

    async_add_new()
    entry.async_on_unload(coordinator.async_add_listener(async_add_new))


async_add_task_entities = partial(_async_add_listed, TASK_ID, lambda it: it.data.tasks)
async_add_preference_entities = partial(
    _async_add_listed, PREFERENCE_ID, lambda it: it.data.preferences
)
