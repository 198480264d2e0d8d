"""Problems that only a person can solve, as repairs that go away when solved."""

from typing import Final

from homeassistant.config_entries import (
    SOURCE_REAUTH,
    SOURCE_RECONFIGURE,
    ConfigEntry,
)
from homeassistant.const import CONF_URL
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir

from .api import (
    PlexAuthenticationError,
    PlexCertificateNameError,
    PlexError,
    PlexNotOwnerError,
)
from .certificate import async_certificate_names
from .const import DOMAIN
from .moving import async_renamed_url

NOT_OWNER: Final = "not_owner"
CERTIFICATE_RENAMED: Final = "certificate_renamed"
_PROBLEMS: Final = (NOT_OWNER, CERTIFICATE_RENAMED)


class Problems:
    """Raises and clears the repairs of one entry."""

    def __init__(self, hass: HomeAssistant, entry: ConfigEntry) -> None:
        self._hass = hass
        self._entry = entry
        # Repairs and dialogs of an earlier set-up may still be open.
        self._may_be_open = True
        self._looked_up = False

    async def async_report(self, err: PlexError) -> None:
        """Raise a repair if it takes a person to solve this."""
        self._may_be_open = True
        match err:
            case PlexNotOwnerError():
                self._raise(NOT_OWNER)
            case PlexAuthenticationError():
                # Its dialog is opened once the refusal has lasted.
                async_delete_issue(self._hass, self._entry, NOT_OWNER)
            case PlexCertificateNameError():
                await self._async_renamed()

    @callback
    def async_clear(self) -> None:
        """Close repairs and dialogs, since everything works."""
        self._looked_up = False
        if self._may_be_open:
            self._may_be_open = False
            async_close_problems(self._hass, self._entry, {SOURCE_REAUTH})

    async def _async_renamed(self) -> None:
        # Once in an outage: plex.tv is not there to be polled.
        if not self._looked_up:
            self._looked_up = True
            if url := await async_renamed_url(self._hass, self._entry):
                data = {**self._entry.data, CONF_URL: url}
                self._hass.config_entries.async_update_entry(self._entry, data=data)
                self._hass.config_entries.async_schedule_reload(self._entry.entry_id)
                return
        names = await async_certificate_names(self._entry.data[CONF_URL])
        self._raise(CERTIFICATE_RENAMED, names=names)

    def _raise(self, problem: str, **placeholders: str) -> None:
        entry = self._entry
        ir.async_create_issue(
            self._hass,
            DOMAIN,
            _issue_id(entry, problem),
            data={"entry_id": entry.entry_id, "problem": problem},
            is_fixable=True,
            severity=ir.IssueSeverity.ERROR,
            translation_key=problem,
            translation_placeholders={"name": entry.title, **placeholders},
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
    sources: set[str] = {SOURCE_REAUTH, SOURCE_RECONFIGURE},  # noqa: B006 never changed
) -> None:
    """Delete an entry's repairs, and abort the dialogs that were to solve them."""
    for problem in _PROBLEMS:
        async_delete_issue(hass, entry, problem)
    for flow in list(entry.async_get_active_flows(hass, sources)):
        hass.config_entries.flow.async_abort(flow["flow_id"])


def _issue_id(entry: ConfigEntry, problem: str) -> str:
    return f"{problem}_{entry.entry_id}"
