"""Faults by their names, and ways to be gone."""

from __future__ import annotations

import asyncio
import errno
import json
import zlib

import aiohttp
import pytest

from tests import simulator as sim

from .conftest import Client, Start, frames, from_xml

BACKUP = "BackupDatabase"


@pytest.mark.parametrize(
    ("is_json", "kind"), [(False, "text/xml"), (True, "application/json")]
)
async def test_a_503_is_xml_or_json_whatever_was_asked_for(
    start: Start, kind: str, *, is_json: bool
) -> None:
    client = await start(maintenance_json=is_json)
    client.plex.fault("503")
    accept = "*/*" if is_json else "application/json"
    for _ in range(2):
        status, said, text = await client.ask("GET", "/identity", Accept=accept)
        body = json.loads(text) if is_json else from_xml(text).attrib
        assert (status, said) == (503, kind)
        assert (int(body["code"]), body["title"]) == (503, "Maintenance")
        await client.plex.restart(maintenance_for=10)


async def test_a_fault_is_for_so_many_requests_of_its_path_and_method(
    plex: sim.SimulatedPlex, client: Client
) -> None:
    plex.fault("429", count=2, path="/butler", method="GET")
    assert await client.status("GET", "/activities") == 200
    statuses = [await client.status("GET", "/butler") for _ in range(3)]
    assert statuses == [429, 429, 200]
    plex.fault("huge")
    assert len((await client.ask("GET", "/identity"))[2]) > 8 * 1024 * 1024


async def test_a_gzip_bomb_is_small_until_it_is_unpacked(
    plex: sim.SimulatedPlex, session: aiohttp.ClientSession
) -> None:
    plex.fault("gzip-bomb", count=1)
    async with session.get(f"{plex.url}/identity", auto_decompress=False) as response:
        assert response.headers["Content-Encoding"] == "gzip"
        packed = await response.read()
    unpacker, size = zlib.decompressobj(wbits=31), 0
    assert len(packed) < 512 * 1024
    while packed:
        size += len(unpacker.decompress(packed, 1024 * 1024))
        packed = unpacker.unconsumed_tail
    assert unpacker.eof and size > 256 * 1024 * 1024
    assert await (await session.get(f"{plex.url}/identity")).read()


async def test_names_lead_to_this_machine_alone(
    plex: sim.SimulatedPlex, session: aiohttp.ClientSession
) -> None:
    direct, elsewhere = map(sim.plex_direct_name, ("127.0.0.1", "203.0.113.7"))
    with sim.Names().in_force() as names:
        names.point("attic.example")
        for host in (direct, "attic.example"):
            assert (await session.get(f"{plex.url_at(host)}/identity")).status == 200
        with pytest.raises(aiohttp.ClientConnectorError, match=r"', 9\)"):
            await session.get(plex.url_at(elsewhere))
        with pytest.raises(aiohttp.ClientConnectorDNSError):
            await session.get(plex.url_at("nowhere.example"))


@pytest.mark.parametrize(("name", "answered"), [("slow", 4), ("late", 2)])
async def test_slow_answers_are_of_then_and_late_ones_are_old(
    plex: sim.SimulatedPlex, client: Client, name: str, answered: int
) -> None:
    plex.fault(name, delay=0.2)
    asking = asyncio.create_task(client.json("/:/prefs/get?id=ButlerStartHour"))
    done, _ = await asyncio.wait([asking], timeout=0.05)
    assert not done
    plex.set_preference("ButlerStartHour", 4)
    value = (await asking)["MediaContainer"]["Setting"][0]["value"]
    assert value == answered


async def test_after_a_restart_a_server_refuses_then_says_503_then_is_back(
    plex: sim.SimulatedPlex, client: Client
) -> None:
    socket = await client.listen()
    plex.client_start(BACKUP)
    url = plex.url
    await plex.restart("2.0.0", refused_for=10, maintenance_for=20)
    # A dead process sends no last notifications.
    events = [it["ActivityNotification"][0]["event"] for it in await frames(socket)]
    assert events in ([], ["started"])
    assert socket.closed
    with pytest.raises(aiohttp.ClientConnectorError):
        await client.ask("GET", "/identity")
    for status in (503, 200):
        await plex.advance(15)
        assert await client.status("GET", "/identity") == status
    body = (await client.json("/identity"))["MediaContainer"]
    assert (plex.url, body["version"]) == (url, "2.0.0")
    assert set(plex.truth().values()) == {sim.TaskState.IDLE}


@pytest.mark.parametrize("restarts", [False, True])
@pytest.mark.parametrize(
    ("how", "error", "number"),
    [
        (sim.Absence.REFUSED, aiohttp.ClientConnectorError, errno.ECONNREFUSED),
        (sim.Absence.HANG_UP, aiohttp.ServerDisconnectedError, None),
        (sim.Absence.RESET, aiohttp.ClientOSError, errno.ECONNRESET),
        (sim.Absence.UNREACHABLE, aiohttp.ClientConnectorError, errno.EHOSTUNREACH),
    ],
)
async def test_a_server_may_be_gone_in_many_ways_with_a_restart_behind_it_or_not(
    start: Start,
    how: sim.Absence,
    error: type[OSError],
    number: int | None,
    *,
    restarts: bool,
) -> None:
    client, other = await start(), await start()
    plex = client.plex
    socket = await client.listen()
    plex.client_start(BACKUP)
    await (plex.restart(refused_for=1, how=how) if restarts else plex.go_away(how=how))
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
    state = sim.TaskState.IDLE if restarts else sim.TaskState.RUNNING
    assert plex.truth()[BACKUP] is state
    assert plex.truth()["OptimizeDatabase"] is sim.TaskState.IDLE
