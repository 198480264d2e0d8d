"""All entities that a server has, one line each."""

from typing import Any

from homeassistant.const import EVENT_STATE_CHANGED, EVENT_STATE_REPORTED, Platform
from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.helpers import entity_registry as er
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from syrupy.assertion import SnapshotAssertion

from custom_components.plex_butler import PLATFORMS
from tests.conftest import settle


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
            if key not in ("friendly_name", "start_time", "end_time")
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
