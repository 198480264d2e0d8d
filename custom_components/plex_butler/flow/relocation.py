"""Where a server is that is not at its address any more, and how it is followed."""

import asyncio
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from time import monotonic
from typing import Final
from weakref import WeakKeyDictionary

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import CONF_URL, CONF_VERIFY_SSL
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.helpers.service_info.zeroconf import ZeroconfServiceInfo
from homeassistant.util.hass_dict import HassKey
from yarl import URL

from ..api import (
    Identity,
    PlexConnectionError,
    PlexError,
    PlexTimeoutError,
    PlexTlsError,
)
from ..connection import async_create_client
from ..const import DOMAIN, LOGGER
from .validate import async_discover_url, async_identify

# One failed poll is no move, and a server that moved needs time to announce itself.
ABSENT_AFTER: Final = timedelta(minutes=1)
_TIMEOUT: Final = 5
# A server has an address or two for each of its networks, containers' included.
_ADDRESSES_PER_ANNOUNCEMENT: Final = 4
_ADDRESSES_PER_SERVER: Final = 8
_ADDRESSES_OF_UNKNOWN: Final = 16

type Address = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Present:
    """Something answers at the server's address that may well be the server."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Moved:
    """The server's identifier is given at another URL; a certificate may prove it."""

    url: str
    proven: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Replaced:
    """Another Plex server answers at the server's address."""

    machine_identifier: str


@dataclass(kw_only=True, slots=True)
class _Memory:
    """What is remembered until Home Assistant stops; nothing of a removed entry."""

    announced: WeakKeyDictionary[ConfigEntry, deque[Address]] = field(
        default_factory=WeakKeyDictionary
    )
    # Announced by servers that were not ready to say which ones they are.
    unidentified: deque[Address] = field(
        default_factory=lambda: deque(maxlen=_ADDRESSES_OF_UNKNOWN)
    )
    # A set-up that fails begins anew with other objects.
    absent_since: WeakKeyDictionary[ConfigEntry, float] = field(
        default_factory=WeakKeyDictionary
    )


_MEMORY: HassKey[_Memory] = HassKey(f"{DOMAIN}_moving")


def _memory(hass: HomeAssistant) -> _Memory:
    return hass.data.setdefault(_MEMORY, _Memory())


async def async_ask_announced(
    hass: HomeAssistant, info: ZeroconfServiceInfo
) -> list[tuple[str, Identity]]:
    """Return which servers answer where one announced itself, and remember it.

    A container's bridge is also an address of other hosts, with servers of their own.
    """
    port = info.port or 32400
    addresses = [
        (str(address), port)
        for address in dict.fromkeys([info.ip_address, *info.ip_addresses])
        # Means nothing without the network card that it belongs to.
        if not address.is_link_local
    ][:_ADDRESSES_PER_ANNOUNCEMENT]
    found = await asyncio.gather(*(async_discover_url(hass, *it) for it in addresses))
    # The newest is remembered last, and of one announcement the best.
    for address, answer in zip(reversed(addresses), reversed(found), strict=True):
        _async_remember(hass, address, answer[1] if answer else None)
    return [answer for answer in found if answer]


@callback
def _async_remember(
    hass: HomeAssistant, address: Address, identity: Identity | None
) -> None:
    """Remember an address of a server that has an entry, or of an unknown one."""
    memory = _memory(hass)
    with suppress(ValueError):
        memory.unidentified.remove(address)
    remembered = memory.unidentified
    if identity:
        entry = hass.config_entries.async_entry_for_domain_unique_id(
            DOMAIN, identity.machine_identifier
        )
        if entry is None:
            return
        remembered = memory.announced.setdefault(
            entry, deque(maxlen=_ADDRESSES_PER_SERVER)
        )
        with suppress(ValueError):
            remembered.remove(address)
    remembered.append(address)


class Whereabouts:
    """Knows how long a server has not been at its address, and looks for it then."""

    def __init__(self, hass: HomeAssistant, entry: ConfigEntry) -> None:
        self._hass = hass
        self._entry = entry
        self._memory = _memory(hass)

    @callback
    def async_present(self) -> None:
        """Note that something answered at the server's address."""
        self._memory.absent_since.pop(self._entry, None)

    async def async_look(self) -> Present | Moved | Replaced | None:
        """Return what became of a server that a poll did not find at its address.

        None means that it is not known, or too early to say. No token is sent.
        """
        since = self._memory.absent_since.setdefault(self._entry, monotonic())
        if monotonic() - since < ABSENT_AFTER.total_seconds():
            return None
        found = await self._async_who_answers()
        if isinstance(found, Present):
            self.async_present()
            return found
        return await self._async_moved() or found

    async def _async_who_answers(self) -> Present | Replaced | None:
        url, verify_ssl = (self._entry.data[key] for key in (CONF_URL, CONF_VERIFY_SSL))
        try:
            identity = await _async_ask(self._hass, url, verify_ssl=verify_ssl)
        except PlexTlsError:
            # Not proven, and so only good for asking a person about another server.
            other = await async_identify(self._hass, url)
            if other is None or other.machine_identifier == self._entry.unique_id:
                return None
            identity = other
        except PlexConnectionError:
            return None
        except PlexError:
            # A proxy's error or a server that starts: the address is alive.
            return Present()
        if identity.machine_identifier == self._entry.unique_id:
            return Present()
        return Replaced(machine_identifier=identity.machine_identifier)

    async def _async_moved(self) -> Moved | None:
        """Return the first of the announced addresses at which the server answers."""
        announced = [
            *reversed(self._memory.announced.get(self._entry, ())),
            *reversed(self._memory.unidentified),
        ]
        found = await asyncio.gather(*map(self._async_is_at, announced))
        return next((moved for moved in found if moved), None)

    async def _async_is_at(self, address: Address) -> Moved | None:
        """Return how the server is reached at an announced address, if it is there."""
        if (found := await self._async_find(*address)) is None:
            return None
        url, identity = found
        if address in self._memory.unidentified:
            _async_remember(self._hass, address, identity)
        own = URL(self._entry.data[CONF_URL])
        if identity.machine_identifier != self._entry.unique_id or URL(url) == own:
            return None
        proven = own.scheme == "https" and self._entry.data[CONF_VERIFY_SSL]
        return Moved(url=url, proven=proven)

    async def _async_find(self, host: str, port: int) -> tuple[str, Identity] | None:
        """Return which server answers there, over a connection as safe as the own one."""
        own, verify_ssl = (self._entry.data[key] for key in (CONF_URL, CONF_VERIFY_SSL))
        if URL(own).scheme == "http":
            return await async_discover_url(self._hass, host, port)
        if verify_ssl:
            _, _, domain = (URL(own).host or "").partition(".")
            if not domain.endswith(".plex.direct") or ":" in host:
                # Another name, a proxy's say, is somebody's choice.
                return None
            # The certificate for this name is that of the server, and of no other.
            host = f"{host.replace('.', '-')}.{domain}"
        url = str(URL.build(scheme="https", host=host, port=port).origin())
        with suppress(PlexError):
            return url, await _async_ask(self._hass, url, verify_ssl=verify_ssl)
        return None


async def _async_ask(hass: HomeAssistant, url: str, *, verify_ssl: bool) -> Identity:
    """Return which server answers at a URL; raises PlexError."""
    client = await async_create_client(
        hass, {CONF_URL: url, CONF_VERIFY_SSL: verify_ssl}
    )
    try:
        async with asyncio.timeout(_TIMEOUT):
            return await client.get_identity()
    except TimeoutError as err:
        raise PlexTimeoutError("The server did not answer in time") from err


@callback
def async_move(hass: HomeAssistant, entry: ConfigEntry, moved: Moved) -> None:
    """Have an entry use the URL at which its server answers."""
    verify_ssl = entry.data[CONF_VERIFY_SSL]
    if not moved.proven and moved.url.startswith("https:"):
        # No certificate is good for a bare address, and plain http proved no more.
        verify_ssl = False
    data = {**entry.data, CONF_URL: moved.url, CONF_VERIFY_SSL: verify_ssl}
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
        context = flow["context"]
        if (
            context.get("entry_id") == entry.entry_id
            or context.get("unique_id") == machine_identifier
        ):
            flows.async_abort(flow["flow_id"])
    hass.config_entries.async_update_entry(entry, unique_id=machine_identifier)
    hass.config_entries.async_schedule_reload(entry.entry_id)
