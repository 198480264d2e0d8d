"""The notification socket: who may listen, what is sent, and in which shape."""

from __future__ import annotations

import aiohttp
import pytest

from tests.simulator import PlayState, SimulatedPlex, raw

from .client import NOTIFICATIONS, Client, frames, row_events
from .conftest import StartPlex

TITLE = "Backup Database"


async def test_a_run_is_told_from_start_to_end(
    plex: SimulatedPlex, client: Client
) -> None:
    socket = await client.listen()
    await client.ask("POST", "/butler/BackupDatabase")
    await plex.advance(60)
    told = row_events(await frames(socket))
    assert told[0] == ("started", TITLE, 0)
    assert {event for event, _, _ in told[1:-1]} == {"updated"}
    assert told[-1] == ("ended", TITLE, 100)
    await socket.close()


async def test_frames_have_the_servers_shape(
    plex: SimulatedPlex, client: Client
) -> None:
    socket = await client.listen()
    plex.client_start("BackupDatabase")
    (frame,) = await frames(socket)
    (note,) = frame["ActivityNotification"]
    assert (frame["type"], frame["size"]) == ("activity", 1)
    assert note["uuid"] == note["Activity"]["uuid"]
    assert note["Activity"] == (await client.rows("butler"))[1]
    await socket.close()


async def test_a_text_may_hold_bytes_that_are_neither_utf_8_nor_json(
    plex: SimulatedPlex, client: Client, session: aiohttp.ClientSession
) -> None:
    headers = {"X-Plex-Token": plex.token, "Accept": "application/json"}
    async with session.ws_connect(
        plex.url + NOTIFICATIONS, headers=headers, decode_text=False
    ) as socket:
        plex.noise.activity("a.scan", title=f"Caf{raw(0xE9)}{raw(7)} \ud83d")
        message = await socket.receive(timeout=1)
    async with session.get(f"{plex.url}/activities", headers=headers) as response:
        answer = await response.read()

    assert message.type is aiohttp.WSMsgType.TEXT
    for sent in (message.data, answer):
        assert b'"title": "Caf\xe9\x07 \\ud83d"' in sent


async def test_every_kind_of_notification_is_an_array(
    plex: SimulatedPlex, client: Client
) -> None:
    socket = await client.listen()
    plex.noise.scan(10)
    plex.noise.add(10)
    key = plex.sessions.play()
    plex.sessions.change(key, PlayState.STOPPED)
    await client.ask("PUT", "/:/prefs?ButlerStartHour=1")
    await plex.advance(20)
    keys = {
        frame["type"]: next(key for key in frame if key not in ("type", "size"))
        for frame in await frames(socket)
    }
    assert keys == {
        "activity": "ActivityNotification",
        "status": "StatusNotification",
        "timeline": "TimelineEntry",
        "playing": "PlaySessionStateNotification",
        "preference": "Setting",
    }
    await socket.close()


async def test_filters_leave_out_the_rest(plex: SimulatedPlex, client: Client) -> None:
    socket = await client.listen("?filters=playing,preference")
    plex.noise.scan()
    plex.set_preference("ButlerStartHour", 1)
    assert [frame["type"] for frame in await frames(socket)] == ["preference"]
    await socket.close()


async def test_a_preference_that_stays_the_same_is_not_told(
    client: Client,
) -> None:
    socket = await client.listen()
    await client.ask("PUT", "/:/prefs?ButlerStartHour=2")
    assert await frames(socket) == []
    await socket.close()


@pytest.mark.parametrize("token", ["", "wrong"])
async def test_a_bad_token_is_a_401_at_the_handshake(
    client: Client, token: str
) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError) as error:
        await client.listen(token=token)
    assert error.value.status == 401


async def test_a_token_in_the_address_is_taken_too(
    plex: SimulatedPlex, client: Client
) -> None:
    socket = await client.listen(f"?X-Plex-Token={plex.token}", token="")
    plex.noise.scan()
    assert await frames(socket)
    await socket.close()


async def test_a_guest_hears_nothing_of_the_owners_server(
    plex: SimulatedPlex, client: Client
) -> None:
    socket = await client.listen(token=plex.shared_token)
    plex.client_start("BackupDatabase")
    assert await frames(socket) == []
    await socket.close()


async def test_a_plain_request_is_no_socket(client: Client) -> None:
    assert await client.status("GET", NOTIFICATIONS) == 400


async def test_the_server_answers_pings(client: Client) -> None:
    socket = await client.listen(heartbeat=0.05)
    assert await frames(socket) == []
    await socket.ping()
    assert not socket.closed
    await socket.close()


async def test_after_advance_all_frames_are_with_the_sockets(
    plex: SimulatedPlex, client: Client
) -> None:
    socket = await client.listen()
    plex.noise.storm(500)
    await plex.flush()
    assert plex.hub.sent == 500
    assert len(await frames(socket)) == 500
    await socket.close()


async def test_wrong_frames_can_be_sent(plex: SimulatedPlex, client: Client) -> None:
    socket = await client.listen()
    plex.hub.send_raw("not json")
    plex.hub.send_raw(b"\x00\x01")
    assert (await socket.receive()).data == "not json"
    assert (await socket.receive()).type is aiohttp.WSMsgType.BINARY
    await socket.close()


async def test_a_muted_server_is_connected_but_silent(
    plex: SimulatedPlex, client: Client
) -> None:
    socket = await client.listen()
    plex.hub.muted = True
    plex.client_start("BackupDatabase")
    assert await frames(socket) == []
    await socket.close()


async def test_closed_sockets_are_forgotten(
    plex: SimulatedPlex, client: Client
) -> None:
    socket = await client.listen()
    assert len(plex.hub.sockets) == 1
    await socket.close()
    await plex.flush()
    assert plex.hub.sockets == []
    assert plex.hub.connected == 1


async def test_rows_that_are_not_pushed_can_be_polled(
    start_plex: StartPlex, session: aiohttp.ClientSession, plex: SimulatedPlex
) -> None:
    quiet = await start_plex(plex.profile.with_traits(pushes_rows=False))
    client = Client(quiet, session)
    socket = await client.listen()
    quiet.client_start("BackupDatabase")
    assert len(await client.rows("butler")) == 2
    assert await frames(socket) == []
    await socket.close()
