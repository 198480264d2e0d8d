"""What the network and HTTP do, as our own errors."""

from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Final

import aiohttp

from .exceptions import (
    PlexAuthenticationError,
    PlexConnectionError,
    PlexError,
    PlexMaintenanceError,
    PlexNotOwnerError,
    PlexRefusedError,
    PlexResponseError,
    PlexTimeoutError,
    PlexTlsError,
)

# No answer that we ask for comes near this; a wrong address may stream for ever.
MAX_BODY: Final = 8 * 1024 * 1024


@contextmanager
def network_errors() -> Iterator[None]:
    """Let what goes wrong below HTTP leave as one of ours."""
    try:
        yield
    except TimeoutError as err:
        raise PlexTimeoutError("The server did not answer in time") from err
    except aiohttp.ClientSSLError as err:
        raise PlexTlsError(str(err)) from err
    except aiohttp.ClientConnectorError as err:
        if isinstance(err.os_error, ConnectionRefusedError):
            raise PlexRefusedError(str(err)) from err
        raise PlexConnectionError(str(err)) from err
    except aiohttp.WSServerHandshakeError as err:
        raise status_error(err.status) from err
    except (aiohttp.ClientError, OSError) as err:
        raise PlexConnectionError(str(err)) from err


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
