"""The current task, how far it is, and when each task ran last."""

from datetime import datetime
from itertools import pairwise
from typing import Any

from homeassistant.const import (
    ATTR_ASSUMED_STATE,
    ATTR_ENTITY_ID,
    ATTR_UNIT_OF_MEASUREMENT,
    EVENT_STATE_CHANGED,
    PERCENTAGE,
    SERVICE_TURN_OFF,
    SERVICE_TURN_ON,
    STATE_UNAVAILABLE,
    STATE_UNKNOWN,
    EntityCategory,
    Platform,
)
from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.translation import async_load_integrations
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
)

from custom_components.plex_butler.const import DOMAIN
from custom_components.plex_butler.sensor import PlexButlerCurrentTask
from tests.conftest import Advance, settle
from tests.simulator import SimulatedPlex, TaskSpec

CURRENT = "sensor.attic_butler_current_task"
PROGRESS = "sensor.attic_butler_progress"
LAST_BACKUP = "sensor.attic_butler_last_database_backup"
BACKUP = "switch.attic_butler_back_up_database"
OPTIMIZE = "switch.attic_butler_optimize_database"
GUIDE = "switch.attic_butler_refresh_program_guide"


def state(hass: HomeAssistant, entity_id: str = CURRENT) -> str | None:
    found = hass.states.get(entity_id)
    return found.state if found else None


def attributes(hass: HomeAssistant, entity_id: str = CURRENT) -> dict[str, Any]:
    found = hass.states.get(entity_id)
    assert found
    return dict(found.attributes)


def is_assumed(hass: HomeAssistant) -> bool:
    return bool(attributes(hass).get(ATTR_ASSUMED_STATE))


async def turn(hass: HomeAssistant, service: str, entity_id: str = BACKUP) -> None:
    await hass.services.async_call(
        Platform.SWITCH, service, {ATTR_ENTITY_ID: entity_id}, blocking=True
    )


@pytest.fixture
def shown(hass: HomeAssistant) -> list[tuple[str, datetime]]:
    """Return what the progress showed and when, to be filled."""
    shown: list[tuple[str, datetime]] = []

    @callback
    def note(event: Event[Any]) -> None:
        new, old = event.data["new_state"], event.data["old_state"]
        if event.data["entity_id"] == PROGRESS and new.state != (old and old.state):
            shown.append((new.state, dt_util.utcnow()))

    hass.bus.async_listen(EVENT_STATE_CHANGED, note)
    return shown


async def test_the_current_task_is_named_and_others_are_counted(
    hass: HomeAssistant, plex: SimulatedPlex, loaded: MockConfigEntry, advance: Advance
) -> None:
    # This server may just not show what it does.
    assert state(hass) == STATE_UNKNOWN
    assert attributes(hass)["tasks"] == []

    plex.durations["BackupDatabase"] = 60
    plex.durations["ButlerTaskGenerateIntroMarkers"] = 120
    # Its switch is disabled.
    plex.durations["LoudnessAnalysis"] = 180
    for task in ("BackupDatabase", "ButlerTaskGenerateIntroMarkers"):
        plex.client_start(task)
    await advance(31)
    assert state(hass) == "Back up database and 1 more"
    plex.client_start("LoudnessAnalysis")
    await advance(2)
    assert state(hass) == "Back up database and 2 more"
    assert not is_assumed(hass)

    await advance(30)
    await advance(6)
    assert state(hass) == "Detect intros and 1 more"
    await advance(60)
    await advance(6)
    assert state(hass) == "Analyze loudness"
    await advance(90)
    await advance(6)
    assert state(hass) == "Idle"
    assert attributes(hass)["tasks"] == []


async def test_each_task_is_listed_with_what_is_known_of_it(
    hass: HomeAssistant, plex: SimulatedPlex, loaded: MockConfigEntry, advance: Advance
) -> None:
    plex.durations["BackupDatabase"] = 100
    before = dt_util.utcnow()
    plex.client_start("BackupDatabase")
    await advance(50)
    await advance(1)

    (backup,) = attributes(hass)["tasks"]
    assert (backup["name"], backup["title"]) == ("BackupDatabase", "Back up database")
    assert (backup["state"], backup["evidence"]) == ("running", "observed")
    assert 48 <= backup["progress"] <= 52
    assert before <= backup["since"] <= dt_util.utcnow()
    assert backup.keys() == {
        "name",
        "title",
        "state",
        "evidence",
        "since",
        "progress",
    }


def test_what_changes_with_every_percent_is_not_recorded() -> None:
    assert PlexButlerCurrentTask._unrecorded_attributes == {"tasks"}


@pytest.mark.usefixtures("all_entities_enabled")
async def test_a_task_that_only_waits_says_so(
    hass: HomeAssistant, plex: SimulatedPlex, loaded: MockConfigEntry, advance: Advance
) -> None:
    # The server's clock stands elsewhere, so to it the window is closed.
    hour = dt_util.now().hour
    plex.set_preference("ButlerStartHour", (hour - 1) % 24)
    plex.set_preference("ButlerEndHour", (hour + 3) % 24)
    await advance(1)
    await advance(2)
    await turn(hass, SERVICE_TURN_ON, GUIDE)
    (task,) = attributes(hass)["tasks"]
    assert (task["state"], task["evidence"]) == ("queued", "assumed")
    assert state(hass) == "Refresh program guide (waiting)"
    assert state(hass, PROGRESS) == STATE_UNKNOWN

    await turn(hass, SERVICE_TURN_OFF, GUIDE)
    plex.client_start("BackupDatabase")
    await advance(6)
    # What runs goes before what waits.
    await turn(hass, SERVICE_TURN_ON, GUIDE)
    assert state(hass) == "Back up database"
    assert len(attributes(hass)["tasks"]) == 2


@pytest.mark.parametrize("profile", ["anonymous"])
async def test_work_that_names_nothing_is_an_unknown_task(
    hass: HomeAssistant, plex: SimulatedPlex, loaded: MockConfigEntry, advance: Advance
) -> None:
    plex.durations["BackupDatabase"] = 60
    plex.client_start("BackupDatabase")
    await advance(31)
    assert state(hass) == "Unknown task"
    assert attributes(hass)["tasks"] == []

    await advance(31)
    await advance(6)
    assert state(hass) == "Idle"


@pytest.mark.parametrize("profile", ["silent"])
async def test_a_task_that_only_our_command_speaks_for_is_assumed(
    hass: HomeAssistant, plex: SimulatedPlex, loaded: MockConfigEntry, advance: Advance
) -> None:
    await turn(hass, SERVICE_TURN_ON)
    await advance(16)
    assert (state(hass), is_assumed(hass)) == ("Back up database", True)

    await turn(hass, SERVICE_TURN_OFF)
    # This server never shows that it is idle.
    assert (state(hass), is_assumed(hass)) == (STATE_UNKNOWN, False)


async def test_what_the_server_names_is_shown_before_what_only_we_commanded(
    hass: HomeAssistant, plex: SimulatedPlex, loaded: MockConfigEntry, advance: Advance
) -> None:
    plex.durations["UpgradeMediaAnalysis"] = 600
    plex.client_start("UpgradeMediaAnalysis")
    await advance(6)
    plex.hub.muted = True
    await turn(hass, SERVICE_TURN_ON)
    assert state(hass) == "Upgrade media analysis and 1 more"

    plex.client_stop("UpgradeMediaAnalysis")
    await advance(31)
    await advance(31)
    assert state(hass) == "Idle"


async def test_a_task_without_a_name_of_ours_is_shown_under_the_servers_title(
    hass: HomeAssistant, plex: SimulatedPlex, entry: MockConfigEntry, advance: Advance
) -> None:
    titles = {
        # Keys of texts, but of no tasks
        "Task": "Polish the {brass}",
        "ScheduleBackupDatabase": "Plan it",
        "Endless": "A" * 300,
    }
    for name, title in titles.items():
        plex.add_task(TaskSpec(name=name, title=title, description=""))
        plex.durations[name] = 20
    await hass.config_entries.async_setup(entry.entry_id)
    await settle(hass)
    for name, title in titles.items():
        plex.client_start(name)
        await advance(6)
        assert state(hass) == title[:255]
        await advance(31)
        await advance(6)
    assert state(hass) == "Idle"


async def test_the_current_task_is_named_in_home_assistants_language(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    loaded: MockConfigEntry,
    advance: Advance,
) -> None:
    plex.durations["BackupDatabase"] = 600
    plex.client_start("BackupDatabase")
    await advance(6)
    # There are English texts only, also before the language is loaded.
    hass.config.language = "tlh"
    plex.client_start("OptimizeDatabase")
    await advance(6)
    assert state(hass) == "Optimize database and 1 more"

    await async_load_integrations(hass, {DOMAIN})
    plex.client_stop("OptimizeDatabase")
    await advance(6)
    assert state(hass) == "Back up database"


async def test_the_progress_moves_in_steps_and_seldom(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    loaded: MockConfigEntry,
    advance: Advance,
    shown: list[tuple[str, datetime]],
) -> None:
    assert state(hass, PROGRESS) == STATE_UNKNOWN
    assert attributes(hass, PROGRESS)[ATTR_UNIT_OF_MEASUREMENT] == PERCENTAGE
    plex.durations["BackupDatabase"] = 60
    plex.client_start("BackupDatabase")
    for _ in range(59):
        await advance(1)

    values = [int(value) for value, _ in shown]
    assert values == sorted(values)
    assert all(value % 5 == 0 for value in values)
    assert values[0] == 0
    assert values[-1] >= 80
    times = [when for _, when in shown]
    for before, after in pairwise(times):
        assert (after - before).total_seconds() >= 9.9

    # The end is shown at once, and the next task begins anew.
    await advance(2)
    assert state(hass, PROGRESS) == STATE_UNKNOWN
    plex.client_start("OptimizeDatabase")
    await advance(2)
    assert state(hass, PROGRESS) == "0"


@pytest.mark.parametrize("profile", ["session"])
async def test_the_progress_of_a_session_is_not_that_of_its_task(
    hass: HomeAssistant, plex: SimulatedPlex, loaded: MockConfigEntry, advance: Advance
) -> None:
    plex.durations["BackupDatabase"] = 60
    plex.client_start("BackupDatabase")
    for _ in range(5):
        await advance(10)
        assert state(hass) == "Back up database"
        assert state(hass, PROGRESS) == STATE_UNKNOWN

    await advance(31)
    assert state(hass) == "Idle"


async def test_the_progress_is_unavailable_in_an_outage_and_right_afterwards(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    loaded: MockConfigEntry,
    advance: Advance,
    expected_logs: list[str],
) -> None:
    expected_logs.append("starting or migrating its database")
    plex.durations["DeepMediaAnalysis"] = 1000
    plex.client_start("DeepMediaAnalysis")
    await advance(100)
    await advance(31)
    assert state(hass, PROGRESS) == "10"

    plex.fault("503", count=None)
    await advance(61)
    assert (state(hass), state(hass, PROGRESS)) == (STATE_UNAVAILABLE,) * 2
    await advance(300)
    plex.clear_faults()
    await advance(61)
    await advance(11)
    assert state(hass) == "Perform extensive media analysis"
    assert state(hass, PROGRESS) == "55"


async def test_the_last_run_is_for_those_who_enable_it_but_that_of_the_backup(
    hass: HomeAssistant, loaded: MockConfigEntry
) -> None:
    registry = er.async_get(hass)
    optimize = registry.async_get("sensor.attic_butler_last_run_optimize_database")
    backup = registry.async_get(LAST_BACKUP)

    assert optimize
    assert backup
    assert optimize.disabled_by is er.RegistryEntryDisabler.INTEGRATION
    assert backup.disabled_by is None
    assert backup.entity_category is optimize.entity_category
    assert backup.entity_category is EntityCategory.DIAGNOSTIC


async def test_the_last_run_tells_when_it_ended_and_how(
    hass: HomeAssistant, plex: SimulatedPlex, loaded: MockConfigEntry, advance: Advance
) -> None:
    assert state(hass, LAST_BACKUP) == STATE_UNKNOWN
    assert "result" not in attributes(hass, LAST_BACKUP)

    plex.durations["BackupDatabase"] = 60
    began = dt_util.utcnow()
    plex.client_start("BackupDatabase")
    await advance(1)
    await advance(29)
    assert state(hass, LAST_BACKUP) == STATE_UNKNOWN
    await advance(30)
    await advance(1)

    ended = state(hass, LAST_BACKUP)
    assert ended
    assert began < datetime.fromisoformat(ended) <= dt_util.utcnow()
    told = attributes(hass, LAST_BACKUP)
    assert (told["result"], told["evidence"]) == ("ended", "observed")
    assert told["duration"] == pytest.approx(60, abs=2)
    assert (told["ended_at"] - told["started_at"]).total_seconds() == told["duration"]

    await turn(hass, SERVICE_TURN_ON)
    await advance(5)
    await turn(hass, SERVICE_TURN_OFF)
    assert attributes(hass, LAST_BACKUP)["result"] == "stopped"
    assert state(hass, LAST_BACKUP) != ended


@pytest.mark.usefixtures("all_entities_enabled")
async def test_a_new_task_has_its_last_run_under_the_servers_title(
    hass: HomeAssistant, plex: SimulatedPlex, loaded: MockConfigEntry, advance: Advance
) -> None:
    plex.add_task(
        TaskSpec(name="PolishBrass", title="Polish the brass", description="")
    )
    await advance(31)

    assert state(hass, "sensor.attic_butler_last_run_polish_the_brass") == STATE_UNKNOWN


@pytest.mark.parametrize("key", ["active_streams", "running_tasks"])
async def test_a_sensor_of_an_older_version_goes(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    entity_registry: er.EntityRegistry,
    key: str,
) -> None:
    old = entity_registry.async_get_or_create(
        "sensor", DOMAIN, f"{entry.unique_id}_{key}", config_entry=entry
    )
    await hass.config_entries.async_setup(entry.entry_id)
    await settle(hass)

    assert entity_registry.async_get(old.entity_id) is None
