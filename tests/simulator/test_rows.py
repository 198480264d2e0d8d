"""What running tasks look like, under every trait."""

from __future__ import annotations

import pytest

from tests.simulator import (
    ALL_TASKS,
    GENERIC,
    Naming,
    Rows,
    Standing,
    in_server_language,
)

from .rules import Rules

BACKUP = "BackupDatabase"
OPTIMIZE = "OptimizeDatabase"
BACKUP_TITLE = ALL_TASKS[BACKUP].title
OPTIMIZE_TITLE = ALL_TASKS[OPTIMIZE].title
STANDING = (GENERIC, "", 100)


def test_current_names_each_task_in_a_row_of_its_own_beside_the_standing_one() -> None:
    rules = Rules()
    assert rules.rows() == [STANDING]
    rules.butler.start(BACKUP)
    rules.butler.start(OPTIMIZE)
    assert rules.rows() == [STANDING, (BACKUP_TITLE, "", 0), (OPTIMIZE_TITLE, "", 0)]
    rules.advance(3600)
    assert rules.rows() == [STANDING]


def test_anonymous_has_one_row_without_a_name_and_none_when_idle() -> None:
    rules = Rules("anonymous")
    assert rules.rows() == []
    rules.butler.start(BACKUP)
    rules.butler.start(OPTIMIZE)
    rules.advance(10)
    ((title, subtitle, progress),) = rules.rows()
    assert (title, subtitle) == (GENERIC, "")
    assert progress < 100
    rules.advance(3600)
    assert rules.rows() == []
    assert rules.pushed()[-1] == "ended"


def test_silent_shows_and_pushes_nothing() -> None:
    rules = Rules("silent")
    rules.butler.start(BACKUP)
    rules.butler.start("RefreshLibraries")
    rules.advance(3600)
    assert rules.rows() == []
    assert rules.frames == []


def test_legacy_names_the_task_in_the_subtitle_of_its_one_row() -> None:
    rules = Rules("legacy")
    rules.butler.start(BACKUP)
    assert rules.rows() == [(GENERIC, BACKUP_TITLE, 0)]


def test_a_shared_row_names_its_tasks_in_turn_under_one_id() -> None:
    rules = Rules(rows=Rows.SHARED, standing=Standing.NONE)
    rules.butler.start(BACKUP)
    rules.butler.start(OPTIMIZE)
    seen = set()
    for _ in range(4):
        rules.advance(2)
        seen |= {row.title for row in rules.state.board.rows.values()}
    assert seen == {BACKUP_TITLE, OPTIMIZE_TITLE}
    ids = {frame.elements[0]["uuid"] for frame in rules.frames}
    assert len(ids) == 1


def test_a_shared_standing_row_is_the_busy_one_at_100() -> None:
    rules = Rules(rows=Rows.SHARED, standing=Standing.NAMELESS)
    (idle,) = rules.state.board.rows
    rules.butler.start(BACKUP)
    rules.advance(10)
    assert rules.rows()[0][2] < 100
    rules.advance(3600)
    assert rules.rows() == [STANDING]
    assert list(rules.state.board.rows) == [idle]
    assert set(rules.pushed()) == {"updated"}


@pytest.mark.parametrize(
    ("naming", "row"),
    [
        (Naming.TITLE, (BACKUP_TITLE, "", 0)),
        (Naming.SUBTITLE, (GENERIC, BACKUP_TITLE, 0)),
        (Naming.NAME, (BACKUP, "", 0)),
        (Naming.NOTHING, (*STANDING[:2], 0)),
    ],
)
def test_the_traits_say_where_a_row_names_its_task(
    naming: Naming, row: tuple[str, str, int]
) -> None:
    rules = Rules(naming=naming, standing=Standing.NONE)
    rules.butler.start(BACKUP)
    assert rules.rows() == [row]


def test_rows_may_speak_another_language() -> None:
    rules = Rules(foreign_rows=True, standing=Standing.NONE)
    rules.butler.start(BACKUP)
    assert rules.rows()[0][0] == in_server_language(BACKUP_TITLE) != BACKUP_TITLE


def test_rows_may_show_without_being_pushed() -> None:
    rules = Rules(pushes_rows=False)
    rules.butler.start(BACKUP)
    assert len(rules.rows()) == 2
    rules.advance(3600)
    assert rules.pushed() == []


def test_the_end_may_come_without_a_word() -> None:
    rules = Rules(pushes_ended=False)
    rules.butler.start(BACKUP)
    rules.advance(3600)
    assert rules.rows() == [STANDING]
    assert "started" in rules.pushed()
    assert "ended" not in rules.pushed()


@pytest.mark.parametrize("rows", [Rows.SHARED, Rows.PER_TASK])
def test_a_row_may_linger_after_a_stop(rows: Rows) -> None:
    rules = Rules(rows=rows, linger_after_stop=20, standing=Standing.NONE)
    rules.butler.start(BACKUP)
    rules.butler.stop(BACKUP)
    rules.advance(19)
    assert len(rules.rows()) == 1
    rules.advance(2)
    assert rules.rows() == []
    assert rules.pushed()[-1] == "ended"


def test_progress_grows_and_is_pushed_at_the_traits_interval() -> None:
    rules = Rules(progress_interval=5)
    rules.butler.start(BACKUP)
    rules.advance(28)
    assert rules.pushed() == ["started", *["updated"] * 5]
    assert rules.rows()[-1][2] > 50


def test_progress_may_be_unknown() -> None:
    rules = Rules(progress_known=False)
    rules.butler.start(BACKUP)
    rules.advance(10)
    assert rules.rows()[-1][2] == -1


def test_progress_may_fall_back_for_each_part_of_a_run() -> None:
    rules = Rules(phases=3, progress_interval=5, standing=Standing.NONE)
    rules.butler.start(BACKUP)
    seen = []
    for _ in range(29):
        rules.advance(1)
        seen.append(rules.rows()[0][2])
    assert seen.count(0) > 2
    assert seen == sorted(seen[:9]) + sorted(seen[9:19]) + sorted(seen[19:])
    pushed = [frame.elements[0]["Activity"]["progress"] for frame in rules.frames]
    assert pushed.count(100) == 2
    assert len(rules.state.board.rows) == 1
    rules.advance(1)
    assert rules.rows() == []


def test_each_part_of_a_run_may_have_a_row_of_its_own() -> None:
    rules = Rules(phases=3, phase_gap=0.05, standing=Standing.NONE)
    rules.butler.start(BACKUP)
    ids = set(rules.state.board.rows)
    rules.advance(10)
    assert rules.rows() == []
    assert rules.running == {BACKUP}
    rules.advance(0.05)
    ids |= set(rules.state.board.rows)
    assert len(ids) == 2
    rules.advance(9)
    rules.butler.stop(BACKUP)
    rules.advance(1)
    assert rules.rows() == []
    assert [event for event in rules.pushed() if event != "updated"] == [
        "started",
        "ended",
    ] * 2


@pytest.mark.parametrize("profile", ["current", "anonymous"])
def test_a_slow_server_shows_rows_late(profile: str) -> None:
    rules = Rules(profile, row_delay=8, standing=Standing.NONE)
    rules.butler.start("LoudnessAnalysis")
    rules.advance(7)
    assert rules.state.board.rows == {}
    rules.advance(1)
    assert rules.state.board.rows


def test_work_shows_under_its_own_type_and_ends_with_the_task() -> None:
    rules = Rules()
    rules.butler.start("LoudnessAnalysis")
    rules.advance(6)
    assert len(rules.rows("media.generate.loudness")) == 1
    rules.butler.stop("LoudnessAnalysis")
    assert rules.rows("media.generate.loudness") == []
    assert rules.pushed("media.generate.loudness") == ["started", "updated", "ended"]


def test_a_restart_leaves_only_a_new_standing_row() -> None:
    rules = Rules()
    (before,) = rules.state.board.rows
    rules.butler.start(BACKUP)
    rules.state.restart(None)
    assert rules.rows() == [STANDING]
    assert before not in rules.state.board.rows


def test_noise_is_never_butlers() -> None:
    rules = Rules("silent")
    rules.state.noise.ordinary_day(60)
    rules.advance(6 * 3600)
    rules.state.noise.ordinary_day(0)
    rules.advance(3600)
    assert rules.state.board.rows == {}
    assert len(rules.frames) > 100
    assert rules.pushed("butler") == []


def test_a_storm_is_as_many_messages_as_asked_for() -> None:
    rules = Rules()
    rules.state.noise.storm(1556)
    assert len(rules.pushed("library.update.section")) == 1556
