"""The simulator by itself: as a program, in real time, and what it imports."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
import signal
import subprocess
import sys

import aiohttp
import pytest

from tests.simulator import Cause, SimulatedPlex, TaskState

from .client import Client, frames, row_events

ROOT = Path(__file__).parents[2]


def test_it_imports_neither_home_assistant_nor_the_integration() -> None:
    code = (
        "import sys, tests.simulator.__main__\n"
        "bad = ('homeassistant', 'custom_components', 'pytest', 'voluptuous')\n"
        "print([name for name in sys.modules if name.split('.')[0] in bad])"
    )
    done = subprocess.run(  # noqa: S603 - our own interpreter and code
        [sys.executable, "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"


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


async def test_in_real_time_a_run_ends_by_itself(
    socket_enabled: None, session: aiohttp.ClientSession
) -> None:
    async with SimulatedPlex(speed=100) as plex:
        client = Client(plex, session)
        socket = await client.listen()
        plex.durations["BackupDatabase"] = 10
        assert await client.status("POST", "/butler/BackupDatabase") == 200
        assert plex.truth()["BackupDatabase"] is TaskState.RUNNING
        told: list[tuple[str, str, int]] = []
        while not told or told[-1][0] != "ended":
            told += row_events(await frames(socket))
        assert plex.truth()["BackupDatabase"] is TaskState.IDLE
        await socket.close()


async def test_in_real_time_a_server_comes_back_by_itself(
    socket_enabled: None, session: aiohttp.ClientSession
) -> None:
    async with SimulatedPlex(speed=100) as plex:
        client = Client(plex, session)
        await plex.restart(refused_for=10)
        while True:
            try:
                assert await client.status("GET", "/identity") == 200
                break
            except aiohttp.ClientConnectorError:
                await asyncio.sleep(0.02)


async def test_in_real_time_the_window_is_far_away_whatever_the_hour(
    socket_enabled: None,
) -> None:
    async with SimulatedPlex() as plex:
        now = plex.clock.now()
        assert not plex.butler.window.contains(now)
        assert plex.butler.window.next_edge(now) - now > 9 * 3600


async def test_many_servers_live_side_by_side(socket_enabled: None) -> None:
    async with SimulatedPlex(seed=1) as one, SimulatedPlex(seed=2) as two:
        assert one.url != two.url
        assert one.machine_identifier != two.machine_identifier
        one.butler.start_due(Cause.COMMAND)
        assert set(two.truth().values()) == {TaskState.IDLE}


async def test_only_a_manual_clock_can_be_moved(socket_enabled: None) -> None:
    async with SimulatedPlex() as plex:
        with pytest.raises(TypeError):
            await plex.advance(1)
