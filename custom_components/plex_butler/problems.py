"""Problems that only a person can solve, as repairs that go away when solved."""

from typing import Final

from homeassistant.config_entries import (
    SOURCE_IGNORE,
    SOURCE_REAUTH,
    ConfigEntry,
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
from .certificate import async_certificate_names
from .const import DOMAIN
from .device import shown_name
from .moving import (
    Moved,
    Present,
    Replaced,
    Whereabouts,
    async_move,
)

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


class Problems:
    """Raises and clears the repairs of one entry."""

    def __init__(self, hass: HomeAssistant, entry: ConfigEntry) -> None:
        self._hass = hass
        self._entry = entry
        # Repairs and dialogs of an earlier set-up may still be open.
        self._may_be_open = True
        self._whereabouts = Whereabouts(hass, entry)

    async def async_report(self, err: PlexError) -> None:
        """Raise a repair if it takes a person to solve this."""
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
    def async_clear(self) -> None:
        """Close repairs and dialogs, since everything works."""
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
