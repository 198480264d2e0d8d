"""Settings over sockets: read, written, refused."""

from __future__ import annotations

import aiohttp

from tests.simulator import Kind, Setting, SimulatedPlex

from .client import Client
from .conftest import StartPlex


async def test_settings_are_read_with_their_real_types(client: Client) -> None:
    body = (await client.json("/:/prefs"))["MediaContainer"]
    settings = {setting["id"]: setting for setting in body["Setting"]}
    assert body["size"] == len(settings)
    assert settings["ButlerStartHour"]["value"] == 2
    assert settings["ButlerStartHour"]["enumValues"].startswith(
        "0:0\ua78900|1:1\ua78900"
    )
    assert settings["ButlerTaskRefreshLibraries"]["value"] is False
    assert settings["GenerateIntroMarkerBehavior"]["value"] == "asap"
    one = await client.json("/:/prefs/get?id=ButlerEndHour")
    assert one["MediaContainer"]["Setting"][0]["value"] == 5
    assert await client.status("GET", "/:/prefs/get?id=Nope") == 404


async def test_old_servers_have_other_labels(
    start_plex: StartPlex, session: aiohttp.ClientSession
) -> None:
    client = Client(await start_plex("legacy"), session)
    one = await client.json("/:/prefs/get?id=ButlerEndHour")
    labels = one["MediaContainer"]["Setting"][0]["enumValues"]
    assert labels.startswith("0:Midnight|1:1 am|")


async def test_a_written_setting_changes_what_is_enabled(client: Client) -> None:
    path = "/:/prefs?ButlerTaskRefreshLibraries=1&ButlerStartHour=23"
    assert await client.status("PUT", path) == 200
    tasks = (await client.json("/butler"))["ButlerTasks"]["ButlerTask"]
    enabled = {task["name"]: task["enabled"] for task in tasks}
    assert enabled["RefreshLibraries"] is True
    one = await client.json("/:/prefs/get?id=ButlerStartHour")
    assert one["MediaContainer"]["Setting"][0]["value"] == 23


async def test_a_wrong_write_changes_nothing(client: Client) -> None:
    for wrong in (
        "Nope=1",
        "ButlerStartHour=24",
        "ButlerStartHour=x",
        "ButlerTaskBackupDatabase=2",
    ):
        path = f"/:/prefs?ButlerEndHour=7&{wrong}"
        assert await client.status("PUT", path) == 400
        one = await client.json("/:/prefs/get?id=ButlerEndHour")
        assert one["MediaContainer"]["Setting"][0]["value"] == 5


async def test_a_read_soon_after_a_write_may_fail(
    start_plex: StartPlex, session: aiohttp.ClientSession, plex: SimulatedPlex
) -> None:
    slow = await start_plex(plex.profile.with_traits(preferences_settle=0.7))
    client = Client(slow, session)
    await client.status("PUT", "/:/prefs?ButlerStartHour=1")
    assert await client.status("GET", "/:/prefs") == 400
    await slow.advance(1)
    assert await client.status("GET", "/:/prefs") == 200


async def test_some_servers_forbid_what_they_do_not_know(
    start_plex: StartPlex, session: aiohttp.ClientSession
) -> None:
    client = Client(await start_plex("legacy"), session)
    assert await client.status("PUT", "/:/prefs?Nope=1") == 403
    assert await client.status("PUT", "/:/prefs?ButlerStartHour=24") == 400
    assert await client.status("PUT", "/:/prefs?ButlerStartHour=1") == 200


async def test_settings_come_and_go(client: Client, plex: SimulatedPlex) -> None:
    dust = Setting(id="ButlerTaskDust", kind=Kind.BOOL, default=True, value=True)
    plex.add_preference(dust)
    one = await client.json("/:/prefs/get?id=ButlerTaskDust")
    assert one["MediaContainer"]["Setting"][0]["value"] is True

    plex.remove_preference("ButlerTaskBackupDatabase")
    assert await client.status("GET", "/:/prefs/get?id=ButlerTaskBackupDatabase") == 404
    tasks = (await client.json("/butler"))["ButlerTasks"]["ButlerTask"]
    assert all(task["enabled"] for task in tasks if task["name"] == "BackupDatabase")
