"""The server's log names runs that nothing else shows, and nothing of it is kept."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from itertools import product
import json
from typing import Any

from homeassistant.const import (
    ATTR_ASSUMED_STATE,
    STATE_OFF,
    STATE_ON,
)
from homeassistant.core import HomeAssistant
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
)
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.plex_butler.api import log_lines
from custom_components.plex_butler.const import DOMAIN
from tests.conftest import Advance, settle, until
from tests.downloads import download
from tests.house import commands
from tests.simulator import (
    PROFILES,
    LogFormat,
    ManualClock,
    Profile,
    SessionNames,
    SimulatedPlex,
)

# Also what is disabled at first
pytestmark = pytest.mark.usefixtures("all_entities_enabled")

BACKUP, OPTIMIZE = "BackupDatabase", "OptimizeDatabase"
SWITCH = "switch.attic_butler_back_up_database"
LOG = "/:/websockets/notifications?filters=log"
MINUTE, HOUR, DAY = 60, 3600, 86400

# Nothing shows but what the log says.
SILENT = PROFILES["silent"].with_traits(log_tells=True)
FORMS = [
    SILENT.with_traits(log_format=form, log_quotes=quotes, log_prefix=prefix)
    for form, quotes, prefix in product(LogFormat, [True, False], [True, False])
]


def form_of(profile: Profile) -> str:
    traits = profile.traits
    return f"{traits.log_format}-{traits.log_quotes:d}{traits.log_prefix:d}"


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


async def pass_minutes(advance: Advance, minutes: int) -> None:
    for _ in range(minutes):
        await advance(MINUTE)


async def start(hass: HomeAssistant, task: str = BACKUP) -> None:
    await hass.services.async_call(DOMAIN, "start_task", {"task": task}, blocking=True)
    await settle(hass)


def attributes(hass: HomeAssistant, entity_id: str) -> Mapping[str, Any]:
    state = hass.states.get(entity_id)
    assert state
    return state.attributes


def last_result(hass: HomeAssistant) -> Any:
    return attributes(hass, "event.attic_butler_task").get("event_type")


@pytest.mark.parametrize("profile", FORMS, ids=form_of)
async def test_a_run_that_only_the_log_names_is_shown_until_it_ends(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    plex: SimulatedPlex,
    advance: Advance,
) -> None:
    assert len(plex.log_hub.sockets) == 1
    assert hass.states.is_state(SWITCH, STATE_OFF)

    plex.noise.log_flood(50)
    plex.client_start(BACKUP)
    await advance(1)
    assert hass.states.is_state(SWITCH, STATE_ON)
    assert ATTR_ASSUMED_STATE not in attributes(hass, SWITCH)

    await advance(plex.durations[BACKUP])
    await advance(1)
    assert hass.states.is_state(SWITCH, STATE_OFF)
    assert last_result(hass) == "ended"


@pytest.mark.parametrize("window", [(2, 5)])
async def test_the_log_is_open_around_the_window_and_around_a_start(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    plex: SimulatedPlex,
    advance: Advance,
) -> None:
    await advance(10 * MINUTE)
    assert asked(plex) == 0

    plex.durations[BACKUP] = 30
    await start(hass)
    assert len(plex.log_hub.sockets) == 1
    order = [(it.method, it.path) for it in plex.requests]
    assert order.index(("POST", f"/butler/{BACKUP}")) > order.index(
        ("GET", "/:/websockets/notifications")
    )
    await advance(31)
    assert last_result(hass) == "ended"


@pytest.mark.parametrize("window", [(14, 15)])
async def test_the_log_is_open_from_before_the_window_until_after_it(
    loaded: MockConfigEntry, plex: SimulatedPlex, advance: Advance
) -> None:
    await pass_minutes(advance, 114)
    assert not plex.log_hub.sockets
    await pass_minutes(advance, 2)
    assert plex.log_hub.sockets

    # What the server begins at its hour is over long before its window ends.
    plex.client_stop_all()
    await pass_minutes(advance, 65)
    assert plex.log_hub.sockets
    await pass_minutes(advance, 6)
    plex.client_stop_all()
    await pass_minutes(advance, 2)


@pytest.mark.parametrize("window", [(2, 5)])
@pytest.mark.parametrize("profile", [PROFILES["session"]])
async def test_the_log_is_closed_again_where_rows_name_the_tasks(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    plex: SimulatedPlex,
    advance: Advance,
) -> None:
    plex.durations[BACKUP] = 30
    await start(hass)
    await advance(31)
    assert last_result(hass) == "ended"

    await pass_minutes(advance, 2)
    assert not plex.log_hub.sockets

    plex.client_start(BACKUP)
    await advance(1)
    assert hass.states.is_state(SWITCH, STATE_ON)
    assert plex.log_hub.sockets


@pytest.mark.parametrize("window", [(2, 5)])
async def test_the_log_stays_open_where_nothing_else_names_tasks(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    plex: SimulatedPlex,
    advance: Advance,
) -> None:
    plex.durations[BACKUP] = 30
    await start(hass)
    await advance(31)
    await pass_minutes(advance, 90)

    plex.client_start(BACKUP)
    await advance(1)
    assert hass.states.is_state(SWITCH, STATE_ON)
    assert asked(plex) == 1


async def test_a_log_that_tells_nothing_is_closed_and_tried_again_a_day_later(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    plex: SimulatedPlex,
    advance: Advance,
) -> None:
    plex.log.tells = False
    await hass.config_entries.async_setup(entry.entry_id)
    await settle(hass)
    assert plex.log_hub.sockets
    await advance(6)
    assert not plex.log_hub.sockets

    await pass_minutes(advance, 60)
    assert asked(plex) == 1

    plex.log.tells = True
    await advance(DAY)
    await pass_minutes(advance, 2)
    assert asked(plex) == 2
    assert plex.log_hub.sockets


@pytest.mark.parametrize("refused", [400, 404, 0])
async def test_a_log_that_is_refused_is_tried_again_with_the_next_version(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    plex: SimulatedPlex,
    advance: Advance,
    refused: int,
) -> None:
    plex.log.refused = refused
    await hass.config_entries.async_setup(entry.entry_id)
    await settle(hass)
    await pass_minutes(advance, 10)
    tries = asked(plex)
    # What is cut off may pass, so it is tried again; each such try is two requests.
    assert tries == (1 if refused else 6)
    await pass_minutes(advance, 60)
    assert asked(plex) == tries

    plex.log.refused = None
    await plex.restart(version="1.50.0.1234-abc")
    await pass_minutes(advance, 62)
    assert asked(plex) == tries + 1
    assert plex.log_hub.sockets


@pytest.mark.parametrize("window", [(2, 5)])
async def test_a_start_waits_a_second_for_the_log_and_no_longer(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    plex: SimulatedPlex,
    advance: Advance,
) -> None:
    plex.log.tells = False
    call = hass.services.async_call(
        DOMAIN, "start_task", {"task": BACKUP}, blocking=True
    )
    starting = asyncio.create_task(call)
    await advance(0.5)
    assert not commands(plex, "POST")
    await advance(0.6)
    await starting
    assert hass.states.is_state(SWITCH, STATE_ON)

    await advance(5)
    await start(hass, OPTIMIZE)
    assert asked(plex) == 1


@pytest.mark.parametrize("window", [(2, 5)])
async def test_a_log_that_names_no_run_three_times_is_asked_no_more(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    plex: SimulatedPlex,
    advance: Advance,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    write = plex.log.write

    def without_names(line: str, *parts: object) -> None:
        if "sub-activity" not in line:
            write(line, *parts)

    monkeypatch.setattr(plex.log, "write", without_names)
    plex.durations[BACKUP] = 5
    for _ in range(3):
        await start(hass)
        await pass_minutes(advance, 40)
    assert asked(plex) == 3

    await start(hass)
    assert asked(plex) == 3


async def test_a_flood_closes_the_log_for_some_minutes(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    plex: SimulatedPlex,
    advance: Advance,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(log_lines, "FLOOD_FRAMES", 1_000)
    plex.noise.log_flood(3_000)
    await advance(1)
    assert not plex.log_hub.sockets
    await pass_minutes(advance, 4)
    assert asked(plex) == 1

    await pass_minutes(advance, 3)
    plex.client_start(BACKUP)
    await advance(1)
    assert hass.states.is_state(SWITCH, STATE_ON)
    assert asked(plex) == 2


async def test_a_stop_by_somebody_else_is_no_end(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    plex: SimulatedPlex,
    advance: Advance,
) -> None:
    for stop in (lambda: plex.client_stop(BACKUP), plex.client_stop_all):
        plex.client_start(BACKUP)
        await advance(2)
        assert hass.states.is_state(SWITCH, STATE_ON)
        stop()
        await advance(2)
        assert hass.states.is_state(SWITCH, STATE_OFF)
        assert last_result(hass) == "stopped"


async def test_a_command_of_ours_is_not_taken_for_somebody_elses(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    plex: SimulatedPlex,
    advance: Advance,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await start(hass)
    await advance(2)
    # Its line comes late, when the task runs once more.
    late: list[tuple[Any, ...]] = []
    write = plex.log.write
    with monkeypatch.context() as patched:
        patched.setattr(plex.log, "write", lambda *line: late.append(line))
        await hass.services.async_call(
            DOMAIN, "stop_task", {"task": BACKUP}, blocking=True
        )
    await start(hass)
    for line in late:
        if "Completed" in line[0]:
            write(*line)
    await advance(2)
    assert hass.states.is_state(SWITCH, STATE_ON)

    # A command of ours has one line: the next is of somebody else.
    for line in late:
        if "Completed" in line[0]:
            write(*line)
    await advance(2)
    assert hass.states.is_state(SWITCH, STATE_OFF)
    assert last_result(hass) == "stopped"


async def test_nothing_of_the_log_is_kept_but_what_is_of_butler(
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    hass_storage: dict[str, Any],
    loaded: MockConfigEntry,
    plex: SimulatedPlex,
    advance: Advance,
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
    await advance(5)
    assert hass.states.is_state("switch.attic_butler_optimize_database", STATE_ON)
    plex.client_stop(BACKUP)
    await advance(5)

    diagnostics = await download(hass, hass_client, loaded)
    await hass.config_entries.async_unload(loaded.entry_id)
    places = [diagnostics, json.dumps(hass_storage), caplog.text]
    places += [str(state.as_dict()) for state in hass.states.async_all()]
    for secret in ("alex", "Harbour", "192.168", "7c0f"):
        assert not [it for it in places if secret in it]


@pytest.mark.parametrize("stopped", [True, False])
async def test_no_socket_is_left_behind(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    plex: SimulatedPlex,
    advance: Advance,
    stopped: bool,  # noqa: FBT001 a parameter
) -> None:
    assert plex.log_hub.sockets
    if stopped:
        await hass.async_stop(force=True)
    else:
        await hass.config_entries.async_unload(loaded.entry_id)
    await until(lambda: not plex.log_hub.sockets)
    if not stopped:
        await pass_minutes(advance, 10)
        assert asked(plex) == 1


@pytest.mark.parametrize(
    "profile", [SILENT, PROFILES["session"]], ids=["silent", "session"]
)
@pytest.mark.parametrize("window", [(2, 5)])
async def test_a_log_that_breaks_during_a_run_is_open_again_in_seconds(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    plex: SimulatedPlex,
    advance: Advance,
) -> None:
    plex.durations[OPTIMIZE] = HOUR
    await start(hass, OPTIMIZE)
    await advance(MINUTE / 2)
    for times in (2, 3):
        plex.log_hub.drop()
        await until(lambda: not plex.log_hub.sockets)
        await settle(hass)
        await advance(4)
        assert not plex.log_hub.sockets
        await advance(2)
        assert plex.log_hub.sockets
        assert asked(plex) == times

    plex.client_start(BACKUP)
    await advance(HOUR)
    assert hass.states.is_state(SWITCH, STATE_OFF)
    assert last_result(hass) == "ended"


@pytest.mark.parametrize("stopped", [True, False])
async def test_a_log_that_broke_is_not_opened_for_an_entry_that_is_gone(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    plex: SimulatedPlex,
    advance: Advance,
    stopped: bool,  # noqa: FBT001 a parameter
) -> None:
    plex.log_hub.drop()
    await until(lambda: not plex.log_hub.sockets)
    await settle(hass)
    if stopped:
        await hass.async_stop(force=True)
    else:
        await hass.config_entries.async_unload(loaded.entry_id)
        await pass_minutes(advance, 2)
    assert asked(plex) == 1


async def test_a_line_that_never_came_does_not_hide_somebody_elses_command(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    plex: SimulatedPlex,
    advance: Advance,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await start(hass)
    with monkeypatch.context() as patched:
        patched.setattr(plex.log, "write", lambda *_: None)
        await hass.services.async_call(
            DOMAIN, "stop_task", {"task": BACKUP}, blocking=True
        )
    await pass_minutes(advance, 2)

    plex.client_start(BACKUP)
    await advance(2)
    plex.client_stop(BACKUP)
    await advance(2)
    assert last_result(hass) == "stopped"


@pytest.mark.parametrize("window", [(2, 5)])
async def test_a_log_is_not_given_up_by_a_server_that_does_not_answer(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    plex: SimulatedPlex,
    advance: Advance,
) -> None:
    await advance(31)
    plex.durations[BACKUP] = HOUR
    plex.log.tells = False
    plex.fault("500", path="/activities", count=None)
    call = hass.services.async_call(
        DOMAIN, "start_task", {"task": BACKUP}, blocking=True
    )
    starting = asyncio.create_task(call)
    await advance(0.5)
    await advance(0.6)
    await starting
    await advance(5)
    assert not plex.log_hub.sockets

    plex.log.tells = True
    plex.clear_faults()
    await pass_minutes(advance, 2)
    assert plex.log_hub.sockets
    await advance(HOUR)
    assert hass.states.is_state(SWITCH, STATE_OFF)


async def test_a_defect_in_the_reading_of_the_log_ends_nothing_else(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    plex: SimulatedPlex,
    advance: Advance,
    expected_logs: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(_: bytes) -> None:
        raise RuntimeError("a defect")

    monkeypatch.setattr(log_lines, "parse_log_frame", fail)
    expected_logs.append("the log cannot be read")
    await hass.config_entries.async_setup(entry.entry_id)
    await settle(hass)
    await pass_minutes(advance, 60)
    assert asked(plex) == 1

    await start(hass)
    assert hass.states.is_state(SWITCH, STATE_ON)


@pytest.mark.parametrize("window", [(2, 5)])
@pytest.mark.parametrize("profile", [PROFILES["session"]])
async def test_a_start_right_after_somebody_elses_stop_is_a_run_of_its_own(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    plex: SimulatedPlex,
    advance: Advance,
) -> None:
    # The log is opened for the row, so it does not know the begin.
    plex.client_start(BACKUP)
    await advance(3)
    assert hass.states.is_state(SWITCH, STATE_ON)
    plex.client_stop(BACKUP)
    await advance(1)
    assert hass.states.is_state(SWITCH, STATE_OFF)

    plex.client_start(BACKUP)
    await advance(1)
    assert hass.states.is_state(SWITCH, STATE_ON)


NAMELESS = PROFILES["session"].with_traits(session_names=SessionNames.NOTHING)


@pytest.mark.parametrize(
    ("profile", "minutes"), [(SILENT, 31), (NAMELESS, 3)], ids=["silent", "nameless"]
)
@pytest.mark.parametrize("window", [(2, 5)])
@pytest.mark.parametrize("cause", ["break", "breaks", "restart", "reload"])
async def test_a_run_whose_end_the_log_did_not_tell_is_not_on_for_ever(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    plex: SimulatedPlex,
    advance: Advance,
    cause: str,
    minutes: int,
) -> None:
    switch = "switch.attic_butler_optimize_database"
    plex.durations[OPTIMIZE] = 62
    await start(hass, OPTIMIZE)
    await pass_minutes(advance, 1)
    assert hass.states.is_state(switch, STATE_ON)

    if cause == "restart":
        await plex.restart(refused_for=2)
    elif cause == "reload":
        await hass.config_entries.async_unload(loaded.entry_id)
        await advance(10)
        await hass.config_entries.async_setup(loaded.entry_id)
        await settle(hass)
    else:
        plex.log_hub.drop()
        await plex.advance(3)
    for _ in range(minutes):
        await advance(30)
        if cause == "breaks":
            plex.log_hub.drop()
        await advance(30)
    assert hass.states.is_state(switch, STATE_OFF)
    assert last_result(hass) == "started"
