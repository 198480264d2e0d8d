"""How often a server is asked: an idle one is left in peace."""

from collections import Counter

import pytest

from tests.conftest import BACKUP, Home
from tests.simulator import PROFILES

HOUR = 3600
STREAM = "/:/websockets/notifications"
MUTE = PROFILES["current"].with_traits(pushes_rows=False)
# Home Assistant's clock in tests: the simulated noon is four o'clock in the morning.
NOW = 4


def most_in_an_hour(home: Home) -> int:
    """Return the number of requests in the busiest hour."""
    moments = [it.at for it in home.plex.requests]
    return max(sum(0 <= it - at < HOUR for it in moments) for at in moments)


def move_window(home: Home, start: int, end: int) -> None:
    home.plex.set_preference("ButlerStartHour", start)
    home.plex.set_preference("ButlerEndHour", end)


async def pass_hours(home: Home, hours: float, step: float) -> None:
    home.plex.requests.clear()
    end = home.plex.clock.now() + hours * HOUR
    while home.plex.clock.now() < end:
        await home.advance(step)


@pytest.mark.slow
async def test_a_server_that_pushes_is_asked_15_times_an_hour_at_most(
    home: Home,
) -> None:
    await home.earn_trust()
    # Long enough that all that is asked for now and then is, without meeting the window;
    # the stream's heartbeat must not be leapt over.
    await pass_hours(home, 13, 29)

    asked = Counter(it.path for it in home.plex.requests)
    assert most_in_an_hour(home) <= 15
    assert asked["/activities"] > 10 * 13
    # Handshakes would count, too: the stream has held.
    assert asked[STREAM] == 0
    assert len(home.plex.hub.sockets) == 1
    assert asked["/:/prefs"] == 2
    assert home.state() == "off"


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
    home: Home,
    *,
    stream: bool,
    window: tuple[int, int],
    busy: bool,
    limit: int,
) -> None:
    if not stream:
        home.expect_log("no notifications")
        home.plex.fault("502", count=None, path=STREAM)
        home.plex.hub.drop()
    if busy:
        home.begins(BACKUP, 6 * HOUR)
    move_window(home, *window)
    await pass_hours(home, 1, 5)
    # The first hour is that of the set-up.
    await pass_hours(home, 2, 2)

    assert most_in_an_hour(home) <= limit
    assert len(home.plex.hub.sockets) == stream


@pytest.mark.parametrize("profile", [MUTE])
async def test_work_that_begins_with_the_window_is_seen_at_once_without_a_push(
    home: Home,
) -> None:
    home.plex.durations[BACKUP] = HOUR
    move_window(home, NOW + 1, NOW + 3)
    # Every two seconds at the end, as a poll that is too late would be seen.
    await pass_hours(home, 0.9, 60)
    await pass_hours(home, 0.099, 2)
    assert home.state() == "off"

    home.plex.client_start(BACKUP)
    await home.advance_steps(10, 1)
    assert home.state() == "on"
