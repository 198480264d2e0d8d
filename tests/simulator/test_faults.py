"""Faults that are what they are called, and ways to be gone."""

import asyncio
import errno
import zlib

import aiohttp
import pytest

from tests import simulator as sim

from .conftest import BACKUP, NOTIFICATIONS, ask, listed

IN_JSON = sim.PROFILES["current"].with_traits(maintenance_json=True)
MIB = 1024 * 1024


@pytest.mark.parametrize(
    ("profile", "accept", "kind", "text"),
    [
        ("current", "application/json", "text/xml", '<Response code="503" title="Main'),
        (IN_JSON, "*/*", "application/json", '{"code":503,"title":"Maintenance"'),
    ],
    ids=["XML", "JSON"],
)
async def test_a_503_has_its_form_whatever_was_asked_for(
    plex: sim.SimulatedPlex,
    client: aiohttp.ClientSession,
    accept: str,
    kind: str,
    text: str,
) -> None:
    plex.fault("503")
    for _ in range(2):
        *answer, body = await ask(client, "GET", "/identity", Accept=accept)
        assert (*answer, body[: len(text)]) == (503, kind, text)
        await plex.restart(maintenance_for=10)


async def test_what_is_huge_is_sent_whole_and_a_gzip_bomb_is_small_until_unpacked(
    plex: sim.SimulatedPlex, client: aiohttp.ClientSession
) -> None:
    plex.fault("huge")
    assert len((await ask(client, "GET", "/identity"))[2]) > 8 * MIB
    plex.fault("gzip-bomb")
    async with aiohttp.ClientSession(auto_decompress=False) as session:
        response = await session.get(f"{plex.url}/identity")
        assert response.headers["Content-Encoding"] == "gzip"
        packed = await response.read()
    unpacker, size = zlib.decompressobj(wbits=31), 0
    assert len(packed) < MIB / 2
    while packed:
        size += len(unpacker.decompress(packed, MIB))
        packed = unpacker.unconsumed_tail
    assert unpacker.eof and size > 256 * MIB


@pytest.mark.parametrize(("name", "answered"), [("slow", 4), ("late", 2)])
async def test_slow_answers_are_of_then_and_late_ones_are_old(
    plex: sim.SimulatedPlex, client: aiohttp.ClientSession, name: str, answered: int
) -> None:
    plex.fault(name, delay=0.2)
    asking = asyncio.create_task(listed(client, "/:/prefs/get?id=ButlerStartHour"))
    done, _ = await asyncio.wait([asking], timeout=0.05)
    assert not done
    plex.set_preference("ButlerStartHour", 4)
    assert (await asking)["Setting"][0]["value"] == answered


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
    plex: sim.SimulatedPlex,
    client: aiohttp.ClientSession,
    how: sim.Absence,
    error: type[OSError],
    number: int | None,
    *,
    restarts: bool,
) -> None:
    socket = await client.ws_connect(NOTIFICATIONS)
    plex.client_start(BACKUP)
    await (plex.restart(refused_for=1, how=how) if restarts else plex.go_away(how=how))
    while (message := await socket.receive(timeout=1)).type is aiohttp.WSMsgType.TEXT:
        pass
    assert message.type in (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR)
    for _ in range(2):
        with pytest.raises(error) as raised:
            await ask(client, "POST", "/butler/OptimizeDatabase")
        assert getattr(raised.value, "errno", None) == number
    async with sim.SimulatedPlex(clock=plex.clock) as other:
        assert (await ask(client, "GET", f"{other.url}/identity"))[0] == 200
    await plex.advance(1)
    assert (await ask(client, "GET", "/identity"))[0] == 200
    state = sim.TaskState.IDLE if restarts else sim.TaskState.RUNNING
    assert plex.truth()[BACKUP] is state
    assert plex.truth()["OptimizeDatabase"] is sim.TaskState.IDLE
