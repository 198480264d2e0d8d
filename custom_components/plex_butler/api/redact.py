"""Redacts recorded answers, notifications and log lines: what is listed here may stay.

The activities of others name films, libraries and people, and servers get new fields
with every version. So no text is left but Butler's own, and the words for kinds.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
import re
from typing import Any, Final
from urllib.parse import unquote

from . import BUTLER, LoggedRequest, LoggedSubActivity, PlexResponseError
from .client import Recorded
from .models import MAX_TEXT, decode, get_text

REDACTED: Final = "**REDACTED**"

# What is left of an answer, and of an object that stands under a key; other fields of
# Butler's own are named, without what they hold.
_FIELDS: Final = {
    "": frozenset({"ButlerTasks", "MediaContainer", "NotificationContainer"}),
    "ButlerTasks": frozenset({"ButlerTask"}),
    "MediaContainer": frozenset({"Activity"}),
    "NotificationContainer": frozenset({"ActivityNotification", "type"}),
    "ButlerTask": frozenset(
        {"name", "title", "description", "interval", "scheduleRandomized", "enabled"}
    ),
    "ActivityNotification": frozenset({"event", "uuid", "Activity"}),
    "Activity": frozenset({"type", "uuid", "progress", "cancellable"}),
}
# Whole sentences are only left in these, if they are left at all.
_TEXTS: Final = frozenset({"name", "title", "subtitle", "description"})
# A kind, an identity, or a number that is sent as a text.
_WORD: Final = re.compile(r"[\w.:-]{1,64}", re.ASCII)


def redact_answer(found: object, key: str = "") -> Any:
    """Return what may be left of an answer, or of what stands in it under a key."""
    match found:
        case list() if key in _FIELDS:
            return [redact_answer(item, key) for item in found]
        case Mapping() if fields := _FIELDS.get(key):
            left = {}
            if key == "Activity" and get_text(found, "type").casefold() == BUTLER:
                fields |= {"title", "subtitle"}
            if "title" in fields:
                left = {it: REDACTED for it in found if _WORD.fullmatch(it)}
            return left | {
                it: redact_answer(found[it], it) for it in found if it in fields
            }
        case str() if key in _TEXTS:
            return found[:MAX_TEXT]
        case str() if key not in _FIELDS and _WORD.fullmatch(found):
            return found
        case int() | float() | None if key not in _FIELDS:
            return found
    return REDACTED


def redact_frame(frame: bytes) -> Any:
    """Return a notification, decoded; of most kinds only the kind is left."""
    try:
        return redact_answer(decode(frame))
    except PlexResponseError:
        return REDACTED


def redact_record(
    record: Sequence[Recorded], names: Iterable[str]
) -> list[dict[str, Any]]:
    """Return what happened, as `--replay` plays it; of names, those of tasks stay."""
    known = {name.casefold() for name in names}
    return [
        {"at": round(at - record[0][0], 3), kind: _redact_event(what, known)}
        for at, kind, what in record
    ]


def _redact_event(what: object, known: set[str]) -> Any:
    match what:
        case bytes():
            return redact_frame(what)
        case LoggedSubActivity(title=str(name)) if name.casefold() not in known:
            return str(replace(what, title=REDACTED))
        case LoggedRequest(task=str(name)) if name.casefold() not in known:
            return str(replace(what, task=REDACTED))
        # A command of ours, of which only a task's name is not ours.
        case str() if name := what.partition("/butler/")[2]:
            return what if unquote(name).casefold() in known else REDACTED
        case str() | LoggedSubActivity() | LoggedRequest():
            return str(what)
    return redact_answer(what)
