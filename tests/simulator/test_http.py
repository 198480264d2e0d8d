"""The API over sockets: what is answered, in which form, and to whom."""

from __future__ import annotations

import json
from xml.etree import ElementTree as ET

import aiohttp

from tests.simulator import (
    ALL_TASKS,
    CURRENT_TASKS,
    LEGACY_TASKS,
    PlayState,
    SimulatedPlex,
    TaskSpec,
    TaskState,
    in_server_language,
    page,
)

from .client import Client
from .conftest import StartPlex


async def test_the_task_list_has_its_own_root_and_all_fields(client: Client) -> None:
    body = await client.json("/butler")
    tasks = body["ButlerTasks"]["ButlerTask"]
    assert [task["name"] for task in tasks] == [spec.name for spec in CURRENT_TASKS]
    backup = next(task for task in tasks if task["name"] == "BackupDatabase")
    assert backup == {
        "name": "BackupDatabase",
        "title": "Backup Database",
        "description": ALL_TASKS["BackupDatabase"].description,
        "interval": 3,
        "scheduleRandomized": False,
        "enabled": True,
    }


async def test_the_profiles_list_22_and_14_tasks() -> None:
    assert (len(CURRENT_TASKS), len(LEGACY_TASKS)) == (22, 14)


async def test_without_a_wish_for_json_everything_is_xml(
    plex: SimulatedPlex, client: Client
) -> None:
    plex.sessions.play()
    plex.client_start("LoudnessAnalysis")
    await plex.advance(10)
    expected = {
        "/butler": ("ButlerTasks", "ButlerTask"),
        "/identity": ("MediaContainer", None),
        "/": ("MediaContainer", "Directory"),
        "/activities": ("MediaContainer", "Activity"),
        "/:/prefs": ("MediaContainer", "Setting"),
        "/status/sessions": ("MediaContainer", "Video"),
    }
    for path, (root, child) in expected.items():
        status, kind, text = await client.ask("GET", path, accept="*/*")
        element = ET.fromstring(text)  # noqa: S314 - our own server wrote it
        assert (status, kind, element.tag) == (200, "text/xml", root)
        assert {sub.tag for sub in element} == ({child} if child else set())


async def test_xml_writes_booleans_as_digits(client: Client) -> None:
    _, _, text = await client.ask("GET", "/butler", accept="*/*")
    task = ET.fromstring(text)[0]  # noqa: S314 - our own server wrote it
    assert task.attrib["enabled"] == "1"
    assert task.attrib["scheduleRandomized"] == "0"
    assert task.attrib["interval"] == "7"


async def test_empty_lists_are_left_out(start_plex: StartPlex, client: Client) -> None:
    plex = await start_plex("silent")
    for spec in CURRENT_TASKS:
        plex.remove_task(spec.name)
    async with aiohttp.ClientSession() as session:
        silent = Client(plex, session)
        assert await silent.json("/butler") == {"ButlerTasks": {}}
        assert await silent.json("/activities") == {"MediaContainer": {"size": 0}}
        assert await silent.json("/status/sessions") == {"MediaContainer": {"size": 0}}


async def test_the_root_names_the_server(plex: SimulatedPlex, client: Client) -> None:
    body = (await client.json("/"))["MediaContainer"]
    assert body["friendlyName"] == plex.name == "Attic"
    assert body["machineIdentifier"] == plex.machine_identifier


async def test_unknown_paths_are_a_404_page(client: Client) -> None:
    for path in (
        "/nope",
        "/butler/",
        "/butler/BackupDatabase/",
        "/activities/",
        "//butler",
        "/Butler",
    ):
        assert await client.ask("GET", path) == (404, "text/html", page(404))


async def test_wrong_methods_are_refused(client: Client) -> None:
    for method, path in (
        ("PUT", "/butler"),
        ("GET", "/butler/BackupDatabase"),
        ("POST", "/activities"),
    ):
        assert await client.ask(method, path) == (405, "text/html", page(405))


async def test_start_and_stop_tell_what_was(
    plex: SimulatedPlex, client: Client
) -> None:
    path = "/butler/BackupDatabase"
    assert await client.ask("POST", path) == (200, "text/html", "")
    assert plex.truth()["BackupDatabase"] is TaskState.RUNNING
    assert await client.ask("POST", path) == (202, "text/html", page(202))
    assert await client.status("DELETE", path) == 200
    assert plex.truth()["BackupDatabase"] is TaskState.IDLE
    assert await client.ask("DELETE", path) == (404, "text/html", page(404))
    assert await client.status("POST", "/butler/NoSuchTask") == 404
    assert await client.status("DELETE", "/butler/NoSuchTask") == 404


async def test_a_quoted_name_is_unquoted(plex: SimulatedPlex, client: Client) -> None:
    plex.add_task(TaskSpec(name="Odd/Näme 1", title="Odd", description=""))
    assert await client.status("POST", "/butler/Odd%2FN%C3%A4me%201") == 200
    assert plex.truth()["Odd/Näme 1"] is TaskState.RUNNING


async def test_start_all_and_stop_all(plex: SimulatedPlex, client: Client) -> None:
    assert await client.status("POST", "/butler") == 200
    assert plex.truth()["BackupDatabase"] is TaskState.RUNNING
    assert plex.truth()["RefreshLibraries"] is TaskState.IDLE
    assert await client.status("DELETE", "/butler") == 200
    assert set(plex.truth().values()) == {TaskState.IDLE}
    assert await client.status("DELETE", "/butler") == 200


async def test_activities_have_the_servers_shape(
    plex: SimulatedPlex, client: Client
) -> None:
    plex.noise.scan()
    await plex.advance(3)
    (row,) = await client.rows("library.update.section")
    assert list(row) == [
        "uuid",
        "type",
        "cancellable",
        "userID",
        "title",
        "subtitle",
        "progress",
        "Context",
    ]
    assert row["Context"] == {"librarySectionID": "1"}


async def test_only_cancellable_activities_can_be_cancelled(
    plex: SimulatedPlex, client: Client
) -> None:
    firm = plex.noise.activity("media.download")
    loose = plex.noise.activity("provider.subscriptions.process", cancellable=True)
    assert await client.status("DELETE", f"/activities/{firm}") == 400
    assert await client.status("DELETE", f"/activities/{loose}") == 200
    assert await client.status("DELETE", f"/activities/{loose}") == 404


async def test_sessions_say_who_is_watching(
    plex: SimulatedPlex, client: Client
) -> None:
    key = plex.sessions.play("Nine Quiet Rooms")
    plex.sessions.change(key, PlayState.PAUSED)
    body = (await client.json("/status/sessions"))["MediaContainer"]
    assert body["size"] == 1
    assert body["Metadata"][0]["Player"]["state"] == "paused"
    plex.sessions.change(key, PlayState.STOPPED)
    assert (await client.json("/status/sessions"))["MediaContainer"]["size"] == 0


async def test_titles_come_in_the_language_that_was_asked_for(
    start_plex: StartPlex, session: aiohttp.ClientSession, plex: SimulatedPlex
) -> None:
    client = Client(
        await start_plex(plex.profile.with_traits(foreign_rows=True)), session
    )
    for language, expected in (
        ("en", "Optimize Database"),
        ("de", in_server_language("Optimize Database")),
    ):
        body = await client.json("/butler", **{"Accept-Language": language})
        assert body["ButlerTasks"]["ButlerTask"][0]["title"] == expected


async def test_types_may_be_loose(
    start_plex: StartPlex, session: aiohttp.ClientSession, plex: SimulatedPlex
) -> None:
    client = Client(
        await start_plex(plex.profile.with_traits(loose_types=True)), session
    )
    task = (await client.json("/butler"))["ButlerTasks"]["ButlerTask"][0]
    assert (task["enabled"], task["interval"]) == ("1", "7")
    assert (await client.rows())[0]["progress"] == "100"


async def test_a_start_may_name_its_activity(
    start_plex: StartPlex, session: aiohttp.ClientSession, plex: SimulatedPlex
) -> None:
    other = await start_plex(plex.profile.with_traits(activity_header=True))
    headers = {"X-Plex-Token": other.token}
    url = f"{other.url}/butler/BackupDatabase"
    async with session.post(url, headers=headers) as response:
        assert len(response.headers["X-Plex-Activity"]) == 36


async def test_a_server_behind_a_path_prefix_is_only_there(
    start_plex: StartPlex, session: aiohttp.ClientSession
) -> None:
    plex = await start_plex(prefix="/plex")
    client = Client(plex, session)
    assert plex.url.endswith("/plex")
    assert await client.status("GET", "/butler") == 200
    root = plex.url.removesuffix("/plex")
    async with session.get(f"{root}/identity") as response:
        assert response.status == 404


async def test_requests_are_kept_as_they_came(
    plex: SimulatedPlex, client: Client
) -> None:
    await client.ask("GET", "/:/prefs/get?id=ButlerEndHour")
    (request,) = plex.requests
    assert (request.method, request.path, request.status) == (
        "GET",
        "/:/prefs/get",
        200,
    )
    assert request.query == {"id": "ButlerEndHour"}
    assert request.headers["x-plex-token"] == plex.token


async def test_json_is_plain_utf_8(plex: SimulatedPlex, client: Client) -> None:
    _, kind, text = await client.ask("GET", "/:/prefs")
    assert kind == "application/json"
    assert "\ua789" in text
    json.loads(text)
