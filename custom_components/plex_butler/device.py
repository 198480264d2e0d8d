"""The device that stands for a server's Butler, and what its entities are called."""

from homeassistant.helpers.device_registry import DeviceEntryType, DeviceInfo

from .api import Server
from .api.models import MAX_TEXT, clean_text
from .const import DOMAIN, PLEX_DOMAIN

_TASK = "_task_"
_PREFERENCE = "_preference_"
# Without these, Markdown has no links and no images.
_NO_MARKUP = str.maketrans("[]<>", "()\u2039\u203a")


def server_name(server: Server) -> str:
    """Return what to call a server that may have no name."""
    return server.name or "Plex Media Server"


def shown_name(name: str) -> str:
    """Return a name that means nothing to Markdown."""
    return clean_text(name)[:MAX_TEXT].translate(_NO_MARKUP)


def device_info(server: Server, url: str) -> DeviceInfo:
    """Describe the service that is a server's Butler."""
    return DeviceInfo(
        configuration_url=f"{url}/web",
        entry_type=DeviceEntryType.SERVICE,
        # The second one links the device with that of the Plex integration.
        identifiers={
            (DOMAIN, server.machine_identifier),
            (PLEX_DOMAIN, server.machine_identifier),
        },
        manufacturer="Plex",
        model="Plex Media Server",
        # The server's own name alone belongs to the device of the Plex integration.
        name=f"{server_name(server)} Butler",
        sw_version=server.version,
    )


def task_unique_id(machine_identifier: str, task: str) -> str:
    """Return the identity of a task's switch."""
    return f"{machine_identifier}{_TASK}{task}"


def task_of_unique_id(machine_identifier: str, unique_id: str) -> str | None:
    """Return which task an entity belongs to, if to any."""
    return _after(f"{machine_identifier}{_TASK}", unique_id)


def preference_unique_id(machine_identifier: str, preference: str) -> str:
    """Return the identity of the entity that shows and changes a setting."""
    return f"{machine_identifier}{_PREFERENCE}{preference}"


def preference_of_unique_id(machine_identifier: str, unique_id: str) -> str | None:
    """Return which setting an entity belongs to, if to any."""
    return _after(f"{machine_identifier}{_PREFERENCE}", unique_id)


def _after(prefix: str, unique_id: str) -> str | None:
    if not unique_id.startswith(prefix):
        return None
    return unique_id.removeprefix(prefix)
