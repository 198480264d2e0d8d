"""How many tasks run, and when each ran last."""

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
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .coordinator import PlexButlerConfigEntry, PlexButlerCoordinator
from .describe import describe, describe_run
from .entity import PlexButlerEntity, PlexButlerTaskEntity, async_add_task_entities

# Nothing is asked here.
PARALLEL_UPDATES = 0

RUNNING_TASKS: Final = SensorEntityDescription(
    key="running_tasks",
    translation_key="running_tasks",
    state_class=SensorStateClass.MEASUREMENT,
)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: PlexButlerConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the sensors."""
    async_add_entities([PlexButlerRunningTasks(entry.runtime_data)])
    async_add_task_entities(
        entry, Platform.SENSOR, async_add_entities, PlexButlerLastRun
    )


class PlexButlerRunningTasks(PlexButlerEntity, SensorEntity):
    """Counts the tasks that run, and tells how that is known."""

    # It changes with every percent.
    _unrecorded_attributes = frozenset({"tasks"})

    def __init__(self, coordinator: PlexButlerCoordinator) -> None:
        """Take the only description."""
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
    def shown(self) -> Hashable:
        """Return what the state is made of."""
        runs = self.coordinator.data.runs
        on = ((name, run) for name, run in runs.tasks.items() if run.is_on)
        return self.available, runs.running, tuple(on)


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
    def shown(self) -> Hashable:
        """Return what the state is made of."""
        return self.available, self.run.last


def _of_now(described: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in described.items() if key != "last_run"}
