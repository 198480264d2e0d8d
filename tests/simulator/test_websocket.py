"""The notification socket and the stream of the log: who gets what, in which shape."""

import json
import re
from typing import Any

import aiohttp
import pytest

from tests import simulator as sim

from .conftest import BACKUP, NOTIFICATIONS, received

SESSION = sim.PROFILES["session"]
LOG = "?filters=log"


async def frames(socket: aiohttp.ClientWebSocketResponse) -> list[dict[str, Any]]:
    return [json.loads(it)["NotificationContainer"] for it in await received(socket)]


async def test_every_kind_of_notification_is_a_list_under_its_own_key(
    plex: sim.SimulatedPlex, client: aiohttp.ClientSession
) -> None:
    socket = await client.ws_connect(NOTIFICATIONS)
    plex.noise.scan(10)
    plex.noise.add(10)
    plex.sessions.stop(plex.sessions.play())
    plex.set_preference("ButlerStartHour", 1)
    await plex.advance(20)
    keys = {
        "activity": "ActivityNotification",
        "status": "StatusNotification",
        "timeline": "TimelineEntry",
        "playing": "PlaySessionStateNotification",
        "preference": "Setting",
    }
    got = await frames(socket)
    assert {it["type"] for it in got} == keys.keys()
    assert all(it["size"] == len(it[keys[it["type"]]]) == 1 for it in got)


@pytest.mark.parametrize("profile", ["session"])
@pytest.mark.parametrize(
    ("query", "kinds"),
    [
        ("", {"activity", "preference"}),
        ("?filters=", {"activity", "log", "preference"}),
        (LOG, {"log"}),
        ("?filters=log,playing", {"log"}),
        ("?filters=preference,playing", {"preference"}),
        ("?filters=-log,activity", {"preference"}),
    ],
)
async def test_filters_leave_out_the_rest_and_the_log_wants_to_be_asked_for(
    plex: sim.SimulatedPlex,
    client: aiohttp.ClientSession,
    query: str,
    kinds: set[str],
) -> None:
    for token, expected in ((plex.token, kinds), (plex.shared_token, set())):
        headers = {"X-Plex-Token": token}
        socket = await client.ws_connect(NOTIFICATIONS + query, headers=headers)
        plex.client_start(BACKUP)
        plex.client_stop(BACKUP)
        # What stays the same is not pushed.
        for hour in [plex.butler.window.start_hour + 1] * 2:
            plex.set_preference("ButlerStartHour", hour)
        told = [frame["type"] for frame in await frames(socket)]
        assert set(told) == expected
        assert told.count("preference") <= 1
        await socket.close()


async def test_a_text_may_hold_bytes_that_are_neither_utf_8_nor_json(
    plex: sim.SimulatedPlex, client: aiohttp.ClientSession
) -> None:
    socket = await client.ws_connect(NOTIFICATIONS, decode_text=False)
    plex.noise.activity("a.scan", 9, title=f"Caf{sim.raw(0xE9)}{sim.raw(7)} \ud83d")
    message = await socket.receive(timeout=1)
    async with client.get("/activities") as response:
        for sent in (message.data, await response.read()):
            assert b'"title": "Caf\xe9\x07 \\ud83d"' in sent


@pytest.mark.parametrize("profile", ["session"])
async def test_the_log_has_a_run_from_its_start_to_its_end_as_a_real_one_has(
    plex: sim.SimulatedPlex, client: aiohttp.ClientSession
) -> None:
    socket = await client.ws_connect(NOTIFICATIONS + LOG)
    async with client.post(f"/butler/{BACKUP}?X-Plex-Token={plex.token}"):
        pass
    await plex.advance(30)
    entries = [entry for it in await frames(socket) for entry in it["LogNotification"]]
    told = [re.sub(r"127[.0-9:]+|[0-9a-f-]{36}", "ID", it["message"]) for it in entries]
    by = "Signed-in Token (robin)"
    asked, request = "[ID (Loopback)]", f"POST /butler/{BACKUP} (2 live) #1b GZIP"
    assert told == [
        # What begins such a stream is its own request.
        f"Request: {asked} GET {NOTIFICATIONS}{LOG} (1 live) #1a GZIP {by}",
        f"Request: {asked} {request} {by}",
        '[Req#1b] Activity: registered new activity ID - "Butler tasks"',
        (
            f'[Req#1b] Activity: registered new sub-activity ID - "{BACKUP}" '
            "parent: ID overall progress: 0.0% (0/1)"
        ),
        "[Req#1b] Activity: updated activity ID - completed 0.0% - Butler tasks",
        f"Completed: [ID] 200 {request} 1ms 0 bytes",
        "Activity: ended sub-activity ID parent: ID overall progress: 100.0% (1/1)",
        "Activity: updated activity ID - completed 100.0% - Butler tasks",
    ]


TIME = "Nov 22, 2026 12:00:00.000 [139876543210304] DEBUG - "
A, B, QUOTED = ({"level": "DEBUG", "message": line} for line in ("A", "B", '"B"'))


def container(**fields: object) -> str:
    return json.dumps({"NotificationContainer": {"type": "log", **fields}})


@pytest.mark.parametrize(
    ("profile", "texts"),
    [
        (
            SESSION.with_traits(log_batches=True),
            [container(size=2, LogNotification=[A, QUOTED])],
        ),
        (
            SESSION.with_traits(log_format=sim.LogFormat.FIELD, log_quotes=False),
            [json.dumps(A), json.dumps(B)],
        ),
        (
            SESSION.with_traits(log_format=sim.LogFormat.TWICE),
            [container(size=1, data=json.dumps(it)) for it in (A, QUOTED)],
        ),
        (
            SESSION.with_traits(log_format=sim.LogFormat.TEXT, log_prefix=True),
            [f"{TIME}A", f'{TIME}"B"'],
        ),
    ],
    ids=["list", "field", "twice", "text"],
)
async def test_lines_of_an_instant_come_in_frames_of_many_shapes(
    plex: sim.SimulatedPlex, client: aiohttp.ClientSession, texts: list[str]
) -> None:
    socket = await client.ws_connect(NOTIFICATIONS + LOG)
    await received(socket)
    for line in ("A", "{q}B{q}"):
        plex.log.write(line)
    await plex.flush()
    assert await received(socket) == texts
