"""A switch for every task: on while it runs."""

from collections.abc import Hashable
from typing import Any, override

from homeassistant.components.switch import SwitchEntity
from homeassistant.const import Platform
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .api import ButlerTask
from .coordinator import PlexButlerConfigEntry, PlexButlerCoordinator
from .entity import PlexButlerTaskEntity, async_add_task_entities
from .tasks import UPDATE_TASKS

# The server gets one command at a time; what it makes of two at once is not known.
PARALLEL_UPDATES = 1


async def async_setup_entry(
    hass: HomeAssistant,
    entry: PlexButlerConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add a switch for every task of the server."""
    async_add_task_entities(
        entry, Platform.SWITCH, async_add_entities, PlexButlerTaskSwitch
    )


class PlexButlerTaskSwitch(PlexButlerTaskEntity, SwitchEntity):
    """Runs a task, and shows whether it runs."""

    def __init__(self, coordinator: PlexButlerCoordinator, task: ButlerTask) -> None:
        """Leave what replaces the server's software for who wants it."""
        super().__init__(coordinator, task)
        self._attr_entity_registry_enabled_default = task.name not in UPDATE_TASKS

    @property
    @override
    def is_on(self) -> bool:
        """Tell whether the task runs or is about to."""
        return self.run.is_on

    @property
    @override
    def assumed_state(self) -> bool:
        """Tell whether this server has never shown the task running."""
        return self.run.assumed

    @property
    @override
    def shown(self) -> Hashable:
        """Return what the state is made of, progress left out."""
        return self.available, self.run.is_on, self.run.assumed

    @override
    async def async_turn_on(self, **kwargs: Any) -> None:
        """Start the task; that it runs already is no error."""
        await self.coordinator.commands.async_start_task(self.task_name)

    @override
    async def async_turn_off(self, **kwargs: Any) -> None:
        """Stop the task; that it does not run is no error."""
        await self.coordinator.commands.async_stop_task(self.task_name)
