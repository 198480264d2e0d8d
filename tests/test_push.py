"""Notifications: what they change, whom they are trusted by, and how they come back."""

import asyncio
from collections.abc import Iterator, Mapping
from itertools import pairwise
import json
import logging
from time import monotonic
from typing import Any, override

from freezegun.api import FrozenDateTimeFactory
from homeassistant.const import (
    ATTR_ENTITY_ID,
    EVENT_STATE_CHANGED,
    EVENT_STATE_REPORTED,
    SERVICE_TURN_ON,
    STATE_OFF,
    STATE_ON,
    STATE_UNAVAILABLE,
    Platform,
)
from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.util import dt as dt_util
from homeassistant.util.async_ import get_scheduled_timer_handles
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.plex_butler.push import PushListener
from tests.conftest import Advance, Home, settle, until
from tests.simulator import PROFILES, SimulatedPlex

BACKUP = "switch.attic_butler_back_up_database"
OPTIMIZE = "switch.attic_butler_optimize_database"
GUIDE = "switch.attic_butler_refresh_program_guide"
NOTIFICATIONS = "/:/websockets/notifications"
# The log is another stream.
LOG = {"filters": "log"}


def asked(plex: SimulatedPlex, path: str) -> int:
    return sum(it.path == path and it.query != LOG for it in plex.requests)


def butler_frame(progress: int, event: str = "updated") -> str:
    row = {
        "uuid": "a-row",
        "type": "butler",
        "title": "Backup Database",
        "progress": progress,
    }
    item = {"event": event, "uuid": "a-row", "Activity": row}
    body = {"type": "activity", "size": 1, "ActivityNotification": [item]}
    return json.dumps({"NotificationContainer": body})


async def consumed(home: Home) -> None:
    """Wait until all frames have arrived and done what they do."""
    await home.plex.flush()
    await settle(home.hass)


async def shows_a_run(home: Home) -> bool:
    """Return True if a notification alone turns a switch on at once, and off soon."""
    await home.advance(1)
    home.plex.requests.clear()
    home.plex.client_start("OptimizeDatabase")
    await consumed(home)
    on = home.state(OPTIMIZE)
    assert asked(home.plex, "/activities") == 0
    home.plex.client_stop("OptimizeDatabase")
    await home.advance(0.3)
    return (on, home.state(OPTIMIZE)) == (STATE_ON, STATE_OFF)


@callback
def anything(_: Mapping[str, Any]) -> bool:
    return True


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
def lines(caplog: pytest.LogCaptureFixture) -> Iterator[list[str]]:
    """Return what the integration says above debug, levels first."""
    lines: list[str] = []

    class Ears(logging.Handler):
        @override
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(f"{record.levelname} {record.getMessage()}")

    logger = logging.getLogger("custom_components.plex_butler")
    caplog.set_level(logging.INFO)
    ears = Ears(level=logging.INFO)
    logger.addHandler(ears)
    yield lines
    logger.removeHandler(ears)


async def trust(hass: HomeAssistant, plex: SimulatedPlex, advance: Advance) -> None:
    """Let the server show that it tells what Butler does."""
    await advance(32)
    plex.client_start("OptimizeDatabase")
    await plex.flush()
    await settle(hass)
    assert hass.states.is_state(OPTIMIZE, STATE_ON)
    plex.client_stop("OptimizeDatabase")
    await advance(0.3)
    # What was started is looked at for a while after its stop.
    await advance(61)
    await advance(300)
    plex.requests.clear()


async def test_a_notification_shows_within_a_second(
    hass: HomeAssistant, plex: SimulatedPlex, live: MockConfigEntry
) -> None:
    async with asyncio.timeout(1):
        plex.client_start("BackupDatabase")
        await until(lambda: hass.states.is_state(BACKUP, STATE_ON))


async def test_only_what_is_needed_is_listened_to(
    home: Home, plex: SimulatedPlex
) -> None:
    streams = [it for it in plex.requests if it.path == NOTIFICATIONS]
    (handshake,) = [it for it in streams if it.query != LOG]

    assert handshake.query == {"filters": "activity,preference"}
    assert handshake.headers["X-Plex-Token"] == plex.token


async def test_a_scan_writes_no_state_however_much_it_says(
    home: Home, plex: SimulatedPlex
) -> None:
    writes: list[Event[Any]] = []
    updates: list[int] = []

    @callback
    def write(event: Event[Any]) -> None:
        writes.append(event)

    for event in (EVENT_STATE_CHANGED, EVENT_STATE_REPORTED):
        home.hass.bus.async_listen(event, write, event_filter=anything)

    home.entry.runtime_data.async_add_listener(lambda: updates.append(1))
    sent = plex.hub.sent

    plex.noise.storm(1556)
    await consumed(home)

    assert plex.hub.sent == sent + 1556
    assert not writes
    assert not updates
    assert await shows_a_run(home)
    assert writes


async def test_the_first_news_show_at_once_and_more_at_most_every_250_ms(
    home: Home, plex: SimulatedPlex, freezer: FrozenDateTimeFactory
) -> None:
    await home.advance(31)
    await home.advance(2)
    updates: list[float] = []
    home.entry.runtime_data.async_add_listener(lambda: updates.append(monotonic()))
    began = monotonic()
    for progress in range(50):
        plex.hub.send_raw(butler_frame(progress))
        await consumed(home)
        freezer.tick(0.06)
        await settle(home.hass)
    freezer.tick(0.3)
    await settle(home.hass)

    gaps = [later - sooner for sooner, later in pairwise(updates)]
    assert updates[0] == began
    assert min(gaps) > 0.249
    assert len(updates) >= 10
    view = home.entry.runtime_data.data.runs.tasks["BackupDatabase"]
    assert view.progress == 49


async def test_a_server_that_tells_is_asked_every_minute_while_something_runs(
    home: Home, plex: SimulatedPlex
) -> None:
    await trust(home.hass, plex, home.advance)
    plex.durations["BackupDatabase"] = 3600
    plex.client_start("BackupDatabase")
    await home.advance_steps(60, 10)

    assert home.state() == STATE_ON
    assert 9 <= asked(plex, "/activities") <= 12
    assert asked(plex, "/butler") == 0


async def test_a_command_has_the_tasks_listed_anew(
    home: Home, plex: SimulatedPlex
) -> None:
    await trust(home.hass, plex, home.advance)
    await home.hass.services.async_call(
        Platform.SWITCH, SERVICE_TURN_ON, {ATTR_ENTITY_ID: BACKUP}, blocking=True
    )
    await home.advance(6)

    assert asked(plex, "/butler") == 1


async def test_trust_outlives_a_reload(home: Home, plex: SimulatedPlex) -> None:
    await trust(home.hass, plex, home.advance)
    await home.hass.config_entries.async_reload(home.entry.entry_id)
    await settle(home.hass)
    await home.advance(31)
    plex.requests.clear()
    await home.advance_steps(20, 30)

    assert 1 <= asked(plex, "/activities") <= 3
    assert asked(plex, "/butler") == 0


async def test_another_version_has_to_earn_trust_anew(
    home: Home, plex: SimulatedPlex
) -> None:
    await trust(home.hass, plex, home.advance)
    await plex.restart(version="1.99.0")
    await home.advance(2)
    await home.advance(2)
    plex.requests.clear()
    await home.advance_steps(20, 30)
    assert 18 <= asked(plex, "/activities") <= 21

    await trust(home.hass, plex, home.advance)
    await home.advance_steps(20, 30)
    assert asked(plex, "/activities") <= 3


async def test_a_row_that_was_not_told_ends_trust_until_one_is(
    home: Home, plex: SimulatedPlex
) -> None:
    await trust(home.hass, plex, home.advance)
    plex.hub.muted = True
    plex.durations["BackupDatabase"] = 3600
    plex.client_start("BackupDatabase")
    await home.advance(301)
    assert home.state() == STATE_ON
    assert plex.hub.connected == 1

    await home.advance(61)
    await home.advance(2)
    plex.requests.clear()
    await home.advance_steps(12, 5)
    assert asked(plex, "/activities") >= 8

    plex.client_stop("BackupDatabase")
    await home.advance(6)
    assert home.state() == STATE_OFF
    plex.hub.muted = False
    await trust(home.hass, plex, home.advance)
    await home.advance_steps(20, 30)
    assert asked(plex, "/activities") <= 3


async def test_a_connection_that_is_dead_is_replaced(
    plex: SimulatedPlex, new_home: Home, lines: list[str]
) -> None:
    plex.fault("half-open", path=NOTIFICATIONS)
    await new_home.set_up()
    assert plex.hub.connected == 0
    # What it would have told is found by asking.
    plex.durations["BackupDatabase"] = 3600
    plex.client_start("BackupDatabase")
    await new_home.advance(31)
    assert new_home.state() == STATE_ON

    await new_home.advance(16)
    await new_home.advance(2)

    assert plex.hub.connected == 1
    assert await shows_a_run(new_home)
    assert lines == []


async def test_a_drop_in_the_middle_of_a_task_shows_nowhere(
    home: Home, plex: SimulatedPlex, lines: list[str]
) -> None:
    plex.durations["BackupDatabase"] = 60
    plex.client_start("BackupDatabase")
    await consumed(home)
    began = home.entry.runtime_data.data.runs.tasks["BackupDatabase"].since
    plex.fault("drop-sockets")
    await settle(home.hass)
    for _ in range(5):
        await home.advance(10)
        assert home.state() == STATE_ON

    await home.advance(11)
    await home.advance(0.3)
    assert home.state() == STATE_OFF
    last = home.entry.runtime_data.data.runs.tasks["BackupDatabase"].last
    assert (last.result, last.started_at) == ("ended", began)
    assert plex.hub.connected == 2
    assert lines == []


async def test_what_ends_while_nobody_listens_is_found_by_asking(
    home: Home, plex: SimulatedPlex
) -> None:
    await trust(home.hass, plex, home.advance)
    plex.durations["BackupDatabase"] = 3600
    plex.client_start("BackupDatabase")
    await consumed(home)
    plex.hub.drop()
    plex.client_stop("BackupDatabase")
    await settle(home.hass)
    await home.advance(2)
    await home.advance(2)

    assert home.state() == STATE_OFF


@pytest.mark.parametrize("away", [0, 40])
async def test_a_restart_in_the_middle_of_a_task_ends_it(
    home: Home, plex: SimulatedPlex, expected_logs: list[str], away: int
) -> None:
    plex.durations["BackupDatabase"] = 3600
    plex.client_start("BackupDatabase")
    await consumed(home)
    await home.advance(31)
    if away:
        expected_logs.append("Error fetching Attic Butler data")
    await plex.restart(refused_for=away, maintenance_for=away)
    await settle(home.hass)
    await home.advance_steps(away, 4)
    await home.advance(31)
    await home.advance(31)

    assert home.state() == STATE_OFF
    assert await shows_a_run(home)


@pytest.mark.parametrize("fault", ["502", "503"])
async def test_bad_answers_while_the_stream_stays_up_are_no_restart(
    home: Home, plex: SimulatedPlex, expected_logs: list[str], fault: str
) -> None:
    expected_logs.append("Error fetching Attic Butler data")
    plex.durations["CleanOldBundles"] = 3600
    plex.client_start("CleanOldBundles")
    await home.advance(31)
    began = home.entry.runtime_data.data.runs.tasks["CleanOldBundles"].since
    assert began
    plex.fault(fault, count=None)
    await home.advance_steps(20, 10)
    plex.clear_faults()
    await home.advance_steps(10, 10)

    view = home.entry.runtime_data.data.runs.tasks["CleanOldBundles"]
    assert view.is_on
    assert (view.since, view.last) == (began, None)
    assert plex.hub.connected == 1

    plex.client_stop("CleanOldBundles")
    await consumed(home)
    await home.advance(0.3)
    last = home.entry.runtime_data.data.runs.tasks["CleanOldBundles"].last
    assert (last.result, last.started_at) == ("ended", began)


@pytest.mark.slow
async def test_a_thousand_refused_connects_are_not_the_last(
    home: Home,
    plex: SimulatedPlex,
    delays: list[float],
    freezer: FrozenDateTimeFactory,
    expected_logs: list[str],
) -> None:
    expected_logs.append("no notifications, so changes show later")
    # Whatever is scheduled would be traced, which takes most of the time.
    home.hass.loop.set_debug(False)
    plex.fault("refuse", path=NOTIFICATIONS, count=None)
    plex.hub.drop()
    await settle(home.hass)
    for attempt in range(1, 1000):
        freezer.tick(delays[-1] + 0.01)
        while len(delays) == attempt:  # noqa: ASYNC110 no event tells of it
            await asyncio.sleep(0)
    await settle(home.hass)
    assert home.state() == STATE_OFF
    for attempt, delay in enumerate(delays):
        assert 0.5 <= delay / min(2**attempt, 900) <= 1
    assert len({round(delay) for delay in delays[-100:]}) > 20

    plex.clear_faults()
    await home.advance(901)

    assert len(plex.hub.sockets) == 1
    assert await shows_a_run(home)


async def test_only_a_stream_that_stayed_up_is_tried_again_soon(
    home: Home, plex: SimulatedPlex, delays: list[float], expected_logs: list[str]
) -> None:
    expected_logs.append("no notifications, so changes show later")
    for attempt in range(6):
        # What it says in its short life is no reason.
        plex.noise.scan()
        await consumed(home)
        plex.hub.drop()
        await settle(home.hass)
        assert delays[-1] >= 2**attempt / 2
        await home.advance(delays[-1] + 0.01)
    assert plex.hub.connected == 7

    await home.advance(61)
    plex.hub.drop()
    await settle(home.hass)
    assert delays[-1] <= 1


async def test_a_stream_that_breaks_again_and_again_is_said_once_and_costs_little(
    home: Home, plex: SimulatedPlex, lines: list[str], expected_logs: list[str]
) -> None:
    expected_logs.append("no notifications, so changes show later")
    plex.fault("frame-cut", path=NOTIFICATIONS, count=None)
    plex.hub.drop()
    await home.advance_steps(20, 30)
    plex.requests.clear()
    await home.advance_steps(120, 30)
    assert [line.split()[0] for line in lines] == ["WARNING"]
    assert 3 <= asked(plex, NOTIFICATIONS) <= 9
    # Nothing but the polls, and a look at what a broken stream may have missed.
    assert asked(plex, "/:/prefs") <= 1
    assert asked(plex, "/") <= 2
    assert asked(plex, "/butler") <= 121
    assert asked(plex, "/activities") <= 121 + 2 * asked(plex, NOTIFICATIONS)

    plex.clear_faults()
    plex.set_preference("ButlerStartHour", 4)
    plex.requests.clear()
    await home.advance_steps(34, 30)
    assert [line.split()[0] for line in lines] == ["WARNING", "INFO"]
    # What no notification told is asked for once the stream has stayed up.
    assert asked(plex, "/:/prefs") == 1
    assert await shows_a_run(home)


async def test_a_defect_ends_no_listener_and_is_logged_once_until_the_stream_works(
    home: Home,
    plex: SimulatedPlex,
    lines: list[str],
    expected_logs: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    expected_logs.append("notifications failed")

    def stumble(*_: object) -> None:
        raise ZeroDivisionError("a defect")

    for errors in (1, 2):
        with monkeypatch.context() as patch:
            patch.setattr(PushListener, "_async_notified", stumble)
            for _ in range(4):
                plex.hub.send_raw(butler_frame(1))
                await consumed(home)
                await home.advance(9)
        assert [line.split()[0] for line in lines].count("ERROR") == errors
        await home.advance(61)
        assert [line.split()[0] for line in lines] == ["ERROR", "INFO"] * errors
    assert home.state() == STATE_OFF
    assert await shows_a_run(home)


async def test_an_outage_is_two_lines_and_both_are_the_polls(
    home: Home, plex: SimulatedPlex, lines: list[str], expected_logs: list[str]
) -> None:
    expected_logs.append("Error fetching Attic Butler data")
    await plex.stop_listening()
    await home.advance_steps(100, 7)
    assert home.state() == STATE_UNAVAILABLE
    await plex.listen_again()
    await home.advance_steps(10, 7)

    assert home.state() == STATE_OFF
    assert [line.split()[0] for line in lines] == ["ERROR", "INFO"]
    assert await shows_a_run(home)


async def test_a_few_drops_that_heal_are_not_worth_a_word(
    home: Home, plex: SimulatedPlex, lines: list[str]
) -> None:
    for _ in range(3):
        plex.fault("503", path=NOTIFICATIONS, count=2)
        plex.hub.drop()
        for _ in range(10):
            await home.advance(1)
        await until(lambda: bool(plex.hub.sockets))
        assert await shows_a_run(home)
        await home.advance(61)

    assert lines == []


@pytest.mark.usefixtures("all_entities_enabled")
async def test_a_changed_setting_has_the_window_read_again(
    home: Home, plex: SimulatedPlex
) -> None:
    await trust(home.hass, plex, home.advance)
    hour = dt_util.now().hour
    plex.set_preference("ButlerStartHour", (hour - 1) % 24)
    plex.set_preference("ButlerEndHour", (hour + 3) % 24)
    # Just after the change, a server may refuse to tell what it is now.
    plex.fault("500", path="/:/prefs")
    await consumed(home)
    await home.advance(2)
    assert home.state() == STATE_OFF
    assert asked(plex, "/:/prefs") == 1

    plex.set_preference("ButlerTaskBackupDatabase", 0)
    await consumed(home)
    await home.advance(2)
    assert asked(plex, "/:/prefs") == 2

    await home.hass.services.async_call(
        Platform.SWITCH, SERVICE_TURN_ON, {ATTR_ENTITY_ID: GUIDE}, blocking=True
    )
    view = home.entry.runtime_data.data.runs
    assert view.tasks["RefreshEpgGuides"].state == "queued"
    assert not view.tasks["BackupDatabase"].is_on
    assert not home.entry.runtime_data.data.tasks["BackupDatabase"].enabled


@pytest.mark.parametrize(
    "profile", [PROFILES["current"].with_traits(preferences_settle=3600)]
)
@pytest.mark.parametrize("prefs", ["404", "garbage", "wrong-shape"])
async def test_a_server_without_settings_works_all_the_same(
    plex: SimulatedPlex, new_home: Home, lines: list[str], prefs: str
) -> None:
    plex.fault(prefs, path="/:/prefs", count=None)
    await new_home.set_up()
    await new_home.advance(31)

    assert new_home.state() == STATE_OFF
    assert await shows_a_run(new_home)
    assert lines == []


def left_behind(hass: HomeAssistant, entry: MockConfigEntry) -> list[str]:
    """Return what still waits or works for an entry."""
    handles = [
        repr(handle)
        for handle in get_scheduled_timer_handles(hass.loop)
        if not handle.cancelled()
    ]
    tasks = [repr(task) for task in asyncio.all_tasks()]
    return [
        text
        for text in handles + tasks
        if "client_ws" in text
        or "custom_components/plex_butler" in text
        or "Attic Butler" in text
    ]


@pytest.mark.slow
@pytest.mark.parametrize(
    "moment", ["connected", "half-open", "handshake", "waiting", "dropped"]
)
async def test_unloading_leaves_nothing_behind_at_any_moment(
    hass: HomeAssistant, plex: SimulatedPlex, live: MockConfigEntry, moment: str
) -> None:
    tracker = live.runtime_data.tracker
    if moment == "dropped":
        plex.hub.drop()
    elif moment != "connected":
        fault = {"half-open": "half-open", "handshake": "slow", "waiting": "503"}
        plex.requests.clear()
        plex.fault(fault[moment], path=NOTIFICATIONS, count=None, delay=30)
        plex.hub.drop()
        await until(lambda: asked(plex, NOTIFICATIONS) > 0)
        await asyncio.sleep(0.05)
    assert left_behind(hass, live)

    async with asyncio.timeout(5):
        assert await hass.config_entries.async_unload(live.entry_id)
        await until(lambda: not plex.hub.sockets)

    assert left_behind(hass, live) == []
    assert not live._background_tasks
    assert tracker._store._delay_handle is None
    plex.clear_faults()
    assert await hass.config_entries.async_setup(live.entry_id)
    await until(lambda: bool(plex.hub.sockets))
