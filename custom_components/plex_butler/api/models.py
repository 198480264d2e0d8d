"""What a Plex Media Server says, as frozen data."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from urllib.parse import quote, urlencode

from .decode import (
    MAX_DIGITS,
    MAX_LONG_TEXT,
    Json,
    container,
    flag,
    items,
    name,
    number,
    required,
    text,
)
from .exceptions import PlexResponseError

UNKNOWN_PROGRESS: Final = -1
# No task waits for a century.
_MAX_DAYS: Final = 36_500

# The type of Butler's own activities
BUTLER: Final = "butler"

type PreferenceValue = bool | int | float | str


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
class Identity:
    """Which server this is, as it tells anybody who asks."""

    machine_identifier: str
    version: str
    claimed: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Server:
    """Which server this is, as it tells its users; the name can be empty."""

    machine_identifier: str
    version: str
    name: str


class StartResult(StrEnum):
    """What the server made of a wish to start a task."""

    STARTED = "started"
    ALREADY_RUNNING = "already_running"


class StopResult(StrEnum):
    """What the server made of a wish to stop a task."""

    STOPPED = "stopped"
    NOT_RUNNING = "not_running"


def parse_butler_tasks(payload: object) -> tuple[ButlerTask, ...]:
    """Return the tasks in the server's order, each name once.

    A task that no request can name is left out.
    """
    tasks: dict[str, ButlerTask] = {}
    for item in items(payload, "ButlerTasks", "ButlerTask"):
        if task := name(item, "name"):
            tasks.setdefault(task, _butler_task(task, item))
    if not tasks:
        raise PlexResponseError("The list of Butler tasks names no task")
    return tuple(tasks.values())


def parse_activities(payload: object) -> tuple[Activity, ...]:
    """Return what the server is doing; no list at all means nothing."""
    return tuple(
        parse_activity(item) for item in items(payload, "MediaContainer", "Activity")
    )


def parse_activity(item: Json) -> Activity:
    """Return one activity, as a list or a notification shows it."""
    progress = number(item, "progress", most=100)
    return Activity(
        uuid=text(item, "uuid"),
        type=text(item, "type"),
        title=text(item, "title"),
        subtitle=text(item, "subtitle"),
        progress=UNKNOWN_PROGRESS if progress is None else progress,
    )


def parse_identity(payload: object) -> Identity:
    """Return the server's public identity."""
    found = container(payload, "MediaContainer")
    return Identity(
        machine_identifier=required(found, "machineIdentifier"),
        version=required(found, "version"),
        claimed=flag(found, "claimed", default=True),
    )


def parse_server(payload: object) -> Server:
    """Return the server's identity and name."""
    found = container(payload, "MediaContainer")
    return Server(
        machine_identifier=required(found, "machineIdentifier"),
        version=required(found, "version"),
        name=text(found, "friendlyName"),
    )


def _butler_task(task: str, item: Json) -> ButlerTask:
    return ButlerTask(
        name=task,
        title=text(item, "title") or task,
        description=text(item, "description", MAX_LONG_TEXT),
        interval=number(item, "interval", _MAX_DAYS),
        schedule_randomized=flag(item, "scheduleRandomized", default=False),
        enabled=flag(item, "enabled", default=True),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Preference:
    """One of the server's settings.

    `type` is `bool`, `int`, `double` or `text`, and so is the value;
    what does not fit its type is left as it was sent. `options` are the values that
    the server offers, in its order and as it writes them, each with its label.
    """

    id: str
    value: PreferenceValue
    type: str = ""
    label: str = ""
    options: tuple[tuple[str, str], ...] = ()


def parse_preferences(payload: object) -> tuple[Preference, ...]:
    """Return the server's settings; those without a simple value are skipped."""
    found = map(parse_preference, items(payload, "MediaContainer", "Setting"))
    preferences = tuple(preference for preference in found if preference)
    if not preferences:
        raise PlexResponseError("The list of settings names no setting")
    return preferences


def parse_preference(item: Json) -> Preference | None:
    """Return one setting, as a list or a notification shows it."""
    setting, kind = name(item, "id"), text(item, "type").lower()
    value = _value(item, kind)
    if not setting or value is None:
        return None
    return Preference(
        id=setting,
        value=value,
        type=kind,
        label=text(item, "label"),
        options=_options(text(item, "enumValues", MAX_LONG_TEXT)),
    )


def query_of(values: Mapping[str, PreferenceValue]) -> str:
    """Return settings the way they are written: booleans are `1` and `0`."""
    written = {
        name: int(value) if isinstance(value, bool) else value
        for name, value in values.items()
    }
    return urlencode(written, quote_via=quote, errors="replace")


def _value(item: Json, kind: str) -> PreferenceValue | None:
    value = item.get("value")
    if not isinstance(value, bool | int | float | str):
        return None
    match kind:
        case "bool":
            return flag(item, "value", default=False)
        case "int":
            return _number(value, int)
        case "double":
            return _number(value, float)
        case "text":
            return str(value)
    return value


def _number(
    value: PreferenceValue, convert: Callable[[PreferenceValue], int | float]
) -> PreferenceValue:
    try:
        found = convert(value)
    except ValueError, OverflowError:
        return value
    # Neither is there a setting so large, nor does "nan" compare.
    return found if abs(found) < 10**MAX_DIGITS else value


def _options(listed: str) -> tuple[tuple[str, str], ...]:
    # Labels of hours hold something that only looks like a colon, or a real one.
    parts = (option.partition(":") for option in listed.split("|") if option)
    return tuple((value.strip(), label.strip()) for value, _, label in parts)
