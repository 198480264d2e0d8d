"""Makes clients out of what the user gave."""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from homeassistant.const import CONF_TOKEN, CONF_URL, CONF_VERIFY_SSL
from homeassistant.core import HomeAssistant
from homeassistant.helpers import instance_id
from homeassistant.helpers.aiohttp_client import async_get_clientsession

from .api import PlexClient, PlexTvClient
from .const import DOMAIN


async def async_create_client(
    hass: HomeAssistant,
    data: Mapping[str, Any],
    *,
    machine_identifier: str | None = None,
) -> PlexClient:
    """Return a client for a server's URL, token (if any) and TLS setting.

    With a machine identifier, the token is sent to no other server.
    """
    return PlexClient(
        async_get_clientsession(hass, verify_ssl=data.get(CONF_VERIFY_SSL, True)),
        data[CONF_URL],
        data.get(CONF_TOKEN),
        client_identifier=await _async_client_identifier(hass),
        machine_identifier=machine_identifier,
    )


async def async_create_plex_tv_client(hass: HomeAssistant) -> PlexTvClient:
    """Return a client for signing in."""
    return PlexTvClient(
        async_get_clientsession(hass),
        client_identifier=await _async_client_identifier(hass),
        device=hass.config.location_name,
    )


async def _async_client_identifier(hass: HomeAssistant) -> str:
    """Return what names this Home Assistant to Plex, and to nobody else."""
    instance = await instance_id.async_get(hass)
    return sha256(f"{DOMAIN}-{instance}".encode()).hexdigest()[:32]
