"""Every fault by its name, what it looks like, and that it passes."""

from __future__ import annotations

import asyncio
import errno
import json
from xml.etree import ElementTree as ET

import aiohttp
import pytest

from tests.simulator import Absence, ManualClock, SimulatedPlex, TaskState, page

from .client import NOTIFICATIONS, Client, frames
from .conftest import StartPlex


@pytest.mark.parametrize("name", ["401", "403", "404", "500"])
async def test_a_status_fault_is_its_page_for_so_many_requests(
    plex: SimulatedPlex, client: Client, name: str
) -> None:
    plex.fault(name, count=2)
    for _ in range(2):
        answer = await client.ask("GET", "/butler")
        assert answer == (int(name), "text/html", page(int(name)))
    assert await client.status("GET", "/butler") == 200


async def test_a_503_is_xml_even_where_json_was_asked_for(
    plex: SimulatedPlex, client: Client
) -> None:
    plex.fault("503")
    status, kind, text = await client.ask("GET", "/identity")
    element = ET.fromstring(text)  # noqa: S314 - our own server wrote it
    assert (status, kind) == (503, "text/xml")
    assert (element.tag, element.attrib["code"]) == ("Response", "503")
    assert element.attrib["title"] == "Maintenance"


async def test_a_502_is_a_proxys_page(plex: SimulatedPlex, client: Client) -> None:
    plex.fault("502")
    status, kind, text = await client.ask("GET", "/butler")
    assert (status, kind) == (502, "text/html")
    assert text != page(502)


async def test_a_fault_may_be_meant_for_some_requests_only(
    plex: SimulatedPlex, client: Client
) -> None:
    plex.fault("500", path="/butler", method="POST")
    assert await client.status("GET", "/butler") == 200
    assert await client.status("POST", "/activities") == 405
    assert await client.status("POST", "/butler") == 500


async def test_a_fault_without_a_count_stays_until_it_is_cleared(
    plex: SimulatedPlex, client: Client
) -> None:
    plex.fault("500", count=None)
    for _ in range(5):
        assert await client.status("GET", "/butler") == 500
    plex.clear_faults()
    assert await client.status("GET", "/butler") == 200


async def test_refuse_closes_the_connection_without_an_answer(
    plex: SimulatedPlex, client: Client
) -> None:
    plex.fault("refuse", method="POST")
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await client.ask("POST", "/butler/BackupDatabase")
    assert plex.truth()["BackupDatabase"] is TaskState.IDLE


async def test_a_503_may_be_json(
    start_plex: StartPlex, plex: SimulatedPlex, session: aiohttp.ClientSession
) -> None:
    other = await start_plex(plex.profile.with_traits(maintenance_json=True))
    client = Client(other, session)
    other.fault("503")
    status, kind, text = await client.ask("GET", "/identity", accept="*/*")
    assert (status, kind) == (503, "application/json")
    body = json.loads(text)
    assert (body["code"], body["title"]) == (503, "Maintenance")
    await other.restart(maintenance_for=10)
    assert (await client.ask("GET", "/identity"))[1] == "application/json"


async def test_reset_breaks_the_connection(plex: SimulatedPlex, client: Client) -> None:
    plex.fault("reset")
    with pytest.raises(aiohttp.ClientOSError) as error:
        await client.ask("POST", "/butler/BackupDatabase")
    assert error.value.errno == errno.ECONNRESET
    assert plex.truth()["BackupDatabase"] is TaskState.IDLE


async def test_what_got_no_answer_may_be_done_later(
    plex: SimulatedPlex, client: Client
) -> None:
    plex.client_start("BackupDatabase")
    # aiohttp asks a second time by itself.
    plex.fault("done-later", method="DELETE", delay=10, count=2)
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await client.ask("DELETE", "/butler/BackupDatabase")
    await plex.advance(9)
    assert plex.truth()["BackupDatabase"] is TaskState.RUNNING
    await plex.advance(1)
    assert plex.truth()["BackupDatabase"] is TaskState.IDLE


async def test_slow_answers_after_the_delay(
    plex: SimulatedPlex, client: Client
) -> None:
    plex.fault("slow", delay=0.2)
    asking = asyncio.create_task(client.status("GET", "/butler"))
    done, _ = await asyncio.wait([asking], timeout=0.05)
    assert not done
    assert await asking == 200


async def test_late_answers_are_old(plex: SimulatedPlex, client: Client) -> None:
    plex.fault("late", delay=0.2)
    asking = asyncio.create_task(client.json("/:/prefs/get?id=ButlerStartHour"))
    done, _ = await asyncio.wait([asking], timeout=0.05)
    assert not done
    plex.set_preference("ButlerStartHour", 4)
    assert (await asking)["MediaContainer"]["Setting"][0]["value"] == 2


async def test_cut_ends_in_the_middle(plex: SimulatedPlex, client: Client) -> None:
    plex.fault("cut")
    with pytest.raises(aiohttp.ClientPayloadError):
        await client.ask("GET", "/butler")
    plex.fault("cut")
    with pytest.raises(aiohttp.ClientPayloadError):
        await client.ask("POST", "/butler/BackupDatabase")
    assert plex.truth()["BackupDatabase"] is TaskState.RUNNING


async def test_garbage_and_wrong_shapes_are_200s(
    plex: SimulatedPlex, client: Client, session: aiohttp.ClientSession
) -> None:
    plex.fault("garbage")
    async with session.get(f"{plex.url}/identity") as response:
        assert response.status == 200
        assert b"<json" in await response.read()
    plex.fault("wrong-shape")
    assert not isinstance((await client.json("/butler"))["ButlerTasks"], dict)


async def test_huge_is_more_than_8_mib_and_does_not_say_so_before(
    plex: SimulatedPlex, session: aiohttp.ClientSession
) -> None:
    plex.fault("huge")
    async with session.get(f"{plex.url}/identity") as response:
        assert response.content_length is None
        assert len(await response.read()) > 8 * 1024 * 1024


async def test_redirect_leads_to_another_origin(
    start_plex: StartPlex, plex: SimulatedPlex, session: aiohttp.ClientSession
) -> None:
    other = await start_plex()
    plex.fault("redirect", target=other.url)
    async with session.get(
        f"{plex.url}/identity?a=b", allow_redirects=False
    ) as response:
        assert response.status == 302
        assert response.headers["Location"] == f"{other.url}/identity?a=b"


async def test_ignore_says_200_and_does_nothing(
    plex: SimulatedPlex, client: Client
) -> None:
    plex.fault("ignore", path="/butler/")
    assert await client.status("POST", "/butler/BackupDatabase") == 200
    assert plex.truth()["BackupDatabase"] is TaskState.IDLE


async def test_drop_sockets_breaks_them_at_once(
    plex: SimulatedPlex, client: Client
) -> None:
    socket = await client.listen()
    plex.fault("drop-sockets")
    message = await socket.receive(timeout=1)
    assert message.type is not aiohttp.WSMsgType.TEXT
    again = await client.listen()
    plex.noise.scan()
    assert await frames(again)
    await again.close()


async def test_a_half_open_socket_answers_no_ping(
    plex: SimulatedPlex, client: Client
) -> None:
    plex.fault("half-open", path=NOTIFICATIONS)
    socket = await client.listen(heartbeat=0.1)
    message = await socket.receive(timeout=2)
    assert message.type is not aiohttp.WSMsgType.TEXT
    await socket.close()


async def test_a_cut_socket_says_one_thing_and_breaks(
    plex: SimulatedPlex, session: aiohttp.ClientSession, client: Client
) -> None:
    plex.fault("frame-cut", path=NOTIFICATIONS)
    socket = await client.listen()
    assert (await socket.receive(timeout=1)).type is aiohttp.WSMsgType.TEXT
    assert (await socket.receive(timeout=1)).type is aiohttp.WSMsgType.CLOSED

    plex.fault("ping-cut", path=NOTIFICATIONS)
    headers = {"X-Plex-Token": plex.token}
    socket = await session.ws_connect(
        plex.url + NOTIFICATIONS, headers=headers, autoping=False
    )
    for _ in range(3):
        assert (await socket.receive(timeout=1)).type is aiohttp.WSMsgType.PING
    assert (await socket.receive(timeout=1)).type is aiohttp.WSMsgType.CLOSED


async def test_a_restart_breaks_sockets_and_forgets_runs_and_changes_the_version(
    plex: SimulatedPlex, client: Client
) -> None:
    socket = await client.listen()
    plex.client_start("BackupDatabase")
    url = plex.url
    await plex.restart(version="2.0.0")
    assert await frames(socket) == []
    assert socket.closed
    assert plex.url == url
    assert set(plex.truth().values()) == {TaskState.IDLE}
    body = (await client.json("/identity"))["MediaContainer"]
    assert body["version"] == "2.0.0"


async def test_after_a_restart_a_server_refuses_then_says_503_then_is_back(
    plex: SimulatedPlex, client: Client
) -> None:
    await plex.restart(refused_for=10, maintenance_for=20)
    with pytest.raises(aiohttp.ClientConnectorError):
        await client.ask("GET", "/identity")
    await plex.advance(11)
    assert await client.status("GET", "/identity") == 503
    await plex.advance(20)
    assert await client.status("GET", "/identity") == 200


ABSENCES = [
    (Absence.REFUSED, aiohttp.ClientConnectorError, errno.ECONNREFUSED),
    (Absence.HANG_UP, aiohttp.ServerDisconnectedError, None),
    (Absence.RESET, aiohttp.ClientOSError, errno.ECONNRESET),
    (Absence.UNREACHABLE, aiohttp.ClientConnectorError, errno.EHOSTUNREACH),
]


@pytest.mark.parametrize("restarts", [False, True])
@pytest.mark.parametrize(("how", "error", "number"), ABSENCES)
async def test_a_server_may_be_gone_in_many_ways_with_a_restart_behind_it_or_not(
    plex: SimulatedPlex,
    client: Client,
    how: Absence,
    error: type[OSError],
    number: int | None,
    *,
    restarts: bool,
) -> None:
    socket = await client.listen()
    plex.client_start("BackupDatabase")
    if restarts:
        await plex.restart(refused_for=1, how=how)
    else:
        await plex.go_away(1, how=how)
    assert (await socket.receive(timeout=1)).type is not aiohttp.WSMsgType.TEXT
    for _ in range(2):
        with pytest.raises(error) as raised:
            await client.ask("POST", "/butler/OptimizeDatabase")
        assert getattr(raised.value, "errno", None) == number
    await plex.advance(1)
    assert await client.status("GET", "/identity") == 200
    state = TaskState.IDLE if restarts else TaskState.RUNNING
    assert plex.truth()["BackupDatabase"] is state
    assert plex.truth()["OptimizeDatabase"] is TaskState.IDLE


async def test_one_server_that_cannot_be_reached_leaves_others_alone(
    start_plex: StartPlex, plex: SimulatedPlex, session: aiohttp.ClientSession
) -> None:
    other = await start_plex()
    await plex.go_away(1, how="unreachable")
    await other.go_away(2, how="unreachable")
    await plex.advance(1)
    assert await Client(plex, session).status("GET", "/identity") == 200
    with pytest.raises(aiohttp.ClientConnectorError):
        await Client(other, session).status("GET", "/identity")
    await other.stop()


async def test_a_server_that_stops_listening_refuses_and_returns_to_its_port(
    plex: SimulatedPlex, client: Client
) -> None:
    url = plex.url
    await plex.stop_listening()
    with pytest.raises(aiohttp.ClientConnectorError):
        await client.ask("GET", "/identity")
    await plex.listen_again()
    assert plex.url == url
    assert await client.status("GET", "/identity") == 200


async def test_a_hanging_server_answers_when_the_database_is_free(
    start_plex: StartPlex, session: aiohttp.ClientSession, plex: SimulatedPlex
) -> None:
    hanging = await start_plex(plex.profile.with_traits(hangs_on_database=True))
    client = Client(hanging, session)
    assert await client.status("POST", "/butler/BackupDatabase") == 200
    asking = asyncio.create_task(client.status("GET", "/activities"))
    done, _ = await asyncio.wait([asking], timeout=0.05)
    assert not done
    assert hanging.parked == 1
    assert await client.status("GET", "/identity") == 200
    await hanging.advance(31)
    assert await asking == 200


async def test_a_hanging_server_can_be_stopped(
    socket_enabled: None, session: aiohttp.ClientSession, plex: SimulatedPlex
) -> None:
    profile = plex.profile.with_traits(hangs_on_database=True)
    async with SimulatedPlex(profile, clock=ManualClock()) as hanging:
        client = Client(hanging, session)
        await client.ask("POST", "/butler/BackupDatabase")
        asking = asyncio.create_task(client.status("GET", "/butler"))
        await asyncio.wait([asking], timeout=0.05)
    with pytest.raises(aiohttp.ClientError):
        await asking
