"""The notification stream against a simulated server, over sockets."""

import asyncio
import json

import pytest

from custom_components.plex_butler import api
from custom_components.plex_butler.api import models, notifications
from custom_components.plex_butler.api.notifications import parse_frame
from tests.simulator import SimulatedPlex

from .conftest import STREAM, listen

TITLE = "Backup Database"
ROW = {"uuid": "a-row", "type": "butler", "title": TITLE, "subtitle": "", "progress": 7}
WITHOUT_UUID = {key: value for key, value in ROW.items() if key != "uuid"}
START = {"event": "started", "uuid": "a-row", "Activity": ROW}
STARTED = api.ActivityNotification(
    event=api.ActivityEvent.STARTED,
    activity=api.Activity(
        uuid="a-row", type="butler", title=TITLE, subtitle="", progress=7
    ),
)


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


@pytest.fixture
def short_heartbeat(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notifications, "HEARTBEAT", 0.05)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (activity_frame(START), 1),
        # One alone need not be listed, and identities may stand beside the row.
        (frame(ActivityNotification={**START, "Activity": WITHOUT_UUID}), 1),
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
def test_a_frame_brings_what_is_understood_of_it(data: bytes, expected: int) -> None:
    assert parse_frame(data) == (STARTED,) * expected


def test_a_frame_tells_which_settings_changed() -> None:
    told = [{"id": "ButlerStartHour", "value": 1}, {"id": "X"}]

    assert parse_frame(frame(type="preference", Setting=told)) == (
        api.PreferenceNotification(
            ids=frozenset({"ButlerStartHour", "X"}), values={"ButlerStartHour": 1}
        ),
    )


def test_what_does_not_concern_butler_is_not_even_decoded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scan = {**ROW, "type": "library.update.section"}
    monkeypatch.delattr(models, "decode")

    assert parse_frame(activity_frame({**START, "Activity": scan})) == ()


async def test_frames_that_mean_nothing_do_not_end_the_stream(
    client: api.PlexClient, plex: SimulatedPlex
) -> None:
    async with client.notifications() as stream:
        strange = ("", "not json", '{"type": "butler"', b"\x00\x01", b'\xff"butler"')
        for data in strange:
            plex.hub.send_raw(data)
        assert await heard(plex, stream, len(strange)) == []
        assert stream.frames == len(strange)

        # A binary frame may say something too.
        plex.hub.send_raw(activity_frame(START))
        assert await heard(plex, stream) == [STARTED]
        plex.set_preference("ButlerStartHour", 1)
        assert await heard(plex, stream)


async def test_a_frame_beyond_reason_breaks_the_stream(
    client: api.PlexClient, plex: SimulatedPlex, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notifications, "MAX_MESSAGE", 1024)
    async with client.notifications() as stream:
        plex.hub.send_raw("x" * 2048)
        with pytest.raises(api.PlexConnectionError):
            await exhaust(stream)

    await listen(client, plex)


async def test_a_connection_that_lives_stays_however_little_it_says(
    client: api.PlexClient, plex: SimulatedPlex, short_heartbeat: None
) -> None:
    async with client.notifications() as stream:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await exhaust(stream)
        assert plex.hub.connected == 1

        plex.set_preference("ButlerStartHour", 1)
        assert await heard(plex, stream)


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

    await listen(client, plex)


async def test_a_connection_that_a_ping_finds_cut_breaks_the_stream(
    client: api.PlexClient, plex: SimulatedPlex, short_heartbeat: None
) -> None:
    plex.fault("ping-cut", path=STREAM)
    async with client.notifications() as stream:
        with pytest.raises(api.PlexConnectionError):
            await exhaust(stream)

    await listen(client, plex)
