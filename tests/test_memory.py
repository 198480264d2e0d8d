"""What outlives a reload and a restart, and what does not."""

from typing import Any

from homeassistant.config_entries import ConfigEntryState
import pytest
from pytest_homeassistant_custom_component.common import async_capture_events

from custom_components.plex_butler.run_state import EndedRun
from tests.conftest import BACKUP, Home
from tests.simulator import PROFILES


def key_of(home: Home) -> str:
    return f"plex_butler.{home.entry.entry_id}"


async def run_once(home: Home) -> None:
    """Let the server show a run from start to end."""
    await home.advance(31)
    home.begins(BACKUP, 60)
    await home.advance_steps(8, 10)


async def test_what_a_server_has_shown_is_known_after_a_reload(
    home: Home, hass_storage: dict[str, Any]
) -> None:
    await run_once(home)
    assert home.state() == "off"
    before = home.view().last
    assert before.duration

    await home.unload()
    assert hass_storage[key_of(home)]["data"]["known"]["names_tasks"]
    await home.set_up()

    after = home.view().last
    assert (after.result, after.evidence) == (before.result, before.evidence)
    assert (after.started_at, after.ended.utc) == (before.started_at, before.ended.utc)
    assert abs((after.duration - before.duration).total_seconds()) < 0.01
    # A server that shows its tasks would show this one.
    home.plex.fault("ignore", path=f"/butler/{BACKUP}")
    await home.turn_on()
    assert not home.is_assumed()
    await home.advance(14)
    await home.shows("off", after=8)


async def test_an_end_right_before_a_reload_is_told(home: Home) -> None:
    await home.earn_trust()
    await home.others_start(BACKUP, lasts=30, wait=29)
    told = async_capture_events(home.hass, "plex_butler_task_event")
    await home.plex.advance(1.1)
    await home.heard()
    assert not told

    await home.reload()
    assert [event.data["type"] for event in told] == ["ended"]


async def test_memory_is_kept_without_an_unload_until_the_server_is_removed(
    home: Home, hass_storage: dict[str, Any]
) -> None:
    await run_once(home)
    await home.advance(61)
    (last,) = hass_storage[key_of(home)]["data"]["last"]
    assert last["task"] == BACKUP

    # There is news that has not been stored yet.
    await run_once(home)
    await home.hass.config_entries.async_remove(home.entry.entry_id)
    await home.advance(61)
    assert key_of(home) not in hass_storage


@pytest.mark.parametrize(
    "stored",
    [
        {"data": None},
        {"data": "garbage"},
        {"data": {"known": 7, "runs": "x", "last": {}, "version": 1}},
        {"minor_version": 9, "data": {"runs": []}},
        {"version": 99, "data": {"anything": "else"}},
    ],
)
async def test_a_memory_that_cannot_be_read_is_begun_anew(
    new_home: Home, hass_storage: dict[str, Any], stored: dict[str, Any]
) -> None:
    key = key_of(new_home)
    hass_storage[key] = {"version": 1, "minor_version": 1, "key": key} | stored
    await new_home.set_up()
    assert new_home.state() == "off"

    await run_once(new_home)
    await new_home.unload()
    assert hass_storage[key]["version"] == 1
    await new_home.set_up()
    assert new_home.view().last


async def test_an_outage_costs_no_writes(
    home: Home, hass_storage: dict[str, Any]
) -> None:
    await run_once(home)
    await home.unload()
    stored = hass_storage[key_of(home)]["data"]
    stored["unread"] = True
    home.plex.fault("503", count=None)
    await home.set_up()
    await home.advance_steps(3, 100)
    assert home.entry_state() is ConfigEntryState.SETUP_RETRY
    assert hass_storage[key_of(home)]["data"]["unread"]

    home.plex.clear_faults()
    await home.advance(600)
    assert home.view().last


@pytest.mark.parametrize(
    "profile", ["current", PROFILES["current"].with_traits(standing=False)]
)
async def test_a_run_keeps_its_start_and_is_lost_if_its_end_was_not_seen(
    home: Home,
) -> None:
    await home.advance(31)
    await home.others_start(BACKUP, lasts=600, wait=10)
    began = home.view().since
    assert began

    await home.unload()
    await home.advance(300)
    await home.set_up()
    assert (home.state(), home.view().since) == ("on", began)

    await home.unload()
    await home.advance(400)
    await home.set_up()
    assert home.state() == "off"
    last = home.view().last
    assert (last.result, last.started_at, last.duration) == ("lost", began, None)


@pytest.mark.parametrize("profile", ["silent"])
async def test_a_silent_run_goes_on_to_the_limit_of_its_first_start(home: Home) -> None:
    await home.turn_on()
    began = home.view().since
    await home.advance(60)
    await home.unload()
    await home.advance(30)
    await home.set_up()
    assert (home.state(), home.view().since) == ("on", began)
    await home.shows("on", after=60)

    await home.shows("off", after=61)
    last = home.view().last
    assert (last.result, last.started_at) == ("lost", began)


async def test_who_listens_hears_of_runs_and_can_stop_listening(home: Home) -> None:
    heard: list[object] = []
    tracker = home.entry.runtime_data.tracker
    stop = tracker.async_add_listener(heard.extend)
    await run_once(home)
    assert [it.task for it in heard if isinstance(it, EndedRun)] == [BACKUP]

    stop()
    heard.clear()
    await run_once(home)
    assert heard == []
