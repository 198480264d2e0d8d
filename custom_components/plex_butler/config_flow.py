"""The ways in: how a server is added, and kept when its address or token changes."""

from collections.abc import Mapping
from typing import Any, override

from homeassistant.config_entries import ConfigFlowResult
from homeassistant.const import CONF_TOKEN, CONF_URL, CONF_VERIFY_SSL
from homeassistant.core import callback
from homeassistant.helpers.service_info.zeroconf import ZeroconfServiceInfo

from .connection import shown_name
from .const import CONF_SERVER, DOMAIN
from .coordinator import PlexButlerConfigEntry
from .flow.base import (
    ADDRESS_SCHEMA,
    TOKEN_SCHEMA,
    PlexButlerOptionsFlow,
    read_address_form,
    read_token,
    server_schema,
    shown_values,
)
from .flow.relocation import async_ask_announced
from .flow.sign_in import SignInFlow
from .flow.validate import ValidationResult, async_plex_servers
from .repairs import CERTIFICATE_RENAMED, NOT_OWNER, async_has_issue


class PlexButlerConfigFlow(SignInFlow, domain=DOMAIN):
    """Asks for what it takes to reach a server, and tries it before it is kept."""

    VERSION = 1
    MINOR_VERSION = 1

    @staticmethod
    @callback
    @override
    def async_get_options_flow(
        config_entry: PlexButlerConfigEntry,
    ) -> PlexButlerOptionsFlow:
        """Return what can be set later."""
        return PlexButlerOptionsFlow()

    @override
    async def async_step_user(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Offer the ways in, the shortest first."""
        copy = ["plex"] if async_plex_servers(self.hass) else []
        return self.async_show_menu(
            step_id="user", menu_options=[*copy, "sign_in", "manual"]
        )

    async def async_step_plex(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Use a server of the Plex integration."""
        servers = async_plex_servers(self.hass)
        if user_input is not None and (found := servers.get(user_input[CONF_SERVER])):
            entry, data = found
            await self._async_set_server(entry.unique_id, entry.title)
            result = await self._async_validate(data)
            if result.server:
                return await self._async_finish(result.server, data)
            # Also for a wrong token: the copy can be changed, the original cannot.
            return self._async_show_address(data, result)
        choices = {
            entry_id: (entry.title, data[CONF_URL])
            for entry_id, (entry, data) in servers.items()
        }
        return self._async_form(
            "plex", server_schema(choices), user_input, ValidationResult()
        )

    async def async_step_manual(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Add a server by its address and token."""
        return await self._async_address_step("manual", user_input, {})

    async def async_step_reconfigure(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Change the address, the token or the TLS setting."""
        entry = self._get_reconfigure_entry()
        if user_input is None and async_has_issue(
            self.hass, entry, CERTIFICATE_RENAMED
        ):
            self._known = entry.data
            return await self.async_step_renamed()
        return await self._async_address_step("reconfigure", user_input, entry.data)

    async def async_step_renamed(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Offer the ways to the new name of a server: Plex knows it, and so may people."""
        return self.async_show_menu(
            step_id="renamed",
            menu_options=["sign_in", "address"],
            description_placeholders={"name": self._name},
        )

    async def async_step_address(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Change the address, which the form before this one does not have."""
        return await self._async_address_step("address", user_input, self._known)

    async def async_step_reauth(
        self, entry_data: Mapping[str, Any]
    ) -> ConfigFlowResult:
        """Begin to replace a token that the server refuses, or that is a guest's."""
        if async_has_issue(self.hass, self._get_reauth_entry(), NOT_OWNER):
            return await self.async_step_reauth_not_owner()
        return await self.async_step_reauth_confirm()

    async def async_step_reauth_confirm(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Offer the ways to a new token."""
        return self._async_reauth_menu("reauth_confirm")

    async def async_step_reauth_not_owner(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Offer the ways to the owner's token."""
        return self._async_reauth_menu("reauth_not_owner")

    def _async_reauth_menu(self, step_id: str) -> ConfigFlowResult:
        return self.async_show_menu(
            step_id=step_id,
            menu_options=["sign_in", "reauth_token"],
            description_placeholders={"name": self._name},
        )

    async def async_step_reauth_token(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Replace a token that the server refuses by another one."""
        return await self._async_token_step(
            "reauth_token", user_input, self._get_reauth_entry().data
        )

    @override
    async def async_step_zeroconf(
        self, discovery_info: ZeroconfServiceInfo
    ) -> ConfigFlowResult:
        """Meet a server that was heard of on the network."""
        # The server of an entry is looked for there once it is not at its own address.
        answers = await async_ask_announced(self.hass, discovery_info)
        if not answers:
            return self.async_abort(reason="cannot_connect")
        known = self._async_current_ids()
        new = [it for it in answers if it[1].machine_identifier not in known]
        self._discovered_url, identity = (new or answers)[0]
        await self.async_set_unique_id(identity.machine_identifier)
        self._abort_if_unique_id_configured()
        name = discovery_info.name.removesuffix(f".{discovery_info.type}")
        name = shown_name(name or discovery_info.host)
        self.context["title_placeholders"] = {"name": name}
        return await self.async_step_discovery_confirm()

    async def async_step_discovery_confirm(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Add a server that was found."""
        data = {CONF_URL: self._discovered_url, CONF_VERIFY_SSL: True}
        return await self._async_token_step("discovery_confirm", user_input, data)

    async def _async_address_step(
        self,
        step_id: str,
        user_input: dict[str, Any] | None,
        known: Mapping[str, Any],
    ) -> ConfigFlowResult:
        """Ask for address and token, and go on if they work."""
        result = ValidationResult()
        errors: dict[str, str] = {}
        shown = shown_values(known)
        if user_input is not None:
            data, shown, errors = read_address_form(user_input, known)
            if not errors:
                result = await self._async_validate(data)
                if result.server:
                    return await self._async_finish(result.server, data)
        return self._async_form(step_id, ADDRESS_SCHEMA, shown, result, errors)

    async def _async_token_step(
        self,
        step_id: str,
        user_input: dict[str, Any] | None,
        known: Mapping[str, Any],
    ) -> ConfigFlowResult:
        """Ask for a token, and go on if it works."""
        result = ValidationResult()
        errors: dict[str, str] = {}
        if user_input is not None:
            token, errors = read_token(user_input, {})
            if not errors:
                data = {**known, CONF_TOKEN: token}
                result = await self._async_validate(data)
                if result.server:
                    return await self._async_finish(result.server, data)
                if result.unreachable:
                    return self._async_show_address(data, result)
        return self._async_form(step_id, TOKEN_SCHEMA, user_input, result, errors)
