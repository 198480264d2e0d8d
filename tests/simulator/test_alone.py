"""The simulator by itself."""

from pathlib import Path
import subprocess
import sys

import aiohttp
import pytest

from tests.simulator import SimulatedPlex
from tests.simulator.conftest import BACKUP


def test_it_imports_neither_home_assistant_nor_the_integration() -> None:
    code = (
        "import sys, tests.simulator.__main__\n"
        "bad = ('homeassistant', 'custom_components', 'pytest', 'voluptuous')\n"
        "print([name for name in sys.modules if name.split('.')[0] in bad])"
    )
    command = [sys.executable, "-c", code]
    root = Path(__file__).parents[2]
    assert subprocess.check_output(command, cwd=root, text=True).strip() == "[]"  # noqa: S603 our own interpreter and code


async def test_another_process_can_do_what_the_methods_do(
    plex: SimulatedPlex, client: aiohttp.ClientSession
) -> None:
    async def control(method: str, action: str, **fields: object) -> tuple[int, str]:
        url = f"{plex.url}/_simulator/{action}"
        async with client.request(method, url, json=fields) as response:
            return response.status, await response.text()

    assert await control("POST", "client_start", task=BACKUP) == (200, "{}")
    _, truth = await control("GET", "truth")
    assert f'"{BACKUP}": {{"state": "running"}}' in truth
    assert await control("POST", "fault", name="503", path="/butler") == (200, "{}")
    async with client.get(f"{plex.url}/butler") as response:
        assert response.status == 503
    # What cannot be done says why.
    assert (await control("POST", "nope"))[0] == 404
    for fields in ({"name": "nope"}, {"wrong": "field"}):
        status, said = await control("POST", "fault", **fields)
        assert (status, "error" in said) == (400, True)
    # It ends the connection on which it was asked for.
    with pytest.raises(aiohttp.ClientError):
        await control("POST", "restart", version="2.0")
    assert plex.version == "2.0"
