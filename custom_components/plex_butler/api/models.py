"""What a Plex Media Server says, as frozen data, and the decoding of all answers.

The server mixes types between versions and endpoints (`1`, `"1"`, `true`), leaves out
empty lists and adds fields at will, so everything is decoded leniently; that a field is
missing which is needed is a `PlexResponseError`. An invalid byte, character or number
spoils only its own value, and whatever leaves `decode` can be stored, shown and sent
on: it is clean, and bounded in all ways.
"""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
import json
from math import isfinite
import re
from typing import Final

from .transport import PlexResponseError

type Json = Mapping[str, object]
type PreferenceValue = bool | int | float | str

# The type of Butler's own activities
BUTLER: Final = "butler"

# Stands for what is no character, as it does where bytes are decoded.
REPLACEMENT: Final = "\ufffd"
# Names and titles: states and the names of entities end here as well.
MAX_TEXT: Final = 255
# Any text; the longest that is known are the options of a setting, at 290.
MAX_LONG_TEXT: Final = 4096
# The longest list that is known is that of the settings, at 155.
MAX_ITEMS: Final = 1000
# The deepest thing that is read is an activity of a notification, at 4.
MAX_DEPTH: Final = 16
# Numbers of more digits have no place in JSON that others write, and need not be exact.
MAX_DIGITS: Final = 15

_SPACES: Final = re.compile(r"[\t-\r\x85\u2028\u2029]+")
# Other control characters, halves of characters, and what turns the direction of text.
_NO_TEXT: Final = re.compile(
    r"[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069]"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class ButlerTask:
    """A task of Butler's; `interval` is in days, `None` where the server is silent."""

    name: str
    title: str
    description: str
    interval: int | None
    schedule_randomized: bool
    enabled: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Activity:
    """Work that the server shows; `progress` is in percent, -1 where it is unknown."""

    uuid: str
    type: str
    title: str
    subtitle: str
    progress: int

    @property
    def is_butler(self) -> bool:
        """Return True for an activity of Butler's own."""
        return self.type.casefold() == BUTLER


@dataclass(frozen=True, kw_only=True, slots=True)
class Server:
    """Which server this is; it tells its users alone the name, which can be empty."""

    machine_identifier: str
    version: str
    claimed: bool
    name: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Preference:
    """One of the server's settings; a value that does not fit the type is as sent."""

    id: str
    value: PreferenceValue
    # "bool", "int", "double" or "text"
    type: str = ""
    label: str = ""
    # The values that the server offers, as it writes them
    options: tuple[str, ...] = ()


class StartResult(StrEnum):
    """What the server made of a wish to start a task."""

    STARTED = "started"
    ALREADY_RUNNING = "already_running"


class StopResult(StrEnum):
    """What the server made of a wish to stop a task."""

    STOPPED = "stopped"
    NOT_RUNNING = "not_running"


def parse_butler_tasks(payload: object) -> tuple[ButlerTask, ...]:
    """Return the tasks in the server's order, without those that no URL can name."""
    tasks: dict[str, ButlerTask] = {}
    for item in iter_objects(_container(payload, "ButlerTasks").get("ButlerTask")):
        if (task := get_name(item, "name")) and task not in tasks:
            tasks[task] = ButlerTask(
                name=task,
                title=get_text(item, "title") or task,
                description=get_text(item, "description", MAX_LONG_TEXT),
                # No task waits for a century.
                interval=get_number(item, "interval", 36_500),
                schedule_randomized=get_flag(item, "scheduleRandomized"),
                enabled=get_flag(item, "enabled", default=True),
            )
    if not tasks:
        raise PlexResponseError("The list of Butler tasks names no task")
    return tuple(tasks.values())


def parse_activities(payload: object) -> tuple[Activity, ...]:
    """Return what the server is doing; no list at all means nothing."""
    rows = iter_objects(_container(payload, "MediaContainer").get("Activity"))
    return tuple(map(parse_activity, rows))


def parse_activity(item: Json) -> Activity:
    """Return one activity, as a list or a notification shows it."""
    progress = get_number(item, "progress", maximum=100)
    return Activity(
        uuid=get_text(item, "uuid"),
        type=get_text(item, "type"),
        title=get_text(item, "title"),
        subtitle=get_text(item, "subtitle"),
        progress=-1 if progress is None else progress,
    )


def parse_server(payload: object) -> Server:
    """Return the server's identity, and its name if the answer has one."""
    found = _container(payload, "MediaContainer")
    machine, version = get_name(found, "machineIdentifier"), get_name(found, "version")
    if not (machine and version):
        raise PlexResponseError("The answer does not say which server it is")
    return Server(
        machine_identifier=machine,
        version=version,
        claimed=get_flag(found, "claimed", default=True),
        name=get_text(found, "friendlyName"),
    )


def parse_preferences(payload: object) -> tuple[Preference, ...]:
    """Return the server's settings; those without a simple value are skipped."""
    items = iter_objects(_container(payload, "MediaContainer").get("Setting"))
    preferences = tuple(filter(None, map(parse_preference, items)))
    if not preferences:
        raise PlexResponseError("The list of settings names no setting")
    return preferences


def parse_preference(item: Json) -> Preference | None:
    """Return one setting, as a list or a notification shows it."""
    setting, kind = get_name(item, "id"), get_text(item, "type").lower()
    value = item.get("value")
    if not setting or not isinstance(value, bool | int | float | str):
        return None
    match kind:
        case "bool":
            value = get_flag(item, "value")
        case "int" | "double":
            with suppress(ValueError, OverflowError):
                found = int(value) if kind == "int" else float(value)
                # No setting is so large, and "nan" fails the comparison.
                value = found if abs(found) < 10**MAX_DIGITS else value
        case "text":
            value = str(value)
    # Each is followed by a colon and its label, which may hold another colon.
    listed = get_text(item, "enumValues", MAX_LONG_TEXT).split("|")
    return Preference(
        id=setting,
        value=value,
        type=kind,
        label=get_text(item, "label"),
        options=tuple(it.partition(":")[0].strip() for it in listed if it),
    )


def decode(body: bytes) -> object:
    """Return what JSON says, clean and bounded, or raise PlexResponseError."""
    try:
        found = _DECODER.decode(body.decode("utf-8-sig", "replace"))
    except (ValueError, RecursionError) as err:
        raise PlexResponseError("The answer is not JSON") from err
    return _clean(found, MAX_DEPTH)


def iter_objects(found: object) -> Iterator[Json]:
    """Yield the objects of a list; an object alone is a list of one."""
    for item in found if isinstance(found, list) else (found,):
        if isinstance(item, Mapping):
            yield item


def get_text(item: Json, key: str, maximum: int = MAX_TEXT) -> str:
    """Return a text of so many characters at most, a number as one, or nothing."""
    found = item.get(key)
    if isinstance(found, int) and not isinstance(found, bool):
        found = str(found)
    return found[:maximum].strip() if isinstance(found, str) else ""


def get_name(item: Json, key: str) -> str:
    """Return a text by which the server knows something, or nothing if it is none."""
    # What is cut or cleaned is another name, perhaps that of something else, and
    # proxies take dots for a way to somewhere else.
    found = get_text(item, key, MAX_LONG_TEXT)
    if len(found) > MAX_TEXT or REPLACEMENT in found or found in {".", ".."}:
        return ""
    return found


def get_number(item: Json, key: str, maximum: int) -> int | None:
    """Return a whole number from 0 to `maximum`, or None where there is none."""
    value = item.get(key)
    if isinstance(value, int | float | str) and not isinstance(value, bool):
        with suppress(ValueError, OverflowError):
            if 0 <= (found := int(float(value))) <= maximum:
                return found
    return None


def get_flag(item: Json, key: str, *, default: bool = False) -> bool:
    """Return a field as a bool."""
    match item.get(key):
        case int(found):
            return found != 0
        case str(found) if found:
            return found.strip().lower() not in {"0", "false", "no"}
    return default


def clean_text(value: str) -> str:
    """Return a text, cut and without control characters."""
    value = value[:MAX_LONG_TEXT]
    if not value.isprintable():
        value = _NO_TEXT.sub(REPLACEMENT, _SPACES.sub(" ", value))
    return value.strip()


def _container(payload: object, key: str) -> Json:
    """Return the object that an answer holds under its one key."""
    match payload:
        case {**top} if isinstance(found := top.get(key), Mapping):
            return found
    raise PlexResponseError(f"The answer has no {key}")


def _clean(value: object, depth: int) -> object:
    match value:
        case str():
            return clean_text(value)
        case list():
            return [_clean(item, depth - 1) for item in value[:MAX_ITEMS] if depth]
        case dict():
            items = islice(value.items(), MAX_ITEMS if depth else 0)
            return {clean_text(key): _clean(item, depth - 1) for key, item in items}
    return value


def _int(digits: str) -> int | None:
    return int(digits) if len(digits.lstrip("-")) <= MAX_DIGITS else None


def _float(digits: str) -> float | None:
    return found if isfinite(found := float(digits)) else None


# Control characters may stand in texts as they are; what is no number is None.
_DECODER: Final = json.JSONDecoder(
    strict=False, parse_int=_int, parse_float=_float, parse_constant=lambda _: None
)
