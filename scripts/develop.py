"""Run a Home Assistant that has the integration from this checkout set up."""

import argparse
import asyncio
from contextlib import ExitStack
from pathlib import Path
import signal
import sys
from tempfile import TemporaryDirectory
from typing import NoReturn

from .dashboard import PATH, show_everything
from .home_assistant import PASSWORD, RESTART, USERNAME, HomeAssistant, free_port
from .programs import ROOT, ProgramError
from .simulator import Simulator

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def main() -> None:
    """Run until a signal ends it, and leave nothing behind."""
    options = parse()
    for number in SIGNALS:
        signal.signal(number, interrupt)
    try:
        with ExitStack() as stack:
            run(options, stack)
    except KeyboardInterrupt:
        print("Everything has ended.")
    except (ProgramError, ValueError) as err:
        sys.exit(f"scripts/develop: {err}")


def interrupt(*_signal: object) -> NoReturn:
    """End everything, which nothing shall disturb."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    print("\nEnding ...", flush=True)
    raise KeyboardInterrupt


def parse() -> argparse.Namespace:
    """Return what the command line asks for."""
    parser = argparse.ArgumentParser(prog="scripts/develop", description=__doc__)
    parser.add_argument("--plex", metavar="URL", help="a real server")
    parser.add_argument("--token", help="its owner's token")
    parser.add_argument(
        "--no-verify-ssl", action="store_true", help="accept its certificate"
    )
    parser.add_argument("--profile", default="session", help="of the simulator")
    parser.add_argument("--speed", type=float, default=1, help="of the simulator")
    parser.add_argument(
        "--port", type=int, default=8123, help="of Home Assistant, if it is free"
    )
    options = parser.parse_args()
    if bool(options.plex) != bool(options.token):
        parser.error("--plex and --token belong together")
    return options


def run(options: argparse.Namespace, stack: ExitStack) -> None:
    """Start a server, unless there is one, and Home Assistant; then wait."""
    url, token = options.plex, options.token
    if not url:
        simulator = Simulator(speed=options.speed, profile=options.profile)
        stack.enter_context(simulator)
        url, token = simulator.url, simulator.token
    folder = Path(stack.enter_context(TemporaryDirectory(prefix="plex-butler-")))
    instance = HomeAssistant(folder, port=free_port(options.port), level="debug")
    instance.integration_folder.symlink_to(ROOT / "custom_components" / "plex_butler")
    print("Starting Home Assistant ...", flush=True)
    program = stack.enter_context(instance.start(install=True))
    instance.welcome(program)
    entry_id = instance.add_server(
        url=url, token=token, verify_ssl=not options.no_verify_ssl
    )
    asyncio.run(show_everything(instance, entry_id))
    print(
        f"\n  Home Assistant  {instance.url}/{PATH}"
        f"\n  login           {USERNAME} / {PASSWORD}"
        f"\n  Plex            {url}"
        "\n\nRestart Home Assistant in its settings to load changed code;"
        " Ctrl-C ends everything.\n",
        flush=True,
    )
    while (code := program.wait()) == RESTART:
        program = stack.enter_context(instance.start(install=True))
    raise ProgramError(f"Home Assistant ended with {code}")


if __name__ == "__main__":
    main()
