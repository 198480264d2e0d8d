"""Waits until somebody has signed in with Plex."""

import asyncio
from typing import Final

from ..api import OwnedServer, Pin, PlexError, PlexResponseError, PlexTvClient

# As often as Plex's own apps ask.
_POLL: Final = 2


class SignInError(Exception):
    """The sign-in failed; the argument is the key of the text that says why."""


async def async_get_owned_servers(
    client: PlexTvClient, pin: Pin
) -> dict[str, OwnedServer]:
    """Wait for a sign-in, and return the user's servers by id or raise SignInError."""
    token: str | None = None
    failure: PlexError | None = None
    try:
        async with asyncio.timeout(pin.expires_in) as limit:
            while True:
                wait: float = _POLL
                try:
                    if token is None and (token := await client.get_token(pin)):
                        # The list of servers is asked for a minute longer.
                        limit.reschedule(asyncio.get_running_loop().time() + 60)
                    failure = None
                    if token is not None:
                        servers = await client.get_owned_servers(token)
                        break
                except PlexError as err:
                    is_gone = isinstance(err, PlexResponseError) and err.status == 404
                    if is_gone and token is None:
                        raise SignInError("sign_in_expired") from err
                    failure = err
                    wait = max(_POLL, err.retry_after or 0)
                await asyncio.sleep(wait)
    except TimeoutError as err:
        if failure:
            raise SignInError("plex_tv_unreachable") from failure
        raise SignInError("sign_in_expired") from err
    if not servers:
        raise SignInError("no_owned_server")
    return {server.machine_identifier: server for server in servers}
