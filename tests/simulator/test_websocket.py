"""The notification socket and the stream of the log: who gets what, in which shape."""

from __future__ import annotations

from itertools import product
import json
import re

import aiohttp
import pytest

from tests.simulator import LogFormat, PlayState, SimulatedPlex, raw

from .conftest import NOTIFICATIONS, Client, Start, frames, received

BACKUP = "BackupDatabase"
LOG = "?filters=log"
NAMED = re.compile(r"sub-activity ([0-9a-f-]{36}) - ")


async def lines(socket: aiohttp.ClientWebSocketResponse) -> list[str]:
    """Return the lines of frames in the usual shape."""
    containers = await frames(socket)
    assert {frame["type"] for frame in containers} <= {"log"}
    return [entry["message"] for it in containers for entry in it["LogNotification"]]


async def test_every_kind_of_notification_is_an_array(
    plex: SimulatedPlex, client: Client
) -> None:
    socket = await client.listen()
    plex.noise.scan(10)
    plex.noise.add(10)
    plex.sessions.change(plex.sessions.play(), PlayState.STOPPED)
    # A setting that stays the same is not pushed.
    for hour in (2, 1):
        await client.ask("PUT", f"/:/prefs?ButlerStartHour={hour}")
    await plex.advance(20)
    got = await frames(socket)
    keys = {it["type"]: next(k for k in it if k not in ("type", "size")) for it in got}
    assert keys == {
        "activity": "ActivityNotification",
        "status": "StatusNotification",
        "timeline": "TimelineEntry",
        "playing": "PlaySessionStateNotification",
        "preference": "Setting",
    }
    assert [it["type"] for it in got].count("preference") == 1


@pytest.mark.parametrize(
    ("query", "kinds"),
    [
        ("", {"activity", "preference"}),
        ("?filters=", {"activity", "log", "preference"}),
        (LOG, {"log"}),
        ("?filters=log,playing", {"log"}),
        ("?filters=preference,playing", {"preference"}),
        ("?filters=-activity", {"log", "preference"}),
        ("?filters=-log,activity", {"preference"}),
    ],
)
async def test_filters_leave_out_the_rest_and_the_log_wants_to_be_asked_for(
    start: Start, query: str, kinds: set[str]
) -> None:
    client = await start("session")
    for token, expected in ((None, kinds), (client.plex.shared_token, set())):
        socket = await client.listen(query, token)
        client.plex.client_start(BACKUP)
        client.plex.client_stop(BACKUP)
        hour = client.plex.butler.window.start_hour
        client.plex.set_preference("ButlerStartHour", hour + 1)
        assert {frame["type"] for frame in await frames(socket)} == expected
        await socket.close()


async def test_the_handshake_wants_a_token_in_the_header_or_the_address(
    plex: SimulatedPlex, client: Client
) -> None:
    for token in ("", "wrong"):
        with pytest.raises(aiohttp.WSServerHandshakeError, match="401"):
            await client.listen(token=token)
    assert await client.status("GET", NOTIFICATIONS) == 400
    socket = await client.listen(f"?X-Plex-Token={plex.token}", "")
    plex.noise.scan()
    assert await frames(socket)


async def test_a_text_may_hold_bytes_that_are_neither_utf_8_nor_json(
    plex: SimulatedPlex, client: Client, session: aiohttp.ClientSession
) -> None:
    socket = await client.listen(decode_text=False)
    plex.noise.activity("a.scan", title=f"Caf{raw(0xE9)}{raw(7)} \ud83d")
    message = await socket.receive(timeout=1)
    headers = {"X-Plex-Token": plex.token, "Accept": "application/json"}
    async with session.get(f"{plex.url}/activities", headers=headers) as response:
        for sent in (message.data, await response.read()):
            assert b'"title": "Caf\xe9\x07 \\ud83d"' in sent


async def test_the_log_has_a_run_from_its_start_to_its_end(start: Start) -> None:
    client = await start("session")
    socket = await client.listen(LOG)
    await client.ask("POST", f"/butler/{BACKUP}")
    (row,) = await client.rows("butler")
    await client.plex.advance(30)
    told = await lines(socket)
    kinds = [re.sub(r"\[[^]]*\] ?|[0-9a-f-]{36}", "", line)[:45] for line in told]
    assert kinds == [
        "Request: GET /:/websockets/notifications?filt",
        f"Request: POST /butler/{BACKUP} (2 live)",
        'Activity: registered new activity  - "Butler ',
        'Activity: registered new sub-activity  - "Bac',
        "Activity: updated activity  - completed 0.0% ",
        f"Completed: 200 POST /butler/{BACKUP} (2",
        "Request: GET /activities (2 live) #1c GZIP Si",
        "Completed: 200 GET /activities (2 live) #1c G",
        "Activity: ended sub-activity  parent:  overal",
        "Activity: updated activity  - completed 100.0",
    ]
    assert told[3].startswith("[Req#1b] ")
    assert told[3].endswith(f"parent: {row['uuid']} overall progress: 0.0% (0/1)")
    assert told[8].endswith(f"parent: {row['uuid']} overall progress: 100.0% (1/1)")
    (child,) = NAMED.findall(told[3])
    assert child in told[8]


async def test_requests_of_all_clients_come_as_lines_without_the_token(
    start: Start,
) -> None:
    client = await start("session")
    plex = client.plex
    socket = await client.listen(LOG)
    await client.ask("GET", f"/activities?X-Plex-Token={plex.token}&a=b")
    await client.ask("GET", "/nothing")
    for command in (plex.client_start, plex.client_start, plex.client_stop):
        command(BACKUP)
    plex.client_stop_all()
    told = await lines(socket)
    assert plex.token not in "".join(told)
    done = [line for line in told if "Completed" in line]
    assert [re.sub(r".*\] | \(.*", "", line) for line in done] == [
        "200 GET /activities?a=b",
        "404 GET /nothing",
        f"200 POST /butler/{BACKUP}",
        f"202 POST /butler/{BACKUP}",
        f"200 DELETE /butler/{BACKUP}",
        "200 DELETE /butler",
    ]
    assert ["127.0.0.1" in line for line in done] == [True] * 2 + [False] * 4


@pytest.mark.parametrize("shape", LogFormat)
async def test_a_line_is_inside_whatever_frame_it_comes_in(
    start: Start, shape: LogFormat
) -> None:
    names = ("log_quotes", "log_prefix", "log_batches")
    for quotes, prefix, batches in product((True, False), repeat=3):
        traits = dict(zip(names, (quotes, prefix, batches), strict=True))
        client = await start("session", log_format=shape, **traits)
        socket = await client.listen(LOG)
        client.plex.durations[BACKUP] = 0
        client.plex.client_start(BACKUP)
        await client.plex.flush()
        got = await received(socket)
        told = "\n".join(got)
        assert (re.search(rf'- \\*"{BACKUP}\\*" ', told) is not None) is quotes
        assert ("DEBUG - " in told) is prefix
        if shape is not LogFormat.TEXT:
            levels = [json.dumps(json.loads(frame)).count("level") for frame in got]
            assert all(levels) is not prefix
        # What one instant wrote comes in one frame, behind the handshake's request.
        whole = batches and shape in (LogFormat.LIST, LogFormat.TEXT)
        assert (len(got) == 2) is whole


async def test_the_log_may_be_empty_or_refused(
    plex: SimulatedPlex, client: Client
) -> None:
    # A line is formatted only for a socket that gets it.
    plex.log.write("{missing}")
    socket = await client.listen(LOG)
    for tells, count in ((False, 0), (True, 2)):
        plex.log.tells = tells
        await client.ask("GET", "/activities")
        assert len(await received(socket)) == count
    for refused, error in (
        (404, aiohttp.WSServerHandshakeError),
        (0, aiohttp.ClientOSError),
    ):
        plex.log.refused = refused
        await (await client.listen()).close()
        with pytest.raises(error):
            await client.listen(LOG)
