"""The notification stream against a simulated server, over sockets."""

import asyncio
from contextlib import nullcontext
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
        for data in ("", "not json", '{"type": "butler"', b"\x00\x01", b'\xff"butler"'):
            plex.hub.send_raw(data)
        # A binary frame may say something too.
        plex.hub.send_raw(activity_frame(START))

        found = aiter(stream)
        notes = [await anext(found) for _ in range(6)]

    assert notes == [(), (), (), (), (), (STARTED,)]
    assert stream.frames == 6


@pytest.mark.parametrize(
    ("end", "breaks"),
    [("closed", False), ("dropped", False), ("too large", True), ("ping-cut", True)],
)
async def test_a_stream_ends_with_its_connection_or_breaks(
    client: api.PlexClient,
    plex: SimulatedPlex,
    monkeypatch: pytest.MonkeyPatch,
    end: str,
    *,
    breaks: bool,
) -> None:
    monkeypatch.setattr(notifications, "MAX_MESSAGE", 1024)
    if end == "ping-cut":
        monkeypatch.setattr(notifications, "HEARTBEAT", 0.05)
        plex.fault("ping-cut", path=STREAM)
    async with client.notifications() as stream:
        if end == "closed":
            (socket,) = plex.hub.sockets
            closing = asyncio.create_task(socket.response.close())
        elif end == "dropped":
            plex.hub.drop()
        elif end == "too large":
            plex.hub.send_raw("x" * 2048)
        with pytest.raises(api.PlexConnectionError) if breaks else nullcontext():
            async for _ in stream:
                pass
    if end == "closed":
        await closing

    await listen(client, plex)
