"""Repairs: the issues that only a person can solve, and the flows that fix them."""

from typing import Final

from homeassistant.components.repairs import FlowType, RepairsFlow, RepairsFlowResult
from homeassistant.config_entries import (
    SOURCE_IGNORE,
    SOURCE_REAUTH,
    SOURCE_RECONFIGURE,
    ConfigEntry,
    ConfigFlowContext,
)
from homeassistant.const import CONF_URL
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir

from .api import (
    PlexAuthenticationError,
    PlexCertificateNameError,
    PlexConnectionError,
    PlexError,
    PlexNotOwnerError,
    PlexWrongServerError,
)
from .connection import shown_name
from .const import DOMAIN
from .flow.relocation import (
    Moved,
    Present,
    Replaced,
    Whereabouts,
    async_move,
    async_take_place,
)
from .flow.validate import async_certificate_names, async_identify, async_validate

NOT_OWNER: Final = "not_owner"
CERTIFICATE_RENAMED: Final = "certificate_renamed"
ADDRESS_CHANGED: Final = "address_changed"
INSTALLED_ANEW: Final = "installed_anew"
KNOWN_SERVER: Final = "known_server"
# What can be wrong with an address: one of these at a time
_OF_ADDRESS: Final = (
    CERTIFICATE_RENAMED,
    ADDRESS_CHANGED,
    INSTALLED_ANEW,
    KNOWN_SERVER,
)
_PROBLEMS: Final = (NOT_OWNER, *_OF_ADDRESS)

# The dialogs that mend what the validation found; all else is tried again, and has
# a repair of its own if it takes a person.
_DIALOGS: Final = {
    "invalid_auth": SOURCE_REAUTH,
    "unclaimed": SOURCE_REAUTH,
    "certificate_name": SOURCE_RECONFIGURE,
    "certificate_untrusted": SOURCE_RECONFIGURE,
}


class RepairIssues:
    """Creates and deletes the issues of one entry."""

    def __init__(self, hass: HomeAssistant, entry: ConfigEntry) -> None:
        self._hass = hass
        self._entry = entry
        # Repairs and dialogs of an earlier set-up may still be open.
        self._may_be_open = True
        self._whereabouts = Whereabouts(hass, entry)

    async def async_create(self, err: PlexError) -> None:
        """Create an issue if it takes a person to solve this."""
        self._may_be_open = True
        if isinstance(err, PlexConnectionError | PlexWrongServerError):
            is_known = await self._async_absent()
            if isinstance(err, PlexCertificateNameError) and not is_known:
                names = await async_certificate_names(self._entry.data[CONF_URL])
                self._raise_of_address(CERTIFICATE_RENAMED, names=names)
            return
        self._async_present()
        match err:
            case PlexNotOwnerError():
                self._abort_dialogs("reauth_confirm")
                self._raise(NOT_OWNER)
            case PlexAuthenticationError():
                self._abort_dialogs("reauth_not_owner")
                # Its dialog is opened once the refusal has lasted.
                async_delete_issue(self._hass, self._entry, NOT_OWNER)

    @callback
    def async_delete_all(self) -> None:
        """Delete all issues and abort their dialogs, since everything works."""
        self._whereabouts.async_present()
        if self._may_be_open:
            self._may_be_open = False
            async_close_problems(self._hass, self._entry, SOURCE_REAUTH)

    def _abort_dialogs(self, step_id: str) -> None:
        """Abort what still says that something else is wrong with the token."""
        for flow in list(
            self._entry.async_get_active_flows(self._hass, {SOURCE_REAUTH})
        ):
            if flow["step_id"] == step_id:
                self._hass.config_entries.flow.async_abort(flow["flow_id"])

    @callback
    def _async_present(self) -> None:
        """Note that something answers at the server's address."""
        self._whereabouts.async_present()
        for problem in _OF_ADDRESS:
            async_delete_issue(self._hass, self._entry, problem)

    async def _async_absent(self) -> bool:
        """Look for the server; return True if it is known what became of it."""
        url = self._entry.data[CONF_URL]
        found = await self._whereabouts.async_look()
        if self._entry.data[CONF_URL] != url:
            # Another address was entered during the look.
            return True
        match found:
            case Present():
                self._async_present()
            case Moved(proven=True):
                async_move(self._hass, self._entry, found)
            case Moved():
                self._raise_of_address(
                    ADDRESS_CHANGED, {"url": found.url}, old=url, new=found.url
                )
            case Replaced():
                self._async_replaced(found.machine_identifier, url)
            case _:
                return False
        return True

    @callback
    def _async_replaced(self, machine_identifier: str, url: str) -> None:
        other = self._hass.config_entries.async_entry_for_domain_unique_id(
            DOMAIN, machine_identifier
        )
        if other and other.source != SOURCE_IGNORE:
            self._raise_of_address(KNOWN_SERVER, url=url, other=shown_name(other.title))
        else:
            data = {"found": machine_identifier}
            self._raise_of_address(INSTALLED_ANEW, data, url=url)

    @callback
    def _raise_of_address(
        self, problem: str, data: dict[str, str] | None = None, **placeholders: str
    ) -> None:
        """Raise a repair in place of what else was said of the address."""
        for other in _OF_ADDRESS:
            if other != problem:
                async_delete_issue(self._hass, self._entry, other)
        self._raise(problem, data, **placeholders)

    def _raise(
        self, problem: str, data: dict[str, str] | None = None, **placeholders: str
    ) -> None:
        entry = self._entry
        ir.async_create_issue(
            self._hass,
            DOMAIN,
            _issue_id(entry, problem),
            data={"entry_id": entry.entry_id, "problem": problem, **(data or {})},
            is_fixable=True,
            severity=ir.IssueSeverity.ERROR,
            translation_key=problem,
            translation_placeholders={"name": shown_name(entry.title), **placeholders},
        )


@callback
def async_has_issue(hass: HomeAssistant, entry: ConfigEntry, problem: str) -> bool:
    """Return True if the repair for a problem is open."""
    issue = ir.async_get(hass).async_get_issue(DOMAIN, _issue_id(entry, problem))
    return issue is not None and issue.active


@callback
def async_delete_issue(hass: HomeAssistant, entry: ConfigEntry, problem: str) -> None:
    """Delete the repair for a problem, if it is open."""
    ir.async_delete_issue(hass, DOMAIN, _issue_id(entry, problem))


@callback
def async_close_problems(
    hass: HomeAssistant,
    entry: ConfigEntry,
    *sources: str,
) -> None:
    """Delete an entry's repairs, and abort the dialogs that were to solve them."""
    for problem in _PROBLEMS:
        async_delete_issue(hass, entry, problem)
    for flow in list(entry.async_get_active_flows(hass, set(sources))):
        hass.config_entries.flow.async_abort(flow["flow_id"])


def _issue_id(entry: ConfigEntry, problem: str) -> str:
    return f"{problem}_{entry.entry_id}"


async def async_create_fix_flow(
    hass: HomeAssistant, issue_id: str, data: dict[str, str | int | float | None] | None
) -> RepairsFlow:
    """Return the way out of a problem."""
    flows = {ADDRESS_CHANGED: AddressRepair, INSTALLED_ANEW: InstalledAnewRepair}
    return flows.get(str((data or {}).get("problem")), PlexButlerRepair)()


class PlexButlerRepair(RepairsFlow):
    """Explains the problem, then opens the dialog that solves it."""

    async def async_step_init(
        self, user_input: dict[str, str] | None = None
    ) -> RepairsFlowResult:
        """Begin; what comes along is the issue, not an answer."""
        return await self.async_step_confirm()

    async def async_step_confirm(
        self, user_input: dict[str, str] | None = None
    ) -> RepairsFlowResult:
        """Explain, and go on when the user does."""
        issue = ir.async_get(self.hass).async_get_issue(DOMAIN, self.issue_id)
        if user_input is None:
            return self.async_show_form(
                step_id="confirm",
                description_placeholders=issue.translation_placeholders
                if issue
                else None,
            )
        data = self.data or {}
        entry = self.hass.config_entries.async_get_entry(str(data.get("entry_id")))
        if entry is None:
            return self.async_abort(reason="entry_removed")
        if issue is None:
            return self.async_abort(reason="outdated")
        is_token = data.get("problem") == NOT_OWNER
        source = SOURCE_REAUTH if is_token else SOURCE_RECONFIGURE
        # If the problem is not solved there, the next poll raises it again.
        return self.async_create_entry(
            data={}, next_flow=await _async_dialog(self.hass, entry, source)
        )


async def _async_dialog(
    hass: HomeAssistant, entry: ConfigEntry, source: str
) -> tuple[FlowType, str]:
    """Open a dialog of an entry, or go on with one that is open."""
    flow = next(entry.async_get_active_flows(hass, {source}), None)
    flow = flow or await hass.config_entries.flow.async_init(
        DOMAIN,
        # What Home Assistant's own reauth says of an entry.
        context=ConfigFlowContext(
            source=source,
            entry_id=entry.entry_id,
            title_placeholders={"name": entry.title},
            unique_id=entry.unique_id,
        ),
        data=dict(entry.data) if source == SOURCE_REAUTH else None,
    )
    return FlowType.CONFIG_FLOW, flow["flow_id"]


class _EntryRepair(RepairsFlow):
    """A repair that is done here, if it is still due when it is confirmed."""

    @property
    def _entry(self) -> ConfigEntry | None:
        """Return the entry, or None if there is nothing to repair any more."""
        if not ir.async_get(self.hass).async_get_issue(DOMAIN, self.issue_id):
            return None
        return self.hass.config_entries.async_get_entry(self._of_issue("entry_id"))

    def _of_issue(self, key: str) -> str:
        return str((self.data or {})[key])

    @property
    def _placeholders(self) -> dict[str, str] | None:
        issue = ir.async_get(self.hass).async_get_issue(DOMAIN, self.issue_id)
        return issue.translation_placeholders if issue else None


class AddressRepair(_EntryRepair):
    """Shows the address at which a server seems to be, and uses it if confirmed."""

    async def async_step_init(
        self, user_input: dict[str, str] | None = None
    ) -> RepairsFlowResult:
        """Begin; what comes along is the issue, not an answer."""
        return await self.async_step_confirm()

    async def async_step_confirm(
        self, user_input: dict[str, str] | None = None
    ) -> RepairsFlowResult:
        """Ask which server answers there once more, and have the entry use it."""
        errors = {}
        if user_input is not None:
            moved = Moved(url=self._of_issue("url"), proven=False)
            identity = await async_identify(self.hass, moved.url)
            if (entry := self._entry) is None:
                return self.async_abort(reason="outdated")
            if identity and identity.machine_identifier == entry.unique_id:
                async_move(self.hass, entry, moved)
                return self.async_create_entry(data={})
            errors = {"base": "not_there"}
        return self.async_show_form(
            step_id="confirm",
            errors=errors,
            description_placeholders=self._placeholders,
        )


class InstalledAnewRepair(_EntryRepair):
    """Lets another server take the place of the one that was, or removes the entry."""

    async def async_step_init(
        self, user_input: dict[str, str] | None = None
    ) -> RepairsFlowResult:
        """Offer both."""
        return self.async_show_menu(
            step_id="init",
            menu_options=["take_its_place", "remove"],
            description_placeholders=self._placeholders,
        )

    async def async_step_take_its_place(
        self, user_input: dict[str, str] | None = None
    ) -> RepairsFlowResult:
        """Have the entry be the new server's; go on to what that does not solve."""
        if (entry := self._entry) is None:
            return self.async_abort(reason="outdated")
        machine_identifier = self._of_issue("found")
        identity = await async_identify(self.hass, entry.data[CONF_URL])
        if identity is None or identity.machine_identifier != machine_identifier:
            return self.async_abort(reason="not_there")
        # The same account most likely owns this one, too.
        result = await async_validate(self.hass, entry.data, machine_identifier)
        other = self.hass.config_entries.async_entry_for_domain_unique_id(
            DOMAIN, machine_identifier
        )
        if other and other.source == SOURCE_IGNORE:
            await self.hass.config_entries.async_remove(other.entry_id)
            other = None
        if other or self._entry is None:
            return self.async_abort(reason="outdated")
        async_take_place(self.hass, entry, machine_identifier)
        source = _DIALOGS.get(result.error)
        return self.async_create_entry(
            data={},
            next_flow=await _async_dialog(self.hass, entry, source) if source else None,
        )

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
