"""Switches tell what runs, and make it so."""

from typing import Any, Final

from freezegun.api import FrozenDateTimeFactory
from homeassistant.helpers import entity_registry as er
import pytest

from custom_components.plex_butler.switch import PlexButlerTaskSwitch
from tests.conftest import (
    BACKUP,
    BACKUP_SWITCH,
    OPTIMIZE,
    OPTIMIZE_SWITCH,
    Home,
    refused,
    until,
)
from tests.simulator import TaskSpec

POLISH = "switch.attic_butler_polish_the_brass"
POLISH_TASK = TaskSpec(
    name="PolishTheBrass", title="Polish the brass", description="Shiny", interval=7
)
# What a switch tells of its task that has never run
NEVER: Final = {
    "interval": 3,
    "enabled": True,
    "evidence": None,
    "last_result": None,
    "last_duration": None,
}


async def test_turning_on_starts_the_task_until_it_ends(home: Home) -> None:
    home.plex.durations[BACKUP] = 60
    # Doing what is done is no error.
    for _ in range(2):
        await home.turn_on()
    assert home.plex.truth()[BACKUP] == "running"
    assert (home.state(), home.state(OPTIMIZE_SWITCH)) == ("on", "off")

    await home.shows("on", after=30)
    # Of a server that shows its tasks nothing is assumed.
    assert not home.is_assumed()

    await home.advance(31)
    assert home.plex.truth()[BACKUP] == "idle"
    await home.shows("off", after=6)
    await home.advance(600)
    assert (home.is_assumed(), home.is_assumed(OPTIMIZE_SWITCH)) == (False, False)


async def test_what_others_start_shows_and_turning_off_stops_it(home: Home) -> None:
    home.begins(BACKUP, 3600)
    await home.others_start(OPTIMIZE, lasts=3600, wait=31)
    assert (home.state(), home.state(OPTIMIZE_SWITCH)) == ("on", "on")

    for _ in range(2):
        await home.turn_off()
    home.plex.client_stop(OPTIMIZE)
    assert home.plex.truth()[BACKUP] == "idle"
    assert home.state() == "off"
    for seconds in (6, 31):
        await home.advance(seconds)
        assert (home.state(), home.state(OPTIMIZE_SWITCH)) == ("off", "off")


async def test_a_switch_shows_at_once_what_the_answer_to_its_command_says(
    home: Home,
) -> None:
    home.plex.hub.muted = True
    home.plex.requests.clear()
    await home.turn_on()
    assert home.state() == "on"
    await home.turn_off()
    assert home.state() == "off"
    assert [it.method for it in home.plex.requests] == ["POST", "DELETE"]

    home.plex.fault("503", path="/butler")
    with refused("maintenance"):
        await home.turn_on(OPTIMIZE_SWITCH)
    await home.shows("off", OPTIMIZE_SWITCH, after=1)


async def test_buttons_start_what_is_due_and_stop_everything(home: Home) -> None:
    def on() -> int:
        return [it.state for it in home.hass.states.async_all("switch")].count("on")

    await home.press("button.attic_butler_run_what_is_due_now")
    # As the documentation warns
    assert home.plex.truth()["AutomaticUpdates"] != "idle"
    assert on()

    await home.press("button.attic_butler_stop_all_tasks")
    assert set(home.plex.truth().values()) == {"idle"}
    assert not on()


@pytest.mark.usefixtures("all_entities_enabled")
async def test_a_new_task_has_the_servers_title_and_may_return(home: Home) -> None:
    home.plex.add_task(POLISH_TASK)
    await home.shows("off", POLISH, after=31)
    assert home.state("sensor.attic_butler_last_run_polish_the_brass") == "unknown"

    home.plex.remove_task("PolishTheBrass")
    await home.shows("unavailable", POLISH, after=601)

    home.plex.add_task(POLISH_TASK)
    await home.shows("off", POLISH, after=601)
    await home.turn_on(POLISH)
    assert home.plex.truth()["PolishTheBrass"] == "running"


@pytest.mark.slow
async def test_a_missing_task_is_forgotten_after_a_day_without_outages(
    home: Home,
) -> None:
    home.expect_log("starting or migrating its database")
    registry = er.async_get(home.hass)
    home.plex.remove_task(BACKUP)
    await home.shows("unavailable", after=31)
    home.plex.fault("503", count=None)
    await home.advance_steps(30, 3600)
    home.plex.clear_faults()
    await home.advance(31)

    # Where the server is asked once an hour, an outage counts for an hour and a half.
    await home.advance_steps(22, 3600)
    assert registry.async_get(BACKUP_SWITCH)

    await home.advance(3700)
    assert not registry.async_get(BACKUP_SWITCH)
    assert home.state() is None
    assert home.state(OPTIMIZE_SWITCH) == "off"


async def test_an_answer_that_a_notification_overtook_does_not_undo_it(
    home: Home, freezer: FrozenDateTimeFactory
) -> None:
    home.plex.durations[BACKUP] = 3600
    home.plex.fault("late", path="/activities", delay=3)
    home.plex.requests.clear()
    freezer.tick(31)
    await until(lambda: home.asked("/activities") > 0)
    written = home.written(BACKUP_SWITCH)

    home.plex.client_start(BACKUP)
    await until(lambda: home.state() == "on")
    # Nothing later says it again.
    home.plex.hub.muted = True
    await home.advance(4, 1)
    assert [it.state for it in written] == ["on"]


async def test_a_command_in_an_outage_leaves_the_log_to_the_poll(home: Home) -> None:
    home.expect_log("starting or migrating its database")
    home.plex.durations[BACKUP] = 3600
    home.plex.fault("503", count=None)
    await home.advance(31)
    home.plex.clear_faults()

    await home.call("start_task")
    assert home.state() == "unavailable"

    await home.shows("on", after=31)


@pytest.mark.parametrize("profile", ["silent", "anonymous"])
async def test_a_server_that_named_none_of_three_runs_is_assumed(home: Home) -> None:
    home.plex.durations[BACKUP] = 5
    for _ in range(3):
        assert not home.is_assumed(OPTIMIZE_SWITCH)
        await home.turn_on()
        await home.advance_steps(8, 5)
        await home.turn_off()
        await home.advance(31)
    assert home.is_assumed(OPTIMIZE_SWITCH)
    assert (home.state(), home.is_assumed()) == ("off", True)

    # Another version may show more.
    await home.plex.restart(version="1.99.0")
    await home.advance_steps(8, 2)
    assert not home.is_assumed()


async def test_a_switch_tells_of_its_task_and_its_last_run(home: Home) -> None:
    written = home.written(BACKUP_SWITCH)

    def told() -> dict[str, Any]:
        return {key: it for key, it in home.attributes().items() if key in NEVER}

    spec = home.plex.butler.tasks[BACKUP].spec
    assert home.attributes()["description"] == spec.description
    assert told() == NEVER

    home.begins(BACKUP, 60)
    await home.advance(1, 30)
    assert told() == NEVER | {"evidence": "observed"}
    # A percent more is no news.
    written.clear()
    await home.advance_steps(20, 1)
    assert written == []

    await home.advance(10, 2)
    duration = told()["last_duration"]
    assert duration == pytest.approx(60, abs=5)
    assert told() == NEVER | {"last_result": "ended", "last_duration": duration}

    await home.turn_on()
    await home.advance(5)
    await home.turn_off()
    assert told()["last_result"] == "stopped"

    home.plex.set_preference("ButlerTaskBackupDatabase", 0)
    await home.advance_steps(2, 2)
    assert told()["enabled"] is False

    # Each of them changes rarely, and the history does without.
    unrecorded = PlexButlerTaskSwitch._unrecorded_attributes
    assert unrecorded == NEVER.keys() | {"description"}
