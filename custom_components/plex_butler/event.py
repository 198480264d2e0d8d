"""The starts and ends of runs: for automations, as bus events and as event entities."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, override

from homeassistant.components.event import EventEntity, EventEntityDescription
from homeassistant.const import ATTR_DEVICE_ID, ATTR_ENTITY_ID, ATTR_NAME, Platform
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.helpers.dispatcher import (
    async_dispatcher_connect,
    async_dispatcher_send,
)
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .api import ButlerTask
from .const import ATTR_TASK, DOMAIN, EVENT_TASK
from .coordinator import PlexButlerConfigEntry, PlexButlerCoordinator
from .entity import PlexButlerEntity
from .run_state import Change, EndedRun, Result, Run
from .task_actions import describe_begun, describe_run
from .tasks import async_task_name

# One for all servers: an automation may be there before its server is, and after it.
SIGNAL_TASK_EVENT: Final = f"{DOMAIN}_task_event"

# Nothing is asked here.
PARALLEL_UPDATES = 0


class TaskEventType(StrEnum):
    """What happened."""

    STARTED = "started"
    ENDED = "ended"
    STOPPED = "stopped"
    IDLE = "idle"


TASK: Final = EventEntityDescription(
    key="task",
    translation_key="task",
    event_types=[TaskEventType.STARTED, TaskEventType.ENDED, TaskEventType.STOPPED],
)


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskEvent:
    """Something that happened, to a task or (None) to Butler as a whole."""

    type: TaskEventType
    task: ButlerTask | None = None
    title: str = ""  # The task's name in the language of Home Assistant
    run: Run | EndedRun | None = None

    @property
    def details(self) -> dict[str, Any]:
        """Return what is known of it, in the words of the actions."""
        details: dict[str, Any] = {}
        if self.task:
            details = {"task": self.task.name, "title": self.title}
        match self.run:
            case Run() as run:
                details |= describe_begun(run)
            case EndedRun() as run:
                details |= describe_run(run)
        return details


@callback
def async_dispatch_task_events(
    hass: HomeAssistant, entry: PlexButlerConfigEntry
) -> None:
    """Send what happens on a server to triggers, event entities and the event bus."""
    coordinator = entry.runtime_data

    @callback
    def async_dispatch(changes: tuple[Change, ...]) -> None:
        for change in changes:
            if event := _task_event_of(coordinator, change):
                async_dispatcher_send(hass, SIGNAL_TASK_EVENT, entry, event)
                if event.task:
                    _async_fire(coordinator, event, event.task.name)

    entry.async_on_unload(coordinator.tracker.async_add_change_listener(async_dispatch))


@callback
def _async_fire(
    coordinator: PlexButlerCoordinator, event: TaskEvent, task: str
) -> None:
    """Fire the bus event, which Activity shows with the task's switch and the device."""
    hass, machine = coordinator.hass, coordinator.machine_identifier
    device = dr.async_get(hass).async_get_device_by_identifier(
        (DOMAIN, machine), coordinator.config_entry.entry_id
    )
    switch = er.async_get(hass).async_get_entity_id(
        Platform.SWITCH, DOMAIN, f"{machine}_task_{task}"
    )
    hass.bus.async_fire(
        EVENT_TASK,
        {
            "type": event.type,
            ATTR_DEVICE_ID: device.id if device else None,
            ATTR_ENTITY_ID: switch,
            **_shown(event),
        },
    )


def _shown(event: TaskEvent) -> dict[str, Any]:
    """Return the details, with the type for the result and a name for people."""
    details = event.details
    details |= {ATTR_NAME: details["task"], ATTR_TASK: details.pop("title")}
    details.pop("result", None)
    return details


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
    if task := coordinator.data.tasks.get(run.task):
        title = async_task_name(coordinator.hass, task)
        return TaskEvent(type=kind, task=task, title=title, run=run)
    return None


async def async_setup_entry(
    hass: HomeAssistant,
    entry: PlexButlerConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the event entity."""
    async_add_entities([PlexButlerTaskEvent(entry)])


class PlexButlerTaskEvent(PlexButlerEntity, EventEntity):
    """Tells when a task started, ended or was stopped; not what was so before."""

    _attr_entity_registry_enabled_default = False

    def __init__(self, entry: PlexButlerConfigEntry) -> None:
        super().__init__(entry.runtime_data, TASK.key)
        self.entity_description = TASK
        self._entry = entry

    @property
    @override
    def available(self) -> bool:
        """Return True in an outage as well.

        What happened has happened. If the state went and came back, automations that
        wait for it would take the last event for a new one.
        """
        return True

    @override
    async def async_added_to_hass(self) -> None:
        """Subscribe to the task events."""
        await super().async_added_to_hass()
        self.async_on_remove(
            async_dispatcher_connect(
                self.hass, SIGNAL_TASK_EVENT, self._handle_task_event
            )
        )

    @callback
    def _handle_task_event(
        self, entry: PlexButlerConfigEntry, event: TaskEvent
    ) -> None:
        if entry is self._entry and event.type in self.event_types:
            self._trigger_event(event.type, _shown(event))
            self.async_write_ha_state()
