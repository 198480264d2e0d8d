"""The repairs' way out: into the dialogs that solve the problem."""

from homeassistant.components.repairs import FlowType, RepairsFlow, RepairsFlowResult
from homeassistant.config_entries import (
    SOURCE_REAUTH,
    SOURCE_RECONFIGURE,
    ConfigFlowContext,
)
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir

from .const import DOMAIN
from .problems import NOT_OWNER


async def async_create_fix_flow(
    hass: HomeAssistant, issue_id: str, data: dict[str, str | int | float | None] | None
) -> RepairsFlow:
    """Return the way out of a problem."""
    return PlexButlerRepair()


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
        if user_input is None:
            issue = ir.async_get(self.hass).async_get_issue(DOMAIN, self.issue_id)
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
        is_token = data.get("problem") == NOT_OWNER
        source = SOURCE_REAUTH if is_token else SOURCE_RECONFIGURE
        # The dialog of an earlier look at this repair is gone on with.
        flow = next(entry.async_get_active_flows(self.hass, {source}), None)
        flow = flow or await self.hass.config_entries.flow.async_init(
            DOMAIN,
            # What Home Assistant's own reauth says of an entry.
            context=ConfigFlowContext(
                source=source,
                entry_id=entry.entry_id,
                title_placeholders={"name": entry.title},
                unique_id=entry.unique_id,
            ),
            data=dict(entry.data) if is_token else None,
        )
        # If the problem is not solved there, the next poll raises it again.
        return self.async_create_entry(
            data={}, next_flow=(FlowType.CONFIG_FLOW, flow["flow_id"])
        )
