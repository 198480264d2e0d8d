"""What a task is, apart from what it does."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Work:
    """The activity that a task's own work shows as, beside the butler row."""

    type: str
    title: str


@dataclass(frozen=True, kw_only=True)
class TaskSpec:
    """What a task is; `seconds` is how long a run takes, `interval` counts days."""

    name: str
    title: str
    description: str
    interval: int = 1
    randomized: bool = False
    seconds: float = 60
    # The setting that switches it; without one it is always enabled.
    preference: str | None = None
    work: Work | None = None
    # A database task holds all connections while it runs.
    locks_database: bool = False
