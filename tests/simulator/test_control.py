"""The simulator's own paths, as a test in another process uses them."""

from __future__ import annotations

import aiohttp
import pytest

from tests.simulator import SimulatedPlex, TaskState

from .client import Client, frames


async def _get(
    plex: SimulatedPlex, session: aiohttp.ClientSession, what: str
) -> object:
    async with session.get(f"{plex.url}/_simulator/{what}") as response:
        assert response.status == 200
        return await response.json()


async def test_truth_says_what_every_task_really_does(
    plex: SimulatedPlex, client: Client, session: aiohttp.ClientSession
) -> None:
    await client.control("start", task="BackupDatabase")
    truth = await _get(plex, session, "truth")
    assert isinstance(truth, dict)
    assert truth["busy"] is True
    assert truth["tasks"]["BackupDatabase"] == {
        "state": "running",
        "since": plex.clock.now(),
    }
    assert truth["tasks"]["OptimizeDatabase"] == {"state": "idle", "since": None}


async def test_runs_tell_who_began_and_how_it_ended(
    plex: SimulatedPlex, client: Client, session: aiohttp.ClientSession
) -> None:
    await client.ask("POST", "/butler/OptimizeDatabase")
    await client.control("start", task="BackupDatabase")
    await client.control("stop", task="BackupDatabase")
    runs = await _get(plex, session, "runs")
    assert isinstance(runs, list)
    assert [(run["task"], run["cause"], run["ending"]) for run in runs] == [
        ("OptimizeDatabase", "command", None),
        ("BackupDatabase", "other_client", "stopped_by_other"),
    ]


async def test_faults_can_be_posted(plex: SimulatedPlex, client: Client) -> None:
    status, _ = await client.control("fault", name="503", count=1, path="/butler")
    assert status == 200
    assert await client.status("GET", "/butler") == 503
    await client.control("fault", name="500", count=9)
    await client.control("clear-faults")
    assert await client.status("GET", "/butler") == 200
    await client.control("restart", version="2.0", maintenance_for=5)
    assert plex.version == "2.0"
    assert await client.status("GET", "/identity") == 503


async def test_what_others_do_can_be_posted(
    plex: SimulatedPlex, client: Client
) -> None:
    socket = await client.listen("?filters=preference")
    fields = {"name": "PolishShoes", "title": "Polish Shoes", "description": ""}
    await client.control("add-task", **fields)
    await client.control("duration", task="PolishShoes", seconds=7)
    await client.control("start", task="PolishShoes")
    await plex.advance(6)
    assert plex.truth()["PolishShoes"] is TaskState.RUNNING
    await plex.advance(2)
    assert plex.truth()["PolishShoes"] is TaskState.IDLE
    await client.control("remove-task", name="PolishShoes")
    assert "PolishShoes" not in plex.truth()
    await client.control("preference", name="ButlerStartHour", value=4)
    assert [frame["type"] for frame in await frames(socket)] == ["preference"]
    await socket.close()


async def test_commands_of_others_for_all_tasks_can_be_posted(
    plex: SimulatedPlex, client: Client
) -> None:
    await client.control("start-all")
    assert TaskState.RUNNING in plex.truth().values()
    await client.control("stop-all")
    assert set(plex.truth().values()) == {TaskState.IDLE}


async def test_an_outage_can_be_posted(plex: SimulatedPlex, client: Client) -> None:
    status, _ = await client.control("go-away", seconds=5, how="hang-up")
    assert status == 200
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await client.ask("GET", "/identity")
    await plex.advance(5)
    assert await client.status("GET", "/identity") == 200


async def test_what_cannot_be_done_says_why(client: Client) -> None:
    assert (await client.control("nope"))[0] == 404
    status, body = await client.control("fault", name="nope")
    assert status == 400
    assert "nope" in body["error"]
    assert (await client.control("remove-task", name="nope"))[0] == 400
    assert (await client.control("start", wrong="field"))[0] == 400


async def test_own_paths_are_not_among_the_recorded_requests(
    plex: SimulatedPlex, client: Client
) -> None:
    await client.control("scan")
    assert plex.requests == []
