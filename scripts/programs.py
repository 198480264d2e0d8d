"""Programs that are started, waited for and ended together with all they started."""

from collections.abc import Callable
from contextlib import suppress
import os
from pathlib import Path
import signal
import subprocess
import time
from typing import IO, Self

ROOT = Path(__file__).parent.parent
GRACE = 20  # seconds that a program has to end after it was asked to


class ProgramError(Exception):
    """A program ended, or did not do in time what was waited for."""


class Program:
    """A program in a process group of its own, so that Ctrl-C is ours to pass on."""

    def __init__(
        self,
        name: str,
        command: list[str],
        *,
        folder: Path = ROOT,
        output: IO[bytes] | int | None = None,
    ) -> None:
        self.name = name
        self._process = subprocess.Popen(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=None if output == subprocess.PIPE else output,
            start_new_session=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.stop()

    def wait(self) -> int:
        """Wait until it ends by itself; return its code."""
        return self._process.wait()

    def read_line(self) -> bytes:
        """Return the next line of what it prints; empty at the end."""
        if self._process.stdout is None:
            raise ProgramError(f"{self.name} prints elsewhere")
        return self._process.stdout.readline()

    def wait_until(
        self, what: str, reached: Callable[[], bool], *, seconds: float
    ) -> None:
        """Wait for something that this program is to bring about."""
        deadline = time.monotonic() + seconds
        while not reached():
            code = self._process.poll()
            if code is not None:
                raise ProgramError(f"{self.name} ended with {code} before its {what}")
            if time.monotonic() > deadline:
                raise ProgramError(f"{self.name}: no {what} in {seconds:.0f} s")
            time.sleep(0.1)

    def stop(self) -> None:
        """Ask the program to end, then end whatever is left of its group."""
        self._signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(GRACE)
        self._signal(signal.SIGKILL)
        self._process.wait()
        if self._process.stdout:
            self._process.stdout.close()

    def _signal(self, number: signal.Signals) -> None:
        # macOS forbids what is pointless: a signal to a group of the dead
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)
