"""What a bug report needs to say, and nothing that it must not."""

from dataclasses import asdict
from typing import Any

from homeassistant.components.diagnostics import async_redact_data
from homeassistant.const import CONF_TOKEN, CONF_URL
from homeassistant.core import HomeAssistant

from . import run_state
from .coordinator import PlexButlerConfigEntry
from .describe import IDLE, describe
from .redact import redact_answer, redact_frame

# The keys of a discovery hold the name under which the server announced itself.
TO_REDACT = {CONF_TOKEN, CONF_URL, "discovery_keys", "title", "unique_id"}


async def async_get_config_entry_diagnostics(
    hass: HomeAssistant, entry: PlexButlerConfigEntry
) -> dict[str, Any]:
    """Return what is known of a server, without saying which one it is."""
    coordinator = entry.runtime_data
    data, client = coordinator.data, coordinator.client
    return {
        "entry": async_redact_data(entry.as_dict(), TO_REDACT),
        "server": {"version": data.server.version},
        "last_update_success": coordinator.last_update_success,
        "last_update_success_time": coordinator.last_update_success_time,
        "butler": data.runs.butler,
        "tasks": [
            {**asdict(task), **describe(data.runs.tasks.get(task.name, IDLE))}
            for task in data.tasks.values()
        ],
        "schedule": {
            name: preference.value for name, preference in data.preferences.items()
        },
        "memory": run_state.dump(coordinator.tracker.state),
        "push": {"state": coordinator.push_state, **coordinator.push_statistics_fn()},
        "answers": redact_answer(client.last_answers),
        "notifications": [redact_frame(frame) for frame in client.last_frames],
    }
