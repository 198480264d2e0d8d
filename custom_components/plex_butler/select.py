"""When the maintenance window is, and when each kind of work is done."""

from typing import Final, override

from homeassistant.components.select import SelectEntity
from homeassistant.const import Platform
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .api import Preference
from .coordinator import PlexButlerConfigEntry, PlexButlerCoordinator
from .dynamic_entities import async_add_preference_entities
from .entity import PlexButlerPreferenceEntity
from .schedule import ScheduleKind, behaviors_of, kind_of

# The server gets one change at a time from Preferences.
PARALLEL_UPDATES = 0

# Servers label them in different ways.
HOURS: Final = [f"{hour:02}:00" for hour in range(24)]


async def async_setup_entry(
    hass: HomeAssistant,
    entry: PlexButlerConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add a select for every hour and behaviour that the server lists."""
    async_add_preference_entities(entry, Platform.SELECT, async_add_entities, _select)


def _select(
    coordinator: PlexButlerCoordinator, preference: Preference
) -> SelectEntity | None:
    match kind_of(preference):
        case ScheduleKind.HOUR:
            return PlexButlerHourSelect(coordinator, preference)
        case ScheduleKind.BEHAVIOR:
            return PlexButlerBehaviorSelect(coordinator, preference)
    return None


class PlexButlerHourSelect(PlexButlerPreferenceEntity, SelectEntity):
    """A full hour on the server's clock."""

    _attr_entity_registry_enabled_default = True
    _attr_options = HOURS

    @property
    @override
    def current_option(self) -> str | None:
        """Return the hour."""
        hour = self.value
        return HOURS[hour] if isinstance(hour, int) and 0 <= hour < 24 else None

    @override
    async def async_select_option(self, option: str) -> None:
        """Change the hour."""
        await self.async_set_value(value=HOURS.index(option))


class PlexButlerBehaviorSelect(PlexButlerPreferenceEntity, SelectEntity):
    """When the server does a kind of work."""

    def __init__(
        self, coordinator: PlexButlerCoordinator, preference: Preference
    ) -> None:
        """Offer what the server offers."""
        super().__init__(coordinator, preference)
        self._attr_options = behaviors_of(preference)

    @property
    @override
    def current_option(self) -> str | None:
        """Return when it is done; a word that has no name is unknown to the base class."""
        return str(self.value)

    @override
    async def async_select_option(self, option: str) -> None:
        """Have it done at other times."""
        await self.async_set_value(value=option)
