"""What answers of a server may say in public: nothing of what people watch."""

from collections.abc import Mapping
import json
from typing import Any, Final

REDACTED: Final = "**REDACTED**"

# Butler's own rows are what is to be learned; others name libraries and films.
_OPEN_TYPES: Final = frozenset({"butler"})
# What says which kind of thing something is.
_KINDS: Final = frozenset({"type", "event", "notificationName"})
_OPEN_WORDS: Final = ("butler", "database")
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


def redact_frame(frame: bytes) -> Any:
    """Return a notification of any kind, decoded, without names.

    Kinds that are not known keep only what speaks of Butler or of the database.
    """
    try:
        return _redact_payload(json.loads(frame))
    except ValueError, RecursionError:
        # A frame that was no good for anything else may still be kept.
        return REDACTED


def _redact_payload(payload: object) -> Any:
    match payload:
        case {"NotificationContainer": {"ActivityNotification": _}}:
            return redact_answer(payload)
    return _redact_texts(payload)


def _redact_texts(payload: object) -> Any:
    match payload:
        case Mapping():
            return {
                key: value if key in _KINDS else _redact_texts(value)
                for key, value in payload.items()
            }
        case list():
            return [_redact_texts(item) for item in payload]
        case str(text) if not any(word in text.lower() for word in _OPEN_WORDS):
            return REDACTED
    return payload
