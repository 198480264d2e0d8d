"""Whether Butler is at work, and whether the maintenance window is open."""

from typing import override

from homeassistant.components.binary_sensor import (
    BinarySensorDeviceClass,
    BinarySensorEntity,
)
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.util import dt as dt_util

from .coordinator import PlexButlerConfigEntry
from .entity import PlexButlerEntity, PlexButlerWindowEntity

# No requests are sent.
PARALLEL_UPDATES = 0


async def async_setup_entry(
    hass: HomeAssistant,
    entry: PlexButlerConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the sensors."""
    busy = PlexButlerBusyBinarySensor(entry.runtime_data, "butler")
    window = PlexButlerMaintenanceWindow(entry.runtime_data, "maintenance_window")
    async_add_entities([busy, window])


class PlexButlerBusyBinarySensor(PlexButlerEntity, BinarySensorEntity):
    """On while Butler is at work; unknown where the server never showed it."""

    _attr_device_class = BinarySensorDeviceClass.RUNNING

    @property
    @override
    def is_on(self) -> bool | None:
        return self.coordinator.data.runs.busy


class PlexButlerMaintenanceWindow(PlexButlerWindowEntity, BinarySensorEntity):
    """On while the window is open; unknown if the server does not tell its hours."""

    @property
    @override
    def is_on(self) -> bool | None:
        window = self.coordinator.data.window
        return window.is_open(dt_util.utcnow()) if window else None
