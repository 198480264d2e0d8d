"""The forms of the config flow, how they are read, and the options."""

from collections import Counter
from collections.abc import Mapping
from typing import Any, Final
from zoneinfo import available_timezones

from homeassistant.const import (
    CONF_TIME_ZONE,
    CONF_TOKEN,
    CONF_URL,
    CONF_VERIFY_SSL,
    UnitOfTime,
)
from homeassistant.helpers import selector
from homeassistant.helpers.schema_config_entry_flow import SchemaCommonFlowHandler
import voluptuous as vol

from ..api import PasteError, find_token, full_address, parse_address, parse_token
from ..const import CONF_ASSUMED_RUN_LIMIT, CONF_SERVER
from ..run_state import DEFAULT_LIMIT

_TOKEN: Final = selector.TextSelector(
    {"type": selector.TextSelectorType.PASSWORD, "autocomplete": "off"}
)
TOKEN_SCHEMA: Final = vol.Schema({vol.Required(CONF_TOKEN): _TOKEN})
ADDRESS_SCHEMA: Final = vol.Schema(
    {
        vol.Required(CONF_URL): selector.TextSelector(
            {"type": selector.TextSelectorType.URL, "autocomplete": "url"}
        ),
        # Not required: it may be part of a pasted address, or known already.
        vol.Optional(CONF_TOKEN): _TOKEN,
        vol.Required(CONF_VERIFY_SSL, default=True): selector.BooleanSelector(),
    }
)


def server_schema(servers: Mapping[str, tuple[str, str]]) -> vol.Schema:
    """Return a form that asks for a server; details tell apart those of one name."""
    names = Counter(name for name, _ in servers.values())
    options = [
        selector.SelectOptionDict(
            value=key, label=name if names[name] == 1 else f"{name} ({details})"
        )
        for key, (name, details) in servers.items()
    ]
    first = next(iter(servers), vol.UNDEFINED)
    server = vol.Required(CONF_SERVER, default=first)
    return vol.Schema({server: selector.SelectSelector({"options": options})})


def shown_values(known: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the address form shows of an entry's data: all but the token."""
    shown = {key: known[key] for key in (CONF_URL, CONF_VERIFY_SSL) if key in known}
    if CONF_URL in shown:
        shown[CONF_URL] = full_address(shown[CONF_URL])
    return shown


def read_form(
    user_input: Mapping[str, Any], known: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any], dict[str, str]]:
    """Return the data, what to show, and errors; `known` is for what was left out."""
    shown = dict(user_input)
    errors: dict[str, str] = {}
    url = known.get(CONF_URL)
    typed = shown.get(CONF_URL)
    # The address as it was shown means the known one.
    if typed not in {None, shown_values(known).get(CONF_URL)}:
        try:
            url = shown[CONF_URL] = parse_address(typed)
        except PasteError as err:
            errors[CONF_URL] = str(err)
        except ValueError:
            errors[CONF_URL] = "invalid_url"
        else:
            # A token in it is newer than what the token's own field hides.
            shown[CONF_TOKEN] = find_token(typed) or shown.get(CONF_TOKEN, "")
    token = ""
    try:
        token = parse_token(shown.get(CONF_TOKEN, ""))
    except PasteError as err:
        errors[CONF_TOKEN] = str(err)
    else:
        if token:
            shown[CONF_TOKEN] = token
        elif not (token := known.get(CONF_TOKEN, "")):
            errors[CONF_TOKEN] = "token_missing"
    return {**known, **shown, CONF_URL: url, CONF_TOKEN: token}, shown, errors


async def async_options_schema(handler: SchemaCommonFlowHandler) -> vol.Schema:
    """Return the form of the options."""
    minutes = selector.NumberSelector(
        {
            "min": 5,
            # A backup of the largest libraries takes hours; what takes a day hangs.
            "max": 24 * 60,
            "mode": selector.NumberSelectorMode.BOX,
            "unit_of_measurement": UnitOfTime.MINUTES,
        }
    )
    # They are read from disk.
    hass = handler.parent_handler.hass
    zones = sorted(await hass.async_add_executor_job(available_timezones))
    zone = selector.SelectSelector({"options": zones})
    limit = vol.Required(
        CONF_ASSUMED_RUN_LIMIT, default=DEFAULT_LIMIT.total_seconds() // 60
    )
    whole_minutes = vol.All(minutes, vol.Coerce(int))
    return vol.Schema({limit: whole_minutes, vol.Optional(CONF_TIME_ZONE): zone})
