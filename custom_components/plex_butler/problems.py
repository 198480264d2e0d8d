"""Problems that only a person can solve, as repairs that go away when solved."""

from typing import Final

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import CONF_URL
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir

from .api import PlexCertificateNameError, PlexError, PlexNotOwnerError
from .certificate import async_certificate_names
from .const import DOMAIN
from .moving import async_renamed_url

NOT_OWNER: Final = "not_owner"
CERTIFICATE_RENAMED: Final = "certificate_renamed"


class Problems:
    """Raises and clears the repairs of one entry."""

    def __init__(self, hass: HomeAssistant, entry: ConfigEntry) -> None:
        """Take the entry whose problems these are."""
        self._hass = hass
        self._entry = entry
        self._open: set[str] = {NOT_OWNER, CERTIFICATE_RENAMED}
        self._looked_up = False

    async def async_report(self, err: PlexError) -> None:
        """Raise a repair if it takes a person to solve this."""
        match err:
            case PlexNotOwnerError():
                self._raise(NOT_OWNER)
            case PlexCertificateNameError():
                await self._async_renamed()

    @callback
    def async_clear(self) -> None:
        """Take note that everything works."""
        self._looked_up = False
        for problem in self._open:
            ir.async_delete_issue(self._hass, DOMAIN, self._issue_id(problem))
        self._open.clear()

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
        self._open.add(problem)
        ir.async_create_issue(
            self._hass,
            DOMAIN,
            self._issue_id(problem),
            data={"entry_id": self._entry.entry_id, "problem": problem},
            is_fixable=True,
            severity=ir.IssueSeverity.ERROR,
            translation_key=problem,
            translation_placeholders={"name": self._entry.title, **placeholders},
        )

    def _issue_id(self, problem: str) -> str:
        return f"{problem}_{self._entry.entry_id}"
