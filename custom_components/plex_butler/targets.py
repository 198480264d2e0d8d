"""The servers and tasks that triggers and conditions name."""

from collections.abc import Iterator
from typing import Any, Final

from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import ATTR_DEVICE_ID
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import config_validation as cv, device_registry as dr
import voluptuous as vol

from .const import ATTR_TASK, DOMAIN
from .coordinator import PlexButlerConfigEntry, PlexButlerCoordinator
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


class Targets:
    """The servers and tasks that one automation means.

    Servers are looked up anew each time: their entries come and go.
    """

    def __init__(self, hass: HomeAssistant, options: dict[str, Any]) -> None:
        """Take what was configured."""
        self._hass = hass
        self._device_ids: list[str] = options[ATTR_DEVICE_ID]
        self._tasks: list[str] | None = options.get(ATTR_TASK)

    def device_of(self, entry: PlexButlerConfigEntry) -> str | None:
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

    def means(self, coordinator: PlexButlerCoordinator, name: str) -> bool:
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
