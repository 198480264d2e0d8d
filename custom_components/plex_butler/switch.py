"""A switch for every task, on while it runs, and one for its place on the schedule."""

from typing import Any, override

from homeassistant.components.switch import SwitchDeviceClass, SwitchEntity
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .coordinator import PlexButlerConfigEntry
from .dynamic_entities import async_add_preference_entities, async_add_task_entities
from .entity import PlexButlerPreferenceEntity, PlexButlerTaskEntity
from .run_state import Command
from .schedule import ScheduleKind
from .tasks import COMMON_TASKS

# Commands and settings keep their order themselves; a stop must not wait here.
PARALLEL_UPDATES = 0


async def async_setup_entry(
    hass: HomeAssistant,
    entry: PlexButlerConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add a switch for every task of the server, and for each that can be scheduled."""
    schedule_switch = PlexButlerScheduleSwitch.create
    async_add_task_entities(entry, async_add_entities, PlexButlerTaskSwitch)
    async_add_preference_entities(entry, async_add_entities, schedule_switch)


class PlexButlerTaskSwitch(PlexButlerTaskEntity, SwitchEntity):
    """Runs a task, and shows whether it runs or is about to."""

    enabled_tasks = COMMON_TASKS
    # Selectors tell it by this from a switch of the schedule.
    _attr_device_class = SwitchDeviceClass.SWITCH
    _unrecorded_attributes = frozenset(
        {
            "description",
            "interval",
            "enabled",
            "evidence",
            "last_result",
            "last_duration",
        }
    )

    @property
    @override
    def is_on(self) -> bool:
        return self.run.is_on

    @property
    @override
    def assumed_state(self) -> bool:
        return self.run.assumed

    @property
    @override
    def extra_state_attributes(self) -> dict[str, Any]:
        """Return what the task is; intervals are in days, durations in seconds."""
        task, last = self.coordinator.data.tasks[self.task_name], self.run.last
        duration = last.duration if last else None
        return {
            "description": task.description,
            "interval": task.interval,
            "enabled": task.enabled,
            "evidence": self.run.evidence,
            "last_result": last.result if last else None,
            "last_duration": round(duration.total_seconds()) if duration else None,
        }

    @property
    @override
    def state_key(self) -> object:
        """Return what the state is made of, which is quicker than the state itself."""
        if not self.available:
            return False
        task, run = self.coordinator.data.tasks[self.task_name], self.run
        return task, run.is_on, run.assumed, run.evidence, run.last

    @override
    async def async_turn_on(self, **kwargs: Any) -> None:
        """Start the task; that it runs already is no error."""
        await self.coordinator.commands.async_command(Command.START, self.task_name)

    @override
    async def async_turn_off(self, **kwargs: Any) -> None:
        """Stop the task; that it does not run is no error."""
        await self.coordinator.commands.async_command(Command.STOP, self.task_name)


class PlexButlerScheduleSwitch(PlexButlerPreferenceEntity, SwitchEntity):
    """Lets a task run by itself in the maintenance window, or not."""

    kind = ScheduleKind.SWITCH

    @property
    @override
    def is_on(self) -> bool | None:
        return self.value if isinstance(self.value, bool) else None

    @override
    async def async_turn_on(self, **kwargs: Any) -> None:
        await self.async_set_value(value=True)

    @override
    async def async_turn_off(self, **kwargs: Any) -> None:
        """Take the task off the schedule; a run goes on."""
        await self.async_set_value(value=False)
