"""The client against a simulated server, over sockets."""

from collections.abc import Awaitable, Callable

import aiohttp
import pytest

from custom_components.plex_butler import api
from custom_components.plex_butler.api import transport
from tests.simulator import CURRENT_TASKS, ManualClock, SimulatedPlex, TaskSpec

from .conftest import MakeClient


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


async def test_the_identity_is_told_to_anybody_and_asked_for_without_the_token(
    make_client: MakeClient, client: api.PlexClient, plex: SimulatedPlex
) -> None:
    for it in (client, make_client(token="")):
        identity = await it.get_identity()

        assert identity.machine_identifier == plex.machine_identifier
        assert (identity.version, identity.claimed) == (plex.version, True)
    assert not any("X-Plex-Token" in request.headers for request in plex.requests)


async def test_a_command_says_what_became_of_it(
    client: api.PlexClient, plex: SimulatedPlex
) -> None:
    assert await client.start_task("BackupDatabase") is api.StartResult.STARTED
    assert plex.truth()["BackupDatabase"] == "running"
    assert await client.start_task("BackupDatabase") is api.StartResult.ALREADY_RUNNING
    assert await client.stop_task("BackupDatabase") is api.StopResult.STOPPED
    assert plex.truth()["BackupDatabase"] == "idle"
    assert await client.stop_task("BackupDatabase") is api.StopResult.NOT_RUNNING
    with pytest.raises(api.PlexResponseError) as err:
        await client.start_task("PolishBrass")
    assert err.value.status == 404


async def test_all_tasks_start_and_stop_at_once(
    client: api.PlexClient, plex: SimulatedPlex
) -> None:
    await client.start_all_tasks()
    assert "running" in plex.truth().values()

    await client.stop_all_tasks()
    assert set(plex.truth().values()) == {"idle"}


async def test_a_name_of_any_characters_reaches_its_task(
    client: api.PlexClient, plex: SimulatedPlex
) -> None:
    name = "Polish/the brass? 100%"
    plex.add_task(TaskSpec(name=name, title="Polish", description="", interval=1))

    await client.start_task(name)

    assert plex.truth()[name] == "running"


async def test_a_path_prefix_is_kept(
    session: aiohttp.ClientSession, socket_enabled: None
) -> None:
    async with SimulatedPlex(prefix="/a/plex", clock=ManualClock()) as plex:
        client = api.PlexClient(
            session, f"{plex.url}/", plex.token, client_identifier="test"
        )

        assert await client.get_butler_tasks()
        assert client.url == plex.url


async def test_the_token_travels_in_the_header_only(
    client: api.PlexClient, plex: SimulatedPlex
) -> None:
    await client.get_butler_tasks()
    await client.start_task("BackupDatabase")

    for request in plex.requests:
        assert request.headers["X-Plex-Token"] == plex.token
        assert request.headers["X-Plex-Client-Identifier"] == "test"
        assert request.headers["Accept-Language"] == "en"
        assert plex.token not in f"{request.path}{request.query}"


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("refuse", api.PlexHungUpError),
        ("cut", api.PlexConnectionError),
        ("401", api.PlexAuthenticationError),
        ("403", api.PlexNotOwnerError),
        ("404", api.PlexResponseError),
        ("500", api.PlexResponseError),
        ("502", api.PlexResponseError),
        ("503", api.PlexMaintenanceError),
        ("garbage", api.PlexResponseError),
        ("wrong-shape", api.PlexResponseError),
        ("huge", api.PlexResponseError),
        ("redirect", api.PlexResponseError),
    ],
)
async def test_every_fault_has_its_error_and_then_it_works_again(
    client: api.PlexClient, plex: SimulatedPlex, fault: str, error: type[api.PlexError]
) -> None:
    # A GET on a kept connection that breaks is tried once more by aiohttp itself.
    plex.fault(fault, count=2 if fault == "refuse" else 1, path="/butler")

    with pytest.raises(api.PlexError) as raised:
        await client.get_butler_tasks()
    plex.clear_faults()

    assert type(raised.value) is error
    assert plex.token not in str(raised.value)
    assert await client.get_butler_tasks()


@pytest.mark.parametrize("fault", ["garbage", "wrong-shape", "huge"])
async def test_the_body_of_a_command_is_never_looked_at(
    client: api.PlexClient, plex: SimulatedPlex, fault: str
) -> None:
    plex.fault(fault, path="/butler", method="POST")

    assert await client.start_task("BackupDatabase") is api.StartResult.STARTED


async def test_a_server_that_is_silent_for_long_is_given_up(
    client: api.PlexClient, plex: SimulatedPlex, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "TIMEOUT", aiohttp.ClientTimeout(total=0.05))
    plex.fault("slow", path="/butler", delay=1)

    with pytest.raises(api.PlexTimeoutError):
        await client.get_butler_tasks()
    monkeypatch.undo()

    assert await client.get_butler_tasks()


async def test_a_server_that_is_not_there_is_a_connection_error(
    client: api.PlexClient, plex: SimulatedPlex
) -> None:
    await plex.stop_listening()
    with pytest.raises(api.PlexConnectionError):
        await client.get_identity()

    await plex.listen_again()
    assert await client.get_identity()


async def test_https_to_a_server_without_it_is_a_tls_error(
    make_client: MakeClient, plex: SimulatedPlex
) -> None:
    with pytest.raises(api.PlexTlsError):
        await make_client(url=plex.url.replace("http://", "https://")).get_identity()


async def test_no_redirect_is_followed(
    client: api.PlexClient, session: aiohttp.ClientSession, plex: SimulatedPlex
) -> None:
    async with SimulatedPlex(clock=ManualClock()) as elsewhere:
        plex.fault("redirect", count=4, target=elsewhere.url)
        calls: tuple[Callable[[], Awaitable[object]], ...] = (
            client.get_identity,
            client.get_butler_tasks,
            client.start_all_tasks,
            client.stop_all_tasks,
        )
        for call in calls:
            with pytest.raises(api.PlexResponseError):
                await call()

        assert elsewhere.requests == []
