"""The server's log names runs that nothing else shows, and nothing of it is kept."""

import asyncio
from collections.abc import AsyncIterator
import json
import re
from typing import Any

from homeassistant.const import (
    ATTR_ASSUMED_STATE,
    STATE_OFF,
    STATE_ON,
)
from homeassistant.core import HomeAssistant
import pytest
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.plex_butler.api import log_lines
from tests.conftest import Home, settle, until
from tests.downloads import download
from tests.house import commands
from tests.simulator import (
    PROFILES,
    ManualClock,
    Profile,
    SessionNames,
    SimulatedPlex,
)

# Also what is disabled at first
pytestmark = pytest.mark.usefixtures("all_entities_enabled")

BACKUP, OPTIMIZE = "BackupDatabase", "OptimizeDatabase"
SWITCH = "switch.attic_butler_back_up_database"
OPTIMIZE_SWITCH = "switch.attic_butler_optimize_database"
LOG = "/:/websockets/notifications?filters=log"
MINUTE, HOUR, DAY = 60, 3600, 86400

# Nothing shows but what the log says.
SILENT = PROFILES["silent"].with_traits(log_tells=True)


@pytest.fixture
def profile() -> Profile | str:
    return SILENT


@pytest.fixture
def window() -> tuple[int, int]:
    """Return the hours of the window: at noon, when tests begin, it is open."""
    return (12, 15)


@pytest.fixture
async def plex(
    hass: HomeAssistant,
    socket_enabled: None,
    profile: Profile | str,
    window: tuple[int, int],
) -> AsyncIterator[SimulatedPlex]:
    await hass.config.async_set_time_zone("UTC")
    async with SimulatedPlex(profile, clock=ManualClock(), window=window) as plex:
        yield plex


def asked(plex: SimulatedPlex) -> int:
    """Return how often the log was asked for."""
    return sum(request.query == {"filters": "log"} for request in plex.requests)


async def test_a_run_that_only_the_log_names_is_shown_until_it_ends(
    home: Home, plex: SimulatedPlex
) -> None:
    assert len(plex.log_hub.sockets) == 1
    assert home.state() == STATE_OFF

    plex.noise.log_flood(50)
    plex.client_start(BACKUP)
    await home.advance(1)
    assert home.state() == STATE_ON
    state = home.hass.states.get(SWITCH)
    assert state
    assert ATTR_ASSUMED_STATE not in state.attributes

    await home.advance(plex.durations[BACKUP])
    await home.advance(1)
    assert home.state() == STATE_OFF
    assert home.last_result == "ended"


@pytest.mark.parametrize("window", [(2, 5)])
async def test_the_log_is_open_around_the_window_and_around_a_start(
    home: Home, plex: SimulatedPlex
) -> None:
    await home.advance(10 * MINUTE)
    assert asked(plex) == 0

    plex.durations[BACKUP] = 30
    await home.start()
    assert len(plex.log_hub.sockets) == 1
    order = [(it.method, it.path) for it in plex.requests]
    assert order.index(("POST", f"/butler/{BACKUP}")) > order.index(
        ("GET", "/:/websockets/notifications")
    )
    await home.advance(31)
    assert home.last_result == "ended"


@pytest.mark.parametrize("window", [(14, 15)])
async def test_the_log_is_open_from_before_the_window_until_after_it(
    home: Home, plex: SimulatedPlex
) -> None:
    await home.pass_minutes(114)
    assert not plex.log_hub.sockets
    await home.pass_minutes(2)
    assert plex.log_hub.sockets

    # What the server begins at its hour is over long before its window ends.
    plex.client_stop_all()
    await home.pass_minutes(65)
    assert plex.log_hub.sockets
    await home.pass_minutes(6)
    plex.client_stop_all()
    await home.pass_minutes(2)


@pytest.mark.parametrize("window", [(2, 5)])
@pytest.mark.parametrize("profile", [PROFILES["session"]])
async def test_the_log_is_closed_again_where_rows_name_the_tasks(
    home: Home, plex: SimulatedPlex
) -> None:
    plex.durations[BACKUP] = 30
    await home.start()
    await home.advance(31)
    assert home.last_result == "ended"

    await home.pass_minutes(2)
    assert not plex.log_hub.sockets

    plex.client_start(BACKUP)
    await home.advance(1)
    assert home.state() == STATE_ON
    assert plex.log_hub.sockets


@pytest.mark.parametrize("window", [(2, 5)])
async def test_the_log_stays_open_where_nothing_else_names_tasks(
    home: Home, plex: SimulatedPlex
) -> None:
    plex.durations[BACKUP] = 30
    await home.start()
    await home.advance(31)
    await home.pass_minutes(90)

    plex.client_start(BACKUP)
    await home.advance(1)
    assert home.state() == STATE_ON
    assert asked(plex) == 1


async def test_a_log_that_tells_nothing_is_closed_and_tried_again_a_day_later(
    new_home: Home, plex: SimulatedPlex
) -> None:
    plex.log.tells = False
    await new_home.set_up()
    assert plex.log_hub.sockets
    await new_home.advance(6)
    assert not plex.log_hub.sockets

    await new_home.pass_minutes(60)
    assert asked(plex) == 1

    plex.log.tells = True
    await new_home.advance(DAY)
    await new_home.pass_minutes(2)
    assert asked(plex) == 2
    assert plex.log_hub.sockets


async def test_a_log_that_ends_before_it_tells_anything_is_tried_again(
    new_home: Home, plex: SimulatedPlex
) -> None:
    plex.log.tells = False
    await new_home.set_up()
    plex.log_hub.drop()
    await until(lambda: not plex.log_hub.sockets)
    plex.log.tells = True
    await settle(new_home.hass)

    await new_home.advance(6)
    assert asked(plex) == 2
    assert plex.log_hub.sockets


@pytest.mark.parametrize("refused", [400, 404, 0])
async def test_a_log_that_is_refused_is_tried_again_with_the_next_version(
    new_home: Home, plex: SimulatedPlex, refused: int
) -> None:
    plex.log.refused = refused
    await new_home.set_up()
    await new_home.pass_minutes(10)
    tries = asked(plex)
    # What is cut off may pass, so it is tried again; each such try is two requests.
    assert tries == (1 if refused else 8)
    await new_home.pass_minutes(60)
    assert asked(plex) == tries

    plex.log.refused = None
    await plex.restart(version="1.50.0.1234-abc")
    await new_home.pass_minutes(62)
    assert asked(plex) == tries + 1
    assert plex.log_hub.sockets


@pytest.mark.parametrize("window", [(2, 5)])
async def test_a_start_waits_a_second_for_the_log_and_no_longer(
    home: Home, plex: SimulatedPlex
) -> None:
    plex.log.tells = False
    starting = asyncio.create_task(home.call("start_task"))
    await home.advance(0.5)
    assert not commands(plex, "POST")
    await home.advance(0.6)
    await starting
    assert home.state() == STATE_ON

    await home.advance(5)
    await home.start(OPTIMIZE)
    assert asked(plex) == 1


@pytest.mark.parametrize("window", [(2, 5)])
async def test_a_log_that_names_no_run_three_times_is_asked_no_more(
    home: Home, plex: SimulatedPlex, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = plex.log.write

    def without_names(line: str, *parts: object) -> None:
        if "sub-activity" not in line:
            write(line, *parts)

    monkeypatch.setattr(plex.log, "write", without_names)
    plex.durations[BACKUP] = 5
    for _ in range(3):
        await home.start()
        await home.pass_minutes(40)
    assert asked(plex) == 3

    await home.start()
    assert asked(plex) == 3


async def test_a_flood_closes_the_log_for_some_minutes(
    home: Home, plex: SimulatedPlex, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_lines, "FLOOD_FRAMES", 1_000)
    plex.noise.log_flood(3_000)
    await home.advance(1)
    assert not plex.log_hub.sockets
    await home.pass_minutes(4)
    assert asked(plex) == 1

    await home.pass_minutes(3)
    plex.client_start(BACKUP)
    await home.advance(1)
    assert home.state() == STATE_ON
    assert asked(plex) == 2


async def test_a_stop_by_somebody_else_is_no_end(
    home: Home, plex: SimulatedPlex
) -> None:
    for stop in (lambda: plex.client_stop(BACKUP), plex.client_stop_all):
        plex.client_start(BACKUP)
        await home.advance(2)
        # It runs already, so this does nothing.
        plex.client_start(BACKUP)
        await home.advance(2)
        assert home.state() == STATE_ON
        stop()
        await home.advance(2)
        assert home.state() == STATE_OFF
        assert home.last_result == "stopped"


async def test_a_command_of_ours_is_not_taken_for_somebody_elses(
    home: Home, plex: SimulatedPlex, monkeypatch: pytest.MonkeyPatch
) -> None:
    await home.start()
    await home.advance(2)
    # Its line comes late, when the task runs once more.
    late: list[tuple[Any, ...]] = []
    write = plex.log.write
    with monkeypatch.context() as patched:
        patched.setattr(plex.log, "write", lambda *line: late.append(line))
        await home.call("stop_task")
    await home.start()
    for line in late:
        if "Completed" in line[0]:
            write(*line)
    await home.advance(2)
    assert home.state() == STATE_ON

    # A command of ours has one line: the next is of somebody else.
    for line in late:
        if "Completed" in line[0]:
            write(*line)
    await home.advance(2)
    assert home.state() == STATE_OFF
    assert home.last_result == "stopped"


async def test_nothing_of_the_log_is_kept_but_what_is_of_butler(
    home: Home,
    hass_client: ClientSessionGenerator,
    hass_storage: dict[str, Any],
    plex: SimulatedPlex,
    caplog: pytest.LogCaptureFixture,
) -> None:
    # Names and addresses beside a line of Butler's, in one frame
    plex.noise.log_flood(200)
    plex.log.write("Request: alex@192.168.4.21 asks for {}", "Harbour Lane")
    plex.client_start(BACKUP)
    plex.log_hub.send_raw(
        "alex Harbour Lane 192.168.4.21\nActivity: registered new sub-activity "
        f"0-1-2 - {OPTIMIZE} parent: 0-1-3 alex Harbour Lane 192.168.4.21"
    )
    await home.advance(5)
    assert home.state(OPTIMIZE_SWITCH) == STATE_ON
    plex.client_stop(BACKUP)
    await home.advance(5)

    diagnostics = await download(home.hass, hass_client, home.entry)
    await home.unload()
    places = [diagnostics, json.dumps(hass_storage), caplog.text]
    places += [str(state.as_dict()) for state in home.hass.states.async_all()]
    # The ids of others' activities, told from ids that Home Assistant draws
    for secret in ("alex", "Harbour", r"192\.168", r"7c0f\d{4}-0000"):
        assert not [it for it in places if re.search(secret, it)]


@pytest.mark.parametrize(
    "profile", [SILENT, PROFILES["session"]], ids=["silent", "session"]
)
@pytest.mark.parametrize("window", [(2, 5)])
async def test_a_log_that_breaks_during_a_run_is_open_again_in_seconds(
    home: Home, plex: SimulatedPlex
) -> None:
    plex.durations[OPTIMIZE] = HOUR
    await home.start(OPTIMIZE)
    await home.advance(MINUTE / 2)
    for times in (2, 3):
        plex.log_hub.drop()
        await until(lambda: not plex.log_hub.sockets)
        await settle(home.hass)
        await home.advance(4)
        assert not plex.log_hub.sockets
        await home.advance(2)
        assert plex.log_hub.sockets
        assert asked(plex) == times

    plex.client_start(BACKUP)
    await home.advance(HOUR)
    assert home.state() == STATE_OFF
    assert home.last_result == "ended"


async def test_a_line_that_never_came_does_not_hide_somebody_elses_command(
    home: Home, plex: SimulatedPlex, monkeypatch: pytest.MonkeyPatch
) -> None:
    await home.start()
    with monkeypatch.context() as patched:
        patched.setattr(plex.log, "write", lambda *_: None)
        await home.call("stop_task")
    await home.pass_minutes(2)

    plex.client_start(BACKUP)
    await home.advance(2)
    plex.client_stop(BACKUP)
    await home.advance(2)
    assert home.last_result == "stopped"


@pytest.mark.parametrize("window", [(2, 5)])
async def test_a_log_is_not_given_up_by_a_server_that_does_not_answer(
    home: Home, plex: SimulatedPlex
) -> None:
    await home.advance(31)
    plex.durations[BACKUP] = HOUR
    plex.log.tells = False
    plex.fault("500", path="/activities", count=None)
    starting = asyncio.create_task(home.call("start_task"))
    await home.advance(0.5)
    await home.advance(0.6)
    await starting
    await home.advance(5)
    assert not plex.log_hub.sockets

    plex.log.tells = True
    plex.clear_faults()
    await home.pass_minutes(2)
    assert plex.log_hub.sockets
    await home.advance(HOUR)
    assert home.state() == STATE_OFF


async def test_a_defect_in_the_reading_of_the_log_ends_nothing_else(
    new_home: Home,
    plex: SimulatedPlex,
    expected_logs: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(_: bytes) -> None:
        raise RuntimeError("a defect")

    monkeypatch.setattr(log_lines, "parse_log_frame", fail)
    expected_logs.append("the log cannot be read")
    await new_home.set_up()
    await new_home.pass_minutes(60)
    assert asked(plex) == 1

    await new_home.start()
    assert new_home.state() == STATE_ON


@pytest.mark.parametrize("window", [(2, 5)])
@pytest.mark.parametrize("profile", [PROFILES["session"]])
async def test_a_start_right_after_somebody_elses_stop_is_a_run_of_its_own(
    home: Home, plex: SimulatedPlex
) -> None:
    # The log is opened for the row, so it does not know the begin.
    plex.client_start(BACKUP)
    await home.advance(3)
    assert home.state() == STATE_ON
    plex.client_stop(BACKUP)
    await home.advance(1)
    assert home.state() == STATE_OFF

    plex.client_start(BACKUP)
    await home.advance(1)
    assert home.state() == STATE_ON


NAMELESS = PROFILES["session"].with_traits(session_names=SessionNames.NOTHING)


@pytest.mark.parametrize(
    ("profile", "minutes"), [(SILENT, 31), (NAMELESS, 3)], ids=["silent", "nameless"]
)
@pytest.mark.parametrize("window", [(2, 5)])
@pytest.mark.parametrize("cause", ["break", "breaks", "restart", "reload"])
async def test_a_run_whose_end_the_log_did_not_tell_is_not_on_for_ever(
    home: Home, plex: SimulatedPlex, cause: str, minutes: int
) -> None:
    plex.durations[OPTIMIZE] = 62
    await home.start(OPTIMIZE)
    await home.pass_minutes(1)
    assert home.state(OPTIMIZE_SWITCH) == STATE_ON

    if cause == "restart":
        await plex.restart(refused_for=2)
    elif cause == "reload":
        await home.unload()
        await home.advance(10)
        await home.set_up()
    else:
        plex.log_hub.drop()
        await plex.advance(3)
    for _ in range(minutes):
        await home.advance(30)
        if cause == "breaks":
            plex.log_hub.drop()
        await home.advance(30)
    assert home.state(OPTIMIZE_SWITCH) == STATE_OFF
    assert home.last_result == "started"


@pytest.mark.parametrize("broken", [True, False])
@pytest.mark.parametrize("stopped", [True, False])
async def test_no_log_is_open_for_an_entry_that_is_gone(
    home: Home, plex: SimulatedPlex, *, broken: bool, stopped: bool
) -> None:
    assert plex.log_hub.sockets
    if broken:
        plex.log_hub.drop()
        await until(lambda: not plex.log_hub.sockets)
        await settle(home.hass)
    if stopped:
        await home.hass.async_stop(force=True)
    else:
        await home.unload()
    await until(lambda: not plex.log_hub.sockets)
    if not stopped:
        await home.pass_minutes(10)
    assert asked(plex) == 1
