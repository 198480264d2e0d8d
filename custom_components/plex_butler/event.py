"""The starts and ends of runs: for automations, as bus events and as event entities."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, override

from homeassistant.components.event import EventEntity
from homeassistant.const import ATTR_DEVICE_ID, ATTR_ENTITY_ID, ATTR_NAME, Platform
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import dispatcher, entity_registry as er
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .const import ATTR_TASK, DOMAIN, EVENT_TASK
from .coordinator import PlexButlerConfigEntry, PlexButlerCoordinator
from .dynamic_entities import TASK_ID
from .entity import PlexButlerEntity
from .run_state import Change, EndedRun, Result, Run
from .target import async_device_of
from .task_actions import describe_run
from .tasks import async_task_name

# One for all servers: an automation may be there before its server is, and after it.
SIGNAL_TASK_EVENT: Final = f"{DOMAIN}_task_event"

# No requests are sent.
PARALLEL_UPDATES = 0


class TaskEventType(StrEnum):
    """What happened."""

    STARTED = "started"
    ENDED = "ended"
    STOPPED = "stopped"
    IDLE = "idle"


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskEvent:
    """Something that happened, to a task or (without a run) to Butler as a whole."""

    type: TaskEventType
    run: Run | EndedRun | None = None
    # The task's names, and what is known of its run beside the type, for automations
    details: dict[str, Any] = field(default_factory=dict)


@callback
def async_setup_task_events(coordinator: PlexButlerCoordinator) -> None:
    """Have what happens on a server sent to triggers, event entities and the bus."""
    hass, entry = coordinator.hass, coordinator.config_entry
    entities = er.async_get(hass)

    @callback
    def async_dispatch(changes: tuple[Change, ...]) -> None:
        for change in changes:
            if not (event := _task_event_of(coordinator, change)):
                continue
            dispatcher.async_dispatcher_send(hass, SIGNAL_TASK_EVENT, entry, event)
            if not event.run:
                continue
            # Activity shows it with the task's switch and the device.
            unique_id = f"{entry.unique_id}{TASK_ID}{event.run.task}"
            switch = entities.async_get_entity_id(Platform.SWITCH, DOMAIN, unique_id)
            about = {
                "type": event.type,
                ATTR_DEVICE_ID: async_device_of(hass, entry),
                ATTR_ENTITY_ID: switch,
            }
            hass.bus.async_fire(EVENT_TASK, about | event.details)

    # As long as the tracker lives: it tells of an end at the very end.
    coordinator.tracker.async_add_listener(async_dispatch)


def _task_event_of(
    coordinator: PlexButlerCoordinator, change: Change
) -> TaskEvent | None:
    """Return the event of a change, or None for starts and ends that were not seen."""
    match change:
        case "butler_idle":
            return TaskEvent(type=TaskEventType.IDLE)
        case Run() as run if run.started:
            kind = TaskEventType.STARTED
        case EndedRun(ran=True) as run if run.result is not Result.LOST:
            kind = TaskEventType(run.result)
        case _:
            return None
    if (task := coordinator.data.tasks.get(run.task)) is None:
        return None
    names = {ATTR_TASK: async_task_name(coordinator.hass, task), ATTR_NAME: task.name}
    details = describe_run(run) | names
    details.pop("result", None)
    return TaskEvent(type=kind, run=run, details=details)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: PlexButlerConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the event entity."""
    async_add_entities([PlexButlerTaskEvent(entry.runtime_data, "task")])


class PlexButlerTaskEvent(PlexButlerEntity, EventEntity):
    """Tells when a task started, ended or was stopped; not what was so before."""

    _attr_entity_registry_enabled_default = False
    _attr_event_types = [  # noqa: RUF012  # Home Assistant declares it so
        it for it in TaskEventType if it is not TaskEventType.IDLE
    ]

    @property
    @override
    def available(self) -> bool:
        # What happened has happened. If the state went and came back, automations that
        # wait for it would take the last event for a new one.
        return True

    @override
    async def async_added_to_hass(self) -> None:
        await super().async_added_to_hass()
        disconnect = dispatcher.async_dispatcher_connect(
            self.hass, SIGNAL_TASK_EVENT, self._async_heard
        )
        self.async_on_remove(disconnect)

    @callback
    def _async_heard(self, entry: PlexButlerConfigEntry, event: TaskEvent) -> None:
        if entry is self.coordinator.config_entry and event.run:
            self._trigger_event(event.type, event.details)
            self.async_write_ha_state()
