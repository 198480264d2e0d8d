"""How a test walks through dialogs."""

from typing import Any

from homeassistant.config_entries import SOURCE_USER, ConfigFlowResult
from homeassistant.const import CONF_TOKEN, CONF_URL, CONF_VERIFY_SSL
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType

from custom_components.plex_butler.const import DOMAIN
from tests.simulator import SimulatedPlex


def typed(plex: SimulatedPlex, **changes: Any) -> dict[str, Any]:
    """Return what a person types for a server."""
    return {
        CONF_URL: plex.url,
        CONF_TOKEN: plex.token,
        CONF_VERIFY_SSL: True,
    } | changes


async def begin(hass: HomeAssistant, way: str = "manual") -> ConfigFlowResult:
    """Open the dialog and choose a way in that has a form."""
    result = await choose(hass, await menu(hass), way)
    assert result["type"] is FlowResultType.FORM
    assert result["errors"] == {}
    return result


async def menu(hass: HomeAssistant) -> ConfigFlowResult:
    """Open the dialog."""
    result = await hass.config_entries.flow.async_init(
        DOMAIN, context={"source": SOURCE_USER}
    )
    assert result["type"] is FlowResultType.MENU
    return result


async def choose(
    hass: HomeAssistant, result: ConfigFlowResult, way: str
) -> ConfigFlowResult:
    """Choose from a menu."""
    assert way in result["menu_options"]
    return await hass.config_entries.flow.async_configure(
        result["flow_id"], {"next_step_id": way}
    )


async def submit(
    hass: HomeAssistant, result: ConfigFlowResult, data: dict[str, Any]
) -> ConfigFlowResult:
    """Submit a form."""
    result = await hass.config_entries.flow.async_configure(result["flow_id"], data)
    await hass.async_block_till_done()
    return result


def suggested(result: ConfigFlowResult) -> dict[str, Any]:
    """Return what stands in the fields of a form."""
    schema = result["data_schema"]
    assert schema is not None
    return {
        str(key): (key.description or {}).get("suggested_value")
        for key in schema.schema
    }


def choices(result: ConfigFlowResult) -> dict[str, str]:
    """Return what can be selected in the one field of a form, and how it reads."""
    schema = result["data_schema"]
    assert schema is not None
    (selector,) = schema.schema.values()
    return {it["value"]: it["label"] for it in selector.config["options"]}
