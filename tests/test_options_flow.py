"""What can be set of a server counts at once."""

from homeassistant.const import CONF_TIME_ZONE, STATE_OFF, STATE_ON
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType, InvalidData
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.plex_butler.const import CONF_ASSUMED_RUN_LIMIT
from tests.conftest import Advance, settle
from tests.flows import suggested

OPTIMIZE = "switch.attic_butler_optimize_database"
WINDOW = "sensor.attic_butler_next_maintenance_window"
MINUTE = 60


async def set_options(
    hass: HomeAssistant, entry: MockConfigEntry, **options: int | str
) -> None:
    options.setdefault(CONF_ASSUMED_RUN_LIMIT, 30)
    flow = await hass.config_entries.options.async_init(entry.entry_id)
    result = await hass.config_entries.options.async_configure(flow["flow_id"], options)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    await settle(hass)
    # The form shows what is set, and nothing else is.
    assert entry.options == options
    flow = await hass.config_entries.options.async_init(entry.entry_id)
    shown = {key: value for key, value in suggested(flow).items() if value is not None}
    assert shown == options


@pytest.mark.parametrize("profile", ["silent"])
@pytest.mark.parametrize("minutes", [10, 45])
async def test_an_assumed_run_is_believed_for_as_long_as_is_set(
    hass: HomeAssistant, loaded: MockConfigEntry, advance: Advance, minutes: int
) -> None:
    await set_options(hass, loaded, **{CONF_ASSUMED_RUN_LIMIT: minutes})
    await hass.services.async_call(
        "switch", "turn_on", {"entity_id": OPTIMIZE}, blocking=True
    )
    await advance(minutes * MINUTE - 1)
    assert hass.states.is_state(OPTIMIZE, STATE_ON)

    await advance(2)
    assert hass.states.is_state(OPTIMIZE, STATE_OFF)


@pytest.mark.parametrize(
    "wrong",
    [
        *({CONF_ASSUMED_RUN_LIMIT: minutes} for minutes in (0, 4, 24 * 60 + 1)),
        {CONF_ASSUMED_RUN_LIMIT: 30, CONF_TIME_ZONE: "Mars/Base"},
    ],
)
async def test_what_makes_no_sense_is_refused(
    hass: HomeAssistant, loaded: MockConfigEntry, wrong: dict[str, int | str]
) -> None:
    flow = await hass.config_entries.options.async_init(loaded.entry_id)
    with pytest.raises(InvalidData):
        await hass.config_entries.options.async_configure(flow["flow_id"], wrong)
    assert loaded.options == {}

    right: dict[str, int | str] = {CONF_TIME_ZONE: "Europe/Berlin"}
    await set_options(hass, loaded, **{CONF_ASSUMED_RUN_LIMIT: 5}, **right)


@pytest.mark.usefixtures("all_entities_enabled")
async def test_the_servers_time_zone_can_be_chosen_and_left_out_again(
    hass: HomeAssistant, loaded: MockConfigEntry
) -> None:
    # Two o'clock there, and at Home Assistant's
    for options, at in (
        ({CONF_TIME_ZONE: "Asia/Kathmandu"}, "T20:15:00+00:00"),
        ({}, "T10:00:00+00:00"),
    ):
        await set_options(hass, loaded, **options)
        found = hass.states.get(WINDOW)
        assert found and found.state.endswith(at)
