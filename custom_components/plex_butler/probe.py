"""Tries what leads to a server, and tells what is wrong with it."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from homeassistant.const import CONF_URL, CONF_VERIFY_SSL
from homeassistant.core import HomeAssistant
from yarl import URL

from .api import (
    Identity,
    OwnedServer,
    PlexAuthenticationError,
    PlexCertificateNameError,
    PlexClient,
    PlexError,
    PlexHungUpError,
    PlexNotOwnerError,
    Server,
)
from .certificate import async_certificate_names
from .connection import async_create_client
from .errors import error_key

# A way that takes longer than this is no good one.
_PROBE_TIMEOUT: Final = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class Attempt:
    """What came of trying: the server, or what is wrong, and a URL that may be right."""

    server: Server | None = None
    error: str = ""
    names: str = ""
    better_url: str | None = None


async def async_try(hass: HomeAssistant, data: Mapping[str, Any]) -> Attempt:
    """Return the server if all that is needed of it works, else what does not."""
    client = await async_create_client(hass, data)
    try:
        return Attempt(server=await _async_owned_server(client))
    except _UnclaimedError:
        return Attempt(error="unclaimed")
    except PlexHungUpError as err:
        if secure := await _async_secure_url(hass, data[CONF_URL]):
            return Attempt(error="secure_required", better_url=secure)
        return Attempt(error=error_key(err))
    except PlexCertificateNameError as err:
        names = await async_certificate_names(data[CONF_URL])
        return Attempt(error=error_key(err), names=names)
    except PlexError as err:
        return Attempt(error=error_key(err))


async def async_find(
    hass: HomeAssistant, host: str, port: int
) -> tuple[str, Identity] | None:
    """Return the URL at which a server answers that was only heard of, and who it is."""
    url = str(URL.build(scheme="http", host=host, port=port).origin())
    for candidate in (url, url.replace("http", "https", 1)):
        if identity := await async_identify(hass, candidate):
            return candidate, identity
    return None


async def async_identify(hass: HomeAssistant, url: str) -> Identity | None:
    """Return who answers at a URL; nothing secret is sent, nothing is believed."""
    client = await async_create_client(hass, {CONF_URL: url, CONF_VERIFY_SSL: False})
    with suppress(PlexError, TimeoutError):
        async with asyncio.timeout(_PROBE_TIMEOUT):
            return await client.get_identity()
    return None


async def async_best_url(hass: HomeAssistant, server: OwnedServer) -> str | None:
    """Return the best of the ways that plex.tv knows to a server."""
    found = await asyncio.gather(
        *(_async_is_at(hass, server.machine_identifier, url) for url in server.urls)
    )
    return next(
        (url for url, is_there in zip(server.urls, found, strict=True) if is_there),
        None,
    )


async def _async_is_at(hass: HomeAssistant, machine_identifier: str, url: str) -> bool:
    client = await async_create_client(hass, {CONF_URL: url})
    with suppress(PlexError, TimeoutError):
        async with asyncio.timeout(_PROBE_TIMEOUT):
            identity = await client.get_identity()
            return identity.machine_identifier == machine_identifier
    return False


class _UnclaimedError(PlexError):
    """The server belongs to nobody yet, and lets in nobody from outside."""


async def _async_owned_server(client: PlexClient) -> Server:
    """Return the server, having made sure that its Butler listens to us."""
    # Needs no token: tells a wrong address from a wrong token.
    identity = await client.get_identity()
    try:
        server = await client.get_server()
    except PlexAuthenticationError as err:
        if not identity.claimed:
            raise _UnclaimedError from err
        raise
    try:
        await client.get_butler_tasks()
    except PlexAuthenticationError as err:
        # The token has just been good enough for the server's name.
        raise PlexNotOwnerError(str(err)) from err
    return server


async def _async_secure_url(hass: HomeAssistant, url: str) -> str | None:
    """Return the HTTPS address of a server that hung up on plain HTTP."""
    if not url.startswith("http://"):
        return None
    secure = str(URL(url).with_scheme("https").with_port(URL(url).port))
    return secure if await async_identify(hass, secure) else None
