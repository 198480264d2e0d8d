"""Plex Media Server's scheduled maintenance, Butler, in Home Assistant."""

from pathlib import Path

from homeassistant.config_entries import (
    SIGNAL_CONFIG_ENTRY_CHANGED,
    ConfigEntry,
    ConfigEntryChange,
    ConfigEntryState,
)
from homeassistant.const import Platform
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.dispatcher import async_dispatcher_connect
from homeassistant.helpers.typing import ConfigType
from homeassistant.loader import async_get_integration

from .calendar import async_remove_history, async_setup_history
from .connection import async_create_client, refusals
from .const import DOMAIN
from .coordinator import PlexButlerConfigEntry, PlexButlerCoordinator
from .event import async_setup_task_events
from .repairs import async_forget_problems
from .services import async_setup_services
from .tracker import store_for

CONFIG_SCHEMA = cv.config_entry_only_config_schema(DOMAIN)

PLATFORMS = [
    Platform.BINARY_SENSOR,
    Platform.BUTTON,
    Platform.CALENDAR,
    Platform.EVENT,
    Platform.SELECT,
    Platform.SENSOR,
    Platform.SWITCH,
]


async def async_setup(hass: HomeAssistant, config: ConfigType) -> bool:
    """Register the actions and the dashboard, which need no server to be there."""
    async_setup_services(hass)
    await _async_register_dashboard(hass)

    @callback
    def async_entry_changed(change: ConfigEntryChange, entry: ConfigEntry) -> None:
        # An entry whose set-up is being retried is unloaded without async_unload_entry.
        if entry.domain == DOMAIN and entry.state is ConfigEntryState.NOT_LOADED:
            refusals(hass).pop(entry.entry_id, None)
            if entry.disabled_by:
                async_forget_problems(hass, entry)

    async_dispatcher_connect(hass, SIGNAL_CONFIG_ENTRY_CHANGED, async_entry_changed)
    return True


async def _async_register_dashboard(hass: HomeAssistant) -> None:
    """Have the page load the dashboard, unless this Home Assistant has no page."""
    if not {"frontend", "http"} <= hass.config.components:
        return
    from homeassistant.components import (  # noqa: PLC0415 may lack their packages
        frontend,
        http,
    )

    url = f"/{DOMAIN}/dashboard.js"
    file = str(Path(__file__).parent / "www" / "dashboard.js")
    await hass.http.async_register_static_paths([http.StaticPathConfig(url, file)])
    # Browsers keep the file; another version has another URL.
    integration = await async_get_integration(hass, DOMAIN)
    frontend.add_extra_js_url(hass, f"{url}?v={integration.version}")


async def async_setup_entry(hass: HomeAssistant, entry: PlexButlerConfigEntry) -> bool:
    """Set up one server."""
    client = await async_create_client(hass, entry.data, entry.unique_id)
    coordinator = PlexButlerCoordinator(hass, entry, client)
    await async_setup_history(coordinator)
    await coordinator.async_config_entry_first_refresh()
    entry.runtime_data = coordinator
    async_setup_task_events(coordinator)
    await hass.config_entries.async_forward_entry_setups(entry, PLATFORMS)
    coordinator.push.async_start()
    coordinator.log.async_start()
    return True


async def async_unload_entry(hass: HomeAssistant, entry: PlexButlerConfigEntry) -> bool:
    """Let go of one server."""
    return await hass.config_entries.async_unload_platforms(entry, PLATFORMS)


async def async_remove_entry(hass: HomeAssistant, entry: PlexButlerConfigEntry) -> None:
    """Forget what was learned of one server."""
    async_forget_problems(hass, entry)
    await store_for(hass, entry.entry_id).async_remove()
    await async_remove_history(hass, entry.entry_id)
