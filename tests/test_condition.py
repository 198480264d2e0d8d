"""Conditions are fulfilled by what is known to be so, and by nothing else."""

from typing import Any

from homeassistant.core import HomeAssistant
from homeassistant.helpers import condition
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_mock_service,
)
import voluptuous as vol

from custom_components.plex_butler.const import DOMAIN
from tests.automations import automate, device_of, noted, queue_guides
from tests.conftest import Advance, add_entry, settle
from tests.simulator import ManualClock, SimulatedPlex

BACKUP, OPTIMIZE = "BackupDatabase", "OptimizeDatabase"
GO = "go"
RUNNING, BUSY = "task_is_running", "butler_is_busy"


class Automation:
    """An automation that acts at an event if a condition of ours is fulfilled."""

    def __init__(self, hass: HomeAssistant) -> None:
        """Do nothing yet."""
        self._hass = hass
        self._calls = async_mock_service(hass, "test", "act")

    async def set_up(self, name: str, **options: Any) -> None:
        assert await async_setup_component(
            self._hass,
            "automation",
            {
                "automation": {
                    "triggers": {"trigger": "event", "event_type": GO},
                    "conditions": {
                        "condition": f"{DOMAIN}.{name}",
                        "options": options,
                    },
                    "actions": {"action": "test.act"},
                }
            },
        )
        await self._hass.async_block_till_done()

    async def acts(self) -> bool:
        before = len(self._calls)
        self._hass.bus.async_fire(GO)
        await self._hass.async_block_till_done()
        return len(self._calls) > before


@pytest.fixture
def automation(hass: HomeAssistant) -> Automation:
    return Automation(hass)


@pytest.fixture
def device(hass: HomeAssistant, loaded: MockConfigEntry) -> str:
    return device_of(hass, loaded)


async def test_a_task_is_running_while_it_runs(
    plex: SimulatedPlex, device: str, automation: Automation, advance: Advance
) -> None:
    await automation.set_up(RUNNING, device_id=device, task=["backup_database"])
    assert not await automation.acts()

    plex.durations[BACKUP] = 60
    plex.client_start(OPTIMIZE)
    await advance(5)
    assert not await automation.acts()

    plex.client_start(BACKUP)
    await advance(5)
    assert plex.truth()[BACKUP] == "running"
    assert await automation.acts()

    await advance(60)
    assert plex.truth()[BACKUP] == "idle"
    assert not await automation.acts()


@pytest.mark.parametrize("name", [RUNNING, BUSY])
async def test_without_a_task_any_work_will_do(
    plex: SimulatedPlex,
    device: str,
    automation: Automation,
    advance: Advance,
    name: str,
) -> None:
    await automation.set_up(name, device_id=[device])
    assert not await automation.acts()

    plex.client_start(OPTIMIZE)
    await advance(5)
    assert await automation.acts()

    plex.client_stop(OPTIMIZE)
    await advance(5)
    assert not await automation.acts()


@pytest.mark.parametrize("name", [RUNNING, BUSY])
async def test_what_is_unknown_is_not_fulfilled(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    loaded: MockConfigEntry,
    device: str,
    automation: Automation,
    advance: Advance,
    expected_logs: list[str],
    name: str,
) -> None:
    expected_logs.append("Error fetching Attic Butler data")
    plex.durations[OPTIMIZE] = 3600
    await automation.set_up(name, device_id=device)
    plex.client_start(OPTIMIZE)
    await advance(5)
    assert await automation.acts()

    plex.fault("503", path="/activities")
    await advance(61)
    assert not await automation.acts()

    await advance(31)
    assert await automation.acts()

    await hass.config_entries.async_unload(loaded.entry_id)
    assert not await automation.acts()

    await hass.config_entries.async_setup(loaded.entry_id)
    await settle(hass)
    assert await automation.acts()


async def test_a_condition_is_valid_before_its_server_is_there(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    loaded: MockConfigEntry,
    device: str,
    automation: Automation,
    advance: Advance,
) -> None:
    await hass.config_entries.async_unload(loaded.entry_id)
    await automation.set_up(RUNNING, device_id=device, task=OPTIMIZE)
    assert not await automation.acts()

    plex.client_start(OPTIMIZE)
    await hass.config_entries.async_setup(loaded.entry_id)
    await settle(hass)
    assert await automation.acts()


@pytest.mark.parametrize("profile", ["silent"])
async def test_a_server_that_shows_nothing_is_never_busy_but_runs_what_it_was_told(
    hass: HomeAssistant, plex: SimulatedPlex, device: str, advance: Advance
) -> None:
    await hass.services.async_call(
        DOMAIN, "start_task", {"task": BACKUP}, blocking=True
    )

    fulfilled = {
        name: await check(hass, name, device_id=device) for name in (RUNNING, BUSY)
    }

    assert fulfilled == {RUNNING: True, BUSY: False}


async def check(hass: HomeAssistant, name: str, **options: Any) -> bool | None:
    await async_setup_component(hass, "automation", {})
    config = await condition.async_validate_condition_config(
        hass, {"condition": f"{DOMAIN}.{name}", "options": options}
    )
    checker = await condition.async_from_config(hass, config)
    try:
        return checker.async_check()
    finally:
        checker.async_unload()


@pytest.mark.usefixtures("all_entities_enabled")
async def test_a_task_that_waits_for_its_start_is_not_running(
    hass: HomeAssistant, plex: SimulatedPlex, device: str, advance: Advance
) -> None:
    guides = await queue_guides(hass, plex, advance)

    state = hass.states.get("switch.attic_butler_refresh_program_guide")
    assert state
    assert state.state == "on"
    assert not await check(hass, RUNNING, device_id=device, task=guides)


@pytest.mark.parametrize("trigger", ["task_started", "task_ended"])
async def test_what_a_trigger_tells_is_so_for_conditions_and_actions(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    device: str,
    advance: Advance,
    trigger: str,
) -> None:
    running: Any = {
        "condition": f"{DOMAIN}.{RUNNING}",
        "options": {"device_id": device, "task": BACKUP},
    }
    if trigger == "task_ended":
        running = {"condition": "not", "conditions": [running]}
    calls = await automate(hass, trigger, conditions=[running], device_id=device)
    plex.durations[BACKUP] = 60
    # What was published a moment before makes what comes now wait for its turn
    plex.client_start(OPTIMIZE)
    plex.client_start(BACKUP)
    await advance(1)
    plex.client_stop(OPTIMIZE)
    await advance(59)
    await advance(1)

    assert (BACKUP,) in noted(calls, "task")


@pytest.mark.parametrize("name", [RUNNING, BUSY])
async def test_of_two_servers_only_the_one_that_is_named_counts(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    device: str,
    automation: Automation,
    advance: Advance,
    name: str,
) -> None:
    async with SimulatedPlex(name="Cellar", seed=7, clock=ManualClock()) as other:
        entry = add_entry(hass, other)
        await hass.config_entries.async_setup(entry.entry_id)
        await settle(hass)
        await automation.set_up(name, device_id=device_of(hass, entry))
        plex.client_start(OPTIMIZE)
        await advance(5)
        assert not await automation.acts()
        assert await check(hass, name, device_id=device)

        other.client_start(OPTIMIZE)
        await settle(hass)
        await advance(5)
        assert await automation.acts()
        await hass.config_entries.async_unload(entry.entry_id)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        (RUNNING, {}),
        (RUNNING, {"device_id": "nobody"}),
        (BUSY, {"device_id": "{device}", "task": BACKUP}),
    ],
)
async def test_what_is_no_condition_is_refused(
    hass: HomeAssistant, device: str, name: str, options: dict[str, Any]
) -> None:
    if options.get("device_id") == "{device}":
        options = options | {"device_id": device}

    with pytest.raises(vol.Invalid):
        await check(hass, name, **options)

    assert await check(hass, name, device_id=device) is False


async def test_all_conditions_are_described(
    hass: HomeAssistant, loaded: MockConfigEntry
) -> None:
    await async_setup_component(hass, "automation", {})

    described = await condition.async_get_all_descriptions(hass)

    running, busy = (described[f"{DOMAIN}.{name}"] for name in (RUNNING, BUSY))
    assert running
    assert running["fields"].keys() == {"device_id", "task"}
    assert busy
    assert busy["fields"].keys() == {"device_id"}
