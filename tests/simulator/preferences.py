"""The server's settings: reading, checking and changing them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

type Value = bool | int | float | str


class Kind(StrEnum):
    """The types of settings, in the server's words."""

    BOOL = "bool"
    INT = "int"
    TEXT = "text"
    DOUBLE = "double"


class PreferenceError(Exception):
    """A setting cannot have that value."""


class UnknownPreferenceError(PreferenceError):
    """There is no such setting."""


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One setting; `options` is the server's list of `value:label|value:label`."""

    id: str
    kind: Kind
    default: Value
    value: Value
    label: str = ""
    summary: str = ""
    hidden: bool = False
    advanced: bool = False
    group: str = "butler"
    options: str = ""

    def parse(self, text: str) -> Value:
        """Return the value that was sent, or raise PreferenceError."""
        if self.options and text not in self._choices():
            raise PreferenceError(self.id)
        try:
            return self._convert(text)
        except (ValueError, KeyError) as err:
            raise PreferenceError(self.id) from err

    def as_dict(self) -> dict[str, Any]:
        """Return the element that the server sends."""
        element = {
            "id": self.id,
            "label": self.label,
            "summary": self.summary,
            "type": str(self.kind),
            "default": self.default,
            "value": self.value,
            "hidden": self.hidden,
            "advanced": self.advanced,
            "group": self.group,
        }
        return element | ({"enumValues": self.options} if self.options else {})

    def _choices(self) -> set[str]:
        return {option.partition(":")[0] for option in self.options.split("|")}

    def _convert(self, text: str) -> Value:
        if self.kind is Kind.BOOL:
            return {"1": True, "true": True, "0": False, "false": False}[text]
        if self.kind is Kind.INT:
            return int(text)
        return float(text) if self.kind is Kind.DOUBLE else text


class Preferences:
    """All settings; whoever listens hears of each that took another value."""

    def __init__(self, settings: Iterable[Setting]) -> None:
        """Hold the settings in their order."""
        self._settings = {setting.id: setting for setting in settings}
        self.listeners: list[Callable[[Setting], None]] = []

    def __contains__(self, name: str) -> bool:
        """Return if there is such a setting."""
        return name in self._settings

    def __getitem__(self, name: str) -> Setting:
        """Return a setting."""
        return self._settings[name]

    def all(self) -> list[Setting]:
        """Return all settings, hidden ones too."""
        return list(self._settings.values())

    def add(self, setting: Setting) -> None:
        """Have one more setting, as after an update of the server."""
        self._settings[setting.id] = setting

    def remove(self, name: str) -> None:
        """Have one setting less, as after an update of the server."""
        del self._settings[name]

    def write(self, texts: Mapping[str, str]) -> None:
        """Set what was sent, all or nothing; raises PreferenceError."""
        unknown = texts.keys() - self._settings.keys()
        if unknown:
            raise UnknownPreferenceError(", ".join(sorted(unknown)))
        for name, value in {n: self[n].parse(t) for n, t in texts.items()}.items():
            self.set(name, value)

    def set(self, name: str, value: Value) -> None:
        """Give a setting another value, unchecked."""
        if self[name].value == value:
            return
        self._settings[name] = replace(self[name], value=value)
        for listener in self.listeners:
            listener(self[name])
