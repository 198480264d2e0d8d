"""What answers and notifications of a server may say in public: what is listed here.

The activities of others name films, libraries and people, and servers get new fields
with every version. So no text is left but Butler's own, and the words for kinds.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
import re
from typing import Any, Final
from urllib.parse import unquote

from . import BUTLER, LoggedBegin, LoggedEnd, LoggedRequest, PlexResponseError, Recorded
from .decode import MAX_TEXT, Json, loads, text

REDACTED: Final = "**REDACTED**"

_TASK: Final = frozenset(
    {"name", "title", "description", "interval", "scheduleRandomized", "enabled"}
)
_ROW: Final = frozenset({"type", "uuid", "progress", "cancellable"})
_OWN_ROW: Final = _ROW | {"title", "subtitle"}
_NOTIFICATION: Final = frozenset({"event", "uuid"})
# Whole sentences are only left in these, if they are left at all.
_TEXTS: Final = frozenset({"name", "title", "subtitle", "description"})
# A kind, an identity, or a number that is sent as a text.
_WORD: Final = re.compile(r"[\w.:-]{1,64}", re.ASCII)


def redact_answer(answer: object) -> Any:
    """Return an answer of /butler or /activities, without what others do."""
    match answer:
        case {"ButlerTasks": {"ButlerTask": tasks}}:
            return {"ButlerTasks": {"ButlerTask": _redact_each(tasks, _redact_task)}}
        case {"MediaContainer": {"Activity": rows}}:
            return {"MediaContainer": {"Activity": _redact_each(rows, _redact_row)}}
        case {"MediaContainer": {}}:
            return {"MediaContainer": {}}
    return REDACTED


def redact_frame(frame: bytes) -> Any:
    """Return a notification, decoded; of most kinds only the kind is left."""
    try:
        payload = loads(frame)
    except PlexResponseError:
        return REDACTED
    match payload:
        case {"NotificationContainer": {"ActivityNotification": items}}:
            redacted = _redact_each(items, _redact_notification)
            return {"NotificationContainer": {"ActivityNotification": redacted}}
        case {"NotificationContainer": {"type": kind}}:
            return {"NotificationContainer": {"type": _shown("type", kind)}}
    return REDACTED


def redact_record(
    record: Iterable[Recorded], names: Iterable[str]
) -> list[dict[str, Any]]:
    """Return what happened, each with the second it came, as `--replay` plays it.

    `names` are those of tasks, and their titles: no others are left in lines of the log.
    """
    events = list(record)
    known = {name.casefold() for name in names}
    return [
        {
            "at": round(it.at - events[0].at, 3),
            it.kind: _redact_event(it.what, known),
        }
        for it in events
    ]


def _redact_event(what: object, known: set[str]) -> Any:
    match what:
        case bytes():
            return redact_frame(what)
        case LoggedBegin() if what.title.casefold() not in known:
            return str(replace(what, title=REDACTED))
        case LoggedRequest() if what.task and what.task.casefold() not in known:
            return str(replace(what, task=REDACTED))
        case LoggedBegin() | LoggedEnd() | LoggedRequest():
            return str(what)
        # A command of ours, of which only a task's name is not ours.
        case str() if name := what.partition("/butler/")[2]:
            return what if unquote(name).casefold() in known else REDACTED
        case str():
            return what
    return redact_answer(what)


def _redact_each(items: object, redact: Callable[[Json], Any]) -> Any:
    match items:
        case list():
            return [_redact_each(item, redact) for item in items]
        case Mapping():
            return redact(items)
    return REDACTED


def _redact_notification(item: Json) -> Any:
    row = _redact_each(item.get("Activity"), _redact_row)
    return {**_listed(item, _NOTIFICATION), "Activity": row}


def _redact_row(row: Json) -> Any:
    if text(row, "type").casefold() == BUTLER:
        return _named(row) | _listed(row, _OWN_ROW)
    return _listed(row, _ROW)


def _redact_task(task: Json) -> Any:
    return _named(task) | _listed(task, _TASK)


def _named(item: Json) -> dict[str, Any]:
    """Return which fields there are: a new one of Butler's would tell a lot."""
    return {key: REDACTED for key in item if _WORD.fullmatch(key)}


def _listed(item: Json, fields: frozenset[str]) -> dict[str, Any]:
    return {key: _shown(key, item[key]) for key in item if key in fields}


def _shown(key: str, value: object) -> Any:
    match value:
        case str() if key in _TEXTS:
            return value[:MAX_TEXT]
        case str() if not _WORD.fullmatch(value):
            return REDACTED
        case str() | int() | float() | None:
            return value
    return REDACTED
