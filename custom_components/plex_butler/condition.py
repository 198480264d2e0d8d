"""Conditions: a task is running, Butler is busy.

What is unknown is not fulfilled: a server that does not answer, or is not loaded.
"""

from abc import abstractmethod
from typing import Any, ClassVar, Final, Unpack, override

from homeassistant.core import HomeAssistant
from homeassistant.helpers.condition import (
    Condition,
    ConditionCheckParams,
    ConditionConfig,
)
from homeassistant.helpers.typing import ConfigType
import voluptuous as vol

from .const import DOMAIN
from .coordinator import PlexButlerConfigEntry
from .run_state import TaskState
from .target import TASK_OPTION, Watch, async_validate_config


class _ServerCondition(Condition):
    """Is fulfilled by any of some servers."""

    _options_schema: ClassVar[dict[vol.Marker, Any]] = {}

    @classmethod
    @override
    async def async_validate_config(
        cls, hass: HomeAssistant, config: ConfigType
    ) -> ConfigType:
        """Validate config."""
        return async_validate_config(hass, config, cls._options_schema)

    def __init__(self, hass: HomeAssistant, config: ConditionConfig) -> None:
        super().__init__(hass, config)
        self._watch = Watch(hass, config)

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
            run.state is TaskState.RUNNING and self._watch.async_includes(entry, name)
            for name, run in entry.runtime_data.data.runs.tasks.items()
        )


class ButlerIsBusyCondition(_ServerCondition):
    """Butler is at work, whatever started it."""

    @override
    def _is_fulfilled_by(self, entry: PlexButlerConfigEntry) -> bool:
        is_busy = entry.runtime_data.data.runs.busy is True
        return is_busy and self._watch.async_includes(entry)


CONDITIONS: Final[dict[str, type[Condition]]] = {
    "task_is_running": TaskIsRunningCondition,
    "butler_is_busy": ButlerIsBusyCondition,
}


async def async_get_conditions(hass: HomeAssistant) -> dict[str, type[Condition]]:
    """Return the conditions."""
    return CONDITIONS
