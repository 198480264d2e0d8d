"""What rows prove about running tasks, and what they do not."""

import pytest

from custom_components.plex_butler.run_state import (
    ButlerState,
    Command,
    Evidence,
    Result,
    TasksListed,
    Told,
)
from tests.run_state_story import (
    BACKUP,
    CLEAN,
    NAMELESS,
    REFRESH,
    STANDING,
    TASKS,
    Row,
    Story,
    Task,
    at,
    outcome,
    row,
    seconds,
)

HOUR = 3600
LIMIT = 30 * 60
STANDING_AFTER = 6 * HOUR


# Rows that name a task


@pytest.mark.parametrize(
    "it",
    [
        Row(title="Backup Database"),
        Row(title="BackupDatabase"),
        Row(subtitle=" backup database "),
        Row(type="Butler", title="Working", subtitle="BACKUPDATABASE"),
        Row(title="Backup Database", subtitle="Clean Old"),
        Row(title="Backup Database", progress=-1),
    ],
)
def test_row_that_names_a_task_proves_that_it_runs(it: Row) -> None:
    story = Story().see(0).see(5, it)
    assert story.on == {BACKUP}
    task = story.task(BACKUP)
    assert task.evidence is Evidence.ACTIVITY
    assert task.since == at(5)
    assert not task.assumed
    assert task.progress == (None if it.progress < 0 else it.progress)
    assert story.view.running == 1


@pytest.mark.parametrize(
    "it",
    [
        NAMELESS,
        Row(title="Backup Database now"),
        Row(title="Backup Database", subtitle="Clean Old Bundles"),
        Row(title="", subtitle=""),
        Row(title="Shared"),
        Row(title="Backup Database", progress=100),
        Row(title="Backup Database", progress=float("nan")),
        Row(type="library.update.section", title="Refresh Libraries"),
        Row(type="", title="Backup Database"),
    ],
)
def test_other_rows_prove_no_task(it: Row) -> None:
    shared = (Task(name="One", title="Shared"), Task(name="Two", title="Shared"))
    story = Story().tell(0, TasksListed(tasks=(*TASKS, *shared)))
    story.see(5, it).hear(6, Told.STARTED, it).hear(7, Told.UPDATED, it).see(8, it)
    assert story.on == set()
    assert story.started == []


def test_row_names_nothing_before_the_tasks_are_known() -> None:
    story = Story(listed=False).see(1, row(BACKUP))
    assert story.state.runs == {}
    assert story.butler is ButlerState.BUSY


def test_run_ends_when_its_row_is_gone() -> None:
    story = Story().see(0).see(5, row(BACKUP)).see(10, row(BACKUP)).see(15)
    assert outcome(story) == [(BACKUP, Result.ENDED)]
    assert story.ended[0].started_at == at(5)
    assert story.ended[0].ended_at == at(15)
    assert seconds(story.ended[0]) == 10
    assert story.task(BACKUP).last == story.ended[0]
    assert not story.is_on(BACKUP)


@pytest.mark.parametrize("told", [Told.UPDATED, None])
def test_row_that_stays_behind_at_100_ends_its_run(told: Told | None) -> None:
    story, done = Story().see(0).see(5, row(BACKUP)), row(BACKUP, progress=100)
    if told:
        story.hear(10, told, done).hear(10, told, done)
    story.see(10, done).see(15, done)
    assert outcome(story) == [(BACKUP, Result.ENDED)]
    assert story.on == set()
    assert len(story.started) == 1


def test_start_is_unknown_if_nobody_looked_before() -> None:
    story = Story().see(5, row(BACKUP)).see(10)
    assert story.started[0].started is None
    assert story.ended[0].started_at is None
    assert seconds(story.ended[0]) is None


def test_start_is_unknown_after_a_long_gap() -> None:
    story = Story().see(0).see(600, row(BACKUP))
    assert story.task(BACKUP).since is None


def test_end_is_not_seen_after_a_long_gap() -> None:
    story = Story().see(0).see(5, row(BACKUP)).see(LIMIT)
    assert outcome(story) == [(BACKUP, Result.LOST)]
    assert seconds(story.ended[0]) is None


def test_hang_of_four_minutes_does_not_hide_the_end() -> None:
    story = Story().see(0).see(5, row(BACKUP)).wait(245).see(246)
    assert outcome(story) == [(BACKUP, Result.ENDED)]


def test_row_that_nobody_can_look_at_is_not_believed_for_ever() -> None:
    story = Story().see(0).see(5, row(BACKUP)).wait(LIMIT + 4)
    assert story.is_on(BACKUP)
    story.wait(LIMIT + 5)
    assert outcome(story) == [(BACKUP, Result.LOST)]


def test_new_uuid_in_each_poll_is_one_run() -> None:
    story = Story().see(0)
    for number in range(1, 100):
        story.see(5 * number, row(BACKUP, uuid=f"u{number}"))
    assert len(story.started) == 1
    assert story.ended == []


def test_new_uuid_in_each_poll_does_not_keep_a_row_fresh() -> None:
    story = Story().see(0)
    for number in range(1, 800):
        story.see(30 * number, row(BACKUP, uuid=f"u{number}"))
    assert outcome(story) == [(BACKUP, Result.LOST)]
    assert story.butler is ButlerState.IDLE


def test_row_without_uuid_is_told_apart_by_its_texts() -> None:
    story = Story().see(0).see(5, row(BACKUP, uuid=""), row(CLEAN, uuid=""))
    assert story.on == {BACKUP, CLEAN}
    assert story.see(10, row(CLEAN, uuid="")).on == {CLEAN}


def test_row_with_another_row_of_its_task_left_goes_on() -> None:
    story = Story().see(0).see(5, row(BACKUP, "u1"), row(BACKUP, "u2"))
    story.hear(6, Told.ENDED, row(BACKUP, "u2"))
    assert story.is_on(BACKUP)
    story.hear(7, Told.ENDED, row(BACKUP, "u1"))
    assert outcome(story) == [(BACKUP, Result.ENDED)]


# Two names under one uuid


def test_name_not_shown_any_more_is_inferred_and_dated_when_last_named() -> None:
    story = Story().see(0).see(5, row(BACKUP)).see(10, row(CLEAN))
    assert story.on == {BACKUP, CLEAN}
    assert story.task(BACKUP).evidence is Evidence.INFERRED
    story.see(15, row(CLEAN)).wait(39)
    assert story.on == {BACKUP, CLEAN}
    story.wait(40)
    assert story.on == {CLEAN}
    assert outcome(story) == [(BACKUP, Result.ENDED)]
    assert story.ended[0].ended_at == at(5)


def test_names_that_alternate_both_run() -> None:
    story = Story().see(0)
    for second in range(0, 600, 20):
        story.see(second + 5, row(BACKUP)).see(second + 15, row(CLEAN))
    assert story.on == {BACKUP, CLEAN}
    assert story.ended == []
    assert story.task(CLEAN).evidence is Evidence.ACTIVITY


def test_another_uuid_ends_the_name_not_shown_at_once() -> None:
    story = Story().see(0).see(5, row(BACKUP)).see(10, row(CLEAN, uuid="u2"))
    assert story.on == {CLEAN}
    assert story.ended[0].ended_at == at(10)


def test_end_of_the_row_ends_all_its_names_at_once() -> None:
    story = Story().see(0).see(5, row(BACKUP)).see(10, row(CLEAN))
    story.hear(12, Told.ENDED, row(CLEAN))
    assert story.on == set()
    assert {run.task: run.ended_at for run in story.ended} == {
        BACKUP: at(5),
        CLEAN: at(12),
    }


def test_end_that_names_one_of_two_leaves_the_other() -> None:
    story = Story().see(0).see(5, row(BACKUP)).see(10, row(CLEAN))
    story.hear(12, Told.ENDED, row(BACKUP))
    assert story.on == {CLEAN}
    assert story.ended[0].ended_at == at(12)


def test_row_that_loses_its_name_ends_its_run_later() -> None:
    story = Story().see(0).see(5, row(BACKUP)).see(10, Row(title="Busy"))
    assert story.is_on(BACKUP)
    assert not story.wait(41).is_on(BACKUP)
    assert story.butler is ButlerState.BUSY


# Butler as a whole


def test_butler_is_unknown_until_it_was_seen_busy() -> None:
    story = Story()
    assert story.butler is ButlerState.UNKNOWN
    story.see(0).see(5, STANDING).start(10, BACKUP)
    assert story.butler is ButlerState.UNKNOWN
    assert story.see(15, NAMELESS).butler is ButlerState.BUSY
    assert story.see(20, STANDING).butler is ButlerState.IDLE


def test_standing_row_at_100_teaches_nothing() -> None:
    standing = row(BACKUP, progress=100)
    story = Story().see(0, standing).wait(HOUR).see(HOUR, standing)
    assert story.butler is ButlerState.UNKNOWN
    assert story.task(BACKUP).assumed
    assert story.on == set()


@pytest.mark.parametrize("it", [row(BACKUP, progress=40), NAMELESS])
def test_row_unchanged_for_six_hours_is_standing_until_it_changes(it: Row) -> None:
    story = Story().see(0)
    for second in range(10, STANDING_AFTER + 10, 60):
        story.see(second, it)
    assert story.wait(STANDING_AFTER).butler is ButlerState.BUSY
    story.wait(STANDING_AFTER + 10).see(STANDING_AFTER + 70, it)
    assert story.see(STANDING_AFTER + 71, it).butler is ButlerState.IDLE
    assert story.on == set()
    assert all(run.result is Result.LOST for run in story.ended)
    changed = Row(uuid=it.uuid, title=it.title, progress=41)
    assert story.see(STANDING_AFTER + 80, changed).butler is ButlerState.BUSY


def test_row_that_changes_never_stands() -> None:
    story = Story().see(0)
    for second in range(5, 20 * HOUR, 600):
        story.see(second, row(BACKUP, progress=second % 7)).wait(second + 60)
    assert story.is_on(BACKUP)
    assert len(story.started) == 1


def test_row_unchanged_since_the_window_ended_is_standing() -> None:
    story = Story().open_window(2, 5)
    for second in range(int(4.5 * HOUR), int(5.3 * HOUR), 60):
        story.see(second, row(BACKUP))
    assert outcome(story) == [(BACKUP, Result.LOST)]
    assert story.ended[0].ended_at == at(5.25 * HOUR)


def test_row_that_began_after_the_window_may_stand_for_long() -> None:
    story = Story().open_window(2, 5)
    for second in range(int(5.1 * HOUR), int(6.5 * HOUR), 60):
        story.see(second, row(BACKUP))
    assert story.is_on(BACKUP)


@pytest.mark.parametrize("command", [Command.START, Command.START_ALL])
def test_what_we_commanded_may_outlast_the_window(command: Command) -> None:
    story = Story().open_window(2, 5)
    task = BACKUP if command is Command.START else None
    story.command(int(4.4 * HOUR), command, task)
    for second in range(int(4.5 * HOUR), int(5.5 * HOUR), 60):
        story.see(second, row(BACKUP))
    assert story.is_on(BACKUP)


# Nameless rows


def test_nameless_row_turns_nothing_on() -> None:
    story = Story().see(0).see(5, NAMELESS).hear(6, Told.STARTED, NAMELESS)
    assert story.on == set()
    assert story.butler is ButlerState.BUSY
    assert all(task.assumed for task in story.view.tasks.values())


def test_commanded_tasks_end_when_two_snapshots_show_butler_idle() -> None:
    story = Story().see(0).start(10, BACKUP).start(11, CLEAN)
    story.see(12, NAMELESS).see(17, NAMELESS).see(22)
    assert story.on == {BACKUP, CLEAN}
    story.see(27)
    assert outcome(story) == [(BACKUP, Result.ENDED), (CLEAN, Result.ENDED)]
    assert story.ended[0].ended_at == at(22)
    assert story.ended[0].evidence is Evidence.INFERRED


def test_commanded_task_ends_when_a_snapshot_confirms_the_end_of_the_row() -> None:
    story = Story().see(0).start(10, BACKUP).hear(11, Told.STARTED, NAMELESS)
    story.hear(20, Told.ENDED, NAMELESS).see(21, asked=19)
    assert story.is_on(BACKUP)
    story.see(30)
    assert outcome(story) == [(BACKUP, Result.ENDED)]
    assert story.ended[0].ended_at == at(20)


def test_busy_row_in_between_begins_the_count_anew() -> None:
    story = Story().see(0).start(10, BACKUP).see(12, NAMELESS).see(17)
    story.see(22, NAMELESS).see(27)
    assert story.is_on(BACKUP)
    assert not story.see(32).is_on(BACKUP)


def test_commanded_task_has_its_limit_though_butler_stays_busy() -> None:
    story = Story().see(0).start(10, BACKUP)
    for second in range(15, LIMIT + 60, 5):
        story.see(second, Row(progress=second % 90)).wait(second)
    assert outcome(story) == [(BACKUP, Result.LOST)]


def test_busy_row_of_before_the_command_says_nothing_of_it() -> None:
    story = Story().see(0, row(CLEAN)).start(10, BACKUP).see(12, row(CLEAN), asked=9)
    story.see(15).see(20).see(40)
    assert story.is_on(BACKUP)


def test_start_that_a_nameless_server_does_not_follow_is_lost() -> None:
    story = Story().see(0, NAMELESS).see(5).start(10, BACKUP).see(11).see(16)
    assert story.is_on(BACKUP)
    assert outcome(story.see(21)) == [(BACKUP, Result.LOST)]


def test_start_after_stop_all_waits_until_old_rows_count_again() -> None:
    story = Story().see(0, NAMELESS).command(5, Command.STOP_ALL).start(6, BACKUP)
    for second in range(10, 35, 5):
        story.see(second, NAMELESS)
    assert story.is_on(BACKUP)
    story.wait(36).see(37, NAMELESS).see(42).see(47)
    assert outcome(story) == [(BACKUP, Result.ENDED)]


def test_task_never_shown_is_lost_when_a_butler_busy_with_others_is_idle() -> None:
    story = Story().see(0).start(10, BACKUP).see(15, row(CLEAN)).see(20).see(25)
    assert story.ended[-1].task == BACKUP
    assert story.ended[-1].result is Result.LOST


def test_shown_task_under_a_nameless_row_ends_with_it() -> None:
    story = Story().shown(0, BACKUP).start(10, BACKUP).see(15, NAMELESS).see(20)
    assert story.is_on(BACKUP)
    assert outcome(story.see(25)) == [(BACKUP, Result.ENDED)]


# Ordinary work


SCAN = Row(uuid="scan", type="library.update.section", title="Scanning Movies")


def test_ordinary_scan_turns_nothing_on() -> None:
    story = Story().see(0).see(5, SCAN).hear(6, Told.STARTED, SCAN)
    story.see(10, SCAN, row(BACKUP)).hear(11, Told.ENDED, SCAN)
    assert story.on == {BACKUP}
    assert not story.state.known.pushed


def test_work_that_began_with_the_command_prolongs_its_run() -> None:
    story = Story().see(0).start(10, REFRESH)
    for second in range(15, LIMIT + 600, 5):
        story.see(second, SCAN)
    assert story.is_on(REFRESH)
    assert story.task(REFRESH).evidence is Evidence.INFERRED


def test_end_of_work_that_began_with_the_command_ends_its_run() -> None:
    story = Story().see(0).start(10, REFRESH).see(15, SCAN).see(20, SCAN)
    story.see(25, Row(uuid="scan2", type=SCAN.type)).see(30).see(35).see(40)
    assert story.is_on(REFRESH)
    story.see(45)
    assert outcome(story) == [(REFRESH, Result.ENDED)]
    assert story.ended[0].ended_at == at(25)


@pytest.mark.parametrize("before", [[SCAN], []])
def test_other_work_says_nothing_of_a_run(before: list[Row]) -> None:
    story = Story().see(0, *before).start(10, REFRESH)
    story.see(15, *before, Row(uuid="x", type="media.generate.intros"))
    for second in range(40, LIMIT, 5):
        story.see(second, SCAN)
    assert story.task(REFRESH).evidence is Evidence.COMMAND
    assert not story.wait(LIMIT + 10).is_on(REFRESH)


def test_work_at_the_first_look_says_nothing_of_a_run() -> None:
    story = Story().start(10, REFRESH).see(12, SCAN)
    assert story.task(REFRESH).evidence is Evidence.COMMAND
