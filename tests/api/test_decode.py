"""Whatever a server sends: what leaves the client is clean and bounded, or its error."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import fields, is_dataclass
import json
from math import isfinite
import re
from typing import Any
import unicodedata

from hypothesis import given, strategies as st
import pytest

from custom_components.plex_butler.api import PlexResponseError, models
from custom_components.plex_butler.api.notifications import parse_frame
from custom_components.plex_butler.api.redact import redact_answer, redact_frame

LONGEST, LONGEST_NAME, MOST, DEEPEST = 4096, 255, 1000, 17
# Control characters, halves of characters, ends of lines; and what turns text around.
NO_TEXT = {"Cc", "Cs", "Zl", "Zp"}
TURNING = set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")

PARSERS: list[tuple[Callable[[object], Any], str, str]] = [
    (models.parse_butler_tasks, "ButlerTasks", "ButlerTask"),
    (models.parse_activities, "MediaContainer", "Activity"),
    (models.parse_preferences, "MediaContainer", "Setting"),
]
NOTIFICATIONS = ["ActivityNotification", "Setting", "PlaySessionStateNotification"]
MARKS = [b'"butler"', b'"preference"', b'"playing"', b""]
KEYS = [
    *("name", "title", "description", "interval", "scheduleRandomized", "enabled"),
    *("uuid", "type", "subtitle", "progress", "event", "Activity"),
    *("machineIdentifier", "version", "claimed", "friendlyName"),
    *("id", "value", "default", "label", "hidden", "enumValues"),
    *("sessionKey", "state", "Player"),
]
WORDS = [
    *("bool", "int", "double", "text", "started", "butler"),
    *("nan", "1e999", ".", ".."),
]

TEXT = st.text() | st.text(st.characters(categories=["Cc", "Cs", "Cf", "Zl", "Ll"]))
ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats()
    | st.sampled_from(WORDS)
    | TEXT
    | TEXT.map(lambda text: text * 300),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3)
    ),
    max_leaves=5,
)
ITEM = st.dictionaries(st.sampled_from(KEYS), ANYTHING, max_size=9)
ITEMS = ANYTHING | ITEM | st.lists(ITEM | ANYTHING, max_size=3)


def as_sent(payload: object) -> bytes:
    return json.dumps(payload).encode()


def parts(found: object, depth: int = 0) -> Iterator[object]:
    """Yield all that something is made of."""
    assert depth <= DEEPEST
    yield found
    inner: Iterable[object] = ()
    if is_dataclass(found):
        inner = [getattr(found, field.name) for field in fields(found)]
    elif isinstance(found, dict):
        inner = [*found, *found.values()]
    elif isinstance(found, list | tuple | frozenset):
        assert len(found) <= MOST
        inner = found
    for part in inner:
        yield from parts(part, depth + 1)


def assert_clean(found: object) -> None:
    for part in parts(found):
        match part:
            case str():
                assert len(part) <= LONGEST
                assert part == part.strip()
                assert not NO_TEXT & set(map(unicodedata.category, part))
                assert not TURNING & set(part)
            case int():
                assert abs(part) < 10**15
            case float():
                assert isfinite(part)


def parsed(parse: Callable[[object], Any], body: bytes) -> Any:
    """Return what is made of an answer, nothing if it is refused."""
    try:
        return parse(models.decode(body))
    except PlexResponseError:
        return ()


@given(st.binary())
def test_any_bytes_are_clean_or_refused(body: bytes) -> None:
    for mark in MARKS:
        assert_clean(parsed(lambda found: found, body + mark))
        assert_clean(parse_frame(body + mark))


@given(ANYTHING, st.integers(0), st.binary(max_size=3), st.integers(0, 3))
def test_json_in_which_a_few_bytes_are_others_is_clean_or_refused(
    anything: object, at: int, others: bytes, instead_of: int
) -> None:
    body = as_sent(anything)
    at %= len(body)

    assert_clean(
        parsed(lambda found: found, body[:at] + others + body[at + instead_of :])
    )


@given(ITEMS)
def test_any_answer_is_clean_or_refused(found: object) -> None:
    for parse, outer, key in PARSERS:
        for read in (parse, redact_answer):
            assert_clean(parsed(read, as_sent({outer: {key: found}})))
    assert_clean(parsed(models.parse_server, as_sent({"MediaContainer": found})))


@given(ITEMS, st.sampled_from(NOTIFICATIONS))
def test_any_notification_is_clean_or_passed_over(found: object, key: str) -> None:
    container = {"type": "butler", key: found}

    for told in (container, [container]):
        frame = as_sent({"NotificationContainer": told})
        assert_clean(parse_frame(frame))
        assert_clean(redact_frame(frame))


@given(st.lists(TEXT | TEXT.map(lambda text: text * 300)))
def test_a_task_has_the_very_name_that_the_server_knows(names: list[str]) -> None:
    answer = {"ButlerTasks": {"ButlerTask": [{"name": name} for name in names]}}
    # Two halves that meet are a character.
    names = json.loads(json.dumps(names))
    known = {re.sub(r"[\t-\r\x85\u2028\u2029]+", " ", name).strip() for name in names}

    for task in parsed(models.parse_butler_tasks, as_sent(answer)):
        assert task.name in known
        assert 0 < len(task.name) <= LONGEST_NAME


MANY_SCRIPTS = "שָׁלוֹם\u200f, 👨\u200d👩, a\u00a0b"


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (b'"Caf\xe9 \xff"', "Caf\ufffd \ufffd"),
        (b'"a\x07b\\u0000c\x7f\xc2\x9f"', "a\ufffdb\ufffdc\ufffd\ufffd"),
        (b'" one\\ntwo\t\r\n three \\u2028"', "one two  three"),
        (b'"\\ud83d, \\ude00, \\ud83d\\ude00"', "\ufffd, \ufffd, \U0001f600"),
        (b'"\xed\xa0\xbd"', "\ufffd\ufffd\ufffd"),
        (b'"4\\u202e2 \\u2066"', "4\ufffd2 \ufffd"),
        (f'"{MANY_SCRIPTS}"'.encode(), MANY_SCRIPTS),
        (b'\xef\xbb\xbf"marked"', "marked"),
        (b'"' + b"x" * 9999 + b'"', "x" * LONGEST),
        (b"[NaN, Infinity, -Infinity, 1e999, -1e999]", [None] * 5),
        (b"[1e308, 999999999999999, 1000000000000000]", [1e308, 10**15 - 1, None]),
        (b"[-999999999999999, -" + b"1" * 5000 + b"]", [-(10**15) + 1, None]),
        (b"[" + b"1," * 5000 + b"1]", [1] * MOST),
        (b'{"a\\ud83d": {"\x00": true}}', {"a\ufffd": {"\ufffd": True}}),
        (
            as_sent({str(it): 7 for it in range(5000)}),
            {str(it): 7 for it in range(MOST)},
        ),
    ],
)
def test_what_cannot_be_spoils_only_the_value_that_holds_it(
    body: bytes, found: object
) -> None:
    assert models.decode(body) == found
    assert_clean(found)


@pytest.mark.parametrize(
    "body", [b"", b"{", b"<xml/>", b'{"a": 1}}', b"[" * 100_000, b"\xff", b"tru"]
)
def test_what_is_no_json_is_refused(body: bytes) -> None:
    with pytest.raises(PlexResponseError, match="not JSON"):
        models.decode(body)


def test_what_is_too_deep_ends_there() -> None:
    found = models.decode(b"[" * 3000 + b"7" + b"]" * 3000)

    assert 7 not in parts(found)
    assert_clean(found)
