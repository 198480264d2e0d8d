"""When the maintenance window is, and when each kind of work is done."""

from typing import Final, override

from homeassistant.components.select import SelectEntity
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .coordinator import PlexButlerConfigEntry
from .dynamic_entities import async_add_preference_entities
from .entity import PlexButlerPreferenceEntity
from .schedule import ScheduleKind, behavior_options

# The schedule sends one change of settings at a time.
PARALLEL_UPDATES = 0

# Servers label them in different ways.
HOURS: Final = [f"{hour:02}:00" for hour in range(24)]


async def async_setup_entry(
    hass: HomeAssistant,
    entry: PlexButlerConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add a select for every hour and behaviour that the server lists."""
    for kind in (PlexButlerHourSelect, PlexButlerBehaviorSelect):
        async_add_preference_entities(entry, async_add_entities, kind.create)


class PlexButlerHourSelect(PlexButlerPreferenceEntity, SelectEntity):
    """A full hour on the server's clock."""

    kind = ScheduleKind.HOUR
    _attr_entity_registry_enabled_default = True
    _attr_options = HOURS

    @property
    @override
    def current_option(self) -> str | None:
        hour = self.value
        return HOURS[hour] if isinstance(hour, int) and 0 <= hour < 24 else None

    @override
    async def async_select_option(self, option: str) -> None:
        await self.async_set_value(value=HOURS.index(option))


class PlexButlerBehaviorSelect(PlexButlerPreferenceEntity, SelectEntity):
    """When the server does a kind of work."""

    kind = ScheduleKind.BEHAVIOR

    @property
    @override
    def options(self) -> list[str]:
        return behavior_options(self.preference) if self.preference else []

    @property
    @override
    def current_option(self) -> str:
        # To the base class, what is not among the options is unknown.
        return str(self.value)

    @override
    async def async_select_option(self, option: str) -> None:
        await self.async_set_value(value=option)
