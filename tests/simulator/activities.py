"""The rows of /activities, and what is pushed when they change."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from random import Random
from typing import Any
from uuid import UUID

UNKNOWN_PROGRESS = -1
DONE = 100


class RowEvent(StrEnum):
    """What a notification says of a row."""

    STARTED = "started"
    UPDATED = "updated"
    ENDED = "ended"


@dataclass(frozen=True, kw_only=True)
class Row:
    """One activity."""

    uuid: str
    type: str
    title: str
    subtitle: str = ""
    progress: int = 0
    cancellable: bool = False
    context: Mapping[str, Any] | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the element that the server sends."""
        element = {
            "uuid": self.uuid,
            "type": self.type,
            "cancellable": self.cancellable,
            "userID": 1,
            "title": self.title,
            "subtitle": self.subtitle,
            "progress": self.progress,
        }
        return element | ({"Context": dict(self.context)} if self.context else {})


class Board:
    """The rows that are there now; `push=False` changes them without a word."""

    def __init__(self, rng: Random, publish: Callable[[RowEvent, Row], None]) -> None:
        """Begin without rows."""
        self.rows: dict[str, Row] = {}
        self._rng = rng
        self._publish = publish

    def new_uuid(self) -> str:
        """Return an id that the seed chose."""
        return str(UUID(int=self._rng.getrandbits(128), version=4))

    def begin(self, row: Row, *, push: bool = True) -> None:
        """Show a row."""
        self._put(RowEvent.STARTED, row, push=push)

    def update(self, uuid: str, *, push: bool = True, **changes: Any) -> None:
        """Change a row that is still there."""
        if uuid in self.rows:
            self._put(RowEvent.UPDATED, replace(self.rows[uuid], **changes), push=push)

    def end(self, uuid: str, *, push: bool = True) -> None:
        """Take a row away, if it is still there."""
        row = self.rows.pop(uuid, None)
        if row is not None and push:
            self._publish(RowEvent.ENDED, replace(row, progress=DONE))

    def clear(self) -> None:
        """Forget all rows, as a restart does."""
        self.rows.clear()

    def _put(self, event: RowEvent, row: Row, *, push: bool) -> None:
        self.rows[row.uuid] = row
        if push:
            self._publish(event, row)
