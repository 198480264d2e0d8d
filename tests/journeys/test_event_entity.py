"""What automations hear of the event entity, through outages and reloads."""

from homeassistant.const import STATE_OFF, STATE_UNAVAILABLE
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import async_mock_service

from tests.conftest import BACKUP
from tests.journeys.journey import Journey

TASK = "event.attic_butler_task"
AUTOMATION = {
    "triggers": {
        "trigger": "state",
        "entity_id": TASK,
        # What is to be left out as the documentation says
        "not_from": STATE_UNAVAILABLE,
        "not_to": STATE_UNAVAILABLE,
    },
    "actions": {
        "action": "test.note",
        "data": {"type": "{{ trigger.to_state.attributes.event_type }}"},
    },
}


@pytest.mark.usefixtures("all_entities_enabled")
@pytest.mark.parametrize("fault", ["503", "500", "refuse"])
async def test_automations_hear_of_each_event_once_through_a_reload_and_an_outage(
    home: Journey, fault: str
) -> None:
    calls = async_mock_service(home.hass, "test", "note")
    automations = {"automation": [AUTOMATION]}
    assert await async_setup_component(home.hass, "automation", automations)
    await home.settle()

    async def expect_to_hear_a_run() -> None:
        home.begins(BACKUP, 10)
        for seconds in (5, 6, 1):
            await home.advance(seconds)
        assert [call.data["type"] for call in calls] == ["started", "ended"]
        calls.clear()

    # The first of all is heard as well.
    assert home.state(TASK) == "unknown"
    await expect_to_hear_a_run()

    shown = home.state(TASK)
    await home.unload()
    assert home.state(TASK) == STATE_UNAVAILABLE
    await home.set_up()
    assert home.state(TASK) == shown
    assert calls == []
    await expect_to_hear_a_run()

    # An outage shows not at all, so it needs no care in automations.
    home.expect_log("Error fetching Attic Butler data")
    yesterdays = home.hass.states.get(TASK)
    home.plex.fault(fault, count=None)
    home.plex.hub.drop()
    await home.advance_steps(10, 31)
    assert home.state() == STATE_UNAVAILABLE
    assert home.hass.states.get(TASK) == yesterdays
    home.plex.clear_faults()
    await home.advance_steps(3, 31)
    assert home.state() == STATE_OFF
    assert home.hass.states.get(TASK) == yesterdays
    assert calls == []
    await expect_to_hear_a_run()
