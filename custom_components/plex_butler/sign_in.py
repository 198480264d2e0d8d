"""Signing in with Plex: nothing is typed, and only the server's own token is kept."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from homeassistant.core import HomeAssistant

from .api import OwnedServer, Pin, PlexError, PlexResponseError, PlexTvClient
from .connection import async_create_plex_tv_client

# As often as Plex's own apps ask.
_POLL: Final = 2
# How long, in seconds, the list of servers is asked for after the sign-in.
_LISTING: Final = 60


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
        token = await _async_ask(self._async_token, self._pin.expires_in)
        servers = await _async_ask(
            lambda: self._client.get_owned_servers(token), _LISTING
        )
        if not servers:
            raise SignInError("no_owned_server")
        return {server.machine_identifier: server for server in servers}

    async def _async_token(self) -> str | None:
        try:
            return await self._client.get_token(self._pin)
        except PlexResponseError as err:
            if err.status == 404:
                raise SignInError("sign_in_expired") from err
            raise


async def _async_ask[AnswerT](
    ask: Callable[[], Awaitable[AnswerT | None]], seconds: float
) -> AnswerT:
    """Return an answer of plex.tv; what fails is asked again until the time is over."""
    failure: PlexError | None = None
    try:
        async with asyncio.timeout(seconds):
            while True:
                try:
                    if (answer := await ask()) is not None:
                        return answer
                    failure = None
                except PlexError as err:
                    failure = err
                wait = failure.retry_after if failure else None
                await asyncio.sleep(max(_POLL, wait or 0))
    except TimeoutError as err:
        if failure:
            raise SignInError("plex_tv_unreachable") from failure
        raise SignInError("sign_in_expired") from err
