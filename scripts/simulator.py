"""The simulated Plex server as a program of its own."""

import json
import subprocess
import sys

from .local_http import ask
from .programs import Program, ProgramError


class Simulator(Program):
    """A running simulator and its address."""

    def __init__(self, *, speed: float = 1, profile: str = "session") -> None:
        command = [sys.executable, "-m", "tests.simulator", "--port", "0"]
        super().__init__(
            "The simulator",
            [*command, "--speed", str(speed), "--profile", profile],
            output=subprocess.PIPE,
        )
        try:
            line = self.read_line()
        except BaseException:
            self.stop()
            raise
        if not line:
            self.stop()
            raise ProgramError("The simulator did not start: see above")
        address: dict[str, str] = json.loads(line)
        self.url = address["url"]
        self.token = address["token"]
        self.machine = address["machineIdentifier"]

    def truth(self) -> dict[str, str]:
        """Return what each task really does, whatever the server tells."""
        answer = ask(f"{self.url}/_simulator/truth")
        return {name: task["state"] for name, task in answer["tasks"].items()}
