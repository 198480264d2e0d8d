"""Activity says which task did what, in one line beside that of the task's switch."""

from collections import Counter
from datetime import timedelta
import logging
from pathlib import Path
from typing import Any
from unittest.mock import patch

from homeassistant.core import Event, HomeAssistant
from homeassistant.helpers import entity_registry as er, translation
from homeassistant.util import dt as dt_util
from homeassistant.util.json import load_json
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_capture_events,
)

from custom_components.plex_butler.const import DOMAIN
from tests.activity import Activity, async_activity
from tests.automations import device_of
from tests.conftest import Advance, settle
from tests.simulator import SimulatedPlex, TaskSpec

BACKUP, OPTIMIZE = "BackupDatabase", "OptimizeDatabase"
SWITCH = "switch.attic_butler_back_up_database"
EVENT = "plex_butler_task_event"
DE = ("translations", "de.json")


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


@pytest.fixture
async def activity(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    hass_ws_client: Any,
    hass_access_token: str,
    hass_admin_user: Any,
) -> Activity:
    """Return the logbook of a server that is set up."""
    return await async_activity(hass, hass_ws_client, hass_admin_user)


async def run(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    advance: Advance,
    task: str,
    seconds: float,
) -> None:
    """Have a task run and end, and all of it be seen."""
    plex.durations[task] = seconds
    await advance(1)
    await hass.services.async_call(DOMAIN, "start_task", {"task": task}, blocking=True)
    await advance(seconds)
    await advance(5)
    assert plex.truth()[task] == "idle"


def own(lines: list[dict[str, Any]]) -> list[str]:
    """Return the lines that are no states."""
    return [f"{it['name']} {it['message']}" for it in lines if "message" in it]


async def test_activity_says_which_task_started_and_ended_and_how_long_it_took(
    hass: HomeAssistant, plex: SimulatedPlex, advance: Advance, activity: Activity
) -> None:
    await run(hass, plex, advance, BACKUP, 30)
    await run(hass, plex, advance, OPTIMIZE, 200)

    assert own(await activity.lines()) == [
        "Back up database started",
        "Back up database ended after 30 s",
        "Optimize database started",
        "Optimize database ended after 3 min",
    ]


async def test_a_run_has_two_lines_at_its_start_and_two_at_its_end(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    loaded: MockConfigEntry,
    advance: Advance,
    activity: Activity,
) -> None:
    await run(hass, plex, advance, BACKUP, 30)

    expected = [
        "Attic Butler Back up database: on",
        "Back up database started",
        "Attic Butler Back up database: off",
        "Back up database ended after 30 s",
    ]
    assert await activity.told(entity_ids=[SWITCH]) == expected
    lines = await activity.lines(device_ids=[device_of(hass, loaded)])
    assert own(lines) == [line for line in expected if ":" not in line]
    assert {line["entity_id"] for line in lines} == {SWITCH}
    assert {line["domain"] for line in lines} == {DOMAIN}


async def test_a_page_that_is_open_follows(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    loaded: MockConfigEntry,
    advance: Advance,
    activity: Activity,
    hass_ws_client: Any,
) -> None:
    client = await hass_ws_client(hass)
    await client.send_json_auto_id(
        {
            "type": "logbook/event_stream",
            "start_time": dt_util.utcnow().isoformat(),
            "device_ids": [device_of(hass, loaded)],
        }
    )
    await activity.lines()
    assert (await client.receive_json())["success"]
    await run(hass, plex, advance, BACKUP, 30)
    told: list[str] = []
    while len(told) < 2:
        answer = await client.receive_json()
        told += own(answer["event"]["events"])

    assert told == ["Back up database started", "Back up database ended after 30 s"]


async def test_a_stop_of_ours_is_said_to_be_one(
    hass: HomeAssistant, plex: SimulatedPlex, advance: Advance, activity: Activity
) -> None:
    plex.durations[BACKUP] = 9999
    for action in ("turn_on", "turn_off"):
        await advance(1)
        await hass.services.async_call(
            "switch", action, {"entity_id": SWITCH}, blocking=True
        )
        for _ in range(10):
            await advance(31)

    assert own(await activity.lines()) == [
        "Back up database started",
        "Back up database stopped after 5 min",
    ]


@pytest.mark.parametrize("profile", ["silent"])
async def test_no_end_is_made_up(
    hass: HomeAssistant, plex: SimulatedPlex, advance: Advance, activity: Activity
) -> None:
    await advance(1)
    await hass.services.async_call(
        "switch", "turn_on", {"entity_id": SWITCH}, blocking=True
    )
    await advance(3600)
    await advance(1)

    assert await activity.told(entity_ids=[SWITCH]) == [
        "Attic Butler Back up database: on",
        "Back up database started",
        "Attic Butler Back up database: off",
    ]


async def test_an_end_whose_start_was_not_seen_has_no_duration(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    loaded: MockConfigEntry,
    advance: Advance,
    activity: Activity,
) -> None:
    assert await hass.config_entries.async_unload(loaded.entry_id)
    plex.durations[BACKUP] = 60
    plex.client_start(BACKUP)
    await hass.config_entries.async_setup(loaded.entry_id)
    await settle(hass)
    await advance(59)
    await advance(2)

    assert own(await activity.lines()) == ["Back up database ended"]


async def test_a_task_without_a_name_of_ours_has_the_servers_title(
    hass: HomeAssistant, plex: SimulatedPlex, advance: Advance, activity: Activity
) -> None:
    plex.add_task(TaskSpec(name="Sweep", title="Sweep {the} floor", description=""))
    await advance(601)
    await run(hass, plex, advance, "Sweep", 20)

    assert own(await activity.lines()) == [
        "Sweep {the} floor started",
        "Sweep {the} floor ended after 20 s",
    ]


async def test_a_task_whose_switch_is_disabled_or_gone_is_told_of_all_the_same(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    loaded: MockConfigEntry,
    advance: Advance,
    activity: Activity,
) -> None:
    activity.begin()
    registry = er.async_get(hass)
    registry.async_update_entity(SWITCH, disabled_by=er.RegistryEntryDisabler.USER)
    await hass.async_block_till_done()
    await run(hass, plex, advance, BACKUP, 20)
    assert [line["entity_id"] for line in await activity.lines() if "message" in line]
    assert own(await activity.lines(entity_ids=[SWITCH])) == [
        "Back up database started",
        "Back up database ended after 20 s",
    ]

    activity.begin()
    registry.async_remove(SWITCH)
    await run(hass, plex, advance, BACKUP, 20)
    lines = await activity.lines(device_ids=[device_of(hass, loaded)])
    assert own(lines) == [
        "Back up database started",
        "Back up database ended after 20 s",
    ]
    assert [line.get("entity_id") for line in lines] == [None, None]


# A translation that is not complete
GERMAN = {
    "entity": {"switch": {"backup_database": {"name": "Datenbank sichern"}}},
    "common": {"run_ended_after": "nach {duration} beendet"},
}


@pytest.mark.usefixtures("disable_translations_once")
async def test_activity_speaks_the_language_of_home_assistant(
    hass: HomeAssistant, plex: SimulatedPlex, advance: Advance, activity: Activity
) -> None:
    def read(path: Path) -> Any:
        return GERMAN if path.parts[-3:] == (DOMAIN, *DE) else load_json(path)

    with patch("homeassistant.helpers.translation.load_json", read):
        await hass.config.async_update(language="de")
        await translation.async_load_integrations(hass, {DOMAIN})
    await run(hass, plex, advance, BACKUP, 30)

    assert own(await activity.lines()) == [
        "Datenbank sichern started",
        "Datenbank sichern nach 30 s beendet",
    ]


async def test_activity_is_english_until_a_language_is_loaded(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    loaded: MockConfigEntry,
    advance: Advance,
    activity: Activity,
) -> None:
    hass.config.language = "tlh"
    await run(hass, plex, advance, BACKUP, 30)

    assert own(await activity.lines()) == [
        "Back up database started",
        "Back up database ended after 30 s",
    ]


async def test_the_bus_event_tells_what_is_known(
    hass: HomeAssistant, plex: SimulatedPlex, loaded: MockConfigEntry, advance: Advance
) -> None:
    events: list[Event[dict[str, Any]]] = async_capture_events(hass, EVENT)
    await run(hass, plex, advance, BACKUP, 30)

    started, ended = (event.data for event in events)
    assert started == {
        "type": "started",
        "device_id": device_of(hass, loaded),
        "entity_id": SWITCH,
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


@pytest.mark.parametrize("fault", ["503", "refuse", "401"])
async def test_an_outage_writes_one_line_for_each_entity_and_one_when_it_ends(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    all_entities_enabled: None,
    loaded: MockConfigEntry,
    advance: Advance,
    activity: Activity,
    expected_logs: list[str],
    fault: str,
) -> None:
    expected_logs.append("Error fetching Attic Butler data")
    await run(hass, plex, advance, BACKUP, 30)
    # One of these ends in the outage, and one goes on
    plex.durations[BACKUP], plex.durations[OPTIMIZE] = 100, 10000
    plex.client_start(BACKUP)
    plex.client_start(OPTIMIZE)
    await advance(31)
    activity.begin()

    plex.fault(fault, count=None)
    plex.hub.drop()
    for _ in range(10):
        await advance(31)
    went = Counter(line["entity_id"] for line in await activity.lines())
    assert set(went.values()) == {1}
    assert not [it for it in went if it.startswith("event.")]

    activity.begin()
    plex.clear_faults()
    for _ in range(10):
        await advance(31)
    assert Counter(line["entity_id"] for line in await activity.lines()) == went


@pytest.mark.parametrize("away", [False, True])
async def test_a_reload_or_a_start_without_the_server_writes_no_more(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    all_entities_enabled: None,
    loaded: MockConfigEntry,
    advance: Advance,
    activity: Activity,
    *,
    away: bool,
) -> None:
    await run(hass, plex, advance, BACKUP, 30)
    plex.durations[OPTIMIZE] = 10000
    plex.client_start(OPTIMIZE)
    await advance(31)
    activity.begin()

    await advance(1)
    assert await hass.config_entries.async_unload(loaded.entry_id)
    went = Counter(line["entity_id"] for line in await activity.lines())
    assert set(went.values()) == {1}

    activity.begin()
    await advance(1)
    if away:
        plex.fault("503", count=None)
    await hass.config_entries.async_setup(loaded.entry_id)
    for _ in range(4):
        await advance(31)
    plex.clear_faults()
    for _ in range(10):
        await advance(31)
    assert Counter(line["entity_id"] for line in await activity.lines()) == went


async def test_a_start_of_home_assistant_writes_nothing(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    all_entities_enabled: None,
    loaded: MockConfigEntry,
    advance: Advance,
    activity: Activity,
) -> None:
    await run(hass, plex, advance, BACKUP, 30)
    assert await hass.config_entries.async_unload(loaded.entry_id)
    # The states of before are gone with the process
    for state in hass.states.async_all():
        hass.states.async_remove(state.entity_id)
    await settle(hass)
    activity.begin()

    await advance(1)
    await hass.config_entries.async_setup(loaded.entry_id)
    await advance(31)

    assert await activity.lines() == []
