"""What a bug report needs to say, and nothing that it must not."""

from dataclasses import asdict
from typing import Any

from homeassistant.components.diagnostics import async_redact_data
from homeassistant.const import CONF_TOKEN, CONF_URL
from homeassistant.core import HomeAssistant

from .coordinator import PlexButlerConfigEntry
from .describe import IDLE, describe

TO_REDACT = {CONF_TOKEN, CONF_URL, "title", "unique_id"}


async def async_get_config_entry_diagnostics(
    hass: HomeAssistant, entry: PlexButlerConfigEntry
) -> dict[str, Any]:
    """Return what is known of a server, without saying which one it is."""
    coordinator = entry.runtime_data
    data = coordinator.data
    return {
        "entry": async_redact_data(entry.as_dict(), TO_REDACT),
        "server": {"version": data.server.version},
        "tasks": [
            {**asdict(task), **describe(data.runs.tasks.get(task.name, IDLE))}
            for task in data.tasks.values()
        ],
        "last_update_success": coordinator.last_update_success,
    }
