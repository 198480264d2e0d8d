"""The servers of Home Assistant's own Plex integration, read and never written."""

from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import CONF_TOKEN, CONF_URL, CONF_VERIFY_SSL
from homeassistant.core import HomeAssistant, callback

from .const import DOMAIN, PLEX_DOMAIN


@callback
def async_plex_servers(
    hass: HomeAssistant,
) -> dict[str, tuple[ConfigEntry, dict[str, Any]]]:
    """Return its entries that are not used yet, with the data that ours would have."""
    entries = hass.config_entries.async_entries(DOMAIN, include_ignore=False)
    ours = {entry.unique_id for entry in entries}
    return {
        entry.entry_id: (entry, data)
        for entry in hass.config_entries.async_entries(PLEX_DOMAIN)
        if entry.unique_id not in ours and (data := _copied(entry))
    }


def _copied(entry: ConfigEntry) -> dict[str, Any] | None:
    match entry.data.get("server_config"):
        case {"url": str(url), "token": str(token), **rest}:
            return {
                CONF_URL: url,
                CONF_TOKEN: token,
                CONF_VERIFY_SSL: rest.get("verify_ssl", True) is not False,
            }
    return None
