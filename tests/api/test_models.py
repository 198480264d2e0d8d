"""Answers are decoded leniently, and only what cannot do without is missed."""

from dataclasses import replace
from typing import Any

import pytest

from custom_components.plex_butler import api
from custom_components.plex_butler.api import models

# A task, an activity and a server of which no more is said than is needed
TASK = api.ButlerTask(
    name="A",
    title="A",
    description="",
    interval=None,
    schedule_randomized=False,
    enabled=True,
)
ROW = api.Activity(uuid="", type="butler", title="", subtitle="", progress=-1)
SERVER = api.Server(machine_identifier="m", version="1", claimed=True, name="")


YES: list[object] = [True, 1, "1", "true"]
NO: list[object] = [False, 0, "0", "false"]
NO_DAYS: list[object] = ["soon", None, [], True, -1, 36_501, float("inf")]


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({}, {}),
        ({"name": 12}, {"name": "12", "title": "12"}),
        ({"title": "First", "colour": "gold"}, {"title": "First"}),
        ({"description": "Until it shines"}, {"description": "Until it shines"}),
        *[({"scheduleRandomized": it}, {"schedule_randomized": True}) for it in YES],
        *[({"scheduleRandomized": it}, {"schedule_randomized": False}) for it in NO],
        *[({"enabled": it}, {"enabled": False}) for it in NO],
        *[({"enabled": it}, {"enabled": True}) for it in YES],
        *[({"interval": it}, {"interval": 3}) for it in (3, "3", 3.0)],
        *[({"interval": it}, {"interval": None}) for it in NO_DAYS],
    ],
)
def test_a_task_has_what_is_understood_of_it_and_needs_no_more_than_a_name(
    sent: dict[str, Any], said: dict[str, Any]
) -> None:
    tasks = models.parse_butler_tasks(
        {"ButlerTasks": {"ButlerTask": [{"name": "A", **sent}]}}
    )

    assert tasks == (replace(TASK, **said),)


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param({"name": "A"}, id="one alone need not be listed"),
        [{"title": "Nameless"}, {"name": True}, "text", None, {"name": "A"}],
        [{"name": "A"}, {"name": "A", "title": "A again"}],
    ],
)
def test_what_can_be_a_task_is_listed_once(sent: object) -> None:
    assert models.parse_butler_tasks({"ButlerTasks": {"ButlerTask": sent}}) == (TASK,)


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
        models.parse_butler_tasks(payload)


def test_no_activity_list_means_that_nothing_goes_on() -> None:
    assert models.parse_activities({"MediaContainer": {"size": 0}}) == ()


@pytest.mark.parametrize(
    ("sent", "progress"),
    [
        *[({}, -1), ({"progress": 0}, 0), ({"progress": 100}, 100)],
        ({"progress": "83.3"}, 83),
        *(({"progress": it}, -1) for it in (101, -1, -50, True, 1e308, "much")),
    ],
)
def test_progress_that_is_no_percentage_is_unknown(
    sent: dict[str, Any], progress: int
) -> None:
    rows = models.parse_activities(
        {"MediaContainer": {"Activity": {"type": "butler", **sent}}}
    )

    assert rows == (replace(ROW, progress=progress),)


@pytest.mark.parametrize(("sent", "claimed"), [({}, True), ({"claimed": "0"}, False)])
def test_a_server_may_have_no_name(sent: dict[str, Any], *, claimed: bool) -> None:
    container = {"machineIdentifier": "m", "version": "1", **sent}

    server = models.parse_server({"MediaContainer": container})

    assert server == replace(SERVER, claimed=claimed)


@pytest.mark.parametrize("said", [{"machineIdentifier": "m"}, {"version": "1"}])
def test_who_the_server_is_must_be_said(said: dict[str, str]) -> None:
    with pytest.raises(api.PlexResponseError):
        models.parse_server({"MediaContainer": said})


def test_a_setting_is_read_with_all_that_is_said_of_it() -> None:
    listed = {
        "id": "ButlerStartHour",
        "label": "Start",
        "type": "int",
        "default": 2,
        "value": 4,
        "hidden": True,
        "enumValues": "0:0\ua78900|1:1:00|two",
    }

    assert models.parse_preferences({"MediaContainer": {"Setting": [listed]}}) == (
        api.Preference(
            id="ButlerStartHour",
            label="Start",
            type="int",
            value=4,
            options=("0", "1", "two"),
        ),
    )


@pytest.mark.parametrize(
    ("kind", "sent", "value"),
    [
        ("bool", "1", True),
        ("bool", "0", False),
        ("bool", "false", False),
        ("bool", 1, True),
        ("int", "23", 23),
        ("int", "late", "late"),
        ("int", float("inf"), float("inf")),
        ("double", "0.5", 0.5),
        ("text", 0, "0"),
        ("", "1", "1"),
        ("new", True, True),
    ],
)
def test_a_value_is_of_its_settings_type_however_it_is_sent(
    kind: str, sent: object, value: api.PreferenceValue
) -> None:
    item = {"id": "X", "type": kind, "value": sent}

    (found,) = models.parse_preferences({"MediaContainer": {"Setting": [item]}})

    assert found.value == value
    assert type(found.value) is type(value)


@pytest.mark.parametrize(
    "item", [{}, {"id": "X"}, {"id": "X", "value": [1]}, {"value": 1}]
)
def test_what_has_no_name_or_value_is_no_setting(item: dict[str, object]) -> None:
    good = {"id": "Y", "value": 2}
    (found,) = models.parse_preferences({"MediaContainer": {"Setting": [item, good]}})
    assert found.id == "Y"

    with pytest.raises(api.PlexResponseError):
        models.parse_preferences({"MediaContainer": {"Setting": [item]}})
