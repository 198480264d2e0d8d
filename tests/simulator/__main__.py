"""Runs a simulated server alone: python -m tests.simulator --help."""

from __future__ import annotations

import argparse
import asyncio
import json
from pathlib import Path
import signal
from zoneinfo import ZoneInfo

from .profiles import PROFILES, draw_profile
from .replay import ReplayedPlex
from .simulated_plex import SimulatedPlex
from .state import OWNER_TOKEN

_DRAWN = "drawn"


def _hours(text: str) -> tuple[int, int]:
    start, end = text.split("-")
    return int(start), int(end)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.simulator", description=__doc__
    )
    add = parser.add_argument
    add("--host", default="127.0.0.1")
    add("--port", type=int, default=32400, help="0 takes a free one")
    add("--token", default=OWNER_TOKEN, help="the owner's token")
    add("--profile", choices=(*PROFILES, _DRAWN), default="session")
    add("--speed", type=float, default=1.0, help="simulated seconds per second")
    add("--seed", type=int, default=0)
    add("--name", default="Attic")
    add("--zone", type=ZoneInfo, default=ZoneInfo("UTC"))
    add("--window", type=_hours, default=(2, 5), help="such as 2-5")
    add("--noise", type=float, default=0.0, help="ordinary activities per hour")
    add("--replay", type=Path, metavar="FILE", help="play a record of scripts/capture")
    return parser.parse_args()


def _server(options: argparse.Namespace) -> SimulatedPlex | ReplayedPlex:
    names = ("token", "speed", "host", "port")
    shared = {name: getattr(options, name) for name in names}
    if options.replay:
        return ReplayedPlex(json.loads(options.replay.read_text()), **shared)
    drawn = options.profile == _DRAWN
    profile = draw_profile(options.seed) if drawn else PROFILES[options.profile]
    names = ("seed", "name", "zone", "window")
    own = {name: getattr(options, name) for name in names}
    return SimulatedPlex(profile, **shared, **own)


async def _serve(options: argparse.Namespace) -> None:
    """Serve until a signal ends it."""
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    async with _server(options) as plex:
        address = {
            "url": plex.url,
            "token": plex.token,
            "machineIdentifier": plex.machine_identifier,
            "version": plex.version,
        }
        if isinstance(plex, SimulatedPlex):
            plex.noise.ordinary_day(options.noise)
            address["sharedToken"] = plex.shared_token
            address["profile"] = plex.profile.name
        print(json.dumps(address), flush=True)
        await ended.wait()


if __name__ == "__main__":
    asyncio.run(_serve(_parse()))
