"""Simulated servers in a process of their own, whose time is not counted."""

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
import json
import multiprocessing
from multiprocessing.connection import Connection
from types import SimpleNamespace
from typing import Any, Final

from tests import simulator as sim

_BASE: Final = sim.PROFILES["session"]
# As many tasks as the servers list that are known
PROFILE: Final = replace(
    _BASE, tasks=(*_BASE.tasks, sim.ALL_TASKS["RefreshPeriodicMetadata"])
)
_BACKUP: Final = "BackupDatabase"


class Plex(sim.SimulatedPlex):
    """A simulated server that can be made to say much at once."""

    def described(self) -> SimpleNamespace:
        """Return what an entry has to know of it."""
        names = ("name", "url", "token", "machine_identifier")
        return SimpleNamespace(**{name: getattr(self, name) for name in names})

    def asked(self) -> int:
        return len(self.requests)

    def listeners(self) -> tuple[int, int]:
        return len(self.hub.sockets), len(self.log_hub.sockets)

    def change_activities(self, number: int) -> None:
        """Let the activities be others than before, as while a task runs."""
        self.durations[_BACKUP] = 3600
        (self.client_stop if number % 2 else self.client_start)(_BACKUP)

    def change_all(self, number: int) -> None:
        """Let the list of tasks be another as well, as when settings are changed."""
        self.change_activities(number)
        self.set_preference("ButlerTaskRefreshLibraries", number % 2 == 0)

    def night(self) -> None:
        """Let 22 tasks begin and end at once."""
        tasks = list(self.butler.tasks)[:22]
        self.durations.update(dict.fromkeys(tasks, 0.0))
        for name in tasks:
            # As the window does it, without a request.
            self.butler.start(name, sim.Cause.WINDOW)

    def butler_frames(self, count: int) -> None:
        """Send so many frames of Butler's, each of a row of its own."""
        for number in range(count):
            row = sim.Row(
                uuid=f"{number:08x}-0000-4000-8000-000000000000",
                type="butler",
                title=f"Butler work {number}",
                progress=number % 100,
            )
            frame = sim.activity_frame(sim.RowEvent.UPDATED, row)
            self.hub.send_raw(json.dumps(frame.as_dict()))


class Servers:
    """So many servers in another process, and what the first is asked to do there."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.all: list[SimpleNamespace] = connection.recv()

    def do(self, method: str, *arguments: Any) -> Any:
        self._connection.send((method, arguments))
        return self._connection.recv()


@contextmanager
def servers(count: int = 1, *, at_night: bool = False) -> Iterator[Servers]:
    """Return servers of a process that ends with this; at night, in their window."""
    hour = datetime.now(UTC).hour
    window = (hour, (hour + 3) % 24) if at_night else None
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_run, args=(theirs, count, window), daemon=True)
    process.start()
    try:
        yield Servers(ours)
    finally:
        ours.send(None)
        process.join(10)


def _run(connection: Connection, count: int, window: tuple[int, int] | None) -> None:
    async def serve() -> None:
        async with AsyncExitStack() as stack:
            plexes = [
                Plex(PROFILE, seed=it, name=f"Attic {it}", window=window)
                for it in range(count)
            ]
            for plex in plexes:
                await stack.enter_async_context(plex)
            connection.send([plex.described() for plex in plexes])
            while order := await asyncio.to_thread(connection.recv):
                method, arguments = order
                connection.send(getattr(plexes[0], method)(*arguments))

    asyncio.run(serve())
