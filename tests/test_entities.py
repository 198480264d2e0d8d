"""All entities that a server has, one line each, and which of them are enabled."""

import json
from pathlib import Path
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
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from syrupy.assertion import SnapshotAssertion

from custom_components.plex_butler import PLATFORMS
from custom_components.plex_butler.const import DOMAIN
from tests.conftest import settle
from tests.simulator import SimulatedPlex

# With these, a device page is read at a glance.
MOST_AT_FIRST: Final = 22
# The entities of 0.1.0: the ends of their unique ids, and if they were disabled
OLD: Final[dict[str, tuple[str, bool]]] = json.loads(
    Path(__file__).with_name("registry_0_1_0.json").read_text()
)
# Those that are no more
GONE: Final = {
    "sensor.attic_butler_active_streams",
    "sensor.attic_butler_running_tasks",
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
        # Moments of their own every day; test_window_entities and test_calendar know them.
        says = "..." if unique_id in ("next_window", "maintenance") else state.state
        attributes = {
            str(key): it
            for key, it in sorted(state.attributes.items())
            if key not in {"friendly_name", "description", "start_time", "end_time"}
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
    old = {}
    for entity_id, (unique_id, disabled) in OLD.items():
        domain, _, object_id = entity_id.partition(".")
        old[entity_id] = entity_registry.async_get_or_create(
            domain,
            DOMAIN,
            f"{entry.unique_id}_{unique_id}",
            config_entry=entry,
            disabled_by=er.RegistryEntryDisabler.INTEGRATION if disabled else None,
            suggested_object_id=object_id,
        )
    assert {entity_id: it.entity_id for entity_id, it in old.items()} == dict(
        zip(OLD, OLD, strict=True)
    )
    # One that people named and moved
    sweep = "switch.sweep"
    old[sweep] = entity_registry.async_update_entity(
        "switch.attic_butler_clean_old_bundles", new_entity_id=sweep, name="Sweep"
    )
    del old["switch.attic_butler_clean_old_bundles"]
    await hass.config_entries.async_setup(entry.entry_id)
    await settle(hass)

    for entity_id, before in old.items():
        after = entity_registry.async_get(entity_id)
        if entity_id in GONE:
            assert not after
            continue
        assert after
        assert (after.id, after.unique_id) == (before.id, before.unique_id)
        assert (after.name, after.disabled_by) == (before.name, before.disabled_by)
        state = hass.states.get(entity_id)
        if after.disabled:
            assert not state
        else:
            assert state
            assert state.state != STATE_UNAVAILABLE
    named = hass.states.get(sweep)
    assert named
    # Since 2026.11, the name of the device stands before it.
    assert named.name.removeprefix("Attic Butler ") == "Sweep"
    # What is new is beside it.
    assert hass.states.get("sensor.attic_butler_current_task")


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
