"""Buttons speak to all of Butler."""

import pytest

from tests.conftest import BACKUP, OPTIMIZE, Home, refused

RUN_DUE = "button.attic_butler_run_what_is_due_now"
STOP_ALL = "button.attic_butler_stop_all_tasks"


def on(home: Home) -> int:
    return [it.state for it in home.hass.states.async_all("switch")].count("on")


async def test_run_what_is_due_now_starts_it(home: Home) -> None:
    await home.press(RUN_DUE)
    assert "running" in home.plex.truth().values()
    # As the documentation warns
    assert home.plex.truth()["AutomaticUpdates"] != "idle"
    assert on(home)


async def test_stop_all_stops_everything(home: Home) -> None:
    home.begins(BACKUP, 3600)
    await home.others_start(OPTIMIZE, lasts=3600, wait=31)
    assert on(home) == 2

    await home.press(STOP_ALL)

    assert set(home.plex.truth().values()) == {"idle"}
    assert not on(home)


@pytest.mark.parametrize("button", [RUN_DUE, STOP_ALL])
async def test_a_press_that_fails_says_why(home: Home, button: str) -> None:
    home.plex.fault("403", count=2, path="/butler")
    with refused("not_owner"):
        await home.press(button)

    await home.press(button)
    assert home.state(button) not in ("unknown", "unavailable")
