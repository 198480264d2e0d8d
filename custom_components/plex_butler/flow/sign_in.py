"""Signing in with Plex, and the steps of it."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any, Final, override

from homeassistant.config_entries import ConfigFlowResult
from homeassistant.const import CONF_TOKEN, CONF_URL, CONF_VERIFY_SSL
from homeassistant.core import HomeAssistant, callback
from yarl import URL

from ..api import OwnedServer, Pin, PlexError, PlexResponseError, PlexTvClient
from ..connection import async_create_plex_tv_client
from ..const import CONF_SERVER, DOMAIN
from .base import FlowBase, server_schema
from .validate import ValidationResult, async_best_url

# As often as Plex's own apps ask.
_POLL: Final = 2
# How long, in seconds, the list of servers is asked for after the sign-in.
_LISTING: Final = 60


class SignInError(Exception):
    """The sign-in came to nothing; the argument is the key of the text that says why."""


class SignIn:
    """One sign-in, from the question to the servers that the user owns."""

    def __init__(self, client: PlexTvClient, pin: Pin) -> None:
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


class SignInFlow(FlowBase):
    """Sends the user to Plex and takes what comes back."""

    _sign_in: SignIn | None = None
    _sign_in_task: asyncio.Task[dict[str, OwnedServer]] | None = None
    _sign_in_error = ""
    _owned: Mapping[str, OwnedServer] = {}

    async def async_step_sign_in(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Send the user to Plex, and wait for what comes back."""
        if self._sign_in is None or self._sign_in_task is None:
            try:
                self._sign_in = await SignIn.async_begin(self.hass)
            except SignInError as err:
                self._sign_in_error = str(err)
                return await self.async_step_sign_in_failed()
            # In the background: nothing of Home Assistant's waits for a person.
            self._sign_in_task = self.hass.async_create_background_task(
                self._sign_in.async_wait(), f"{DOMAIN} sign-in"
            )
        if not self._sign_in_task.done():
            return self.async_show_progress(
                step_id="sign_in",
                progress_action="sign_in",
                description_placeholders={"url": self._sign_in.url},
                progress_task=self._sign_in_task,
            )
        task, self._sign_in, self._sign_in_task = self._sign_in_task, None, None
        try:
            self._owned = self._wanted(task.result())
        except SignInError as err:
            self._sign_in_error = str(err)
            return self.async_show_progress_done(next_step_id="sign_in_failed")
        return self.async_show_progress_done(next_step_id="server")

    async def async_step_sign_in_failed(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Say why a sign-in came to nothing, and begin another."""
        if user_input is not None:
            return await self.async_step_sign_in()
        return self.async_show_form(
            step_id="sign_in_failed", errors={"base": self._sign_in_error}
        )

    async def async_step_server(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Choose among the servers of the account; where there is one, it is chosen."""
        result = ValidationResult()
        if user_input is None and len(self._owned) == 1:
            user_input = {CONF_SERVER: next(iter(self._owned))}
        if user_input is not None:
            server = self._owned[user_input[CONF_SERVER]]
            data, result = await self._async_try_ways(server)
            if result.server:
                return await self._async_finish(result.server, data)
            if result.unreachable:
                return self._async_show_address(data, result)
        choices = {
            machine: (_name(server), f"{_address(server)}, {machine[:8]}")
            for machine, server in self._owned.items()
        }
        return self._async_form("server", server_schema(choices), user_input, result)

    async def _async_try_ways(
        self, server: OwnedServer
    ) -> tuple[dict[str, Any], ValidationResult]:
        """Return the data with which a server was tried last, and the result.

        An entry's own address was chosen and may be the only one that works, so it is
        kept unless nothing answers there, or another server.
        """
        data = {
            CONF_URL: next(iter(server.urls), ""),
            CONF_TOKEN: server.token,
            CONF_VERIFY_SSL: True,
        }
        result = ValidationResult(error="no_way_to_server", unreachable=True)
        if entry := self._known_entry:
            own = {**entry.data, CONF_TOKEN: server.token}
            result = await self._async_validate(own)
            if not result.unreachable:
                return own, result
            # The token of a secure entry never goes over plain http unasked.
            is_secure = URL(entry.data[CONF_URL]).scheme == "https"
            urls = (
                it for it in server.urls if it.startswith("https:") or not is_secure
            )
            server = replace(server, urls=tuple(urls))
        else:
            own = data
            await self._async_set_server(server.machine_identifier, _name(server))
        if url := await async_best_url(self.hass, server):
            data[CONF_URL] = url
            return data, await self._async_validate(data)
        return own, result

    def _wanted(self, owned: Mapping[str, OwnedServer]) -> Mapping[str, OwnedServer]:
        """Return the servers that this flow is about."""
        if entry := self._known_entry:
            if (machine := entry.unique_id or "") not in owned:
                raise SignInError("not_your_server")
            return {machine: owned[machine]}
        ours = {entry.unique_id for entry in self._async_current_entries()}
        new = {machine: it for machine, it in owned.items() if machine not in ours}
        # If all have been added, the end of the flow says so.
        return new or owned

    @override
    @callback
    def async_remove(self) -> None:
        """Wait no longer for a user who has closed the dialog."""
        if self._sign_in_task:
            self._sign_in_task.cancel()


def _name(server: OwnedServer) -> str:
    return server.name or "Plex Media Server"


def _address(server: OwnedServer) -> str:
    """Return where a server is, in numbers if they are known."""
    plain = [url for url in server.urls if url.startswith("http:")]
    return URL(next(iter([*plain, *server.urls]), "")).authority
