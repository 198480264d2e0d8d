"""The actions, as automations call them."""

from datetime import datetime, time
from typing import Any

from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.typing import WebSocketGenerator
import voluptuous as vol

from custom_components.plex_butler.const import DOMAIN
from tests.conftest import BACKUP, BACKUP_SWITCH, OPTIMIZE, Home, refused

SET_WINDOW = "set_maintenance_window"


def results(tasks: list[dict[str, Any]]) -> list[str]:
    return [task["result"] for task in tasks]


async def test_what_is_known_of_all_tasks_is_told_in_json(
    home: Home, hass_ws_client: WebSocketGenerator
) -> None:
    await home.start(OPTIMIZE)
    await home.advance(1)
    await home.stop(OPTIMIZE)
    await home.others_start(BACKUP, wait=1)
    socket = await hass_ws_client(home.hass)
    action = {"domain": DOMAIN, "service": "get_butler_tasks", "return_response": True}
    await socket.send_json_auto_id({"type": "call_service", **action})
    answer = await socket.receive_json()
    assert answer["success"]
    tasks = {task["name"]: task for task in answer["result"]["response"]["tasks"]}
    assert tasks.keys() == home.plex.truth().keys()
    runs, ran = tasks[BACKUP], tasks[OPTIMIZE]
    assert runs.keys() == {
        *("server", "task", "key", "name", "description", "enabled", "interval"),
        *("schedule_randomized", "state", "evidence", "since", "progress", "last_run"),
    }
    assert (runs["task"], runs["key"]) == ("Back up database", "backup_database")
    assert (runs["state"], runs["evidence"]) == ("running", "observed")
    assert (runs["progress"], runs["last_run"]) == (0, None)
    assert datetime.fromisoformat(runs["since"]).tzinfo
    assert (ran["state"], ran["evidence"]) == ("idle", None)
    assert (ran["since"], ran["progress"]) == (None, None)
    last = ran["last_run"]
    assert last.keys() == {"result", "evidence", "started_at", "ended_at", "duration"}
    assert (last["result"], last["duration"]) == ("stopped", 1)
    times = [datetime.fromisoformat(last[it]) for it in ("started_at", "ended_at")]
    assert times == sorted(times)


async def test_what_tasks_do_is_not_told_while_it_is_unknown(home: Home) -> None:
    home.expect_log("Error fetching Attic Butler data")
    await home.start()
    await home.plex.stop_listening()
    await home.advance(61)

    with refused("unreachable", name="Attic"):
        await home.answer("get_butler_tasks")

    await home.plex.listen_again()
    await home.advance(31)
    assert await home.answer("get_butler_tasks")


async def test_a_404_of_a_proxy_does_not_mean_that_nothing_runs(home: Home) -> None:
    await home.start()
    home.plex.fault("404", path="/butler", count=2)
    with refused("invalid_response"):
        await home.stop()
    assert home.state() == "on"

    home.plex.remove_task(BACKUP)
    with refused("invalid_response"):
        await home.stop()

    assert results(await home.answer("stop_task", task=OPTIMIZE)) == ["not_running"]


@pytest.mark.parametrize(
    "wanted",
    [
        *(BACKUP, "BACKUPDATABASE", "backup_database"),
        *(" backup database ", "Back up database"),
    ],
)
async def test_a_task_is_started_by_any_of_its_names(home: Home, wanted: str) -> None:
    assert await home.answer("start_task", task=wanted) == [
        {
            "server": "Attic",
            "task": "Back up database",
            "key": "backup_database",
            "name": BACKUP,
            "result": "started",
            "evidence": "assumed",
            "started_at": dt_util.utcnow(),
            "ended_at": None,
            "duration": None,
        }
    ]
    assert home.plex.truth()[BACKUP] == "running"
    assert home.state(BACKUP_SWITCH) == "on"


async def test_several_tasks_are_started_and_stopped(home: Home) -> None:
    both = ["backup_database", "optimize_database"]
    await home.start("backup_database")
    started = await home.answer("start_task", task=both)
    assert results(started) == ["already_running", "started"]

    await home.stop("backup_database")
    stopped = await home.answer("stop_task", task=both)
    assert results(stopped) == ["not_running", "stopped"]
    assert set(home.plex.truth().values()) == {"idle"}


@pytest.mark.parametrize(
    ("start", "end", "hours"),
    [
        ("23:00:00", "04:00:00", (23, 4)),
        ("1:00", "06:00", (1, 6)),
        (time(0), time(9), (0, 9)),
    ],
)
async def test_the_window_is_set_at_once(
    home: Home, start: str | time, end: str | time, hours: tuple[int, int]
) -> None:
    home.plex.requests.clear()
    await home.action(SET_WINDOW, start=start, end=end)

    window = home.plex.butler.window
    assert (window.start_hour, window.end_hour) == hours
    assert [it.method for it in home.plex.requests] == ["PUT", "GET", "GET"]
    start, end = map(str, hours)
    asked = {"ButlerStartHour": start, "ButlerEndHour": end}
    assert home.plex.requests[0].query == asked
    ends = home.state("select.attic_butler_maintenance_window_ends")
    assert ends == f"{hours[1]:02}:00"


@pytest.mark.parametrize(
    ("start", "end", "reason"),
    [
        *((it, "05:00", "not_a_full_hour") for it in ("02:30:00", "02:00:01", "23:59")),
        *(("01:00", it, "not_a_full_hour") for it in ("02:30:00", "02:00:01", "23:59")),
        *((it, it, "window_unclear") for it in ("00:00", "05:00:00", time(23))),
    ],
)
async def test_hours_that_make_no_window_are_refused(
    home: Home, start: str | time, end: str | time, reason: str
) -> None:
    home.plex.requests.clear()
    told = {"time": str(end)[:5]} if reason == "window_unclear" else {}
    with refused(reason, invalid=True, **told):
        await home.action(SET_WINDOW, start=start, end=end)
    assert not home.plex.requests

    await home.action(SET_WINDOW, start="01:00", end="05:00")
    assert home.plex.butler.window.start_hour == 1


@pytest.mark.parametrize("data", [{}, {"start": "02:00"}, {"start": "x", "end": "y"}])
async def test_what_is_no_window_is_refused(home: Home, data: dict[str, Any]) -> None:
    with pytest.raises(vol.Invalid):
        await home.action(SET_WINDOW, **data)


async def test_a_window_that_the_server_does_not_take_is_said(home: Home) -> None:
    for fault, key in (("ignore", "preference_not_taken"), ("503", "maintenance")):
        home.plex.fault(fault, path="/:/prefs", method="PUT")
        with refused(key):
            await home.action(SET_WINDOW, start="01:00", end="06:00")
        assert home.plex.butler.window.start_hour == 2

    await home.action(SET_WINDOW, start="01:00", end="06:00")
    assert home.plex.butler.window.start_hour == 1


@pytest.mark.parametrize(
    "service", ["start_task", "stop_task", "start_all_tasks", "stop_all_tasks"]
)
async def test_what_the_server_refuses_is_said(home: Home, service: str) -> None:
    data = {"task": "backup_database"} if service.endswith("_task") else {}
    home.plex.fault("401", path="/butler")
    with refused("invalid_auth"):
        await home.action(service, **data)
    await home.action(service, **data)
