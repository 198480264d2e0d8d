"""What leaves the house tells of Butler, and nothing of who watches what."""

import json
from typing import Any

import pytest

from custom_components.plex_butler.redact import REDACTED, redact_answer, redact_frame
from tests.simulator.activities import Row, RowEvent
from tests.simulator.frames import (
    Frame,
    activity_frame,
    log_frame,
    playing_frame,
    status_frame,
    timeline_frame,
)

FILM = "Home Video of Ann"
# Deep enough for what walks through it, though it can be decoded.
DEEP = b"[" * 2_000 + b"]" * 2_000


def row(kind: str, title: str) -> Row:
    return Row(
        uuid="1-2-3",
        type=kind,
        title=title,
        subtitle=title,
        progress=40,
        context={"librarySectionTitle": FILM},
    )


def shared(frame: Frame) -> Any:
    return redact_frame(json.dumps(frame.as_dict()).encode())


@pytest.mark.parametrize(
    "frame",
    [
        activity_frame(RowEvent.UPDATED, row("library.update.section", FILM)),
        activity_frame(RowEvent.UPDATED, row("media.generate.intros", FILM)),
        status_frame(f'Scanning the "{FILM}" section', FILM),
        timeline_frame(4711, FILM, 5, 0),
        playing_frame("1", FILM, "playing", 0),
        log_frame(f"Request: GET /library?title={FILM}"),
        Frame("unheard-of", "Novelty", ({"deep": [{"deeper": FILM}]},)),
    ],
    ids=lambda frame: frame.type,
)
def test_no_name_of_what_is_watched_is_left_in_a_notification(frame: Frame) -> None:
    assert FILM not in json.dumps(shared(frame))


def test_which_kind_of_notification_it_was_is_left() -> None:
    container = shared(status_frame(FILM))["NotificationContainer"]

    assert container == {
        "type": "status",
        "size": 1,
        "StatusNotification": [
            {
                "title": REDACTED,
                "description": REDACTED,
                "notificationName": "LIBRARY_UPDATE",
            }
        ],
    }


def test_of_an_activity_all_but_its_names_is_left() -> None:
    frame = activity_frame(RowEvent.ENDED, row("library.update.section", FILM))
    (element,) = shared(frame)["NotificationContainer"]["ActivityNotification"]

    assert element["event"] == "ended"
    assert element["Activity"] == {
        "uuid": "1-2-3",
        "type": "library.update.section",
        "cancellable": False,
        "userID": REDACTED,
        "title": REDACTED,
        "subtitle": REDACTED,
        "progress": 40,
        "Context": REDACTED,
    }


@pytest.mark.parametrize(
    "frame",
    [
        activity_frame(
            RowEvent.STARTED,
            Row(uuid="1", type="butler", title="Backing up", subtitle="2 of 3"),
        ),
        status_frame("Butler tasks complete", "Optimizing the database"),
        log_frame("Butler: starting task BackupDatabase"),
    ],
    ids=lambda frame: frame.type,
)
def test_what_butler_says_is_left_word_for_word(frame: Frame) -> None:
    assert shared(frame) == frame.as_dict()


@pytest.mark.parametrize(
    "frame",
    [b"", b"{", b"\xff\xfe\xfd", FILM.encode(), b"[" * 200_000, DEEP],
    ids=["empty", "cut", "no text", "no JSON", "endless", "deep"],
)
def test_what_cannot_be_read_is_not_shown(frame: bytes) -> None:
    assert redact_frame(frame) == REDACTED


@pytest.mark.parametrize("number", [b"1", b"2.5", b"true", b"null"])
def test_numbers_tell_nothing_and_stay(number: bytes) -> None:
    assert redact_frame(number) == json.loads(number)


def test_a_text_alone_is_redacted_like_any_other() -> None:
    assert redact_frame(json.dumps(FILM).encode()) == REDACTED


def test_an_answer_keeps_all_but_the_names_in_activities_of_others() -> None:
    butler, scan = row("butler", "Backing up"), row("library.update.section", FILM)
    others = scan.as_dict() | {"Response": {"title": FILM}}
    own = butler.as_dict() | {"Context": {}}

    answer = redact_answer(
        {"MediaContainer": {"size": 2, "Activity": [own, others]}, "list": [1, "two"]}
    )

    assert FILM not in json.dumps(answer)
    assert answer["MediaContainer"]["Activity"][0] == own
    assert answer["list"] == [1, "two"]
