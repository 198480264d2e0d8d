"""Who is watching."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from .frames import Frame, playing_frame


class PlayState(StrEnum):
    """What a player does; STOPPED is only pushed, never listed."""

    PLAYING = "playing"
    PAUSED = "paused"
    BUFFERING = "buffering"
    STOPPED = "stopped"


@dataclass(frozen=True, kw_only=True)
class Session:
    """A stream."""

    key: str
    rating_key: str
    title: str
    state: PlayState
    offset: int = 0

    def as_dict(self) -> dict[str, Any]:
        """Return the element that the server sends."""
        return {
            "sessionKey": self.key,
            "ratingKey": self.rating_key,
            "key": f"/library/metadata/{self.rating_key}",
            "type": "movie",
            "title": self.title,
            "duration": 5_400_000,
            "viewOffset": self.offset,
            "Player": self._player(),
            "User": {"id": "1", "title": "Robin"},
            "Session": {
                "id": f"session-{self.key}",
                "bandwidth": 6000,
                "location": "lan",
            },
        }

    def frame(self) -> Frame:
        """Return what is pushed about it."""
        return playing_frame(self.key, self.rating_key, str(self.state), self.offset)

    def _player(self) -> dict[str, Any]:
        return {
            "machineIdentifier": f"player-{self.key}",
            "product": "Plex for Testing",
            "state": str(self.state),
            "title": "Living room",
            "local": True,
        }


class Sessions:
    """The streams that are open."""

    def __init__(self, publish: Callable[[Frame], None]) -> None:
        """Begin with nobody watching."""
        self._sessions: dict[str, Session] = {}
        self._publish = publish
        self._count = 0

    def all(self) -> list[Session]:
        """Return the open streams."""
        return list(self._sessions.values())

    def play(
        self, title: str = "The Tin Orchard", state: PlayState = PlayState.PLAYING
    ) -> str:
        """Open a stream; returns its key."""
        self._count += 1
        key = str(self._count)
        rating_key = str(4000 + self._count)
        self._put(Session(key=key, rating_key=rating_key, title=title, state=state))
        return key

    def change(self, key: str, state: PlayState) -> None:
        """Pause, go on, or close a stream."""
        self._put(replace(self._sessions[key], state=state))
        if state is PlayState.STOPPED:
            del self._sessions[key]

    def clear(self) -> None:
        """Close all without a word, as a restart does."""
        self._sessions.clear()

    def _put(self, session: Session) -> None:
        self._sessions[session.key] = session
        self._publish(session.frame())
