"""What automations hear of the event entity, through outages and reloads."""

from typing import Any

from homeassistant.const import STATE_UNAVAILABLE
from homeassistant.core import HomeAssistant, ServiceCall
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_mock_service,
)

from tests.conftest import Advance, settle
from tests.simulator import SimulatedPlex

# Also what is disabled at first
pytestmark = pytest.mark.usefixtures("all_entities_enabled")

BACKUP = "BackupDatabase"
TASK = "event.attic_butler_task"
# What a state trigger leaves out as the documentation says
NEITHER = {"not_from": STATE_UNAVAILABLE, "not_to": STATE_UNAVAILABLE}


def state(hass: HomeAssistant, entity_id: str = TASK) -> str | None:
    found = hass.states.get(entity_id)
    return found.state if found else None


async def automate(hass: HomeAssistant, **trigger: Any) -> list[ServiceCall]:
    """Return the calls of an automation about the event entity, to be filled."""
    calls: list[ServiceCall] = async_mock_service(hass, "test", "note")
    config = {
        "alias": "Noted",
        "triggers": {"trigger": "state", "entity_id": TASK, **trigger},
        "actions": {
            "action": "test.note",
            "data": {"type": "{{ trigger.to_state.attributes.event_type }}"},
        },
    }
    assert await async_setup_component(hass, "automation", {"automation": [config]})
    await hass.async_block_till_done()
    return calls


async def run(plex: SimulatedPlex, advance: Advance) -> None:
    """Have a task run and end."""
    plex.durations[BACKUP] = 10
    plex.client_start(BACKUP)
    await advance(5)
    await advance(6)
    await advance(1)
    assert plex.truth()[BACKUP] == "idle"


def types(calls: list[ServiceCall]) -> list[str]:
    return [call.data["type"] for call in calls]


@pytest.mark.parametrize("fault", ["503", "500", "refuse"])
async def test_an_outage_tells_nobody_of_yesterdays_event_again(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    loaded: MockConfigEntry,
    advance: Advance,
    expected_logs: list[str],
    fault: str,
) -> None:
    expected_logs.append("Error fetching Attic Butler data")
    await run(plex, advance)
    calls = await automate(hass)
    shown = hass.states.get(TASK)

    plex.fault(fault, count=None)
    plex.hub.drop()
    for _ in range(10):
        await advance(31)
    assert state(hass, "switch.attic_butler_back_up_database") == STATE_UNAVAILABLE
    assert hass.states.get(TASK) == shown
    plex.clear_faults()
    for _ in range(3):
        await advance(31)
    assert state(hass, "switch.attic_butler_back_up_database") == "off"
    assert hass.states.get(TASK) == shown
    assert calls == []

    await run(plex, advance)
    assert types(calls) == ["started", "ended"]


async def test_a_reload_passes_through_unavailable_which_an_automation_leaves_out(
    hass: HomeAssistant, plex: SimulatedPlex, loaded: MockConfigEntry, advance: Advance
) -> None:
    await run(plex, advance)
    calls = await automate(hass, **NEITHER)
    before = state(hass)

    assert await hass.config_entries.async_unload(loaded.entry_id)
    assert state(hass) == STATE_UNAVAILABLE
    assert await hass.config_entries.async_setup(loaded.entry_id)
    await settle(hass)
    assert state(hass) == before
    assert calls == []

    await run(plex, advance)
    assert types(calls) == ["started", "ended"]


async def test_the_first_event_of_all_is_heard_too(
    hass: HomeAssistant, plex: SimulatedPlex, loaded: MockConfigEntry, advance: Advance
) -> None:
    assert state(hass) == "unknown"
    calls = await automate(hass, **NEITHER)

    await run(plex, advance)

    assert types(calls) == ["started", "ended"]
