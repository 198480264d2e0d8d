"""Whether Butler is at work, whoever told it to be."""

from collections.abc import Hashable
from typing import Final, override

from homeassistant.components.binary_sensor import (
    BinarySensorEntity,
    BinarySensorEntityDescription,
)
from homeassistant.components.binary_sensor.const import BinarySensorDeviceClass
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .coordinator import PlexButlerConfigEntry, PlexButlerCoordinator
from .entity import PlexButlerEntity
from .run_state import ButlerState

# Nothing is asked here.
PARALLEL_UPDATES = 0

BUTLER: Final = BinarySensorEntityDescription(
    key="butler",
    translation_key="butler",
    device_class=BinarySensorDeviceClass.RUNNING,
    # The device is Butler itself.
    name=None,
)
# A server that was never seen at work may just not show it.
STATES: Final = {ButlerState.BUSY: True, ButlerState.IDLE: False}


async def async_setup_entry(
    hass: HomeAssistant,
    entry: PlexButlerConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the sensor."""
    async_add_entities([PlexButlerBinarySensor(entry.runtime_data)])


class PlexButlerBinarySensor(PlexButlerEntity, BinarySensorEntity):
    """Tells whether Butler is at work; unknown where the server never showed it."""

    def __init__(self, coordinator: PlexButlerCoordinator) -> None:
        """Take the only description."""
        super().__init__(coordinator, BUTLER.key)
        self.entity_description = BUTLER

    @property
    @override
    def is_on(self) -> bool | None:
        """Tell whether Butler is at work."""
        return STATES.get(self.coordinator.data.runs.butler)

    @property
    @override
    def shown(self) -> Hashable:
        """Return what the state is made of."""
        return self.available, self.is_on
