"""The lines of Activity for what tasks do."""

from collections.abc import Callable
from typing import Any

from homeassistant.components import logbook
from homeassistant.const import ATTR_ENTITY_ID
from homeassistant.core import Event, HomeAssistant, callback

from .const import ATTR_TASK, DOMAIN, EVENT_TASK
from .tasks import how_it_went


@callback
def async_describe_events(
    hass: HomeAssistant,
    async_describe_event: Callable[[str, str, Callable[[Event], dict[str, Any]]], None],
) -> None:
    """Describe the bus event."""

    @callback
    def async_describe_task_event(event: Event) -> dict[str, Any]:
        """Return a line such as "Back up database ended after 30 s"."""
        data = event.data
        message = how_it_went(hass, data["type"], data.get("duration"))
        return {
            logbook.LOGBOOK_ENTRY_NAME: data[ATTR_TASK],
            logbook.LOGBOOK_ENTRY_MESSAGE: message,
            logbook.LOGBOOK_ENTRY_ENTITY_ID: data[ATTR_ENTITY_ID],
        }

    async_describe_event(DOMAIN, EVENT_TASK, async_describe_task_event)
