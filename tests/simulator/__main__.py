"""Runs a simulated server alone: python -m tests.simulator --help."""

import argparse
import asyncio
import json
from pathlib import Path
import signal
from typing import Any

from .profiles import PROFILES
from .replay import ReplayedPlex
from .simulated_plex import OWNER_TOKEN, SimulatedPlex


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.simulator", description=__doc__
    )
    add = parser.add_argument
    add("--port", type=int, default=32400, help="0 takes a free one")
    add("--token", default=OWNER_TOKEN, help="the owner's token")
    add("--profile", choices=PROFILES, default="session")
    add("--speed", type=float, default=1.0, help="simulated seconds per second")
    add("--replay", type=Path, metavar="FILE", help="play a record of scripts/capture")
    return parser.parse_args()


async def _serve(options: argparse.Namespace) -> None:
    """Serve until a signal ends it."""
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    shared: dict[str, Any] = {
        name: getattr(options, name) for name in ("token", "speed", "port")
    }
    plex: SimulatedPlex | ReplayedPlex
    if options.replay:
        plex = ReplayedPlex(json.loads(options.replay.read_text()), **shared)
    else:
        plex = SimulatedPlex(options.profile, **shared)
    async with plex:
        names = {"url": plex.url, "token": plex.token}
        names["machineIdentifier"] = plex.machine_identifier
        print(json.dumps(names), flush=True)
        await ended.wait()


if __name__ == "__main__":
    asyncio.run(_serve(_parse()))
