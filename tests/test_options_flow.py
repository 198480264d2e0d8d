"""What can be set of a server counts at once."""

from homeassistant.const import CONF_TIME_ZONE, STATE_OFF, STATE_ON
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType, InvalidData
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.plex_butler.const import CONF_ASSUMED_RUN_LIMIT
from tests.conftest import Advance, settle
from tests.flows import suggested
from tests.simulator import SimulatedPlex

OPTIMIZE = "switch.attic_butler_optimize_database"
MINUTE = 60


def state(hass: HomeAssistant) -> str:
    found = hass.states.get(OPTIMIZE)
    assert found
    return found.state


async def set_limit(hass: HomeAssistant, entry: MockConfigEntry, minutes: int) -> None:
    await set_options(hass, entry, **{CONF_ASSUMED_RUN_LIMIT: minutes})


async def set_options(
    hass: HomeAssistant, entry: MockConfigEntry, **options: int | str
) -> None:
    flow = await hass.config_entries.options.async_init(entry.entry_id)
    assert flow["type"] is FlowResultType.FORM
    result = await hass.config_entries.options.async_configure(
        flow["flow_id"], {CONF_ASSUMED_RUN_LIMIT: 30, **options}
    )
    assert result["type"] is FlowResultType.CREATE_ENTRY
    await settle(hass)


@pytest.mark.parametrize("profile", ["silent"])
@pytest.mark.parametrize("minutes", [10, 45])
async def test_an_assumed_run_is_believed_for_as_long_as_is_set(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    loaded: MockConfigEntry,
    advance: Advance,
    minutes: int,
) -> None:
    await set_limit(hass, loaded, minutes)
    await hass.services.async_call(
        "switch", "turn_on", {"entity_id": OPTIMIZE}, blocking=True
    )

    await advance(minutes * MINUTE - 1)
    assert state(hass) == STATE_ON

    await advance(2)
    assert state(hass) == STATE_OFF


async def test_the_form_shows_what_is_set(
    hass: HomeAssistant, plex: SimulatedPlex, loaded: MockConfigEntry
) -> None:
    await set_limit(hass, loaded, 90)

    flow = await hass.config_entries.options.async_init(loaded.entry_id)

    assert suggested(flow)[CONF_ASSUMED_RUN_LIMIT] == 90
    assert loaded.options == {CONF_ASSUMED_RUN_LIMIT: 90}


@pytest.mark.parametrize("minutes", [0, 4, 24 * 60 + 1])
async def test_a_limit_that_makes_no_sense_is_refused(
    hass: HomeAssistant, plex: SimulatedPlex, loaded: MockConfigEntry, minutes: int
) -> None:
    flow = await hass.config_entries.options.async_init(loaded.entry_id)
    with pytest.raises(InvalidData):
        await hass.config_entries.options.async_configure(
            flow["flow_id"], {CONF_ASSUMED_RUN_LIMIT: minutes}
        )
    assert loaded.options == {}

    result = await hass.config_entries.options.async_configure(
        flow["flow_id"], {CONF_ASSUMED_RUN_LIMIT: 5}
    )
    assert result["type"] is FlowResultType.CREATE_ENTRY


@pytest.mark.usefixtures("all_entities_enabled")
async def test_the_servers_time_zone_can_be_chosen_and_left_out_again(
    hass: HomeAssistant, plex: SimulatedPlex, loaded: MockConfigEntry
) -> None:
    await set_options(hass, loaded, **{CONF_TIME_ZONE: "Asia/Kathmandu"})
    assert loaded.options[CONF_TIME_ZONE] == "Asia/Kathmandu"
    flow = await hass.config_entries.options.async_init(loaded.entry_id)
    assert suggested(flow)[CONF_TIME_ZONE] == "Asia/Kathmandu"
    found = hass.states.get("sensor.attic_butler_next_maintenance_window")
    assert found
    # Two o'clock there.
    assert found.state.endswith("T20:15:00+00:00")

    await set_options(hass, loaded)
    assert CONF_TIME_ZONE not in loaded.options
    found = hass.states.get("sensor.attic_butler_next_maintenance_window")
    assert found
    # Two o'clock at Home Assistant's.
    assert found.state.endswith("T10:00:00+00:00")


async def test_a_zone_that_there_is_not_is_refused(
    hass: HomeAssistant, loaded: MockConfigEntry
) -> None:
    flow = await hass.config_entries.options.async_init(loaded.entry_id)
    with pytest.raises(InvalidData):
        await hass.config_entries.options.async_configure(
            flow["flow_id"], {CONF_ASSUMED_RUN_LIMIT: 30, CONF_TIME_ZONE: "Mars/Base"}
        )

    await set_options(hass, loaded, **{CONF_TIME_ZONE: "Europe/Berlin"})
    assert loaded.options[CONF_TIME_ZONE] == "Europe/Berlin"
