"""The forms of the flows, and their options."""

from collections import Counter
from collections.abc import Mapping
from typing import Any, Final
from zoneinfo import available_timezones

from homeassistant.config_entries import (
    SOURCE_REAUTH,
    SOURCE_RECONFIGURE,
    ConfigEntry,
    ConfigFlow,
    ConfigFlowResult,
    OptionsFlowWithReload,
)
from homeassistant.const import (
    CONF_TIME_ZONE,
    CONF_TOKEN,
    CONF_URL,
    CONF_VERIFY_SSL,
    UnitOfTime,
)
from homeassistant.helpers.selector import (
    BooleanSelector,
    NumberSelector,
    NumberSelectorConfig,
    NumberSelectorMode,
    SelectOptionDict,
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
    TextSelector,
    TextSelectorConfig,
    TextSelectorType,
)
import voluptuous as vol

from ..api import (
    ClaimCodeError,
    PlexSiteError,
    Server,
    full_address,
    parse_address,
    parse_token,
)
from ..connection import server_name, shown_name
from ..const import CONF_ASSUMED_RUN_LIMIT, CONF_SERVER
from ..run_state import DEFAULT_LIMIT
from .validate import ValidationResult, async_validate

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

# A backup of the largest libraries takes hours; what takes a day hangs.
_LIMIT: Final = NumberSelector(
    NumberSelectorConfig(
        min=5,
        max=24 * 60,
        step=1,
        mode=NumberSelectorMode.BOX,
        unit_of_measurement=UnitOfTime.MINUTES,
    )
)
OPTIONS_SCHEMA: Final = vol.Schema(
    {
        vol.Required(
            CONF_ASSUMED_RUN_LIMIT, default=DEFAULT_LIMIT.total_seconds() // 60
        ): vol.All(_LIMIT, vol.Coerce(int)),
    }
)


def server_schema(servers: Mapping[str, tuple[str, str]]) -> vol.Schema:
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


class FlowBase(ConfigFlow):
    """Shows forms, and keeps what works."""

    _discovered_url = ""
    # The data of an entry, as far as an earlier form has them.
    _known: Mapping[str, Any] = {}

    def _async_form(
        self,
        step_id: str,
        schema: vol.Schema,
        shown: dict[str, Any] | None,
        result: ValidationResult,
        errors: dict[str, str] | None = None,
    ) -> ConfigFlowResult:
        """Show a form with what was typed, and with what is wrong with it."""
        if result.suggested_url and shown is not None:
            shown = {**shown, CONF_URL: result.suggested_url}
        if result.error:
            errors = {"base": result.error}
        return self.async_show_form(
            step_id=step_id,
            data_schema=self.add_suggested_values_to_schema(schema, shown),
            errors=errors or {},
            description_placeholders={
                "name": self._name,
                "names": result.names,
                "url": self._discovered_url,
            },
        )

    def _async_show_address(
        self, data: dict[str, Any], result: ValidationResult
    ) -> ConfigFlowResult:
        """Go on in a form with address and TLS setting, filled in."""
        self._known = data
        return self._async_form("address", ADDRESS_SCHEMA, shown_values(data), result)

    async def _async_validate(self, data: Mapping[str, Any]) -> ValidationResult:
        """Try what was typed or found; no other server than this flow's gets the token."""
        entry = self._known_entry
        return await async_validate(
            self.hass, data, entry.unique_id if entry else self.unique_id
        )

    async def _async_set_server(
        self, machine_identifier: str | None, name: str
    ) -> None:
        """Limit this flow to one server."""
        await self.async_set_unique_id(machine_identifier, raise_on_progress=False)
        self.context["title_placeholders"] = {"name": shown_name(name)}

    @property
    def _name(self) -> str:
        """Return what the server is called, as far as is known."""
        if entry := self._known_entry:
            return shown_name(entry.title)
        placeholders = self.context.get("title_placeholders") or {}
        return placeholders.get("name", "")

    @property
    def _known_entry(self) -> ConfigEntry | None:
        """Return the entry that this flow changes, if it does not add one."""
        if self.source == SOURCE_REAUTH:
            return self._get_reauth_entry()
        if self.source == SOURCE_RECONFIGURE:
            return self._get_reconfigure_entry()
        return None

    async def _async_finish(
        self, server: Server, data: dict[str, Any]
    ) -> ConfigFlowResult:
        """Keep what works, for a new entry or for the one that this is about."""
        if entry := self._known_entry:
            return self.async_update_reload_and_abort(entry, data_updates=data)
        await self.async_set_unique_id(
            server.machine_identifier, raise_on_progress=False
        )
        self._abort_if_unique_id_configured()
        return self.async_create_entry(title=server_name(server), data=data)


def _zone_selector() -> SelectSelector:
    """Return the choice of time zones, which are read from disk."""
    return SelectSelector(
        SelectSelectorConfig(
            options=sorted(available_timezones()), mode=SelectSelectorMode.DROPDOWN
        )
    )


class PlexButlerOptionsFlow(OptionsFlowWithReload):
    """Asks for what has a good default."""

    async def async_step_init(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Show the options, and keep them."""
        if user_input is not None:
            return self.async_create_entry(data=user_input)
        zones = await self.hass.async_add_executor_job(_zone_selector)
        schema = OPTIONS_SCHEMA.extend({vol.Optional(CONF_TIME_ZONE): zones})
        return self.async_show_form(
            step_id="init",
            data_schema=self.add_suggested_values_to_schema(
                schema, self.config_entry.options
            ),
        )
