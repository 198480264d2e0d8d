"""The starts and ends of runs, as event entities and for automations."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, override

from homeassistant.components.event import EventEntity, EventEntityDescription
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.dispatcher import (
    async_dispatcher_connect,
    async_dispatcher_send,
)
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .api import ButlerTask
from .const import DOMAIN
from .coordinator import PlexButlerConfigEntry, PlexButlerCoordinator
from .entity import PlexButlerEntity
from .run_state import ButlerIdle, Change, EndedRun, Result, Run, RunEnded, RunStarted
from .task_actions import describe_begun, describe_run

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
    run: Run | EndedRun | None = None

    @property
    def details(self) -> dict[str, Any]:
        """Return what is known of it, in the words of the actions."""
        details: dict[str, Any] = {}
        if self.task:
            details = {"task": self.task.name, "title": self.task.title}
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
    """Tell automations what happens on a server, from now on."""
    coordinator = entry.runtime_data

    @callback
    def async_dispatch(changes: tuple[Change, ...]) -> None:
        for change in changes:
            if event := _task_event_of(coordinator, change):
                async_dispatcher_send(hass, SIGNAL_TASK_EVENT, entry, event)

    entry.async_on_unload(coordinator.tracker.async_add_change_listener(async_dispatch))


def _task_event_of(
    coordinator: PlexButlerCoordinator, change: Change
) -> TaskEvent | None:
    """Return the event of a change, or None for starts and ends that were not seen."""
    match change:
        case ButlerIdle():
            return TaskEvent(type=TaskEventType.IDLE)
        case RunStarted(run=run) if run.started:
            kind = TaskEventType.STARTED
        case RunEnded(run=run, ran=True) if run.result is not Result.LOST:
            kind = TaskEventType(run.result)
        case _:
            return None
    task = coordinator.data.tasks.get(run.task)
    return TaskEvent(type=kind, task=task, run=run) if task else None


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
            details = dict(event.details)
            details.pop("result", None)
            self._trigger_event(event.type, details)
            self.async_write_ha_state()
