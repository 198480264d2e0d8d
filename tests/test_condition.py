"""Conditions are fulfilled by what is known to be so, and by nothing else."""

from dataclasses import dataclass
from typing import Any

from homeassistant.core import ServiceCall
from homeassistant.helpers import condition
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import async_mock_service
import voluptuous as vol

from custom_components.plex_butler.const import DOMAIN
from tests.automations import automate, check, noted, queue_guides, split
from tests.conftest import BACKUP, OPTIMIZE, Home

GO = "go"
RUNNING, BUSY = "task_is_running", "butler_is_busy"
EITHER = pytest.mark.parametrize("name", [RUNNING, BUSY])


@dataclass
class Acting(Home):
    """A home that acts at an event if a condition of ours is fulfilled."""

    calls: list[ServiceCall]

    async def automate(self, name: str, **options: Any) -> None:
        """Have it act on a condition about the server."""
        about = split(options | {"device_id": self.device})
        config = {
            "triggers": {"trigger": "event", "event_type": GO},
            "conditions": {"condition": f"{DOMAIN}.{name}", **about},
            "actions": {"action": "test.act"},
        }
        components = {"automation": config}
        assert await async_setup_component(self.hass, "automation", components)
        await self.hass.async_block_till_done()

    async def acts(self) -> bool:
        self.calls.clear()
        self.hass.bus.async_fire(GO)
        await self.hass.async_block_till_done()
        return bool(self.calls)


@pytest.fixture
async def home(home: Home) -> Acting:
    return Acting(**vars(home), calls=async_mock_service(home.hass, "test", "act"))


async def test_a_task_is_running_while_it_runs(home: Acting) -> None:
    await home.automate(RUNNING, task=["backup_database"])
    assert not await home.acts()

    await home.others_start(OPTIMIZE, wait=5)
    assert not await home.acts()

    await home.others_start(BACKUP, lasts=60, wait=5)
    assert home.plex.truth()[BACKUP] == "running"
    assert await home.acts()

    await home.advance(60)
    assert home.plex.truth()[BACKUP] == "idle"
    assert not await home.acts()


@EITHER
async def test_without_a_task_any_work_will_do(home: Acting, name: str) -> None:
    await home.automate(name)
    for at_work, command in (
        (False, home.plex.client_start),
        (True, home.plex.client_stop),
    ):
        assert await home.acts() == at_work
        command(OPTIMIZE)
        await home.advance(5)
    assert not await home.acts()


@EITHER
async def test_what_is_unknown_is_not_fulfilled(home: Acting, name: str) -> None:
    home.expect_log("Error fetching Attic Butler data")
    # It is valid before its server is there.
    await home.unload()
    await home.automate(name)
    assert not await home.acts()

    home.begins(OPTIMIZE, 3600)
    await home.set_up()
    assert await home.acts()

    home.plex.fault("503", path="/activities")
    await home.advance(61)
    assert not await home.acts()

    await home.advance(31)
    assert await home.acts()

    await home.unload()
    assert not await home.acts()

    await home.set_up()
    assert await home.acts()


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


@pytest.mark.parametrize(
    ("name", "wrong"), [(RUNNING, {"device_id": "unknown"}), (BUSY, {"task": BACKUP})]
)
async def test_what_is_no_condition_is_refused(
    home: Home, name: str, wrong: dict[str, Any]
) -> None:
    good = {"device_id": home.device}
    with pytest.raises(vol.Invalid):
        await check(home.hass, name, **good | wrong)

    assert await check(home.hass, name, **good) is False


async def test_all_conditions_are_described(home: Home) -> None:
    await async_setup_component(home.hass, "automation", {})
    described = await condition.async_get_all_descriptions(home.hass)
    fields = {}
    for name in (RUNNING, BUSY):
        about = described[f"{DOMAIN}.{name}"]
        assert about
        fields[name] = set(about["fields"])
    assert fields == {RUNNING: {"task"}, BUSY: set()}
