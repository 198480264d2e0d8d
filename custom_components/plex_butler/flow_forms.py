"""The forms of the config flow, and what is made of what is typed into them."""

from collections import Counter
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

from .api import (
    ClaimCodeError,
    PlexSiteError,
    full_address,
    parse_address,
    parse_token,
)
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


def choice_of(servers: Mapping[str, tuple[str, str]]) -> vol.Schema:
    """Return a form that asks for one server of several, the first chosen.

    Each has a name, and what tells it from others of the same name.
    """
    names = Counter(name for name, _ in servers.values())
    options = [
        SelectOptionDict(
            value=key, label=name if names[name] == 1 else f"{name} ({details})"
        )
        for key, (name, details) in servers.items()
    ]
    first = next(iter(servers), vol.UNDEFINED)
    return vol.Schema(
        {
            vol.Required(CONF_SERVER, default=first): SelectSelector(
                SelectSelectorConfig(options=options)
            )
        }
    )


def shown_values(known: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the address form shows of an entry's data: all but the token."""
    shown = {key: known[key] for key in (CONF_URL, CONF_VERIFY_SSL) if key in known}
    if CONF_URL in shown:
        shown[CONF_URL] = full_address(shown[CONF_URL])
    return shown


def read_address_form(
    user_input: Mapping[str, Any], known: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any], dict[str, str]]:
    """Return what an entry keeps, what to show again, and which fields are wrong.

    `known` is what an entry or an earlier form has: it stands for an address that was
    left as it was shown, and for a token that was left out.
    """
    shown = dict(user_input)
    errors: dict[str, str] = {}
    url = known.get(CONF_URL)
    if url is None or user_input[CONF_URL] != full_address(url):
        try:
            address = parse_address(user_input[CONF_URL])
        except PlexSiteError:
            errors |= {CONF_URL: "plex_site"}
        except ValueError:
            errors |= {CONF_URL: "invalid_url"}
        else:
            url = shown[CONF_URL] = address.url
            if address.token:
                # Newer than what the token's own field hides.
                shown[CONF_TOKEN] = address.token
    token, token_errors = read_token(shown, known)
    if shown.get(CONF_TOKEN, "").strip() and not token_errors:
        shown[CONF_TOKEN] = token
    data = {**known, **shown, CONF_URL: url, CONF_TOKEN: token}
    return data, shown, errors | token_errors


def read_token(
    user_input: Mapping[str, Any], known: Mapping[str, Any]
) -> tuple[str, dict[str, str]]:
    """Return the token of a form, the known one if it has none, or what is wrong."""
    try:
        token = parse_token(user_input.get(CONF_TOKEN, ""))
    except ClaimCodeError:
        return "", {CONF_TOKEN: "claim_code"}
    except PlexSiteError:
        return "", {CONF_TOKEN: "plex_site"}
    token = token or known.get(CONF_TOKEN, "")
    return token, {} if token else {CONF_TOKEN: "token_missing"}
