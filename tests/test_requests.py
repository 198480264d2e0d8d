"""An idle server is left in peace."""

from collections import Counter

from homeassistant.const import STATE_OFF
from homeassistant.core import HomeAssistant
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from tests.conftest import Advance
from tests.simulator import SimulatedPlex
from tests.test_push import trust

BACKUP = "switch.attic_butler_back_up_database"
# Long enough that all that is asked for now and then is, without meeting the window.
HOURS = 13
# The stream's heartbeat must not be leapt over.
STEP = 29


@pytest.mark.slow
async def test_a_server_that_pushes_is_asked_15_times_an_hour_at_most(
    hass: HomeAssistant, plex: SimulatedPlex, loaded: MockConfigEntry, advance: Advance
) -> None:
    await trust(hass, plex, advance)
    began = plex.clock.now()
    while plex.clock.now() - began < HOURS * 3600:
        await advance(STEP)

    moments = [it.at for it in plex.requests]
    per_hour = [sum(0 <= it - at < 3600 for it in moments) for at in moments]
    asked = Counter(it.path for it in plex.requests)
    assert max(per_hour) <= 15
    assert asked["/activities"] > 10 * HOURS
    # Handshakes would count, too: the stream has held.
    assert asked["/:/websockets/notifications"] == 0
    assert plex.hub.connected == 1
    assert asked["/:/prefs"] == 2
    state = hass.states.get(BACKUP)
    assert state
    assert state.state == STATE_OFF
