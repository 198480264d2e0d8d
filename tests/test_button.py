"""Buttons speak to all of Butler."""

from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import entity_registry as er
import pytest

from tests.conftest import BACKUP, OPTIMIZE, Home

RUN_DUE = "button.attic_butler_run_what_is_due_now"
STOP_ALL = "button.attic_butler_stop_all_tasks"


async def press(home: Home, entity_id: str) -> None:
    await home.perform("button.press", entity_id=entity_id)
    await home.settle()


def on(home: Home) -> int:
    return [it.state for it in home.hass.states.async_all("switch")].count("on")


async def test_run_what_is_due_now_starts_it(home: Home) -> None:
    await press(home, RUN_DUE)

    assert "running" in home.plex.truth().values()
    # As the documentation warns
    assert home.plex.truth()["AutomaticUpdates"] != "idle"
    assert on(home)


async def test_both_buttons_are_in_the_same_card(home: Home) -> None:
    registry = er.async_get(home.hass)
    buttons = [registry.async_get(entity_id) for entity_id in (RUN_DUE, STOP_ALL)]

    assert [it and it.entity_category for it in buttons] == [None, None]


async def test_stop_all_stops_everything(home: Home) -> None:
    home.begins(BACKUP, 3600)
    home.begins(OPTIMIZE, 3600)
    await home.advance(31)
    assert on(home) == 2

    await press(home, STOP_ALL)

    assert set(home.plex.truth().values()) == {"idle"}
    assert not on(home)


@pytest.mark.parametrize("button", [RUN_DUE, STOP_ALL])
async def test_a_press_that_fails_says_why(home: Home, button: str) -> None:
    home.plex.fault("403", count=2, path="/butler")
    with pytest.raises(HomeAssistantError) as err:
        await press(home, button)
    assert err.value.translation_key == "not_owner"

    await press(home, button)
    assert home.state(button) not in ("unknown", "unavailable")
