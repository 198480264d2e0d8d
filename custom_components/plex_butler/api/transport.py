"""Requests over HTTP, and what goes wrong with them as errors of our own."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
import errno
import re
from typing import Final, override

import aiohttp
from yarl import URL

# Longer than any healthy answer takes, shorter than people wait for a dialog.
TIMEOUT: Final = aiohttp.ClientTimeout(total=15)
# No answer that we ask for comes near this; a wrong address may stream for ever.
MAX_BODY: Final = 8 * 1024 * 1024

# What OpenSSL says of a certificate that is fine but for its name:
# X509_V_ERR_HOSTNAME_MISMATCH, _EMAIL_, _IP_ADDRESS_
_NAME_MISMATCH_CODES: Final = frozenset({62, 63, 64})
# Nothing is known of a server to which no way leads: of several addresses of one name,
# those that can be reached count.
_NO_WAY_ERRNOS: Final = frozenset(
    {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT}
)


class PlexError(Exception):
    """Anything that kept the server from doing what it was asked."""

    # What the error is called in dialogs and in exceptions.
    key = "invalid_response"
    # After so many seconds the server wants to be asked again, where it says so.
    retry_after: int | None = None

    @override
    def __init_subclass__(cls, *, key: str | None = None) -> None:
        cls.key = key or cls.key


class PlexConnectionError(PlexError, key="cannot_connect"):
    """The server could not be reached, or hung up."""


class PlexAddressError(PlexConnectionError, key="invalid_url"):
    """The address is none that can be connected to."""


class PlexRefusedError(PlexConnectionError, key="refused"):
    """Nothing listens at the server's address."""


class PlexResolveError(PlexConnectionError, key="cannot_resolve"):
    """The server's name leads nowhere."""


class PlexHungUpError(PlexConnectionError, key="hung_up"):
    """The server hung up without an answer, as to plain HTTP if it wants HTTPS."""


class PlexTimeoutError(PlexConnectionError, key="timeout"):
    """The server did not answer in time."""


class PlexTlsError(PlexConnectionError, key="tls"):
    """No secure connection could be agreed on."""


class PlexCertificateError(PlexTlsError, key="certificate_untrusted"):
    """The server's certificate is not to be trusted: self-signed, say, or expired."""


class PlexCertificateNameError(PlexCertificateError, key="certificate_name"):
    """The server's certificate is for another name than the one that was asked for."""


class PlexWrongServerError(PlexError, key="wrong_server"):
    """Another server answers at the address."""


class PlexAuthenticationError(PlexError, key="invalid_auth"):
    """The server does not accept the token (401)."""


class PlexForbiddenError(PlexError, key="forbidden"):
    """Access is refused (403) where every user is let in, as a firewall does."""


class PlexNotOwnerError(PlexForbiddenError, key="not_owner"):
    """Access is refused (403) to what is for the server's owner alone."""


class PlexMaintenanceError(PlexError, key="maintenance"):
    """The server is starting or migrating its database (503)."""


class PlexResponseError(PlexError):
    """The answer is none of Plex's; `location` is where a redirect points."""

    def __init__(self, message: str, *, status: int = 0, location: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.location = location


class PlexPreferenceError(PlexResponseError):
    """The server has no such setting, or does not take that value for it."""


_ERRORS: Final[Mapping[int, type[PlexConnectionError]]] = {
    errno.ECONNREFUSED: PlexRefusedError,
    errno.ETIMEDOUT: PlexTimeoutError,
    errno.ECONNRESET: PlexHungUpError,
    errno.ECONNABORTED: PlexHungUpError,
    errno.EPIPE: PlexHungUpError,
}


def token_header(token: str | None) -> dict[str, str]:
    """Return the header with a token; raise PlexAuthenticationError if it is none."""
    if not token:
        return {}
    if not re.fullmatch(r"[!-~]+", token):
        raise PlexAuthenticationError("The token has characters that are in none")
    return {"X-Plex-Token": token}


async def request(
    session: aiohttp.ClientSession,
    method: str,
    url: URL,
    headers: Mapping[str, str],
    middlewares: Sequence[aiohttp.ClientMiddlewareType] = (),
    *,
    reads_body: bool = True,
) -> tuple[int, bytes]:
    """Return the status and the body of an answer, or raise a PlexError."""
    body = bytearray()
    with network_errors():
        # A redirect would carry the token to wherever it points.
        async with session.request(
            method,
            url,
            headers=headers,
            timeout=TIMEOUT,
            allow_redirects=False,
            middlewares=middlewares,
        ) as response:
            if not 200 <= response.status < 300:
                raise _status_error(response.status, response.headers)
            if reads_body:
                async for chunk in response.content.iter_any():
                    body += chunk
                    if len(body) > MAX_BODY:
                        raise PlexResponseError(
                            "The answer is too large to be one of Plex's"
                        )
            return response.status, bytes(body)


@contextmanager
def network_errors() -> Iterator[None]:
    """Raise errors of the network as a PlexError."""
    try:
        yield
    except (aiohttp.ClientError, OSError, UnicodeError) as err:
        raise _error_of(err) from err


def _error_of(err: aiohttp.ClientError | OSError | UnicodeError) -> PlexError:
    match err:
        case TimeoutError():
            return PlexTimeoutError("The server did not answer in time")
        case aiohttp.ClientConnectorCertificateError(certificate_error=error):
            if getattr(error, "verify_code", None) in _NAME_MISMATCH_CODES:
                return PlexCertificateNameError(str(error))
            return PlexCertificateError(str(error))
        case aiohttp.ClientSSLError():
            return PlexTlsError(str(err))
        case aiohttp.ClientConnectorDNSError():
            return PlexResolveError(str(err))
        case aiohttp.InvalidURL() | UnicodeError():
            return PlexAddressError("The address cannot be connected to")
        case aiohttp.WSServerHandshakeError(status=status, headers=headers):
            return _status_error(status, headers or {})
        case aiohttp.ClientResponseError():
            return PlexResponseError("The answer is not one of HTTP")
        case aiohttp.ServerDisconnectedError():
            return PlexHungUpError("The server hung up without an answer")
    # Of the errors of several addresses, aiohappyeyeballs keeps the texts only.
    cause = getattr(err, "os_error", err)
    numbers = set(map(int, re.findall(r"\[Errno (\d+)\]", str(cause))))
    kinds = {_ERRORS.get(it, PlexConnectionError) for it in numbers - _NO_WAY_ERRNOS}
    return (kinds.pop() if len(kinds) == 1 else PlexConnectionError)(str(err))


def _status_error(status: int, headers: Mapping[str, str]) -> PlexError:
    error: PlexError
    match status:
        case 401:
            error = PlexAuthenticationError("The server does not accept the token")
        case 403:
            error = PlexForbiddenError("Access is refused, as a firewall does")
        case 503:
            error = PlexMaintenanceError("The server is starting or in maintenance")
        case _:
            location = headers.get("Location", "") if 300 <= status < 400 else ""
            error = PlexResponseError(
                f"The server answered {status}", status=status, location=location
            )
    if re.fullmatch(r"[0-9]{1,5}", seconds := headers.get("Retry-After", "")):
        error.retry_after = int(seconds)
    return error
