"""What automations hear of the event entity, through outages and reloads."""

from typing import Any

from homeassistant.const import STATE_OFF, STATE_UNAVAILABLE
from homeassistant.core import ServiceCall
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import async_mock_service

from tests.journeys.journey import Journey

# Also what is disabled at first
pytestmark = pytest.mark.usefixtures("all_entities_enabled")

TASK = "event.attic_butler_task"
# What a state trigger leaves out as the documentation says
NEITHER = {"not_from": STATE_UNAVAILABLE, "not_to": STATE_UNAVAILABLE}


async def automate(home: Journey, **trigger: Any) -> list[ServiceCall]:
    """Return the calls of an automation about the event entity, to be filled."""
    calls: list[ServiceCall] = async_mock_service(home.hass, "test", "note")
    data = {"type": "{{ trigger.to_state.attributes.event_type }}"}
    config = {
        "triggers": {"trigger": "state", "entity_id": TASK, **trigger},
        "actions": {"action": "test.note", "data": data},
    }
    assert await async_setup_component(
        home.hass, "automation", {"automation": [config]}
    )
    await home.hass.async_block_till_done()
    return calls


async def run(home: Journey) -> None:
    """Have a task run and end."""
    home.begins("BackupDatabase", 10)
    for seconds in (5, 6, 1):
        await home.advance(seconds)
    assert home.plex.truth()["BackupDatabase"] == "idle"


async def expect_to_hear_a_run(home: Journey, calls: list[ServiceCall]) -> None:
    await run(home)
    assert [call.data["type"] for call in calls] == ["started", "ended"]


@pytest.mark.parametrize("fault", ["503", "500", "refuse"])
async def test_an_outage_tells_nobody_of_yesterdays_event_again(
    home: Journey, fault: str
) -> None:
    home.expected_logs.append("Error fetching Attic Butler data")
    await run(home)
    calls = await automate(home)
    shown = home.hass.states.get(TASK)

    home.plex.fault(fault, count=None)
    home.plex.hub.drop()
    await home.advance_steps(10, 31)
    assert home.state() == STATE_UNAVAILABLE
    assert home.hass.states.get(TASK) == shown
    home.plex.clear_faults()
    await home.advance_steps(3, 31)
    assert home.state() == STATE_OFF
    assert home.hass.states.get(TASK) == shown
    assert calls == []

    await expect_to_hear_a_run(home, calls)


async def test_an_automation_leaves_a_reload_out(home: Journey) -> None:
    await run(home)
    calls = await automate(home, **NEITHER)
    before = home.state(TASK)

    await home.unload()
    assert home.state(TASK) == STATE_UNAVAILABLE
    await home.set_up()
    assert home.state(TASK) == before
    assert calls == []

    await expect_to_hear_a_run(home, calls)


async def test_the_first_event_of_all_is_heard_too(home: Journey) -> None:
    assert home.state(TASK) == "unknown"
    await expect_to_hear_a_run(home, await automate(home, **NEITHER))
