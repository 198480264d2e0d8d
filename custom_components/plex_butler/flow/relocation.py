"""Where servers announce themselves, and how an entry follows its own."""

import asyncio
import re

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import CONF_URL, CONF_VERIFY_SSL
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.helpers.service_info.zeroconf import ZeroconfServiceInfo
from homeassistant.util.hass_dict import HassKey
from yarl import URL

from ..api import Server
from ..const import DOMAIN, LOGGER
from .validate import async_discover

# Which server answered where one announced itself, the newest last; None if it was not
# ready to say. Remembered of servers that have an entry, until Home Assistant stops.
_ANNOUNCED: HassKey[dict[tuple[str, int], str | None]] = HassKey(f"{DOMAIN}_announced")


async def async_ask_announced(
    hass: HomeAssistant, info: ZeroconfServiceInfo
) -> list[tuple[str, Server]]:
    """Return which servers answer where one announced itself, and remember it."""
    # A container's bridge is also an address of other hosts, with servers of their own.
    port = info.port or 32400
    addresses = [
        (str(address), port)
        for address in dict.fromkeys([info.ip_address, *info.ip_addresses])
        # Means nothing without the network card that it belongs to.
        if not address.is_link_local
    ][:4]
    found = await asyncio.gather(*(async_discover(hass, *it) for it in addresses))
    announced = hass.data.setdefault(_ANNOUNCED, {})
    # The newest is remembered last, and of one announcement the best.
    for address, answer in zip(reversed(addresses), reversed(found), strict=True):
        announced.pop(address, None)
        server = answer[1].machine_identifier if answer else None
        if server and not hass.config_entries.async_entry_for_domain_unique_id(
            DOMAIN, server
        ):
            continue
        announced[address] = server
        of_server = [it for it, announcer in announced.items() if announcer == server]
        # A server has an address or two for each of its networks, containers' included.
        for oldest in of_server[:-16]:
            del announced[oldest]
    return [answer for answer in found if answer]


async def async_url_at_new_host(hass: HomeAssistant, entry: ConfigEntry) -> str | None:
    """Return an announced URL of an entry's server, as safe as the entry's own."""
    own = URL(entry.data[CONF_URL])
    is_secure = own.scheme == "https"
    is_verified = is_secure and entry.data[CONF_VERIFY_SSL]
    _, _, domain = (own.host or "").partition(".")
    if is_verified and not domain.endswith(".plex.direct"):
        # Another name, a proxy's say, is somebody's choice.
        return None
    schemes = ("https",) if is_secure else ("http", "https")
    looks = []
    for (host, port), server in reversed(hass.data.get(_ANNOUNCED, {}).items()):
        if server in {None, entry.unique_id}:
            # The certificate for this name is that of the server, and of no other.
            name = f"{re.sub('[.:]', '-', host)}.{domain}" if is_verified else host
            looks.append(
                async_discover(hass, name, port, schemes, verify_ssl=is_verified)
            )
    for url, identity in filter(None, await asyncio.gather(*looks)):
        if identity.machine_identifier == entry.unique_id and URL(url) != own:
            return url
    return None


@callback
def async_move(hass: HomeAssistant, entry: ConfigEntry, url: str) -> None:
    """Have an entry use the URL at which its server answers."""
    data = {**entry.data, CONF_URL: url}
    if url.startswith("https:") and entry.data[CONF_URL].startswith("http:"):
        # No certificate is good for a bare address, and plain http proved no more.
        data[CONF_VERIFY_SSL] = False
    LOGGER.info("%s: the server is at another address now", entry.title)
    hass.config_entries.async_update_entry(entry, data=data)
    hass.config_entries.async_schedule_reload(entry.entry_id)


@callback
def async_take_place(
    hass: HomeAssistant, entry: ConfigEntry, machine_identifier: str
) -> None:
    """Have an entry be another server's, with all that people made of its entities."""
    known = entry.unique_id or ""
    entities = er.async_get(hass)
    for entity in er.async_entries_for_config_entry(entities, entry.entry_id):
        unique_id = machine_identifier + entity.unique_id.removeprefix(known)
        entities.async_update_entity(entity.entity_id, new_unique_id=unique_id)
    devices = dr.async_get(hass)
    for device in dr.async_entries_for_config_entry(devices, entry.entry_id):
        identifiers = {(domain, machine_identifier) for domain, _ in device.identifiers}
        devices.async_update_device(device.id, new_identifiers=identifiers)
    # Dialogs and cards that are open are about what was.
    flows = hass.config_entries.flow
    for flow in flows.async_progress_by_handler(DOMAIN, include_uninitialized=True):
        if flow["context"].get("unique_id") in {known, machine_identifier}:
            flows.async_abort(flow["flow_id"])
    hass.config_entries.async_update_entry(entry, unique_id=machine_identifier)
    hass.config_entries.async_schedule_reload(entry.entry_id)
