"""Conditions: a task is running, Butler is busy; what is unknown is not fulfilled."""

from typing import Unpack, override

from homeassistant.core import HomeAssistant
from homeassistant.helpers.condition import Condition, ConditionCheckParams

from .const import DOMAIN
from .coordinator import PlexButlerConfigEntry
from .run_state import TaskState
from .target import TASK_OPTION, Targeted


def _answering(hass: HomeAssistant) -> list[PlexButlerConfigEntry]:
    """Return the servers that are loaded and answer."""
    entries = hass.config_entries.async_loaded_entries(DOMAIN)
    return [it for it in entries if it.runtime_data.last_update_success]


class TaskIsRunningCondition(Targeted, Condition):
    """A task runs, or any of several; one that waits for its start does not."""

    _options_schema = TASK_OPTION

    @override
    def _async_check(self, **kwargs: Unpack[ConditionCheckParams]) -> bool:
        return any(
            run.state is TaskState.RUNNING and self.async_includes(entry, name)
            for entry in _answering(self._hass)
            for name, run in entry.runtime_data.data.runs.tasks.items()
        )


class ButlerIsBusyCondition(Targeted, Condition):
    """Butler is at work, whatever started it."""

    @override
    def _async_check(self, **kwargs: Unpack[ConditionCheckParams]) -> bool:
        return any(
            entry.runtime_data.data.runs.busy and self.async_includes(entry)
            for entry in _answering(self._hass)
        )


async def async_get_conditions(hass: HomeAssistant) -> dict[str, type[Condition]]:
    """Return the conditions."""
    return {
        "task_is_running": TaskIsRunningCondition,
        "butler_is_busy": ButlerIsBusyCondition,
    }
