"""How many tasks run, and when each ran last."""

from datetime import datetime
from typing import Any

from homeassistant.components.sensor import ATTR_STATE_CLASS
from homeassistant.const import (
    ATTR_ENTITY_ID,
    SERVICE_TURN_OFF,
    SERVICE_TURN_ON,
    STATE_UNKNOWN,
    EntityCategory,
    Platform,
)
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
)

from custom_components.plex_butler.const import DOMAIN
from custom_components.plex_butler.sensor import PlexButlerRunningTasks
from tests.conftest import Advance, settle
from tests.simulator import SimulatedPlex, TaskSpec

RUNNING = "sensor.attic_butler_running_tasks"
LAST_RUN = "sensor.attic_butler_back_up_database_last_run"
BACKUP = "switch.attic_butler_back_up_database"
GUIDE = "switch.attic_butler_refresh_tv_guides"


def state(hass: HomeAssistant, entity_id: str = RUNNING) -> str | None:
    found = hass.states.get(entity_id)
    return found.state if found else None


def attributes(hass: HomeAssistant, entity_id: str = RUNNING) -> dict[str, Any]:
    found = hass.states.get(entity_id)
    assert found
    return dict(found.attributes)


async def turn(hass: HomeAssistant, service: str, entity_id: str = BACKUP) -> None:
    await hass.services.async_call(
        Platform.SWITCH, service, {ATTR_ENTITY_ID: entity_id}, blocking=True
    )


async def test_running_tasks_are_counted_and_listed_with_what_is_known_of_them(
    hass: HomeAssistant, plex: SimulatedPlex, loaded: MockConfigEntry, advance: Advance
) -> None:
    assert state(hass) == "0"
    assert attributes(hass)["tasks"] == []
    assert attributes(hass)[ATTR_STATE_CLASS] == "measurement"

    plex.durations["BackupDatabase"] = plex.durations["OptimizeDatabase"] = 100
    before = dt_util.utcnow()
    plex.client_start("BackupDatabase")
    await turn(hass, SERVICE_TURN_ON, "switch.attic_butler_optimize_database")
    await advance(50)
    await advance(1)

    assert state(hass) == "2"
    listed = {task["name"]: task for task in attributes(hass)["tasks"]}
    backup, optimize = listed["BackupDatabase"], listed["OptimizeDatabase"]
    assert backup["title"] == "Backup Database"
    assert backup["state"] == optimize["state"] == "running"
    assert backup["evidence"] == "observed"
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

    await advance(61)
    await advance(1)
    assert state(hass) == "0"
    assert attributes(hass)["tasks"] == []


def test_what_changes_with_every_percent_is_not_recorded() -> None:
    assert PlexButlerRunningTasks._unrecorded_attributes == {"tasks"}


async def test_what_only_waits_is_listed_and_not_counted(
    hass: HomeAssistant, plex: SimulatedPlex, loaded: MockConfigEntry, advance: Advance
) -> None:
    hour = dt_util.now().hour
    plex.set_preference("ButlerStartHour", (hour - 1) % 24)
    plex.set_preference("ButlerEndHour", (hour + 3) % 24)
    await advance(1)
    await advance(2)
    await turn(hass, SERVICE_TURN_ON, GUIDE)

    (task,) = attributes(hass)["tasks"]
    assert (task["state"], task["evidence"]) == ("queued", "assumed")
    assert state(hass) == "0"

    await turn(hass, SERVICE_TURN_OFF, GUIDE)
    assert attributes(hass)["tasks"] == []


async def test_the_last_run_is_for_those_who_enable_it(
    hass: HomeAssistant, loaded: MockConfigEntry
) -> None:
    entity = er.async_get(hass).async_get(LAST_RUN)

    assert entity
    assert entity.disabled_by is er.RegistryEntryDisabler.INTEGRATION
    assert entity.entity_category is EntityCategory.DIAGNOSTIC
    assert state(hass, LAST_RUN) is None


async def test_the_last_run_tells_when_it_ended_and_how(
    hass: HomeAssistant,
    all_entities_enabled: None,
    plex: SimulatedPlex,
    loaded: MockConfigEntry,
    advance: Advance,
) -> None:
    assert state(hass, LAST_RUN) == STATE_UNKNOWN
    assert "result" not in attributes(hass, LAST_RUN)

    plex.durations["BackupDatabase"] = 60
    began = dt_util.utcnow()
    plex.client_start("BackupDatabase")
    await advance(1)
    await advance(29)
    assert state(hass, LAST_RUN) == STATE_UNKNOWN
    await advance(30)
    await advance(1)

    ended = state(hass, LAST_RUN)
    assert ended
    assert began < datetime.fromisoformat(ended) <= dt_util.utcnow()
    told = attributes(hass, LAST_RUN)
    assert (told["result"], told["evidence"]) == ("ended", "observed")
    assert told["duration"] == pytest.approx(60, abs=2)
    assert (told["ended_at"] - told["started_at"]).total_seconds() == told["duration"]

    await turn(hass, SERVICE_TURN_ON)
    await advance(5)
    await turn(hass, SERVICE_TURN_OFF)
    assert attributes(hass, LAST_RUN)["result"] == "stopped"
    assert state(hass, LAST_RUN) != ended


async def test_a_new_task_has_its_last_run_under_the_servers_title(
    hass: HomeAssistant,
    all_entities_enabled: None,
    plex: SimulatedPlex,
    loaded: MockConfigEntry,
    advance: Advance,
) -> None:
    plex.add_task(
        TaskSpec(name="PolishBrass", title="Polish the brass", description="")
    )
    await advance(31)

    assert state(hass, "sensor.attic_butler_polish_the_brass_last_run") == STATE_UNKNOWN


async def test_the_sensor_of_active_streams_of_an_older_version_goes(
    hass: HomeAssistant, entry: MockConfigEntry, entity_registry: er.EntityRegistry
) -> None:
    old = entity_registry.async_get_or_create(
        "sensor",
        DOMAIN,
        f"{entry.unique_id}_active_streams",
        config_entry=entry,
    )
    await hass.config_entries.async_setup(entry.entry_id)
    await settle(hass)

    assert entity_registry.async_get(old.entity_id) is None
