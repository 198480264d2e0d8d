"""Switches tell what runs, and make it so."""

import asyncio
from typing import Any, Final

from freezegun.api import FrozenDateTimeFactory
from homeassistant.const import (
    ATTR_ASSUMED_STATE,
    ATTR_DEVICE_CLASS,
    ATTR_ENTITY_ID,
    SERVICE_TURN_OFF,
    SERVICE_TURN_ON,
    STATE_OFF,
    STATE_ON,
    STATE_UNAVAILABLE,
    Platform,
)
from homeassistant.core import Event, EventStateChangedData, HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.event import async_track_state_change_event
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
)

from custom_components.plex_butler.switch import PlexButlerTaskSwitch
from tests.conftest import Advance
from tests.simulator import SimulatedPlex, TaskSpec

BACKUP = "switch.attic_butler_back_up_database"
OPTIMIZE = "switch.attic_butler_optimize_database"
POLISH = "switch.attic_butler_polish_the_brass"
# What a switch tells of its task
TOLD: Final = {
    "description",
    "interval",
    "enabled",
    "evidence",
    "last_result",
    "last_duration",
}
POLISH_TASK = TaskSpec(
    name="PolishTheBrass", title="Polish the brass", description="Shiny", interval=7
)


async def turn(hass: HomeAssistant, service: str, entity_id: str = BACKUP) -> None:
    await hass.services.async_call(
        Platform.SWITCH, service, {ATTR_ENTITY_ID: entity_id}, blocking=True
    )


def state(hass: HomeAssistant, entity_id: str = BACKUP) -> str | None:
    found = hass.states.get(entity_id)
    return found.state if found else None


async def test_turning_on_starts_the_task_until_it_ends(
    hass: HomeAssistant, plex: SimulatedPlex, loaded: MockConfigEntry, advance: Advance
) -> None:
    plex.durations["BackupDatabase"] = 60
    await turn(hass, SERVICE_TURN_ON)
    assert plex.truth()["BackupDatabase"] == "running"
    assert state(hass) == STATE_ON
    assert state(hass, OPTIMIZE) == STATE_OFF

    await advance(30)
    assert state(hass) == STATE_ON

    await advance(31)
    assert plex.truth()["BackupDatabase"] == "idle"
    await advance(6)
    assert state(hass) == STATE_OFF


async def test_turning_off_stops_the_task(
    hass: HomeAssistant, plex: SimulatedPlex, loaded: MockConfigEntry, advance: Advance
) -> None:
    plex.durations["BackupDatabase"] = 3600
    plex.client_start("BackupDatabase")
    await advance(31)
    assert state(hass) == STATE_ON

    await turn(hass, SERVICE_TURN_OFF)
    assert plex.truth()["BackupDatabase"] == "idle"
    assert state(hass) == STATE_OFF

    await advance(31)
    assert state(hass) == STATE_OFF


@pytest.mark.parametrize("service", [SERVICE_TURN_ON, SERVICE_TURN_OFF])
async def test_doing_what_is_done_is_no_error(
    hass: HomeAssistant, plex: SimulatedPlex, loaded: MockConfigEntry, service: str
) -> None:
    await turn(hass, service)
    await turn(hass, service)

    assert state(hass) == (STATE_ON if service == SERVICE_TURN_ON else STATE_OFF)


async def test_what_others_start_shows(
    hass: HomeAssistant, plex: SimulatedPlex, loaded: MockConfigEntry, advance: Advance
) -> None:
    plex.durations["OptimizeDatabase"] = 60
    plex.client_start("OptimizeDatabase")
    await advance(31)
    assert state(hass, OPTIMIZE) == STATE_ON

    plex.client_stop("OptimizeDatabase")
    await advance(6)
    assert state(hass, OPTIMIZE) == STATE_OFF


async def test_a_command_that_fails_says_why_and_changes_nothing(
    hass: HomeAssistant, plex: SimulatedPlex, loaded: MockConfigEntry
) -> None:
    plex.fault("503", path="/butler")
    with pytest.raises(HomeAssistantError) as err:
        await turn(hass, SERVICE_TURN_ON)
    assert err.value.translation_key == "maintenance"
    assert state(hass) == STATE_OFF

    await turn(hass, SERVICE_TURN_ON)
    assert state(hass) == STATE_ON


@pytest.mark.usefixtures("all_entities_enabled")
async def test_a_new_task_gets_its_switch_under_the_servers_title(
    hass: HomeAssistant, plex: SimulatedPlex, loaded: MockConfigEntry, advance: Advance
) -> None:
    plex.add_task(POLISH_TASK)
    await advance(31)
    assert state(hass, POLISH) == STATE_OFF

    await turn(hass, SERVICE_TURN_ON, POLISH)
    assert plex.truth()["PolishTheBrass"] == "running"


@pytest.mark.slow
async def test_a_missing_task_is_unavailable_and_forgotten_after_a_day(
    hass: HomeAssistant, plex: SimulatedPlex, loaded: MockConfigEntry, advance: Advance
) -> None:
    registry = er.async_get(hass)
    plex.remove_task("BackupDatabase")
    await advance(31)
    assert state(hass) == STATE_UNAVAILABLE

    for _ in range(23):
        await advance(3600)
    assert registry.async_get(BACKUP)

    await advance(3700)
    assert not registry.async_get(BACKUP)
    assert state(hass) is None
    assert state(hass, OPTIMIZE) == STATE_OFF


@pytest.mark.slow
async def test_outages_do_not_count_towards_the_day(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    loaded: MockConfigEntry,
    advance: Advance,
    expected_logs: list[str],
) -> None:
    expected_logs.append("starting or migrating its database")
    plex.remove_task("BackupDatabase")
    await advance(31)
    plex.fault("503", count=None)
    for _ in range(30):
        await advance(3600)
    plex.clear_faults()
    await advance(31)

    assert er.async_get(hass).async_get(BACKUP)


@pytest.mark.usefixtures("all_entities_enabled")
async def test_a_task_that_comes_back_is_the_same_again(
    hass: HomeAssistant, plex: SimulatedPlex, loaded: MockConfigEntry, advance: Advance
) -> None:
    plex.add_task(POLISH_TASK)
    await advance(601)
    plex.remove_task("PolishTheBrass")
    await advance(601)
    assert state(hass, POLISH) == STATE_UNAVAILABLE

    plex.add_task(POLISH_TASK)
    await advance(601)
    assert state(hass, POLISH) == STATE_OFF


async def test_an_answer_that_a_command_overtook_does_not_undo_it(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    loaded: MockConfigEntry,
    advance: Advance,
    freezer: FrozenDateTimeFactory,
) -> None:
    plex.durations["BackupDatabase"] = 3600
    plex.fault("slow", path="/activities", delay=3)
    plex.requests.clear()
    freezer.tick(31)
    while not any(request.path == "/activities" for request in plex.requests):  # noqa: ASYNC110 no event tells what was asked
        await asyncio.sleep(0)

    await turn(hass, SERVICE_TURN_ON)
    await advance(4)

    assert state(hass) == STATE_ON


@pytest.mark.parametrize("profile", ["anonymous"])
async def test_on_a_server_that_names_nothing_our_own_command_shows_until_it_is_idle(
    hass: HomeAssistant, plex: SimulatedPlex, loaded: MockConfigEntry, advance: Advance
) -> None:
    plex.durations["BackupDatabase"] = 20
    await turn(hass, SERVICE_TURN_ON)
    for _ in range(3):
        await advance(5)
        assert state(hass) == STATE_ON

    await advance(6)
    await advance(6)
    assert state(hass) == STATE_OFF


@pytest.mark.parametrize("profile", ["silent"])
async def test_on_a_server_that_shows_nothing_our_own_command_shows_up_to_the_limit(
    hass: HomeAssistant, plex: SimulatedPlex, loaded: MockConfigEntry, advance: Advance
) -> None:
    plex.durations["OptimizeDatabase"] = 4
    await turn(hass, SERVICE_TURN_ON, OPTIMIZE)
    for _ in range(29):
        await advance(60)
        assert state(hass, OPTIMIZE) == STATE_ON

    await advance(61)
    assert state(hass, OPTIMIZE) == STATE_OFF


@pytest.mark.parametrize("profile", ["silent"])
async def test_a_task_that_is_known_to_be_short_is_not_believed_for_as_long(
    hass: HomeAssistant, plex: SimulatedPlex, loaded: MockConfigEntry, advance: Advance
) -> None:
    await turn(hass, SERVICE_TURN_ON)
    await advance(120)
    assert state(hass) == STATE_ON

    await advance(61)
    assert state(hass) == STATE_OFF


async def test_a_command_in_an_outage_leaves_the_log_to_the_poll(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    loaded: MockConfigEntry,
    advance: Advance,
    expected_logs: list[str],
) -> None:
    expected_logs.append("starting or migrating its database")
    plex.durations["BackupDatabase"] = 3600
    plex.fault("503", count=None)
    await advance(31)
    plex.clear_faults()

    await hass.services.async_call(
        "plex_butler", "start_task", {"task": "backup_database"}, blocking=True
    )
    assert state(hass) == STATE_UNAVAILABLE

    await advance(31)
    assert state(hass) == STATE_ON


def is_assumed(hass: HomeAssistant, entity_id: str = BACKUP) -> bool:
    found = hass.states.get(entity_id)
    return bool(found and found.attributes.get(ATTR_ASSUMED_STATE))


async def test_on_the_first_day_of_a_server_that_shows_its_tasks_nothing_is_assumed(
    hass: HomeAssistant, plex: SimulatedPlex, loaded: MockConfigEntry, advance: Advance
) -> None:
    assert not is_assumed(hass)
    plex.durations["BackupDatabase"] = 20
    await turn(hass, SERVICE_TURN_ON)
    for seconds in (1, 10, 12, 1, 600):
        await advance(seconds)
        assert not is_assumed(hass)
        assert not is_assumed(hass, OPTIMIZE)
    assert state(hass) == STATE_OFF


@pytest.mark.parametrize("profile", ["silent"])
async def test_what_only_our_command_speaks_for_is_assumed_after_a_while(
    hass: HomeAssistant, plex: SimulatedPlex, loaded: MockConfigEntry, advance: Advance
) -> None:
    await turn(hass, SERVICE_TURN_ON)
    await advance(10)
    assert (state(hass), is_assumed(hass)) == (STATE_ON, False)
    await advance(6)
    assert (state(hass), is_assumed(hass)) == (STATE_ON, True)

    await turn(hass, SERVICE_TURN_OFF)
    assert (state(hass), is_assumed(hass)) == (STATE_OFF, False)


@pytest.mark.parametrize("profile", ["silent", "anonymous"])
async def test_a_server_that_worked_three_times_without_a_name_is_assumed_on_and_off(
    hass: HomeAssistant, plex: SimulatedPlex, loaded: MockConfigEntry, advance: Advance
) -> None:
    plex.durations["BackupDatabase"] = 5
    for _ in range(3):
        assert not is_assumed(hass, OPTIMIZE)
        await turn(hass, SERVICE_TURN_ON)
        for _ in range(8):
            await advance(5)
        await turn(hass, SERVICE_TURN_OFF)
        await advance(31)
    assert is_assumed(hass, OPTIMIZE)
    assert (state(hass), is_assumed(hass)) == (STATE_OFF, True)

    # Another version may show more.
    await plex.restart(version="1.99.0")
    for _ in range(8):
        await advance(2)
    assert not is_assumed(hass)


async def test_a_switch_is_on_as_soon_as_its_command_is_answered(
    hass: HomeAssistant, plex: SimulatedPlex, loaded: MockConfigEntry
) -> None:
    plex.hub.muted = True
    plex.requests.clear()
    await turn(hass, SERVICE_TURN_ON)
    assert state(hass) == STATE_ON
    await turn(hass, SERVICE_TURN_OFF)
    assert state(hass) == STATE_OFF

    assert [request.method for request in plex.requests] == ["POST", "DELETE"]


@pytest.fixture
def written(hass: HomeAssistant) -> list[dict[str, Any]]:
    """Return the attributes of all states of the backup's switch, to be filled."""
    written: list[dict[str, Any]] = []

    @callback
    def note(event: Event[EventStateChangedData]) -> None:
        if new := event.data["new_state"]:
            written.append(dict(new.attributes))

    async_track_state_change_event(hass, BACKUP, note)
    return written


async def test_a_switch_tells_what_its_task_is_and_how_its_last_run_went(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    loaded: MockConfigEntry,
    advance: Advance,
    written: list[dict[str, Any]],
) -> None:
    def told() -> dict[str, Any]:
        found = hass.states.get(BACKUP)
        assert found
        return {key: it for key, it in found.attributes.items() if key in TOLD}

    never = {
        "description": plex.butler.tasks["BackupDatabase"].spec.description,
        "interval": 3,
        "enabled": True,
        "evidence": None,
        "last_result": None,
        "last_duration": None,
    }
    assert told() == never

    plex.durations["BackupDatabase"] = 60
    plex.client_start("BackupDatabase")
    await advance(1)
    await advance(30)
    assert told() == {**never, "evidence": "observed"}
    # A percent more is no news.
    written.clear()
    for _ in range(20):
        await advance(1)
    assert written == []

    await advance(10)
    await advance(2)
    ended = told()
    assert ended["last_duration"] == pytest.approx(60, abs=5)
    assert ended == {
        **never,
        "last_result": "ended",
        "last_duration": ended["last_duration"],
    }

    await turn(hass, SERVICE_TURN_ON)
    await advance(5)
    await turn(hass, SERVICE_TURN_OFF)
    assert told()["last_result"] == "stopped"

    plex.set_preference("ButlerTaskBackupDatabase", 0)
    await advance(2)
    await advance(2)
    assert told()["enabled"] is False


def test_what_a_switch_tells_of_its_task_is_not_recorded() -> None:
    assert PlexButlerTaskSwitch._unrecorded_attributes == TOLD


@pytest.mark.usefixtures("all_entities_enabled")
async def test_only_the_switches_of_tasks_have_a_device_class(
    hass: HomeAssistant, loaded: MockConfigEntry
) -> None:
    switches = hass.states.async_all(Platform.SWITCH)
    classes = {
        state.entity_id.startswith(
            "switch.attic_butler_schedule_"
        ): state.attributes.get(ATTR_DEVICE_CLASS)
        for state in switches
    }

    assert classes == {False: "switch", True: None}
