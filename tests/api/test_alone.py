"""The client loads and works with nothing but aiohttp."""

import asyncio
from importlib.metadata import (
    PackageNotFoundError,
    distribution,
    packages_distributions,
)
import json
from pathlib import Path
import re
import subprocess
import sys

import pytest

from tests.simulator import SimulatedPlex

PACKAGE = Path(__file__).parents[2] / "custom_components" / "plex_butler"

# Stands for an environment in which only aiohttp was installed.
ALONE = """
import asyncio, json, sys
from importlib.machinery import PathFinder

allowed = set(json.loads(sys.argv[2])) | sys.stdlib_module_names | {"api"}

class OnlyAiohttp:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in allowed:
            return PathFinder.find_spec(name, path, target)

sys.meta_path[sys.meta_path.index(PathFinder)] = OnlyAiohttp()
# Last: Home Assistant wants a calendar.py there, which is a name of Python's own too
sys.path.append(sys.argv[1])

import aiohttp
from api import PlexClient

async def main():
    async with aiohttp.ClientSession() as session:
        client = PlexClient(session, sys.argv[3], sys.argv[4], client_identifier="alone")
        return len(await client.get_butler_tasks())

print(asyncio.run(main()))
"""


def with_all_it_needs(name: str, seen: set[str] | None = None) -> set[str]:
    """Return a distribution and those that it requires."""
    seen = set() if seen is None else seen
    if name in seen:
        return seen
    try:
        requires = distribution(name).requires or []
    except PackageNotFoundError:  # for another platform or Python
        return seen
    seen.add(name)
    for requirement in requires:
        if "extra ==" not in requirement:
            with_all_it_needs(re.split(r"[^\w.-]", requirement)[0].lower(), seen)
    return seen


@pytest.fixture(scope="module")
def modules() -> list[str]:
    """Return the top-level modules of aiohttp and of what it requires."""
    distributions = with_all_it_needs("aiohttp")
    return [
        module
        for module, names in packages_distributions().items()
        if {name.lower() for name in names} & distributions
    ]


async def test_the_client_stands_alone(plex: SimulatedPlex, modules: list[str]) -> None:
    assert "homeassistant" not in modules

    done = await asyncio.to_thread(
        subprocess.run,
        [
            sys.executable,
            "-I",
            "-c",
            ALONE,
            str(PACKAGE),
            json.dumps(modules),
            plex.url,
            plex.token,
        ],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert int(done.stdout) == len(plex.truth())
