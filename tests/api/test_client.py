"""The client against a simulated server, over sockets."""

import aiohttp
import pytest

from custom_components.plex_butler import api
from tests.simulator import CURRENT_TASKS, PROFILES, ManualClock, SimulatedPlex

from .conftest import listen


async def test_what_the_server_says_is_read(
    client: api.PlexClient, plex: SimulatedPlex
) -> None:
    server = await client.get_server()
    tasks = await client.get_butler_tasks()
    await client.start_task("BackupDatabase")
    rows = await client.get_activities()

    assert (server.name, server.version) == (plex.name, plex.version)
    assert server.machine_identifier == plex.machine_identifier
    assert [task.name for task in tasks] == [spec.name for spec in CURRENT_TASKS]
    assert "Backup Database" in [row.title for row in rows if row.type == "butler"]

    for request in plex.requests:
        assert request.headers["X-Plex-Token"] == plex.token
        assert request.headers["X-Plex-Client-Identifier"] == "test"
        assert request.headers["Accept-Language"] == "en"
        assert plex.token not in f"{request.path}{request.query}"


# The other is no part of any URL.
@pytest.mark.parametrize("unknown", ["PolishBrass", "\ud800"])
async def test_a_task_that_the_server_does_not_have_is_unknown(
    client: api.PlexClient, unknown: str
) -> None:
    with pytest.raises(api.PlexResponseError) as err:
        await client.start_task(unknown)
    assert err.value.status == 404
    assert await client.stop_task(unknown) is api.StopResult.NOT_RUNNING
    with pytest.raises(api.PlexPreferenceError):
        await client.set_preferences({unknown: "\udfff"})


async def test_a_path_prefix_is_kept(
    session: aiohttp.ClientSession, socket_enabled: None
) -> None:
    async with SimulatedPlex("current", prefix="/a/plex", clock=ManualClock()) as plex:
        client = api.PlexClient(
            session, f"{plex.url}/", plex.token, client_identifier="test"
        )

        assert client.url == plex.url
        assert await client.get_butler_tasks()
        await listen(client, plex)


@pytest.mark.parametrize("fault", ["garbage", "wrong-shape", "huge"])
async def test_the_body_of_a_command_is_never_looked_at(
    client: api.PlexClient, plex: SimulatedPlex, fault: str
) -> None:
    plex.fault(fault, path="/butler", method="POST")

    assert await client.start_task("BackupDatabase") is api.StartResult.STARTED


@pytest.mark.parametrize("profile", [PROFILES["legacy"].with_traits(loose_types=True)])
async def test_settings_of_an_old_server_are_the_same(client: api.PlexClient) -> None:
    found = {it.id: it for it in await client.get_preferences()}

    assert found["ButlerStartHour"].value == 2
    assert found["ButlerStartHour"].options[:2] == ("0", "1")
    assert found["ButlerTaskBackupDatabase"].value is True


async def test_settings_are_written_at_once_and_read_again(
    client: api.PlexClient, plex: SimulatedPlex
) -> None:
    plex.requests.clear()
    values: dict[str, api.PreferenceValue] = {
        "ButlerStartHour": 23,
        "ButlerTaskBackupDatabase": False,
        "GenerateBIFBehavior": "asap",
    }
    name = "Loft & attic=1+1"
    now = await client.set_preferences({**values, "FriendlyName": name})

    assert {it.id: it.value for it in now if it.id in values} == values
    assert plex.name == name
    assert [it.method for it in plex.requests] == ["PUT", "GET"]


@pytest.mark.parametrize("profile", ["current", "legacy"])
async def test_what_the_server_does_not_know_is_refused_and_nothing_changes(
    client: api.PlexClient,
) -> None:
    for values in ({"ButlerStartHour": 1, "Nope": True}, {"ButlerStartHour": 24}):
        with pytest.raises(api.PlexPreferenceError):
            await client.set_preferences(values)
    found = {it.id: it.value for it in await client.get_preferences()}
    assert found["ButlerStartHour"] == 2
