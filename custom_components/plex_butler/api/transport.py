"""What the network and HTTP do, as our own errors."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
import errno
from http import HTTPStatus
import re
from typing import Final

import aiohttp

from .exceptions import (
    PlexAddressError,
    PlexAuthenticationError,
    PlexCertificateError,
    PlexCertificateNameError,
    PlexConnectionError,
    PlexError,
    PlexForbiddenError,
    PlexHungUpError,
    PlexMaintenanceError,
    PlexNotOwnerError,
    PlexRedirectError,
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


# Nothing is known of a server to which no way leads: of several addresses of one name,
# those that can be reached count.
_NO_WAY: Final = frozenset(
    {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT}
)
_HUNG_UP: Final = frozenset({errno.ECONNRESET, errno.ECONNABORTED, errno.EPIPE})


@contextmanager
def network_errors() -> Iterator[None]:
    """Let what goes wrong below HTTP leave as one of ours."""
    try:
        yield
    except TimeoutError as err:
        raise PlexTimeoutError("The server did not answer in time") from err
    except aiohttp.WSServerHandshakeError as err:
        raise status_error(err.status, err.headers) from err
    except (aiohttp.ClientError, OSError, UnicodeError) as err:
        raise _network_error(err) from err


def _network_error(err: aiohttp.ClientError | OSError | UnicodeError) -> PlexError:
    match err:
        case aiohttp.ClientConnectorCertificateError(certificate_error=error):
            return _certificate_error(error)
        case aiohttp.ClientSSLError():
            return PlexTlsError(str(err))
        case aiohttp.ClientConnectorDNSError():
            return PlexResolveError(str(err))
        case aiohttp.InvalidURL() | UnicodeError():
            return PlexAddressError("The address cannot be connected to")
        case aiohttp.ClientResponseError():
            return PlexResponseError("The answer is not one of HTTP")
        case aiohttp.ServerDisconnectedError():
            return PlexHungUpError("The server hung up without an answer")
        case OSError():
            return _connection_error(err)
    return PlexConnectionError(str(err))


def _connection_error(err: OSError) -> PlexConnectionError:
    reasons = _numbers(err) - _NO_WAY
    if reasons and reasons <= _HUNG_UP:
        return PlexHungUpError("The server hung up without an answer")
    if reasons == {errno.ECONNREFUSED}:
        return PlexRefusedError(str(err))
    if reasons == {errno.ETIMEDOUT}:
        return PlexTimeoutError("The server did not answer in time")
    return PlexConnectionError(str(err))


def _numbers(err: OSError) -> set[int]:
    """Return why a connection failed: for each address of a name, if that differs."""
    if isinstance(err, aiohttp.ClientConnectorError):
        err = err.os_error
    if err.errno is not None:
        return {err.errno}
    # Of several errors, aiohappyeyeballs keeps the texts only.
    return {int(number) for number in re.findall(r"\[Errno (\d+)\]", str(err))}


def _certificate_error(error: Exception) -> PlexCertificateError:
    if getattr(error, "verify_code", None) in _WRONG_NAME:
        return PlexCertificateNameError(str(error))
    return PlexCertificateError(str(error))


def status_error(
    status: int, headers: Mapping[str, str] | None = None, *, owner_only: bool = False
) -> PlexError:
    """Return what a status means that is not a success.

    `owner_only`: whether the server lets in other users where it was asked.
    """
    headers = headers or {}
    error = _status_error(status, headers.get("Location"), owner_only=owner_only)
    seconds = headers.get("Retry-After", "")
    if re.fullmatch(r"[0-9]{1,5}", seconds):
        error.retry_after = int(seconds)
    return error


def _status_error(status: int, location: str | None, *, owner_only: bool) -> PlexError:
    match status:
        case HTTPStatus.UNAUTHORIZED:
            return PlexAuthenticationError("The server does not accept the token")
        case HTTPStatus.FORBIDDEN if owner_only:
            return PlexNotOwnerError("The token is not that of the server's owner")
        case HTTPStatus.FORBIDDEN:
            return PlexForbiddenError(
                "Access is refused, as a firewall or a tunnel does"
            )
        case HTTPStatus.SERVICE_UNAVAILABLE:
            return PlexMaintenanceError("The server is starting or in maintenance")
        case _ if 300 <= status < 400 and location:
            return PlexRedirectError(
                f"The server answered {status}", status=status, location=location
            )
    return PlexResponseError(f"The server answered {status}", status=status)


def token_header(token: str) -> dict[str, str]:
    """Return the header that has the token.

    Raises PlexAuthenticationError for what no token holds, be it that a header could.
    """
    if not re.fullmatch(r"[!-~]+", token):
        raise PlexAuthenticationError("The token has characters that are in none")
    return {"X-Plex-Token": token}


async def read(response: aiohttp.ClientResponse) -> bytes:
    """Return the body of an answer that is not too large to be one of Plex's."""
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > MAX_BODY:
            raise PlexResponseError("The answer is too large to be one of Plex's")
    return bytes(body)
