"""The API over sockets: what is answered, in which form, and to whom."""

from __future__ import annotations

import pytest

from tests.simulator import CURRENT_TASKS, SimulatedPlex, in_server_language, page

from .conftest import Client, Start, from_xml

PATH = "/butler/BackupDatabase"
OWNER_ONLY = [
    *(("GET", "/butler"), ("POST", "/butler"), ("DELETE", "/butler")),
    *(("POST", PATH), ("DELETE", PATH), ("GET", "/:/prefs")),
    ("PUT", "/:/prefs?ButlerStartHour=1"),
    ("GET", "/:/prefs/get?id=ButlerStartHour"),
    ("GET", "/status/sessions"),
]
FOR_ALL = [("GET", "/"), ("GET", "/activities")]


@pytest.mark.parametrize(
    ("path", "root", "child"),
    [
        ("/butler", "ButlerTasks", "ButlerTask"),
        ("/identity", "MediaContainer", None),
        ("/", "MediaContainer", "Directory"),
        ("/activities", "MediaContainer", "Activity"),
        ("/:/prefs", "MediaContainer", "Setting"),
        ("/status/sessions", "MediaContainer", "Video"),
    ],
)
async def test_without_a_wish_for_json_everything_is_xml(
    plex: SimulatedPlex, client: Client, path: str, root: str, child: str | None
) -> None:
    plex.sessions.play()
    plex.client_start("LoudnessAnalysis")
    await plex.advance(10)
    status, kind, text = await client.ask("GET", path, Accept="*/*")
    element = from_xml(text)
    assert (status, kind, element.tag) == (200, "text/xml", root)
    assert {sub.tag for sub in element} == ({child} if child else set())
    if path == "/butler":
        task = element[0].attrib
        said = task["enabled"], task["scheduleRandomized"], task["interval"]
        assert said == ("1", "0", "7")


async def test_lists_have_the_servers_shape_and_empty_ones_are_left_out(
    plex: SimulatedPlex, client: Client, start: Start
) -> None:
    plex.noise.scan()
    await plex.advance(3)
    (row,) = await client.rows("library.update.section")
    keys = "uuid type cancellable userID title subtitle progress Context"
    assert list(row) == keys.split()
    assert row["Context"] == {"librarySectionID": "1"}

    silent = await start("silent")
    for spec in CURRENT_TASKS:
        silent.plex.remove_task(spec.name)
    assert await silent.json("/butler") == {"ButlerTasks": {}}
    for path in ("/activities", "/status/sessions"):
        assert await silent.json(path) == {"MediaContainer": {"size": 0}}


async def test_unknown_paths_and_wrong_methods_are_refused_with_a_page(
    client: Client,
) -> None:
    unknown = ("/nope", "/butler/", f"{PATH}/", "/activities/", "//butler", "/Butler")
    for path in unknown:
        assert await client.ask("GET", path) == (404, "text/html", page(404))
    for method, path in (("PUT", "/butler"), ("GET", PATH), ("POST", "/activities")):
        assert await client.ask(method, path) == (405, "text/html", page(405))


async def test_settings_are_read_with_their_real_types_and_labels(start: Start) -> None:
    for profile, labels in (
        # What looks like a colon is none.
        ("current", "0:0\ua78900|1:1\ua78900|"),
        ("legacy", "0:Midnight|1:1 am|"),
    ):
        body = (await (await start(profile)).json("/:/prefs"))["MediaContainer"]
        settings = {setting["id"]: setting for setting in body["Setting"]}
        assert body["size"] == len(settings)
        assert settings["ButlerStartHour"]["value"] == 2
        assert settings["ButlerStartHour"]["enumValues"].startswith(labels)
        assert settings["ButlerTaskRefreshLibraries"]["value"] is False


async def test_tasks_have_the_language_that_was_asked_for(start: Start) -> None:
    foreign = await start(foreign_rows=True)
    english = "Optimize Database"
    for language, title in (("en", english), ("de", in_server_language(english))):
        body = await foreign.json("/butler", Accept_Language=language)
        assert body["ButlerTasks"]["ButlerTask"][0]["title"] == title


async def test_types_may_be_loose(start: Start) -> None:
    loose = await start(loose_types=True)
    task = (await loose.json("/butler"))["ButlerTasks"]["ButlerTask"][0]
    assert (task["enabled"], task["interval"]) == ("1", "7")
    assert (await loose.rows("butler"))[0]["progress"] == "100"


@pytest.mark.parametrize("token", [None, "wrong"])
async def test_no_or_a_wrong_token_is_a_401_page(
    plex: SimulatedPlex, client: Client, token: str | None
) -> None:
    for method, path in [*OWNER_ONLY, *FOR_ALL, ("GET", "/nope")]:
        answer = await client.ask(method, path, X_Plex_Token=token)
        assert answer == (401, "text/html", page(401))
    path = f"/butler?X-Plex-Token={plex.token}"
    assert await client.status("GET", path, X_Plex_Token=None) == 200


@pytest.mark.parametrize(("profile", "status"), [("current", 403), ("legacy", 401)])
async def test_a_token_that_is_not_the_owners_may_only_look(
    start: Start, profile: str, status: int
) -> None:
    client = await start(profile)
    guest = client.plex.shared_token
    client.plex.client_start("BackupDatabase")
    for method, path in OWNER_ONLY:
        answer = await client.ask(method, path, X_Plex_Token=guest)
        assert answer == (status, "text/html", page(status))
    assert await client.status("GET", "/", X_Plex_Token=guest) == 200
    own = await client.json("/activities", X_Plex_Token=guest)
    assert own == {"MediaContainer": {"size": 0}}
