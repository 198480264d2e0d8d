"""Adds entities for what the server lists, also for what it lists later."""

from collections.abc import Callable, Iterable, Mapping

from homeassistant.const import Platform
from homeassistant.core import callback
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.entity import Entity
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .api import ButlerTask, Preference
from .const import DOMAIN
from .coordinator import (
    PlexButlerConfigEntry,
    PlexButlerCoordinator,
    PlexButlerData,
)
from .device import preference_unique_id, task_unique_id

type EntityFn[ItemT] = Callable[[PlexButlerCoordinator, ItemT], Entity | None]


@callback
def async_add_task_entities(
    entry: PlexButlerConfigEntry,
    platform: Platform,
    async_add_entities: AddConfigEntryEntitiesCallback,
    entity_fn: EntityFn[ButlerTask],
) -> None:
    """Add an entity for every task."""
    _async_add_listed(
        entry,
        async_add_entities,
        listed_fn=lambda data: data.tasks,
        entity_fn=entity_fn,
        forgotten_fn=_forgotten_fn(entry, platform, task_unique_id),
    )


@callback
def async_add_preference_entities(
    entry: PlexButlerConfigEntry,
    platform: Platform,
    async_add_entities: AddConfigEntryEntitiesCallback,
    entity_fn: EntityFn[Preference],
) -> None:
    """Add an entity for every setting for which the platform has one."""
    _async_add_listed(
        entry,
        async_add_entities,
        listed_fn=lambda data: data.preferences,
        entity_fn=entity_fn,
        forgotten_fn=_forgotten_fn(entry, platform, preference_unique_id),
    )


@callback
def _async_add_listed[ItemT](
    entry: PlexButlerConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
    *,
    listed_fn: Callable[[PlexButlerData], Mapping[str, ItemT]],
    entity_fn: EntityFn[ItemT],
    forgotten_fn: Callable[[Iterable[str]], set[str]],
) -> None:
    coordinator = entry.runtime_data
    added: set[str] = set()
    seen: Mapping[str, ItemT] = {}

    @callback
    def async_add_new() -> None:
        nonlocal seen
        if (listed := listed_fn(coordinator.data)) is seen:
            return
        appeared, seen = listed.keys() - seen.keys(), listed
        new = (appeared - added) | forgotten_fn(appeared & added)
        added.update(new)
        # In the server's order.
        entities = (entity_fn(coordinator, listed[it]) for it in listed if it in new)
        async_add_entities(filter(None, entities))

    async_add_new()
    entry.async_on_unload(coordinator.async_add_listener(async_add_new))


def _forgotten_fn(
    entry: PlexButlerConfigEntry,
    platform: Platform,
    unique_id_fn: Callable[[str, str], str],
) -> Callable[[Iterable[str]], set[str]]:
    """Return what tells whose entities have left the registry in the meantime."""
    coordinator = entry.runtime_data
    registry = er.async_get(coordinator.hass)

    def forgotten(names: Iterable[str]) -> set[str]:
        machine = coordinator.machine_identifier
        return {
            name
            for name in names
            if not registry.async_get_entity_id(
                platform, DOMAIN, unique_id_fn(machine, name)
            )
        }

    return forgotten
