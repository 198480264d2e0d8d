"""Clients that others wrote find what they would find at a real server and plex.tv."""

import asyncio
from typing import Any
from unittest.mock import patch

from plex_api_client import PlexAPI
from plex_api_client.models import errors, operations
from plexapi.exceptions import BadRequest, Unauthorized
from plexapi.myplex import MyPlexPinLogin
from plexapi.server import PlexServer
import pytest

from tests.simulator import CURRENT_TASKS, SimulatedPlex, SimulatedPlexTv, TaskState

from .conftest import BACKUP

NAMES = [spec.name for spec in CURRENT_TASKS]


async def test_plexapi_runs_tasks_sees_rows_and_streams_and_changes_settings(
    plex: SimulatedPlex,
) -> None:
    def use() -> None:
        connect: Any = PlexServer
        server = connect(plex.url, plex.token)
        known = server.friendlyName, server.machineIdentifier, server.version
        assert known == (plex.name, plex.machine_identifier, plex.version)
        assert server.identity().claimed is True
        with pytest.raises(Unauthorized):
            connect(plex.url, "wrong")

        tasks = server.butlerTasks()
        assert [task.name for task in tasks] == NAMES
        backup = next(task for task in tasks if task.name == BACKUP)
        said = (backup.enabled, backup.interval, backup.scheduleRandomized)
        assert said == (True, 3, False)
        server.runButlerTask(BACKUP)
        # plexapi takes a 202 for an error.
        with pytest.raises(BadRequest, match="202"):
            server.runButlerTask(BACKUP)
        row = server.activities[-1]
        kind = (row.type, row.title, row.progress, row.cancellable)
        assert kind == ("butler", "Backup Database", 0, False)
        (video,) = server.sessions()
        assert (video.title, video.player.state) == ("Nine Quiet Rooms", "playing")

        settings = server.settings
        assert settings.get("ButlerTaskBackupDatabase").value is True
        assert settings.get("GenerateIntroMarkerBehavior").value == "asap"
        assert settings.get("butlerStartHour").value == 2
        settings.get("butlerStartHour").set(23)
        settings.save()

    plex.sessions.play("Nine Quiet Rooms")
    # It blocks, so that it lives in a thread.
    await asyncio.to_thread(use)
    assert plex.truth()[BACKUP] is TaskState.RUNNING
    assert plex.butler.window.start_hour == 23


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


async def test_plexapi_signs_in(tv: SimulatedPlexTv) -> None:
    with patch.object(MyPlexPinLogin, "PINS", f"{tv.url}/api/v2/pins"):
        login = MyPlexPinLogin(oauth=True)  # type: ignore[no-untyped-call]  # has no types
        address = await asyncio.to_thread(login.oauthUrl)
        assert tv.pins[-1].code in address
        assert not await asyncio.to_thread(login.checkLogin)
        tv.link()
        assert await asyncio.to_thread(login.checkLogin)
    assert login.token == tv.token


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
