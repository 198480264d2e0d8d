"""Run a Home Assistant that has the integration from this checkout set up."""

import argparse
import asyncio
from contextlib import ExitStack
from pathlib import Path
import signal
import sys
from tempfile import TemporaryDirectory
from typing import NoReturn

from tests.simulator import PROFILES

from .dashboard import PATH, open_with_dashboard
from .home_assistant import PASSWORD, RESTART, USERNAME, HomeAssistant, free_port
from .programs import ROOT, Program, ProgramError
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
    parser.add_argument(
        "--profile",
        choices=PROFILES,
        default="session",
        help="the kind of server that is simulated (%(choices)s); default: %(default)s",
    )
    parser.add_argument(
        "--speed",
        type=float,
        default=1,
        help="of the simulated server's clock: 60 makes an hour a minute",
    )
    parser.add_argument(
        "--port", type=int, default=8123, help="of Home Assistant, if it is free"
    )
    parser.add_argument(
        "--verbose",
        action="store_true",
        help="show Home Assistant's log here instead of writing it to a file",
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
    log = folder / "home-assistant.txt"
    output = None if options.verbose else stack.enter_context(log.open("wb"))

    def start() -> Program:
        return stack.enter_context(instance.start(output=output, install=True))

    program = start()
    try:
        instance.welcome(program)
        instance.add_server(url=url, token=token, verify_ssl=not options.no_verify_ssl)
        asyncio.run(open_with_dashboard(instance))
    except ProgramError, ValueError:
        if output:
            print(log.read_text(errors="replace"), file=sys.stderr)
        raise
    print(
        f"\n  Home Assistant  {instance.url}/{PATH}"
        f"\n  login           {USERNAME} / {PASSWORD}"
        f"\n  Plex            {url}"
        f"\n  its token       {token if not options.plex else 'yours'}"
        f"\n  log             {'here' if options.verbose else log}"
        "\n\nRestart Home Assistant in its settings to load changed code;"
        " Ctrl-C ends everything.\n",
        flush=True,
    )
    while (code := program.wait()) == RESTART:
        program = start()
    raise ProgramError(f"Home Assistant ended with {code}")


if __name__ == "__main__":
    main()
