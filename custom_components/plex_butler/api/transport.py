"""Requests over HTTP, and what goes wrong with them as errors of our own."""

from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import asynccontextmanager, contextmanager
import errno
import re
from typing import Final

import aiohttp
from yarl import URL

# Longer than any healthy answer takes, shorter than people wait for a dialog.
TIMEOUT: Final = aiohttp.ClientTimeout(total=15)
# No answer that we ask for comes near this; a wrong address may stream for ever.
MAX_BODY: Final = 8 * 1024 * 1024

# What OpenSSL says of a certificate that is fine but for its name:
# X509_V_ERR_HOSTNAME_MISMATCH, _EMAIL_, _IP_ADDRESS_
_WRONG_NAME: Final = frozenset({62, 63, 64})
# Nothing is known of a server to which no way leads: of several addresses of one name,
# those that can be reached count.
_NO_WAY: Final = frozenset(
    {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT}
)
_HUNG_UP: Final = frozenset({errno.ECONNRESET, errno.ECONNABORTED, errno.EPIPE})


class PlexError(Exception):
    """Anything that kept the server from doing what it was asked."""

    # After so many seconds the server wants to be asked again, where it says so.
    retry_after: int | None = None


class PlexConnectionError(PlexError):
    """The server could not be reached, or hung up."""


class PlexAddressError(PlexConnectionError):
    """The address is none that can be connected to."""


class PlexRefusedError(PlexConnectionError):
    """Nothing listens at the server's address."""


class PlexResolveError(PlexConnectionError):
    """The server's name leads nowhere."""


class PlexHungUpError(PlexConnectionError):
    """The server hung up without an answer, as to plain HTTP if it wants HTTPS."""


class PlexTimeoutError(PlexConnectionError):
    """The server did not answer in time."""


class PlexTlsError(PlexConnectionError):
    """No secure connection could be agreed on."""


class PlexCertificateError(PlexTlsError):
    """The server's certificate is not to be trusted: self-signed, say, or expired."""


class PlexCertificateNameError(PlexCertificateError):
    """The server's certificate is for another name than the one that was asked for."""


class PlexWrongServerError(PlexError):
    """Another server answers at the address; `found` is its machine identifier."""

    def __init__(self, *, found: str) -> None:
        super().__init__("Another server answers at this address")
        self.found = found


class PlexAuthenticationError(PlexError):
    """The server does not accept the token (401)."""


class PlexForbiddenError(PlexError):
    """Access is refused (403) where every user is let in, as a firewall does."""


class PlexNotOwnerError(PlexForbiddenError):
    """Access is refused (403) to what is for the server's owner alone."""


class PlexMaintenanceError(PlexError):
    """The server is starting or migrating its database (503)."""


class PlexResponseError(PlexError):
    """The server's answer, or its HTTP status, is none of a Plex Media Server."""

    def __init__(self, message: str, *, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class PlexRedirectError(PlexResponseError):
    """The server is somewhere else; `location` is where it says, not yet believed."""

    def __init__(self, message: str, *, status: int, location: str) -> None:
        super().__init__(message, status=status)
        self.location = location


class PlexPreferenceError(PlexResponseError):
    """The server has no such setting, or does not take that value for it."""


def before_repeats(
    act: Callable[[], Awaitable[None]],
) -> aiohttp.ClientMiddlewareType:
    """Return what acts before aiohttp sends a request anew whose connection broke."""
    is_repeat = False

    async def attempt(
        request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        nonlocal is_repeat
        if is_repeat:
            await act()
        is_repeat = True
        return await handler(request)

    return attempt


@asynccontextmanager
async def request(
    session: aiohttp.ClientSession,
    method: str,
    url: URL,
    headers: Mapping[str, str],
    *,
    owner_only: bool = False,
    middlewares: Sequence[aiohttp.ClientMiddlewareType] = (),
) -> AsyncIterator[aiohttp.ClientResponse]:
    """Send one request; every error of the network or of HTTP leaves as ours."""
    with network_errors():
        async with session.request(
            method,
            url,
            headers=headers,
            timeout=TIMEOUT,
            # A redirect would carry the token to wherever it points.
            allow_redirects=False,
            middlewares=middlewares,
        ) as response:
            if not 200 <= response.status < 300:
                raise status_error(
                    response.status, response.headers, owner_only=owner_only
                )
            yield response


async def read(response: aiohttp.ClientResponse) -> bytes:
    """Return the body of an answer that is not too large to be one of Plex's."""
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > MAX_BODY:
            raise PlexResponseError("The answer is too large to be one of Plex's")
    return bytes(body)


def token_header(token: str) -> dict[str, str]:
    """Return the header that has the token.

    Raises PlexAuthenticationError for what no token holds, be it that a header could.
    """
    if not re.fullmatch(r"[!-~]+", token):
        raise PlexAuthenticationError("The token has characters that are in none")
    return {"X-Plex-Token": token}


@contextmanager
def network_errors() -> Iterator[None]:
    """Let what goes wrong below HTTP leave as one of ours."""
    try:
        yield
    except TimeoutError as err:
        raise PlexTimeoutError("The server did not answer in time") from err
    except aiohttp.WSServerHandshakeError as err:
        raise status_error(err.status, err.headers or {}) from err
    except (aiohttp.ClientError, OSError, UnicodeError) as err:
        raise _network_error(err) from err


def _network_error(err: aiohttp.ClientError | OSError | UnicodeError) -> PlexError:
    match err:
        case aiohttp.ClientConnectorCertificateError(certificate_error=error):
            if getattr(error, "verify_code", None) in _WRONG_NAME:
                return PlexCertificateNameError(str(error))
            return PlexCertificateError(str(error))
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
    """Return why no address of a name could be connected to."""
    cause = err.os_error if isinstance(err, aiohttp.ClientConnectorError) else err
    # Of the errors of several addresses, aiohappyeyeballs keeps the texts only.
    texts = re.findall(r"\[Errno (\d+)\]", str(cause))
    numbers = {cause.errno} if cause.errno is not None else set(map(int, texts))
    reasons = numbers - _NO_WAY
    if reasons and reasons <= _HUNG_UP:
        return PlexHungUpError("The server hung up without an answer")
    if reasons == {errno.ECONNREFUSED}:
        return PlexRefusedError(str(err))
    if reasons == {errno.ETIMEDOUT}:
        return PlexTimeoutError("The server did not answer in time")
    return PlexConnectionError(str(err))


def status_error(
    status: int, headers: Mapping[str, str], *, owner_only: bool = False
) -> PlexError:
    """Return what a status means that is not a success.

    `owner_only`: whether the server lets in no other users where it was asked.
    """
    location = headers.get("Location")
    error: PlexError = PlexResponseError(f"The server answered {status}", status=status)
    match status:
        case 401:
            error = PlexAuthenticationError("The server does not accept the token")
        case 403 if owner_only:
            error = PlexNotOwnerError("The token is not that of the server's owner")
        case 403:
            error = PlexForbiddenError(
                "Access is refused, as by a firewall or a tunnel"
            )
        case 503:
            error = PlexMaintenanceError("The server is starting or in maintenance")
        case _ if 300 <= status < 400 and location:
            error = PlexRedirectError(str(error), status=status, location=location)
    if re.fullmatch(r"[0-9]{1,5}", seconds := headers.get("Retry-After", "")):
        error.retry_after = int(seconds)
    return error
