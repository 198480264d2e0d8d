"""Every fault by its name, ways to be cut off, TLS, plain http and names."""

from __future__ import annotations

import asyncio
import errno
import json

import aiohttp
import pytest

from tests.simulator import (
    Absence,
    Names,
    PlainHttp,
    SecureConnections,
    SimulatedPlex,
    SimulatedPlexTv,
    TaskState,
    page,
    plex_direct_name,
)
from tests.tls import Certificates

from .conftest import NOTIFICATIONS, Client, Start, frames, from_xml

BACKUP = "BackupDatabase"
PATH = f"/butler/{BACKUP}"


async def identity_status(session: aiohttp.ClientSession, url: str) -> int:
    async with session.get(f"{url}/identity", allow_redirects=False) as response:
        return response.status


@pytest.mark.parametrize("name", ["400", "401", "403", "404", "429", "500"])
async def test_a_status_fault_is_its_page_for_so_many_requests(
    plex: SimulatedPlex, client: Client, name: str
) -> None:
    plex.fault(name, count=2, path="/butler", method="GET")
    assert await client.status("POST", "/activities") == 405
    for _ in range(2):
        answer = await client.ask("GET", "/butler")
        assert answer == (int(name), "text/html", page(int(name)))
    assert await client.status("GET", "/butler") == 200
    plex.fault(name, count=None)
    for _ in range(3):
        assert await client.status("GET", "/butler") == int(name)
    plex.clear_faults()
    assert await client.status("GET", "/butler") == 200


async def test_a_503_is_xml_or_json_whatever_was_asked_for(start: Start) -> None:
    for is_json in (False, True):
        client = await start(maintenance_json=is_json)
        client.plex.fault("503")
        accept = "*/*" if is_json else "application/json"
        status, kind, text = await client.ask("GET", "/identity", accept=accept)
        body = json.loads(text) if is_json else from_xml(text).attrib
        assert (status, kind) == (503, "application/json" if is_json else "text/xml")
        assert (int(body["code"]), body["title"]) == (503, "Maintenance")
        await client.plex.restart(maintenance_for=10)
        assert (await client.ask("GET", "/identity"))[1] == kind


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("refuse", aiohttp.ServerDisconnectedError),
        ("reset", aiohttp.ClientOSError),
        ("done-later", aiohttp.ServerDisconnectedError),
        ("cut", aiohttp.ClientPayloadError),
    ],
)
async def test_a_command_without_an_answer_may_be_done_or_not(
    plex: SimulatedPlex, client: Client, name: str, error: type[Exception]
) -> None:
    plex.fault(name, delay=10)
    with pytest.raises(error):
        await client.ask("POST", PATH)
    assert (plex.truth()[BACKUP] is TaskState.RUNNING) is (name == "cut")
    await plex.advance(10)
    done = name in ("cut", "done-later")
    assert (plex.truth()[BACKUP] is TaskState.RUNNING) is done


@pytest.mark.parametrize(("name", "answered"), [("slow", 4), ("late", 2)])
async def test_slow_answers_are_of_then_and_late_ones_are_old(
    plex: SimulatedPlex, client: Client, name: str, answered: int
) -> None:
    plex.fault(name, delay=0.2)
    asking = asyncio.create_task(client.json("/:/prefs/get?id=ButlerStartHour"))
    done, _ = await asyncio.wait([asking], timeout=0.05)
    assert not done
    plex.set_preference("ButlerStartHour", 4)
    value = (await asking)["MediaContainer"]["Setting"][0]["value"]
    assert value == answered


async def test_a_200_may_be_wrong_empty_or_huge(
    plex: SimulatedPlex, client: Client, session: aiohttp.ClientSession
) -> None:
    plex.fault("wrong-shape")
    assert not isinstance((await client.json("/butler"))["ButlerTasks"], dict)
    plex.fault("ignore")
    assert await client.ask("POST", PATH) == (200, "text/html", "")
    assert plex.truth()[BACKUP] is TaskState.IDLE
    plex.fault("garbage")
    async with session.get(f"{plex.url}/identity") as response:
        assert (response.status, b"<json" in await response.read()) == (200, True)
    plex.fault("huge")
    async with session.get(f"{plex.url}/identity") as response:
        assert response.content_length is None
        assert len(await response.read()) > 8 * 1024 * 1024
    plex.fault("redirect", target="http://127.0.0.1:9")
    async with session.get(f"{plex.url}/a?b=c", allow_redirects=False) as response:
        assert response.headers["Location"] == "http://127.0.0.1:9/a?b=c"
    plex.fault("502")
    status, kind, text = await client.ask("GET", "/butler")
    assert (status, kind, text == page(502)) == (502, "text/html", False)


async def test_sockets_may_be_dead_or_break(
    plex: SimulatedPlex, client: Client
) -> None:
    plex.fault("half-open", path=NOTIFICATIONS)
    socket = await client.listen(heartbeat=0.1)
    message = await socket.receive(timeout=2)
    assert message.type is not aiohttp.WSMsgType.TEXT
    for name, kind, count in (
        ("frame-cut", aiohttp.WSMsgType.TEXT, 1),
        ("ping-cut", aiohttp.WSMsgType.PING, 3),
    ):
        plex.fault(name, path=NOTIFICATIONS)
        socket = await client.listen(autoping=False)
        for _ in range(count):
            assert (await socket.receive(timeout=1)).type is kind
        assert (await socket.receive(timeout=1)).type is aiohttp.WSMsgType.CLOSED


async def test_after_a_restart_a_server_refuses_then_says_503_then_is_back(
    plex: SimulatedPlex, client: Client
) -> None:
    socket = await client.listen()
    plex.client_start(BACKUP)
    url = plex.url
    await plex.restart("2.0.0", refused_for=10, maintenance_for=20)
    # A dead process sends no last notifications.
    assert [it["ActivityNotification"][0]["event"] for it in await frames(socket)] in (
        [],
        ["started"],
    )
    assert socket.closed
    with pytest.raises(aiohttp.ClientConnectorError):
        await client.ask("GET", "/identity")
    for status in (503, 200):
        await plex.advance(15)
        assert await client.status("GET", "/identity") == status
    body = (await client.json("/identity"))["MediaContainer"]
    assert (plex.url, body["version"]) == (url, "2.0.0")
    assert set(plex.truth().values()) == {TaskState.IDLE}


@pytest.mark.parametrize("restarts", [False, True])
@pytest.mark.parametrize(
    ("how", "error", "number"),
    [
        (Absence.REFUSED, aiohttp.ClientConnectorError, errno.ECONNREFUSED),
        (Absence.HANG_UP, aiohttp.ServerDisconnectedError, None),
        (Absence.RESET, aiohttp.ClientOSError, errno.ECONNRESET),
        (Absence.UNREACHABLE, aiohttp.ClientConnectorError, errno.EHOSTUNREACH),
    ],
)
async def test_a_server_may_be_gone_in_many_ways_with_a_restart_behind_it_or_not(
    start: Start,
    how: Absence,
    error: type[OSError],
    number: int | None,
    *,
    restarts: bool,
) -> None:
    client, other = await start(), await start()
    plex = client.plex
    socket = await client.listen()
    plex.client_start(BACKUP)
    if restarts:
        await plex.restart(refused_for=1, how=how)
    else:
        await plex.go_away(1, how=how)
    while (message := await socket.receive(timeout=1)).type is aiohttp.WSMsgType.TEXT:
        pass
    assert message.type in (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR)
    for _ in range(2):
        with pytest.raises(error) as raised:
            await client.ask("POST", "/butler/OptimizeDatabase")
        assert getattr(raised.value, "errno", None) == number
    assert await other.status("GET", "/identity") == 200
    await plex.advance(1)
    assert await client.status("GET", "/identity") == 200
    state = TaskState.IDLE if restarts else TaskState.RUNNING
    assert plex.truth()[BACKUP] is state
    assert plex.truth()["OptimizeDatabase"] is TaskState.IDLE


async def test_a_hanging_server_answers_when_the_database_is_free_or_it_ends(
    start: Start,
) -> None:
    client = await start(hangs_on_database=True)
    for ends in (False, True):
        assert await client.status("POST", PATH) == 200
        asking = asyncio.create_task(client.status("POST", "/butler/CleanOldBundles"))
        done, _ = await asyncio.wait([asking], timeout=0.05)
        assert not done
        assert client.plex.parked == 1
        assert await client.status("GET", "/identity") == 200
        if ends:
            await client.plex.stop()
            with pytest.raises(aiohttp.ClientError):
                await asking
        else:
            await client.plex.advance(31)
            assert await asking == 200


@pytest.mark.parametrize("secure", [False, True])
async def test_a_server_goes_away_and_returns_to_its_port(
    start: Start,
    home_session: aiohttp.ClientSession,
    certificates: Certificates,
    *,
    secure: bool,
) -> None:
    plex = (await start(tls=certificates.right() if secure else None)).plex
    url = plex.url
    assert url.startswith("https://" if secure else "http://")
    # A client that connects and sends nothing is cut off as well.
    reader, writer = await asyncio.open_connection("127.0.0.1", plex.port)
    await asyncio.sleep(0.01)
    await plex.stop_listening()
    assert await reader.read() == b""
    writer.close()
    with pytest.raises(aiohttp.ClientConnectorError):
        await identity_status(home_session, url)
    await plex.listen_again()
    assert plex.url == url
    assert await identity_status(home_session, url) == 200


async def test_another_certificate_cuts_off_who_is_connected(
    start: Start, home_session: aiohttp.ClientSession, certificates: Certificates
) -> None:
    plex = (await start(tls=certificates.right())).plex
    client = Client(plex, home_session)
    socket = await client.listen()
    plex.noise.scan()
    assert (await socket.receive(timeout=1)).type is aiohttp.WSMsgType.TEXT
    await plex.use_certificate(certificates.expired())
    while (await socket.receive(timeout=1)).type is aiohttp.WSMsgType.TEXT:
        pass
    with pytest.raises(aiohttp.ClientConnectorCertificateError):
        await client.listen()
    with pytest.raises(TypeError):
        await (await start()).plex.use_certificate(certificates.right())


@pytest.mark.parametrize(
    ("how", "error"),
    [
        (PlainHttp.CLOSED, aiohttp.ServerDisconnectedError),
        (PlainHttp.RESET, aiohttp.ClientOSError),
        (PlainHttp.ALERT, aiohttp.ClientResponseError),
        (PlainHttp.BAD_REQUEST, 400),
        (PlainHttp.REDIRECT, 301),
    ],
)
async def test_plain_http_is_turned_away_where_tls_is_required(
    start: Start,
    home_session: aiohttp.ClientSession,
    certificates: Certificates,
    how: PlainHttp,
    error: type[Exception] | int,
) -> None:
    plex = (await start(tls=certificates.right())).plex
    plex.plain_http = how
    plain = plex.url_at("127.0.0.1", scheme="http")
    if isinstance(error, int):
        assert await identity_status(home_session, plain) == error
    else:
        with pytest.raises(error):
            await identity_status(home_session, plain)
    assert plex.turned_away[0].startswith("GET /identity HTTP/1.1")
    assert plex.requests == []
    plex.secure_connections = SecureConnections.PREFERRED
    for url in (plain, plex.url):
        assert await identity_status(home_session, url) == 200


async def test_names_lead_where_a_test_points_them_and_to_plex_direct(
    start: Start,
    home_session: aiohttp.ClientSession,
    certificates: Certificates,
    names: Names,
) -> None:
    plex = (await start(tls=certificates.plex_direct())).plex
    direct = plex_direct_name("127.0.0.1")
    assert await identity_status(home_session, plex.url_at(direct)) == 200
    other = f"https://{plex_direct_name('203.0.113.7')}:32400"
    with pytest.raises(aiohttp.ClientConnectorError) as caught:
        await identity_status(home_session, other)
    assert isinstance(caught.value.os_error, ConnectionRefusedError)

    async with SimulatedPlexTv(tls=certificates.named("plex.tv")) as tv:
        names.point("plex.tv", tv.port)
        async with home_session.get("https://plex.tv/api/v2/resources") as response:
            assert response.status == 400
    names.forget("plex.tv")
    names.rebinding_protection = True
    assert isinstance(home_session.connector, aiohttp.TCPConnector)
    home_session.connector.clear_dns_cache()
    for name in (direct, "plex.tv", "attic.example"):
        with pytest.raises(aiohttp.ClientConnectorDNSError):
            await identity_status(home_session, f"https://{name}")
