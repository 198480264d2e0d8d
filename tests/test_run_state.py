"""What each kind of evidence proves about running tasks, and what it does not."""

from datetime import UTC, timedelta

import pytest

from custom_components.plex_butler.run_state import (
    Answer,
    ButlerState,
    Command,
    CommandSent,
    Evidence,
    Moment,
    Result,
    RunQueued,
    RunState,
    TasksListed,
    TaskState,
    Told,
    Window,
    WindowChanged,
)
from tests.run_state_story import (
    BACKUP,
    CLEAN,
    INTROS,
    MIDNIGHT,
    NAMELESS,
    REFRESH,
    STANDING,
    TASKS,
    ZONE,
    Row,
    Story,
    Task,
    at,
    moment,
    row,
    seconds,
    window,
)

HOUR = 3600
LIMIT = 30 * 60
STANDING_AFTER = 6 * HOUR


def outcome(story: Story) -> list[tuple[str, Result]]:
    return [(run.task, run.result) for run in story.ended]


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


# Commands


def test_start_is_believed_at_once() -> None:
    story = Story().start(10, BACKUP, took=2)
    task = story.task(BACKUP)
    assert task.state is TaskState.RUNNING
    assert task.evidence is Evidence.COMMAND
    assert task.since == at(10)
    assert task.assumed


def test_start_on_a_silent_server_is_lost_at_the_limit() -> None:
    story = Story().see(0).start(10, BACKUP)
    for second in range(15, LIMIT + 10, 5):
        story.see(second).tell(second, WindowChanged(window=None))
    assert story.is_on(BACKUP)
    story.wait(LIMIT + 10)
    assert outcome(story) == [(BACKUP, Result.LOST)]
    assert story.butler is ButlerState.UNKNOWN


def test_limit_is_an_option() -> None:
    story = Story(RunState(now=moment(0), limit=timedelta(minutes=5)))
    assert story.start(0, BACKUP).wait(299).is_on(BACKUP)
    assert not story.wait(300).is_on(BACKUP)


def test_already_running_runs_since_who_knows_when_with_a_limit_from_now() -> None:
    story = Story().see(0).start(10, BACKUP, Answer.ALREADY_RUNNING)
    assert story.is_on(BACKUP)
    assert story.task(BACKUP).since is None
    assert story.wait(LIMIT + 9).is_on(BACKUP)
    assert outcome(story.wait(LIMIT + 10)) == [(BACKUP, Result.LOST)]


def test_already_running_renews_the_limit_and_keeps_the_start() -> None:
    story = Story().start(0, BACKUP).start(1000, BACKUP, Answer.ALREADY_RUNNING)
    assert story.task(BACKUP).since == at(0)
    assert story.wait(LIMIT + 999).is_on(BACKUP)
    assert not story.wait(LIMIT + 1000).is_on(BACKUP)
    assert len(story.started) == 1


def test_row_asked_for_before_its_task_was_told_to_end_begins_nothing() -> None:
    story = Story().see(0).start(10, BACKUP).hear(12, Told.ENDED, row(BACKUP, "u9"))
    story.see(13, row(BACKUP, "u5"), asked=11)
    assert story.on == set()


def test_second_start_tells_that_the_first_run_is_over() -> None:
    story = Story().start(0, BACKUP).start(600, BACKUP)
    assert outcome(story) == [(BACKUP, Result.LOST)]
    assert [run.started for run in story.started] == [moment(0), moment(600)]


def test_two_starts_at_once_are_one_run() -> None:
    story = Story().start(0, BACKUP, took=3)
    story.answer(4, Command.START, BACKUP, sent=1)
    assert len(story.started) == 1
    assert story.ended == []


@pytest.mark.parametrize("answer", [Answer.FAILED, Answer.NOT_RUNNING])
@pytest.mark.parametrize("command", list(Command))
def test_failed_command_proves_nothing(command: Command, answer: Answer) -> None:
    if (command, answer) == (Command.STOP, Answer.NOT_RUNNING):
        return
    task = BACKUP if command in (Command.START, Command.STOP) else None
    idle = Story().command(10, command, task, answer=answer)
    assert idle.changes == []
    busy = Story().see(0).see(5, row(BACKUP))
    assert busy.command(10, command, task, answer=answer).is_on(BACKUP)
    assert busy.ended == []


def test_start_all_claims_nothing_without_evidence() -> None:
    story = Story().see(0).command(5, Command.START_ALL)
    assert story.on == set()
    assert story.see(10, row(CLEAN)).on == {CLEAN}


def test_task_so_short_that_its_end_comes_before_the_answer_is_one_run() -> None:
    story = Story().see(0).tell(10, CommandSent(command=Command.START, task=BACKUP))
    story.hear(10.01, Told.STARTED, row(BACKUP)).hear(10.12, Told.ENDED, row(BACKUP))
    story.answer(10.2, Command.START, BACKUP, sent=10).see(10.3)
    assert len(story.started) == 1
    assert outcome(story) == [(BACKUP, Result.ENDED)]
    assert seconds(story.ended[0]) == pytest.approx(0.11)
    assert story.on == set()


@pytest.mark.parametrize("answer", [Answer.OK, Answer.ALREADY_RUNNING])
def test_end_alone_before_the_answer_is_one_run_too(answer: Answer) -> None:
    story = Story().see(0).tell(10, CommandSent(command=Command.START, task=BACKUP))
    story.hear(10.1, Told.ENDED, row(BACKUP)).hear(10.1, Told.ENDED, row(BACKUP))
    story.answer(10.2, Command.START, BACKUP, sent=10, answer=answer)
    assert outcome(story) == [(BACKUP, Result.ENDED)]
    assert story.started[0].started == moment(10)
    assert story.on == set()


def test_end_after_the_answer_ends_a_run_that_was_never_seen() -> None:
    story = Story().see(0).start(10, BACKUP).hear(12, Told.ENDED, row(BACKUP))
    assert outcome(story) == [(BACKUP, Result.ENDED)]
    assert seconds(story.ended[0]) == 2


def test_end_that_nobody_waits_for_is_no_run() -> None:
    story = Story().see(0).hear(5, Told.ENDED, row(BACKUP, "u9"))
    story.hear(6, Told.ENDED, Row(uuid="u8", title="?"))
    assert story.changes == []
    story.see(10, row(CLEAN)).hear(11, Told.ENDED, row(CLEAN, "u7"))
    assert story.is_on(CLEAN)


def test_run_that_ends_just_after_a_new_start_was_sent_is_not_the_new_one() -> None:
    story = Story().see(0).hear(5, Told.STARTED, row(BACKUP))
    story.tell(20, CommandSent(command=Command.START, task=BACKUP))
    story.hear(20.1, Told.ENDED, row(BACKUP))
    story.answer(20.2, Command.START, BACKUP, sent=20)
    assert story.is_on(BACKUP)
    assert story.task(BACKUP).since == at(20.1)
    assert outcome(story) == [(BACKUP, Result.ENDED)]


def test_command_without_answer_is_forgotten() -> None:
    story = Story().see(0).tell(10, CommandSent(command=Command.START, task=BACKUP))
    story.hear(80, Told.ENDED, row(BACKUP))
    assert story.changes == []


def test_snapshot_asked_before_the_command_proves_nothing_newer() -> None:
    story = Story().shown(-100, BACKUP).see(0).start(10, BACKUP)
    story.see(20, asked=9)
    assert story.is_on(BACKUP)
    story.see(21, row(BACKUP, "old"), asked=9.5)
    assert story.task(BACKUP).evidence is Evidence.COMMAND


def test_snapshot_that_was_overtaken_by_another_is_ignored() -> None:
    story = Story().see(0).see(10, row(BACKUP), asked=8).see(11, asked=7)
    assert story.is_on(BACKUP)


def test_snapshot_asked_before_a_notification_proves_nothing_newer() -> None:
    story = Story().see(0).hear(10, Told.STARTED, row(BACKUP)).see(11, asked=9)
    assert story.is_on(BACKUP)
    story.hear(12, Told.ENDED, row(BACKUP)).see(13, row(BACKUP), asked=11.5)
    assert story.on == set()
    assert len(story.started) == 1


def test_task_that_this_server_has_shown_ends_when_it_does_not_show() -> None:
    story = Story().shown(0, BACKUP).start(10, BACKUP).see(10.5).see(13.9)
    assert story.is_on(BACKUP)
    story.see(15.5)
    assert outcome(story) == [(BACKUP, Result.LOST)]


def test_shown_task_may_wait_for_its_turn() -> None:
    story = Story().shown(0, BACKUP).see(5, row(CLEAN)).start(10, BACKUP)
    for second in range(15, 100, 5):
        story.see(second, row(CLEAN))
    assert story.is_on(BACKUP)
    story.see(100, row(BACKUP, "u2"))
    assert story.task(BACKUP).since == at(100)
    assert outcome(story) == [(CLEAN, Result.ENDED)]


def test_shown_task_does_not_wait_where_tasks_run_side_by_side() -> None:
    story = Story().see(0).see(1, row(BACKUP, "a"), row(CLEAN, "b")).see(5, row(CLEAN))
    story.start(10, BACKUP).see(15, row(CLEAN))
    assert story.on == {CLEAN}
    assert story.ended[-1].result is Result.LOST


def test_row_seen_after_the_command_keeps_the_time_of_the_command() -> None:
    story = Story().see(0).start(10, BACKUP).see(12, row(BACKUP)).see(20)
    assert story.ended[0].started_at == at(10)
    assert outcome(story) == [(BACKUP, Result.ENDED)]
    assert len(story.started) == 1


def test_start_that_is_told_later_dates_the_run() -> None:
    story = Story().see(0).start(10, BACKUP).hear(40, Told.STARTED, row(BACKUP))
    assert story.task(BACKUP).since == at(40)
    assert story.task(BACKUP).evidence is Evidence.NOTIFICATION


# Queued


def queued() -> Story:
    story = Story().open_window(2, 5).see(3 * HOUR)
    return story.start(3 * HOUR + 10, INTROS)


def test_randomised_task_is_queued_while_the_window_is_on() -> None:
    story = queued()
    assert story.task(INTROS).state is TaskState.QUEUED
    assert story.task(INTROS).since == at(3 * HOUR + 10)
    assert isinstance(story.changes[-1], RunQueued)
    assert story.view.running == 0


@pytest.mark.parametrize(
    ("hours", "task"), [((4, 5), INTROS), ((2, 5), BACKUP), ((3, 3), INTROS)]
)
def test_other_starts_are_not_queued(hours: tuple[int, int], task: str) -> None:
    story = Story().open_window(*hours).start(3 * HOUR, task)
    assert story.task(task).state is TaskState.RUNNING


def test_queued_task_that_shows_nothing_is_lost_when_the_window_ends() -> None:
    story = queued().see(3 * HOUR + 60).see(4 * HOUR).wait(5 * HOUR - 1)
    assert story.is_on(INTROS)
    assert outcome(story.wait(5 * HOUR)) == [(INTROS, Result.LOST)]
    assert story.started == []


def test_queued_task_runs_from_its_first_evidence_on() -> None:
    story = queued().see(4 * HOUR).see(4 * HOUR + 30, row(INTROS))
    assert story.task(INTROS).state is TaskState.RUNNING
    assert story.task(INTROS).since == at(4 * HOUR + 30)
    assert [run.task for run in story.started] == [INTROS]


def test_queued_task_that_ran_unwatched_has_no_start() -> None:
    story = queued().see(4 * HOUR, row(INTROS))
    assert story.task(INTROS).state is TaskState.RUNNING
    assert story.task(INTROS).since is None


def test_queued_task_seen_only_to_end_has_started_too() -> None:
    story = queued().hear(4 * HOUR, Told.ENDED, row(INTROS))
    assert [run.task for run in story.started] == [INTROS]
    assert outcome(story) == [(INTROS, Result.ENDED)]


def test_queued_task_stays_queued_with_another_start() -> None:
    story = queued().start(4 * HOUR, INTROS)
    assert story.task(INTROS).state is TaskState.QUEUED
    assert story.ended == []


def test_queued_task_that_already_runs_runs() -> None:
    story = queued().start(4 * HOUR, INTROS, Answer.ALREADY_RUNNING)
    assert story.task(INTROS).state is TaskState.RUNNING
    assert len(story.started) == 1
    assert story.wait(4 * HOUR + LIMIT - 1).is_on(INTROS)


def test_queued_task_can_be_stopped() -> None:
    assert outcome(queued().stop(4 * HOUR, INTROS)) == [(INTROS, Result.STOPPED)]


def test_queued_task_waits_for_a_window_that_was_changed() -> None:
    story = queued().open_window(2, 7).wait(5 * HOUR)
    assert story.is_on(INTROS)
    story.open_window(9, 10)
    assert not story.wait(7 * HOUR).is_on(INTROS)


def test_queued_task_outlives_an_idle_butler() -> None:
    story = queued()
    for second in range(3 * HOUR + 20, 4 * HOUR, 300):
        story.see(second, NAMELESS).see(second + 5)
    assert story.task(INTROS).state is TaskState.QUEUED


@pytest.mark.parametrize(
    ("hours", "hour", "is_open", "ends_in"),
    [
        ((2, 5), 1, False, 4),
        ((2, 5), 2, True, 3),
        ((2, 5), 5, False, 24),
        ((22, 3), 23, True, 4),
        ((22, 3), 1, True, 2),
        ((22, 3), 12, False, 15),
    ],
)
def test_window_may_cross_midnight(
    *, hours: tuple[int, int], hour: int, is_open: bool, ends_in: int
) -> None:
    now = moment(hour * HOUR)
    assert window(*hours).is_open(now.utc) is is_open
    assert window(*hours).next_end(now) == now + timedelta(hours=ends_in)


def test_window_is_on_the_clock_of_its_zone() -> None:
    berlin = Window(start_hour=2, end_hour=5, zone=ZONE)
    assert berlin.is_open(at(1.5 * HOUR))
    assert berlin.next_end(moment(0)).utc == at(4 * HOUR)
    # The night in which the clock is set forward has an hour less
    spring = Moment(MIDNIGHT.replace(month=3, day=29), 0)
    assert berlin.next_end(spring).utc.hour == 3
    assert berlin.next_end(spring).utc.tzinfo is UTC


@pytest.mark.parametrize("hours", [(3, 3), (2, 24), (-1, 5)])
def test_window_that_says_nothing_is_unknown(hours: tuple[int, int]) -> None:
    assert Story().open_window(*hours).state.window is None


# Stops


def test_stop_ends_the_run_and_lingering_rows_are_ignored() -> None:
    story = Story().see(0).see(5, row(BACKUP)).stop(10, BACKUP, took=1)
    assert outcome(story) == [(BACKUP, Result.STOPPED)]
    assert seconds(story.ended[0]) == 6
    story.see(15, row(BACKUP)).hear(20, Told.UPDATED, row(BACKUP)).see(40, row(BACKUP))
    story.hear(40.5, Told.ENDED, row(CLEAN, "u5"))
    assert story.on == set()
    assert story.butler is ButlerState.IDLE


def test_what_still_shows_after_a_stop_is_on_again() -> None:
    story = Story().see(0).see(5, row(BACKUP)).stop(10, BACKUP)
    story.see(39, row(BACKUP)).wait(40)
    assert not story.is_on(BACKUP)
    assert story.see(41, row(BACKUP)).is_on(BACKUP)


def test_row_of_another_uuid_counts_at_once_after_a_stop() -> None:
    story = Story().see(0).see(5, row(BACKUP)).stop(10, BACKUP)
    assert story.see(12, row(BACKUP, "u2")).is_on(BACKUP)


def test_stop_of_one_task_leaves_the_other_that_shares_its_row() -> None:
    story = Story().see(0).see(5, row(BACKUP)).see(6, row(CLEAN)).stop(10, BACKUP)
    story.see(12, row(CLEAN)).see(17, row(BACKUP))
    assert story.on == {CLEAN}
    assert not story.hear(18, Told.ENDED, row(CLEAN)).is_on(CLEAN)


def test_snapshot_asked_before_the_stop_was_answered_shows_old_rows() -> None:
    story = Story().see(0).stop(10, BACKUP, took=5).see(16, row(BACKUP), asked=12)
    assert story.see(17, row(BACKUP)).on == set()
    assert story.wait(45).see(46, row(BACKUP)).on == {BACKUP}


def test_end_told_before_the_answer_to_the_stop_is_our_doing() -> None:
    story = Story().see(0).see(5, row(BACKUP))
    story.tell(10, CommandSent(command=Command.STOP, task=BACKUP))
    story.hear(10.1, Told.ENDED, row(BACKUP))
    story.answer(10.2, Command.STOP, BACKUP, sent=10)
    assert outcome(story) == [(BACKUP, Result.STOPPED)]


def test_stop_all_ends_all_and_silences_all_old_rows() -> None:
    story = Story().see(0).see(5, row(BACKUP), NAMELESS).start(8, CLEAN)
    story.command(10, Command.STOP_ALL)
    assert story.on == set()
    assert {run.result for run in story.ended} == {Result.STOPPED}
    story.see(15, row(BACKUP), NAMELESS).hear(16, Told.ENDED, row(BACKUP))
    assert story.butler is ButlerState.IDLE


def test_not_running_ends_a_run_whose_end_was_not_seen() -> None:
    story = Story().start(0, BACKUP).stop(10, BACKUP, Answer.NOT_RUNNING)
    assert outcome(story) == [(BACKUP, Result.LOST)]


def test_start_after_a_stop_is_not_ended_by_rows_that_linger() -> None:
    story = Story().see(0).see(5, row(BACKUP)).stop(10, BACKUP).start(12, BACKUP)
    story.see(17, row(BACKUP)).see(22, row(BACKUP))
    assert story.task(BACKUP).evidence is Evidence.COMMAND
    story.wait(41).see(42, row(BACKUP))
    assert story.task(BACKUP).evidence is Evidence.ACTIVITY
    assert len(story.started) == 2


def test_start_that_a_stop_overtook_claims_nothing() -> None:
    story = Story().command(11, Command.STOP_ALL)
    story.answer(15, Command.START, BACKUP, sent=10)
    assert story.on == set()


def test_stop_that_a_start_overtook_ends_nothing() -> None:
    story = Story().start(12, BACKUP, took=1)
    story.answer(15, Command.STOP, BACKUP, sent=10)
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
    story = Story().see(0, NAMELESS).start(10, BACKUP).see(12, NAMELESS, asked=9)
    story.see(15).see(20).see(40)
    assert story.is_on(BACKUP)


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
