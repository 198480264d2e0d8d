"""All entities that a server has, one line each, and which of them are enabled."""

import json
from pathlib import Path
from typing import Final

from homeassistant.components.homeassistant.exposed_entities import async_should_expose
from homeassistant.const import Platform
from homeassistant.helpers import entity_registry as er
from homeassistant.setup import async_setup_component
import pytest
from syrupy.assertion import SnapshotAssertion

from custom_components.plex_butler import PLATFORMS
from custom_components.plex_butler.const import DOMAIN
from tests.conftest import Home

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


def entities_of(home: Home) -> list[er.RegistryEntry]:
    registry = er.async_get(home.hass)
    return er.async_entries_for_config_entry(registry, home.entry.entry_id)


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.usefixtures("all_entities_enabled")
async def test_all_entities(
    home: Home, snapshot: SnapshotAssertion, platform: Platform
) -> None:
    lines = {}
    for entity in entities_of(home):
        if entity.domain != platform:
            continue
        state = home.hass.states.get(entity.entity_id)
        assert state
        assert entity.has_entity_name
        unique_id = entity.unique_id.removeprefix(f"{home.entry.unique_id}_")
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
    home: Home, snapshot: SnapshotAssertion
) -> None:
    enabled = sorted(it.entity_id for it in entities_of(home) if not it.disabled)

    assert len(enabled) <= MOST_AT_FIRST
    assert enabled == snapshot


async def test_a_voice_assistant_gets_twelve_switches(new_home: Home) -> None:
    assert await async_setup_component(new_home.hass, "homeassistant", {})
    await new_home.set_up()
    exposed = [
        entity_id.partition(".")[0]
        for entity_id in new_home.hass.states.async_entity_ids()
        if async_should_expose(new_home.hass, "conversation", entity_id)
    ]

    assert exposed == ["switch"] * 12


@pytest.mark.usefixtures("all_entities_enabled")
async def test_a_switch_action_for_the_device_is_for_its_tasks(home: Home) -> None:
    updates = "switch.attic_butler_install_server_updates"
    by_user = er.RegistryEntryDisabler.USER
    er.async_get(home.hass).async_update_entity(updates, disabled_by=by_user)
    await home.settle()
    await home.perform("switch.turn_off", device_id=home.device)
    # A setting of the schedule is no task.
    assert home.state("switch.attic_butler_schedule_back_up_database") == "on"

    await home.perform("switch.turn_on", device_id=home.device)
    idle = {task for task, state in home.plex.truth().items() if state == "idle"}
    assert idle == {"AutomaticUpdates"}
    assert home.state("switch.attic_butler_schedule_update_all_libraries") == "off"


async def test_a_registry_of_an_older_version_keeps_ids_names_and_what_is_enabled(
    new_home: Home, entity_registry: er.EntityRegistry
) -> None:
    old = {}
    for entity_id, (unique_id, disabled) in OLD.items():
        domain, _, object_id = entity_id.partition(".")
        old[entity_id] = entity_registry.async_get_or_create(
            domain,
            DOMAIN,
            f"{new_home.entry.unique_id}_{unique_id}",
            config_entry=new_home.entry,
            disabled_by=er.RegistryEntryDisabler.INTEGRATION if disabled else None,
            suggested_object_id=object_id,
        )
    assert [it.entity_id for it in old.values()] == list(OLD)
    # One that people named and moved
    sweep, bundles = "switch.sweep", "switch.attic_butler_clean_old_bundles"
    del old[bundles]
    old[sweep] = entity_registry.async_update_entity(
        bundles, new_entity_id=sweep, name="Sweep"
    )
    await new_home.set_up()

    for entity_id, before in old.items():
        after = entity_registry.async_get(entity_id)
        if entity_id in GONE:
            assert not after
            continue
        assert after
        assert (after.id, after.unique_id) == (before.id, before.unique_id)
        assert (after.name, after.disabled_by) == (before.name, before.disabled_by)
        assert new_home.state(entity_id) != "unavailable"
        assert (new_home.state(entity_id) is None) == after.disabled
    named = new_home.hass.states.get(sweep)
    assert named
    # Since 2026.11, the name of the device stands before it.
    assert named.name.removeprefix("Attic Butler ") == "Sweep"
    # What is new is beside it.
    assert new_home.hass.states.get("sensor.attic_butler_current_task")


async def test_each_state_is_written_once_at_set_up(new_home: Home) -> None:
    written = new_home.writes()
    await new_home.set_up()
    assert len(written) == len(set(written)) > 0
