"""Conditions: a task is running, Butler is busy.

What is unknown is not fulfilled: a server that does not answer, or is not loaded.
"""

from abc import abstractmethod
from typing import Final, Unpack, override

from homeassistant.core import HomeAssistant
from homeassistant.helpers.condition import Condition, ConditionCheckParams

from .const import DOMAIN
from .coordinator import PlexButlerConfigEntry
from .run_state import TaskState
from .target import TASK_OPTION, Targeted


class _ServerCondition(Targeted, Condition):
    """Is fulfilled by any of some servers."""

    @override
    def _async_check(self, **kwargs: Unpack[ConditionCheckParams]) -> bool:
        """Look at all that is known now."""
        return any(
            entry.runtime_data.last_update_success and self._is_fulfilled_by(entry)
            for entry in self._hass.config_entries.async_loaded_entries(DOMAIN)
        )

    @abstractmethod
    def _is_fulfilled_by(self, entry: PlexButlerConfigEntry) -> bool:
        """Return True if a server fulfils the condition, and is meant."""


class TaskIsRunningCondition(_ServerCondition):
    """A task runs, or any of several; one that waits for its start does not."""

    _options_schema = TASK_OPTION

    @override
    def _is_fulfilled_by(self, entry: PlexButlerConfigEntry) -> bool:
        return any(
            run.state is TaskState.RUNNING and self.async_includes(entry, name)
            for name, run in entry.runtime_data.data.runs.tasks.items()
        )


class ButlerIsBusyCondition(_ServerCondition):
    """Butler is at work, whatever started it."""

    @override
    def _is_fulfilled_by(self, entry: PlexButlerConfigEntry) -> bool:
        is_busy = entry.runtime_data.data.runs.busy is True
        return is_busy and self.async_includes(entry)


CONDITIONS: Final[dict[str, type[Condition]]] = {
    "task_is_running": TaskIsRunningCondition,
    "butler_is_busy": ButlerIsBusyCondition,
}


async def async_get_conditions(hass: HomeAssistant) -> dict[str, type[Condition]]:
    """Return the conditions."""
    return CONDITIONS
