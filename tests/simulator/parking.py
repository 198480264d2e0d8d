"""Lets requests wait while a database task holds all connections."""

from __future__ import annotations

import asyncio

from .butler import Butler
from .task import Task
from .truth import Ending


class Parking:
    """Open unless the traits say that the server hangs and a database task runs."""

    def __init__(self, butler: Butler, *, hangs: bool) -> None:
        """Watch Butler."""
        self._butler = butler
        self._hangs = hangs
        self._held = False
        self.waiting = 0
        self._free = asyncio.Event()
        self._free.set()
        butler.watchers.append(self)

    def on_started(self, task: Task) -> None:
        """Close when the database is taken."""
        if self._hangs and task.spec.locks_database:
            self._free.clear()

    def on_ended(self, task: Task, ending: Ending) -> None:
        """Open when nobody holds the database any more."""
        self._open_if_free()

    @property
    def held(self) -> bool:
        """Return if everybody waits, whatever runs; to be read and written."""
        return self._held

    @held.setter
    def held(self, held: bool) -> None:
        self._held = held
        if held:
            self._free.clear()
        else:
            self._open_if_free()

    def _open_if_free(self) -> None:
        if not self._held and not (self._hangs and self._butler.database_busy):
            self._free.set()

    def open(self) -> None:
        """Let everybody go, because the server ends."""
        self._free.set()

    async def wait(self) -> None:
        """Wait until the database is free."""
        self.waiting += 1
        try:
            while not self._free.is_set():
                await self._free.wait()
        finally:
            self.waiting -= 1
