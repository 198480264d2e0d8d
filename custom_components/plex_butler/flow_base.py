"""What all ways in end with: an entry, or a form that says what is wrong."""

from collections.abc import Mapping
from typing import Any

from homeassistant.config_entries import (
    SOURCE_REAUTH,
    SOURCE_RECONFIGURE,
    ConfigEntry,
    ConfigFlow,
    ConfigFlowResult,
)
from homeassistant.const import CONF_URL
import voluptuous as vol

from .api import Server
from .device import server_name, shown_name
from .flow_forms import ADDRESS_SCHEMA, shown_values
from .probe import Attempt, async_try


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
        attempt: Attempt,
        errors: dict[str, str] | None = None,
    ) -> ConfigFlowResult:
        """Show a form with what was typed, and with what is wrong with it."""
        if attempt.better_url and shown is not None:
            shown = {**shown, CONF_URL: attempt.better_url}
        if attempt.error:
            errors = {"base": attempt.error}
        return self.async_show_form(
            step_id=step_id,
            data_schema=self.add_suggested_values_to_schema(schema, shown),
            errors=errors or {},
            description_placeholders={
                "name": self._name,
                "names": attempt.names,
                "url": self._discovered_url,
            },
        )

    def _async_show_address(
        self, data: dict[str, Any], attempt: Attempt
    ) -> ConfigFlowResult:
        """Go on in a form with address and TLS setting, filled in."""
        self._known = data
        return self._async_form("address", ADDRESS_SCHEMA, shown_values(data), attempt)

    async def _async_try(self, data: Mapping[str, Any]) -> Attempt:
        """Try what was typed or found; no other server than this flow's gets the token."""
        entry = self._known_entry
        return await async_try(
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
