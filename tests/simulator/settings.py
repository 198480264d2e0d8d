"""The settings that a simulated server has."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from .preferences import Kind, Setting, Value
from .task_spec import TaskSpec

START_HOUR = "ButlerStartHour"
END_HOUR = "ButlerEndHour"
FRIENDLY_NAME = "FriendlyName"
NEVER = "never"

# Real labels hold U+A789, which only looks like a colon.
_NEW_HOURS = "|".join(f"{hour}:{hour}\ua78900" for hour in range(24))
_OLD_NAMES = {0: "Midnight", 12: "Noon"}
_OLD_HOURS = "|".join(
    f"{hour}:{_OLD_NAMES.get(hour, f'{hour % 12} {"am" if hour < 12 else "pm"}')}"
    for hour in range(24)
)
_BEHAVIORS = (
    "never:not at all|scheduled:at night|asap:at night and when something is added"
)

_OFF = frozenset({"ButlerTaskRefreshLibraries"})
_HIDDEN = frozenset({"ButlerTaskGarbageCollectBlobs", "ButlerTaskRefreshEpgGuides"})
_BEHAVIOR_DEFAULTS = {
    "GenerateBIFBehavior": NEVER,
    "GenerateIntroMarkerBehavior": "asap",
}


def build_settings(
    specs: Iterable[TaskSpec], *, name: str, old_hour_labels: bool
) -> list[Setting]:
    """Return the settings of a server that has these tasks."""
    hours = _OLD_HOURS if old_hour_labels else _NEW_HOURS
    return [
        _text(
            FRIENDLY_NAME,
            default="",
            value=name,
            group="general",
            label="Name of the server",
        ),
        *_window_settings(hours),
        *_task_settings(specs),
        *_other_settings(),
    ]


def task_setting(name: str, title: str) -> Setting:
    """Return the switch of a task: a boolean, or one of the behaviours."""
    if name.endswith("Behavior"):
        default = _BEHAVIOR_DEFAULTS.get(name, "scheduled")
        return _text(
            name, default=default, label=title, group="library", options=_BEHAVIORS
        )
    on = name not in _OFF
    return _setting(Kind.BOOL, name, default=on, label=title, hidden=name in _HIDDEN)


def _task_settings(specs: Iterable[TaskSpec]) -> Iterator[Setting]:
    for spec in specs:
        if spec.preference is not None:
            yield task_setting(spec.preference, spec.title)


def _window_settings(hours: str) -> Iterator[Setting]:
    yield _setting(
        Kind.INT, START_HOUR, default=2, label="Tasks may start from", options=hours
    )
    yield _setting(
        Kind.INT, END_HOUR, default=5, label="Tasks have to stop at", options=hours
    )


def _other_settings() -> Iterator[Setting]:
    folder = "/var/lib/media-server/Databases"
    yield _text("ButlerDatabaseBackupPath", default=folder, label="Folder for backups")
    yield _setting(
        Kind.BOOL, "FSEventLibraryUpdatesEnabled", default=False, group="library"
    )
    yield _setting(
        Kind.INT,
        "secureConnections",
        default=1,
        group="network",
        options="1:Preferred|0:Required",
    )
    yield _setting(
        Kind.DOUBLE, "BackgroundLoadLimit", default=0.75, group="", hidden=True
    )


def _text(
    name: str,
    *,
    default: str,
    value: str | None = None,
    label: str = "",
    group: str = "butler",
    options: str = "",
) -> Setting:
    value = default if value is None else value
    return Setting(
        id=name,
        kind=Kind.TEXT,
        default=default,
        value=value,
        label=label,
        group=group,
        options=options,
    )


def _setting(
    kind: Kind,
    name: str,
    *,
    default: Value,
    label: str = "",
    group: str = "butler",
    hidden: bool = False,
    options: str = "",
) -> Setting:
    return Setting(
        id=name,
        kind=kind,
        default=default,
        value=default,
        label=label,
        group=group,
        hidden=hidden,
        options=options,
    )
