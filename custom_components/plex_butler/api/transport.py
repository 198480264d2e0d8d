"""What the network and HTTP do, as our own errors."""

from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Final

import aiohttp

from .exceptions import (
    PlexAuthenticationError,
    PlexCertificateError,
    PlexCertificateNameError,
    PlexConnectionError,
    PlexError,
    PlexHungUpError,
    PlexMaintenanceError,
    PlexNotOwnerError,
    PlexRefusedError,
    PlexResolveError,
    PlexResponseError,
    PlexTimeoutError,
    PlexTlsError,
)

# Longer than any healthy answer takes, shorter than people wait for a dialog.
TIMEOUT: Final = aiohttp.ClientTimeout(total=15)
# No answer that we ask for comes near this; a wrong address may stream for ever.
MAX_BODY: Final = 8 * 1024 * 1024


# What OpenSSL says of a certificate that is fine but for its name.
_WRONG_NAME: Final = frozenset(
    {62, 63, 64}  # X509_V_ERR_HOSTNAME_MISMATCH, _EMAIL_, _IP_ADDRESS_
)


@contextmanager
def network_errors() -> Iterator[None]:
    """Let what goes wrong below HTTP leave as one of ours."""
    try:
        yield
    except TimeoutError as err:
        raise PlexTimeoutError("The server did not answer in time") from err
    except aiohttp.WSServerHandshakeError as err:
        raise status_error(err.status) from err
    except (aiohttp.ClientError, OSError) as err:
        raise _connection_error(err) from err


def _connection_error(err: aiohttp.ClientError | OSError) -> PlexConnectionError:
    match err:
        case aiohttp.ClientConnectorCertificateError(certificate_error=error):
            return _certificate_error(error)
        case aiohttp.ClientSSLError():
            return PlexTlsError(str(err))
        case aiohttp.ClientConnectorDNSError():
            return PlexResolveError(str(err))
        case aiohttp.ClientConnectorError(os_error=ConnectionRefusedError()):
            return PlexRefusedError(str(err))
        case aiohttp.ServerDisconnectedError() | ConnectionResetError():
            return PlexHungUpError("The server hung up without an answer")
    return PlexConnectionError(str(err))


def _certificate_error(error: Exception) -> PlexCertificateError:
    if getattr(error, "verify_code", None) in _WRONG_NAME:
        return PlexCertificateNameError(str(error))
    return PlexCertificateError(str(error))


def status_error(status: int) -> PlexError:
    """Return what a status means that is not a success."""
    match status:
        case HTTPStatus.UNAUTHORIZED:
            return PlexAuthenticationError("The server does not accept the token")
        case HTTPStatus.FORBIDDEN:
            return PlexNotOwnerError("The token is not that of the server's owner")
        case HTTPStatus.SERVICE_UNAVAILABLE:
            return PlexMaintenanceError("The server is starting or in maintenance")
    return PlexResponseError(f"The server answered {status}", status=status)


async def read(response: aiohttp.ClientResponse) -> bytes:
    """Return the body of an answer that is not too large to be one of Plex's."""
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > MAX_BODY:
            raise PlexResponseError("The answer is too large to be one of Plex's")
    return bytes(body)
