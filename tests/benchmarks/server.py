"""Simulated servers in a process of their own, whose time is not counted."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
import json
import multiprocessing
from multiprocessing.connection import Connection
from typing import Any, Final

from tests.simulator import (
    ALL_TASKS,
    PROFILES,
    Cause,
    Row,
    RowEvent,
    SimulatedPlex,
    activity_frame,
)

_BASE: Final = PROFILES["session"]
# As many tasks as the servers list that are known
PROFILE: Final = replace(
    _BASE, tasks=(*_BASE.tasks, ALL_TASKS["RefreshPeriodicMetadata"])
)
_BACKUP: Final = "BackupDatabase"


class Plex(SimulatedPlex):
    """A simulated server that can be made to say much at once."""

    def ready(self) -> dict[str, Any]:
        return {
            "url": self.url,
            "token": self.token,
            "machine": self.machine_identifier,
            "name": self.name,
        }

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

    def scan(self, count: int) -> None:
        self.noise.storm(count)

    def log_lines(self, count: int) -> None:
        self.noise.log_flood(count)

    def night(self) -> int:
        """Let all tasks begin and end at once; return how many frames that is."""
        tasks = list(self.butler.tasks)[:22]
        for name in tasks:
            self.durations[name] = 0.0
        before = sum(it.sent for it in self.hub.sockets)
        for name in tasks:
            # As the window does it, without a request.
            self.butler.start(name, Cause.WINDOW)
        return sum(it.sent for it in self.hub.sockets) - before

    def butler_frames(self, count: int) -> None:
        """Send so many frames of Butler's, each of a row of its own."""
        for number in range(count):
            row = Row(
                uuid=f"{number:08x}-0000-4000-8000-000000000000",
                type="butler",
                title=f"Butler work {number}",
                progress=number % 100,
            )
            frame = activity_frame(RowEvent.UPDATED, row)
            self.hub.send_raw(json.dumps(frame.as_dict()))


class Servers:
    """So many servers in another process, and what they are asked to do there."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.all: list[dict[str, Any]] = connection.recv()

    def do(self, method: str, *arguments: Any, server: int = 0) -> Any:
        self._connection.send((server, method, arguments))
        return self._connection.recv()


@contextmanager
def servers(count: int = 1, *, at_night: bool = False) -> Iterator[Servers]:
    """Return servers of a process that ends with this; at night, in their window."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_run, args=(theirs, count, at_night), daemon=True)
    process.start()
    try:
        yield Servers(ours)
    finally:
        ours.send(None)
        process.join(10)


def _run(connection: Connection, count: int, at_night: bool) -> None:  # noqa: FBT001 as the process hands it over
    asyncio.run(_serve(connection, count, at_night=at_night))


async def _serve(connection: Connection, count: int, *, at_night: bool) -> None:
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    hour = datetime.now(UTC).hour
    window = (hour, (hour + 3) % 24) if at_night else None
    plexes = [
        Plex(PROFILE, seed=it, name=f"Attic {it}", window=window) for it in range(count)
    ]
    for plex in plexes:
        await plex.start()
    loop.add_reader(connection.fileno(), partial(_obey, connection, plexes, ended))
    connection.send([plex.ready() for plex in plexes])
    await ended.wait()
    loop.remove_reader(connection.fileno())
    for plex in plexes:
        await plex.stop()


def _obey(connection: Connection, plexes: list[Plex], ended: asyncio.Event) -> None:
    try:
        order = connection.recv()
    except EOFError:
        order = None
    if order is None:
        ended.set()
        return
    server, method, arguments = order
    connection.send(getattr(plexes[server], method)(*arguments))
