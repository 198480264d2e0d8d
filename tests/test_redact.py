"""What leaves the house tells of Butler, and nothing of who watches what."""

from dataclasses import replace
import json
from typing import Any

from hypothesis import given, strategies as st
import pytest

from custom_components.plex_butler.api import LoggedRequest, LoggedSubActivity
from custom_components.plex_butler.api.models import decode
from custom_components.plex_butler.api.redact import (
    REDACTED,
    redact_answer,
    redact_frame,
    redact_record,
)
from tests.simulator import (
    Frame,
    Row,
    RowEvent,
    activity_frame,
    log_frame,
    playing_frame,
    status_frame,
    timeline_frame,
)

FILM = "Home Video of Ann"
# One that could be a word for a kind.
ANN = 4711


def told_of(kind: str, title: str = FILM) -> Frame:
    """Return a notification of an activity."""
    row = Row(uuid="1-2-3", type=kind, title=title, subtitle=title, progress=40)
    context = {"librarySectionTitle": FILM}
    return activity_frame(RowEvent.ENDED, replace(row, context=context))


def shared(frame: Frame) -> Any:
    return redact_frame(json.dumps(frame.as_dict()).encode())


def activity_in(frame: Frame) -> Any:
    """Return what is left of an activity in a notification."""
    (element,) = shared(frame)["NotificationContainer"]["ActivityNotification"]
    assert (element["event"], element["uuid"]) == ("ended", "1-2-3")
    return element["Activity"]


def shared_answer(answer: object) -> Any:
    return redact_answer(decode(json.dumps(answer).encode()))


@pytest.mark.parametrize(
    "frame",
    [
        told_of("library.update.section"),
        told_of("media.generate.intros"),
        told_of("butler.of.tomorrow"),
        told_of(FILM),
        status_frame(f'Scanning the "{FILM}" section of the database', FILM),
        timeline_frame(4711, FILM, 5, 0),
        playing_frame("1", FILM, "playing", 0),
        log_frame(f"Butler: database: GET /library?title={FILM}"),
        Frame("unheard-of", "Novelty", ({"deep": [{"deeper": FILM}]},)),
        Frame(FILM, FILM, ()),
    ],
    ids=lambda frame: frame.type,
)
def test_no_name_of_what_is_watched_is_left_in_a_notification(frame: Frame) -> None:
    assert FILM not in json.dumps(shared(frame))


def test_of_a_notification_of_another_kind_the_kind_is_left() -> None:
    told = shared(status_frame("Butler tasks", "the database"))
    assert told == {"NotificationContainer": {"type": "status"}}


@pytest.mark.parametrize(
    ("kind", "title", "left"),
    [
        ("library.update.section", FILM, {}),
        (
            "Butler",
            "Backing up: 2 of 3",
            {
                **dict.fromkeys(["title", "subtitle"], "Backing up: 2 of 3"),
                **dict.fromkeys(["userID", "Context"], REDACTED),
            },
        ),
    ],
)
def test_of_an_activity_of_others_only_its_kind_and_progress_are_left(
    kind: str, title: str, left: dict[str, str]
) -> None:
    told = {"uuid": "1-2-3", "type": kind, "cancellable": False, "progress": 40}
    assert activity_in(told_of(kind, title)) == told | left


def test_of_the_tasks_all_but_the_contents_of_new_fields_is_left() -> None:
    task = {
        "name": "BackupDatabase",
        "title": "Backup Database",
        "description": "Writes a copy.",
        "interval": 3,
        "scheduleRandomized": False,
        "enabled": "1",
    }
    answer = {"ButlerTasks": {"size": 1, "ButlerTask": [{**task, "lastRun": FILM}]}}
    left = {"ButlerTasks": {"ButlerTask": [{**task, "lastRun": REDACTED}]}}
    assert shared_answer(answer) == left


def test_no_activities_are_none() -> None:
    assert shared_answer({"MediaContainer": {"size": 0}}) == {"MediaContainer": {}}


def test_what_is_no_notification_is_not_shown() -> None:
    for frame in (b"", b"{", b"\xff\xfe\xfd", FILM.encode(), b"1"):
        assert is_silent(redact_frame(frame))
    for told in (FILM, {"Film": FILM}, {"NotificationContainer": {"title": FILM}}):
        assert is_silent(redact_frame(json.dumps(told).encode()))
    for deep in (b"[" * 5_000 + b"]" * 5_000, b"[" * 200_000):
        assert is_silent(redact_frame(deep))


@pytest.mark.parametrize("instead", [FILM, [FILM], {"type": FILM}])
def test_what_stands_where_a_word_belongs_is_not_shown(instead: object) -> None:
    scan = dict.fromkeys(("type", "uuid", "progress", "cancellable"), instead)
    left = {"Activity": [dict.fromkeys(scan, REDACTED)]}
    answer = {"MediaContainer": {"Activity": [scan]}}
    assert shared_answer(answer) == {"MediaContainer": left}


@pytest.mark.parametrize(
    "answer",
    [None, FILM, [FILM], {"ButlerTasks": FILM}, {"ButlerTasks": {}}, {FILM: {}}],
)
def test_what_is_no_answer_of_these_is_not_shown(answer: object) -> None:
    assert is_silent(shared_answer(answer))


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
PRIVATE = ["title", "subtitle", "userID", "Context", "Response", "key", "name", "User"]
UNHEARD_OF = ["lastRun", "Context", "Response", "userID", "Tasks", "key", FILM]
KINDS = st.sampled_from(["library.update.section", "media.download", "Butlers", "", 7])
OTHERS = st.fixed_dictionaries(
    {"type": KINDS, "uuid": st.just("1-2-3"), "progress": st.integers(-1, 100)},
    optional=dict.fromkeys(PRIVATE, SECRET),
)
OWN = st.fixed_dictionaries(
    {"type": st.just("butler"), "title": st.just("Backing up")},
    optional=dict.fromkeys(UNHEARD_OF, SECRET),
)
TASKS = st.fixed_dictionaries(
    {"name": st.just("A")}, optional=dict.fromkeys(UNHEARD_OF, SECRET)
)


def is_silent(found: Any) -> bool:
    told = json.dumps(found)
    return FILM not in told and str(ANN) not in told


@given(st.lists(OTHERS | OWN | STRAY), st.dictionaries(st.text(), SECRET))
def test_no_unknown_field_is_left(rows: list[Any], more: dict[str, Any]) -> None:
    for answer in (
        {"MediaContainer": {**more, "Activity": rows}},
        {"MediaContainer": {**more, "Activity": rows[0] if rows else None}},
        {**more, "MediaContainer": more},
        more,
        rows,
    ):
        assert is_silent(shared_answer(answer))
    items = [{**more, "event": "ended", "uuid": "1", "Activity": it} for it in rows]
    for container in (
        {**more, "ActivityNotification": [*items, *rows]},
        {**more, "ActivityNotification": rows},
        {**more, "type": "unheard.of", "Novelty": [more, *rows]},
    ):
        frame = json.dumps({"NotificationContainer": container}).encode()
        assert is_silent(redact_frame(frame))


@given(st.lists(TASKS | STRAY), st.dictionaries(st.text(), SECRET))
def test_nothing_of_an_unknown_field_of_a_task_is_left(
    tasks: list[Any], more: dict[str, Any]
) -> None:
    answer = {**more, "ButlerTasks": {**more, "ButlerTask": tasks}}

    assert is_silent(shared_answer(answer))


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
