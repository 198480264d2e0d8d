"""Signing in with Plex: nothing is typed, and only the server's own token is kept."""

import asyncio
from typing import Final

from homeassistant.core import HomeAssistant

from .api import OwnedServer, Pin, PlexError, PlexResponseError, PlexTvClient
from .connection import async_create_plex_tv_client

# As often as Plex's own apps ask.
_POLL: Final = 2


class SignInError(Exception):
    """The sign-in came to nothing; the argument is the key of the text that says why."""


class SignIn:
    """One sign-in, from the question to the servers that the user owns."""

    def __init__(self, client: PlexTvClient, pin: Pin) -> None:
        """Take the question that the user is to answer."""
        self._client = client
        self._pin = pin
        self.url = client.sign_in_url(pin)

    @classmethod
    async def async_begin(cls, hass: HomeAssistant) -> SignIn:
        """Ask plex.tv for a question; raises SignInError if it has none."""
        client = await async_create_plex_tv_client(hass)
        try:
            return cls(client, await client.create_pin())
        except PlexError as err:
            raise SignInError("plex_tv_unreachable") from err

    async def async_wait(self) -> dict[str, OwnedServer]:
        """Wait for the answer, and return the user's own servers by their ids."""
        try:
            async with asyncio.timeout(self._pin.expires_in):
                while (token := await self._async_token()) is None:  # noqa: ASYNC110 plex.tv can only be asked
                    await asyncio.sleep(_POLL)
            servers = await self._client.get_owned_servers(token)
        except TimeoutError as err:
            raise SignInError("sign_in_expired") from err
        except PlexError as err:
            raise SignInError("plex_tv_unreachable") from err
        if not servers:
            raise SignInError("no_owned_server")
        return {server.machine_identifier: server for server in servers}

    async def _async_token(self) -> str | None:
        try:
            return await self._client.get_token(self._pin)
        except PlexResponseError as err:
            if err.status == 404:
                raise TimeoutError from err
            raise
