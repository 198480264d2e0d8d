"""A server without sockets, for tests of the rules alone."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from typing import Any

from tests.simulator import (
    PROFILES,
    Frame,
    ManualClock,
    Profile,
    ServerState,
    TaskSpec,
    TaskState,
    draw_profile,
)

DAY = 86_400.0
HOUR = 3_600.0
NIGHT = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)


PLAIN = TaskSpec(name="Plain", title="Plain", description="", seconds=100)
OTHER = TaskSpec(name="Other", title="Other", description="", seconds=50, interval=3)
RANDOM = TaskSpec(name="Random", title="Random", description="", randomized=True)
SMALL = Profile(name="small", tasks=(PLAIN, OTHER, RANDOM))


class Rules:
    """A state, the clock that moves it, and the frames that it sent."""

    def __init__(
        self,
        profile: str | Profile = "current",
        *,
        start: datetime | None = None,
        zone: tzinfo = UTC,
        window: tuple[int, int] | None = None,
        seed: int = 0,
        **traits: Any,
    ) -> None:
        """Build a server, at noon by default."""
        if isinstance(profile, str):
            profile = PROFILES[profile]
        self.clock = ManualClock() if start is None else ManualClock(start)
        self.state = ServerState(
            profile.with_traits(**traits),
            clock=self.clock,
            zone=zone,
            seed=seed,
            name="Attic",
            window=window,
        )
        self.butler = self.state.butler
        self.frames: list[Frame] = []
        self.state.listeners.append(self.frames.append)

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.clock.move_to(self.clock.now() + seconds)
        self.state.catch_up()

    def advance_to_hour(self, hour: int) -> None:
        """Let time pass until the clock of a server in UTC shows that hour."""
        now = self.clock.now()
        self.advance((hour * HOUR - now % DAY) % DAY)

    def in_state(self, state: TaskState) -> set[str]:
        """Return the names of all tasks in a state."""
        return {name for name, has in self.butler.truth().items() if has is state}

    @property
    def running(self) -> set[str]:
        """Return the names of the tasks that run."""
        return self.in_state(TaskState.RUNNING)

    @property
    def queued(self) -> set[str]:
        """Return the names of the tasks that are queued."""
        return self.in_state(TaskState.QUEUED)

    def rows(self, kind: str = "butler") -> list[tuple[str, str, int]]:
        """Return title, subtitle and progress of the rows of a type."""
        return [
            (row.title, row.subtitle, row.progress)
            for row in self.state.board.rows.values()
            if row.type == kind
        ]

    def pushed(self, kind: str = "butler") -> list[str]:
        """Return the events that were pushed about rows of a type."""
        return [
            element["event"]
            for frame in self.frames
            if frame.type == "activity"
            for element in frame.elements
            if element["Activity"]["type"] == kind
        ]


def drawn(seed: int) -> Rules:
    """Return a server of which the seed chose everything, shortly before its night."""
    return Rules(draw_profile(seed), start=NIGHT.replace(hour=1), seed=seed)
