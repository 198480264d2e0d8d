"""Repairs: what only a person can solve, and what became of a server that is missed."""

import asyncio
from collections.abc import Iterable
import re
from time import monotonic
from typing import Final

from homeassistant.components.repairs import FlowType, RepairsFlow, RepairsFlowResult
from homeassistant.config_entries import (
    SOURCE_IGNORE,
    SOURCE_REAUTH,
    SOURCE_RECONFIGURE,
    ConfigEntry,
)
from homeassistant.const import CONF_URL, CONF_VERIFY_SSL
from homeassistant.core import HomeAssistant, callback
from homeassistant.data_entry_flow import AbortFlow
from homeassistant.helpers import (
    device_registry as dr,
    entity_registry as er,
    issue_registry as ir,
)
from homeassistant.helpers.service_info.zeroconf import ZeroconfServiceInfo
from homeassistant.util.hass_dict import HassKey
from yarl import URL

from . import api
from .connection import async_create_client, plain_text, refusals
from .const import DOMAIN, LOGGER
from .flow.validate import async_certificate_names, async_identify, async_validate

type Input = dict[str, str] | None

# What can be wrong with an address: one of these at a time
_OF_ADDRESS: Final = frozenset(
    {"certificate_renamed", "address_changed", "installed_anew", "known_server"}
)
# Seconds: one failed poll is no move, and a server needs time to announce itself.
_ABSENT_AFTER: Final = 60.0
# By entry. A set-up that fails begins anew with other objects, so this outlives them.
_ABSENT_SINCE: HassKey[dict[str, float]] = HassKey(f"{DOMAIN}_absent_since")
# Which server answered where one announced itself, the newest last; None if it was not
# ready to say. Remembered of servers that have an entry, until Home Assistant stops.
_ANNOUNCED: HassKey[dict[tuple[str, int], str | None]] = HassKey(f"{DOMAIN}_announced")


async def async_report_error(
    hass: HomeAssistant, entry: ConfigEntry, err: api.PlexError
) -> None:
    """Create an issue if it takes a person to solve an error."""
    if isinstance(err, api.PlexConnectionError | api.PlexWrongServerError):
        is_known = await _async_look_for_server(hass, entry)
        if isinstance(err, api.PlexCertificateNameError) and not is_known:
            names = await async_certificate_names(entry.data[CONF_URL])
            _create_issue(hass, entry, "certificate_renamed", names=names)
        return
    _async_clear_absence(hass, entry)
    stale_step = ""
    if isinstance(err, api.PlexNotOwnerError):
        _create_issue(hass, entry, "not_owner")
        stale_step = "reauth_confirm"
    elif isinstance(err, api.PlexAuthenticationError):
        # Its dialog is opened once the refusal has lasted.
        _delete_issues(hass, entry, "not_owner")
        stale_step = "reauth_not_owner"
    for flow in list(entry.async_get_active_flows(hass, {SOURCE_REAUTH})):
        # The dialog shows another problem with the token.
        if flow["step_id"] == stale_step:
            hass.config_entries.flow.async_abort(flow["flow_id"])


async def _async_look_for_server(hass: HomeAssistant, entry: ConfigEntry) -> bool:
    """Return True if it is known what became of a missed server; send no token."""
    absent_since = hass.data.setdefault(_ABSENT_SINCE, {})
    since = absent_since.setdefault(entry.entry_id, monotonic())
    if monotonic() - since < _ABSENT_AFTER:
        return False
    url, is_verified = entry.data[CONF_URL], entry.data[CONF_VERIFY_SSL]
    found: str | None = None
    try:
        client = await async_create_client(hass, entry.data)
        found = (await client.get_identity()).machine_identifier
    except api.PlexTlsError:
        # Not proven, and so only good for asking a person about another server.
        other = await async_identify(hass, url)
        found = None if other == entry.unique_id else other
    except api.PlexError as err:
        # After a proxy's error or that of a server that starts, it is alive.
        if not isinstance(err, api.PlexConnectionError):
            found = entry.unique_id
    is_present = found == entry.unique_id
    new_url = None if is_present else await _async_url_at_new_host(hass, entry)
    if entry.data[CONF_URL] != url:
        # Another address was entered during the look.
        return True
    if is_present:
        _async_clear_absence(hass, entry)
    elif new_url and is_verified and url.startswith("https:"):
        # The certificate is that of the server, and of no other.
        _async_move(hass, entry, new_url)
    elif new_url:
        _create_issue(hass, entry, "address_changed", old=url, new=new_url)
    elif found:
        entries = hass.config_entries
        known = entries.async_entry_for_domain_unique_id(DOMAIN, found)
        if known and known.source != SOURCE_IGNORE:
            title = plain_text(known.title)
            _create_issue(hass, entry, "known_server", url=url, other=title)
        else:
            _create_issue(hass, entry, "installed_anew", found, url=url)
    return bool(new_url or found)


async def async_ask_announced(
    hass: HomeAssistant, info: ZeroconfServiceInfo
) -> list[tuple[str, str]]:
    """Return which servers answer where one announced itself, and remember them."""
    # A container's bridge is also an address of other hosts, with servers of their own.
    port = info.port or 32400
    addresses = [
        (str(address), port)
        for address in dict.fromkeys([info.ip_address, *info.ip_addresses])
        # Means nothing without the network card that it belongs to.
        if not address.is_link_local
    ][:4]
    found = await asyncio.gather(*(_async_find(hass, *it) for it in addresses))
    announced = hass.data.setdefault(_ANNOUNCED, {})
    known = {None, *(it.unique_id for it in hass.config_entries.async_entries(DOMAIN))}
    # The newest is remembered last, and of one announcement the best.
    for address, answer in zip(reversed(addresses), reversed(found), strict=True):
        announced.pop(address, None)
        server = answer[1] if answer else None
        if server not in known:
            continue
        announced[address] = server
        of_server = [it for it, announcer in announced.items() if announcer == server]
        # A server has an address or two for each of its networks, containers' included.
        for oldest in of_server[:-16]:
            del announced[oldest]
    return [answer for answer in found if answer]


async def _async_url_at_new_host(hass: HomeAssistant, entry: ConfigEntry) -> str | None:
    """Return an announced URL of an entry's server, as safe as the entry's own."""
    own = URL(entry.data[CONF_URL])
    is_secure = own.scheme == "https"
    is_verified = is_secure and entry.data[CONF_VERIFY_SSL]
    _, _, domain = (own.host or "").partition(".")
    if is_verified and not domain.endswith(".plex.direct"):
        # Another name, a proxy's say, is somebody's choice.
        return None
    schemes = ("https",) if is_secure else ("http", "https")
    looks = []
    for (host, port), server in reversed(hass.data.get(_ANNOUNCED, {}).items()):
        if server in {None, entry.unique_id}:
            # The certificate for this name is that of the server, and of no other.
            name = f"{re.sub('[.:]', '-', host)}.{domain}" if is_verified else host
            looks.append(_async_find(hass, name, port, schemes, verify_ssl=is_verified))
    for url, server in filter(None, await asyncio.gather(*looks)):
        if server == entry.unique_id and URL(url) != own:
            return url
    return None


async def _async_find(
    hass: HomeAssistant,
    host: str,
    port: int,
    schemes: Iterable[str] = ("http", "https"),
    *,
    verify_ssl: bool = False,
) -> tuple[str, str] | None:
    """Return the URL at which a server answers, and its identifier."""
    for scheme in schemes:
        url = str(URL.build(scheme=scheme, host=host, port=port).origin())
        if server := await async_identify(hass, url, verify_ssl=verify_ssl):
            return url, server
    return None


def _async_move(hass: HomeAssistant, entry: ConfigEntry, url: str) -> None:
    """Have an entry use the URL at which its server answers."""
    data = {**entry.data, CONF_URL: url}
    if url.startswith("https:") and entry.data[CONF_URL].startswith("http:"):
        # No certificate is good for a bare address, and plain http proved no more.
        data[CONF_VERIFY_SSL] = False
    LOGGER.info("%s: the server is at another address now", entry.title)
    hass.config_entries.async_update_entry(entry, data=data)
    hass.config_entries.async_schedule_reload(entry.entry_id)


def _async_take_place(hass: HomeAssistant, entry: ConfigEntry, machine: str) -> None:
    """Have an entry be another server's, with all that people made of its entities."""
    known = entry.unique_id or ""
    entities = er.async_get(hass)
    for entity in er.async_entries_for_config_entry(entities, entry.entry_id):
        unique_id = machine + entity.unique_id.removeprefix(known)
        entities.async_update_entity(entity.entity_id, new_unique_id=unique_id)
    devices = dr.async_get(hass)
    for device in dr.async_entries_for_config_entry(devices, entry.entry_id):
        identifiers = {(domain, machine) for domain, _ in device.identifiers}
        devices.async_update_device(device.id, new_identifiers=identifiers)
    # Dialogs and cards that are open are about what was.
    flows = hass.config_entries.flow
    for flow in flows.async_progress_by_handler(DOMAIN):
        if flow["context"].get("unique_id") in {known, machine}:
            flows.async_abort(flow["flow_id"])
    hass.config_entries.async_update_entry(entry, unique_id=machine)
    hass.config_entries.async_schedule_reload(entry.entry_id)


def _async_clear_absence(hass: HomeAssistant, entry: ConfigEntry) -> None:
    """Note that the server is not missed, since something answers at its address."""
    hass.data.get(_ABSENT_SINCE, {}).pop(entry.entry_id, None)
    _delete_issues(hass, entry, *_OF_ADDRESS)


def _create_issue(
    hass: HomeAssistant,
    entry: ConfigEntry,
    problem: str,
    found: str = "",
    **placeholders: str,
) -> None:
    """Create the issue for a problem, in place of those of the address."""
    _delete_issues(hass, entry, *(_OF_ADDRESS - {problem}))
    ir.async_create_issue(
        hass,
        DOMAIN,
        f"{problem}_{entry.entry_id}",
        data={"entry_id": entry.entry_id, "found": found},
        is_fixable=True,
        severity=ir.IssueSeverity.ERROR,
        translation_key=problem,
        translation_placeholders={"name": plain_text(entry.title), **placeholders},
    )


@callback
def async_has_issue(hass: HomeAssistant, entry: ConfigEntry, problem: str) -> bool:
    """Return True if the repair for a problem is open."""
    issue = ir.async_get(hass).async_get_issue(DOMAIN, f"{problem}_{entry.entry_id}")
    return issue is not None and issue.active


def _delete_issues(hass: HomeAssistant, entry: ConfigEntry, *problems: str) -> None:
    for problem in problems:
        ir.async_delete_issue(hass, DOMAIN, f"{problem}_{entry.entry_id}")


@callback
def async_forget_problems(
    hass: HomeAssistant, entry: ConfigEntry, *sources: str
) -> None:
    """Delete an entry's repairs, and abort its dialogs of these sources, or all."""
    refusals(hass).pop(entry.entry_id, None)
    _delete_issues(hass, entry, "not_owner")
    _async_clear_absence(hass, entry)
    dialogs = set(sources or (SOURCE_REAUTH, SOURCE_RECONFIGURE))
    for flow in list(entry.async_get_active_flows(hass, dialogs)):
        hass.config_entries.flow.async_abort(flow["flow_id"])


async def async_create_fix_flow(
    hass: HomeAssistant, issue_id: str, data: dict[str, str | int | float | None] | None
) -> RepairsFlow:
    """Return the way out of a problem."""
    return PlexButlerRepair(ir.async_get(hass).issues[DOMAIN, issue_id])


class PlexButlerRepair(RepairsFlow):
    """Explains a problem, and solves it or opens the dialog that does."""

    def __init__(self, issue: ir.IssueEntry) -> None:
        self._problem = issue.translation_key
        self._placeholders = issue.translation_placeholders or {}
        self._issue = {key: str(value) for key, value in (issue.data or {}).items()}

    def _get_entry(self) -> ConfigEntry:
        """Return the entry; abort if there is nothing to repair any more."""
        issue = ir.async_get(self.hass).async_get_issue(DOMAIN, self.issue_id)
        entry = self.hass.config_entries.async_get_entry(self._issue["entry_id"])
        if not issue or not entry:
            raise AbortFlow("outdated")
        return entry

    async def async_step_init(self, user_input: Input = None) -> RepairsFlowResult:
        """Begin; what comes along is the issue, not an answer."""
        if self._problem != "installed_anew":
            return await self.async_step_confirm()
        return self.async_show_menu(
            step_id="init",
            menu_options=["take_its_place", "remove"],
            description_placeholders=self._placeholders,
        )

    async def async_step_confirm(self, user_input: Input = None) -> RepairsFlowResult:
        """Explain; when confirmed, use the new address or open the dialog for it."""
        errors: dict[str, str] = {}
        if user_input is not None and self._problem != "address_changed":
            # If the problem is not solved there, the next poll raises it again.
            is_token = self._problem == "not_owner"
            source = SOURCE_REAUTH if is_token else SOURCE_RECONFIGURE
            return await self._async_go_on(self._get_entry(), source)
        if user_input is not None:
            url = self._placeholders["new"]
            found = await async_identify(self.hass, url)
            entry = self._get_entry()
            if found == entry.unique_id:
                _async_move(self.hass, entry, url)
                return self.async_create_entry(data={})
            errors = {"base": "not_there"}
        return self.async_show_form(
            step_id="confirm",
            errors=errors,
            description_placeholders=self._placeholders,
        )

    async def async_step_take_its_place(
        self, user_input: Input = None
    ) -> RepairsFlowResult:
        """Have the entry be the new server's; go on to what that does not solve."""
        entry, found = self._get_entry(), self._issue["found"]
        if await async_identify(self.hass, entry.data[CONF_URL]) != found:
            return self.async_abort(reason="not_there")
        # The same account most likely owns this one, too.
        result = await async_validate(self.hass, entry.data, found)
        entries = self.hass.config_entries
        other = entries.async_entry_for_domain_unique_id(DOMAIN, found)
        if other and other.source == SOURCE_IGNORE:
            await entries.async_remove(other.entry_id)
        elif other:
            return self.async_abort(reason="outdated")
        _async_take_place(self.hass, self._get_entry(), found)
        # All else is tried again, and has a repair of its own if it takes a person.
        if result.error in {"invalid_auth", "unclaimed"}:
            return await self._async_go_on(entry, SOURCE_REAUTH)
        if result.error in {"certificate_name", "certificate_untrusted"}:
            return await self._async_go_on(entry, SOURCE_RECONFIGURE)
        return self.async_create_entry(data={})

    async def async_step_remove(self, user_input: Input = None) -> RepairsFlowResult:
        """Remove the entry, once that is confirmed."""
        entry = self._get_entry()
        if user_input is None:
            return self.async_show_form(
                step_id="remove", description_placeholders=self._placeholders
            )
        await self.hass.config_entries.async_remove(entry.entry_id)
        return self.async_create_entry(data={})

    async def _async_go_on(self, entry: ConfigEntry, source: str) -> RepairsFlowResult:
        """End, and go on in a dialog of the entry, which is open already or new."""
        flow = next(entry.async_get_active_flows(self.hass, {source}), None)
        flow = flow or await self.hass.config_entries.flow.async_init(
            DOMAIN, context={"source": source, "entry_id": entry.entry_id}
        )
        next_flow = FlowType.CONFIG_FLOW, flow["flow_id"]
        return self.async_create_entry(data={}, next_flow=next_flow)
