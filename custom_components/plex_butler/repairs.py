"""The repairs' way out: into the dialogs that solve the problem."""

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
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir

from .const import DOMAIN
from .moving import Moved, async_move, async_take_place
from .probe import async_identify, async_try
from .problems import ADDRESS_CHANGED, INSTALLED_ANEW, NOT_OWNER

# The dialogs that mend what is wrong with an attempt; all else is tried again, and has
# a repair of its own if it takes a person.
_DIALOGS: Final = {
    "invalid_auth": SOURCE_REAUTH,
    "unclaimed": SOURCE_REAUTH,
    "certificate_name": SOURCE_RECONFIGURE,
    "certificate_untrusted": SOURCE_RECONFIGURE,
}


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
        attempt = await async_try(self.hass, entry.data, machine_identifier)
        other = self.hass.config_entries.async_entry_for_domain_unique_id(
            DOMAIN, machine_identifier
        )
        if other and other.source == SOURCE_IGNORE:
            await self.hass.config_entries.async_remove(other.entry_id)
            other = None
        if other or self._entry is None:
            return self.async_abort(reason="outdated")
        async_take_place(self.hass, entry, machine_identifier)
        source = _DIALOGS.get(attempt.error)
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
