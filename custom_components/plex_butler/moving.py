"""Following a server to a new address, or to the new name of its certificate."""

from ipaddress import ip_address

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import CONF_TOKEN, CONF_URL
from homeassistant.core import HomeAssistant
from yarl import URL

from .api import PlexError
from .connection import async_create_plex_tv_client
from .const import CONF_SIGNED_IN
from .probe import async_best_url, async_identify


async def async_moved_url(
    hass: HomeAssistant, entry: ConfigEntry, host: str
) -> str | None:
    """Return an entry's URL at a new address, if it had none but the old address.

    A name is somebody's choice, and an address that answers is not left.
    """
    url = URL(entry.data.get(CONF_URL, ""))
    if not _is_ip(url.host) or url.host == host:
        return None
    if await async_identify(hass, str(url)):
        return None
    return str(url.with_host(host))


async def async_renamed_url(hass: HomeAssistant, entry: ConfigEntry) -> str | None:
    """Return the new name of a server whose certificate was renamed, from plex.tv.

    Never from the certificate that was presented: anybody could present one.
    """
    if not entry.data.get(CONF_SIGNED_IN):
        return None
    client = await async_create_plex_tv_client(hass)
    try:
        servers = await client.get_owned_servers(entry.data[CONF_TOKEN])
    except PlexError:
        return None
    for server in servers:
        if server.machine_identifier == entry.unique_id:
            url = await async_best_url(hass, server)
            return url if url != entry.data[CONF_URL] else None
    return None


def _is_ip(host: str | None) -> bool:
    try:
        ip_address(host or "")
    except ValueError:
        return False
    return True
