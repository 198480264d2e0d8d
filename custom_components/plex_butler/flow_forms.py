"""The forms of the config flow, and what is made of what is typed into them."""

from collections.abc import Mapping
from typing import Any, Final

from homeassistant.const import CONF_TOKEN, CONF_URL, CONF_VERIFY_SSL
from homeassistant.helpers.selector import (
    BooleanSelector,
    SelectOptionDict,
    SelectSelector,
    SelectSelectorConfig,
    TextSelector,
    TextSelectorConfig,
    TextSelectorType,
)
import voluptuous as vol

from .api import parse_address
from .const import CONF_SERVER

_TOKEN: Final = TextSelector(
    TextSelectorConfig(type=TextSelectorType.PASSWORD, autocomplete="off")
)

ADDRESS_SCHEMA: Final = vol.Schema(
    {
        vol.Required(CONF_URL): TextSelector(
            TextSelectorConfig(type=TextSelectorType.URL, autocomplete="url")
        ),
        # Not required: it may be part of a pasted address, or known already.
        vol.Optional(CONF_TOKEN): _TOKEN,
        vol.Required(CONF_VERIFY_SSL, default=True): BooleanSelector(),
    }
)
TOKEN_SCHEMA: Final = vol.Schema({vol.Required(CONF_TOKEN): _TOKEN})


def choice_of(names: Mapping[str, str]) -> vol.Schema:
    """Return a form that asks for one server of several, the first chosen."""
    options = [SelectOptionDict(value=key, label=name) for key, name in names.items()]
    first = next(iter(names), vol.UNDEFINED)
    return vol.Schema(
        {
            vol.Required(CONF_SERVER, default=first): SelectSelector(
                SelectSelectorConfig(options=options)
            )
        }
    )


def with_pasted_token(user_input: dict[str, Any]) -> dict[str, Any]:
    """Move a token that was pasted as part of the address to its own field."""
    try:
        address = parse_address(user_input[CONF_URL])
    except ValueError:
        return user_input
    if address.token is None:
        return user_input
    return {CONF_TOKEN: address.token, **user_input, CONF_URL: address.url}


def address_data(
    user_input: Mapping[str, Any], *, token: str
) -> tuple[dict[str, Any], dict[str, str]]:
    """Return what an entry keeps, or which field cannot be right.

    `token` is the one that is known already, for a field that was left empty.
    """
    try:
        url = parse_address(user_input[CONF_URL]).url
    except ValueError:
        return {}, {CONF_URL: "invalid_url"}
    if not (token := user_input.get(CONF_TOKEN, "").strip() or token):
        return {}, {CONF_TOKEN: "token_missing"}
    verify_ssl = user_input[CONF_VERIFY_SSL]
    return {CONF_URL: url, CONF_TOKEN: token, CONF_VERIFY_SSL: verify_ssl}, {}
