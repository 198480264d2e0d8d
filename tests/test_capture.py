"""A record of a server, for sharing: what happened is in it, and not where."""

import asyncio
import json

import pytest
from yarl import URL

from custom_components.plex_butler.api.redact import REDACTED
from scripts import capture as script
from tests.conftest import until
from tests.simulator import (
    Row,
    RowEvent,
    SimulatedPlex,
    WallClock,
    activity_frame,
    status_frame,
)

# The recorder looks once a second.
pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def _short_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look for a moment only at what comes after the end."""
    monkeypatch.setattr(script, "AFTERWARDS", 1.5)


async def recorded(plex: SimulatedPlex, task: str | None, limit: float = 10) -> str:
    return await script.capture(plex.url, plex.token, task, limit)


async def test_a_record_holds_the_start_and_all_that_came_of_it(
    socket_enabled: None,
) -> None:
    async with SimulatedPlex(clock=WallClock()) as plex:
        plex.durations["BackupDatabase"] = 2
        document = json.loads(await recorded(plex, "BackupDatabase"))

    assert document["version"] == plex.version
    assert document["answers"].keys() >= {"/butler", "/activities"}
    events = document["record"]
    kinds = [kind for event in events for kind in event if kind != "at"]
    assert set(kinds) == {"start", "command", "frame", "activities", "log"}
    assert [event["at"] for event in events] == sorted(event["at"] for event in events)
    frames = [event["frame"] for event in events if "frame" in event]
    rows = [
        element["event"]
        for frame in frames
        for element in frame["NotificationContainer"].get("ActivityNotification", [])
        if element["Activity"]["type"] == "butler"
    ]
    lines = [event["log"] for event in events if "log" in event]
    assert '"BackupDatabase" parent: ' in lines[0]
    assert "ended sub-activity" in lines[-1]
    assert rows[0] == "started"
    assert rows[-1] == "ended"


async def test_a_record_says_neither_whose_server_it_is_nor_how_to_get_in(
    socket_enabled: None,
) -> None:
    async with SimulatedPlex(clock=WallClock()) as plex:
        plex.durations["BackupDatabase"] = 2
        plex.noise.scan(5)
        host = URL(plex.url).host or ""

        async def gossip() -> None:
            await until(lambda: bool(plex.hub.sockets))
            said = f"Butler of {plex.machine_identifier} at {host}, {plex.token}"
            plex.hub.publish(status_frame(said, "The database has Movies"))
            row = Row(uuid="own", type="butler", title=said)
            plex.hub.publish(activity_frame(RowEvent.STARTED, row))
            await until(lambda: bool(plex.log_hub.sockets))
            plex.noise.log_flood(50)

        text, _ = await asyncio.gather(recorded(plex, "BackupDatabase"), gossip())

    named = (plex.token, host, plex.machine_identifier, plex.name)
    for secret in (*named, "Movies", "Harbour", "alex"):
        assert secret not in text
    assert f'sub-activity 7c0f0006-0000-4000-8000-000000000001 - \\"{REDACTED}' in text
    assert '"type": "status"' in text
    # Not even Butler may say it.
    assert f"Butler of {REDACTED} at {REDACTED}, {REDACTED}" in text


async def test_without_a_task_nothing_is_started(socket_enabled: None) -> None:
    async with SimulatedPlex(clock=WallClock()) as plex:
        document = json.loads(await recorded(plex, None))

        assert document["record"] == []
        assert {request.method for request in plex.requests} == {"GET"}


async def test_a_record_ends_when_its_time_is_up(socket_enabled: None) -> None:
    async with SimulatedPlex(clock=WallClock()) as plex:
        plex.durations["BackupDatabase"] = 3600
        document = json.loads(await recorded(plex, "BackupDatabase", limit=2))

    assert 1 < document["record"][-1]["at"] < 4
