"""What our commands prove about running tasks, and what they do not."""

from datetime import timedelta

import pytest

from custom_components.plex_butler.run_state import (
    Answer,
    ButlerState,
    Command,
    CommandSent,
    Evidence,
    Result,
    RunState,
    TaskState,
    Told,
    WindowChanged,
)
from tests.run_state_story import (
    BACKUP,
    CLEAN,
    NAMELESS,
    Row,
    Story,
    at,
    moment,
    outcome,
    row,
    seconds,
)

HOUR = 3600
LIMIT = 30 * 60


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
