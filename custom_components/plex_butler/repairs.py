"""The repairs' way out: into the dialogs that solve the problem."""

from homeassistant.components.repairs import RepairsFlow, RepairsFlowResult
from homeassistant.components.repairs.const import FlowType
from homeassistant.config_entries import SOURCE_REAUTH, SOURCE_RECONFIGURE
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
        is_token = data.get("problem") == NOT_OWNER
        result = await self.hass.config_entries.flow.async_init(
            DOMAIN,
            context={
                "source": SOURCE_REAUTH if is_token else SOURCE_RECONFIGURE,
                "entry_id": str(data.get("entry_id")),
            },
        )
        # If the problem is not solved there, the next poll raises it again.
        return self.async_create_entry(
            data={}, next_flow=(FlowType.CONFIG_FLOW, result["flow_id"])
        )
