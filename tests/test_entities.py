"""All entities that a server has, one line each."""

from homeassistant.const import Platform
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from syrupy.assertion import SnapshotAssertion

from custom_components.plex_butler import PLATFORMS


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
            if key != "friendly_name"
        }
        name = state.attributes["friendly_name"]
        lines[entity.entity_id] = f"{name}: {says}, {what}, {attributes}"

    assert lines == snapshot


async def test_entities_that_are_enabled_by_default(
    hass: HomeAssistant, loaded: MockConfigEntry, snapshot: SnapshotAssertion
) -> None:
    registry = er.async_get(hass)
    entities = er.async_entries_for_config_entry(registry, loaded.entry_id)

    assert sorted(it.entity_id for it in entities if not it.disabled) == snapshot
