"""How many tasks run, when each ran last, and when they will run by themselves."""

from collections.abc import Hashable
from datetime import datetime
from typing import Any, Final, override

from homeassistant.components.sensor import (
    SensorDeviceClass,
    SensorEntity,
    SensorEntityDescription,
    SensorStateClass,
)
from homeassistant.const import EntityCategory, Platform
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.util import dt as dt_util

from .const import DOMAIN
from .coordinator import PlexButlerConfigEntry, PlexButlerCoordinator
from .dynamic_entities import async_add_task_entities
from .entity import PlexButlerEntity, PlexButlerTaskEntity, PlexButlerWindowEntity
from .task_actions import describe, describe_run

# Nothing is asked here.
PARALLEL_UPDATES = 0

RUNNING_TASKS: Final = SensorEntityDescription(
    key="running_tasks",
    translation_key="running_tasks",
    state_class=SensorStateClass.MEASUREMENT,
)

NEXT_WINDOW: Final = SensorEntityDescription(
    key="next_window",
    translation_key="next_window",
    device_class=SensorDeviceClass.TIMESTAMP,
)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: PlexButlerConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the sensors."""
    coordinator = entry.runtime_data
    # Older versions had a sensor of active streams.
    registry, unique_id = er.async_get(hass), f"{entry.unique_id}_active_streams"
    if old := registry.async_get_entity_id(Platform.SENSOR, DOMAIN, unique_id):
        registry.async_remove(old)
    async_add_entities(
        [
            PlexButlerRunningTasks(coordinator),
            PlexButlerNextWindow(coordinator),
        ]
    )
    async_add_task_entities(
        entry, Platform.SENSOR, async_add_entities, PlexButlerLastRun
    )


class PlexButlerRunningTasks(PlexButlerEntity, SensorEntity):
    """Counts the tasks that run, and tells how that is known."""

    # It changes with every percent.
    _unrecorded_attributes = frozenset({"tasks"})

    def __init__(self, coordinator: PlexButlerCoordinator) -> None:
        super().__init__(coordinator, RUNNING_TASKS.key)
        self.entity_description = RUNNING_TASKS

    @property
    @override
    def native_value(self) -> int:
        """Return how many tasks run."""
        return self.coordinator.data.runs.running

    @property
    @override
    def extra_state_attributes(self) -> dict[str, Any]:
        """Return what is known of each."""
        data = self.coordinator.data
        return {
            "tasks": [
                {"name": name, "title": task.title} | _of_now(describe(run))
                for name, task in data.tasks.items()
                if (run := data.runs.tasks.get(name)) and run.is_on
            ]
        }

    @property
    @override
    def state_key(self) -> Hashable:
        """Return what the state is made of."""
        runs = self.coordinator.data.runs
        on = ((name, run) for name, run in runs.tasks.items() if run.is_on)
        return self.available, runs.running, tuple(on)


class PlexButlerNextWindow(PlexButlerWindowEntity, SensorEntity):
    """Tells when the maintenance window opens next; unknown where that is not clear."""

    def __init__(self, coordinator: PlexButlerCoordinator) -> None:
        super().__init__(coordinator, NEXT_WINDOW.key)
        self.entity_description = NEXT_WINDOW

    @property
    @override
    def native_value(self) -> datetime | None:
        """Return when the window opens."""
        window = self.coordinator.data.window
        return window.next_start(dt_util.utcnow()) if window else None

    @property
    @override
    def state_key(self) -> Hashable:
        """Return what the state is made of."""
        return self.available, self.native_value


class PlexButlerLastRun(PlexButlerTaskEntity, SensorEntity):
    """Tells when a task ended last, and how that run went."""

    key_prefix = "last_run_"
    _attr_device_class = SensorDeviceClass.TIMESTAMP
    _attr_entity_category = EntityCategory.DIAGNOSTIC
    _attr_entity_registry_enabled_default = False

    @property
    @override
    def native_value(self) -> datetime | None:
        """Return when the task ended, or was lost sight of."""
        return self.run.last.ended_at if self.run.last else None

    @property
    @override
    def extra_state_attributes(self) -> dict[str, Any] | None:
        """Return how the run went."""
        return describe_run(self.run.last) if self.run.last else None

    @property
    @override
    def state_key(self) -> Hashable:
        """Return what the state is made of."""
        return self.available, self.run.last


def _of_now(described: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in described.items() if key != "last_run"}
