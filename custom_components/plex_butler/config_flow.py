"""Adds a server, and changes its address or token later."""

import asyncio
from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import partialmethod
from typing import Any, override

from homeassistant.config_entries import ConfigEntry, ConfigFlow, ConfigFlowResult
from homeassistant.const import CONF_TOKEN, CONF_URL, CONF_VERIFY_SSL
from homeassistant.core import callback
from homeassistant.helpers.schema_config_entry_flow import (
    SchemaFlowFormStep,
    SchemaOptionsFlowHandlerWithReload,
)
from homeassistant.helpers.service_info.zeroconf import ZeroconfServiceInfo
import voluptuous as vol
from yarl import URL

from . import api
from .connection import async_create_plex_tv_client, plain_text, server_name
from .const import CONF_SERVER, DOMAIN, PLEX_DOMAIN
from .coordinator import PlexButlerConfigEntry
from .flow import forms
from .flow.validate import ValidationResult, async_identify, async_validate
from .repairs import async_ask_announced, async_has_issue

type Input = dict[str, Any] | None


class PlexButlerConfigFlow(ConfigFlow, domain=DOMAIN):
    """Asks for or finds an address and a token, and tries them before they are kept."""

    VERSION = 1

    # The entry that this flow changes, if it does not add one.
    _entry: ConfigEntry | None = None
    # The entry data that is known before a form is filled in.
    _data: Mapping[str, Any] = {}
    # The step to type by hand what a sign-in finds out.
    _manual_step = "manual"
    _sign_in_url = ""
    # Its result is the step that comes next.
    _sign_in_task: asyncio.Task[str] | None = None
    _owned: Mapping[str, api.OwnedServer] = {}

    @staticmethod
    @callback
    @override
    def async_get_options_flow(
        config_entry: PlexButlerConfigEntry,
    ) -> SchemaOptionsFlowHandlerWithReload:
        form = SchemaFlowFormStep(forms.async_options_schema)
        return SchemaOptionsFlowHandlerWithReload(config_entry, {"init": form})

    @override
    async def async_step_user(self, user_input: Input = None) -> ConfigFlowResult:
        # The option with the least to type comes first.
        copy = ["plex"] if self._plex_servers() else []
        options = [*copy, "sign_in", "manual"]
        return self.async_show_menu(step_id="user", menu_options=options)

    async def async_step_plex(self, user_input: Input = None) -> ConfigFlowResult:
        """Use a server of the Plex integration."""
        entries = self._plex_servers()
        if user_input and (entry := entries.get(user_input[CONF_SERVER])):
            config = {CONF_VERIFY_SSL: True, **entry.data["server_config"]}
            keys = CONF_URL, CONF_TOKEN, CONF_VERIFY_SSL
            self._data = {key: config[key] for key in keys}
            await self._async_set_server(entry.unique_id, entry.title)
            # If the copied data does not work, the form shows it to be changed.
            shown = forms.shown_values(self._data)
            return await self._async_step_form("address", shown)
        choices = {
            entry_id: (entry.title, entry.data["server_config"][CONF_URL])
            for entry_id, entry in entries.items()
        }
        return self._show_form("plex", forms.server_schema(choices), user_input)

    def _plex_servers(self) -> dict[str, ConfigEntry]:
        """Return the Plex integration's entries of servers that are not set up here."""
        ids = self._async_current_ids(include_ignore=False)
        return {
            entry.entry_id: entry
            for entry in self.hass.config_entries.async_entries(PLEX_DOMAIN)
            if entry.unique_id not in ids
            and entry.data.get("server_config", {}).keys() >= {CONF_URL, CONF_TOKEN}
        }

    async def async_step_sign_in(self, user_input: Input = None) -> ConfigFlowResult:
        """Send the user to Plex to sign in, and wait for the servers of the account."""
        if self._sign_in_task is None:
            client = await async_create_plex_tv_client(self.hass)
            try:
                pin = await client.create_pin()
            except api.PlexError:
                return await self._async_show_menu("plex_tv_unreachable")
            self._sign_in_url = client.sign_in_url(pin)
            # A background task, so that a restart does not wait for a person.
            self._sign_in_task = self.hass.async_create_background_task(
                self._async_wait_for_sign_in(client, pin), f"{DOMAIN} sign-in"
            )
        if self._sign_in_task.done():
            task, self._sign_in_task = self._sign_in_task, None
            return self.async_show_progress_done(next_step_id=task.result())
        # Home Assistant cancels the task if the dialog is closed.
        return self.async_show_progress(
            step_id="sign_in",
            progress_action="sign_in",
            description_placeholders={"url": self._sign_in_url},
            progress_task=self._sign_in_task,
        )

    async def _async_wait_for_sign_in(
        self, client: api.PlexTvClient, pin: api.Pin
    ) -> str:
        """Wait until somebody has signed in; return the step that comes next."""
        token: str | None = None
        failed_step = "sign_in_expired"
        with suppress(TimeoutError):
            async with asyncio.timeout(pin.expires_in) as limit:
                while True:
                    # As often as Plex's own apps ask.
                    wait = 2
                    try:
                        if token is None and (token := await client.get_token(pin)):
                            # The list of servers is asked for a minute longer.
                            limit.reschedule(self.hass.loop.time() + 60)
                        failed_step = "sign_in_expired"
                        if token is not None:
                            return self._keep(await client.get_owned_servers(token))
                    except api.PlexError as err:
                        if token is None and getattr(err, "status", None) == 404:
                            return "sign_in_expired"
                        failed_step = "plex_tv_unreachable"
                        wait = max(wait, err.retry_after or 0)
                    await asyncio.sleep(wait)
        return failed_step

    def _keep(self, servers: Iterable[api.OwnedServer]) -> str:
        """Keep those servers of the account that this flow is for; return the step."""
        owned = {server.machine_identifier: server for server in servers}
        if not owned:
            return "no_owned_server"
        if self._entry:
            self._owned = {key: owned[key] for key in owned if key == self.unique_id}
            return "server" if self._owned else "not_your_server"
        ids = self._async_current_ids(include_ignore=False)
        # If all of them are set up already, the next step aborts and says so.
        self._owned = {key: owned[key] for key in owned if key not in ids} or owned
        return "server"

    async def async_step_server(self, user_input: Input = None) -> ConfigFlowResult:
        """Choose a server of the account; the only one is chosen without a form."""
        choices: dict[str, tuple[str, str]] = {}
        for machine, server in self._owned.items():
            # http: URLs, which sort first, have a numeric address.
            address = URL(min(server.urls, default="")).authority
            choices[machine] = server_name(server), f"{address}, {machine[:8]}"
        schema = forms.server_schema(choices)
        if user_input is None and len(self._owned) == 1:
            user_input = {CONF_SERVER: next(iter(self._owned))}
        if user_input is None:
            return self._show_form("server", schema, None)
        data, result = await self._async_try_urls(self._owned[user_input[CONF_SERVER]])
        return await self._async_finish("server", schema, user_input, data, result)

    async def _async_try_urls(
        self, server: api.OwnedServer
    ) -> tuple[dict[str, Any], ValidationResult]:
        """Try the URLs of a server; return the data of the last try, and the result."""
        new = {CONF_TOKEN: server.token, CONF_VERIFY_SSL: True}
        urls = server.urls
        if entry := self._entry:
            data = {**entry.data, CONF_TOKEN: server.token}
            result = await async_validate(self.hass, data, self.unique_id)
            if not result.unreachable:
                # A person chose this address, and it may be the only one that works.
                return data, result
            if data[CONF_URL].startswith("https:"):
                # The token of a secure entry never goes over plain http unasked.
                urls = tuple(url for url in urls if url.startswith("https:"))
        else:
            data = {CONF_URL: next(iter(urls), ""), **new}
            result = ValidationResult(error="no_way_to_server", unreachable=True)
            await self._async_set_server(server.machine_identifier, server_name(server))
            self._abort_if_unique_id_configured()
        found = await asyncio.gather(
            *(async_identify(self.hass, url, verify_ssl=True) for url in urls)
        )
        for url, machine in zip(urls, found, strict=True):
            if machine == server.machine_identifier:
                data = {CONF_URL: url, **new}
                return data, await async_validate(self.hass, data, self.unique_id)
        return data, result

    async def async_step_reconfigure(
        self, user_input: Input = None
    ) -> ConfigFlowResult:
        """Change the address, the token or the TLS setting."""
        self._entry = entry = self._get_reconfigure_entry()
        self._data, self._manual_step = entry.data, "address"
        await self._async_set_server(entry.unique_id, entry.title)
        if not user_input and async_has_issue(self.hass, entry, "certificate_renamed"):
            # The new name can be had by a sign-in to Plex, or be typed.
            return await self._async_show_menu("renamed")
        return await self._async_step_form("reconfigure", user_input)

    async def async_step_reauth(
        self, entry_data: Mapping[str, Any]
    ) -> ConfigFlowResult:
        """Offer ways to a new token: the old one is refused, or is a guest's."""
        self._entry = entry = self._get_reauth_entry()
        self._manual_step = "reauth_token"
        await self._async_set_server(entry.unique_id, entry.title)
        is_guest = async_has_issue(self.hass, entry, "not_owner")
        step_id = "reauth_not_owner" if is_guest else "reauth_confirm"
        return await self._async_show_menu(step_id)

    async def async_step_reauth_token(
        self, user_input: Input = None
    ) -> ConfigFlowResult:
        """Ask for a token to replace the one that the server refuses."""
        self._data = {**self._get_reauth_entry().data, CONF_TOKEN: ""}
        schema = forms.TOKEN_SCHEMA
        return await self._async_step_form("reauth_token", user_input, schema)

    @override
    async def async_step_zeroconf(
        self, discovery_info: ZeroconfServiceInfo
    ) -> ConfigFlowResult:
        # This also looks for an entry's server that is gone from its own address.
        answers = await async_ask_announced(self.hass, discovery_info)
        if not answers:
            return self.async_abort(reason="cannot_connect")
        known = self._async_current_ids()
        url, machine = min(answers, key=lambda it: it[1] in known)
        self._data = {CONF_URL: url, CONF_VERIFY_SSL: True}
        await self.async_set_unique_id(machine)
        self._abort_if_unique_id_configured()
        name = discovery_info.name.removesuffix(f".{discovery_info.type}")
        name = plain_text(name or discovery_info.host)
        self.context["title_placeholders"] = {"name": name}
        schema = forms.TOKEN_SCHEMA
        return await self._async_step_form("discovery_confirm", None, schema)

    async def _async_step_form(
        self,
        step_id: str,
        user_input: Input = None,
        schema: vol.Schema = forms.ADDRESS_SCHEMA,
    ) -> ConfigFlowResult:
        """Ask for address and token, or a token alone, and try them."""
        if user_input is None:
            return self._show_form(step_id, schema, forms.shown_values(self._data))
        data, shown, errors = forms.read_form(user_input, self._data)
        if errors:
            return self._show_form(step_id, schema, shown, errors)
        result = await async_validate(self.hass, data, self.unique_id)
        return await self._async_finish(step_id, schema, shown, data, result)

    async_step_manual = partialmethod(_async_step_form, "manual")
    # Shown after a form without a field for what is wrong.
    async_step_address = partialmethod(_async_step_form, "address")
    async_step_discovery_confirm = partialmethod(
        _async_step_form, "discovery_confirm", schema=forms.TOKEN_SCHEMA
    )

    async def _async_finish(
        self,
        step_id: str,
        schema: vol.Schema,
        shown: dict[str, Any],
        data: dict[str, Any],
        result: ValidationResult,
    ) -> ConfigFlowResult:
        """Store data that works; else show the error in a form that can change it."""
        if result.server:
            if entry := self._entry:
                return self.async_update_reload_and_abort(entry, data_updates=data)
            title = server_name(result.server)
            await self._async_set_server(result.server.machine_identifier, title)
            self._abort_if_unique_id_configured()
            return self.async_create_entry(title=title, data=data)
        if result.unreachable and schema is not forms.ADDRESS_SCHEMA:
            self._data, shown = data, forms.shown_values(data)
            step_id, schema = "address", forms.ADDRESS_SCHEMA
        if result.suggested_url:
            shown = {**shown, CONF_URL: result.suggested_url}
        return self._show_form(
            step_id,
            schema,
            shown,
            {"base": result.error},
            names=result.names,
            found=f"{self._name_of(result.found)} ({result.found[:8]})",
            expected=f"{self._server_name} ({(self.unique_id or '')[:8]})",
        )

    def _show_form(
        self,
        step_id: str,
        schema: vol.Schema,
        shown: Input,
        errors: dict[str, str] | None = None,
        **placeholders: str,
    ) -> ConfigFlowResult:
        url = self._data.get(CONF_URL, "")
        return self.async_show_form(
            step_id=step_id,
            data_schema=self.add_suggested_values_to_schema(schema, shown),
            errors=errors or {},
            description_placeholders={"name": self._server_name, "url": url}
            | placeholders,
        )

    def _name_of(self, machine: str) -> str:
        """Return the name of a server that was set up, ignored or discovered."""
        entries = self.hass.config_entries
        for domain in (DOMAIN, PLEX_DOMAIN):
            if entry := entries.async_entry_for_domain_unique_id(domain, machine):
                return plain_text(entry.title)
        for flow in self._async_in_progress(match_context={"unique_id": machine}):
            return flow["context"].get("title_placeholders", {}).get("name", "")
        return "Plex Media Server"

    async def _async_show_menu(
        self, step_id: str, user_input: Input = None
    ) -> ConfigFlowResult:
        """Offer to sign in to Plex, or to type what is missing."""
        return self.async_show_menu(
            step_id=step_id,
            menu_options=["sign_in", self._manual_step],
            description_placeholders={"name": self._server_name},
        )

    # A menu shows no errors, so each cause has one of its own.
    async_step_renamed = partialmethod(_async_show_menu, "renamed")
    async_step_reauth_confirm = partialmethod(_async_show_menu, "reauth_confirm")
    async_step_reauth_not_owner = partialmethod(_async_show_menu, "reauth_not_owner")
    async_step_no_owned_server = partialmethod(_async_show_menu, "no_owned_server")
    async_step_not_your_server = partialmethod(_async_show_menu, "not_your_server")
    async_step_plex_tv_unreachable = partialmethod(
        _async_show_menu, "plex_tv_unreachable"
    )
    async_step_sign_in_expired = partialmethod(_async_show_menu, "sign_in_expired")

    async def _async_set_server(self, machine: str | None, name: str) -> None:
        """Set this flow's server: no other one gets the token."""
        await self.async_set_unique_id(machine, raise_on_progress=False)
        self.context["title_placeholders"] = {"name": plain_text(name)}

    @property
    def _server_name(self) -> str:
        return (self.context.get("title_placeholders") or {}).get("name", "")
