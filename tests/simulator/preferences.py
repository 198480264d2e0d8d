"""The server's settings: which there are, and how they are read and changed."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from .profiles import Profile

HOURS = START_HOUR, END_HOUR = "ButlerStartHour", "ButlerEndHour"
FRIENDLY_NAME = "FriendlyName"
NEVER = "never"

type Value = bool | int | float | str


# The types of settings, in the server's words.
Kind = StrEnum("Kind", "BOOL INT TEXT DOUBLE")


# What some fields are called in answers.
_SENT_AS = {"kind": "type", "options": "enumValues"}


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One setting; `options` is the server's list of `value:label|value:label`."""

    id: str
    label: str = ""
    summary: str = ""
    kind: Kind
    default: Value
    value: Value
    hidden: bool = False
    advanced: bool = False
    group: str = "butler"
    options: str = ""

    def parse(self, text: str) -> Value:
        """Return the value that was sent; raises KeyError or ValueError."""
        values = {option.partition(":")[0] for option in self.options.split("|")}
        if self.options and text not in values:
            raise KeyError(text)
        match self.kind:
            case Kind.BOOL:
                return {"1": True, "true": True, "0": False, "false": False}[text]
            case Kind.INT:
                return int(text)
            case Kind.DOUBLE:
                return float(text)
        return text

    def as_dict(self) -> dict[str, Any]:
        element = {_SENT_AS.get(name, name): it for name, it in vars(self).items()}
        if not self.options:
            del element["enumValues"]
        return element | {"type": str(self.kind)}


class Preferences(dict[str, Setting]):
    """All settings, hidden ones too; listeners get each that took another value."""

    def __init__(self, settings: Iterable[Setting]) -> None:
        super().__init__({setting.id: setting for setting in settings})
        self.listeners: list[Callable[[Setting], None]] = []

    def set(self, name: str, value: Value) -> None:
        """Give a setting another value, unchecked."""
        if self[name].value == value:
            return
        self[name] = replace(self[name], value=value)
        for listener in self.listeners:
            listener(self[name])


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
_OFF = {"ButlerTaskRefreshLibraries"}
_HIDDEN = {"ButlerTaskGarbageCollectBlobs", "ButlerTaskRefreshEpgGuides"}
_BEHAVIOR_DEFAULTS = {
    "GenerateBIFBehavior": NEVER,
    "GenerateIntroMarkerBehavior": "asap",
}


def build_settings(profile: Profile, name: str) -> list[Setting]:
    old = profile.traits.old_hour_labels
    hours = {"options": _OLD_HOURS if old else _NEW_HOURS}
    named = {"value": name, "group": "general", "label": "Name of the server"}
    folder, label = "/var/lib/media-server/Databases", "Folder for backups"
    events = "FSEventLibraryUpdatesEnabled"
    secure = {"group": "network", "options": "1:Preferred|0:Required"}
    return [
        _setting(Kind.TEXT, FRIENDLY_NAME, "", **named),
        _setting(Kind.INT, START_HOUR, 2, label="Tasks may start from", **hours),
        _setting(Kind.INT, END_HOUR, 5, label="Tasks have to stop at", **hours),
        *(
            task_setting(it.preference, it.title)
            for it in profile.tasks
            if it.preference
        ),
        _setting(Kind.TEXT, "ButlerDatabaseBackupPath", folder, label=label),
        _setting(Kind.BOOL, events, default=False, group="library"),
        _setting(Kind.INT, "secureConnections", 1, **secure),
        _setting(Kind.DOUBLE, "BackgroundLoadLimit", 0.75, group="", hidden=True),
    ]


def task_setting(name: str, title: str) -> Setting:
    """Return the switch of a task: a boolean, or one of the behaviours."""
    if name.endswith("Behavior"):
        default = _BEHAVIOR_DEFAULTS.get(name, "scheduled")
        choice = {"group": "library", "options": _BEHAVIORS}
        return _setting(Kind.TEXT, name, default, label=title, **choice)
    on, hidden = name not in _OFF, name in _HIDDEN
    return _setting(Kind.BOOL, name, default=on, label=title, hidden=hidden)


def _setting(kind: Kind, name: str, default: Value, **fields: Any) -> Setting:
    return Setting(id=name, kind=kind, default=default, **{"value": default} | fields)
