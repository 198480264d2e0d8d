"""What answers of a server may say in public: nothing of what people watch."""

from collections.abc import Iterable, Mapping
import json
from typing import Any, Final

REDACTED: Final = "**REDACTED**"

# Butler's own rows are what is to be learned; others name libraries and films.
_OPEN_TYPES: Final = frozenset({"butler"})
_PRIVATE: Final = frozenset({"title", "subtitle", "Context", "Response", "userID"})


def redact_answer(payload: object) -> Any:
    """Return an answer or a notification without the names that its activities hold."""
    match payload:
        case {"type": str(kind), **row} if "progress" in row or "uuid" in row:
            return {"type": kind} | {
                key: REDACTED if key in _PRIVATE and kind not in _OPEN_TYPES else value
                for key, value in row.items()
            }
        case Mapping():
            return {key: redact_answer(value) for key, value in payload.items()}
        case list():
            return [redact_answer(item) for item in payload]
    return payload


def redact_frames(frames: Iterable[bytes]) -> list[Any]:
    """Return notifications, decoded and without names."""
    return [redact_answer(json.loads(frame)) for frame in frames]
