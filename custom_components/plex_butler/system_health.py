"""What Home Assistant's system information says of the servers."""

from typing import Any

from homeassistant.components import system_health
from homeassistant.core import HomeAssistant, callback

from .const import DOMAIN
from .coordinator import PlexButlerConfigEntry


@callback
def async_register(
    hass: HomeAssistant, register: system_health.SystemHealthRegistration
) -> None:
    """Register what there is to tell."""
    register.async_register_info(_async_info)


async def _async_info(hass: HomeAssistant) -> dict[str, Any]:
    """Return the health of all servers that are loaded, in one line for each thing."""
    entries: list[PlexButlerConfigEntry] = hass.config_entries.async_loaded_entries(
        DOMAIN
    )
    coordinators = [entry.runtime_data for entry in entries]
    updates = [it.last_update_success_time for it in coordinators]
    return {
        "servers": len(coordinators),
        "versions": ", ".join(it.data.server.version for it in coordinators),
        "notifications": ", ".join(it.push_state for it in coordinators),
        "last_update": ", ".join(str(it) for it in updates),
    }
