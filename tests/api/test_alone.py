"""The client loads and works with nothing but aiohttp."""

import asyncio
from pathlib import Path
import subprocess
import sys

from tests.simulator import SimulatedPlex

PACKAGE = Path(__file__).parents[2] / "custom_components" / "plex_butler"

# Stands for an environment in which only aiohttp was installed: it is all that can be
# imported, with what it brings along.
ALONE = """
import asyncio, sys
from importlib.machinery import PathFinder
import aiohttp

allowed = {name.partition(".")[0] for name in sys.modules} | sys.stdlib_module_names
assert "homeassistant" not in allowed

class OnlyAiohttp:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {*allowed, "api"}:
            return PathFinder.find_spec(name, path, target)

sys.meta_path[sys.meta_path.index(PathFinder)] = OnlyAiohttp()
# Last: Home Assistant wants a calendar.py there, which is a name of Python's own too
sys.path.append(sys.argv[1])

from api import PlexClient

async def main():
    async with aiohttp.ClientSession() as session:
        client = PlexClient(session, sys.argv[2], sys.argv[3], client_identifier="alone")
        return len(await client.get_butler_tasks())

print(asyncio.run(main()))
"""


async def test_the_client_stands_alone(plex: SimulatedPlex) -> None:
    arguments = [sys.executable, "-I", "-c", ALONE, str(PACKAGE), plex.url, plex.token]

    done = await asyncio.to_thread(
        subprocess.run, arguments, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
    assert int(done.stdout) == len(plex.truth())
