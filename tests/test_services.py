"""The actions, as automations call them."""

from datetime import datetime, time
from typing import Any

from homeassistant.const import STATE_ON
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.translation import async_get_exception_message
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import WebSocketGenerator
import voluptuous as vol

from custom_components.plex_butler.const import DOMAIN
from tests.conftest import Advance, add_entry, until
from tests.simulator import ManualClock, SimulatedPlex

SET_WINDOW = "set_maintenance_window"


async def call(
    hass: HomeAssistant, service: str, *, answer: bool = True, **data: Any
) -> Any:
    return await hass.services.async_call(
        DOMAIN, service, data, blocking=True, return_response=answer
    )


def is_on(hass: HomeAssistant) -> bool:
    state = hass.states.get("switch.attic_butler_back_up_database")
    return bool(state and state.state == STATE_ON)


async def test_all_tasks_are_told(
    hass: HomeAssistant, plex: SimulatedPlex, loaded: MockConfigEntry
) -> None:
    await call(hass, "start_task", task="BackupDatabase")

    tasks = {
        task["name"]: task for task in (await call(hass, "get_butler_tasks"))["tasks"]
    }

    assert tasks.keys() == plex.truth().keys()
    assert tasks["BackupDatabase"]["title"] == "Backup Database"
    assert tasks["BackupDatabase"]["state"] == "running"
    assert tasks["OptimizeDatabase"]["state"] == "idle"
    assert tasks["OptimizeDatabase"].keys() == {
        "name",
        "title",
        "description",
        "enabled",
        "interval",
        "schedule_randomized",
        "state",
        "evidence",
        "since",
        "progress",
        "last_run",
    }


async def test_what_is_known_of_a_task_is_told_in_json(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    live: MockConfigEntry,
    hass_ws_client: WebSocketGenerator,
) -> None:
    await call(hass, "start_task", task="OptimizeDatabase")
    await call(hass, "stop_task", task="OptimizeDatabase")
    plex.client_start("BackupDatabase")
    await until(lambda: is_on(hass))
    socket = await hass_ws_client(hass)
    await socket.send_json_auto_id(
        {
            "type": "call_service",
            "domain": DOMAIN,
            "service": "get_butler_tasks",
            "return_response": True,
        }
    )
    answer = await socket.receive_json()

    assert answer["success"]
    listed = answer["result"]["response"]["tasks"]
    tasks = {task["name"]: task for task in listed}
    runs, ran = tasks["BackupDatabase"], tasks["OptimizeDatabase"]
    assert (runs["state"], runs["evidence"]) == ("running", "observed")
    assert (runs["progress"], runs["last_run"]) == (0, None)
    assert datetime.fromisoformat(runs["since"]).tzinfo
    assert (ran["state"], ran["evidence"]) == ("idle", None)
    assert (ran["since"], ran["progress"]) == (None, None)
    assert ran["last_run"].keys() == {
        "result",
        "evidence",
        "started_at",
        "ended_at",
        "duration",
    }
    assert ran["last_run"]["result"] == "stopped"
    started = datetime.fromisoformat(ran["last_run"]["started_at"])
    assert started <= datetime.fromisoformat(ran["last_run"]["ended_at"])
    assert ran["last_run"]["duration"] >= 0


async def test_what_tasks_do_is_not_told_while_nobody_knows(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    loaded: MockConfigEntry,
    advance: Advance,
    expected_logs: list[str],
) -> None:
    expected_logs.append("Error fetching Attic Butler data")
    await call(hass, "start_task", task="BackupDatabase")
    await plex.stop_listening()
    await advance(61)

    with pytest.raises(HomeAssistantError) as err:
        await call(hass, "get_butler_tasks")
    assert err.value.translation_key == "unreachable"
    assert err.value.translation_placeholders == {"name": "Attic"}

    await plex.listen_again()
    await advance(31)
    assert await call(hass, "get_butler_tasks")


async def test_a_404_of_a_proxy_does_not_mean_that_nothing_runs(
    hass: HomeAssistant, plex: SimulatedPlex, loaded: MockConfigEntry
) -> None:
    await call(hass, "start_task", task="BackupDatabase")
    plex.fault("404", path="/butler", count=2)
    with pytest.raises(HomeAssistantError) as err:
        await call(hass, "stop_task", task="BackupDatabase")
    assert err.value.translation_key == "invalid_response"
    assert is_on(hass)

    plex.remove_task("BackupDatabase")
    with pytest.raises(HomeAssistantError) as err:
        await call(hass, "stop_task", task="BackupDatabase")
    assert err.value.translation_key == "invalid_response"

    answer = await call(hass, "stop_task", task="OptimizeDatabase")
    assert answer["tasks"][0]["result"] == "not_running"


@pytest.mark.parametrize(
    "wanted", ["BackupDatabase", "backup_database", "backup database", "BACKUPDATABASE"]
)
async def test_a_task_is_started_by_any_of_its_names(
    hass: HomeAssistant, plex: SimulatedPlex, loaded: MockConfigEntry, wanted: str
) -> None:
    answer = await call(hass, "start_task", task=wanted)

    assert answer == {
        "tasks": [
            {
                "name": "BackupDatabase",
                "title": "Backup Database",
                "result": "started",
                "evidence": "assumed",
                "started_at": dt_util.utcnow(),
                "ended_at": None,
                "duration": None,
            }
        ]
    }
    assert plex.truth()["BackupDatabase"] == "running"
    assert is_on(hass)


async def test_several_tasks_are_started_and_stopped(
    hass: HomeAssistant, plex: SimulatedPlex, loaded: MockConfigEntry
) -> None:
    both = ["backup_database", "optimize_database"]
    await call(hass, "start_task", task="backup_database", answer=False)

    started = await call(hass, "start_task", task=both)
    assert [task["result"] for task in started["tasks"]] == [
        "already_running",
        "started",
    ]

    await call(hass, "stop_task", task="backup_database", answer=False)
    stopped = await call(hass, "stop_task", task=both)
    assert [task["result"] for task in stopped["tasks"]] == ["not_running", "stopped"]
    assert set(plex.truth().values()) == {"idle"}


async def test_all_tasks_are_started_and_stopped(
    hass: HomeAssistant, plex: SimulatedPlex, loaded: MockConfigEntry
) -> None:
    await call(hass, "start_all_tasks", answer=False)
    assert "running" in plex.truth().values()

    await call(hass, "stop_all_tasks", answer=False)
    assert set(plex.truth().values()) == {"idle"}


@pytest.mark.parametrize("service", ["start_task", "stop_task"])
async def test_an_unknown_task_starts_nothing_and_lists_the_known_ones(
    hass: HomeAssistant, plex: SimulatedPlex, loaded: MockConfigEntry, service: str
) -> None:
    with pytest.raises(ServiceValidationError) as err:
        await call(hass, service, task=["backup_database", "polish_brass"])

    assert err.value.translation_key == "unknown_task"
    message = async_get_exception_message(
        DOMAIN, "unknown_task", err.value.translation_placeholders
    )
    assert "polish_brass" in str(err.value.translation_placeholders)
    assert "OptimizeDatabase" in str(err.value.translation_placeholders)
    assert message
    assert set(plex.truth().values()) == {"idle"}

    assert await call(hass, service, task="backup_database")


@pytest.mark.parametrize(
    ("start", "end", "hours"),
    [
        ("23:00:00", "04:00:00", (23, 4)),
        ("1:00", "06:00", (1, 6)),
        (time(0), time(9), (0, 9)),
    ],
)
async def test_the_window_is_set_at_once(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    loaded: MockConfigEntry,
    start: str | time,
    end: str | time,
    hours: tuple[int, int],
) -> None:
    plex.requests.clear()
    await call(hass, SET_WINDOW, answer=False, start=start, end=end)

    window = plex.butler.window
    assert (window.start_hour, window.end_hour) == hours
    assert [it.method for it in plex.requests] == ["PUT", "GET", "GET"]
    assert plex.requests[0].query == {
        "ButlerStartHour": str(hours[0]),
        "ButlerEndHour": str(hours[1]),
    }
    shown = hass.states.get("select.attic_butler_maintenance_window_ends")
    assert shown
    assert shown.state == f"{hours[1]:02}:00"


@pytest.mark.parametrize("wrong", ["02:30:00", "02:00:01", "23:59"])
async def test_the_window_is_made_of_full_hours(
    hass: HomeAssistant, plex: SimulatedPlex, loaded: MockConfigEntry, wrong: str
) -> None:
    plex.requests.clear()
    for hours in ({"start": wrong, "end": "05:00"}, {"start": "01:00", "end": wrong}):
        with pytest.raises(ServiceValidationError) as err:
            await call(hass, SET_WINDOW, answer=False, **hours)
        assert err.value.translation_key == "not_a_full_hour"
        placeholders = err.value.translation_placeholders
        assert async_get_exception_message(DOMAIN, "not_a_full_hour", placeholders)
    assert not plex.requests

    await call(hass, SET_WINDOW, answer=False, start="01:00", end="05:00")
    assert plex.butler.window.start_hour == 1


@pytest.mark.parametrize("hour", ["00:00", "05:00:00", time(23)])
async def test_a_window_that_ends_when_it_starts_is_refused(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    loaded: MockConfigEntry,
    hour: str | time,
) -> None:
    plex.requests.clear()
    with pytest.raises(ServiceValidationError) as err:
        await call(hass, SET_WINDOW, answer=False, start=hour, end=hour)

    assert err.value.translation_key == "window_unclear"
    placeholders = err.value.translation_placeholders
    assert placeholders == {"time": str(hour)[:5]}
    assert async_get_exception_message(DOMAIN, "window_unclear", placeholders)
    assert not plex.requests
    await call(hass, SET_WINDOW, answer=False, start=hour, end="07:00")
    assert plex.butler.window.end_hour == 7


@pytest.mark.parametrize("data", [{}, {"start": "02:00"}, {"start": "x", "end": "y"}])
async def test_what_is_no_window_is_refused(
    hass: HomeAssistant, loaded: MockConfigEntry, data: dict[str, Any]
) -> None:
    with pytest.raises(vol.Invalid):
        await call(hass, SET_WINDOW, answer=False, **data)


async def test_a_window_that_the_server_does_not_take_is_said(
    hass: HomeAssistant, plex: SimulatedPlex, loaded: MockConfigEntry
) -> None:
    for fault, key in (("ignore", "preference_not_taken"), ("503", "maintenance")):
        plex.fault(fault, path="/:/prefs", method="PUT")
        with pytest.raises(HomeAssistantError) as err:
            await call(hass, SET_WINDOW, answer=False, start="01:00", end="06:00")
        assert err.value.translation_key == key
        assert plex.butler.window.start_hour == 2

    await call(hass, SET_WINDOW, answer=False, start="01:00", end="06:00")
    assert plex.butler.window.start_hour == 1


@pytest.mark.parametrize("data", [{}, {"task": []}, {"task": "x", "polish": True}])
async def test_what_is_no_call_is_refused(
    hass: HomeAssistant, loaded: MockConfigEntry, data: dict[str, Any]
) -> None:
    with pytest.raises(vol.Invalid):
        await call(hass, "start_task", **data)


@pytest.mark.parametrize(
    "service", ["start_task", "stop_task", "start_all_tasks", "stop_all_tasks"]
)
async def test_what_the_server_refuses_is_said(
    hass: HomeAssistant, plex: SimulatedPlex, loaded: MockConfigEntry, service: str
) -> None:
    data = {"task": "backup_database"} if service.endswith("_task") else {}
    plex.fault("401", path="/butler")
    with pytest.raises(HomeAssistantError) as err:
        await call(hass, service, answer=False, **data)
    assert err.value.translation_key == "invalid_auth"

    await call(hass, service, answer=False, **data)


async def test_a_switch_names_task_and_server(
    hass: HomeAssistant, plex: SimulatedPlex, loaded: MockConfigEntry
) -> None:
    async with SimulatedPlex(name="Cellar", seed=7, clock=ManualClock()) as other:
        entry = add_entry(hass, other)
        await hass.config_entries.async_setup(entry.entry_id)
        switches = [
            "switch.attic_butler_back_up_database",
            "switch.cellar_butler_optimize_database",
        ]

        started = await call(hass, "start_task", entity_id=switches)

        assert [task["name"] for task in started["tasks"]] == [
            "BackupDatabase",
            "OptimizeDatabase",
        ]
        assert running(plex) == {"BackupDatabase"}
        assert running(other) == {"OptimizeDatabase"}

        await call(hass, "stop_task", entity_id=switches)
        assert running(plex) == running(other) == set()
        await hass.config_entries.async_unload(entry.entry_id)


def running(plex: SimulatedPlex) -> set[str]:
    return {task for task, state in plex.truth().items() if state != "idle"}


@pytest.mark.parametrize(
    "entity_id",
    ["switch.nobody_has", "button.attic_butler_stop_all_tasks", "light.other"],
)
async def test_what_is_no_task_is_said_and_nothing_is_done(
    hass: HomeAssistant, plex: SimulatedPlex, loaded: MockConfigEntry, entity_id: str
) -> None:
    er.async_get(hass).async_get_or_create(
        "light", "other", "x", suggested_object_id="other"
    )
    good = "switch.attic_butler_back_up_database"

    with pytest.raises(ServiceValidationError) as err:
        await call(hass, "start_task", entity_id=[good, entity_id])

    assert err.value.translation_key == "not_a_task"
    assert err.value.translation_placeholders == {"entity": entity_id}
    assert running(plex) == set()
    await call(hass, "start_task", entity_id=good)
    assert running(plex) == {"BackupDatabase"}


async def test_the_server_must_be_named_when_there_are_two(
    hass: HomeAssistant, plex: SimulatedPlex, loaded: MockConfigEntry
) -> None:
    async with SimulatedPlex(name="Cellar", seed=7, clock=ManualClock()) as other:
        entry = add_entry(hass, other)
        await hass.config_entries.async_setup(entry.entry_id)

        with pytest.raises(ServiceValidationError):
            await call(hass, "start_task", task="backup_database")
        await call(
            hass,
            "start_task",
            task="backup_database",
            config_entry_id=entry.entry_id,
        )

        assert other.truth()["BackupDatabase"] == "running"
        assert plex.truth()["BackupDatabase"] == "idle"
        await hass.config_entries.async_unload(entry.entry_id)


async def test_a_server_that_is_not_loaded_is_said(
    hass: HomeAssistant, plex: SimulatedPlex, loaded: MockConfigEntry
) -> None:
    await hass.config_entries.async_unload(loaded.entry_id)
    with pytest.raises(ServiceValidationError):
        await call(hass, "start_task", task="x", config_entry_id=loaded.entry_id)

    await hass.config_entries.async_setup(loaded.entry_id)
    await call(hass, "start_task", task="backup_database")
    assert plex.truth()["BackupDatabase"] == "running"
