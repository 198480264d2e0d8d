"""Notifications: what they change, whom they are trusted by, and how they come back."""

import asyncio
from collections.abc import Iterator, Mapping
from itertools import pairwise
import json
import logging
from time import monotonic
from typing import Any, override

from freezegun.api import FrozenDateTimeFactory
from homeassistant.config_entries import ConfigEntryState
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
from tests.conftest import Advance, settle, until
from tests.simulator import PROFILES, SimulatedPlex

BACKUP = "switch.attic_butler_back_up_database"
OPTIMIZE = "switch.attic_butler_optimize_database"
GUIDE = "switch.attic_butler_refresh_program_guide"
NOTIFICATIONS = "/:/websockets/notifications"
# The log is another stream.
LOG = {"filters": "log"}


def state(hass: HomeAssistant, entity_id: str = BACKUP) -> str | None:
    found = hass.states.get(entity_id)
    return found.state if found else None


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


async def consumed(hass: HomeAssistant, plex: SimulatedPlex) -> None:
    """Wait until all frames have arrived and done what they do."""
    await plex.flush()
    await settle(hass)


async def shows_a_run(
    hass: HomeAssistant, plex: SimulatedPlex, advance: Advance
) -> bool:
    """Tell whether a notification alone turns a switch on at once, and off soon."""
    await advance(1)
    plex.requests.clear()
    plex.client_start("OptimizeDatabase")
    await consumed(hass, plex)
    on = state(hass, OPTIMIZE)
    assert asked(plex, "/activities") == 0
    plex.client_stop("OptimizeDatabase")
    await advance(0.3)
    return (on, state(hass, OPTIMIZE)) == (STATE_ON, STATE_OFF)


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
    await advance(31)
    assert await shows_a_run(hass, plex, advance)
    # What was started is looked at for a while after its stop.
    await advance(61)
    await advance(300)
    plex.requests.clear()


async def test_a_notification_turns_a_switch_on_and_off_without_a_poll(
    hass: HomeAssistant, plex: SimulatedPlex, loaded: MockConfigEntry, advance: Advance
) -> None:
    assert await shows_a_run(hass, plex, advance)


async def test_a_notification_shows_within_a_second(
    hass: HomeAssistant, plex: SimulatedPlex, live: MockConfigEntry
) -> None:
    async with asyncio.timeout(1):
        plex.client_start("BackupDatabase")
        await until(lambda: state(hass) == STATE_ON)


async def test_only_what_is_needed_is_listened_to(
    plex: SimulatedPlex, loaded: MockConfigEntry
) -> None:
    streams = [it for it in plex.requests if it.path == NOTIFICATIONS]
    (handshake,) = [it for it in streams if it.query != LOG]

    assert handshake.query == {"filters": "activity,preference"}
    assert handshake.headers["X-Plex-Token"] == plex.token


async def test_a_scan_writes_no_state_however_much_it_says(
    hass: HomeAssistant, plex: SimulatedPlex, loaded: MockConfigEntry, advance: Advance
) -> None:
    writes: list[Event[Any]] = []
    updates: list[int] = []

    @callback
    def write(event: Event[Any]) -> None:
        writes.append(event)

    for event in (EVENT_STATE_CHANGED, EVENT_STATE_REPORTED):
        hass.bus.async_listen(event, write, event_filter=anything)

    loaded.runtime_data.async_add_listener(lambda: updates.append(1))
    sent = plex.hub.sent

    plex.noise.storm(1556)
    await consumed(hass, plex)

    assert plex.hub.sent == sent + 1556
    assert not writes
    assert not updates
    assert await shows_a_run(hass, plex, advance)
    assert writes


async def test_the_first_news_show_at_once_and_more_at_most_every_250_ms(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    loaded: MockConfigEntry,
    advance: Advance,
    freezer: FrozenDateTimeFactory,
) -> None:
    await advance(31)
    await advance(2)
    updates: list[float] = []
    loaded.runtime_data.async_add_listener(lambda: updates.append(monotonic()))
    began = monotonic()
    for progress in range(50):
        plex.hub.send_raw(butler_frame(progress))
        await consumed(hass, plex)
        freezer.tick(0.06)
        await settle(hass)
    freezer.tick(0.3)
    await settle(hass)

    gaps = [later - sooner for sooner, later in pairwise(updates)]
    assert updates[0] == began
    assert min(gaps) > 0.249
    assert len(updates) >= 10
    view = loaded.runtime_data.data.runs.tasks["BackupDatabase"]
    assert view.progress == 49


async def test_a_server_that_tells_is_asked_less(
    hass: HomeAssistant, plex: SimulatedPlex, loaded: MockConfigEntry, advance: Advance
) -> None:
    # By Home Assistant's clock the tests' noon is in the night.
    plex.set_preference("ButlerEndHour", 3)
    for _ in range(10):
        await advance(30)
    plex.requests.clear()
    for _ in range(120):
        await advance(5)
    assert 7 <= asked(plex, "/activities") <= 9
    assert asked(plex, "/butler") == 1

    await trust(hass, plex, advance)
    for _ in range(2 * 120):
        await advance(30)

    assert 22 <= asked(plex, "/activities") <= 26
    assert 1 <= asked(plex, "/butler") <= 3


async def test_a_server_that_tells_is_asked_every_minute_while_something_runs(
    hass: HomeAssistant, plex: SimulatedPlex, loaded: MockConfigEntry, advance: Advance
) -> None:
    await trust(hass, plex, advance)
    plex.durations["BackupDatabase"] = 3600
    plex.client_start("BackupDatabase")
    for _ in range(60):
        await advance(10)

    assert state(hass) == STATE_ON
    assert 9 <= asked(plex, "/activities") <= 12
    assert asked(plex, "/butler") == 0


async def test_a_command_has_the_tasks_listed_anew(
    hass: HomeAssistant, plex: SimulatedPlex, loaded: MockConfigEntry, advance: Advance
) -> None:
    await trust(hass, plex, advance)
    await hass.services.async_call(
        Platform.SWITCH, SERVICE_TURN_ON, {ATTR_ENTITY_ID: BACKUP}, blocking=True
    )
    await advance(6)

    assert asked(plex, "/butler") == 1


async def test_trust_outlives_a_reload(
    hass: HomeAssistant, plex: SimulatedPlex, loaded: MockConfigEntry, advance: Advance
) -> None:
    await trust(hass, plex, advance)
    await hass.config_entries.async_reload(loaded.entry_id)
    await settle(hass)
    await advance(31)
    plex.requests.clear()
    for _ in range(20):
        await advance(30)

    assert 1 <= asked(plex, "/activities") <= 3
    assert asked(plex, "/butler") == 0


async def test_another_version_has_to_earn_trust_anew(
    hass: HomeAssistant, plex: SimulatedPlex, loaded: MockConfigEntry, advance: Advance
) -> None:
    await trust(hass, plex, advance)
    await plex.restart(version="1.99.0")
    await advance(2)
    await advance(2)
    plex.requests.clear()
    for _ in range(20):
        await advance(30)
    assert 18 <= asked(plex, "/activities") <= 21

    await trust(hass, plex, advance)
    for _ in range(20):
        await advance(30)
    assert asked(plex, "/activities") <= 3


async def test_a_row_that_was_not_told_ends_trust_and_has_everything_listened_to(
    hass: HomeAssistant, plex: SimulatedPlex, loaded: MockConfigEntry, advance: Advance
) -> None:
    await trust(hass, plex, advance)
    plex.hub.muted = True
    plex.durations["BackupDatabase"] = 3600
    plex.client_start("BackupDatabase")
    await advance(301)
    assert state(hass) == STATE_ON
    assert plex.hub.connected == 1

    await advance(61)
    await advance(2)
    streams = [it for it in plex.requests if it.path == NOTIFICATIONS]
    (handshake,) = [it for it in streams if it.query != LOG]
    assert handshake.query == {}
    plex.requests.clear()
    for _ in range(12):
        await advance(5)
    assert asked(plex, "/activities") >= 8

    plex.client_stop("BackupDatabase")
    await advance(6)
    assert state(hass) == STATE_OFF
    plex.hub.muted = False
    await trust(hass, plex, advance)
    for _ in range(20):
        await advance(30)
    assert asked(plex, "/activities") <= 3


@pytest.mark.parametrize(
    "data",
    [
        "",
        "not json",
        '{"NotificationContainer": {"type": "butler"}}',
        '["butler"',
        b"\x00\x01",
        b'\xff"butler"\xff',
        butler_frame(5).replace("updated", "paused"),
    ],
)
async def test_strange_frames_are_passed_over(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    loaded: MockConfigEntry,
    advance: Advance,
    data: str | bytes,
    lines: list[str],
) -> None:
    plex.hub.send_raw(data)
    await consumed(hass, plex)

    assert state(hass) == STATE_OFF
    assert await shows_a_run(hass, plex, advance)
    assert plex.hub.connected == 1
    assert lines == []


async def test_a_frame_beyond_reason_costs_a_reconnect_and_no_more(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    loaded: MockConfigEntry,
    advance: Advance,
    lines: list[str],
) -> None:
    plex.hub.send_raw("x" * (2 * 1024 * 1024))
    await plex.flush()
    await until(lambda: not plex.hub.sockets)
    await settle(hass)
    await advance(1)

    assert await shows_a_run(hass, plex, advance)
    assert plex.hub.connected == 2
    assert lines == []


async def test_a_connection_that_is_dead_is_replaced(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    entry: MockConfigEntry,
    advance: Advance,
    lines: list[str],
) -> None:
    plex.fault("half-open", path=NOTIFICATIONS)
    await hass.config_entries.async_setup(entry.entry_id)
    await settle(hass)
    assert plex.hub.connected == 0
    # What it would have told is found by asking.
    plex.durations["BackupDatabase"] = 3600
    plex.client_start("BackupDatabase")
    await advance(31)
    assert state(hass) == STATE_ON

    await advance(16)
    await advance(2)

    assert plex.hub.connected == 1
    assert await shows_a_run(hass, plex, advance)
    assert lines == []


async def test_a_server_that_is_connected_but_silent_is_asked(
    hass: HomeAssistant, plex: SimulatedPlex, loaded: MockConfigEntry, advance: Advance
) -> None:
    plex.hub.muted = True
    plex.durations["BackupDatabase"] = 60
    plex.client_start("BackupDatabase")
    await advance(31)
    assert state(hass) == STATE_ON

    for _ in range(6):
        await advance(6)
    assert state(hass) == STATE_OFF

    plex.hub.muted = False
    assert await shows_a_run(hass, plex, advance)


async def test_a_drop_in_the_middle_of_a_task_shows_nowhere(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    loaded: MockConfigEntry,
    advance: Advance,
    lines: list[str],
) -> None:
    plex.durations["BackupDatabase"] = 60
    plex.client_start("BackupDatabase")
    await consumed(hass, plex)
    began = loaded.runtime_data.data.runs.tasks["BackupDatabase"].since
    plex.fault("drop-sockets")
    await settle(hass)
    for _ in range(5):
        await advance(10)
        assert state(hass) == STATE_ON

    await advance(11)
    await advance(0.3)
    assert state(hass) == STATE_OFF
    last = loaded.runtime_data.data.runs.tasks["BackupDatabase"].last
    assert (last.result, last.started_at) == ("ended", began)
    assert plex.hub.connected == 2
    assert lines == []


async def test_what_ends_while_nobody_listens_is_found_by_asking(
    hass: HomeAssistant, plex: SimulatedPlex, loaded: MockConfigEntry, advance: Advance
) -> None:
    await trust(hass, plex, advance)
    plex.durations["BackupDatabase"] = 3600
    plex.client_start("BackupDatabase")
    await consumed(hass, plex)
    plex.hub.drop()
    plex.client_stop("BackupDatabase")
    await settle(hass)
    await advance(2)
    await advance(2)

    assert state(hass) == STATE_OFF


@pytest.mark.parametrize("away", [0, 40])
async def test_a_restart_in_the_middle_of_a_task_ends_it(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    loaded: MockConfigEntry,
    advance: Advance,
    expected_logs: list[str],
    away: int,
) -> None:
    plex.durations["BackupDatabase"] = 3600
    plex.client_start("BackupDatabase")
    await consumed(hass, plex)
    await advance(31)
    if away:
        expected_logs.append("Error fetching Attic Butler data")
    await plex.restart(refused_for=away, maintenance_for=away)
    await settle(hass)
    for _ in range(away):
        await advance(4)
    await advance(31)
    await advance(31)

    assert state(hass) == STATE_OFF
    assert await shows_a_run(hass, plex, advance)


@pytest.mark.parametrize("fault", ["502", "503"])
async def test_bad_answers_while_the_stream_stays_up_are_no_restart(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    loaded: MockConfigEntry,
    advance: Advance,
    expected_logs: list[str],
    fault: str,
) -> None:
    expected_logs.append("Error fetching Attic Butler data")
    plex.durations["CleanOldBundles"] = 3600
    plex.client_start("CleanOldBundles")
    await advance(31)
    began = loaded.runtime_data.data.runs.tasks["CleanOldBundles"].since
    assert began
    plex.fault(fault, count=None)
    for _ in range(20):
        await advance(10)
    plex.clear_faults()
    for _ in range(10):
        await advance(10)

    view = loaded.runtime_data.data.runs.tasks["CleanOldBundles"]
    assert view.is_on
    assert (view.since, view.last) == (began, None)
    assert plex.hub.connected == 1

    plex.client_stop("CleanOldBundles")
    await consumed(hass, plex)
    await advance(0.3)
    last = loaded.runtime_data.data.runs.tasks["CleanOldBundles"].last
    assert (last.result, last.started_at) == ("ended", began)


@pytest.mark.slow
async def test_a_thousand_refused_connects_are_not_the_last(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    loaded: MockConfigEntry,
    advance: Advance,
    delays: list[float],
    freezer: FrozenDateTimeFactory,
    expected_logs: list[str],
) -> None:
    expected_logs.append("no notifications, so changes show later")
    # Whatever is scheduled would be traced, which takes most of the time.
    hass.loop.set_debug(False)
    plex.fault("refuse", path=NOTIFICATIONS, count=None)
    plex.hub.drop()
    await settle(hass)
    for attempt in range(1, 1000):
        freezer.tick(delays[-1] + 0.01)
        while len(delays) == attempt:  # noqa: ASYNC110 no event tells of it
            await asyncio.sleep(0)
    await settle(hass)
    assert state(hass) == STATE_OFF
    for attempt, delay in enumerate(delays):
        assert 0.5 <= delay / min(2**attempt, 900) <= 1
    assert len({round(delay) for delay in delays[-100:]}) > 20

    plex.clear_faults()
    await advance(901)

    assert len(plex.hub.sockets) == 1
    assert await shows_a_run(hass, plex, advance)


async def test_only_a_stream_that_stayed_up_is_tried_again_soon(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    loaded: MockConfigEntry,
    advance: Advance,
    delays: list[float],
    expected_logs: list[str],
) -> None:
    expected_logs.append("no notifications, so changes show later")
    for attempt in range(6):
        # What it says in its short life is no reason.
        plex.noise.scan()
        await consumed(hass, plex)
        plex.hub.drop()
        await settle(hass)
        assert delays[-1] >= 2**attempt / 2
        await advance(delays[-1])
    assert plex.hub.connected == 7

    await advance(61)
    plex.hub.drop()
    await settle(hass)
    assert delays[-1] <= 1


async def test_a_stream_that_breaks_again_and_again_is_said_once_and_costs_little(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    loaded: MockConfigEntry,
    advance: Advance,
    lines: list[str],
    expected_logs: list[str],
) -> None:
    expected_logs.append("no notifications, so changes show later")
    plex.fault("frame-cut", path=NOTIFICATIONS, count=None)
    plex.hub.drop()
    for _ in range(20):
        await advance(30)
    plex.requests.clear()
    for _ in range(120):
        await advance(30)
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
    for _ in range(34):
        await advance(30)
    assert [line.split()[0] for line in lines] == ["WARNING", "INFO"]
    # What no notification told is asked for once the stream has stayed up.
    assert asked(plex, "/:/prefs") == 1
    assert await shows_a_run(hass, plex, advance)


async def test_pings_that_wait_on_a_dead_socket_cost_a_reconnect_and_no_more(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    loaded: MockConfigEntry,
    advance: Advance,
    lines: list[str],
) -> None:
    plex.fault("ping-cut", path=NOTIFICATIONS, count=2)
    plex.hub.drop()
    for _ in range(10):
        await advance(1)
    await advance(61)

    assert asked(plex, NOTIFICATIONS) == 4
    assert await shows_a_run(hass, plex, advance)
    assert lines == []


async def test_a_defect_ends_no_listener_and_is_logged_once_until_the_stream_works(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    loaded: MockConfigEntry,
    advance: Advance,
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
                await consumed(hass, plex)
                await advance(9)
        assert [line.split()[0] for line in lines].count("ERROR") == errors
        await advance(61)
        assert [line.split()[0] for line in lines] == ["ERROR", "INFO"] * errors
    assert state(hass) == STATE_OFF
    assert await shows_a_run(hass, plex, advance)


async def test_an_outage_is_two_lines_and_both_are_the_polls(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    loaded: MockConfigEntry,
    advance: Advance,
    lines: list[str],
    expected_logs: list[str],
) -> None:
    expected_logs.append("Error fetching Attic Butler data")
    await plex.stop_listening()
    for _ in range(100):
        await advance(7)
    assert state(hass) == STATE_UNAVAILABLE
    await plex.listen_again()
    for _ in range(10):
        await advance(7)

    assert state(hass) == STATE_OFF
    assert [line.split()[0] for line in lines] == ["ERROR", "INFO"]
    assert await shows_a_run(hass, plex, advance)


@pytest.mark.parametrize("fault", ["503", "404", "401", "refuse", "ignore"])
async def test_a_stream_that_fails_alone_is_said_once_and_when_it_is_back(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    loaded: MockConfigEntry,
    advance: Advance,
    lines: list[str],
    expected_logs: list[str],
    fault: str,
) -> None:
    expected_logs.append("no notifications, so changes show later")
    plex.fault(fault, path=NOTIFICATIONS, count=None)
    plex.hub.drop()
    for _ in range(10):
        await advance(2)
    for _ in range(30):
        await advance(31)
    assert state(hass) == STATE_OFF
    assert [line.split()[0] for line in lines] == ["WARNING"]
    assert plex.token not in lines[0]

    plex.clear_faults()
    await advance(901)
    assert [line.split()[0] for line in lines] == ["WARNING"]
    await advance(61)
    assert [line.split()[0] for line in lines] == ["WARNING", "INFO"]
    assert "notifications are back" in lines[1]
    assert await shows_a_run(hass, plex, advance)
    assert loaded.state is ConfigEntryState.LOADED
    assert hass.config_entries.flow.async_progress() == []


async def test_a_few_drops_that_heal_are_not_worth_a_word(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    loaded: MockConfigEntry,
    advance: Advance,
    lines: list[str],
) -> None:
    for _ in range(3):
        plex.fault("503", path=NOTIFICATIONS, count=2)
        plex.hub.drop()
        for _ in range(10):
            await advance(1)
        await until(lambda: bool(plex.hub.sockets))
        assert await shows_a_run(hass, plex, advance)
        await advance(61)

    assert lines == []


@pytest.mark.usefixtures("all_entities_enabled")
async def test_a_changed_setting_has_the_window_read_again(
    hass: HomeAssistant, plex: SimulatedPlex, loaded: MockConfigEntry, advance: Advance
) -> None:
    await trust(hass, plex, advance)
    hour = dt_util.now().hour
    plex.set_preference("ButlerStartHour", (hour - 1) % 24)
    plex.set_preference("ButlerEndHour", (hour + 3) % 24)
    # Just after the change, a server may refuse to tell what it is now.
    plex.fault("500", path="/:/prefs")
    await consumed(hass, plex)
    await advance(2)
    assert state(hass) == STATE_OFF
    assert asked(plex, "/:/prefs") == 1

    plex.set_preference("ButlerTaskBackupDatabase", 0)
    await consumed(hass, plex)
    await advance(2)
    assert asked(plex, "/:/prefs") == 2

    await hass.services.async_call(
        Platform.SWITCH, SERVICE_TURN_ON, {ATTR_ENTITY_ID: GUIDE}, blocking=True
    )
    view = loaded.runtime_data.data.runs
    assert view.tasks["RefreshEpgGuides"].state == "queued"
    assert not view.tasks["BackupDatabase"].is_on
    assert not loaded.runtime_data.data.tasks["BackupDatabase"].enabled


@pytest.mark.parametrize(
    "profile", [PROFILES["current"].with_traits(preferences_settle=3600)]
)
@pytest.mark.parametrize("prefs", ["404", "garbage", "wrong-shape"])
async def test_a_server_without_settings_works_all_the_same(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    entry: MockConfigEntry,
    advance: Advance,
    lines: list[str],
    prefs: str,
) -> None:
    plex.fault(prefs, path="/:/prefs", count=None)
    await hass.config_entries.async_setup(entry.entry_id)
    await settle(hass)
    await advance(31)

    assert state(hass) == STATE_OFF
    assert await shows_a_run(hass, plex, advance)
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
@pytest.mark.parametrize("moment", ["connected", "half-open", "handshake", "waiting"])
async def test_unloading_leaves_nothing_behind_at_any_moment(
    hass: HomeAssistant, plex: SimulatedPlex, live: MockConfigEntry, moment: str
) -> None:
    tracker = live.runtime_data.tracker
    if moment != "connected":
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


async def test_unloading_in_the_middle_of_a_reconnect_leaves_nothing_behind(
    hass: HomeAssistant, plex: SimulatedPlex, live: MockConfigEntry
) -> None:
    plex.client_start("BackupDatabase")
    await until(lambda: state(hass) == STATE_ON)
    plex.hub.drop()

    assert await hass.config_entries.async_unload(live.entry_id)
    await until(lambda: not plex.hub.sockets)

    assert left_behind(hass, live) == []
    assert not live._background_tasks
