"""Notifications: what they change, whom they are trusted by, and how they come back."""

import asyncio
from itertools import pairwise
import json
from time import monotonic

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util
from homeassistant.util.async_ import get_scheduled_timer_handles
import pytest

from custom_components.plex_butler.streams.push import PushListener
from tests.conftest import BACKUP, OPTIMIZE, OPTIMIZE_SWITCH, Home, add_entry, until
from tests.simulator import PROFILES, SimulatedPlex

GUIDE = "switch.attic_butler_refresh_program_guide"
NOTIFICATIONS = "/:/websockets/notifications"
BUNDLES, LIBRARIES = "CleanOldBundles", "switch.attic_butler_update_all_libraries"


def butler_frame(progress: int) -> str:
    row = {"uuid": "a-row", "type": "butler", "title": "Backup Database"}
    activity = row | {"progress": progress}
    item = {"event": "updated", "uuid": "a-row", "Activity": activity}
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


@pytest.fixture
def delays(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Return the waits between attempts, as they come."""
    delays: list[float] = []
    original = PushListener._next_delay

    def remember(listener: PushListener) -> float:
        delays.append(original(listener))
        return delays[-1]

    monkeypatch.setattr(PushListener, "_next_delay", remember)
    return delays


@pytest.fixture
async def live(
    hass: HomeAssistant, plex: SimulatedPlex, caplog: pytest.LogCaptureFixture
) -> Home:
    """Return a home in Home Assistant's own time."""
    live = Home(hass, plex, add_entry(hass, plex), plex.advance, [], caplog)
    await hass.config_entries.async_setup(live.entry.entry_id)
    await until(lambda: bool(plex.hub.sockets))
    return live


async def test_a_notification_shows_within_a_second(live: Home) -> None:
    async with asyncio.timeout(1):
        live.plex.client_start(BACKUP)
        await until(lambda: live.state() == "on")


async def test_a_listener_sleeps_while_nothing_is_to_be_listened_to(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.expect_log("Error fetching Attic Butler data")
    await home.plex.stop_listening()
    await home.advance(31)
    looks = 0

    def is_wanted(listener: PushListener) -> bool:
        nonlocal looks
        looks += 1
        return False

    monkeypatch.setattr(PushListener, "_is_wanted", property(is_wanted))
    await home.advance_steps(5, 60)
    assert 0 < looks < 20
    diagnostics = home.entry.runtime_data.push.statistics()
    assert (diagnostics["connected"], diagnostics["frames"]) == (False, 0)
    monkeypatch.undo()
    await home.plex.listen_again()
    await home.advance_steps(2, 31)
    assert home.plex.hub.connected == 2


async def test_only_what_is_needed_is_listened_to(home: Home) -> None:
    streams = [it.query for it in home.plex.requests if it.path == NOTIFICATIONS]
    assert {"filters": "activity,preference"} in streams
    # The log is another stream.
    assert home.asked(NOTIFICATIONS) == 1


async def test_a_scan_writes_no_state_however_much_it_says(home: Home) -> None:
    writes = home.writes()
    updates: list[int] = []
    home.entry.runtime_data.async_add_listener(lambda: updates.append(1))
    sent = home.plex.hub.sent

    home.plex.noise.storm(1556)
    await home.heard()

    assert home.plex.hub.sent == sent + 1556
    assert not writes
    assert not updates
    assert await shows_a_run(home)
    assert writes


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


async def test_a_server_that_tells_is_asked_every_minute_of_a_run(home: Home) -> None:
    await home.earn_trust()
    home.begins(BACKUP, 3600)
    await home.shows("on", after=10, steps=60)
    assert 9 <= home.asked("/activities") <= 12
    assert home.asked("/butler") == 0


async def test_a_command_has_the_tasks_listed_anew(home: Home) -> None:
    await home.earn_trust()
    await home.turn_on()
    await home.advance(6)

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

    await home.earn_trust()
    await home.advance_steps(20, 30)
    assert home.asked("/activities") <= 3


async def test_a_row_that_was_not_told_ends_trust_until_one_is(home: Home) -> None:
    await home.earn_trust()
    home.plex.hub.muted = True
    home.begins(BACKUP, 3600)
    await home.shows("on", after=301)
    assert home.plex.hub.connected == 1

    await home.advance(61, 2)
    home.plex.requests.clear()
    await home.advance_steps(12, 5)
    assert home.asked("/activities") >= 8

    home.plex.client_stop(BACKUP)
    await home.shows("off", after=6)
    home.plex.hub.muted = False
    await home.earn_trust()
    await home.advance_steps(20, 30)
    assert home.asked("/activities") <= 3


async def test_a_connection_that_is_dead_is_replaced(new_home: Home) -> None:
    home = new_home
    home.plex.fault("half-open", path=NOTIFICATIONS)
    await home.set_up()
    assert home.plex.hub.connected == 0
    # What it would have told is found by asking.
    home.begins(BACKUP, 3600)
    await home.shows("on", after=31)

    await home.advance(16, 2)
    assert home.plex.hub.connected == 1
    assert await shows_a_run(home)
    assert home.said == []


async def test_a_drop_in_the_middle_of_a_task_shows_nowhere(home: Home) -> None:
    home.begins(BACKUP, 60)
    await home.heard()
    began = home.view().since
    home.plex.fault("drop-sockets")
    await home.settle()
    for _ in range(5):
        await home.shows("on", after=10)

    await home.advance(11)
    await home.shows("off", after=0.3)
    last = home.view().last
    assert (last.result, last.started_at) == ("ended", began)
    assert home.plex.hub.connected == 2
    assert home.entry.runtime_data.push.statistics()["connects"] == 2
    assert home.said == []


async def test_a_poll_finds_a_run_that_ended_without_a_stream(home: Home) -> None:
    await home.earn_trust()
    home.begins(BACKUP, 3600)
    await home.heard()
    home.plex.hub.drop()
    home.plex.client_stop(BACKUP)
    await home.settle()
    await home.shows("off", after=2, steps=2)


@pytest.mark.parametrize("away", [0, 40])
async def test_a_restart_in_the_middle_of_a_task_ends_it(home: Home, away: int) -> None:
    home.begins(BACKUP, 3600)
    await home.heard()
    await home.advance(31)
    if away:
        home.expect_log("Error fetching Attic Butler data")
    await home.plex.restart(refused_for=away, maintenance_for=away)
    await home.settle()
    await home.advance_steps(away, 4)
    await home.shows("off", after=31, steps=2)
    assert await shows_a_run(home)


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


@pytest.mark.parametrize("fault", ["502", "503"])
async def test_bad_answers_while_the_stream_is_up_are_no_restart(
    home: Home, fault: str
) -> None:
    home.expect_log("Error fetching Attic Butler data")
    await home.others_start(BUNDLES, lasts=3600, wait=31)
    began = home.view(BUNDLES).since
    assert began
    home.plex.fault(fault, count=None)
    await home.advance_steps(20, 10)
    home.plex.clear_faults()
    await home.advance_steps(10, 10)

    view = home.view(BUNDLES)
    assert view.is_on
    assert (view.since, view.last) == (began, None)
    assert home.plex.hub.connected == 1

    home.plex.client_stop(BUNDLES)
    await home.heard()
    await home.advance(0.3)
    last = home.view(BUNDLES).last
    assert (last.result, last.started_at) == ("ended", began)


@pytest.mark.slow
async def test_a_thousand_refused_connects_are_not_the_last(
    home: Home, delays: list[float], freezer: FrozenDateTimeFactory
) -> None:
    home.expect_log("no notifications, so changes show later")
    # Whatever is scheduled would be traced, which takes most of the time.
    home.hass.loop.set_debug(False)
    home.plex.fault("refuse", path=NOTIFICATIONS, count=None)
    home.plex.hub.drop()
    await home.settle()
    for attempt in range(1, 1000):
        freezer.tick(delays[-1] + 0.01)
        while len(delays) == attempt:  # noqa: ASYNC110 no event tells of it
            await asyncio.sleep(0)
    await home.settle()
    assert home.state() == "off"
    for attempt, delay in enumerate(delays):
        assert 0.5 <= delay / min(2**attempt, 900) <= 1
    assert len({round(delay) for delay in delays[-100:]}) > 20

    home.plex.clear_faults()
    await home.advance(901)

    assert len(home.plex.hub.sockets) == 1
    assert await shows_a_run(home)


async def test_only_a_stream_that_stayed_up_is_tried_again_soon(
    home: Home, delays: list[float]
) -> None:
    home.expect_log("no notifications, so changes show later")
    for attempt in range(6):
        # What it says in its short life is no reason.
        home.plex.noise.scan()
        await home.heard()
        home.plex.hub.drop()
        await home.settle()
        assert delays[-1] >= 2**attempt / 2
        await home.advance(delays[-1] + 0.01)
    assert home.plex.hub.connected == 7

    await home.advance(61)
    home.plex.hub.drop()
    await home.settle()
    assert delays[-1] <= 1


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


async def test_an_outage_is_two_lines_and_both_are_the_polls(home: Home) -> None:
    home.expect_log("Error fetching Attic Butler data")
    await home.plex.stop_listening()
    await home.shows("unavailable", after=7, steps=100)
    await home.plex.listen_again()
    await home.shows("off", after=7, steps=10)
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


@pytest.mark.usefixtures("all_entities_enabled")
async def test_a_changed_setting_has_the_window_read_again(home: Home) -> None:
    await home.earn_trust()
    hour = dt_util.now().hour
    home.plex.set_preference("ButlerStartHour", (hour - 1) % 24)
    home.plex.set_preference("ButlerEndHour", (hour + 3) % 24)
    # Just after the change, a server may refuse to tell what it is now.
    home.plex.fault("500", path="/:/prefs")
    await home.heard()
    await home.shows("off", after=2)
    assert home.asked("/:/prefs") == 1

    home.plex.set_preference("ButlerTaskBackupDatabase", 0)
    await home.heard()
    await home.advance(2)
    assert home.asked("/:/prefs") == 2

    await home.turn_on(GUIDE)
    assert home.view("RefreshEpgGuides").state == "queued"
    assert not home.view().is_on
    assert not home.entry.runtime_data.data.tasks[BACKUP].enabled


@pytest.mark.parametrize(
    "profile", [PROFILES["current"].with_traits(preferences_settle=3600)]
)
@pytest.mark.parametrize("prefs", ["404", "garbage", "wrong-shape"])
async def test_a_server_without_settings_works(new_home: Home, prefs: str) -> None:
    new_home.plex.fault(prefs, path="/:/prefs", count=None)
    await new_home.set_up()
    await new_home.shows("off", after=31)
    assert await shows_a_run(new_home)
    assert new_home.said == []


def left_behind(home: Home) -> list[str]:
    """Return what still waits or works for the entry."""
    waits = [
        it for it in get_scheduled_timer_handles(home.hass.loop) if not it.cancelled()
    ]
    ours = ("client_ws", "custom_components/plex_butler", "Attic Butler")
    texts = map(repr, [*waits, *asyncio.all_tasks()])
    return [text for text in texts if any(part in text for part in ours)]


@pytest.mark.slow
@pytest.mark.parametrize(
    "moment", ["connected", "half-open", "handshake", "waiting", "dropped"]
)
async def test_unloading_leaves_nothing_behind_at_any_moment(
    live: Home, moment: str
) -> None:
    plex, tracker = live.plex, live.entry.runtime_data.tracker
    if moment == "dropped":
        plex.hub.drop()
    elif moment != "connected":
        fault = {"half-open": "half-open", "handshake": "slow", "waiting": "503"}
        plex.requests.clear()
        plex.fault(fault[moment], path=NOTIFICATIONS, count=None, delay=30)
        plex.hub.drop()
        await until(lambda: live.asked(NOTIFICATIONS) > 0)
        await asyncio.sleep(0.05)
    assert left_behind(live)

    async with asyncio.timeout(5):
        await live.unload()
        await until(lambda: not plex.hub.sockets)

    assert left_behind(live) == []
    assert not live.entry._background_tasks
    assert tracker._store._delay_handle is None
    plex.clear_faults()
    assert await live.hass.config_entries.async_setup(live.entry.entry_id)
    await until(lambda: bool(plex.hub.sockets))


async def test_the_stream_is_opened_again_when_a_poll_works_again(home: Home) -> None:
    home.expect_log("Error fetching Attic Butler data")
    await home.plex.stop_listening()
    await home.advance_steps(4, 31)
    await home.plex.listen_again()
    await home.advance(30)
    await home.advance(1)

    assert home.state() == "off"
    assert home.plex.hub.connected == 2


async def test_notifications_are_counted_for_bug_reports(home: Home) -> None:
    push = home.entry.runtime_data.push
    await home.changed("ButlerStartHour", 3)

    assert push.statistics()["notifications"] == 1


async def test_work_without_a_name_shows_beside_a_task(home: Home) -> None:
    await home.others_start(BACKUP, wait=1)
    frame = json.loads(butler_frame(10).replace("a-row", "another-row"))
    frame["NotificationContainer"]["ActivityNotification"][0]["Activity"]["title"] = ""
    home.plex.hub.send_raw(json.dumps(frame))
    await home.heard()

    assert home.entry.runtime_data.tracker.view.has_unnamed_work


async def test_a_stream_that_cannot_be_opened_has_the_server_asked(
    new_home: Home,
) -> None:
    new_home.plex.fault("403", path=NOTIFICATIONS, count=None)
    await new_home.set_up()
    new_home.plex.requests.clear()
    await new_home.advance(1.1)

    assert new_home.asked("/activities") == 1
    new_home.plex.clear_faults()


async def test_failures_of_the_stream_are_forgotten_in_an_outage(
    new_home: Home,
) -> None:
    new_home.expect_log("Error fetching Attic Butler data")
    new_home.plex.fault("403", path=NOTIFICATIONS, count=None)
    await new_home.set_up()
    await new_home.advance_steps(5, 1)
    push = new_home.entry.runtime_data.push
    assert push.statistics()["failures"] >= 2

    await new_home.plex.stop_listening()
    await new_home.advance_steps(4, 31)
    assert push.statistics()["failures"] == 0
    await new_home.plex.listen_again()


async def test_a_second_cause_of_a_missing_stream_is_not_said(home: Home) -> None:
    home.expect_log("no notifications, so changes show later")
    home.plex.hub.drop()
    for status in ("403", "404"):
        home.plex.clear_faults()
        home.plex.fault(status, path=NOTIFICATIONS, count=None)
        await home.advance_steps(40, 30)

    assert levels(home) == ["WARNING"]
