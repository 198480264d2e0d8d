"""Clients that others wrote find what they would find at a real server and plex.tv."""

from __future__ import annotations

import asyncio
from unittest.mock import patch

from plex_api_client import PlexAPI
from plex_api_client.models import errors, operations
from plexapi.exceptions import BadRequest, Unauthorized
from plexapi.myplex import MyPlexPinLogin, MyPlexResource
from plexapi.server import PlexServer
import pytest

from tests.simulator import CURRENT_TASKS, SimulatedPlex, SimulatedPlexTv, TaskState

from .conftest import RESOURCES, Start, TvClient, from_xml

BACKUP = "BackupDatabase"
NAMES = [spec.name for spec in CURRENT_TASKS]


@pytest.fixture
async def server(plex: SimulatedPlex) -> PlexServer:
    """Return a plexapi, which blocks, so that it lives in threads."""
    return await asyncio.to_thread(PlexServer, plex.url, plex.token)


async def test_plexapi_connects_and_knows_the_server(
    plex: SimulatedPlex, server: PlexServer
) -> None:
    assert server.friendlyName == plex.name
    assert server.machineIdentifier == plex.machine_identifier
    assert server.version == plex.version
    identity = await asyncio.to_thread(server.identity)
    assert identity.claimed is True
    with pytest.raises(Unauthorized):
        await asyncio.to_thread(PlexServer, plex.url, "wrong")


async def test_plexapi_lists_and_runs_tasks_and_sees_their_rows(
    plex: SimulatedPlex, server: PlexServer
) -> None:
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


def _plex_api_client(plex: SimulatedPlex, token: str | None = None) -> PlexAPI:
    return PlexAPI(token=token or plex.token, server_url=plex.url)


async def test_plex_api_client_lists_starts_and_stops_tasks(
    plex: SimulatedPlex,
) -> None:
    name = operations.PathParamButlerTask.BACKUP_DATABASE
    start = operations.StartTaskRequest(butler_task=name)
    stop = operations.StopTaskRequest(butler_task=operations.ButlerTask.BACKUP_DATABASE)
    async with _plex_api_client(plex) as api:
        answer = await api.butler.get_tasks_async()
        assert answer.object is not None
        assert answer.object.butler_tasks is not None
        tasks = answer.object.butler_tasks.butler_task
        assert tasks is not None
        assert [task.name for task in tasks] == NAMES
        assert (tasks[0].title, tasks[0].enabled) == ("Optimize Database", True)
        for status in (200, 202):
            started = await api.butler.start_task_async(request=start)
            assert started.status_code == status
            assert plex.truth()[BACKUP] is TaskState.RUNNING
        assert (await api.butler.stop_task_async(request=stop)).status_code == 200
        assert plex.truth()[BACKUP] is TaskState.IDLE
        with pytest.raises(errors.SDKError) as error:
            await api.butler.stop_task_async(request=stop)
        assert error.value.status_code == 404
        assert (await api.butler.start_tasks_async()).status_code == 200
        assert plex.truth()[BACKUP] is TaskState.RUNNING
        assert (await api.butler.stop_tasks_async()).status_code == 200
    assert set(plex.truth().values()) == {TaskState.IDLE}
    async with _plex_api_client(plex, plex.shared_token) as api:
        with pytest.raises(errors.SDKError) as error:
            await api.butler.start_tasks_async()
    assert error.value.status_code == 403


async def test_plex_api_client_sees_activities_or_none(
    start: Start, plex: SimulatedPlex
) -> None:
    plex.client_start(BACKUP)
    plex.noise.scan()
    await plex.advance(4)
    for server, kinds in (
        (plex, ["butler", "butler", "library.update.section"]),
        ((await start("silent")).plex, None),
    ):
        async with _plex_api_client(server) as api:
            answer = await api.activities.list_activities_async()
        assert answer.object is not None
        assert answer.object.media_container is not None
        rows = answer.object.media_container.activity
        assert (rows and [row.type for row in rows]) == kinds


async def test_plexapi_signs_in_and_reads_resources(
    tv: SimulatedPlexTv, tv_client: TvClient, plex: SimulatedPlex
) -> None:
    with patch.object(MyPlexPinLogin, "PINS", f"{tv.url}/api/v2/pins"):
        login = MyPlexPinLogin(oauth=True)  # type: ignore[no-untyped-call]
        address = await asyncio.to_thread(login.oauthUrl)
        assert tv.pins[-1].code in address
        assert not await asyncio.to_thread(login.checkLogin)
        tv.link()
        assert await asyncio.to_thread(login.checkLogin)
    assert login.token == tv.token

    tv.add_server(plex)
    headers = {"Accept": "text/xml", "X_Plex_Token": tv.token}
    root = from_xml((await tv_client.ask("GET", RESOURCES, **headers))[1])
    resource = MyPlexResource(None, root[0])  # type: ignore[no-untyped-call]
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
