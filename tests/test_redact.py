"""What leaves the house tells of Butler, and nothing of who watches what."""

from dataclasses import replace
import json
from typing import Any

from hypothesis import given, strategies as st
import pytest

from custom_components.plex_butler.api import LoggedRequest, LoggedSubActivity
from custom_components.plex_butler.api.redact import (
    REDACTED,
    redact_answer,
    redact_frame,
    redact_record,
)

FILM = "Home Video of Ann"
# One that could be a word for a kind.
ANN = 4711

TASK = {
    "name": "BackupDatabase",
    "title": "Backup Database",
    "description": "Writes a copy.",
    "interval": 3,
    "scheduleRandomized": False,
    "enabled": "1",
}
SCAN = {
    "uuid": "1-2-3",
    "type": "library.update.section",
    "cancellable": False,
    "progress": 40,
}
OWN = {**SCAN, "type": "Butler", "title": "Backing up: 2 of 3", "subtitle": "A disk"}
PRIVATE = {"userID": ANN, "Context": {"title": FILM}}
NO_WORDS = dict.fromkeys(SCAN, REDACTED)


@pytest.mark.parametrize(
    ("told", "left"),
    [
        ({**SCAN, **PRIVATE, "title": FILM}, SCAN),
        ({**OWN, **PRIVATE}, OWN | dict.fromkeys(PRIVATE, REDACTED)),
        # What stands where a word belongs
        (dict.fromkeys(SCAN, FILM), NO_WORDS),
        ({key: [FILM] for key in SCAN}, NO_WORDS),
        ({key: {"type": FILM} for key in SCAN}, NO_WORDS),
    ],
)
def test_of_activities_of_others_only_the_kind_and_progress_are_left(
    told: dict[str, Any], left: dict[str, Any]
) -> None:
    answer = {"MediaContainer": {"size": 1, "Activity": [told]}}
    assert redact_answer(answer) == {"MediaContainer": {"Activity": [left]}}
    item = {"event": "ended", "uuid": "1-2-3"}
    notifications = {"ActivityNotification": [{**item, "User": FILM, "Activity": told}]}
    frame = json.dumps({"NotificationContainer": notifications}).encode()
    assert redact_frame(frame) == {
        "NotificationContainer": {"ActivityNotification": [{**item, "Activity": left}]}
    }


@pytest.mark.parametrize(
    ("told", "left"),
    [
        (
            {"ButlerTasks": {"size": 1, "ButlerTask": [{**TASK, "lastRun": FILM}]}},
            {"ButlerTasks": {"ButlerTask": [{**TASK, "lastRun": REDACTED}]}},
        ),
        ({"MediaContainer": {"size": 0}}, {"MediaContainer": {}}),
        (
            {"NotificationContainer": {"type": "status", "StatusNotification": FILM}},
            {"NotificationContainer": {"type": "status"}},
        ),
    ],
)
def test_of_an_answer_and_a_notification_what_is_known_is_left(
    told: dict[str, Any], left: dict[str, Any]
) -> None:
    assert redact_answer(told) == left


def is_silent(found: Any) -> bool:
    told = json.dumps(found)
    return FILM not in told and str(ANN) not in told


@pytest.mark.parametrize("frame", [b"", b"\xff\xfe\xfd", FILM.encode()])
def test_what_is_no_json_is_not_shown(frame: bytes) -> None:
    assert redact_frame(frame) == REDACTED


@pytest.mark.parametrize(
    "told",
    [
        *(None, FILM, [FILM], {"ButlerTasks": FILM}, {"ButlerTasks": {}}, {FILM: {}}),
        {"NotificationContainer": {"title": FILM}},
    ],
)
def test_what_is_no_answer_of_these_is_not_shown(told: object) -> None:
    assert is_silent(redact_answer(told))


# Anything that holds nothing but names, and numbers of people. It may look like a row,
# but stands where none is.
SECRET = st.recursive(
    st.sampled_from([FILM, ANN, f"{ANN}", f"the Butler's database: {FILM}"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["type", "title", "uuid", FILM]), inner)
    ),
    max_leaves=5,
)
STRAY = st.sampled_from([FILM, ANN, [FILM], [[ANN]], None, {FILM: FILM}])
FIELDS = ["title", "subtitle", "userID", "Context", "Response", "key", "name", "User"]
UNHEARD_OF = ["lastRun", "Context", "Response", "userID", "Tasks", "key", FILM]
KINDS = st.sampled_from(["library.update.section", "media.download", "Butlers", "", 7])
ROWS = st.fixed_dictionaries(
    {"type": KINDS, "uuid": st.just("1-2-3"), "progress": st.integers(-1, 100)},
    optional=dict.fromkeys(FIELDS, SECRET),
) | st.fixed_dictionaries(
    {"type": st.just("butler"), "title": st.just("Backing up")},
    optional=dict.fromkeys(UNHEARD_OF, SECRET),
)
TASKS = st.fixed_dictionaries(
    {"name": st.just("A")}, optional=dict.fromkeys(UNHEARD_OF, SECRET)
)


@given(
    st.lists(ROWS | STRAY), st.lists(TASKS | STRAY), st.dictionaries(st.text(), SECRET)
)
def test_no_unknown_field_is_left(
    rows: list[Any], tasks: list[Any], more: dict[str, Any]
) -> None:
    items = [{**more, "event": "ended", "uuid": "1", "Activity": it} for it in rows]
    for told in (
        {"MediaContainer": {**more, "Activity": rows}},
        {"MediaContainer": {**more, "Activity": rows[0] if rows else None}},
        {**more, "MediaContainer": more},
        {**more, "ButlerTasks": {**more, "ButlerTask": tasks}},
        {"NotificationContainer": {**more, "ActivityNotification": [*items, *rows]}},
        {"NotificationContainer": {**more, "ActivityNotification": rows}},
        {"NotificationContainer": {**more, "type": FILM, "Novelty": [more, *rows]}},
        more,
        rows,
    ):
        assert is_silent(redact_frame(json.dumps(told).encode()))


def test_lines_of_the_log_and_commands_name_tasks_and_nothing_else() -> None:
    begin = LoggedSubActivity(uuid="1", title="BackupDatabase", parent="2")
    request = LoggedRequest(method="DELETE", task="BackupDatabase", status=200)
    done = "Completed: [...] 200 DELETE /butler"
    told: list[tuple[str, object, str]] = [
        ("command", "POST /butler", "POST /butler"),
        ("command", "POST /butler/BackupDatabase", "POST /butler/BackupDatabase"),
        ("command", f"POST /butler/{FILM}", REDACTED),
        ("log", begin, str(begin)),
        ("log", replace(begin, title=FILM), str(replace(begin, title=REDACTED))),
        ("log", replace(begin, title=None), "Activity: ended sub-activity 1 parent: 2"),
        ("log", request, f"{done}/BackupDatabase (...)"),
        ("log", replace(request, task=FILM), f"{done}/{REDACTED} (...)"),
        ("log", replace(request, task=None), f"{done} (...)"),
    ]
    record = [(100.25 + at, kind, event) for at, (kind, event, _) in enumerate(told)]

    shown = redact_record(record, ["BackupDatabase"])

    assert FILM not in json.dumps(shown)
    expected = [{"at": at, kind: left} for at, (kind, _, left) in enumerate(told)]
    assert shown == expected
