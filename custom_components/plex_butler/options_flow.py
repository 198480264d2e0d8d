"""What can be set of a server that has been added."""

from typing import Any, Final
from zoneinfo import available_timezones

from homeassistant.config_entries import ConfigFlowResult, OptionsFlowWithReload
from homeassistant.const import CONF_TIME_ZONE, UnitOfTime
from homeassistant.helpers.selector import (
    NumberSelector,
    NumberSelectorConfig,
    NumberSelectorMode,
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
)
import voluptuous as vol

from .const import CONF_ASSUMED_RUN_LIMIT
from .run_state import DEFAULT_LIMIT

# A backup of the largest libraries takes hours; what takes a day hangs.
_LIMIT: Final = NumberSelector(
    NumberSelectorConfig(
        min=5,
        max=24 * 60,
        step=1,
        mode=NumberSelectorMode.BOX,
        unit_of_measurement=UnitOfTime.MINUTES,
    )
)

OPTIONS_SCHEMA: Final = vol.Schema(
    {
        vol.Required(
            CONF_ASSUMED_RUN_LIMIT, default=DEFAULT_LIMIT.total_seconds() // 60
        ): vol.All(_LIMIT, vol.Coerce(int)),
    }
)


def _zone_selector() -> SelectSelector:
    """Return the choice of time zones, which are read from disk."""
    return SelectSelector(
        SelectSelectorConfig(
            options=sorted(available_timezones()), mode=SelectSelectorMode.DROPDOWN
        )
    )


class PlexButlerOptionsFlow(OptionsFlowWithReload):
    """Asks for what has a good default."""

    async def async_step_init(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Show the options, and keep them."""
        if user_input is not None:
            return self.async_create_entry(data=user_input)
        zones = await self.hass.async_add_executor_job(_zone_selector)
        schema = OPTIONS_SCHEMA.extend({vol.Optional(CONF_TIME_ZONE): zones})
        return self.async_show_form(
            step_id="init",
            data_schema=self.add_suggested_values_to_schema(
                schema, self.config_entry.options
            ),
        )
