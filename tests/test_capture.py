"""A record of a server, for sharing: what happened is in it, and not where."""

import asyncio
import json
from typing import Any

import pytest
from yarl import URL

from custom_components.plex_butler.api.redact import REDACTED
from scripts import capture as script
from tests import simulator as sim
from tests.conftest import BACKUP, until

# The recorder looks once a second.
pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("socket_enabled")]


@pytest.fixture(autouse=True)
def _short_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look for a moment only at what comes after the end."""
    monkeypatch.setattr(script, "AFTERWARDS", 1.5)


async def recorded(
    plex: sim.SimulatedPlex, task: str | None, limit: float = 10
) -> tuple[str, list[dict[str, Any]]]:
    """Return a record as it is written, and what it tells of one moment or another."""
    text = await script.capture(plex.url, plex.token, task, limit)
    return text, json.loads(text)["record"]


async def test_a_record_holds_the_start_and_all_that_came_of_it_and_no_secret() -> None:
    async with sim.SimulatedPlex(clock=sim.WallClock()) as plex:
        plex.durations[BACKUP] = 2
        plex.noise.scan(5)
        host = URL(plex.url).host or ""

        async def gossip() -> None:
            await until(lambda: bool(plex.hub.sockets))
            said = f"Butler of {plex.machine_identifier} at {host}, {plex.token}"
            plex.hub.publish(sim.status_frame(said, "The database has Movies"))
            row = sim.Row(uuid="own", type="butler", title=said)
            plex.hub.publish(sim.activity_frame(sim.RowEvent.STARTED, row))
            await until(lambda: bool(plex.log_hub.sockets))
            plex.noise.log_flood(50)

        (text, events), _ = await asyncio.gather(recorded(plex, BACKUP), gossip())

    document = json.loads(text)
    assert document["version"] == plex.version
    assert document["answers"].keys() >= {"/butler", "/activities"}
    kinds = {kind for event in events for kind in event if kind != "at"}
    assert kinds == {"start", "command", "frame", "activities", "log"}
    assert [event["at"] for event in events] == sorted(event["at"] for event in events)
    frames = [event["frame"] for event in events if "frame" in event]
    rows = [
        element["event"]
        for frame in frames
        for element in frame["NotificationContainer"].get("ActivityNotification", [])
        if element["Activity"]["type"] == "butler"
    ]
    assert (rows[0], rows[-1]) == ("started", "ended")
    lines = [event["log"] for event in events if "log" in event]
    assert any(f'"{BACKUP}" parent: ' in line for line in lines)
    assert "ended sub-activity" in lines[-1]

    named = (plex.token, host, plex.machine_identifier, plex.name)
    for secret in (*named, "Movies", "Harbour", "alex"):
        assert secret not in text
    assert f'sub-activity 7c0f0006-0000-4000-8000-000000000001 - \\"{REDACTED}' in text
    assert '"type": "status"' in text
    # Not even Butler may say it.
    assert f"Butler of {REDACTED} at {REDACTED}, {REDACTED}" in text


async def test_without_a_task_nothing_is_started() -> None:
    async with sim.SimulatedPlex(clock=sim.WallClock()) as plex:
        assert (await recorded(plex, None))[1] == []
        assert {request.method for request in plex.requests} == {"GET"}


async def test_a_record_ends_when_its_time_is_up() -> None:
    async with sim.SimulatedPlex(clock=sim.WallClock()) as plex:
        plex.durations[BACKUP] = 3600
        _, events = await recorded(plex, BACKUP, limit=2)
    assert 1 < events[-1]["at"] < 4
