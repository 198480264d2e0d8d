"""Triggers fire at what happens on a server, and at nothing else."""

from typing import Any

from homeassistant.util import dt as dt_util
import pytest

from tests.automations import automate, noted, queue_guides
from tests.conftest import BACKUP, OPTIMIZE, Home
from tests.simulator import SimulatedPlex, TaskSpec

MINUTE = 60


@pytest.fixture(autouse=True)
def _minutes(plex: SimulatedPlex) -> None:
    plex.durations.update(dict.fromkeys(plex.truth(), MINUTE))


async def test_a_start_by_any_client_fires(home: Home) -> None:
    calls = await automate(home.hass, "task_started", device_id=home.device)
    await home.start()
    assert home.plex.truth()[BACKUP] == "running"
    (call,) = calls
    payload = call.data
    assert dt_util.parse_datetime(payload["started_at"]) == dt_util.utcnow()
    told = {
        "platform": "plex_butler.task_started",
        "device_id": home.device,
        "server": "Attic",
        "name": BACKUP,
        "key": "backup_database",
        "task": "Back up database",
        "evidence": "assumed",
        "description": "Back up database of Attic started",
    }
    assert payload.items() >= told.items()

    home.plex.client_start(OPTIMIZE)
    await home.advance(5, 2 * MINUTE)
    told_of = [(BACKUP, "assumed"), (OPTIMIZE, "observed")]
    assert noted(calls, "name", "evidence") == told_of


async def test_a_title_of_two_tasks_means_both(home: Home) -> None:
    for name in ("DustA", "DustB"):
        home.plex.add_task(TaskSpec(name=name, title="Dust", description=""))
    await home.advance(601)
    device = home.device
    calls = await automate(home.hass, "task_started", device_id=device, task="dust")

    for name in ("DustA", BACKUP, "DustB"):
        await home.start(name)
        await home.advance(1)

    assert noted(calls, "name") == [("DustA",), ("DustB",)]


async def test_an_end_fires_with_result_and_duration(home: Home) -> None:
    calls = await automate(home.hass, "task_ended", device_id=[home.device])
    await home.start()
    await home.start(OPTIMIZE)
    await home.advance(30)
    assert calls == []

    await home.stop(OPTIMIZE)
    await home.advance(30)
    end = dt_util.utcnow()
    await home.advance(1)

    assert set(home.plex.truth().values()) == {"idle"}
    assert noted(calls, "name", "result", "duration") == [
        (OPTIMIZE, "stopped", 30),
        (BACKUP, "ended", 60),
    ]
    ended = calls[1].data
    assert ended["evidence"] == "observed"
    assert dt_util.parse_datetime(ended["ended_at"]) == end
    assert ended["started_at"] < ended["ended_at"]


@pytest.mark.parametrize(
    ("options", "fires"),
    [
        ({"result": ["ended"]}, (BACKUP, "ended")),
        ({"result": ["stopped"]}, (OPTIMIZE, "stopped")),
        ({"task": "backup_database"}, (BACKUP, "ended")),
        ({"task": ["polish", OPTIMIZE]}, (OPTIMIZE, "stopped")),
    ],
)
async def test_only_the_tasks_and_results_that_are_meant_fire(
    home: Home, options: dict[str, Any], fires: tuple[str, str]
) -> None:
    calls = await automate(home.hass, "task_ended", device_id=home.device, **options)
    await home.start()
    await home.start(OPTIMIZE)
    await home.stop(OPTIMIZE)
    await home.advance(MINUTE, 1)

    assert noted(calls, "name", "result") == [fires]


async def test_what_is_taken_off_the_queue_never_ended(home: Home) -> None:
    calls = await automate(home.hass, "task_ended", device_id=home.device)
    guides = await queue_guides(home)
    calls.clear()
    await home.stop(guides)
    await home.advance(1)
    assert home.plex.truth()[guides] == "idle"
    assert (guides,) not in noted(calls, "name")

    await home.start()
    await home.stop()
    await home.advance(1)
    assert (BACKUP,) in noted(calls, "name")


async def test_butler_is_idle_once_all_of_its_work_is_over(home: Home) -> None:
    calls = await automate(home.hass, "butler_idle", device_id=home.device)
    await home.others_start(BACKUP, wait=MINUTE)
    home.plex.client_start(OPTIMIZE)
    await home.advance_steps(11, 5)
    assert calls == []

    await home.advance_steps(6, 5)
    assert set(home.plex.truth().values()) == {"idle"}
    told = (home.device, "Butler of Attic became idle")
    assert noted(calls, "device_id", "description") == [told]


async def test_a_trigger_is_valid_before_its_server_and_outlives_reloads(
    home: Home,
) -> None:
    await home.unload()
    calls = await automate(home.hass, "task_started", device_id=home.device)

    # What ran already is no start.
    home.plex.client_start(BACKUP)
    await home.set_up()
    await home.shows("on", after=5)
    assert calls == []
    await home.start(OPTIMIZE)
    assert len(calls) == 1

    await home.reload()
    await home.start("CleanOldBundles")
    assert noted(calls, "name") == [(OPTIMIZE,), ("CleanOldBundles",)]

    # An automation that is turned off hears nothing.
    await home.perform("automation.turn_off", entity_id="automation.noted")
    await home.start("DeepMediaAnalysis")
    assert len(calls) == 2
