"""The simulator by itself: as a program, in real time, and what it imports."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
import signal
import subprocess
import sys
from typing import Any

import aiohttp
import pytest

from tests.simulator import SimulatedPlex, TaskState

from .conftest import Client, frames

ROOT = Path(__file__).parents[2]
BACKUP = "BackupDatabase"


def test_it_imports_neither_home_assistant_nor_the_integration() -> None:
    code = (
        "import sys, tests.simulator.__main__\n"
        "bad = ('homeassistant', 'custom_components', 'pytest', 'voluptuous')\n"
        "print([name for name in sys.modules if name.split('.')[0] in bad])"
    )
    command = [sys.executable, "-c", code]
    assert subprocess.check_output(command, cwd=ROOT, text=True).strip() == "[]"  # noqa: S603 our own interpreter and code


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_the_program_prints_its_address_and_ends_at_a_signal(
    session: aiohttp.ClientSession, number: signal.Signals
) -> None:
    command = [sys.executable, "-m", "tests.simulator", "--port", "0"]
    options = ["--token", "T", "--profile", "legacy", "--speed", "10"]
    program = await asyncio.create_subprocess_exec(
        *command, *options, cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    assert program.stdout is not None
    address = json.loads(await program.stdout.readline())
    assert address["profile"] == "legacy"
    url = f"{address['url']}/butler"
    async with session.get(url, headers={"X-Plex-Token": "T"}) as response:
        assert response.status == 200
    program.send_signal(number)
    assert await program.wait() == 0


async def test_in_real_time_a_run_ends_and_a_server_comes_back_by_itself(
    session: aiohttp.ClientSession,
) -> None:
    async with SimulatedPlex(speed=100) as plex:
        now = plex.clock.now()
        assert not plex.butler.window.contains(now)
        # No test depends on the hour.
        assert plex.butler.window.next_edge(now) - now > 9 * 3600
        client = Client(plex, session)
        socket = await client.listen()
        plex.durations[BACKUP] = 10
        assert await client.status("POST", f"/butler/{BACKUP}") == 200
        assert plex.truth()[BACKUP] is TaskState.RUNNING
        events = []
        while "ended" not in events:
            got = await frames(socket)
            events += [it["ActivityNotification"][0]["event"] for it in got]
        assert plex.truth()[BACKUP] is TaskState.IDLE
        await socket.close()
        await plex.restart(refused_for=10)
        with pytest.raises(aiohttp.ClientConnectorError):
            await client.status("GET", "/identity")
        await asyncio.sleep(0.2)
        assert await client.status("GET", "/identity") == 200


async def test_another_process_can_do_what_the_methods_do(
    plex: SimulatedPlex, client: Client, session: aiohttp.ClientSession
) -> None:
    async def control(method: str, action: str, **fields: object) -> int:
        url = f"{plex.url}/_simulator/{action}"
        async with session.request(method, url, json=fields) as response:
            answer.clear()
            answer.update(await response.json())
            return response.status

    answer: dict[str, Any] = {}
    assert await control("POST", "client_start", task=BACKUP) == 200
    assert await control("GET", "truth") == 200
    assert answer["tasks"][BACKUP] == {"state": "running"}
    assert plex.requests == []
    assert await control("POST", "fault", name="503", path="/butler") == 200
    assert await client.status("GET", "/butler") == 503
    # What cannot be done says why.
    for action, fields, status in (
        ("nope", {}, 404),
        ("fault", {"name": "nope"}, 400),
        ("remove_task", {"name": "nope"}, 400),
        ("client_start", {"wrong": "field"}, 400),
    ):
        assert await control("POST", action, **fields) == status
        assert "error" in answer
    # It ends the connection on which it was asked for.
    with pytest.raises(aiohttp.ClientError):
        await control("POST", "restart", version="2.0", maintenance_for=5)
    assert plex.version == "2.0"
    assert await client.status("GET", "/identity") == 503
