"""Clients that others wrote find what they would find at a real server and plex.tv."""

from __future__ import annotations

import asyncio
from typing import Any
from unittest.mock import patch

from plex_api_client import PlexAPI
from plex_api_client.models import errors, operations
from plexapi.exceptions import BadRequest, Unauthorized
from plexapi.myplex import MyPlexPinLogin, MyPlexResource
from plexapi.server import PlexServer
import pytest

from tests.simulator import CURRENT_TASKS, SimulatedPlex, SimulatedPlexTv, TaskState

from .conftest import RESOURCES, TvClient, from_xml

BACKUP = "BackupDatabase"
NAMES = [spec.name for spec in CURRENT_TASKS]


@pytest.fixture
async def server(plex: SimulatedPlex) -> PlexServer:
    """Return a plexapi, which blocks, so that it lives in threads."""
    return await asyncio.to_thread(PlexServer, plex.url, plex.token)


async def test_plexapi_knows_the_server_runs_tasks_and_sees_their_rows(
    plex: SimulatedPlex, server: PlexServer
) -> None:
    known = server.friendlyName, server.machineIdentifier, server.version
    assert known == (plex.name, plex.machine_identifier, plex.version)
    assert (await asyncio.to_thread(server.identity)).claimed is True
    with pytest.raises(Unauthorized):
        await asyncio.to_thread(PlexServer, plex.url, "wrong")
    tasks = await asyncio.to_thread(server.butlerTasks)
    assert [task.name for task in tasks] == NAMES
    backup = next(task for task in tasks if task.name == BACKUP)
    said = (backup.enabled, backup.interval, backup.scheduleRandomized)
    assert said == (True, 3, False)
    await asyncio.to_thread(server.runButlerTask, BACKUP)
    assert plex.truth()[BACKUP] is TaskState.RUNNING
    # plexapi takes a 202 for an error.
    with pytest.raises(BadRequest, match="202"):
        await asyncio.to_thread(server.runButlerTask, BACKUP)
    await plex.advance(15)
    (row,) = (await asyncio.to_thread(lambda: server.activities))[1:]
    kind = (row.type, row.title, row.cancellable)
    assert kind == ("butler", "Backup Database", False)
    assert 0 < row.progress < 100


async def test_plexapi_reads_and_writes_settings_and_sees_streams(
    plex: SimulatedPlex, server: PlexServer
) -> None:
    settings = await asyncio.to_thread(lambda: server.settings)
    assert settings.get("butlerStartHour").value == 2
    assert settings.get("ButlerTaskBackupDatabase").value is True
    assert settings.get("GenerateIntroMarkerBehavior").value == "asap"
    settings.get("butlerStartHour").set(23)
    await asyncio.to_thread(settings.save)
    assert plex.butler.window.start_hour == 23
    plex.sessions.play("Nine Quiet Rooms")
    (video,) = await asyncio.to_thread(server.sessions)
    assert (video.title, video.player.state) == ("Nine Quiet Rooms", "playing")


async def test_plex_api_client_lists_starts_and_stops_tasks_and_sees_activities(
    plex: SimulatedPlex,
) -> None:
    name = operations.PathParamButlerTask.BACKUP_DATABASE
    start = operations.StartTaskRequest(butler_task=name)
    stop = operations.StopTaskRequest(butler_task=operations.ButlerTask.BACKUP_DATABASE)
    async with PlexAPI(token=plex.token, server_url=plex.url) as api:
        answer: Any = await api.butler.get_tasks_async()
        tasks = answer.object.butler_tasks.butler_task
        assert [task.name for task in tasks] == NAMES
        assert (tasks[0].title, tasks[0].enabled) == ("Optimize Database", True)
        for status in (200, 202):
            started = await api.butler.start_task_async(request=start)
            assert started.status_code == status
            assert plex.truth()[BACKUP] is TaskState.RUNNING
        answer = await api.activities.list_activities_async()
        rows = answer.object.media_container.activity
        assert [row.type for row in rows] == ["butler", "butler"]
        assert (await api.butler.stop_task_async(request=stop)).status_code == 200
        assert plex.truth()[BACKUP] is TaskState.IDLE
        with pytest.raises(errors.SDKError, match="404"):
            await api.butler.stop_task_async(request=stop)
        assert (await api.butler.start_tasks_async()).status_code == 200
        assert plex.truth()[BACKUP] is TaskState.RUNNING
        assert (await api.butler.stop_tasks_async()).status_code == 200
    assert set(plex.truth().values()) == {TaskState.IDLE}


async def test_plexapi_signs_in_and_reads_resources(
    tv: SimulatedPlexTv, tv_client: TvClient, plex: SimulatedPlex
) -> None:
    with patch.object(MyPlexPinLogin, "PINS", f"{tv.url}/api/v2/pins"):
        login = MyPlexPinLogin(oauth=True)  # type: ignore[no-untyped-call]  # has no types
        address = await asyncio.to_thread(login.oauthUrl)
        assert tv.pins[-1].code in address
        assert not await asyncio.to_thread(login.checkLogin)
        tv.link()
        assert await asyncio.to_thread(login.checkLogin)
    assert login.token == tv.token

    tv.add_server(plex)
    headers = {"Accept": "text/xml", "X_Plex_Token": tv.token}
    root = from_xml((await tv_client.ask("GET", RESOURCES, **headers))[2])
    resource = MyPlexResource(None, root[0])  # type: ignore[no-untyped-call]  # has no types
    assert resource.owned is True
    assert [way.local for way in resource.connections].count(True) == 2
    assert resource.connections[-1].uri.startswith("https://127-0-0-1.")


async def test_plex_api_client_reads_resources(
    tv: SimulatedPlexTv, plex: SimulatedPlex
) -> None:
    tv.add_server(plex)
    async with PlexAPI(token=tv.token, client_identifier="client-1") as api:
        answer = await api.plex.get_server_resources_async(
            request={"include_https": 1, "include_i_pv6": 1},
            server_url=f"{tv.url}/api/v2",
        )
    assert answer.plex_devices is not None
    (device,) = answer.plex_devices
    assert (device.access_token, len(device.connections)) == (plex.token, 5)
