"""Buttons speak to all of Butler."""

from homeassistant.const import ATTR_ENTITY_ID, STATE_OFF, STATE_ON, Platform
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import entity_registry as er
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
)

from tests.conftest import Advance, settle
from tests.simulator import SimulatedPlex

RUN_DUE = "button.attic_butler_run_what_is_due_now"
STOP_ALL = "button.attic_butler_stop_all_tasks"


async def press(hass: HomeAssistant, entity_id: str) -> None:
    await hass.services.async_call(
        Platform.BUTTON, "press", {ATTR_ENTITY_ID: entity_id}, blocking=True
    )


def on(hass: HomeAssistant) -> set[str]:
    return {
        state.entity_id
        for state in hass.states.async_all(Platform.SWITCH)
        if state.state == STATE_ON
    }


async def test_run_what_is_due_now_starts_it(
    hass: HomeAssistant, plex: SimulatedPlex, loaded: MockConfigEntry
) -> None:
    await press(hass, RUN_DUE)
    await settle(hass)

    assert "running" in plex.truth().values()
    # As the documentation warns
    assert plex.truth()["AutomaticUpdates"] != "idle"
    assert on(hass)


async def test_both_buttons_are_in_the_same_card(
    hass: HomeAssistant, loaded: MockConfigEntry
) -> None:
    registry = er.async_get(hass)
    buttons = [registry.async_get(entity_id) for entity_id in (RUN_DUE, STOP_ALL)]

    assert [it and it.entity_category for it in buttons] == [None, None]


async def test_stop_all_stops_everything(
    hass: HomeAssistant, plex: SimulatedPlex, loaded: MockConfigEntry, advance: Advance
) -> None:
    plex.durations["BackupDatabase"] = plex.durations["OptimizeDatabase"] = 3600
    plex.client_start("BackupDatabase")
    plex.client_start("OptimizeDatabase")
    await advance(31)
    assert len(on(hass)) == 2

    await press(hass, STOP_ALL)

    assert set(plex.truth().values()) == {"idle"}
    assert on(hass) == set()


@pytest.mark.parametrize("button", [RUN_DUE, STOP_ALL])
async def test_a_press_that_fails_says_why(
    hass: HomeAssistant, plex: SimulatedPlex, loaded: MockConfigEntry, button: str
) -> None:
    plex.fault("403", count=2, path="/butler")
    with pytest.raises(HomeAssistantError) as err:
        await press(hass, button)
    assert err.value.translation_key == "not_owner"

    await press(hass, button)
    await settle(hass)
    state = hass.states.get(button)
    assert state and state.state != STATE_OFF
