"""What outlives a reload and a restart, and what does not."""

from datetime import datetime
from typing import Any

from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import (
    ATTR_ASSUMED_STATE,
    ATTR_ENTITY_ID,
    SERVICE_TURN_ON,
    STATE_OFF,
    STATE_ON,
    Platform,
)
from homeassistant.core import HomeAssistant
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_capture_events,
)

from custom_components.plex_butler.run_state import EndedRun, TaskView
from tests.conftest import Advance, Home, settle
from tests.simulator import PROFILES, SimulatedPlex

BACKUP = "switch.attic_butler_back_up_database"

type Storage = dict[str, Any]


def key_of(entry: MockConfigEntry) -> str:
    return f"plex_butler.{entry.entry_id}"


def view_of(entry: MockConfigEntry) -> TaskView:
    view: TaskView = entry.runtime_data.data.runs.tasks["BackupDatabase"]
    return view


def state(hass: HomeAssistant) -> str | None:
    found = hass.states.get(BACKUP)
    return found.state if found else None


def is_assumed(hass: HomeAssistant) -> bool:
    found = hass.states.get(BACKUP)
    return bool(found and found.attributes.get(ATTR_ASSUMED_STATE))


async def turn_on(hass: HomeAssistant) -> None:
    await hass.services.async_call(
        Platform.SWITCH, SERVICE_TURN_ON, {ATTR_ENTITY_ID: BACKUP}, blocking=True
    )


async def unload(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    assert await hass.config_entries.async_unload(entry.entry_id)


async def set_up(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    assert await hass.config_entries.async_setup(entry.entry_id)
    await settle(hass)


async def run_once(plex: SimulatedPlex, advance: Advance) -> None:
    """Let the server show a run from start to end."""
    await advance(31)
    plex.durations["BackupDatabase"] = 60
    plex.client_start("BackupDatabase")
    for _ in range(8):
        await advance(10)


async def test_what_a_server_has_shown_is_known_after_a_reload(
    hass: HomeAssistant,
    hass_storage: Storage,
    plex: SimulatedPlex,
    loaded: MockConfigEntry,
    advance: Advance,
) -> None:
    await run_once(plex, advance)
    assert state(hass) == STATE_OFF

    await unload(hass, loaded)
    assert hass_storage[key_of(loaded)]["data"]["known"]["named"]
    await set_up(hass, loaded)

    # A server that shows its tasks would show this one.
    plex.fault("ignore", path="/butler/BackupDatabase")
    await turn_on(hass)
    assert not is_assumed(hass)
    await advance(14)
    await advance(8)
    assert state(hass) == STATE_OFF


async def test_an_end_right_before_a_reload_is_told(
    home: Home, plex: SimulatedPlex
) -> None:
    await home.earn_trust()
    home.begins("BackupDatabase", 30)
    await home.advance(29)
    told = async_capture_events(home.hass, "plex_butler_task_event")
    await plex.advance(1.1)
    await home.heard()
    assert not told

    await home.reload()
    assert [event.data["type"] for event in told] == ["ended"]


async def test_the_last_run_is_known_after_a_reload(
    hass: HomeAssistant,
    hass_storage: Storage,
    plex: SimulatedPlex,
    loaded: MockConfigEntry,
    advance: Advance,
) -> None:
    await run_once(plex, advance)
    before = view_of(loaded).last
    assert before and before.duration

    await unload(hass, loaded)
    await set_up(hass, loaded)

    after = view_of(loaded).last
    assert after and after.duration
    assert (after.result, after.evidence) == (before.result, before.evidence)
    assert (after.started_at, after.ended.utc) == (before.started_at, before.ended.utc)
    assert abs((after.duration - before.duration).total_seconds()) < 0.01


async def test_memory_is_kept_without_an_unload_too(
    hass: HomeAssistant,
    hass_storage: Storage,
    plex: SimulatedPlex,
    loaded: MockConfigEntry,
    advance: Advance,
) -> None:
    await run_once(plex, advance)
    await advance(61)

    (last,) = hass_storage[key_of(loaded)]["data"]["last"]
    assert last["task"] == "BackupDatabase"


async def test_removing_a_server_forgets_it(
    hass: HomeAssistant,
    hass_storage: Storage,
    plex: SimulatedPlex,
    loaded: MockConfigEntry,
    advance: Advance,
) -> None:
    await run_once(plex, advance)
    await hass.config_entries.async_remove(loaded.entry_id)
    await advance(61)

    assert key_of(loaded) not in hass_storage


@pytest.mark.parametrize(
    "stored",
    [
        {"version": 1, "data": None},
        {"version": 1, "data": []},
        {"version": 1, "data": "garbage"},
        {"version": 1, "data": {"known": 7, "runs": "x", "last": {}, "version": 1}},
        {"version": 1, "data": {"known": {"busy": 7}, "runs": [{}, None]}},
        {
            "version": 1,
            "data": {"runs": [{"task": "BackupDatabase", "proved": 7}]},
        },
        {"version": 1, "minor_version": 9, "data": {"runs": []}},
        {"version": 99, "data": {"anything": "else"}},
        {"version": 0, "data": {"anything": "else"}},
    ],
)
async def test_a_memory_that_cannot_be_read_is_begun_anew(
    hass: HomeAssistant,
    hass_storage: Storage,
    plex: SimulatedPlex,
    entry: MockConfigEntry,
    advance: Advance,
    stored: dict[str, Any],
) -> None:
    hass_storage[key_of(entry)] = {"minor_version": 1, "key": key_of(entry)} | stored
    await set_up(hass, entry)
    assert state(hass) == STATE_OFF

    await run_once(plex, advance)
    await unload(hass, entry)
    assert hass_storage[key_of(entry)]["version"] == 1
    await set_up(hass, entry)
    assert view_of(entry).last


async def test_a_server_that_is_away_costs_no_writes(
    hass: HomeAssistant,
    hass_storage: Storage,
    plex: SimulatedPlex,
    loaded: MockConfigEntry,
    advance: Advance,
) -> None:
    await run_once(plex, advance)
    await unload(hass, loaded)
    hass_storage[key_of(loaded)]["data"]["unread"] = True
    plex.fault("503", count=None)
    await hass.config_entries.async_setup(loaded.entry_id)
    for _ in range(3):
        await advance(100)
    state_now: ConfigEntryState = loaded.state
    assert state_now is ConfigEntryState.SETUP_RETRY
    assert hass_storage[key_of(loaded)]["data"]["unread"]

    plex.clear_faults()
    await advance(600)
    assert view_of(loaded).last


async def test_a_run_that_goes_on_keeps_its_start(
    hass: HomeAssistant,
    hass_storage: Storage,
    plex: SimulatedPlex,
    loaded: MockConfigEntry,
    advance: Advance,
) -> None:
    await advance(31)
    plex.durations["BackupDatabase"] = 3600
    plex.client_start("BackupDatabase")
    await advance(10)
    began = view_of(loaded).since
    assert isinstance(began, datetime)

    await unload(hass, loaded)
    await advance(300)
    await set_up(hass, loaded)

    assert state(hass) == STATE_ON
    assert view_of(loaded).since == began

    plex.client_stop("BackupDatabase")
    await advance(2)
    last = view_of(loaded).last
    assert last
    assert (last.result, last.started_at) == ("ended", began)


@pytest.mark.parametrize("profile", ["silent"])
async def test_on_a_silent_server_it_goes_on_until_the_limit_of_its_first_start(
    hass: HomeAssistant,
    hass_storage: Storage,
    plex: SimulatedPlex,
    loaded: MockConfigEntry,
    advance: Advance,
) -> None:
    await turn_on(hass)
    began = view_of(loaded).since
    await advance(60)
    await unload(hass, loaded)
    await advance(30)
    await set_up(hass, loaded)
    assert (state(hass), view_of(loaded).since) == (STATE_ON, began)
    await advance(60)
    assert state(hass) == STATE_ON

    await advance(61)
    assert state(hass) == STATE_OFF
    last = view_of(loaded).last
    assert last
    assert (last.result, last.started_at) == ("lost", began)


@pytest.mark.parametrize(
    "profile", [PROFILES["current"], PROFILES["current"].with_traits(standing="none")]
)
async def test_a_run_whose_end_nobody_saw_is_lost_without_a_word(
    hass: HomeAssistant,
    hass_storage: Storage,
    plex: SimulatedPlex,
    loaded: MockConfigEntry,
    advance: Advance,
) -> None:
    await advance(31)
    plex.durations["BackupDatabase"] = 60
    plex.client_start("BackupDatabase")
    await advance(10)
    assert state(hass) == STATE_ON

    await unload(hass, loaded)
    await advance(120)
    await set_up(hass, loaded)

    assert state(hass) == STATE_OFF
    last = view_of(loaded).last
    assert last
    assert (last.result, last.duration) == ("lost", None)


async def test_who_listens_hears_of_runs_and_can_stop_listening(
    hass: HomeAssistant, plex: SimulatedPlex, loaded: MockConfigEntry, advance: Advance
) -> None:
    heard: list[object] = []
    stop = loaded.runtime_data.tracker.async_add_listener(heard.extend)
    await run_once(plex, advance)
    ends = [change for change in heard if isinstance(change, EndedRun)]
    assert [run.task for run in ends] == ["BackupDatabase"]

    stop()
    heard.clear()
    await run_once(plex, advance)
    assert heard == []
