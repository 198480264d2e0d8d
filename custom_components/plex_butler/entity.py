"""What the entities of Plex Butler have in common."""

from collections.abc import Callable, Hashable
from typing import override

from homeassistant.const import Platform
from homeassistant.core import callback
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.device_registry import DeviceInfo
from homeassistant.helpers.entity import Entity
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.helpers.update_coordinator import CoordinatorEntity

from .api import ButlerTask
from .const import DOMAIN
from .coordinator import PlexButlerConfigEntry, PlexButlerCoordinator
from .describe import IDLE
from .device import task_unique_id
from .run_state import TaskView
from .tasks import KNOWN_TASKS, task_key


class PlexButlerEntity(CoordinatorEntity[PlexButlerCoordinator]):
    """An entity of a server's Butler."""

    _attr_has_entity_name = True

    def __init__(self, coordinator: PlexButlerCoordinator, key: str) -> None:
        """Belong to the server's device."""
        super().__init__(coordinator)
        machine = coordinator.machine_identifier
        self._attr_unique_id = f"{machine}_{key}"
        # The coordinator describes the device, for it knows when that changes.
        self._attr_device_info = DeviceInfo(identifiers={(DOMAIN, machine)})
        self._last_shown: Hashable = None

    @property
    def shown(self) -> Hashable:
        """Return what the state is made of: if it is the same, nothing is written."""
        return self.available

    @callback
    @override
    def _handle_coordinator_update(self) -> None:
        """Write the state if it would be another; most news are others' news."""
        if (shown := self.shown) != self._last_shown:
            self._last_shown = shown
            super()._handle_coordinator_update()


class PlexButlerTaskEntity(PlexButlerEntity):
    """An entity of one task, named by us or by the server."""

    key_prefix = ""

    def __init__(self, coordinator: PlexButlerCoordinator, task: ButlerTask) -> None:
        """Take the task's name in our words, or its title in the server's."""
        super().__init__(coordinator, f"task_{task.name}")
        self.task_name = task.name
        if task.name in KNOWN_TASKS:
            self._attr_translation_key = f"{self.key_prefix}{task_key(task.name)}"
        else:
            self._attr_translation_key = f"{self.key_prefix}task"
            self._attr_translation_placeholders = {"title": task.title}

    @property
    def run(self) -> TaskView:
        """Return what is known of the task's running."""
        return self.coordinator.data.runs.tasks.get(self.task_name, IDLE)

    @property
    @override
    def available(self) -> bool:
        """Tell whether the server answers, and still has the task."""
        return super().available and self.task_name in self.coordinator.data.tasks


@callback
def async_add_task_entities(
    entry: PlexButlerConfigEntry,
    platform: Platform,
    async_add_entities: AddConfigEntryEntitiesCallback,
    entity_fn: Callable[[PlexButlerCoordinator, ButlerTask], Entity],
) -> None:
    """Add an entity for every task, also for those that the server gets later."""
    coordinator = entry.runtime_data
    added: set[str] = set()

    @callback
    def async_add_new() -> None:
        tasks = coordinator.data.tasks
        added.difference_update(
            _async_forgotten(coordinator, platform, added - tasks.keys())
        )
        new = [task for name, task in tasks.items() if name not in added]
        added.update(task.name for task in new)
        async_add_entities(entity_fn(coordinator, task) for task in new)

    async_add_new()
    entry.async_on_unload(coordinator.async_add_listener(async_add_new))


@callback
def _async_forgotten(
    coordinator: PlexButlerCoordinator, platform: Platform, missing: set[str]
) -> set[str]:
    """Return the tasks whose entities have left the registry, and may come back."""
    registry = er.async_get(coordinator.hass)
    return {
        task
        for task in missing
        if not registry.async_get_entity_id(
            platform, DOMAIN, task_unique_id(coordinator.machine_identifier, task)
        )
    }
