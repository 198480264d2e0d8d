"""Triggers, and what they and the conditions are for."""

from collections.abc import Iterator
from typing import Any, ClassVar, Final, override

from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import ATTR_DEVICE_ID, CONF_OPTIONS
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers import config_validation as cv, device_registry as dr
from homeassistant.helpers.dispatcher import async_dispatcher_connect
from homeassistant.helpers.trigger import (
    Trigger,
    TriggerActionRunner,
    TriggerConfig,
    TriggerNotTriggeredReporter,
)
from homeassistant.helpers.typing import ConfigType
import voluptuous as vol

from .const import ATTR_TASK, DOMAIN
from .coordinator import PlexButlerConfigEntry, PlexButlerCoordinator
from .event import SIGNAL_TASK_EVENT, TaskEvent, TaskEventType
from .tasks import find_tasks

SERVER_OPTIONS: Final[dict[vol.Marker, Any]] = {
    vol.Required(ATTR_DEVICE_ID): vol.All(
        cv.ensure_list, [cv.string], vol.Length(min=1)
    ),
}
TASK_OPTIONS: Final[dict[vol.Marker, Any]] = {
    **SERVER_OPTIONS,
    vol.Optional(ATTR_TASK): vol.All(cv.ensure_list, [cv.string], vol.Length(min=1)),
}

CONF_RESULT: Final = "result"
_RESULTS: Final = [TaskEventType.ENDED, TaskEventType.STOPPED]


class Targets:
    """The servers and tasks that one automation means.

    Servers are looked up anew each time: their entries come and go.
    """

    def __init__(self, hass: HomeAssistant, options: dict[str, Any]) -> None:
        self._hass = hass
        self._device_ids: list[str] = options[ATTR_DEVICE_ID]
        self._tasks: list[str] | None = options.get(ATTR_TASK)

    def device_id_for(self, entry: PlexButlerConfigEntry) -> str | None:
        """Return the device that means a server."""
        return next(
            (
                device_id
                for device_id in self._device_ids
                if async_entry_of(self._hass, device_id) is entry
            ),
            None,
        )

    def coordinators(self) -> Iterator[PlexButlerCoordinator]:
        """Yield the servers of which anything is known now."""
        for device_id in self._device_ids:
            entry = async_entry_of(self._hass, device_id)
            if (
                entry
                and entry.state is ConfigEntryState.LOADED
                and entry.runtime_data.last_update_success
            ):
                yield entry.runtime_data

    def matches_task(self, coordinator: PlexButlerCoordinator, name: str) -> bool:
        """Return True if a task is meant; all are, if none is named.

        A title that two tasks share means both.
        """
        if self._tasks is None:
            return True
        tasks = coordinator.data.tasks.values()
        return any(
            task.name == name
            for wanted in self._tasks
            for task in find_tasks(tasks, wanted)
        )


@callback
def async_entry_of(hass: HomeAssistant, device_id: str) -> PlexButlerConfigEntry | None:
    """Return the entry of a server's device, be it loaded or not."""
    _, entry = dr.async_get_device_and_config_entry_for_domain(
        hass, device_id, domain=DOMAIN
    )
    return entry


@callback
def async_validate_devices(hass: HomeAssistant, options: dict[str, Any]) -> None:
    """Raise Invalid if a device is no server of ours."""
    for device_id in options[ATTR_DEVICE_ID]:
        if async_entry_of(hass, device_id) is None:
            raise vol.Invalid(f"Device {device_id} is not a Plex Butler server")


class _NewsTrigger(Trigger):
    """Fires at some task events of some servers, loaded or not."""

    _schema: ClassVar[vol.Schema]
    _types: frozenset[TaskEventType]

    @classmethod
    @override
    async def async_validate_config(
        cls, hass: HomeAssistant, config: ConfigType
    ) -> ConfigType:
        """Validate config."""
        config = cls._schema(config)
        async_validate_devices(hass, config[CONF_OPTIONS])
        return config

    def __init__(self, hass: HomeAssistant, config: TriggerConfig) -> None:
        super().__init__(hass, config)
        self._options = config.options or {}
        self._targets = Targets(hass, self._options)

    @override
    async def async_attach_runner(
        self,
        run_action: TriggerActionRunner,
        did_not_trigger: TriggerNotTriggeredReporter | None = None,
    ) -> CALLBACK_TYPE:
        """Subscribe to the task events of all servers, also of those not yet loaded."""

        @callback
        def async_heard(entry: PlexButlerConfigEntry, event: TaskEvent) -> None:
            if event.type not in self._types:
                return
            if (device_id := self._targets.device_id_for(entry)) and self._is_meant(
                entry, event
            ):
                run_action(
                    {ATTR_DEVICE_ID: device_id, **event.details},
                    _describe(entry, event),
                )

        return async_dispatcher_connect(self._hass, SIGNAL_TASK_EVENT, async_heard)

    def _is_meant(self, entry: PlexButlerConfigEntry, event: TaskEvent) -> bool:
        task = event.task
        return task is None or self._targets.matches_task(entry.runtime_data, task.name)


def _schema(options: dict[vol.Marker, Any]) -> vol.Schema:
    return vol.Schema({vol.Required(CONF_OPTIONS): options})


def _describe(entry: PlexButlerConfigEntry, event: TaskEvent) -> str:
    if event.task is None:
        return f"Butler of {entry.title} became idle"
    return f"{event.task.title} of {entry.title} {event.type}"


class TaskStartedTrigger(_NewsTrigger):
    """Fires when a task starts."""

    _schema = _schema(TASK_OPTIONS)
    _types = frozenset({TaskEventType.STARTED})


class TaskEndedTrigger(_NewsTrigger):
    """Fires when a task was seen to end, or was stopped."""

    _schema = _schema(
        {
            **TASK_OPTIONS,
            vol.Optional(CONF_RESULT, default=_RESULTS): vol.All(
                cv.ensure_list, [vol.In(_RESULTS)], vol.Length(min=1)
            ),
        }
    )

    def __init__(self, hass: HomeAssistant, config: TriggerConfig) -> None:
        super().__init__(hass, config)
        self._types = frozenset(self._options[CONF_RESULT])


class ButlerIdleTrigger(_NewsTrigger):
    """Fires when Butler was at work and is not any more."""

    _schema = _schema(SERVER_OPTIONS)
    _types = frozenset({TaskEventType.IDLE})


TRIGGERS: Final[dict[str, type[Trigger]]] = {
    "task_started": TaskStartedTrigger,
    "task_ended": TaskEndedTrigger,
    "butler_idle": ButlerIdleTrigger,
}


async def async_get_triggers(hass: HomeAssistant) -> dict[str, type[Trigger]]:
    """Return the triggers."""
    return TRIGGERS
