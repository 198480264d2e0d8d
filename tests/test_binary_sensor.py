"""Whether Butler is at work, as far as the server lets it be known."""

from homeassistant.const import (
    ATTR_ENTITY_ID,
    SERVICE_TURN_ON,
    STATE_OFF,
    STATE_ON,
    STATE_UNAVAILABLE,
    STATE_UNKNOWN,
    Platform,
)
from homeassistant.core import HomeAssistant
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
)

from tests.conftest import Advance
from tests.simulator import SimulatedPlex

BUTLER = "binary_sensor.attic_butler_working"
BACKUP = "switch.attic_butler_back_up_database"


def state(hass: HomeAssistant, entity_id: str = BUTLER) -> str | None:
    found = hass.states.get(entity_id)
    return found.state if found else None


@pytest.mark.parametrize("profile", ["current", "anonymous", "legacy"])
async def test_butler_is_busy_while_anything_runs_and_idle_afterwards(
    hass: HomeAssistant, plex: SimulatedPlex, loaded: MockConfigEntry, advance: Advance
) -> None:
    await advance(31)
    # It may just not show what it does.
    assert state(hass) == STATE_UNKNOWN

    plex.durations["BackupDatabase"] = 60
    plex.client_start("BackupDatabase")
    await advance(2)
    assert state(hass) == STATE_ON

    await advance(60)
    await advance(6)
    assert state(hass) == STATE_OFF

    await hass.config_entries.async_reload(loaded.entry_id)
    await advance(2)
    assert state(hass) == STATE_OFF


@pytest.mark.parametrize("profile", ["silent"])
async def test_of_a_server_that_shows_nothing_nothing_is_known(
    hass: HomeAssistant, plex: SimulatedPlex, loaded: MockConfigEntry, advance: Advance
) -> None:
    await hass.services.async_call(
        Platform.SWITCH, SERVICE_TURN_ON, {ATTR_ENTITY_ID: BACKUP}, blocking=True
    )
    for _ in range(10):
        await advance(31)
        assert state(hass) == STATE_UNKNOWN


async def test_a_scan_is_none_of_butlers_work(
    hass: HomeAssistant, plex: SimulatedPlex, loaded: MockConfigEntry, advance: Advance
) -> None:
    plex.noise.scan(300)
    await advance(31)
    assert state(hass) == STATE_UNKNOWN

    plex.client_start("BackupDatabase")
    await advance(2)
    assert state(hass) == STATE_ON


async def test_it_is_unavailable_in_an_outage_and_right_afterwards(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    loaded: MockConfigEntry,
    advance: Advance,
    expected_logs: list[str],
) -> None:
    expected_logs.append("starting or migrating its database")
    plex.fault("503", count=None)
    await advance(31)
    assert state(hass) == STATE_UNAVAILABLE

    plex.clear_faults()
    plex.durations["BackupDatabase"] = 3600
    plex.client_start("BackupDatabase")
    await advance(31)
    assert state(hass) == STATE_ON
