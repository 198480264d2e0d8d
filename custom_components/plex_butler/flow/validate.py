"""Finds out which server answers at a URL, and whether a token is good for it."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
import re
from typing import Any, Final

from cryptography import x509
from homeassistant.const import CONF_URL, CONF_VERIFY_SSL
from homeassistant.core import HomeAssistant
from homeassistant.util.ssl import get_default_no_verify_context
from yarl import URL

from .. import api
from ..connection import async_create_client

# An address that takes longer than this is not offered.
_TIMEOUT: Final = 5
# Repairs and dialogs show names, but a certificate can hold anything in any number.
_NO_NAME: Final = re.compile(r"[^\w.*:-]", re.ASCII)


@dataclass(frozen=True, kw_only=True, slots=True)
class ValidationResult:
    """The server that was reached, or what is wrong, and a URL that may be right."""

    server: api.Server | None = None
    error: str = ""
    # Of the certificate that is for another name
    names: str = ""
    # Which server answers in place of the right one
    found: str = ""
    suggested_url: str = ""
    # The server was not met, so another address or setting is needed
    unreachable: bool = False


async def async_validate(
    hass: HomeAssistant, data: Mapping[str, Any], machine: str | None = None
) -> ValidationResult:
    """Return the server if all works, or why not; another one gets no token."""
    url = data[CONF_URL]
    try:
        client = await async_create_client(hass, data)
        # Needs no token: tells a wrong address from a wrong token.
        identity = await client.get_identity()
    except api.PlexError as err:
        if secure_url := await _async_secure_url(hass, url, err, machine):
            return ValidationResult(
                error="secure_required", suggested_url=secure_url, unreachable=True
            )
        is_misnamed = isinstance(err, api.PlexCertificateNameError)
        return ValidationResult(
            error=err.key,
            names=await async_certificate_names(url) if is_misnamed else "",
            unreachable=isinstance(err, api.PlexConnectionError),
        )
    found = identity.machine_identifier
    if machine not in {None, found}:
        return ValidationResult(error="wrong_server", found=found, unreachable=True)
    server: api.Server | None = None
    try:
        server = await client.get_server()
        await client.get_butler_tasks()
    except api.PlexAuthenticationError as err:
        if server:
            # The token has just been good enough for the server's name.
            return ValidationResult(error="not_owner")
        if not identity.claimed:
            # Without an owner it refuses clients from outside its network.
            return ValidationResult(error="unclaimed")
        return ValidationResult(error=err.key)
    except api.PlexError as err:
        return ValidationResult(error=err.key)
    return ValidationResult(server=server)


async def _async_secure_url(
    hass: HomeAssistant, url: str, err: api.PlexError, machine: str | None
) -> str | None:
    """Return the HTTPS address of a server that does not want plain HTTP."""
    is_refusal = isinstance(err, api.PlexHungUpError | api.PlexResponseError)
    if not is_refusal or not url.startswith("http://"):
        return None
    asked = URL(url)
    candidates = [
        api.full_address(str(asked.with_scheme("https").with_port(asked.port)))
    ]
    if isinstance(err, api.PlexResponseError) and err.location:
        with suppress(ValueError):
            target = URL(err.location)
            if target.scheme == "https" and target.host == asked.host:
                candidates.insert(0, api.parse_address(api.full_address(err.location)))
    for candidate in candidates:
        found = await async_identify(hass, candidate)
        if found and machine in {None, found}:
            return candidate
    return None


async def async_identify(
    hass: HomeAssistant, url: str, *, verify_ssl: bool = False
) -> str | None:
    """Return the identifier of the server at a URL, if any; nothing secret is sent."""
    with suppress(api.PlexError, TimeoutError):
        data = {CONF_URL: url, CONF_VERIFY_SSL: verify_ssl}
        client = await async_create_client(hass, data)
        async with asyncio.timeout(_TIMEOUT):
            return (await client.get_identity()).machine_identifier
    return None


async def async_certificate_names(url: str) -> str:
    """Return the names in the certificate that is presented at a URL."""
    # Neither who answers nor what is presented there is trusted to be well-formed.
    with suppress(Exception):
        host, port = URL(url).raw_host, URL(url).port
        context = get_default_no_verify_context()
        async with asyncio.timeout(_TIMEOUT):
            # Nothing is sent over it, so it does not matter whom it leads to.
            _, writer = await asyncio.open_connection(
                host, port, ssl=context, server_hostname=host
            )
        presented = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        writer.close()
        extensions = x509.load_der_x509_certificate(presented).extensions
        found = extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        names = found.get_values_for_type(x509.DNSName)
        names += map(str, found.get_values_for_type(x509.IPAddress))
        shown = [_NO_NAME.sub("?", name)[:100] for name in names]
        more = ["..."] if shown[5:] else []
        return ", ".join(shown[:5] + more) or "?"
    return "?"
