"""Who is watching, without what and whom."""

from dataclasses import dataclass
from enum import StrEnum

from .decode import Json, items, text


class PlayState(StrEnum):
    """What a player does."""

    PLAYING = "playing"
    PAUSED = "paused"
    BUFFERING = "buffering"


@dataclass(frozen=True, kw_only=True, slots=True)
class Session:
    """A stream; `state` is None where the server uses a word of its own."""

    key: str
    state: PlayState | None


def parse_sessions(payload: object) -> tuple[Session, ...]:
    """Return the open streams; no list at all means none."""
    return tuple(
        Session(key=text(item, "sessionKey"), state=_state(item))
        for item in items(payload, "MediaContainer", "Metadata")
    )


def _state(item: Json) -> PlayState | None:
    match item:
        case {"Player": {"state": str(state)}} if state in PlayState:
            return PlayState(state)
    return None
