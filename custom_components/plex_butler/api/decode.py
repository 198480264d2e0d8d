"""Reads what a Plex Media Server sends.

The server mixes types between versions and endpoints (`1`, `"1"`, `true`), leaves out
empty lists and adds fields at will, so everything is decoded leniently, here and only
here; what cannot do without is checked, and its absence is a `PlexResponseError`.
"""

from collections.abc import Iterator, Mapping

from .exceptions import PlexResponseError

type Json = Mapping[str, object]


def container(payload: object, key: str) -> Json:
    """Return the object that an answer holds under its one key."""
    match payload:
        case {**top} if isinstance(found := top.get(key), Mapping):
            return found
    raise PlexResponseError(f"The answer has no {key}")


def items(payload: object, outer: str, key: str) -> Iterator[Json]:
    """Yield the objects of a list; no list is an empty one, one object is a list of one."""
    match container(payload, outer).get(key):
        case list(found):
            yield from (item for item in found if isinstance(item, Mapping))
        case Mapping() as item:
            yield item


def required(item: Json, key: str) -> str:
    """Return a text that must be there."""
    if found := text(item, key):
        return found
    raise PlexResponseError(f"The answer has no {key}")


def text(item: Json, key: str) -> str:
    """Return a text, a number as one, or nothing."""
    match item.get(key):
        case str(found):
            return found.strip()
        case bool() | None:
            return ""
        case int(found):
            return str(found)
    return ""


def number(item: Json, key: str) -> int | None:
    """Return a whole number, or None where there is none."""
    match item.get(key):
        case int() | float() | str() as value:
            try:
                return int(float(value))
            except ValueError, OverflowError:
                return None
    return None


def flag(item: Json, key: str, *, default: bool) -> bool:
    """Return whether something is so."""
    match item.get(key):
        case bool(found):
            return found
        case int(found):
            return found != 0
        case str(found) if found:
            return found.strip().lower() not in {"0", "false", "no"}
    return default
