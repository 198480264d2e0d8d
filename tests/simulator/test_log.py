"""The stream of the server's log: who gets it, what is in it, and in which shape."""

from __future__ import annotations

from itertools import product
import json
import re
from typing import override

import aiohttp
import pytest

from tests.simulator import PROFILES, LogFormat, Profile, SimulatedPlex

from .client import NOTIFICATIONS, Client
from .conftest import StartPlex

LOG = "?filters=log"
# Whatever is around it, this is what a line about a task looks like.
NAMED = re.compile(r'sub-activity ([0-9a-f-]{36}) - \\*"?([A-Za-z]+)')
OVER = re.compile(r"ended sub-activity ([0-9a-f-]{36})")


@pytest.fixture
def profile() -> Profile:
    """Return a kind of server whose log tells."""
    return PROFILES["session"]


@pytest.fixture
async def plex(start_plex: StartPlex, profile: Profile) -> SimulatedPlex:
    """Return a running server."""
    return await start_plex(profile)


async def received(socket: aiohttp.ClientWebSocketResponse) -> list[str]:
    """Return the frames that have arrived and arrive within a moment."""
    frames: list[str] = []
    while True:
        try:
            message = await socket.receive(timeout=0.05)
        except TimeoutError:
            return frames
        if message.type is not aiohttp.WSMsgType.TEXT:
            return frames
        frames.append(str(message.data))


async def lines(socket: aiohttp.ClientWebSocketResponse) -> list[str]:
    """Return the lines of frames in the usual shape."""
    containers = [
        json.loads(frame)["NotificationContainer"] for frame in await received(socket)
    ]
    assert {frame["type"] for frame in containers} <= {"log"}
    return [
        entry["message"] for frame in containers for entry in frame["LogNotification"]
    ]


async def test_the_log_tells_of_a_run_from_its_start_to_its_end(
    plex: SimulatedPlex, client: Client
) -> None:
    socket = await client.listen(LOG)
    await client.ask("POST", "/butler/BackupDatabase")
    await plex.advance(30)
    told = await lines(socket)
    kinds = [re.sub(r"\[[^]]*\] ?|[0-9a-f-]{36}", "", line)[:45] for line in told]
    assert kinds == [
        "Request: GET /:/websockets/notifications?filt",
        "Request: POST /butler/BackupDatabase (2 live)",
        'Activity: registered new activity  - "Butler ',
        'Activity: registered new sub-activity  - "Bac',
        "Activity: updated activity  - completed 0.0% ",
        "Completed: 200 POST /butler/BackupDatabase (2",
        "Activity: ended sub-activity  parent:  overal",
        "Activity: updated activity  - completed 100.0",
    ]
    assert told[3].endswith("overall progress: 0.0% (0/1)")
    assert told[3].startswith("[Req#1b] ")
    assert told[6].endswith("overall progress: 100.0% (1/1)")
    await socket.close()


async def test_the_lines_of_a_task_have_one_id_and_its_sessions(
    plex: SimulatedPlex, client: Client
) -> None:
    socket = await client.listen(LOG)
    plex.client_start("BackupDatabase")
    (row,) = await client.rows("butler")
    await plex.advance(30)
    told = "\n".join(await lines(socket))
    ((child, _),) = NAMED.findall(told)
    assert OVER.findall(told) == [child]
    assert told.count(f"parent: {row['uuid']}") == 2
    await socket.close()


@pytest.mark.parametrize(
    ("query", "kinds"),
    [
        ("", {"activity"}),
        ("?filters=", {"activity", "log"}),
        (LOG, {"log"}),
        ("?filters=log,playing", {"log"}),
        ("?filters=activity", {"activity"}),
        ("?filters=-activity", {"log"}),
        ("?filters=-log,activity", set()),
    ],
)
async def test_only_who_asks_for_the_log_gets_it(
    plex: SimulatedPlex, client: Client, query: str, kinds: set[str]
) -> None:
    socket = await client.listen(query)
    plex.client_start("BackupDatabase")
    frames = [json.loads(frame) for frame in await received(socket)]
    assert {frame["NotificationContainer"]["type"] for frame in frames} == kinds
    await socket.close()


async def test_a_guest_gets_nothing_of_the_log(
    plex: SimulatedPlex, client: Client
) -> None:
    socket = await client.listen(LOG, token=plex.shared_token)
    plex.client_start("BackupDatabase")
    assert await received(socket) == []
    await socket.close()


async def test_a_clients_own_requests_come_back_as_lines(
    plex: SimulatedPlex, client: Client
) -> None:
    socket = await client.listen(LOG)
    await client.ask("GET", f"/activities?X-Plex-Token={plex.token}&a=b")
    await client.ask("GET", "/nothing")
    told = await lines(socket)
    asked, answered, _, missing = told[1:]
    assert re.search(r"Request: \[127.*\(Loopback\)\] GET /activities\?a=b \(2", asked)
    assert re.search(r"Completed: \[127.*\] 200 GET /activities\?a=b \(2", answered)
    assert " 404 GET /nothing (2 live)" in missing
    assert plex.token not in "".join(told)
    await socket.close()


async def test_requests_of_other_clients_come_as_lines(
    plex: SimulatedPlex, client: Client
) -> None:
    socket = await client.listen(LOG)
    plex.client_start("BackupDatabase")
    plex.client_start("BackupDatabase")
    plex.client_stop("BackupDatabase")
    plex.client_stop("BackupDatabase")
    plex.client_start_all()
    plex.client_stop_all()
    told = [line for line in await lines(socket) if "Completed" in line]
    assert [line.partition("] ")[2].partition(" (")[0] for line in told] == [
        "200 POST /butler/BackupDatabase",
        "202 POST /butler/BackupDatabase",
        "200 DELETE /butler/BackupDatabase",
        "404 DELETE /butler/BackupDatabase",
        "200 POST /butler",
        "200 DELETE /butler",
    ]
    assert not [line for line in told if "127.0.0.1" in line]
    await socket.close()


@pytest.mark.parametrize(
    "profile",
    [profile.with_traits(log_tells=True) for profile in PROFILES.values()],
    ids=[*PROFILES],
)
async def test_every_kind_of_server_writes_the_lines(
    plex: SimulatedPlex, client: Client
) -> None:
    socket = await client.listen(LOG)
    plex.client_start("BackupDatabase")
    await plex.advance(30)
    told = "\n".join(await received(socket))
    ((child, name),) = NAMED.findall(told)
    assert (name, OVER.findall(told)) == ("BackupDatabase", [child])
    await socket.close()


@pytest.mark.parametrize(
    "profile",
    [
        PROFILES["session"].with_traits(
            log_format=shape, log_quotes=quotes, log_prefix=prefix, log_batches=batches
        )
        for shape, quotes, prefix, batches in product(LogFormat, *[(True, False)] * 3)
    ],
    ids=lambda it: "-".join(
        [
            it.traits.log_format,
            *(
                name
                for name in ("log_quotes", "log_prefix", "log_batches")
                if getattr(it.traits, name)
            ),
        ]
    ),
)
async def test_a_line_is_inside_whatever_frame_it_comes_in(
    plex: SimulatedPlex, client: Client
) -> None:
    socket = await client.listen(LOG)
    plex.durations["BackupDatabase"] = 0
    plex.client_start("BackupDatabase")
    await plex.flush()
    frames = await received(socket)
    told = "\n".join(frames)
    ((child, name),) = NAMED.findall(told)
    assert (name, OVER.findall(told)) == ("BackupDatabase", [child])
    traits = plex.profile.traits
    assert (re.search(r'- \\*"BackupDatabase', told) is not None) is traits.log_quotes
    if traits.log_format is LogFormat.TEXT:
        assert ("DEBUG - " in told) is traits.log_prefix
    else:
        assert all(json.loads(frame) for frame in frames)
        assert ('level\\": ' in told or 'level": ' in told) is not traits.log_prefix
    # What one instant wrote: the handshake's request apart, seven lines.
    whole = traits.log_format in (LogFormat.LIST, LogFormat.TEXT)
    assert len(frames) == (2 if whole and traits.log_batches else 8)
    await socket.close()


@pytest.mark.parametrize(
    "profile", [PROFILES["session"].with_traits(log_tells=False)], ids=["silent"]
)
async def test_a_log_may_tell_nothing_and_begin_to_later(
    plex: SimulatedPlex, client: Client
) -> None:
    socket = await client.listen(LOG)
    await client.ask("GET", "/activities")
    assert await received(socket) == []
    plex.log.tells = True
    await client.ask("GET", "/activities")
    assert len(await received(socket)) == 2
    await socket.close()


@pytest.mark.parametrize("status", [400, 404])
async def test_the_handshake_of_the_log_may_be_refused(
    plex: SimulatedPlex, client: Client, status: int
) -> None:
    plex.log.refused = status
    with pytest.raises(aiohttp.WSServerHandshakeError) as error:
        await client.listen(LOG)
    assert error.value.status == status
    await (await client.listen()).close()
    plex.log.refused = None
    await (await client.listen(LOG)).close()


async def test_the_handshake_of_the_log_may_be_reset(
    plex: SimulatedPlex, client: Client
) -> None:
    plex.log.refused = 0
    with pytest.raises(aiohttp.ClientOSError):
        await client.listen(LOG)


async def test_a_fault_may_be_meant_for_the_logs_socket_only(
    plex: SimulatedPlex, client: Client
) -> None:
    plex.fault("403", path=NOTIFICATIONS + LOG)
    await (await client.listen("?filters=activity")).close()
    with pytest.raises(aiohttp.WSServerHandshakeError):
        await client.listen(LOG)


async def test_the_logs_sockets_are_counted_apart(
    plex: SimulatedPlex, client: Client
) -> None:
    notifications = await client.listen()
    log = await client.listen(LOG)
    assert (len(plex.hub.sockets), len(plex.log_hub.sockets)) == (1, 1)
    plex.log_hub.send_raw("not json")
    plex.hub.muted = True
    plex.client_start("BackupDatabase")
    assert await received(notifications) == []
    assert (await received(log))[1] == "not json"
    plex.fault("drop-sockets")
    for socket in (notifications, log):
        message = await socket.receive(timeout=1)
        assert message.type in (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR)


class Unwritable:
    """Cannot be formatted."""

    @override
    def __format__(self, spec: str) -> str:
        """Fail."""
        raise AssertionError


async def test_no_line_is_formatted_without_a_listener(
    plex: SimulatedPlex, client: Client
) -> None:
    socket = await client.listen()
    plex.log.write("{}", Unwritable())
    log = await client.listen(LOG)
    plex.log.tells = False
    plex.log.write("{}", Unwritable())
    plex.log.tells = True
    with pytest.raises(AssertionError):
        plex.log.write("{}", Unwritable())
    await socket.close()
    await log.close()


async def test_a_flood_names_people_and_no_task(
    plex: SimulatedPlex, client: Client
) -> None:
    socket = await client.listen(LOG)
    plex.noise.log_flood(500)
    told = "\n".join((await lines(socket))[1:])
    assert told.count("\n") == 499
    assert "192.168.4.21" in told
    assert {name for _, name in NAMED.findall(told)} == {"Harbour"}
    plex.noise.log_flood(500, seconds=5)
    await plex.advance(1)
    assert len(await lines(socket)) == 200
    await plex.advance(4)
    assert len(await lines(socket)) == 300
    await socket.close()


async def test_a_scan_fills_the_log(plex: SimulatedPlex, client: Client) -> None:
    socket = await client.listen(LOG)
    plex.noise.scan(10)
    await plex.advance(10)
    assert len(await lines(socket)) > 150
    await socket.close()
