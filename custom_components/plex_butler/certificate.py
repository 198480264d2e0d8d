"""Which names a server's certificate is for: to tell people, and for nothing else."""

import asyncio
from contextlib import suppress
import re
from typing import Final

from cryptography import x509
from homeassistant.util.ssl import get_default_no_verify_context
from yarl import URL

_TIMEOUT: Final = 5
# Repairs and dialogs show names, but a certificate can hold anything in any number.
_MOST_NAMES: Final = 5
_LONGEST_NAME: Final = 100
_NO_NAME: Final = re.compile(r"[^\w.*:-]", re.ASCII)


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
