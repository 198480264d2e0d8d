"""Finds out whether an address and a token work, and what else is known to work."""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
import re
from typing import Any, Final

from cryptography import x509
from homeassistant.config_entries import ConfigEntry
from homeassistant.const import CONF_TOKEN, CONF_URL, CONF_VERIFY_SSL
from homeassistant.core import HomeAssistant, callback
from homeassistant.util.ssl import get_default_no_verify_context
from yarl import URL

from ..api import (
    Identity,
    OwnedServer,
    PlexAuthenticationError,
    PlexCertificateNameError,
    PlexClient,
    PlexConnectionError,
    PlexError,
    PlexHungUpError,
    PlexNotOwnerError,
    PlexRedirectError,
    PlexResponseError,
    Server,
    full_address,
    parse_address,
)
from ..connection import async_create_client, error_key
from ..const import DOMAIN, PLEX_DOMAIN

# An address that takes longer than this is not offered.
_TIMEOUT: Final = 5
# Repairs and dialogs show names, but a certificate can hold anything in any number.
_MOST_NAMES: Final = 5
_LONGEST_NAME: Final = 100
_NO_NAME: Final = re.compile(r"[^\w.*:-]", re.ASCII)


@dataclass(frozen=True, kw_only=True, slots=True)
class ValidationResult:
    """What came of trying: the server, or what is wrong, and a URL that may be right.

    `unreachable`: the server was not met, so another address or setting is needed.
    """

    server: Server | None = None
    error: str = ""
    names: str = ""
    suggested_url: str | None = None
    unreachable: bool = False


async def async_validate(
    hass: HomeAssistant, data: Mapping[str, Any], machine_identifier: str | None = None
) -> ValidationResult:
    """Return the server if all that is needed of it works, else what does not.

    If it is known which server it has to be, no other one gets the token.
    """
    identity: Identity | None = None
    try:
        client = await async_create_client(hass, data)
        # Needs no token: tells a wrong address from a wrong token.
        identity = await client.get_identity()
        if machine_identifier not in {None, identity.machine_identifier}:
            return ValidationResult(error="wrong_server", unreachable=True)
        return ValidationResult(server=await _async_owned_server(client, identity))
    except _UnclaimedError:
        return ValidationResult(error="unclaimed")
    except PlexError as err:
        if identity:
            return ValidationResult(error=error_key(err))
        return await _async_explain(hass, data[CONF_URL], err, machine_identifier)


async def _async_explain(
    hass: HomeAssistant, url: str, err: PlexError, machine_identifier: str | None
) -> ValidationResult:
    """Return why a server was not met, and what may lead to it."""
    if secure := await _async_secure_url(hass, url, err, machine_identifier):
        return ValidationResult(
            error="secure_required", suggested_url=secure, unreachable=True
        )
    names = ""
    if isinstance(err, PlexCertificateNameError):
        names = await async_certificate_names(url)
    return ValidationResult(
        error=error_key(err),
        names=names,
        unreachable=isinstance(err, PlexConnectionError),
    )


async def async_discover_url(
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
    with suppress(PlexError, TimeoutError):
        client = await async_create_client(
            hass, {CONF_URL: url, CONF_VERIFY_SSL: False}
        )
        async with asyncio.timeout(_TIMEOUT):
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
    with suppress(PlexError, TimeoutError):
        client = await async_create_client(hass, {CONF_URL: url})
        async with asyncio.timeout(_TIMEOUT):
            identity = await client.get_identity()
            return identity.machine_identifier == machine_identifier
    return False


class _UnclaimedError(PlexError):
    """The server has no owner yet, and refuses clients from outside its network."""


async def _async_owned_server(client: PlexClient, identity: Identity) -> Server:
    """Return the server, having made sure that its Butler listens to us."""
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


async def _async_secure_url(
    hass: HomeAssistant, url: str, err: PlexError, machine_identifier: str | None
) -> str | None:
    """Return the HTTPS address of a server that does not want plain HTTP."""
    if not url.startswith("http://"):
        return None
    match err:
        case PlexRedirectError(location=location):
            candidates = list(_secure_target(url, location))
        case PlexHungUpError() | PlexResponseError():
            candidates = []
        case _:
            return None
    asked = URL(url)
    secure = asked.with_scheme("https").with_port(asked.port)
    candidates.append(full_address(str(secure)))
    for candidate in candidates:
        identity = await async_identify(hass, candidate)
        if identity and machine_identifier in {None, identity.machine_identifier}:
            return candidate
    return None


def _secure_target(url: str, location: str) -> Iterator[str]:
    """Yield where a redirect leads, if that is HTTPS at the same host."""
    with suppress(ValueError):
        target = URL(location)
        if target.scheme == "https" and target.host == URL(url).host:
            yield parse_address(full_address(location)).url


async def async_certificate_names(url: str) -> str:
    """Return the names in the certificate that is presented at a URL."""
    # Neither who answers nor what is presented there is trusted to be well-formed.
    with suppress(Exception):
        names = _names(await _async_fetch(URL(url)))
        shown = [_NO_NAME.sub("?", name)[:_LONGEST_NAME] for name in names]
        more = ["..."] if len(shown) > _MOST_NAMES else []
        return ", ".join(shown[:_MOST_NAMES] + more) or "?"
    return "?"


async def _async_fetch(url: URL) -> bytes:
    async with asyncio.timeout(_TIMEOUT):
        # Nothing is sent over it, so it does not matter whom it leads to.
        _, writer = await asyncio.open_connection(
            url.raw_host,
            url.port,
            ssl=get_default_no_verify_context(),
            server_hostname=url.raw_host,
        )
    try:
        certificate: bytes = writer.get_extra_info("ssl_object").getpeercert(
            binary_form=True
        )
        return certificate
    finally:
        writer.close()


def _names(certificate: bytes) -> list[str]:
    extension = x509.load_der_x509_certificate(
        certificate
    ).extensions.get_extension_for_class(x509.SubjectAlternativeName)
    names = extension.value.get_values_for_type(x509.DNSName)
    addresses = extension.value.get_values_for_type(x509.IPAddress)
    return [*names, *map(str, addresses)]


@callback
def async_plex_servers(
    hass: HomeAssistant,
) -> dict[str, tuple[ConfigEntry, dict[str, Any]]]:
    """Return the Plex integration's servers without an entry of ours, and its data."""
    entries = hass.config_entries.async_entries(DOMAIN, include_ignore=False)
    ours = {entry.unique_id for entry in entries}
    return {
        entry.entry_id: (entry, data)
        for entry in hass.config_entries.async_entries(PLEX_DOMAIN)
        if entry.unique_id not in ours and (data := _entry_data_from(entry))
    }


def _entry_data_from(entry: ConfigEntry) -> dict[str, Any] | None:
    match entry.data.get("server_config"):
        case {"url": str(url), "token": str(token), **rest}:
            return {
                CONF_URL: url,
                CONF_TOKEN: token,
                CONF_VERIFY_SSL: rest.get("verify_ssl", True) is not False,
            }
    return None
