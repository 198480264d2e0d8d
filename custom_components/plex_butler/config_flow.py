"""How a server is added, and a refused token replaced."""

from collections.abc import Mapping
from typing import Any, Final, override

from homeassistant.config_entries import ConfigFlow, ConfigFlowResult
from homeassistant.const import CONF_TOKEN, CONF_URL, CONF_VERIFY_SSL
from homeassistant.helpers.selector import (
    BooleanSelector,
    TextSelector,
    TextSelectorConfig,
    TextSelectorType,
)
import voluptuous as vol

from .api import (
    PlexAuthenticationError,
    PlexClient,
    PlexError,
    PlexNotOwnerError,
    Server,
    parse_address,
)
from .connection import async_create_client
from .const import DOMAIN
from .device import server_name
from .errors import error_key

_TOKEN: Final = TextSelector(
    TextSelectorConfig(type=TextSelectorType.PASSWORD, autocomplete="off")
)

USER_SCHEMA: Final = vol.Schema(
    {
        vol.Required(CONF_URL): TextSelector(
            TextSelectorConfig(type=TextSelectorType.URL, autocomplete="url")
        ),
        # Not required: it may be part of a pasted address.
        vol.Optional(CONF_TOKEN): _TOKEN,
        vol.Required(CONF_VERIFY_SSL, default=True): BooleanSelector(),
    }
)
REAUTH_SCHEMA: Final = vol.Schema({vol.Required(CONF_TOKEN): _TOKEN})


class PlexButlerConfigFlow(ConfigFlow, domain=DOMAIN):
    """Asks for what it takes to reach a server, and tries it."""

    VERSION = 1
    MINOR_VERSION = 1

    @override
    async def async_step_user(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Add a server by its URL and token."""
        errors: dict[str, str] = {}
        if user_input is not None:
            user_input = _with_pasted_token(user_input)
            data, errors = _entry_data(user_input)
            if not errors:
                server, errors = await self._async_try(data)
                if server:
                    return await self._async_create(server, data)
        return self.async_show_form(
            step_id="user",
            data_schema=self.add_suggested_values_to_schema(USER_SCHEMA, user_input),
            errors=errors,
        )

    async def async_step_reauth(
        self, entry_data: Mapping[str, Any]
    ) -> ConfigFlowResult:
        """Begin to replace a token that the server refuses."""
        return await self.async_step_reauth_confirm()

    async def async_step_reauth_confirm(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Replace a token that the server refuses."""
        entry = self._get_reauth_entry()
        errors: dict[str, str] = {}
        if user_input is not None:
            data = {**entry.data, CONF_TOKEN: user_input[CONF_TOKEN].strip()}
            server, errors = await self._async_try(data)
            if server:
                await self.async_set_unique_id(server.machine_identifier)
                self._abort_if_unique_id_mismatch(reason="wrong_server")
                return self.async_update_reload_and_abort(entry, data_updates=data)
        return self.async_show_form(
            step_id="reauth_confirm",
            data_schema=REAUTH_SCHEMA,
            errors=errors,
            description_placeholders={"name": entry.title},
        )

    async def _async_create(
        self, server: Server, data: dict[str, Any]
    ) -> ConfigFlowResult:
        await self.async_set_unique_id(server.machine_identifier)
        self._abort_if_unique_id_configured()
        return self.async_create_entry(title=server_name(server), data=data)

    async def _async_try(
        self, data: Mapping[str, Any]
    ) -> tuple[Server | None, dict[str, str]]:
        """Return the server if all that we need of it works, else what does not."""
        client = await async_create_client(self.hass, data)
        try:
            return await _async_owned_server(client), {}
        except PlexError as err:
            return None, {"base": error_key(err)}


async def _async_owned_server(client: PlexClient) -> Server:
    """Return the server, having made sure that its Butler listens to us."""
    # Needs no token: tells a wrong address from a wrong token.
    await client.get_identity()
    server = await client.get_server()
    try:
        await client.get_butler_tasks()
    except PlexAuthenticationError as err:
        # The token has just been good enough for the server's name.
        raise PlexNotOwnerError(str(err)) from err
    return server


def _with_pasted_token(user_input: dict[str, Any]) -> dict[str, Any]:
    """Move a token that was pasted as part of the address to its own field."""
    try:
        address = parse_address(user_input[CONF_URL])
    except ValueError:
        return user_input
    if address.token is None:
        return user_input
    return {CONF_TOKEN: address.token, **user_input, CONF_URL: address.url}


def _entry_data(user_input: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """Return what an entry keeps, or which field cannot be right."""
    try:
        url = parse_address(user_input[CONF_URL]).url
    except ValueError:
        return {}, {CONF_URL: "invalid_url"}
    if not (token := user_input.get(CONF_TOKEN, "").strip()):
        return {}, {CONF_TOKEN: "token_missing"}
    verify_ssl = user_input[CONF_VERIFY_SSL]
    return {CONF_URL: url, CONF_TOKEN: token, CONF_VERIFY_SSL: verify_ssl}, {}
