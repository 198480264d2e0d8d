"""Repairs: the issues that only a person can solve, and the flows that fix them."""

from time import monotonic
from typing import Final

from homeassistant.components.repairs import FlowType, RepairsFlow, RepairsFlowResult
from homeassistant.config_entries import (
    SOURCE_IGNORE,
    SOURCE_REAUTH,
    SOURCE_RECONFIGURE,
    ConfigEntry,
    ConfigFlowContext,
)
from homeassistant.const import CONF_URL, CONF_VERIFY_SSL
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir
from homeassistant.util.hass_dict import HassKey

from . import api
from .connection import async_create_client, async_forget_refusal, shown_name
from .const import DOMAIN
from .flow.relocation import async_move, async_take_place, async_url_at_new_host
from .flow.validate import async_certificate_names, async_identify, async_validate

NOT_OWNER: Final = "not_owner"
CERTIFICATE_RENAMED: Final = "certificate_renamed"
ADDRESS_CHANGED: Final = "address_changed"
INSTALLED_ANEW: Final = "installed_anew"
KNOWN_SERVER: Final = "known_server"
# What can be wrong with an address: one of these at a time
_OF_ADDRESS: Final = CERTIFICATE_RENAMED, ADDRESS_CHANGED, INSTALLED_ANEW, KNOWN_SERVER

# Seconds: one failed poll is no move, and a server needs time to announce itself.
_ABSENT_AFTER: Final = 60.0
# By entry. A set-up that fails begins anew with other objects, so this outlives them.
_ABSENT_SINCE: HassKey[dict[str, float]] = HassKey(f"{DOMAIN}_absent_since")


async def async_raise_problem(
    hass: HomeAssistant, entry: ConfigEntry, err: api.PlexError
) -> None:
    """Create an issue if it takes a person to solve an error."""
    if isinstance(err, api.PlexConnectionError | api.PlexWrongServerError):
        is_known = await _async_look_for_server(hass, entry)
        if isinstance(err, api.PlexCertificateNameError) and not is_known:
            names = await async_certificate_names(entry.data[CONF_URL])
            _raise(hass, entry, CERTIFICATE_RENAMED, names=names)
        return
    _async_present(hass, entry)
    stale_step = ""
    if isinstance(err, api.PlexNotOwnerError):
        _raise(hass, entry, NOT_OWNER)
        stale_step = "reauth_confirm"
    elif isinstance(err, api.PlexAuthenticationError):
        # Its dialog is opened once the refusal has lasted.
        _delete_issues(hass, entry, NOT_OWNER)
        stale_step = "reauth_not_owner"
    for flow in list(entry.async_get_active_flows(hass, {SOURCE_REAUTH})):
        # It says that something else is wrong with the token.
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
        if other and other.machine_identifier != entry.unique_id:
            found = other.machine_identifier
    except api.PlexError as err:
        # After a proxy's error or that of a server that starts, it is alive.
        if not isinstance(err, api.PlexConnectionError):
            found = entry.unique_id
    is_present = found == entry.unique_id
    new_url = None if is_present else await async_url_at_new_host(hass, entry)
    if entry.data[CONF_URL] != url:
        # Another address was entered during the look.
        return True
    if is_present:
        _async_present(hass, entry)
    elif new_url and is_verified and url.startswith("https:"):
        # The certificate is that of the server, and of no other.
        async_move(hass, entry, new_url)
    elif new_url:
        data = {"url": new_url}
        _raise(hass, entry, ADDRESS_CHANGED, data, old=url, new=new_url)
    elif found:
        entries = hass.config_entries
        known = entries.async_entry_for_domain_unique_id(DOMAIN, found)
        if known and known.source != SOURCE_IGNORE:
            _raise(hass, entry, KNOWN_SERVER, url=url, other=shown_name(known.title))
        else:
            _raise(hass, entry, INSTALLED_ANEW, {"found": found}, url=url)
    return bool(new_url or found)


def _async_present(hass: HomeAssistant, entry: ConfigEntry) -> None:
    """Note that the server is not missed, since something answers at its address."""
    hass.data.get(_ABSENT_SINCE, {}).pop(entry.entry_id, None)
    _delete_issues(hass, entry, *_OF_ADDRESS)


def _raise(
    hass: HomeAssistant,
    entry: ConfigEntry,
    problem: str,
    data: dict[str, str] | None = None,
    **placeholders: str,
) -> None:
    """Create the issue for a problem, in place of those of the address."""
    _delete_issues(hass, entry, *(set(_OF_ADDRESS) - {problem}))
    ir.async_create_issue(
        hass,
        DOMAIN,
        f"{problem}_{entry.entry_id}",
        data={"entry_id": entry.entry_id, "problem": problem, **(data or {})},
        is_fixable=True,
        severity=ir.IssueSeverity.ERROR,
        translation_key=problem,
        translation_placeholders={"name": shown_name(entry.title), **placeholders},
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
def async_close_problems(
    hass: HomeAssistant, entry: ConfigEntry, *sources: str
) -> None:
    """Delete an entry's repairs, and abort the dialogs that were to solve them."""
    async_forget_refusal(hass, entry)
    _async_present(hass, entry)
    _delete_issues(hass, entry, NOT_OWNER)
    for flow in list(entry.async_get_active_flows(hass, set(sources))):
        hass.config_entries.flow.async_abort(flow["flow_id"])


async def async_create_fix_flow(
    hass: HomeAssistant, issue_id: str, data: dict[str, str | int | float | None] | None
) -> RepairsFlow:
    """Return the way out of a problem."""
    return PlexButlerRepair(ir.async_get(hass).issues[DOMAIN, issue_id])


class PlexButlerRepair(RepairsFlow):
    """Explains a problem, and solves it or opens the dialog that does."""

    def __init__(self, issue: ir.IssueEntry) -> None:
        self._placeholders = issue.translation_placeholders
        self._issue = {key: str(value) for key, value in (issue.data or {}).items()}

    @property
    def _entry(self) -> ConfigEntry | None:
        """Return the entry, or None if there is nothing to repair any more."""
        if not ir.async_get(self.hass).async_get_issue(DOMAIN, self.issue_id):
            return None
        return self.hass.config_entries.async_get_entry(self._issue["entry_id"])

    async def async_step_init(
        self, user_input: dict[str, str] | None = None
    ) -> RepairsFlowResult:
        """Begin; what comes along is the issue, not an answer."""
        if self._issue["problem"] == INSTALLED_ANEW:
            return self.async_show_menu(
                step_id="init",
                menu_options=["take_its_place", "remove"],
                description_placeholders=self._placeholders,
            )
        return await self.async_step_confirm()

    async def async_step_confirm(
        self, user_input: dict[str, str] | None = None
    ) -> RepairsFlowResult:
        """Explain; when confirmed, use the new address or open the dialog for it."""
        errors: dict[str, str] = {}
        if user_input is not None:
            problem, identity = self._issue["problem"], None
            if problem == ADDRESS_CHANGED:
                identity = await async_identify(self.hass, self._issue["url"])
            if (entry := self._entry) is None:
                return self.async_abort(reason="outdated")
            if problem != ADDRESS_CHANGED:
                # If the problem is not solved there, the next poll raises it again.
                source = SOURCE_REAUTH if problem == NOT_OWNER else SOURCE_RECONFIGURE
                return await self._async_finish(entry, source)
            if identity and identity.machine_identifier == entry.unique_id:
                async_move(self.hass, entry, self._issue["url"])
                return await self._async_finish(entry)
            errors = {"base": "not_there"}
        return self.async_show_form(
            step_id="confirm",
            errors=errors,
            description_placeholders=self._placeholders,
        )

    async def async_step_take_its_place(
        self, user_input: dict[str, str] | None = None
    ) -> RepairsFlowResult:
        """Have the entry be the new server's; go on to what that does not solve."""
        if (entry := self._entry) is None:
            return self.async_abort(reason="outdated")
        found = self._issue["found"]
        identity = await async_identify(self.hass, entry.data[CONF_URL])
        if identity is None or identity.machine_identifier != found:
            return self.async_abort(reason="not_there")
        # The same account most likely owns this one, too.
        result = await async_validate(self.hass, entry.data, found)
        entries = self.hass.config_entries
        other = entries.async_entry_for_domain_unique_id(DOMAIN, found)
        if other and other.source == SOURCE_IGNORE:
            await entries.async_remove(other.entry_id)
            other = None
        if other or self._entry is None:
            return self.async_abort(reason="outdated")
        async_take_place(self.hass, entry, found)
        # All else is tried again, and has a repair of its own if it takes a person.
        source = None
        if result.error in {"invalid_auth", "unclaimed"}:
            source = SOURCE_REAUTH
        elif result.error in {"certificate_name", "certificate_untrusted"}:
            source = SOURCE_RECONFIGURE
        return await self._async_finish(entry, source)

    async def async_step_remove(
        self, user_input: dict[str, str] | None = None
    ) -> RepairsFlowResult:
        """Remove the entry, once that is confirmed."""
        if (entry := self._entry) is None:
            return self.async_abort(reason="outdated")
        if user_input is None:
            return self.async_show_form(
                step_id="remove", description_placeholders=self._placeholders
            )
        await self.hass.config_entries.async_remove(entry.entry_id)
        return self.async_create_entry(data={})

    async def _async_finish(
        self, entry: ConfigEntry, source: str | None = None
    ) -> RepairsFlowResult:
        """End, and go on in a dialog of the entry if one is needed, open or new."""
        if source is None:
            return self.async_create_entry(data={})
        flow = next(entry.async_get_active_flows(self.hass, {source}), None)
        flow = flow or await self.hass.config_entries.flow.async_init(
            DOMAIN,
            context=ConfigFlowContext(source=source, entry_id=entry.entry_id),
            data=dict(entry.data) if source == SOURCE_REAUTH else None,
        )
        next_flow = FlowType.CONFIG_FLOW, flow["flow_id"]
        return self.async_create_entry(data={}, next_flow=next_flow)
