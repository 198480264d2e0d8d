"""What a bug report needs to say, and nothing that it must not."""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, Final

from homeassistant.const import CONF_VERIFY_SSL
from homeassistant.core import HomeAssistant

from . import run_state
from .api.redact import REDACTED, redact_answer, redact_record
from .coordinator import PlexButlerConfigEntry
from .task_actions import describe

# Titles, identities and keys of discovery tell whose server it is, and where.
_ENTRY: Final = frozenset(
    {"created_at", "modified_at", "version", "minor_version", "source", "options"}
)


async def async_get_config_entry_diagnostics(
    hass: HomeAssistant, entry: PlexButlerConfigEntry
) -> dict[str, Any]:
    """Return what is known of a server, without saying which one it is."""
    coordinator = entry.runtime_data
    data, client = coordinator.data, coordinator.client
    state = coordinator.tracker.state
    push_state = "connected" if state.push_since else "polling"
    record = tuple(client.record)
    names = {text for task in data.tasks.values() for text in (task.name, task.title)}
    return {
        "entry": {
            **{key: value for key, value in entry.as_dict().items() if key in _ENTRY},
            "data": {
                key: value if key == CONF_VERIFY_SSL else REDACTED
                for key, value in entry.data.items()
            },
        },
        "server": {"version": data.server.version},
        "last_update_success": coordinator.last_update_success,
        "last_update_success_time": coordinator.last_update_success_time,
        "busy": data.runs.busy,
        "tasks": [
            {**asdict(task), **describe(data.runs.tasks.get(task.name, run_state.IDLE))}
            for task in data.tasks.values()
        ],
        "schedule": {
            name: preference.value for name, preference in data.preferences.items()
        },
        "memory": run_state.dump(state),
        "push": {
            "state": "trusted" if state.push_trusted else push_state,
            **coordinator.push.statistics(),
        },
        "log": coordinator.log.statistics(),
        "answers": {
            path: redact_answer(answer) for path, answer in client.last_answers.items()
        },
        "recorded_since": datetime.fromtimestamp(record[0][0], UTC) if record else None,
        "record": redact_record(record, names),
    }
