"""Runs a simulated server alone: python -m tests.simulator --help."""

from __future__ import annotations

import argparse
import asyncio
import json
from pathlib import Path
import signal
from zoneinfo import ZoneInfo

from .profiles import PROFILES, Profile, draw_profile
from .replay import ReplayedPlex
from .simulated_plex import OWNER_TOKEN, SimulatedPlex
from .timeline import WallClock

_DRAWN = "drawn"


def main() -> None:
    """Serve until a signal ends it."""
    asyncio.run(_serve(_parse()))


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.simulator", description=__doc__
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=32400, help="0 takes a free one")
    parser.add_argument("--token", default=OWNER_TOKEN, help="the owner's token")
    parser.add_argument("--profile", choices=(*PROFILES, _DRAWN), default="session")
    parser.add_argument(
        "--speed", type=float, default=1.0, help="simulated seconds per second"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--name", default="Attic")
    parser.add_argument("--zone", type=ZoneInfo, default=ZoneInfo("UTC"))
    parser.add_argument("--window", type=_hours, default=(2, 5), help="such as 2-5")
    parser.add_argument(
        "--noise", type=float, default=0.0, help="ordinary activities per hour"
    )
    parser.add_argument(
        "--replay", type=Path, metavar="FILE", help="play a record of scripts/capture"
    )
    return parser.parse_args()


def _hours(text: str) -> tuple[int, int]:
    start, end = text.split("-")
    return int(start), int(end)


def _profile(options: argparse.Namespace) -> Profile:
    drawn = options.profile == _DRAWN
    return draw_profile(options.seed) if drawn else PROFILES[options.profile]


async def _serve(options: argparse.Namespace) -> None:
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    if options.replay:
        await _replay(options, ended)
        return
    plex = SimulatedPlex(
        _profile(options),
        token=options.token,
        clock=WallClock(options.speed),
        seed=options.seed,
        name=options.name,
        zone=options.zone,
        window=options.window,
        host=options.host,
        port=options.port,
    )
    async with plex:
        plex.noise.ordinary_day(options.noise)
        print(json.dumps(_address(plex)), flush=True)
        await ended.wait()


async def _replay(options: argparse.Namespace, ended: asyncio.Event) -> None:
    plex = ReplayedPlex.of_file(
        options.replay,
        token=options.token,
        speed=options.speed,
        host=options.host,
        port=options.port,
    )
    async with plex:
        address = {
            "url": plex.url,
            "token": plex.token,
            "machineIdentifier": plex.machine_identifier,
            "version": plex.version,
        }
        print(json.dumps(address), flush=True)
        await ended.wait()


def _address(plex: SimulatedPlex) -> dict[str, str]:
    return {
        "url": plex.url,
        "token": plex.token,
        "sharedToken": plex.shared_token,
        "machineIdentifier": plex.machine_identifier,
        "profile": plex.state.profile.name,
        "version": plex.version,
    }


if __name__ == "__main__":
    main()
