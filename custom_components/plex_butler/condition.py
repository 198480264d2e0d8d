"""Conditions: a task is running, Butler is busy.

What is unknown is not fulfilled: a server that does not answer, or is not loaded.
"""

from abc import abstractmethod
from typing import Any, ClassVar, Final, Unpack, override

from homeassistant.const import CONF_OPTIONS
from homeassistant.core import HomeAssistant
from homeassistant.helpers.condition import (
    Condition,
    ConditionCheckParams,
    ConditionConfig,
)
from homeassistant.helpers.typing import ConfigType
import voluptuous as vol

from .coordinator import PlexButlerCoordinator
from .run_state import ButlerState, TaskState
from .trigger import SERVER_OPTIONS, TASK_OPTIONS, Targets, async_validate_devices


class _ServerCondition(Condition):
    """Is fulfilled by any of some servers."""

    _options_schema: ClassVar[dict[vol.Marker, Any]]

    @classmethod
    @override
    async def async_validate_config(
        cls, hass: HomeAssistant, config: ConfigType
    ) -> ConfigType:
        """Validate config."""
        schema = vol.Schema({vol.Required(CONF_OPTIONS): cls._options_schema})
        config = schema(config)
        async_validate_devices(hass, config[CONF_OPTIONS])
        return config

    def __init__(self, hass: HomeAssistant, config: ConditionConfig) -> None:
        super().__init__(hass, config)
        self._targets = Targets(hass, config.options or {})

    @override
    def _async_check(self, **kwargs: Unpack[ConditionCheckParams]) -> bool:
        """Look at all that is known now."""
        return any(map(self._is_fulfilled_by, self._targets.coordinators()))

    @abstractmethod
    def _is_fulfilled_by(self, coordinator: PlexButlerCoordinator) -> bool:
        """Return True if one server fulfils the condition."""


class TaskIsRunningCondition(_ServerCondition):
    """A task runs, or any of several; one that waits for its start does not."""

    _options_schema = TASK_OPTIONS

    @override
    def _is_fulfilled_by(self, coordinator: PlexButlerCoordinator) -> bool:
        return any(
            run.state is TaskState.RUNNING
            and self._targets.matches_task(coordinator, name)
            for name, run in coordinator.data.runs.tasks.items()
        )


class ButlerIsBusyCondition(_ServerCondition):
    """Butler is at work, whatever started it."""

    _options_schema = SERVER_OPTIONS

    @override
    def _is_fulfilled_by(self, coordinator: PlexButlerCoordinator) -> bool:
        return coordinator.data.runs.butler is ButlerState.BUSY


CONDITIONS: Final[dict[str, type[Condition]]] = {
    "task_is_running": TaskIsRunningCondition,
    "butler_is_busy": ButlerIsBusyCondition,
}


async def async_get_conditions(hass: HomeAssistant) -> dict[str, type[Condition]]:
    """Return the conditions."""
    return CONDITIONS
