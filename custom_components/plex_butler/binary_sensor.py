"""Whether Butler is at work, and whether the maintenance window is open."""

from collections.abc import Hashable
from typing import Final, override

from homeassistant.components.binary_sensor import (
    BinarySensorDeviceClass,
    BinarySensorEntity,
    BinarySensorEntityDescription,
)
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.util import dt as dt_util

from .coordinator import PlexButlerConfigEntry, PlexButlerCoordinator
from .entity import PlexButlerEntity, PlexButlerWindowEntity

# Nothing is asked here.
PARALLEL_UPDATES = 0

BUTLER: Final = BinarySensorEntityDescription(
    key="butler",
    translation_key="butler",
    device_class=BinarySensorDeviceClass.RUNNING,
)
MAINTENANCE_WINDOW: Final = BinarySensorEntityDescription(
    key="maintenance_window",
    translation_key="maintenance_window",
)
# A server that was never seen at work may just not show it.


async def async_setup_entry(
    hass: HomeAssistant,
    entry: PlexButlerConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the sensors."""
    coordinator = entry.runtime_data
    async_add_entities(
        [
            PlexButlerBusyBinarySensor(coordinator),
            PlexButlerMaintenanceWindow(coordinator),
        ]
    )


class PlexButlerBusyBinarySensor(PlexButlerEntity, BinarySensorEntity):
    """On while Butler is at work; unknown where the server never showed it."""

    def __init__(self, coordinator: PlexButlerCoordinator) -> None:
        super().__init__(coordinator, BUTLER.key)
        self.entity_description = BUTLER

    @property
    @override
    def is_on(self) -> bool | None:
        """Return True if Butler is at work."""
        return self.coordinator.data.runs.busy

    @property
    @override
    def state_key(self) -> Hashable:
        """Return what the state is made of."""
        return self.available, self.is_on


class PlexButlerMaintenanceWindow(PlexButlerWindowEntity, BinarySensorEntity):
    """On while the maintenance window is open; unknown if the server does not tell its hours."""

    def __init__(self, coordinator: PlexButlerCoordinator) -> None:
        super().__init__(coordinator, MAINTENANCE_WINDOW.key)
        self.entity_description = MAINTENANCE_WINDOW

    @property
    @override
    def is_on(self) -> bool | None:
        """Return True if the window is open."""
        window = self.coordinator.data.window
        return window.is_open(dt_util.utcnow()) if window else None

    @property
    @override
    def state_key(self) -> Hashable:
        """Return what the state is made of."""
        return self.available, self.is_on
