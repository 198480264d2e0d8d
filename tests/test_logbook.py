"""Activity says which task did what, in one line beside that of the task's switch."""

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
import logging
from pathlib import Path
from typing import Any
from unittest.mock import patch

from homeassistant.helpers import entity_registry as er, translation
from homeassistant.util import dt as dt_util
from homeassistant.util.json import load_json
import pytest
from pytest_homeassistant_custom_component.common import async_capture_events

from custom_components.plex_butler.const import DOMAIN
from tests.activity import Activity, async_activity
from tests.conftest import BACKUP, BACKUP_SWITCH, OPTIMIZE, Home
from tests.simulator import SimulatedPlex, TaskSpec

EVENT = "plex_butler_task_event"
STARTED, ENDED = "Back up database started", "Back up database ended after 30 s"
# A translation that is not complete
GERMAN = {
    "entity": {"switch": {"backup_database": {"name": "Datenbank sichern"}}},
    "common": {"run_ended_after": "nach {duration} beendet"},
}


@pytest.fixture
async def mock_recorder_before_hass(async_test_recorder: object) -> None:
    """Have a recorder, which must be there before Home Assistant."""
    # The plugin has every statement logged
    for name in ("sqlalchemy.engine", "homeassistant.components.recorder"):
        logging.getLogger(name).setLevel(logging.WARNING)


@pytest.fixture
def plex(recorder_mock: object, plex: SimulatedPlex) -> SimulatedPlex:
    """Return the server; the recorder is there before its entities are."""
    return plex


@dataclass
class Watched(Home):
    """A home whose Activity is looked at."""

    activity: Activity


@pytest.fixture
async def home(
    home: Home, hass_ws_client: Any, hass_access_token: str, hass_admin_user: Any
) -> Watched:
    activity = await async_activity(home.hass, hass_ws_client, hass_admin_user)
    return Watched(**vars(home), activity=activity)


async def run(home: Home, task: str = BACKUP, seconds: float = 30) -> None:
    """Have a task run and end, some time after what was before."""
    await home.advance(1)
    await home.run(task, seconds)


def own(lines: list[dict[str, Any]]) -> list[str]:
    """Return the lines that are no states."""
    return [f"{it['name']} {it['message']}" for it in lines if "message" in it]


async def entities_of(home: Watched) -> Counter[str]:
    """Return how many lines each entity has."""
    return Counter(line["entity_id"] for line in await home.activity.lines())


async def test_a_run_has_two_lines_at_its_start_and_two_at_its_end(
    home: Watched,
) -> None:
    await run(home)
    assert await home.activity.told(entity_ids=[BACKUP_SWITCH]) == [
        *("Attic Butler Back up database: on", STARTED),
        *("Attic Butler Back up database: off", ENDED),
    ]
    lines = await home.activity.lines(device_ids=[home.device])
    assert own(lines) == [STARTED, ENDED]
    origins = {(line["entity_id"], line["domain"]) for line in lines}
    assert origins == {(BACKUP_SWITCH, DOMAIN)}

    await run(home, OPTIMIZE, 200)
    assert own(await home.activity.lines()) == [
        *(STARTED, ENDED),
        "Optimize database started",
        "Optimize database ended after 3 min",
    ]


async def test_a_page_that_is_open_follows(home: Watched, hass_ws_client: Any) -> None:
    client = await hass_ws_client(home.hass)
    about = {"start_time": dt_util.utcnow().isoformat(), "device_ids": [home.device]}
    await client.send_json_auto_id({"type": "logbook/event_stream", **about})
    await home.activity.lines()
    assert (await client.receive_json())["success"]
    await run(home)
    told: list[str] = []
    while len(told) < 2:
        answer = await client.receive_json()
        told += own(answer["event"]["events"])

    assert told == [STARTED, ENDED]


async def test_a_stop_of_ours_is_said_to_be_one(home: Watched) -> None:
    home.plex.durations[BACKUP] = 9999
    for turn in (home.turn_on, home.turn_off):
        await home.advance(1)
        await turn()
        await home.advance_steps(10, 31)

    stopped = "Back up database stopped after 5 min"
    assert own(await home.activity.lines()) == [STARTED, stopped]


@pytest.mark.parametrize("profile", ["silent"])
async def test_no_end_is_made_up(home: Watched) -> None:
    await home.advance(1)
    await home.turn_on()
    await home.advance(3600, 1)

    assert await home.activity.told(entity_ids=[BACKUP_SWITCH]) == [
        *("Attic Butler Back up database: on", STARTED),
        "Attic Butler Back up database: off",
    ]


async def test_an_end_whose_start_was_not_seen_has_no_duration(home: Watched) -> None:
    await home.unload()
    home.begins(BACKUP, 60)
    await home.set_up()
    await home.advance(59, 2)

    assert own(await home.activity.lines()) == ["Back up database ended"]


async def test_a_task_without_a_name_of_ours_has_the_servers_title(
    home: Watched,
) -> None:
    title = "Sweep {the} floor"
    home.plex.add_task(TaskSpec(name="Sweep", title=title, description=""))
    await home.advance(601)
    await run(home, "Sweep", 20)
    told = [f"{title} started", f"{title} ended after 20 s"]
    assert own(await home.activity.lines()) == told


async def test_a_task_whose_switch_is_disabled_or_gone_is_told_of_all_the_same(
    home: Watched,
) -> None:
    home.activity.begin()
    registry = er.async_get(home.hass)
    by_user = er.RegistryEntryDisabler.USER
    registry.async_update_entity(BACKUP_SWITCH, disabled_by=by_user)
    await home.hass.async_block_till_done()
    await run(home)
    assert [
        line["entity_id"] for line in await home.activity.lines() if "message" in line
    ]
    assert own(await home.activity.lines(entity_ids=[BACKUP_SWITCH])) == [
        STARTED,
        ENDED,
    ]

    home.activity.begin()
    registry.async_remove(BACKUP_SWITCH)
    await run(home)
    lines = await home.activity.lines(device_ids=[home.device])
    assert own(lines) == [STARTED, ENDED]
    assert [line.get("entity_id") for line in lines] == [None, None]


@pytest.mark.usefixtures("disable_translations_once")
async def test_activity_speaks_home_assistants_language(home: Watched) -> None:
    def read(path: Path) -> Any:
        is_german = path.parts[-3:] == (DOMAIN, "translations", "de.json")
        return GERMAN if is_german else load_json(path)

    with patch("homeassistant.helpers.translation.load_json", read):
        await home.hass.config.async_update(language="de")
        await translation.async_load_integrations(home.hass, {DOMAIN})
    await run(home)

    german = ["Datenbank sichern started", "Datenbank sichern nach 30 s beendet"]
    assert own(await home.activity.lines()) == german


async def test_activity_is_english_until_a_language_is_loaded(home: Watched) -> None:
    home.hass.config.language = "tlh"
    await run(home)

    assert own(await home.activity.lines()) == [STARTED, ENDED]


async def test_the_bus_event_tells_what_is_known(home: Home) -> None:
    events = async_capture_events(home.hass, EVENT)
    await run(home)

    started, ended = (event.data for event in events)
    assert started == {
        "type": "started",
        "device_id": home.device,
        "entity_id": BACKUP_SWITCH,
        "name": BACKUP,
        "task": "Back up database",
        "evidence": "assumed",
        "started_at": started["started_at"],
    }
    assert ended == started | {
        "type": "ended",
        "evidence": "observed",
        "ended_at": started["started_at"] + timedelta(seconds=30),
        "duration": 30,
    }


@pytest.mark.usefixtures("all_entities_enabled")
@pytest.mark.parametrize("fault", ["503", "refuse", "401"])
async def test_an_outage_writes_one_line_for_each_entity_and_one_when_it_ends(
    home: Watched, fault: str
) -> None:
    home.expect_log("Error fetching Attic Butler data")
    await run(home)
    # One of these ends in the outage, and one goes on
    home.begins(BACKUP, 100)
    await home.others_start(OPTIMIZE, lasts=10000, wait=31)
    home.activity.begin()

    home.plex.fault(fault, count=None)
    home.plex.hub.drop()
    await home.advance_steps(10, 31)
    went = await entities_of(home)
    assert set(went.values()) == {1}
    assert not [it for it in went if it.startswith("event.")]

    home.activity.begin()
    home.plex.clear_faults()
    await home.advance_steps(10, 31)
    assert await entities_of(home) == went


@pytest.mark.usefixtures("all_entities_enabled")
@pytest.mark.parametrize("away", [False, True])
async def test_a_reload_or_a_start_without_the_server_writes_no_more(
    home: Watched, *, away: bool
) -> None:
    await run(home)
    await home.others_start(OPTIMIZE, lasts=10000, wait=31)
    home.activity.begin()

    await home.advance(1)
    await home.unload()
    went = await entities_of(home)
    assert set(went.values()) == {1}

    home.activity.begin()
    await home.advance(1)
    if away:
        home.plex.fault("503", count=None)
    await home.set_up()
    await home.advance_steps(4, 31)
    home.plex.clear_faults()
    await home.advance_steps(10, 31)
    assert await entities_of(home) == went


@pytest.mark.usefixtures("all_entities_enabled")
async def test_a_start_of_home_assistant_writes_nothing(home: Watched) -> None:
    await run(home)
    await home.unload()
    # The states of before are gone with the process
    for state in home.hass.states.async_all():
        home.hass.states.async_remove(state.entity_id)
    await home.settle()
    home.activity.begin()

    await home.advance(1)
    await home.set_up()
    await home.advance(31)

    assert await home.activity.lines() == []
