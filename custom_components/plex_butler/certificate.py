"""Which names a server's certificate is for: to tell people, and for nothing else."""

import asyncio
from contextlib import suppress
from typing import Final

from cryptography import x509
from homeassistant.util.ssl import get_default_no_verify_context
from yarl import URL

_TIMEOUT: Final = 5


async def async_certificate_names(url: str) -> str:
    """Return the names in the certificate that is presented at a URL."""
    with suppress(OSError, TimeoutError, ValueError, x509.ExtensionNotFound):
        return ", ".join(_names(await _async_fetch(URL(url))))
    return "?"


async def _async_fetch(url: URL) -> bytes:
    async with asyncio.timeout(_TIMEOUT):
        # Nothing is sent over it, so it does not matter whom it leads to.
        _, writer = await asyncio.open_connection(
            url.host,
            url.port,
            ssl=get_default_no_verify_context(),
            server_hostname=url.host,
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
    return [str(name.value) for name in extension.value]
