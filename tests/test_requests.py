"""How often a server is asked: an idle one is left in peace."""

from collections import Counter

from homeassistant.const import STATE_OFF, STATE_ON
from homeassistant.core import HomeAssistant
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from tests.conftest import Advance
from tests.simulator import PROFILES, SimulatedPlex
from tests.test_push import trust

BACKUP = "switch.attic_butler_back_up_database"
HOUR = 3600
STREAM = "/:/websockets/notifications"
MUTE = PROFILES["current"].with_traits(pushes_rows=False)
# Home Assistant's clock in tests: the simulated noon is four o'clock in the morning.
NOW = 4


def most_in_an_hour(plex: SimulatedPlex) -> int:
    """Return the number of requests in the busiest hour."""
    moments = [it.at for it in plex.requests]
    return max(sum(0 <= it - at < HOUR for it in moments) for at in moments)


def move_window(plex: SimulatedPlex, start: int, end: int) -> None:
    plex.set_preference("ButlerStartHour", start)
    plex.set_preference("ButlerEndHour", end)


async def pass_hours(
    plex: SimulatedPlex, advance: Advance, hours: float, step: float
) -> None:
    plex.requests.clear()
    began = plex.clock.now()
    while plex.clock.now() - began < hours * HOUR:
        await advance(step)


@pytest.mark.slow
async def test_a_server_that_pushes_is_asked_15_times_an_hour_at_most(
    hass: HomeAssistant, plex: SimulatedPlex, loaded: MockConfigEntry, advance: Advance
) -> None:
    await trust(hass, plex, advance)
    # Long enough that all that is asked for now and then is, without meeting the window;
    # the stream's heartbeat must not be leapt over.
    await pass_hours(plex, advance, 13, 29)

    asked = Counter(it.path for it in plex.requests)
    assert most_in_an_hour(plex) <= 15
    assert asked["/activities"] > 10 * 13
    # Handshakes would count, too: the stream has held.
    assert asked[STREAM] == 0
    assert len(plex.hub.sockets) == 1
    assert asked["/:/prefs"] == 2
    assert hass.states.is_state(BACKUP, STATE_OFF)


@pytest.mark.slow
@pytest.mark.parametrize("profile", [MUTE])
@pytest.mark.parametrize(
    ("stream", "window", "busy", "limit"),
    [
        (True, (NOW + 5, NOW + 7), False, 60),
        (True, (NOW - 2, NOW + 9), False, 400),
        (True, (NOW - 2, NOW + 9), True, 800),
        (False, (NOW + 5, NOW + 7), False, 130),
        (False, (NOW - 2, NOW + 9), False, 400),
        (False, (NOW - 2, NOW + 9), True, 800),
    ],
)
async def test_a_server_that_does_not_push_is_asked_no_more_often_than_needed(
    plex: SimulatedPlex,
    loaded: MockConfigEntry,
    advance: Advance,
    stream: bool,  # noqa: FBT001 pytest hands it over by name
    window: tuple[int, int],
    busy: bool,  # noqa: FBT001 likewise
    limit: int,
    expected_logs: list[str],
) -> None:
    if not stream:
        expected_logs.append("no notifications")
        plex.fault("502", count=None, path=STREAM)
        plex.hub.drop()
    if busy:
        plex.durations["BackupDatabase"] = 6 * HOUR
        plex.client_start("BackupDatabase")
    move_window(plex, *window)
    await pass_hours(plex, advance, 1, 5)
    # The first hour is that of the set-up.
    await pass_hours(plex, advance, 2, 2)

    assert most_in_an_hour(plex) <= limit
    assert len(plex.hub.sockets) == stream


@pytest.mark.parametrize("profile", [MUTE])
async def test_work_that_begins_with_the_window_is_seen_at_once_without_a_push(
    hass: HomeAssistant, plex: SimulatedPlex, loaded: MockConfigEntry, advance: Advance
) -> None:
    plex.durations["BackupDatabase"] = HOUR
    move_window(plex, NOW + 1, NOW + 3)
    await pass_hours(plex, advance, 0.999, 2)
    assert hass.states.is_state(BACKUP, STATE_OFF)

    plex.client_start("BackupDatabase")
    for _ in range(10):
        await advance(1)
    assert hass.states.is_state(BACKUP, STATE_ON)
