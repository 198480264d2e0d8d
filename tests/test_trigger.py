"""Triggers fire at what happens on a server, and at nothing else."""

from typing import Any

from homeassistant.core import HomeAssistant
from homeassistant.helpers import trigger
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
import voluptuous as vol

from custom_components.plex_butler.const import DOMAIN
from tests.automations import automate, device_of, noted, payloads, queue_guides
from tests.conftest import Advance, add_entry, settle
from tests.simulator import ManualClock, SimulatedPlex, TaskSpec

BACKUP, OPTIMIZE = "BackupDatabase", "OptimizeDatabase"
MINUTE = 60


@pytest.fixture
def device(hass: HomeAssistant, loaded: MockConfigEntry) -> str:
    return device_of(hass, loaded)


@pytest.fixture(autouse=True)
def _minutes(plex: SimulatedPlex) -> None:
    for task in plex.truth():
        plex.durations[task] = MINUTE


async def switch(hass: HomeAssistant, service: str, task: str) -> None:
    await hass.services.async_call(
        DOMAIN, f"{service}_task", {"task": task}, blocking=True
    )
    await settle(hass)


async def test_a_start_fires_whoever_started_the_task(
    hass: HomeAssistant, plex: SimulatedPlex, device: str, advance: Advance
) -> None:
    calls = await automate(hass, "task_started", device_id=device)

    await switch(hass, "start", BACKUP)
    assert plex.truth()[BACKUP] == "running"
    (payload,) = payloads(calls)
    assert payload["platform"] == "plex_butler.task_started"
    assert payload["device_id"] == device
    assert (payload["task"], payload["title"]) == (BACKUP, "Backup Database")
    assert payload["evidence"] == "assumed"
    assert dt_util.parse_datetime(payload["started_at"]) == dt_util.utcnow()
    assert payload["description"] == "Backup Database of Attic started"

    plex.client_start(OPTIMIZE)
    await advance(5)
    assert noted(calls, "task", "evidence") == [
        (BACKUP, "assumed"),
        (OPTIMIZE, "observed"),
    ]
    await advance(2 * MINUTE)
    assert len(calls) == 2


async def test_a_title_of_two_tasks_means_both(
    hass: HomeAssistant, plex: SimulatedPlex, device: str, advance: Advance
) -> None:
    for name in ("DustA", "DustB"):
        plex.add_task(TaskSpec(name=name, title="Dust", description=""))
    await advance(601)
    calls = await automate(hass, "task_started", device_id=device, task="dust")

    for name in ("DustA", BACKUP, "DustB"):
        await switch(hass, "start", name)
        await advance(1)

    assert noted(calls, "task") == [("DustA",), ("DustB",)]


async def test_an_end_fires_with_result_and_duration(
    hass: HomeAssistant, plex: SimulatedPlex, device: str, advance: Advance
) -> None:
    calls = await automate(hass, "task_ended", device_id=[device])
    await switch(hass, "start", BACKUP)
    await switch(hass, "start", OPTIMIZE)
    await advance(30)
    assert calls == []

    await switch(hass, "stop", OPTIMIZE)
    await advance(30)
    end = dt_util.utcnow()
    await advance(1)

    assert set(plex.truth().values()) == {"idle"}
    assert noted(calls, "task", "result", "duration") == [
        (OPTIMIZE, "stopped", 30),
        (BACKUP, "ended", 60),
    ]
    ended = payloads(calls)[1]
    assert ended["evidence"] == "observed"
    assert dt_util.parse_datetime(ended["ended_at"]) == end
    assert ended["started_at"] < ended["ended_at"]


@pytest.mark.parametrize("result", ["ended", "stopped"])
async def test_only_the_results_that_are_meant_fire(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    device: str,
    advance: Advance,
    result: str,
) -> None:
    calls = await automate(hass, "task_ended", device_id=device, result=[result])
    await switch(hass, "start", BACKUP)
    await switch(hass, "start", OPTIMIZE)
    await switch(hass, "stop", OPTIMIZE)

    await advance(MINUTE)
    await advance(1)

    assert noted(calls, "result") == [(result,)]


@pytest.mark.parametrize(
    "wanted", ["backup_database", BACKUP, "backup database", ["polish", BACKUP]]
)
async def test_only_the_tasks_that_are_meant_fire(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    device: str,
    advance: Advance,
    wanted: str | list[str],
) -> None:
    calls = await automate(hass, "task_ended", device_id=device, task=wanted)
    await switch(hass, "start", OPTIMIZE)
    await switch(hass, "start", BACKUP)

    await advance(MINUTE)
    await advance(1)

    assert noted(calls, "task") == [(BACKUP,)]


@pytest.mark.parametrize("profile", ["silent"])
async def test_a_run_that_is_given_up_is_no_end(
    hass: HomeAssistant, plex: SimulatedPlex, device: str, advance: Advance
) -> None:
    calls = await automate(hass, "task_ended", device_id=device)
    await switch(hass, "start", BACKUP)

    await advance(31 * MINUTE)

    last = hass.config_entries.async_loaded_entries(DOMAIN)[0].runtime_data.data
    assert last.runs.tasks[BACKUP].last.result == "lost"
    assert calls == []
    await switch(hass, "start", BACKUP)
    await switch(hass, "stop", BACKUP)
    await advance(1)
    assert noted(calls, "result") == [("stopped",)]


@pytest.mark.usefixtures("all_entities_enabled")
async def test_what_ran_already_is_no_start_but_has_an_end(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    loaded: MockConfigEntry,
    device: str,
    advance: Advance,
) -> None:
    await hass.config_entries.async_unload(loaded.entry_id)
    plex.client_start(BACKUP)
    started = await automate(hass, "task_started", device_id=device)

    await hass.config_entries.async_setup(loaded.entry_id)
    await advance(5)
    state = hass.states.get("switch.attic_butler_back_up_database")
    assert state
    assert state.state == "on"
    assert started == []

    await advance(MINUTE)
    await advance(1)
    event = hass.states.get("event.attic_butler_task")
    assert event
    assert event.attributes["event_type"] == "ended"


async def test_what_is_taken_off_the_queue_has_not_ended_for_it_never_ran(
    hass: HomeAssistant, plex: SimulatedPlex, device: str, advance: Advance
) -> None:
    calls = await automate(hass, "task_ended", device_id=device)
    guides = await queue_guides(hass, plex, advance)
    calls.clear()
    await switch(hass, "stop", guides)
    await advance(1)
    assert plex.truth()[guides] == "idle"
    assert (guides,) not in noted(calls, "task")

    await switch(hass, "start", BACKUP)
    await switch(hass, "stop", BACKUP)
    await advance(1)
    assert (BACKUP,) in noted(calls, "task")


async def test_butler_is_idle_once_all_of_its_work_is_over(
    hass: HomeAssistant, plex: SimulatedPlex, device: str, advance: Advance
) -> None:
    calls = await automate(hass, "butler_idle", device_id=device)
    plex.client_start(BACKUP)
    await advance(MINUTE)
    plex.client_start(OPTIMIZE)
    for _ in range(11):
        await advance(5)
    assert calls == []

    for _ in range(6):
        await advance(5)

    assert set(plex.truth().values()) == {"idle"}
    assert noted(calls, "device_id", "description") == [
        (device, "Butler of Attic became idle")
    ]


async def test_a_trigger_is_valid_before_its_server_and_outlives_reloads(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    loaded: MockConfigEntry,
    device: str,
    advance: Advance,
) -> None:
    await hass.config_entries.async_unload(loaded.entry_id)
    calls = await automate(hass, "task_started", device_id=device)

    await hass.config_entries.async_setup(loaded.entry_id)
    await settle(hass)
    await switch(hass, "start", BACKUP)
    assert len(calls) == 1

    await hass.config_entries.async_reload(loaded.entry_id)
    await settle(hass)
    await switch(hass, "start", OPTIMIZE)
    assert noted(calls, "task") == [(BACKUP,), (OPTIMIZE,)]


async def test_an_automation_that_is_turned_off_hears_nothing(
    hass: HomeAssistant, plex: SimulatedPlex, device: str, advance: Advance
) -> None:
    calls = await automate(hass, "task_started", device_id=device)
    await hass.services.async_call(
        "automation", "turn_off", {"entity_id": "automation.noted"}, blocking=True
    )
    await switch(hass, "start", BACKUP)
    await advance(1)
    assert calls == []

    await hass.services.async_call(
        "automation", "turn_on", {"entity_id": "automation.noted"}, blocking=True
    )
    await switch(hass, "start", OPTIMIZE)
    await advance(1)
    assert noted(calls, "task") == [(OPTIMIZE,)]


@pytest.mark.parametrize("name", ["task_started", "task_ended", "butler_idle"])
async def test_of_two_servers_only_the_one_that_is_named_fires(
    hass: HomeAssistant, plex: SimulatedPlex, device: str, advance: Advance, name: str
) -> None:
    calls = await automate(hass, name, device_id=device)
    async with SimulatedPlex(name="Cellar", seed=7, clock=ManualClock()) as other:
        entry = add_entry(hass, other)
        await hass.config_entries.async_setup(entry.entry_id)
        await settle(hass)
        await work(other, advance)
        assert calls == []

        await work(plex, advance)
        assert noted(calls, "device_id") == [(device,)]
        await hass.config_entries.async_unload(entry.entry_id)


async def work(plex: SimulatedPlex, advance: Advance) -> None:
    """Let a server run a task for a while."""
    plex.client_start(BACKUP)
    await advance(5)
    plex.client_stop(BACKUP)
    for _ in range(4):
        await advance(5)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("task_started", {}),
        ("task_started", {"device_id": []}),
        ("task_started", {"device_id": "nobody"}),
        ("task_started", {"device_id": "{device}", "task": []}),
        ("task_ended", {"device_id": "{device}", "result": ["lost"]}),
        ("butler_idle", {"device_id": "{device}", "task": BACKUP}),
    ],
)
async def test_what_is_no_trigger_is_refused(
    hass: HomeAssistant, device: str, name: str, options: dict[str, Any]
) -> None:
    await async_setup_component(hass, "automation", {})
    if options.get("device_id") == "{device}":
        options = options | {"device_id": device}
    config: dict[str, Any] = {"platform": f"{DOMAIN}.{name}", "options": options}

    with pytest.raises(vol.Invalid):
        await trigger.async_validate_trigger_config(hass, [config])

    good = config | {"options": {"device_id": device}}
    assert await trigger.async_validate_trigger_config(hass, [good])


async def test_the_device_of_another_integration_is_refused(
    hass: HomeAssistant, device: str
) -> None:
    with pytest.raises(vol.Invalid, match="not a Plex Butler server"):
        await trigger.async_validate_trigger_config(
            hass,
            [{"platform": f"{DOMAIN}.task_started", "options": {"device_id": "x"}}],
        )


async def test_all_triggers_are_described(
    hass: HomeAssistant, loaded: MockConfigEntry
) -> None:
    await async_setup_component(hass, "automation", {})

    described = await trigger.async_get_all_descriptions(hass)

    assert {name for name in described if name.startswith(DOMAIN)} == {
        f"{DOMAIN}.task_started",
        f"{DOMAIN}.task_ended",
        f"{DOMAIN}.butler_idle",
    }
    ended = described[f"{DOMAIN}.task_ended"]
    assert ended
    assert ended["fields"].keys() == {"device_id", "task", "result"}
