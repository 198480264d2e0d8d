"""What all ways in end with: a form that says what is wrong, or an entry."""

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
from .device import server_name
from .probe import Attempt


class FlowBase(ConfigFlow):
    """Shows forms, and keeps what works."""

    _discovered_url = ""

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
            self._discovered_url = attempt.better_url
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

    @property
    def _name(self) -> str:
        """Return what the server is called, as far as is known."""
        if self.source in {SOURCE_REAUTH, SOURCE_RECONFIGURE}:
            return self._known_entry.title
        placeholders = self.context.get("title_placeholders") or {}
        return placeholders.get("name", "")

    @property
    def _known_entry(self) -> ConfigEntry:
        if self.source == SOURCE_REAUTH:
            return self._get_reauth_entry()
        return self._get_reconfigure_entry()

    async def _async_finish(
        self, server: Server, data: dict[str, Any]
    ) -> ConfigFlowResult:
        """Keep what works, for a new entry or for the one that this is about."""
        await self.async_set_unique_id(
            server.machine_identifier, raise_on_progress=False
        )
        if self.source in {SOURCE_REAUTH, SOURCE_RECONFIGURE}:
            self._abort_if_unique_id_mismatch(
                reason="wrong_server",
                description_placeholders={
                    "name": self._name,
                    "found": server_name(server),
                },
            )
            return self.async_update_reload_and_abort(self._known_entry, data=data)
        self._abort_if_unique_id_configured()
        return self.async_create_entry(title=server_name(server), data=data)
