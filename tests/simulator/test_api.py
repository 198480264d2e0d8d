"""The API over sockets: what is answered, in which form, and to whom."""

from __future__ import annotations

import aiohttp
import pytest

from tests.simulator import (
    ALL_TASKS,
    CURRENT_TASKS,
    LEGACY_TASKS,
    Kind,
    PlayState,
    Setting,
    SimulatedPlex,
    TaskSpec,
    TaskState,
    in_server_language,
    page,
)

from .conftest import Client, Start, from_xml

PATH = "/butler/BackupDatabase"
OWNER_ONLY = [
    ("GET", "/butler"),
    ("POST", "/butler"),
    ("DELETE", "/butler"),
    ("POST", PATH),
    ("DELETE", PATH),
    ("GET", "/:/prefs"),
    ("PUT", "/:/prefs?ButlerStartHour=1"),
    ("GET", "/:/prefs/get?id=ButlerStartHour"),
    ("GET", "/status/sessions"),
]
FOR_ALL = [("GET", "/"), ("GET", "/activities")]


async def test_the_task_list_has_its_own_root_and_all_fields(client: Client) -> None:
    tasks = (await client.json("/butler"))["ButlerTasks"]["ButlerTask"]

    assert [task["name"] for task in tasks] == [spec.name for spec in CURRENT_TASKS]
    assert (len(CURRENT_TASKS), len(LEGACY_TASKS)) == (22, 14)
    assert next(task for task in tasks if task["name"] == "BackupDatabase") == {
        "name": "BackupDatabase",
        "title": "Backup Database",
        "description": ALL_TASKS["BackupDatabase"].description,
        "interval": 3,
        "scheduleRandomized": False,
        "enabled": True,
    }


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
        element = from_xml(text)
        assert (status, kind, element.tag) == (200, "text/xml", root)
        assert {sub.tag for sub in element} == ({child} if child else set())
        if path == "/butler":
            assert element[0].attrib["enabled"] == "1"
            assert element[0].attrib["scheduleRandomized"] == "0"
            assert element[0].attrib["interval"] == "7"


async def test_empty_lists_are_left_out(start: Start) -> None:
    silent = await start("silent")
    for spec in CURRENT_TASKS:
        silent.plex.remove_task(spec.name)

    assert await silent.json("/butler") == {"ButlerTasks": {}}
    assert await silent.json("/activities") == {"MediaContainer": {"size": 0}}
    assert await silent.json("/status/sessions") == {"MediaContainer": {"size": 0}}


async def test_identity_has_no_name_and_the_root_has_one_that_may_change(
    plex: SimulatedPlex, client: Client
) -> None:
    body = (await client.json("/identity", token=None))["MediaContainer"]
    assert body["machineIdentifier"] == plex.machine_identifier
    assert body["version"] == plex.version
    assert "friendlyName" not in body
    for name in ("Attic", "Cellar"):
        plex.name = name
        root = (await client.json("/"))["MediaContainer"]
        assert root["friendlyName"] == name
        assert root["machineIdentifier"] == body["machineIdentifier"]


async def test_unknown_paths_and_wrong_methods_are_refused_with_a_page(
    client: Client,
) -> None:
    for path in (
        "/nope",
        "/butler/",
        f"{PATH}/",
        "/activities/",
        "//butler",
        "/Butler",
    ):
        assert await client.ask("GET", path) == (404, "text/html", page(404))
    for method, path in (("PUT", "/butler"), ("GET", PATH), ("POST", "/activities")):
        assert await client.ask(method, path) == (405, "text/html", page(405))


async def test_start_and_stop_answer_what_was(
    plex: SimulatedPlex, client: Client
) -> None:
    assert await client.ask("POST", PATH) == (200, "text/html", "")
    assert plex.truth()["BackupDatabase"] is TaskState.RUNNING
    assert await client.ask("POST", PATH) == (202, "text/html", page(202))
    assert await client.status("DELETE", PATH) == 200
    assert plex.truth()["BackupDatabase"] is TaskState.IDLE
    assert await client.ask("DELETE", PATH) == (404, "text/html", page(404))
    for method in ("POST", "DELETE"):
        assert await client.status(method, "/butler/NoSuchTask") == 404
    plex.add_task(TaskSpec(name="Odd/Näme 1", title="Odd", description=""))
    assert await client.status("POST", "/butler/Odd%2FN%C3%A4me%201") == 200
    assert plex.truth()["Odd/Näme 1"] is TaskState.RUNNING


async def test_start_all_and_stop_all(plex: SimulatedPlex, client: Client) -> None:
    assert await client.status("POST", "/butler") == 200
    assert plex.truth()["BackupDatabase"] is TaskState.RUNNING
    assert plex.truth()["RefreshLibraries"] is TaskState.IDLE
    for _ in range(2):
        assert await client.status("DELETE", "/butler") == 200
        assert set(plex.truth().values()) == {TaskState.IDLE}


async def test_activities_have_the_servers_shape(
    plex: SimulatedPlex, client: Client
) -> None:
    plex.noise.scan()
    await plex.advance(3)
    (row,) = await client.rows("library.update.section")
    keys = "uuid type cancellable userID title subtitle progress Context"
    assert list(row) == keys.split()
    assert row["Context"] == {"librarySectionID": "1"}


async def test_sessions_are_the_open_streams(
    plex: SimulatedPlex, client: Client
) -> None:
    key = plex.sessions.play("Nine Quiet Rooms")
    plex.sessions.change(key, PlayState.PAUSED)
    body = (await client.json("/status/sessions"))["MediaContainer"]
    assert (body["size"], body["Metadata"][0]["Player"]["state"]) == (1, "paused")
    plex.sessions.change(key, PlayState.STOPPED)
    assert (await client.json("/status/sessions"))["MediaContainer"]["size"] == 0


async def test_settings_are_read_with_their_real_types(
    start: Start, client: Client
) -> None:
    body = (await client.json("/:/prefs"))["MediaContainer"]
    settings = {setting["id"]: setting for setting in body["Setting"]}
    assert body["size"] == len(settings)
    assert settings["ButlerStartHour"]["value"] == 2
    hours = settings["ButlerStartHour"]["enumValues"]
    assert hours.startswith("0:0\ua78900|1:1\ua78900")
    assert settings["ButlerTaskRefreshLibraries"]["value"] is False
    assert settings["GenerateIntroMarkerBehavior"]["value"] == "asap"
    _, kind, text = await client.ask("GET", "/:/prefs/get?id=ButlerEndHour")
    assert kind == "application/json"
    assert "\ua789" in text
    assert await client.status("GET", "/:/prefs/get?id=Nope") == 404

    one = await (await start("legacy")).json("/:/prefs/get?id=ButlerEndHour")
    labels = one["MediaContainer"]["Setting"][0]["enumValues"]
    assert labels.startswith("0:Midnight|1:1 am|")


async def test_a_write_changes_all_or_nothing(
    start: Start, plex: SimulatedPlex, client: Client
) -> None:
    path = "/:/prefs?ButlerTaskRefreshLibraries=1&ButlerStartHour=23"
    assert await client.status("PUT", path) == 200
    tasks = (await client.json("/butler"))["ButlerTasks"]["ButlerTask"]
    assert {it["name"]: it["enabled"] for it in tasks}["RefreshLibraries"] is True
    assert plex.butler.window.start_hour == 23
    for wrong in ("Nope=1", "ButlerStartHour=24", "ButlerTaskBackupDatabase=2"):
        assert await client.status("PUT", f"/:/prefs?ButlerEndHour=7&{wrong}") == 400
        assert plex.butler.window.end_hour == 5
    assert await (await start("legacy")).status("PUT", "/:/prefs?Nope=1") == 403


async def test_settings_come_and_go(client: Client, plex: SimulatedPlex) -> None:
    dust = Setting(id="ButlerTaskDust", kind=Kind.BOOL, default=True, value=True)
    plex.add_preference(dust)
    one = await client.json("/:/prefs/get?id=ButlerTaskDust")
    assert one["MediaContainer"]["Setting"][0]["value"] is True
    plex.set_preference("ButlerTaskBackupDatabase", value=False)
    plex.remove_preference("ButlerTaskBackupDatabase")
    assert plex.butler.is_enabled(plex.butler.tasks["BackupDatabase"])


async def test_how_a_server_answers_may_differ(start: Start) -> None:
    foreign = await start(foreign_rows=True)
    english = "Optimize Database"
    for language, title in (("en", english), ("de", in_server_language(english))):
        body = await foreign.json("/butler", **{"Accept-Language": language})
        assert body["ButlerTasks"]["ButlerTask"][0]["title"] == title

    loose = await start(loose_types=True)
    task = (await loose.json("/butler"))["ButlerTasks"]["ButlerTask"][0]
    assert (task["enabled"], task["interval"]) == ("1", "7")
    assert (await loose.rows("butler"))[0]["progress"] == "100"

    slow = await start(preferences_settle=0.7)
    await slow.status("PUT", "/:/prefs?ButlerStartHour=1")
    assert await slow.status("GET", "/:/prefs") == 400
    await slow.plex.advance(1)
    assert await slow.status("GET", "/:/prefs") == 200


async def test_a_server_behind_a_path_prefix_is_only_there(
    start: Start, session: aiohttp.ClientSession
) -> None:
    client = await start(prefix="/plex")
    assert client.plex.url.endswith("/plex")
    assert await client.status("GET", "/butler") == 200
    root = client.plex.url.removesuffix("/plex")
    async with session.get(f"{root}/identity") as response:
        assert response.status == 404


async def test_requests_are_kept_as_they_came(
    plex: SimulatedPlex, client: Client
) -> None:
    await client.ask("GET", "/:/prefs/get?id=ButlerEndHour")
    (request,) = plex.requests
    asked = (request.method, request.path, request.status)
    assert asked == ("GET", "/:/prefs/get", 200)
    assert request.query == {"id": "ButlerEndHour"}
    assert request.headers["x-plex-token"] == plex.token


@pytest.mark.parametrize("token", [None, "wrong"])
async def test_no_or_a_wrong_token_is_a_401_page(
    client: Client, token: str | None
) -> None:
    for method, path in [*OWNER_ONLY, *FOR_ALL, ("GET", "/nope")]:
        answer = await client.ask(method, path, token=token)
        assert answer == (401, "text/html", page(401))


@pytest.mark.parametrize(("profile", "status"), [("current", 403), ("legacy", 401)])
async def test_a_token_that_is_not_the_owners_may_only_look(
    start: Start, profile: str, status: int
) -> None:
    client = await start(profile)
    guest = client.plex.shared_token
    client.plex.client_start("BackupDatabase")
    for method, path in OWNER_ONLY:
        answer = await client.ask(method, path, token=guest)
        assert answer == (status, "text/html", page(status))
    assert await client.status("GET", "/", token=guest) == 200
    own = await client.json("/activities", token=guest)
    assert own == {"MediaContainer": {"size": 0}}


async def test_tokens_come_and_go(plex: SimulatedPlex, client: Client) -> None:
    path = f"/butler?X-Plex-Token={plex.token}"
    assert await client.status("GET", path, token=None) == 200
    plex.token, old = "another-token", plex.token
    assert await client.status("GET", "/butler", token=old) == 401
    for claimed, status in ((False, 401), (True, 200)):
        plex.claimed = claimed
        assert await client.status("GET", "/butler") == status
        body = (await client.json("/identity"))["MediaContainer"]
        assert body["claimed"] is claimed
