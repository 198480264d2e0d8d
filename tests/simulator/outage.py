"""The time after a restart in which the server is not there, or not ready."""

from __future__ import annotations

from enum import StrEnum

from .timeline import Timeline


class Absence(StrEnum):
    """What a client meets while a server is not there."""

    REFUSED = "refused"
    # The connection is accepted and closed without an answer.
    HANG_UP = "hang-up"
    RESET = "reset"
    # No route leads there.
    UNREACHABLE = "unreachable"


class Outage:
    """First nothing is answered, then everything with 503."""

    def __init__(self, timeline: Timeline) -> None:
        """Be there and ready."""
        self.how = Absence.REFUSED
        self._timeline = timeline
        self._refusing_until = timeline.now
        self._starting_until = timeline.now

    @property
    def refusing(self) -> bool:
        """Return if no request is answered."""
        return self._timeline.now < self._refusing_until

    @property
    def deaf(self) -> bool:
        """Return if no connection is accepted."""
        return self.refusing and self.how is Absence.REFUSED

    @property
    def starting(self) -> bool:
        """Return if the answer to everything is 503."""
        return self._timeline.now < self._starting_until

    def begin(self, refused_for: float, maintenance_for: float, how: Absence) -> None:
        """Go away for so many simulated seconds, and take so many more to be ready."""
        self.how = how
        self._refusing_until = self._timeline.now + refused_for
        self._starting_until = self._refusing_until + maintenance_for
        # Nothing happens at these moments; they only have to be stopped at.
        self._timeline.at(self._refusing_until, _nothing)
        self._timeline.at(self._starting_until, _nothing)


def _nothing() -> None:
    pass
