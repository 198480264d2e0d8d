"""The settings of a Plex Media Server, and how they are written."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from .decode import Json, flag, items, text
from .exceptions import PlexResponseError

type PreferenceValue = bool | int | float | str


@dataclass(frozen=True, kw_only=True, slots=True)
class Preference:
    """One of the server's settings.

    `type` is `bool`, `int`, `double` or `text`, and so are the value and its default;
    what does not fit its type is left as it was sent. `options` are the values that
    the server offers, in its order and as it writes them, each with its label.
    """

    id: str
    value: PreferenceValue
    type: str = ""
    label: str = ""
    default: PreferenceValue | None = None
    hidden: bool = False
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
    name, kind = text(item, "id"), text(item, "type").lower()
    value = _value(item, "value", kind)
    if not name or value is None:
        return None
    return Preference(
        id=name,
        value=value,
        type=kind,
        label=text(item, "label"),
        default=_value(item, "default", kind),
        hidden=flag(item, "hidden", default=False),
        options=_options(text(item, "enumValues")),
    )


def query_of(values: Mapping[str, PreferenceValue]) -> str:
    """Return settings the way they are written: booleans are `1` and `0`."""
    written = {
        name: int(value) if isinstance(value, bool) else value
        for name, value in values.items()
    }
    return urlencode(written, quote_via=quote)


def _value(item: Json, key: str, kind: str) -> PreferenceValue | None:
    value = item.get(key)
    if not isinstance(value, bool | int | float | str):
        return None
    try:
        match kind:
            case "bool":
                return flag(item, key, default=False)
            case "int":
                return int(value)
            case "double":
                return float(value)
            case "text":
                return str(value)
    except ValueError, OverflowError:
        pass
    return value


def _options(listed: str) -> tuple[tuple[str, str], ...]:
    # Labels of hours hold something that only looks like a colon, or a real one.
    parts = (option.partition(":") for option in listed.split("|") if option)
    return tuple((value.strip(), label.strip()) for value, _, label in parts)
