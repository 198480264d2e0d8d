"""Reads what a Plex Media Server sends, and what plex.tv does.

The server mixes types between versions and endpoints (`1`, `"1"`, `true`), leaves out
empty lists and adds fields at will, so everything is decoded leniently, here and only
here; what cannot do without is checked, and its absence is a `PlexResponseError`.

Names of files and libraries reach its texts in the bytes that a disk has. So a byte, a
character or a number that cannot be spoils only the value that holds it, and whatever
leaves `loads` can be stored, shown and sent on: it is clean, and bounded in all ways.
"""

from collections.abc import Iterator, Mapping
from itertools import islice
import json
from math import isfinite
import re
from typing import Final

from .exceptions import PlexResponseError

type Json = Mapping[str, object]

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


def loads(body: bytes) -> object:
    """Return what JSON says, clean and bounded.

    Raises PlexResponseError if it is no JSON.
    """
    try:
        found = _DECODER.decode(body.decode("utf-8-sig", "replace"))
    except (ValueError, RecursionError) as err:
        raise PlexResponseError("The answer is not JSON") from err
    return _clean(found, MAX_DEPTH)


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


def text(item: Json, key: str, most: int = MAX_TEXT) -> str:
    """Return a text of so many characters at most, a number as one, or nothing."""
    match item.get(key):
        case str(found):
            return found[:most].strip()
        case bool() | None:
            return ""
        case int(found):
            return str(found)
    return ""


def name(item: Json, key: str) -> str:
    """Return a text by which the server knows something, or nothing if it is no such.

    What is cut or cleaned is another name, perhaps that of something else, and proxies
    take dots for a way to somewhere else.
    """
    found = text(item, key, MAX_LONG_TEXT)
    if len(found) > MAX_TEXT or REPLACEMENT in found or found in {".", ".."}:
        return ""
    return found


def required(item: Json, key: str) -> str:
    """Return a name that must be there."""
    if found := name(item, key):
        return found
    raise PlexResponseError(f"The answer has no {key}")


def number(item: Json, key: str, most: int) -> int | None:
    """Return a whole number from 0 to `most`, or None where there is none."""
    match item.get(key):
        case bool():
            return None
        case int() | float() | str() as value:
            try:
                found = int(float(value))
            except ValueError, OverflowError:
                return None
            return found if 0 <= found <= most else None
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


def _clean(value: object, depth: int) -> object:
    match value:
        case str():
            return clean_text(value)
        case list():
            return [_clean(item, depth - 1) for item in value[:MAX_ITEMS] if depth]
        case dict():
            return {
                clean_text(key): _clean(item, depth - 1)
                for key, item in islice(value.items(), MAX_ITEMS)
                if depth
            }
    return value


def clean_text(value: str) -> str:
    """Return a text without what no text should hold."""
    value = value[:MAX_LONG_TEXT]
    if not value.isprintable():
        value = _NO_TEXT.sub(REPLACEMENT, _SPACES.sub(" ", value))
    return value.strip()


def _int(digits: str) -> int | None:
    return int(digits) if len(digits.lstrip("-")) <= MAX_DIGITS else None


def _float(digits: str) -> float | None:
    found = float(digits)
    return found if isfinite(found) else None


# Control characters may stand in texts as they are; what is no number is None.
_DECODER: Final = json.JSONDecoder(
    strict=False, parse_int=_int, parse_float=_float, parse_constant=lambda _: None
)
