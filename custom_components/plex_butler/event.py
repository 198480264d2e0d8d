"""What the tasks do, as events with a history."""

from typing import Final, override

from homeassistant.components.event import EventEntity, EventEntityDescription
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.dispatcher import async_dispatcher_connect
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .coordinator import PlexButlerConfigEntry
from .entity import PlexButlerEntity
from .news import SIGNAL_NEWS, News, NewsType

# Nothing is asked here.
PARALLEL_UPDATES = 0

TASK: Final = EventEntityDescription(
    key="task",
    translation_key="task",
    event_types=[NewsType.STARTED, NewsType.ENDED, NewsType.STOPPED],
)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: PlexButlerConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the event entity."""
    async_add_entities([PlexButlerTaskEvent(entry)])


class PlexButlerTaskEvent(PlexButlerEntity, EventEntity):
    """Tells when a task started, ended or was stopped; not what was so before."""

    def __init__(self, entry: PlexButlerConfigEntry) -> None:
        """Take the only description."""
        super().__init__(entry.runtime_data, TASK.key)
        self.entity_description = TASK
        self._entry = entry

    @property
    @override
    def available(self) -> bool:
        """Return True in an outage as well.

        What happened has happened. If the state went and came back, automations that
        wait for it would take the last event for a new one.
        """
        return True

    @override
    async def async_added_to_hass(self) -> None:
        """Listen to the news."""
        await super().async_added_to_hass()
        self.async_on_remove(
            async_dispatcher_connect(self.hass, SIGNAL_NEWS, self._async_heard)
        )

    @callback
    def _async_heard(self, entry: PlexButlerConfigEntry, news: News) -> None:
        if entry is self._entry and news.type in self.event_types:
            details = dict(news.details)
            details.pop("result", None)
            self._trigger_event(news.type, details)
            self.async_write_ha_state()
