"""Notifications: what they change, whom they are trusted by, and how they come back."""

from itertools import pairwise
import json
from time import monotonic
from unittest.mock import Mock

from freezegun.api import FrozenDateTimeFactory
import pytest

from custom_components.plex_butler.streams.push import PushListener
from tests.conftest import BACKUP, OPTIMIZE, OPTIMIZE_SWITCH, Home, until

NOTIFICATIONS = "/:/websockets/notifications"
LIBRARIES = "switch.attic_butler_update_all_libraries"


def butler_frame(progress: int, uuid: str = "a", title: str = "Backup Database") -> str:
    row = {"uuid": uuid, "type": "butler", "title": title, "progress": progress}
    item = {"event": "updated", "uuid": uuid, "Activity": row}
    body = {"type": "activity", "size": 1, "ActivityNotification": [item]}
    return json.dumps({"NotificationContainer": body})


def levels(home: Home) -> list[str]:
    return [line.split()[0] for line in home.said]


async def shows_a_run(home: Home) -> bool:
    """Return True if a notification alone turns a switch on at once, and off soon."""
    await home.advance(1)
    home.plex.requests.clear()
    home.plex.client_start(OPTIMIZE)
    await home.heard()
    on = home.state(OPTIMIZE_SWITCH)
    assert home.asked("/activities") == 0
    await home.others_stop(OPTIMIZE, wait=0.3)
    return (on, home.state(OPTIMIZE_SWITCH)) == ("on", "off")


async def test_only_what_is_needed_is_listened_to_and_counted(home: Home) -> None:
    streams = [it.query for it in home.plex.requests if it.path == NOTIFICATIONS]
    assert {"filters": "activity,preference"} in streams
    # The log is another stream.
    assert home.asked(NOTIFICATIONS) == 1

    await home.changed("ButlerStartHour", 3)
    counted = home.entry.runtime_data.push.statistics()
    assert counted["notifications"] == 1
    assert counted["frames"] >= 1


async def test_the_first_news_show_at_once_and_more_at_most_every_250_ms(
    home: Home, freezer: FrozenDateTimeFactory
) -> None:
    await home.advance(31, 2)
    updates: list[float] = []
    home.entry.runtime_data.async_add_listener(lambda: updates.append(monotonic()))
    began = monotonic()
    for progress in range(50):
        home.plex.hub.send_raw(butler_frame(progress))
        await home.heard()
        freezer.tick(0.06)
        await home.settle()
    freezer.tick(0.3)
    await home.settle()

    gaps = [later - sooner for sooner, later in pairwise(updates)]
    assert updates[0] == began
    assert min(gaps) > 0.249
    assert len(updates) >= 10
    assert home.view().progress == 49

    home.plex.hub.send_raw(butler_frame(10, uuid="b", title=""))
    await home.heard()
    # Work without a name shows beside that of a task.
    assert home.entry.runtime_data.tracker.view.has_unnamed_work


async def test_a_server_that_tells_is_asked_every_minute_of_a_run(home: Home) -> None:
    await home.earn_trust()
    await home.start(lasts=3600)
    await home.shows("on", after=10, steps=60)
    assert 9 <= home.asked("/activities") <= 12
    # Once, after the command
    assert home.asked("/butler") == 1


async def test_trust_outlives_a_reload_but_no_new_version(home: Home) -> None:
    await home.earn_trust()
    await home.reload()
    await home.advance(31)
    home.plex.requests.clear()
    await home.advance_steps(20, 30)
    assert 1 <= home.asked("/activities") <= 3
    assert home.asked("/butler") == 0

    await home.plex.restart(version="1.99.0")
    await home.advance_steps(2, 2)
    home.plex.requests.clear()
    await home.advance_steps(20, 30)
    assert 18 <= home.asked("/activities") <= 21


async def test_a_poll_finds_a_run_that_ended_without_a_stream(home: Home) -> None:
    await home.earn_trust()
    home.begins(BACKUP, 3600)
    await home.heard()
    home.plex.hub.drop()
    home.plex.client_stop(BACKUP)
    await home.settle()
    await home.shows("off", after=2, steps=2)


@pytest.mark.parametrize("profile", ["silent"])
@pytest.mark.parametrize("proxy", [False, True])
async def test_a_restart_ends_a_run_only_we_know_of(home: Home, *, proxy: bool) -> None:
    home.expect_log("Error fetching Attic Butler data")
    await home.turn_on(LIBRARIES)
    assert home.state(LIBRARIES) == "on"
    if proxy:
        home.plex.fault("502", count=None)
        home.plex.hub.drop()
        await home.advance_steps(10, 4)
        home.plex.clear_faults()
    else:
        await home.plex.restart(refused_for=40, maintenance_for=0)
    await home.settle()
    await home.shows("off", LIBRARIES, after=4, steps=20)


async def test_a_stream_is_tried_ever_more_rarely_until_one_stays_up(
    new_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = new_home
    home.expect_log("no notifications, so changes show later")
    delays: list[float] = []
    next_delay = PushListener._next_delay

    def remember(listener: PushListener) -> float:
        delays.append(next_delay(listener))
        return delays[-1]

    monkeypatch.setattr(PushListener, "_next_delay", remember)
    home.plex.fault("refuse", path=NOTIFICATIONS, count=None)
    await home.set_up()
    home.plex.requests.clear()
    await home.advance(1.1)
    # A poll shows whether anything answers.
    assert home.asked("/activities") == 1
    for _ in range(40):
        await home.advance(delays[-1] + 0.01)
    assert len(delays) > 30
    for attempt, delay in enumerate(delays):
        assert 0.5 <= delay / min(2**attempt, 900) <= 1
    assert len({round(delay) for delay in delays[-20:]}) > 5

    home.plex.clear_faults()
    await home.advance(901)
    # What it says in a short life is no reason to try again soon.
    home.plex.noise.scan()
    await home.heard()
    home.plex.hub.drop()
    await home.settle()
    assert delays[-1] > 800
    await home.advance(901)
    await home.advance(61)
    home.plex.hub.drop()
    await home.settle()
    assert delays[-1] <= 1
    await home.advance(1)
    assert await shows_a_run(home)


async def test_a_stream_that_keeps_breaking_is_said_once_and_cheap(home: Home) -> None:
    home.expect_log("no notifications, so changes show later")
    home.plex.fault("frame-cut", path=NOTIFICATIONS, count=None)
    home.plex.hub.drop()
    await home.advance_steps(20, 30)
    home.plex.requests.clear()
    await home.advance_steps(120, 30)
    assert levels(home) == ["WARNING"]
    assert 3 <= home.asked(NOTIFICATIONS) <= 9
    # Nothing but the polls, and a look at what a broken stream may have missed.
    assert home.asked("/:/prefs") <= 1
    assert home.asked("/") <= 2
    assert home.asked("/butler") <= 121
    assert home.asked("/activities") <= 121 + 2 * home.asked(NOTIFICATIONS)

    # Another cause is no news.
    home.plex.clear_faults()
    home.plex.fault("404", path=NOTIFICATIONS, count=None)
    await home.advance_steps(40, 30)
    assert levels(home) == ["WARNING"]

    home.plex.clear_faults()
    home.plex.set_preference("ButlerStartHour", 4)
    home.plex.requests.clear()
    await home.advance_steps(34, 30)
    assert levels(home) == ["WARNING", "INFO"]
    # What no notification told is asked for once the stream has stayed up.
    assert home.asked("/:/prefs") == 1
    assert await shows_a_run(home)


async def test_a_defect_ends_no_listener_and_is_logged_once_until_the_stream_works(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.expect_log("notifications failed")

    def stumble(*_: object) -> None:
        raise ZeroDivisionError("a defect")

    for errors in (1, 2):
        with monkeypatch.context() as patch:
            patch.setattr(PushListener, "_async_notified", stumble)
            for _ in range(4):
                home.plex.hub.send_raw(butler_frame(1))
                await home.heard()
                await home.advance(9)
        assert levels(home).count("ERROR") == errors
        await home.advance(61)
        assert levels(home) == ["ERROR", "INFO"] * errors
    assert home.state() == "off"
    assert await shows_a_run(home)


async def test_a_stream_sleeps_in_an_outage_and_is_opened_after_it(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.expect_log("Error fetching Attic Butler data")
    looks = Mock(side_effect=vars(PushListener)["_is_wanted"].fget)
    monkeypatch.setattr(PushListener, "_is_wanted", property(looks))
    await home.plex.stop_listening()
    await home.shows("unavailable", after=7, steps=100)
    assert looks.call_count < 100
    told = home.entry.runtime_data.push.statistics()
    of_the_stream = {"connected": False, "frames": 0, "notifications": 0}
    assert told == of_the_stream | {"connects": 1, "failures": 0}

    await home.plex.listen_again()
    await home.advance(30, 1)
    assert home.plex.hub.connected == 2
    assert levels(home) == ["ERROR", "INFO"]
    assert await shows_a_run(home)


async def test_a_few_drops_that_heal_are_not_worth_a_word(home: Home) -> None:
    for _ in range(3):
        home.plex.fault("503", path=NOTIFICATIONS, count=2)
        home.plex.hub.drop()
        await home.advance_steps(10, 1)
        await until(lambda: bool(home.plex.hub.sockets))
        assert await shows_a_run(home)
        await home.advance(61)
    assert home.said == []
