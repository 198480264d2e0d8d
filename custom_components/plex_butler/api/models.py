"""What a Plex Media Server says, as frozen data, and the decoding of all answers.

The server mixes types between versions and endpoints (`1`, `"1"`, `true`), leaves out
empty lists and adds fields at will, so everything is decoded leniently; the absence of
what cannot do without is a `PlexResponseError`. A byte, a character or a number that
cannot be spoils only the value that holds it, and whatever leaves `loads` can be
stored, shown and sent on: it is clean, and bounded in all ways.
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
    # The values that the server offers, as it writes them, each with its label
    options: tuple[tuple[str, str], ...] = ()


class StartResult(StrEnum):
    """What the server made of a wish to start a task."""

    STARTED = "started"
    ALREADY_RUNNING = "already_running"


class StopResult(StrEnum):
    """What the server made of a wish to stop a task."""

    STOPPED = "stopped"
    NOT_RUNNING = "not_running"


def parse_butler_tasks(payload: object) -> tuple[ButlerTask, ...]:
    """Return the tasks in the server's order, but none that no request can name."""
    tasks: dict[str, ButlerTask] = {}
    for item in objects(_container(payload, "ButlerTasks").get("ButlerTask")):
        if (task := name(item, "name")) and task not in tasks:
            tasks[task] = ButlerTask(
                name=task,
                title=text(item, "title") or task,
                description=text(item, "description", MAX_LONG_TEXT),
                # No task waits for a century.
                interval=number(item, "interval", 36_500),
                schedule_randomized=flag(item, "scheduleRandomized"),
                enabled=flag(item, "enabled", default=True),
            )
    if not tasks:
        raise PlexResponseError("The list of Butler tasks names no task")
    return tuple(tasks.values())


def parse_activities(payload: object) -> tuple[Activity, ...]:
    """Return what the server is doing; no list at all means nothing."""
    rows = objects(_container(payload, "MediaContainer").get("Activity"))
    return tuple(map(parse_activity, rows))


def parse_activity(item: Json) -> Activity:
    """Return one activity, as a list or a notification shows it."""
    progress = number(item, "progress", most=100)
    return Activity(
        uuid=text(item, "uuid"),
        type=text(item, "type"),
        title=text(item, "title"),
        subtitle=text(item, "subtitle"),
        progress=-1 if progress is None else progress,
    )


def parse_server(payload: object) -> Server:
    """Return the server's identity, and its name if the answer has one."""
    found = _container(payload, "MediaContainer")
    machine, version = name(found, "machineIdentifier"), name(found, "version")
    if not (machine and version):
        raise PlexResponseError("The answer does not say which server it is")
    return Server(
        machine_identifier=machine,
        version=version,
        claimed=flag(found, "claimed", default=True),
        name=text(found, "friendlyName"),
    )


def parse_preferences(payload: object) -> tuple[Preference, ...]:
    """Return the server's settings; those without a simple value are skipped."""
    items = objects(_container(payload, "MediaContainer").get("Setting"))
    preferences = tuple(filter(None, map(parse_preference, items)))
    if not preferences:
        raise PlexResponseError("The list of settings names no setting")
    return preferences


def parse_preference(item: Json) -> Preference | None:
    """Return one setting, as a list or a notification shows it."""
    setting, kind = name(item, "id"), text(item, "type").lower()
    value = item.get("value")
    if not setting or not isinstance(value, bool | int | float | str):
        return None
    match kind:
        case "bool":
            value = flag(item, "value")
        case "int" | "double":
            with suppress(ValueError, OverflowError):
                found = int(value) if kind == "int" else float(value)
                # Neither is there a setting so large, nor does "nan" compare.
                value = found if abs(found) < 10**MAX_DIGITS else value
        case "text":
            value = str(value)
    # Labels of hours hold something that only looks like a colon, or a real one.
    listed = text(item, "enumValues", MAX_LONG_TEXT).split("|")
    options = (option.partition(":") for option in listed if option)
    return Preference(
        id=setting,
        value=value,
        type=kind,
        label=text(item, "label"),
        options=tuple((it.strip(), label.strip()) for it, _, label in options),
    )


def loads(body: bytes) -> object:
    """Return what JSON says, clean and bounded, or raise PlexResponseError."""
    try:
        found = _DECODER.decode(body.decode("utf-8-sig", "replace"))
    except (ValueError, RecursionError) as err:
        raise PlexResponseError("The answer is not JSON") from err
    return _clean(found, MAX_DEPTH)


def objects(found: object) -> Iterator[Json]:
    """Yield the objects of a list; an object alone is a list of one."""
    for item in found if isinstance(found, list) else (found,):
        if isinstance(item, Mapping):
            yield item


def text(item: Json, key: str, most: int = MAX_TEXT) -> str:
    """Return a text of so many characters at most, a number as one, or nothing."""
    found = item.get(key)
    if isinstance(found, int) and not isinstance(found, bool):
        found = str(found)
    return found[:most].strip() if isinstance(found, str) else ""


def name(item: Json, key: str) -> str:
    """Return a text by which the server knows something, or nothing if it is none."""
    # What is cut or cleaned is another name, perhaps that of something else, and
    # proxies take dots for a way to somewhere else.
    found = text(item, key, MAX_LONG_TEXT)
    if len(found) > MAX_TEXT or REPLACEMENT in found or found in {".", ".."}:
        return ""
    return found


def number(item: Json, key: str, most: int) -> int | None:
    """Return a whole number from 0 to `most`, or None where there is none."""
    value = item.get(key)
    if isinstance(value, int | float | str) and not isinstance(value, bool):
        with suppress(ValueError, OverflowError):
            if 0 <= (found := int(float(value))) <= most:
                return found
    return None


def flag(item: Json, key: str, *, default: bool = False) -> bool:
    """Return whether something is so."""
    match item.get(key):
        case int(found):
            return found != 0
        case str(found) if found:
            return found.strip().lower() not in {"0", "false", "no"}
    return default


def clean_text(value: str) -> str:
    """Return a text without what no text should hold."""
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
