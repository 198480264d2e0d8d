"""All entities that a server has, one line each, and which of them are enabled."""

from typing import Any, Final

from homeassistant.components.homeassistant.exposed_entities import async_should_expose
from homeassistant.const import (
    ATTR_DEVICE_ID,
    EVENT_STATE_CHANGED,
    EVENT_STATE_REPORTED,
    STATE_OFF,
    STATE_ON,
    STATE_UNAVAILABLE,
    Platform,
)
from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.helpers import entity_registry as er
from homeassistant.setup import async_setup_component
from homeassistant.util import slugify
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from syrupy.assertion import SnapshotAssertion

from custom_components.plex_butler import PLATFORMS
from custom_components.plex_butler.const import DOMAIN
from tests.conftest import settle
from tests.simulator import SimulatedPlex

# With these, a device page is read at a glance.
MOST_AT_FIRST: Final = 22
# What 0.1.0 called its entities, by the ends of their unique ids
OLD_NAMES: Final = {
    "binary_sensor": {"butler": "", "maintenance_window": "Maintenance window"},
    "button": {
        "start_all_tasks": "Start all tasks",
        "stop_all_tasks": "Stop all tasks",
    },
    "event": {"task": "Task"},
    "select": {
        "preference_ButlerStartHour": "Maintenance window start",
        "preference_ButlerEndHour": "Maintenance window end",
        "preference_GenerateBIFBehavior": "Generate video preview thumbnails on schedule",
        "preference_MusicAnalysisBehavior": "Analyze music on schedule",
    },
    "sensor": {
        "next_window": "Next maintenance window",
        "task_BackupDatabase": "Back up database last run",
        "task_OptimizeDatabase": "Optimize database last run",
    },
    "switch": {
        "preference_ButlerTaskBackupDatabase": "Back up database on schedule",
        "preference_ButlerTaskRefreshEpgGuides": "Refresh TV guides on schedule",
        "task_AutomaticUpdates": "Install server updates",
        "task_BackupDatabase": "Back up database",
        "task_CleanOldBundles": "Clean old bundles",
        "task_DeepMediaAnalysis": "Analyze media deeply",
        "task_GarbageCollectBlobs": "Collect garbage blobs",
        "task_ProcessAssets": "Process assets",
        "task_RefreshEpgGuides": "Refresh TV guides",
    },
}
# What 0.1.0 left disabled; the sensor of a last run is the same for all tasks.
OLD_DISABLED: Final = {
    "sensor.task_BackupDatabase",
    "sensor.task_OptimizeDatabase",
    "switch.preference_ButlerTaskRefreshEpgGuides",
    "switch.task_AutomaticUpdates",
}


@pytest.mark.parametrize("platform", PLATFORMS)
async def test_all_entities(
    hass: HomeAssistant,
    all_entities_enabled: None,
    loaded: MockConfigEntry,
    snapshot: SnapshotAssertion,
    platform: Platform,
) -> None:
    lines = {}
    registry = er.async_get(hass)
    for entity in er.async_entries_for_config_entry(registry, loaded.entry_id):
        if entity.domain != platform:
            continue
        state = hass.states.get(entity.entity_id)
        assert state
        assert entity.has_entity_name
        unique_id = entity.unique_id.removeprefix(f"{loaded.unique_id}_")
        what = (unique_id, entity.translation_key, entity.entity_category)
        # A moment of its own every day; test_window_entities knows it.
        says = "..." if unique_id == "next_window" else state.state
        attributes = {
            str(key): it
            for key, it in sorted(state.attributes.items())
            if key not in {"friendly_name", "description"}
        }
        name = state.attributes["friendly_name"]
        lines[entity.entity_id] = f"{name}: {says}, {what}, {attributes}"

    assert lines == snapshot


async def test_entities_that_are_enabled_by_default(
    hass: HomeAssistant, loaded: MockConfigEntry, snapshot: SnapshotAssertion
) -> None:
    registry = er.async_get(hass)
    entities = er.async_entries_for_config_entry(registry, loaded.entry_id)
    enabled = sorted(it.entity_id for it in entities if not it.disabled)

    assert len(enabled) <= MOST_AT_FIRST
    assert enabled == snapshot


async def test_what_is_disabled_at_first_works_once_it_is_enabled(
    hass: HomeAssistant, loaded: MockConfigEntry
) -> None:
    registry = er.async_get(hass)
    entities = er.async_entries_for_config_entry(registry, loaded.entry_id)
    disabled = {it.entity_id for it in entities if it.disabled}
    for entity_id in disabled:
        assert not hass.states.get(entity_id)
        registry.async_update_entity(entity_id, disabled_by=None)
    await hass.config_entries.async_reload(loaded.entry_id)
    await settle(hass)

    for entity_id in disabled:
        state = hass.states.get(entity_id)
        assert state
        assert state.state != STATE_UNAVAILABLE


async def test_a_voice_assistant_gets_the_switches_of_twelve_tasks(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    assert await async_setup_component(hass, "homeassistant", {})
    await hass.config_entries.async_setup(entry.entry_id)
    await settle(hass)
    exposed = [
        state.entity_id
        for state in hass.states.async_all()
        if async_should_expose(hass, "conversation", state.entity_id)
    ]

    assert len(exposed) == 12
    assert all(entity_id.startswith("switch.") for entity_id in exposed)


@pytest.mark.usefixtures("all_entities_enabled")
async def test_a_switch_action_for_the_device_is_for_its_enabled_tasks_alone(
    hass: HomeAssistant, plex: SimulatedPlex, loaded: MockConfigEntry
) -> None:
    registry = er.async_get(hass)
    registry.async_update_entity(
        "switch.attic_butler_install_server_updates",
        disabled_by=er.RegistryEntryDisabler.USER,
    )
    await settle(hass)
    device = registry.async_get("switch.attic_butler_back_up_database")
    assert device
    target = {ATTR_DEVICE_ID: device.device_id}
    await hass.services.async_call("switch", "turn_off", target, blocking=True)
    # A setting of the schedule is no task.
    schedule = hass.states.get("switch.attic_butler_schedule_back_up_database")
    assert schedule
    assert schedule.state == STATE_ON

    await hass.services.async_call("switch", "turn_on", target, blocking=True)
    idle = {task for task, state in plex.truth().items() if state == "idle"}
    assert idle == {"AutomaticUpdates"}
    libraries = hass.states.get("switch.attic_butler_schedule_update_all_libraries")
    assert libraries
    assert libraries.state == STATE_OFF


async def test_a_registry_of_an_older_version_keeps_ids_names_and_what_is_enabled(
    hass: HomeAssistant, entry: MockConfigEntry, entity_registry: er.EntityRegistry
) -> None:
    old: list[er.RegistryEntry] = []
    for domain, names in OLD_NAMES.items():
        for key, name in names.items():
            disabled = f"{domain}.{key}" in OLD_DISABLED
            old.append(
                entity_registry.async_get_or_create(
                    domain,
                    DOMAIN,
                    f"{entry.unique_id}_{key}",
                    config_entry=entry,
                    disabled_by=er.RegistryEntryDisabler.INTEGRATION
                    if disabled
                    else None,
                    has_entity_name=True,
                    object_id_base=slugify(f"Attic Butler {name}"),
                    original_name=name or None,
                )
            )
    bundles = f"{entry.unique_id}_task_CleanOldBundles"
    renamed = entity_registry.async_get_entity_id("switch", DOMAIN, bundles)
    assert renamed == "switch.attic_butler_clean_old_bundles"
    entity_registry.async_update_entity(
        renamed, new_entity_id="switch.sweep", name="Sweep"
    )
    await hass.config_entries.async_setup(entry.entry_id)
    await settle(hass)

    for before in old:
        after = entity_registry.entities.get_entry(before.id)
        assert after
        assert after.disabled_by == before.disabled_by, after.entity_id
        if before.entity_id == renamed:
            assert (after.entity_id, after.name) == ("switch.sweep", "Sweep")
        else:
            assert after.entity_id == before.entity_id
            assert after.name is None
        state = hass.states.get(after.entity_id)
        assert after.disabled or (state and state.state != STATE_UNAVAILABLE)
    assert hass.states.get("switch.sweep").name == "Sweep"  # type: ignore[union-attr] # it was just seen


async def test_each_state_is_written_once_at_set_up(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    written: list[str] = []

    @callback
    def note(event: Event[Any]) -> None:
        written.append(event.data["entity_id"])

    hass.bus.async_listen(EVENT_STATE_CHANGED, note)
    hass.bus.async_listen(
        EVENT_STATE_REPORTED, note, event_filter=callback(lambda _: True)
    )
    await hass.config_entries.async_setup(entry.entry_id)
    await settle(hass)

    assert len(written) == len(set(written)) > 0
