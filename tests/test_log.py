"""The server's log names runs that nothing else shows, and nothing of it is kept."""

import asyncio
import json
import re
from typing import Any

import pytest
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.plex_butler.api import log_lines
from tests.conftest import BACKUP, OPTIMIZE, OPTIMIZE_SWITCH, Home, until
from tests.downloads import download
from tests.house import commands
from tests.simulator import PROFILES, Profile

# Also what is disabled at first
pytestmark = pytest.mark.usefixtures("all_entities_enabled")

MINUTE, HOUR, DAY = 60, 3600, 86400

# It is four o'clock in Home Assistant when tests begin; to the server, it is noon.
CLOSED = pytest.mark.parametrize("window", [(20, 23)])
SESSION = pytest.mark.parametrize("profile", [PROFILES["session"]])
# Nothing shows but what the log says.
SILENT = PROFILES["silent"].with_traits(log_tells=True)


@pytest.fixture
def profile() -> Profile | str:
    return SILENT


@pytest.fixture
def window() -> tuple[int, int]:
    """Return the hours of the window; when tests begin, it is open."""
    return (4, 7)


@pytest.fixture
def new_home(new_home: Home, window: tuple[int, int]) -> Home:
    for name, hour in zip(("ButlerStartHour", "ButlerEndHour"), window, strict=True):
        new_home.plex.set_preference(name, hour)
    return new_home


def asked(home: Home) -> int:
    """Return how often the log was asked for."""
    return sum(it.query == {"filters": "log"} for it in home.plex.requests)


def is_open(home: Home) -> bool:
    return bool(home.plex.log_hub.sockets)


async def breaks(home: Home) -> None:
    """Let the log break, and this be noticed."""
    home.plex.log_hub.drop()
    await until(lambda: not is_open(home))
    await home.settle()


async def one_run(home: Home) -> None:
    """Start a short run, and see it end."""
    await home.start(BACKUP, lasts=30)
    await home.advance(31)
    assert home.last_result == "ended"


async def shows_a_begin(home: Home) -> None:
    """Have another client start a task, which shows."""
    home.plex.client_start(BACKUP)
    await home.shows("on", after=1)


async def test_a_run_that_only_the_log_names_is_shown_with_its_end(home: Home) -> None:
    assert len(home.plex.log_hub.sockets) == 1
    home.plex.noise.log_flood(50)
    await shows_a_begin(home)
    assert not home.is_assumed()
    await home.advance(1)
    # It runs already, so this does nothing.
    home.plex.client_start(BACKUP)
    await home.advance(home.plex.durations[BACKUP])
    await home.shows("off", after=1)
    assert home.last_result == "ended"

    await shows_a_begin(home)
    await home.advance(1)
    home.plex.client_stop_all()
    await home.shows("off", after=2)
    assert home.last_result == "stopped"


@SESSION
@pytest.mark.parametrize("window", [(6, 7)])
async def test_the_log_is_open_from_before_the_window_to_after_it(home: Home) -> None:
    await home.pass_minutes(114)
    assert not is_open(home)
    await home.pass_minutes(2)
    assert is_open(home)
    await home.pass_minutes(65)
    assert is_open(home)
    await home.pass_minutes(8)
    assert not is_open(home)


@CLOSED
@SESSION
async def test_the_log_is_closed_again_where_rows_name_the_tasks(home: Home) -> None:
    await one_run(home)
    await home.pass_minutes(2)
    assert not is_open(home)

    await shows_a_begin(home)
    assert is_open(home)

    # It is opened for the row, so it does not know the begin of what is stopped.
    home.plex.client_stop(BACKUP)
    await home.shows("off", after=1)
    await shows_a_begin(home)


@CLOSED
async def test_the_log_stays_open_where_nothing_else_names_tasks(home: Home) -> None:
    await home.advance(10 * MINUTE)
    assert asked(home) == 0
    await one_run(home)
    await home.pass_minutes(90)
    await shows_a_begin(home)
    assert asked(home) == 1


async def test_a_log_that_tells_nothing_is_tried_again_in_a_day(new_home: Home) -> None:
    home = new_home
    home.plex.log.tells = False
    await home.set_up()
    assert is_open(home)
    await home.advance(6)
    assert not is_open(home)
    for _ in range(4):
        await home.start()
        await home.pass_minutes(40)
    assert asked(home) == 1

    home.plex.log.tells = True
    await home.advance(DAY)
    await home.pass_minutes(2)
    assert asked(home) == 2
    assert is_open(home)


@pytest.mark.parametrize("refused", [400, 404, 0])
async def test_a_log_that_is_refused_is_tried_again_with_the_next_version(
    new_home: Home, refused: int
) -> None:
    new_home.plex.log.refused = refused
    await new_home.set_up()
    await new_home.pass_minutes(10)
    tries = asked(new_home)
    # What is cut off may pass, so it is tried again; each such try is two requests.
    assert tries == (1 if refused else 8)
    await new_home.pass_minutes(60)
    assert asked(new_home) == tries

    new_home.plex.log.refused = None
    await new_home.plex.restart(version="1.50.0.1234-abc")
    await new_home.pass_minutes(62)
    assert asked(new_home) == tries + 1
    assert is_open(new_home)


@CLOSED
async def test_a_start_waits_a_second_for_the_log_and_no_longer(home: Home) -> None:
    home.plex.log.tells = False
    starting = asyncio.create_task(home.call("start_task"))
    await home.advance(0.5)
    assert not commands(home.plex, "POST")
    await home.advance(0.6)
    await starting
    assert home.state() == "on"

    await home.advance(5)
    await home.start(OPTIMIZE)
    assert asked(home) == 1


@CLOSED
async def test_a_log_that_names_no_run_three_times_is_asked_no_more(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = home.plex.log.write

    def without_names(line: str, *parts: object) -> None:
        if "sub-activity" not in line:
            write(line, *parts)

    monkeypatch.setattr(home.plex.log, "write", without_names)
    home.plex.durations[BACKUP] = 5
    for _ in range(3):
        await home.start()
        await home.pass_minutes(40)
    assert asked(home) == 3

    await home.start()
    assert asked(home) == 3


async def test_a_flood_closes_the_log_for_some_minutes(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_lines, "FLOOD_FRAMES", 1_000)
    home.plex.noise.log_flood(3_000)
    await home.advance(1)
    assert not is_open(home)
    await home.pass_minutes(4)
    assert asked(home) == 1

    await home.pass_minutes(3)
    await shows_a_begin(home)
    assert asked(home) == 2


@pytest.mark.parametrize(
    "commands", [["stop_task"], ["stop_task", "start_task", "stop_task"]]
)
async def test_each_command_of_ours_has_one_line_and_the_next_is_of_somebody_else(
    home: Home, monkeypatch: pytest.MonkeyPatch, commands: list[str]
) -> None:
    await home.start()
    await home.advance(2)
    # Their lines come late, when the task runs once more.
    lines: list[tuple[Any, ...]] = []
    write = home.plex.log.write
    with monkeypatch.context() as patched:
        patched.setattr(home.plex.log, "write", lambda *line: lines.append(line))
        for command in commands:
            await home.call(command)
    await home.start()
    late = [line for line in lines if "Completed" in line[0]]
    for line in late:
        write(*line)
    await home.shows("on", after=2)

    write(*late[-1])
    await home.shows("off", after=2)
    assert home.last_result == "stopped"


async def test_a_refused_token_is_not_sent_to_open_the_log(home: Home) -> None:
    home.expect_log("does not accept the token")
    plex = home.plex
    await home.advance(MINUTE)
    good, plex.token = plex.token, "another"
    plex.hub.drop()
    await breaks(home)
    before = asked(home)
    await home.pass_minutes(60)
    # The polls may not have met the refusal when the log is opened first.
    assert asked(home) <= before + 1
    assert not plex.log_hub.sockets

    plex.token = good
    await home.shows("off", after=60, steps=62)
    assert plex.log_hub.sockets


async def test_nothing_of_the_log_is_kept_but_what_is_of_butler(
    home: Home,
    hass_client: ClientSessionGenerator,
    hass_storage: dict[str, Any],
    caplog: pytest.LogCaptureFixture,
) -> None:
    # Names and addresses beside a line of Butler's, in one frame
    home.plex.noise.log_flood(200)
    home.plex.log.write("Request: alex@192.168.4.21 asks for {}", "Harbour Lane")
    home.plex.client_start(BACKUP)
    home.plex.log_hub.send_raw(
        "alex Harbour Lane 192.168.4.21\nActivity: registered new sub-activity "
        f"0-1-2 - {OPTIMIZE} parent: 0-1-3 alex Harbour Lane 192.168.4.21"
    )
    await home.shows("on", OPTIMIZE_SWITCH, after=5)
    await home.others_stop(BACKUP, wait=5)

    diagnostics = await download(home.hass, hass_client, home.entry)
    await home.unload()
    places = [diagnostics, json.dumps(hass_storage), caplog.text]
    places += [str(state.as_dict()) for state in home.hass.states.async_all()]
    # The ids of others' activities, told from ids that Home Assistant draws
    for secret in ("alex", "Harbour", r"192\.168", r"7c0f\d{4}-0000"):
        assert not [it for it in places if re.search(secret, it)]


@CLOSED
async def test_a_log_that_breaks_in_a_run_is_open_again_in_seconds(home: Home) -> None:
    await home.start(OPTIMIZE, lasts=HOUR)
    await home.advance(MINUTE / 2)
    for times in (2, 3):
        await breaks(home)
        await home.advance(4)
        assert not is_open(home)
        await home.advance(2)
        assert is_open(home)
        assert asked(home) == times

    home.plex.client_start(BACKUP)
    await home.shows("off", after=HOUR)
    assert home.last_result == "ended"


async def test_a_line_that_never_came_does_not_hide_somebody_elses_command(
    home: Home,
) -> None:
    await home.start()
    home.plex.log.tells = False
    await home.call("stop_task")
    home.plex.log.tells = True
    await home.pass_minutes(2)
    await shows_a_begin(home)
    await home.advance(1)
    await home.others_stop(BACKUP, wait=2)
    assert home.last_result == "stopped"


@CLOSED
async def test_no_log_is_given_up_for_a_server_without_answers(home: Home) -> None:
    await home.advance(31)
    home.plex.durations[BACKUP] = HOUR
    home.plex.log.tells = False
    home.plex.fault("500", path="/activities", count=None)
    starting = asyncio.create_task(home.call("start_task"))
    await home.advance(0.5, 0.6)
    await starting
    await home.advance(5)
    assert not is_open(home)

    home.plex.log.tells = True
    home.plex.clear_faults()
    await home.pass_minutes(2)
    assert is_open(home)
    await home.shows("off", after=HOUR)


async def test_a_defect_in_the_reading_of_the_log_ends_nothing_else(
    new_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: bytes) -> None:
        raise RuntimeError("a defect")

    monkeypatch.setattr(log_lines, "parse_log_frame", fail)
    new_home.expect_log("the log cannot be read")
    await new_home.set_up()
    await new_home.pass_minutes(60)
    assert asked(new_home) == 1

    await new_home.start()
    assert new_home.state() == "on"


@CLOSED
async def test_a_run_whose_end_the_log_did_not_tell_is_not_on_for_ever(
    home: Home,
) -> None:
    await home.start(OPTIMIZE, lasts=62)
    await home.shows("on", OPTIMIZE_SWITCH, after=60)
    home.plex.log_hub.drop()
    await home.plex.advance(3)
    for _ in range(31):
        await home.advance(30)
        # It breaks time and again.
        home.plex.log_hub.drop()
        await home.advance(30)
    assert home.state(OPTIMIZE_SWITCH) == "off"
    assert home.last_result == "started"
