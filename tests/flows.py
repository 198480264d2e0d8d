"""How a test walks through dialogs."""

from ipaddress import ip_address
from typing import Any

from homeassistant.components.repairs import RepairsFlowResult, repairs_flow_manager
from homeassistant.config_entries import SOURCE_USER, SOURCE_ZEROCONF, ConfigFlowResult
from homeassistant.const import CONF_TOKEN, CONF_URL, CONF_VERIFY_SSL
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.discovery_flow import DiscoveryKey
from homeassistant.helpers.service_info.zeroconf import ZeroconfServiceInfo
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.plex_butler.const import DOMAIN
from tests.settling import settle
from tests.simulator import SimulatedPlex


def typed(plex: SimulatedPlex, **changes: Any) -> dict[str, Any]:
    """Return what a person types for a server."""
    data = {CONF_URL: plex.url, CONF_TOKEN: plex.token, CONF_VERIFY_SSL: True}
    return data | changes


def core_entry(plex: SimulatedPlex, **config: Any) -> MockConfigEntry:
    """Return an entry as Home Assistant's own Plex integration keeps it."""
    return MockConfigEntry(
        domain="plex",
        title="Attic of the core",
        unique_id=plex.machine_identifier,
        data={
            "server": plex.name,
            "server_id": plex.machine_identifier,
            "server_config": {"url": plex.url, "token": plex.token} | config,
        },
    )


def is_created(result: ConfigFlowResult) -> bool:
    """Return True if a dialog has made an entry."""
    return result["type"] is FlowResultType.CREATE_ENTRY


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
    """Submit a form, and wait for all that comes of it."""
    result = await hass.config_entries.flow.async_configure(result["flow_id"], data)
    await settle(hass)
    return result


class Dialog:
    """A dialog about a server, and where it stands."""

    result: ConfigFlowResult

    def __init__(self, hass: HomeAssistant, plex: SimulatedPlex) -> None:
        self.hass = hass
        self.plex = plex

    @property
    def shown(self) -> dict[str, Any]:
        """Return what stands in the fields of the form."""
        return suggested(self.result)

    @property
    def placeholders(self) -> dict[str, str]:
        return dict(self.result["description_placeholders"] or {})

    async def submit(self, data: dict[str, Any]) -> None:
        self.result = await submit(self.hass, self.result, data)

    async def add(self, error: str | None = None, **changes: Any) -> None:
        """Fill in the form for a new server, and see what is said to be wrong."""
        self.result = await begin(self.hass)
        await self.submit(typed(self.plex, **changes))
        self.expect(error)

    async def reauth(self, entry: MockConfigEntry) -> None:
        """Come to the form for a new token."""
        menu = await entry.start_reauth_flow(self.hass)
        assert menu["step_id"] == "reauth_confirm"
        self.result = await choose(self.hass, menu, "reauth_token")

    async def reconfigure(self, entry: MockConfigEntry) -> None:
        self.result = await entry.start_reconfigure_flow(self.hass)

    def expect(self, error: str | None, step: str | None = None) -> None:
        """See what is said to be wrong; nothing, if an entry has been made."""
        if error is None:
            assert is_created(self.result)
            return
        assert self.result["type"] is FlowResultType.FORM
        assert self.result["errors"] == {"base": error}
        assert step in {None, self.result["step_id"]}

    async def fail(
        self, error: str, data: dict[str, Any], step: str | None = None
    ) -> None:
        await self.submit(data)
        self.expect(error, step)

    async def create(self, data: dict[str, Any] | None = None) -> None:
        """Submit what is right, and see an entry made."""
        await self.submit(data or typed(self.plex))
        assert is_created(self.result)

    async def end(self, reason: str, data: dict[str, Any] | None = None) -> None:
        """Submit what is right, and see the dialog end for a reason."""
        await self.submit(data or typed(self.plex))
        assert self.result["type"] is FlowResultType.ABORT
        assert self.result["reason"] == reason


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


async def announce(
    hass: HomeAssistant, port: int, *hosts: str, name: str = "Attic"
) -> ConfigFlowResult:
    """Let a server announce itself on the network."""
    addresses = [ip_address(host) for host in hosts or ("127.0.0.1",)]
    kind = "_plexmediasvr._tcp.local."
    key = DiscoveryKey(domain="zeroconf", key=(kind, f"{name}.{kind}"), version=1)
    result = await hass.config_entries.flow.async_init(
        DOMAIN,
        context={"source": SOURCE_ZEROCONF, "discovery_key": key},
        data=ZeroconfServiceInfo(
            ip_address=next(it for it in addresses if not it.is_link_local),
            ip_addresses=addresses,
            port=port,
            hostname="attic.local.",
            type=kind,
            name=f"{name}.{kind}",
            properties={},
        ),
    )
    await hass.async_block_till_done()
    return result


def repairs(hass: HomeAssistant) -> dict[str, ir.IssueEntry]:
    """Return the open repairs by their kinds."""
    return {
        issue.translation_key or "": issue
        for issue in ir.async_get(hass).issues.values()
        if issue.domain == DOMAIN and issue.active
    }


async def open_repair(hass: HomeAssistant, kind: str) -> RepairsFlowResult:
    """Open the dialog of a repair."""
    assert await async_setup_component(hass, "repairs", {})
    flows = repairs_flow_manager(hass)
    assert flows
    issue = repairs(hass)[kind]
    return await flows.async_init(DOMAIN, data={"issue_id": issue.issue_id})


async def answer_repair(
    hass: HomeAssistant, result: RepairsFlowResult, answer: dict[str, Any]
) -> RepairsFlowResult:
    """Submit a form of a repair, or choose from its menu."""
    flows = repairs_flow_manager(hass)
    assert flows
    result = await flows.async_configure(result["flow_id"], answer)
    await hass.async_block_till_done()
    return result
