"""Answers are decoded leniently, and only what cannot do without is missed."""

from typing import Any

import pytest

from custom_components.plex_butler import api
from custom_components.plex_butler.api.models import (
    parse_activities,
    parse_butler_tasks,
    parse_server,
)


def butler(*tasks: object) -> dict[str, Any]:
    return {"ButlerTasks": {"ButlerTask": list(tasks)}}


def test_a_task_has_all_that_the_server_says_of_it() -> None:
    tasks = parse_butler_tasks(
        butler(
            {
                "name": "PolishBrass",
                "title": "Polish Brass",
                "description": "Until it shines",
                "interval": 7,
                "scheduleRandomized": True,
                "enabled": False,
                "colour": "gold",
            }
        )
    )

    assert tasks == (
        api.ButlerTask(
            name="PolishBrass",
            title="Polish Brass",
            description="Until it shines",
            interval=7,
            schedule_randomized=True,
            enabled=False,
        ),
    )


@pytest.mark.parametrize("yes", [True, 1, "1", "true"])
@pytest.mark.parametrize("no", [False, 0, "0", "false"])
def test_booleans_come_in_every_shape(yes: object, no: object) -> None:
    (task,) = parse_butler_tasks(
        butler({"name": "A", "enabled": no, "scheduleRandomized": yes})
    )

    assert (task.enabled, task.schedule_randomized) == (False, True)


@pytest.mark.parametrize(
    ("interval", "days"),
    [
        (3, 3),
        ("3", 3),
        (3.0, 3),
        ("soon", None),
        (None, None),
        ([], None),
        (True, None),
        (-1, None),
        (36_501, None),
        (float("inf"), None),
    ],
)
def test_an_interval_that_is_no_number_is_unknown(
    interval: object, days: int | None
) -> None:
    (task,) = parse_butler_tasks(butler({"name": "A", "interval": interval}))

    assert task.interval == days


def test_a_task_needs_no_more_than_a_name() -> None:
    (task,) = parse_butler_tasks(butler({"name": 12}))

    assert task == api.ButlerTask(
        name="12",
        title="12",
        description="",
        interval=None,
        schedule_randomized=False,
        enabled=True,
    )


def test_entries_that_cannot_be_a_task_are_skipped() -> None:
    tasks = parse_butler_tasks(
        butler({"title": "Nameless"}, {"name": True}, "text", None, {"name": "A"})
    )

    assert [task.name for task in tasks] == ["A"]


def test_a_name_that_comes_twice_is_one_task() -> None:
    tasks = parse_butler_tasks(
        butler({"name": "A", "title": "first"}, {"name": "A", "title": "second"})
    )

    assert [task.title for task in tasks] == ["first"]


def test_a_single_task_may_come_without_its_list() -> None:
    (task,) = parse_butler_tasks({"ButlerTasks": {"ButlerTask": {"name": "A"}}})

    assert task.name == "A"


@pytest.mark.parametrize(
    "payload",
    [
        {"ButlerTasks": {}},
        {"ButlerTasks": {"ButlerTask": []}},
        {"ButlerTasks": {"ButlerTask": [{"title": "Nameless"}]}},
        {"ButlerTasks": []},
        {"MediaContainer": {"size": 0}},
        [],
        None,
        "ButlerTasks",
    ],
)
def test_a_list_that_names_no_task_is_an_error(payload: object) -> None:
    with pytest.raises(api.PlexResponseError):
        parse_butler_tasks(payload)


def test_no_activity_list_means_that_nothing_goes_on() -> None:
    assert parse_activities({"MediaContainer": {"size": 0}}) == ()


def test_an_activity_of_which_little_is_said_has_unknown_progress() -> None:
    assert parse_activities({"MediaContainer": {"Activity": [{"type": "butler"}]}}) == (
        api.Activity(uuid="", type="butler", title="", subtitle="", progress=-1),
    )


@pytest.mark.parametrize(
    ("sent", "progress"),
    [
        (0, 0),
        ("83.3", 83),
        (100, 100),
        (101, -1),
        (-1, -1),
        (-50, -1),
        (True, -1),
        (1e308, -1),
        ("much", -1),
    ],
)
def test_progress_that_is_no_percentage_is_unknown(sent: object, progress: int) -> None:
    (row,) = parse_activities({"MediaContainer": {"Activity": {"progress": sent}}})

    assert row.progress == progress


def test_an_identity_is_read() -> None:
    payload = {
        "MediaContainer": {"machineIdentifier": "m", "version": "1", "claimed": "0"}
    }

    assert parse_server(payload) == api.Server(
        machine_identifier="m", version="1", claimed=False, name=""
    )


def test_a_server_may_have_no_name() -> None:
    payload = {"MediaContainer": {"machineIdentifier": "m", "version": "1"}}

    assert parse_server(payload) == api.Server(
        machine_identifier="m", version="1", claimed=True, name=""
    )


@pytest.mark.parametrize("missing", ["machineIdentifier", "version"])
def test_who_the_server_is_must_be_said(missing: str) -> None:
    container = {"machineIdentifier": "m", "version": "1"}
    del container[missing]

    with pytest.raises(api.PlexResponseError):
        parse_server({"MediaContainer": container})
