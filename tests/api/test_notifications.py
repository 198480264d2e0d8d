"""The notification stream against a simulated server, over sockets."""

import asyncio
import json

import aiohttp
import pytest

from custom_components.plex_butler import api
from custom_components.plex_butler.api import models, notifications
from custom_components.plex_butler.api.notifications import parse_frame
from tests.conftest import until
from tests.simulator import ManualClock, SimulatedPlex

PATH = "/:/websockets/notifications"
ROW = {
    "uuid": "a-row",
    "type": "butler",
    "title": "Backup Database",
    "subtitle": "",
    "progress": 7,
}
ACTIVITY = api.Activity(
    uuid="a-row", type="butler", title="Backup Database", subtitle="", progress=7
)
STARTED = api.ActivityNotification(event=api.ActivityEvent.STARTED, activity=ACTIVITY)


def frame(**body: object) -> bytes:
    return json.dumps({"NotificationContainer": body}).encode()


def activity_frame(*items: object) -> bytes:
    return frame(type="activity", size=len(items), ActivityNotification=list(items))


async def heard(
    plex: SimulatedPlex, stream: api.NotificationStream, frames: int = 1
) -> list[api.Notification]:
    """Return what the next frames bring."""
    await plex.flush()
    iterator = aiter(stream)
    return [note for _ in range(frames) for note in await anext(iterator)]


async def exhaust(stream: api.NotificationStream) -> None:
    async for _ in stream:
        pass


async def hears_a_start(client: api.PlexClient, plex: SimulatedPlex) -> bool:
    """Tell whether a new stream brings what happens."""
    async with client.notifications() as stream:
        plex.client_start("OptimizeDatabase")
        (note,) = await heard(plex, stream)
    return (
        isinstance(note, api.ActivityNotification)
        and note.activity.title == "Optimize Database"
    )


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (activity_frame({"event": "started", "uuid": "a-row", "Activity": ROW}), 1),
        # One alone need not be listed, and identities may stand beside the row.
        (
            frame(
                ActivityNotification={
                    "event": "started",
                    "uuid": "a-row",
                    "Activity": {
                        key: value for key, value in ROW.items() if key != "uuid"
                    },
                }
            ),
            1,
        ),
        # What is next to it need not make sense.
        (
            activity_frame(
                "butler",
                {"event": "paused", "Activity": ROW},
                {"event": 7, "Activity": ROW},
                {"event": "started", "Activity": "butler"},
                {"Activity": ROW},
                {"event": "started", "Activity": {**ROW, "progress": "7"}},
            ),
            1,
        ),
        (activity_frame(), 0),
        (frame(ActivityNotification="butler"), 0),
        (frame(type="butler"), 0),
        (b'{"NotificationContainer": ["butler"]}', 0),
        (b'["butler"]', 0),
        (b'{"butler"', 0),
        (b'\xff\xfe"butler"', 0),
        (b'"butler"' + b"[" * 1_000_000, 0),
        (b"", 0),
    ],
)
def test_a_frame_brings_what_can_be_understood_of_it(
    data: bytes, expected: int
) -> None:
    assert parse_frame(data) == (STARTED,) * expected


def test_a_frame_tells_which_settings_changed() -> None:
    told = frame(
        type="preference", Setting=[{"id": "ButlerStartHour", "value": 1}, {"id": "X"}]
    )

    assert parse_frame(told) == (
        api.PreferenceNotification(
            ids=frozenset({"ButlerStartHour", "X"}), values={"ButlerStartHour": 1}
        ),
    )


def test_what_does_not_concern_butler_is_not_even_decoded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scan = {**ROW, "type": "library.update.section"}
    told = activity_frame({"event": "started", "uuid": "a-row", "Activity": scan})
    monkeypatch.delattr(models, "loads")

    assert parse_frame(told) == ()


async def test_a_run_is_told_from_start_to_end(
    client: api.PlexClient, plex: SimulatedPlex
) -> None:
    plex.durations["BackupDatabase"] = 5
    async with client.notifications() as stream:
        plex.client_start("BackupDatabase")
        await plex.advance(6)
        notes = await heard(plex, stream, 4)

    told = [
        (note.event, note.activity.title, note.activity.progress)
        for note in notes
        if isinstance(note, api.ActivityNotification)
    ]
    assert told[0] == (api.ActivityEvent.STARTED, "Backup Database", 0)
    assert [event for event, _, _ in told[1:-1]] == [api.ActivityEvent.UPDATED] * 2
    assert told[-1] == (api.ActivityEvent.ENDED, "Backup Database", 100)


async def test_only_what_was_asked_for_is_sent(
    client: api.PlexClient, plex: SimulatedPlex
) -> None:
    async with client.notifications(filters=("activity", "preference")) as stream:
        plex.noise.scan()
        plex.sessions.play()
        await heard(plex, stream)

        (request,) = plex.requests
        assert request.path == PATH
        assert request.query == {"filters": "activity,preference"}
        assert request.headers["X-Plex-Token"] == plex.token
        assert request.headers["X-Plex-Client-Identifier"] == "test"
        assert stream.frames == plex.hub.sent == 1


async def test_who_asks_for_nothing_in_particular_gets_everything(
    client: api.PlexClient, plex: SimulatedPlex
) -> None:
    async with client.notifications() as stream:
        plex.noise.scan()
        plex.sessions.play()

        assert await heard(plex, stream, 3) == []
        assert stream.frames == 3
        assert plex.requests[-1].query == {}


async def test_a_path_prefix_is_kept(
    session: aiohttp.ClientSession, socket_enabled: None
) -> None:
    async with SimulatedPlex("current", prefix="/a/plex", clock=ManualClock()) as plex:
        client = api.PlexClient(session, plex.url, plex.token, client_identifier="test")

        assert await hears_a_start(client, plex)


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("401", api.PlexAuthenticationError),
        ("403", api.PlexForbiddenError),
        ("404", api.PlexResponseError),
        ("500", api.PlexResponseError),
        ("502", api.PlexResponseError),
        ("503", api.PlexMaintenanceError),
        ("refuse", api.PlexHungUpError),
        ("garbage", api.PlexResponseError),
        ("ignore", api.PlexResponseError),
        ("cut", api.PlexResponseError),
        ("redirect", api.PlexResponseError),
    ],
)
async def test_every_fault_of_the_handshake_has_its_error_and_then_it_works(
    client: api.PlexClient, plex: SimulatedPlex, fault: str, error: type[api.PlexError]
) -> None:
    plex.fault(fault, path=PATH, count=2)

    with pytest.raises(api.PlexError) as raised:
        async with client.notifications():
            pass
    plex.clear_faults()

    assert type(raised.value) is error
    assert plex.token not in str(raised.value)
    assert await hears_a_start(client, plex)


async def test_a_server_that_is_not_there_refuses(
    client: api.PlexClient, plex: SimulatedPlex
) -> None:
    await plex.stop_listening()
    with pytest.raises(api.PlexRefusedError):
        async with client.notifications():
            pass

    await plex.listen_again()
    assert await hears_a_start(client, plex)


async def test_a_server_that_does_not_answer_the_handshake_is_given_up(
    client: api.PlexClient, plex: SimulatedPlex, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notifications, "OPEN_TIMEOUT", 0.05)
    plex.fault("slow", path=PATH, delay=5)

    with pytest.raises(api.PlexTimeoutError):
        async with client.notifications():
            pass
    monkeypatch.undo()

    assert await hears_a_start(client, plex)


async def test_no_redirect_takes_the_token_elsewhere(
    client: api.PlexClient, plex: SimulatedPlex
) -> None:
    async with SimulatedPlex(clock=ManualClock()) as elsewhere:
        plex.fault("redirect", path=PATH, target=elsewhere.url)
        with pytest.raises(api.PlexResponseError, match="redirects"):
            async with client.notifications():
                pass

        assert elsewhere.requests == []
        assert elsewhere.hub.connected == 0

    assert await hears_a_start(client, plex)


async def test_frames_that_mean_nothing_do_not_end_the_stream(
    client: api.PlexClient, plex: SimulatedPlex
) -> None:
    async with client.notifications() as stream:
        strange = ("", "not json", '{"type": "butler"', b"\x00\x01", b'\xff"butler"')
        for data in strange:
            plex.hub.send_raw(data)
        assert await heard(plex, stream, len(strange)) == []
        assert stream.frames == len(strange)

        plex.set_preference("ButlerStartHour", 1)
        assert await heard(plex, stream)


async def test_a_binary_frame_may_say_something_too(
    client: api.PlexClient, plex: SimulatedPlex
) -> None:
    async with client.notifications() as stream:
        plex.hub.send_raw(activity_frame({"event": "started", "Activity": ROW}))

        assert await heard(plex, stream) == [STARTED]


async def test_a_frame_beyond_reason_breaks_the_stream(
    client: api.PlexClient, plex: SimulatedPlex, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notifications, "MAX_MESSAGE", 1024)
    async with client.notifications() as stream:
        plex.hub.send_raw("x" * 2048)
        with pytest.raises(api.PlexConnectionError):
            await exhaust(stream)

    assert await hears_a_start(client, plex)


async def test_a_connection_that_lives_stays_however_little_it_says(
    client: api.PlexClient, plex: SimulatedPlex, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notifications, "HEARTBEAT", 0.05)
    async with client.notifications() as stream:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await exhaust(stream)
        assert plex.hub.connected == 1

        plex.set_preference("ButlerStartHour", 1)
        assert await heard(plex, stream)


async def test_closing_ends_the_iteration_and_leaves_no_socket(
    client: api.PlexClient, plex: SimulatedPlex, session: aiohttp.ClientSession
) -> None:
    async with client.notifications() as stream:
        listening = asyncio.create_task(exhaust(stream))
        await asyncio.sleep(0)
        await stream.close()
        await listening
    async with asyncio.timeout(1):
        await until(lambda: not plex.hub.sockets)

    assert not session.closed
    assert await hears_a_start(client, plex)


@pytest.mark.parametrize("is_polite", [True, False])
async def test_a_server_that_ends_the_connection_ends_the_stream(
    client: api.PlexClient, plex: SimulatedPlex, *, is_polite: bool
) -> None:
    async with client.notifications() as stream:
        (socket,) = plex.hub.sockets
        if is_polite:
            hanging_up = asyncio.create_task(socket.response.close())
            await exhaust(stream)
            await hanging_up
        else:
            plex.hub.drop()
            await exhaust(stream)

    assert await hears_a_start(client, plex)


@pytest.mark.parametrize("fault", ["half-open", "ping-cut"])
async def test_a_connection_that_is_dead_breaks_the_stream(
    client: api.PlexClient,
    plex: SimulatedPlex,
    monkeypatch: pytest.MonkeyPatch,
    fault: str,
) -> None:
    monkeypatch.setattr(notifications, "HEARTBEAT", 0.05)
    plex.fault(fault, path=PATH)
    async with client.notifications() as stream:
        with pytest.raises(api.PlexConnectionError):
            await exhaust(stream)

    assert await hears_a_start(client, plex)
