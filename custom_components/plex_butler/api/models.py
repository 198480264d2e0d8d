"""What a Plex Media Server says, as frozen data.

The server mixes types between versions and endpoints (`1`, `"1"`, `true`), leaves out
empty lists and adds fields at will, so everything is decoded leniently, here and only
here; what cannot do without is checked, and its absence is a `PlexResponseError`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from .exceptions import PlexResponseError

UNKNOWN_PROGRESS: Final = -1

type Json = Mapping[str, object]


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


@dataclass(frozen=True, kw_only=True, slots=True)
class Preference:
    """One of the server's settings; the type of its value is the server's choice."""

    id: str
    value: bool | int | float | str


def parse_butler_tasks(payload: object) -> tuple[ButlerTask, ...]:
    """Return the tasks in the server's order, each name once."""
    tasks: dict[str, ButlerTask] = {}
    for item in _items(payload, "ButlerTasks", "ButlerTask"):
        if name := _text(item, "name"):
            tasks.setdefault(name, _butler_task(name, item))
    if not tasks:
        raise PlexResponseError("The list of Butler tasks names no task")
    return tuple(tasks.values())


def parse_activities(payload: object) -> tuple[Activity, ...]:
    """Return what the server is doing; no list at all means nothing."""
    return tuple(
        parse_activity(item) for item in _items(payload, "MediaContainer", "Activity")
    )


def parse_activity(item: Json) -> Activity:
    """Return one activity, as a list or a notification shows it."""
    progress = _number(item, "progress")
    return Activity(
        uuid=_text(item, "uuid"),
        type=_text(item, "type"),
        title=_text(item, "title"),
        subtitle=_text(item, "subtitle"),
        progress=UNKNOWN_PROGRESS if progress is None else progress,
    )


def parse_identity(payload: object) -> Identity:
    """Return the server's public identity."""
    container = _container(payload, "MediaContainer")
    return Identity(
        machine_identifier=_required(container, "machineIdentifier"),
        version=_required(container, "version"),
        claimed=_flag(container, "claimed", default=True),
    )


def parse_server(payload: object) -> Server:
    """Return the server's identity and name."""
    container = _container(payload, "MediaContainer")
    return Server(
        machine_identifier=_required(container, "machineIdentifier"),
        version=_required(container, "version"),
        name=_text(container, "friendlyName"),
    )


def parse_preferences(payload: object) -> tuple[Preference, ...]:
    """Return the server's settings; those without a simple value are skipped."""
    return tuple(
        Preference(id=name, value=value)
        for item in _items(payload, "MediaContainer", "Setting")
        if (name := _text(item, "id"))
        and isinstance(value := item.get("value"), bool | int | float | str)
    )


def _butler_task(name: str, item: Json) -> ButlerTask:
    return ButlerTask(
        name=name,
        title=_text(item, "title") or name,
        description=_text(item, "description"),
        interval=_number(item, "interval"),
        schedule_randomized=_flag(item, "scheduleRandomized", default=False),
        enabled=_flag(item, "enabled", default=True),
    )


def _container(payload: object, key: str) -> Json:
    match payload:
        case {**top} if isinstance(container := top.get(key), Mapping):
            return container
    raise PlexResponseError(f"The answer has no {key}")


def _items(payload: object, container: str, key: str) -> Iterator[Json]:
    match _container(payload, container).get(key):
        case list(items):
            yield from (item for item in items if isinstance(item, Mapping))
        case Mapping() as item:
            yield item


def _required(item: Json, key: str) -> str:
    if text := _text(item, key):
        return text
    raise PlexResponseError(f"The answer has no {key}")


def _text(item: Json, key: str) -> str:
    match item.get(key):
        case str(text):
            return text.strip()
        case bool() | None:
            return ""
        case int(number):
            return str(number)
    return ""


def _number(item: Json, key: str) -> int | None:
    match item.get(key):
        case int() | float() | str() as value:
            try:
                return int(float(value))
            except ValueError, OverflowError:
                return None
    return None


def _flag(item: Json, key: str, *, default: bool) -> bool:
    match item.get(key):
        case bool(flag):
            return flag
        case int(number):
            return number != 0
        case str(text) if text:
            return text.strip().lower() not in {"0", "false", "no"}
    return default
