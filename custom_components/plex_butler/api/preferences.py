"""The settings of a Plex Media Server, and how they are written."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from .decode import MAX_DIGITS, MAX_LONG_TEXT, Json, flag, items, name, text
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
    setting, kind = name(item, "id"), text(item, "type").lower()
    value = _value(item, "value", kind)
    if not setting or value is None:
        return None
    return Preference(
        id=setting,
        value=value,
        type=kind,
        label=text(item, "label"),
        default=_value(item, "default", kind),
        hidden=flag(item, "hidden", default=False),
        options=_options(text(item, "enumValues", MAX_LONG_TEXT)),
    )


def query_of(values: Mapping[str, PreferenceValue]) -> str:
    """Return settings the way they are written: booleans are `1` and `0`."""
    written = {
        name: int(value) if isinstance(value, bool) else value
        for name, value in values.items()
    }
    return urlencode(written, quote_via=quote, errors="replace")


def _value(item: Json, key: str, kind: str) -> PreferenceValue | None:
    value = item.get(key)
    if not isinstance(value, bool | int | float | str):
        return None
    match kind:
        case "bool":
            return flag(item, key, default=False)
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
