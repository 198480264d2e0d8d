"""Two clients that others wrote find what they would find at a real server."""

from __future__ import annotations

import asyncio

from plex_api_client import PlexAPI
from plex_api_client.models import errors, operations
from plexapi.exceptions import BadRequest, Unauthorized
from plexapi.server import PlexServer
import pytest

from tests.simulator import CURRENT_TASKS, SimulatedPlex, TaskState

from .conftest import StartPlex

BACKUP = "BackupDatabase"


async def _plexapi(plex: SimulatedPlex) -> PlexServer:
    # plexapi blocks, so it lives in threads.
    return await asyncio.to_thread(PlexServer, plex.url, plex.token)


async def test_plexapi_connects_and_knows_the_server(plex: SimulatedPlex) -> None:
    server = await _plexapi(plex)
    assert server.friendlyName == plex.name
    assert server.machineIdentifier == plex.machine_identifier
    assert server.version == plex.version
    identity = await asyncio.to_thread(server.identity)
    assert identity.claimed is True


async def test_plexapi_lists_and_runs_tasks(plex: SimulatedPlex) -> None:
    server = await _plexapi(plex)
    tasks = await asyncio.to_thread(server.butlerTasks)
    assert [task.name for task in tasks] == [spec.name for spec in CURRENT_TASKS]
    backup = next(task for task in tasks if task.name == BACKUP)
    assert (backup.enabled, backup.interval, backup.scheduleRandomized) == (
        True,
        3,
        False,
    )
    await asyncio.to_thread(server.runButlerTask, BACKUP)
    assert plex.truth()[BACKUP] is TaskState.RUNNING
    # plexapi takes a 202 for an error.
    with pytest.raises(BadRequest, match="202"):
        await asyncio.to_thread(server.runButlerTask, BACKUP)


async def test_plexapi_sees_activities(plex: SimulatedPlex) -> None:
    server = await _plexapi(plex)
    plex.client_start(BACKUP)
    await plex.advance(15)
    rows = await asyncio.to_thread(lambda: server.activities)
    assert [(row.type, row.title, row.cancellable) for row in rows[1:]] == [
        ("butler", "Backup Database", False)
    ]
    assert 0 < rows[1].progress < 100


async def test_plexapi_reads_and_writes_settings(plex: SimulatedPlex) -> None:
    server = await _plexapi(plex)
    settings = await asyncio.to_thread(lambda: server.settings)
    assert settings.get("butlerStartHour").value == 2
    assert settings.get("ButlerTaskBackupDatabase").value is True
    assert settings.get("GenerateIntroMarkerBehavior").value == "asap"
    settings.get("butlerStartHour").set(23)
    await asyncio.to_thread(settings.save)
    assert plex.state.preferences["ButlerStartHour"].value == 23


async def test_plexapi_sees_who_is_watching(plex: SimulatedPlex) -> None:
    server = await _plexapi(plex)
    plex.sessions.play("Nine Quiet Rooms")
    (video,) = await asyncio.to_thread(server.sessions)
    assert video.title == "Nine Quiet Rooms"
    assert video.player.state == "playing"


async def test_plexapi_is_refused_with_a_wrong_token(plex: SimulatedPlex) -> None:
    with pytest.raises(Unauthorized):
        await asyncio.to_thread(PlexServer, plex.url, "wrong")


def _plex_api_client(plex: SimulatedPlex, token: str | None = None) -> PlexAPI:
    return PlexAPI(token=token or plex.token, server_url=plex.url)


async def test_plex_api_client_lists_tasks(plex: SimulatedPlex) -> None:
    async with _plex_api_client(plex) as api:
        answer = await api.butler.get_tasks_async()
    assert answer.object is not None
    assert answer.object.butler_tasks is not None
    tasks = answer.object.butler_tasks.butler_task
    assert tasks is not None
    assert [task.name for task in tasks] == [spec.name for spec in CURRENT_TASKS]
    assert tasks[0].title == "Optimize Database"
    assert tasks[0].enabled is True


async def test_plex_api_client_starts_and_stops_one_task(plex: SimulatedPlex) -> None:
    async with _plex_api_client(plex) as api:
        request = operations.StartTaskRequest(
            butler_task=operations.PathParamButlerTask.BACKUP_DATABASE
        )
        assert (await api.butler.start_task_async(request=request)).status_code == 200
        assert plex.truth()[BACKUP] is TaskState.RUNNING
        assert (await api.butler.start_task_async(request=request)).status_code == 202
        stop = operations.StopTaskRequest(
            butler_task=operations.ButlerTask.BACKUP_DATABASE
        )
        assert (await api.butler.stop_task_async(request=stop)).status_code == 200
        assert plex.truth()[BACKUP] is TaskState.IDLE
        with pytest.raises(errors.SDKError) as error:
            await api.butler.stop_task_async(request=stop)
        assert error.value.status_code == 404


async def test_plex_api_client_starts_and_stops_all(plex: SimulatedPlex) -> None:
    async with _plex_api_client(plex) as api:
        assert (await api.butler.start_tasks_async()).status_code == 200
        assert plex.truth()[BACKUP] is TaskState.RUNNING
        assert (await api.butler.stop_tasks_async()).status_code == 200
    assert set(plex.truth().values()) == {TaskState.IDLE}


async def test_plex_api_client_sees_activities(plex: SimulatedPlex) -> None:
    plex.client_start(BACKUP)
    plex.noise.scan()
    await plex.advance(4)
    async with _plex_api_client(plex) as api:
        answer = await api.activities.list_activities_async()
    assert answer.object is not None
    assert answer.object.media_container is not None
    rows = answer.object.media_container.activity
    assert rows is not None
    assert [row.type for row in rows] == ["butler", "butler", "library.update.section"]
    assert rows[1].title == "Backup Database"


async def test_plex_api_client_sees_no_activities_of_a_silent_server(
    start_plex: StartPlex,
) -> None:
    async with _plex_api_client(await start_plex("silent")) as api:
        answer = await api.activities.list_activities_async()
    assert answer.object is not None
    assert answer.object.media_container is not None
    assert answer.object.media_container.activity is None


async def test_plex_api_client_is_refused_with_a_guests_token(
    plex: SimulatedPlex,
) -> None:
    async with _plex_api_client(plex, plex.shared_token) as api:
        with pytest.raises(errors.SDKError) as error:
            await api.butler.start_tasks_async()
    assert error.value.status_code == 403
