"""Tasks have names of ours where they are known, and work without."""

from dataclasses import replace

import pytest

from custom_components.plex_butler.api import ButlerTask
from custom_components.plex_butler.tasks import (
    COMMON_TASKS,
    DATABASE_TASKS,
    KNOWN_TASKS,
    SHORT_TASKS,
    find_tasks,
    task_key,
)

TASK = ButlerTask(
    name="BackupDatabase",
    title="Backup Database",
    description="",
    interval=3,
    schedule_randomized=False,
    enabled=True,
)
INTROS = replace(TASK, name="ButlerTaskGenerateIntroMarkers", title="Mark Intros")


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("BackupDatabase", "backup_database"),
        ("ButlerTaskGenerateIntroMarkers", "generate_intro_markers"),
        ("RefreshEpgGuides", "refresh_epg_guides"),
        ("Polish2Brass", "polish2_brass"),
    ],
)
def test_a_key_is_the_name_in_lower_case_words(name: str, key: str) -> None:
    assert task_key(name) == key


def test_no_two_known_tasks_share_a_key() -> None:
    assert len({task_key(name) for name in KNOWN_TASKS}) == len(KNOWN_TASKS)


def test_what_is_known_of_some_tasks_is_of_known_tasks() -> None:
    assert COMMON_TASKS | DATABASE_TASKS | SHORT_TASKS <= KNOWN_TASKS


@pytest.mark.parametrize(
    "wanted",
    ["BackupDatabase", "backupdatabase", "backup_database", " BACKUP DATABASE "],
)
def test_a_task_is_found_by_name_key_or_title(wanted: str) -> None:
    assert find_tasks([INTROS, TASK], wanted) == [TASK]


@pytest.mark.parametrize("wanted", ["BackupDatabase", "backupdatabase"])
def test_a_name_wins_over_another_tasks_title(wanted: str) -> None:
    impostor = replace(INTROS, title="BackupDatabase")

    assert find_tasks([impostor, TASK], wanted) == [TASK]


def test_names_that_differ_in_case_alone_are_told_apart_by_it() -> None:
    shouted = replace(TASK, name="BACKUPDATABASE")

    assert find_tasks([shouted, TASK], "BackupDatabase") == [TASK]
    assert find_tasks([shouted, TASK], "backupdatabase") == [shouted, TASK]


@pytest.mark.parametrize("wanted", ["backup_database", "Backup Database"])
def test_a_key_or_title_may_be_that_of_two_tasks(wanted: str) -> None:
    other = replace(TASK, name="ButlerTaskBackupDatabase")

    assert find_tasks([TASK, INTROS, other], wanted) == [TASK, other]


def test_what_is_no_task_is_not_found() -> None:
    assert find_tasks([INTROS, TASK], "Backup") == []
