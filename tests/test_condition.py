"""Conditions are fulfilled by what is known to be so, and by nothing else."""

from collections.abc import Callable
from typing import Any

from homeassistant.helpers import condition
from homeassistant.setup import async_setup_component
import pytest

from custom_components.plex_butler.const import DOMAIN
from tests.automations import automate, check, noted, queue_guides, split
from tests.conftest import BACKUP, OPTIMIZE, Home

RUNNING, BUSY = "task_is_running", "butler_is_busy"


async def condition_of(
    home: Home, name: str, **options: Any
) -> Callable[[], bool | None]:
    """Return what tells whether a condition about the server is fulfilled."""
    await async_setup_component(home.hass, "automation", {})
    about = split(options | {"device_id": home.device})
    config = await condition.async_validate_condition_config(
        home.hass, {"condition": f"{DOMAIN}.{name}", **about}
    )
    return (await condition.async_from_config(home.hass, config)).async_check


async def test_a_task_is_running_while_it_runs(home: Home) -> None:
    is_running = await condition_of(home, RUNNING, task=["backup_database"])
    assert is_running() is False

    await home.others_start(OPTIMIZE, wait=5)
    assert not is_running()

    await home.others_start(BACKUP, lasts=60, wait=5)
    assert home.plex.truth()[BACKUP] == "running"
    assert is_running()

    await home.advance(60)
    assert home.plex.truth()[BACKUP] == "idle"
    assert not is_running()


@pytest.mark.parametrize("name", [RUNNING, BUSY])
async def test_what_is_unknown_is_not_fulfilled(home: Home, name: str) -> None:
    home.expect_log("Error fetching Attic Butler data")
    # It is valid before its server is there.
    await home.unload()
    is_at_work = await condition_of(home, name)
    assert is_at_work() is False

    # Without a task any work will do.
    home.begins(OPTIMIZE, 3600)
    await home.set_up()
    assert is_at_work()

    home.plex.fault("503", path="/activities")
    await home.advance(61)
    assert not is_at_work()

    await home.advance(31)
    assert is_at_work()

    await home.unload()
    assert not is_at_work()

    await home.set_up()
    assert is_at_work()

    await home.others_stop(OPTIMIZE, wait=5)
    assert not is_at_work()


@pytest.mark.parametrize("profile", ["silent"])
async def test_a_silent_server_is_never_busy_but_runs_what_is_told(home: Home) -> None:
    await home.call("start_task")

    assert await check(home.hass, RUNNING, device_id=home.device) is True
    assert await check(home.hass, BUSY, device_id=home.device) is False


@pytest.mark.usefixtures("all_entities_enabled")
async def test_a_task_that_waits_for_its_start_is_not_running(home: Home) -> None:
    guides = await queue_guides(home)

    assert home.state("switch.attic_butler_refresh_program_guide") == "on"
    assert not await check(home.hass, RUNNING, device_id=home.device, task=guides)


@pytest.mark.parametrize("trigger", ["task_started", "task_ended"])
async def test_what_a_trigger_tells_is_so_for_conditions_and_actions(
    home: Home, trigger: str
) -> None:
    device = {"device_id": home.device}
    about = split({"task": BACKUP, **device})
    running: Any = {"condition": f"{DOMAIN}.{RUNNING}", **about}
    if trigger == "task_ended":
        running = {"condition": "not", "conditions": [running]}
    calls = await automate(home.hass, trigger, conditions=[running], **device)
    # What was published a moment before makes what comes now wait for its turn
    home.plex.client_start(OPTIMIZE)
    await home.others_start(BACKUP, lasts=60, wait=1)
    home.plex.client_stop(OPTIMIZE)
    await home.advance(59, 1)
    assert (BACKUP,) in noted(calls, "name")
