"""Triggers: a task started, a task ended, Butler became idle."""

from typing import Any, ClassVar, Final, override

from homeassistant.const import ATTR_DEVICE_ID
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers import config_validation as cv, trigger
from homeassistant.helpers.dispatcher import async_dispatcher_connect
import voluptuous as vol

from .const import ATTR_TASK
from .coordinator import PlexButlerConfigEntry
from .event import SIGNAL_TASK_EVENT, TaskEvent, TaskEventType
from .target import TASK_OPTION, Targeted, async_device_of
from .tasks import task_key

_RESULTS: Final = [TaskEventType.ENDED, TaskEventType.STOPPED]


class _TaskEventTrigger(Targeted, trigger.Trigger):
    """Fires at some task events of some servers, loaded or not."""

    _types: frozenset[TaskEventType]

    @override
    async def async_attach_runner(
        self,
        run_action: trigger.TriggerActionRunner,
        did_not_trigger: trigger.TriggerNotTriggeredReporter | None = None,
    ) -> CALLBACK_TYPE:
        @callback
        def async_handle(entry: PlexButlerConfigEntry, event: TaskEvent) -> None:
            task = event.run.task if event.run else None
            if event.type not in self._types or not self.async_includes(entry, task):
                return
            variables = {
                ATTR_DEVICE_ID: async_device_of(self._hass, entry),
                "server": entry.title,
                **event.details,
            }
            description = f"Butler of {entry.title} became idle"
            if task is not None:
                variables["key"] = task_key(task)
                description = f"{variables[ATTR_TASK]} of {entry.title} {event.type}"
            if event.type in _RESULTS:
                variables["result"] = event.type
            run_action(variables, description)

        return async_dispatcher_connect(self._hass, SIGNAL_TASK_EVENT, async_handle)


class TaskStartedTrigger(_TaskEventTrigger):
    """Fires when a task starts."""

    _options_schema = TASK_OPTION
    _types = frozenset({TaskEventType.STARTED})


class TaskEndedTrigger(_TaskEventTrigger):
    """Fires when a task was seen to end, or was stopped."""

    _options_schema: ClassVar[dict[vol.Marker, Any]] = {
        **TASK_OPTION,
        vol.Optional("result", default=_RESULTS): vol.All(
            cv.ensure_list, [vol.In(_RESULTS)], vol.Length(min=1)
        ),
    }

    def __init__(self, hass: HomeAssistant, config: trigger.TriggerConfig) -> None:
        super().__init__(hass, config)
        self._types = frozenset((config.options or {})["result"])


class ButlerIdleTrigger(_TaskEventTrigger):
    """Fires when Butler was at work and is not any more."""

    _types = frozenset({TaskEventType.IDLE})


async def async_get_triggers(hass: HomeAssistant) -> dict[str, type[trigger.Trigger]]:
    """Return the triggers."""
    return {
        "task_started": TaskStartedTrigger,
        "task_ended": TaskEndedTrigger,
        "butler_idle": ButlerIdleTrigger,
    }
