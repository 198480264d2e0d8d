"""What outages, restarts, the stream and our own restarts do to what is known."""

from collections.abc import Callable
from datetime import timedelta
import json

import pytest

from custom_components.plex_butler.run_state import (
    Answer,
    ButlerState,
    Command,
    CommandSent,
    Event,
    Evidence,
    Notified,
    PushChanged,
    Result,
    RunState,
    ServerAnswered,
    ServerRefused,
    ServerRestarted,
    Snapshot,
    TasksListed,
    TaskState,
    Tick,
    Told,
    VersionSeen,
    WindowChanged,
    dump,
    load,
    next_deadline,
    next_snapshot,
)
from tests.run_state_story import (
    BACKUP,
    CLEAN,
    INTROS,
    NAMELESS,
    STANDING,
    TASKS,
    Row,
    Story,
    Task,
    at,
    moment,
    outcome,
    row,
    window,
)

HOUR = 3600
LIMIT = 30 * 60

UP = PushChanged(up=True)
DOWN = PushChanged(up=False)


def running() -> Story:
    """Return a story in which one task is seen, one assumed and one queued."""
    story = Story().open_window(0, 5).tell(0, VersionSeen(version="1.43")).see(1)
    return story.start(2, CLEAN).start(3, INTROS).see(5, row(BACKUP))


# Tasks


def test_run_of_a_task_that_vanishes_is_lost() -> None:
    story = running().tell(6, TasksListed(tasks=TASKS[1:]))
    assert outcome(story) == [(BACKUP, Result.LOST)]
    assert BACKUP not in story.view.tasks


def test_title_of_a_task_may_change() -> None:
    spanish = Task(name=BACKUP, title="Copia de seguridad")
    story = Story().see(0).see(5, Row(title="copia de seguridad"))
    assert story.on == set()
    story.tell(6, TasksListed(tasks=(spanish, *TASKS[1:])))
    assert story.see(10, Row(title="copia de seguridad")).on == {BACKUP}


# Restarts


def restart(story: Story) -> None:
    story.tell(10, ServerRestarted())


def update(story: Story) -> None:
    story.tell(10, VersionSeen(version="1.44"))


def refusal(story: Story) -> None:
    story.tell(10, ServerRefused()).tell(12, ServerRefused())
    story.tell(15.1, ServerAnswered())


@pytest.mark.parametrize("what", [restart, update, refusal])
def test_nothing_runs_after_a_restart_without_new_evidence(
    what: Callable[[Story], None],
) -> None:
    story = running()
    what(story)
    assert story.on == set()
    assert {run.result for run in story.ended} == {Result.LOST}
    assert story.butler is ButlerState.UNKNOWN
    story.see(16, row(BACKUP), asked=9)
    assert story.on == set()
    assert story.see(17, row(BACKUP, "u2")).on == {BACKUP}
    assert story.task(BACKUP).since is None


@pytest.mark.parametrize(
    "event",
    [
        ServerAnswered(),
        TasksListed(tasks=TASKS),
        VersionSeen(version="1.43"),
        UP,
        Notified(told=Told.UPDATED, row=STANDING),
        Snapshot(rows=(), asked=moment(20)),
    ],
)
def test_server_that_answers_after_it_refused_was_restarted(event: Event) -> None:
    story = running().tell(10, ServerRefused()).tell(20, event)
    assert {run.result for run in story.ended} == {Result.LOST}
    assert story.ended[0].ended_at == at(10)


def test_answer_to_a_command_tells_of_a_restart_too() -> None:
    story = running().tell(10, ServerRefused()).start(20, BACKUP)
    assert story.on == {BACKUP}
    assert len(story.ended) == 3


@pytest.mark.parametrize(
    "event",
    [DOWN, Tick(), WindowChanged(window=None), Snapshot(rows=(), asked=moment(9))],
)
def test_what_is_no_answer_tells_of_no_restart(event: Event) -> None:
    story = running().tell(10, ServerRefused()).tell(20, event)
    assert story.is_on(CLEAN)


def test_drop_healed_within_five_seconds_is_no_restart() -> None:
    story = running().tell(10, ServerRefused()).tell(15, ServerAnswered())
    assert story.on == {BACKUP, CLEAN, INTROS}
    assert story.tell(30, ServerAnswered()).ended == []


def test_stream_that_stays_up_disproves_a_restart() -> None:
    story = running().tell(6, UP).tell(10, ServerRefused()).tell(40, ServerAnswered())
    story.tell(71, ServerAnswered())
    assert story.on == {BACKUP, CLEAN, INTROS}
    # Nothing of it is left for the next time that the stream breaks.
    story.tell(72, DOWN).tell(90, UP)
    assert story.on == {BACKUP, CLEAN, INTROS}


def test_stream_that_breaks_long_after_a_refusal_disproves_a_restart() -> None:
    story = running().tell(6, UP).tell(10, ServerRefused()).tell(40, ServerAnswered())
    story.tell(71, DOWN).tell(90, UP)
    assert story.on == {BACKUP, CLEAN, INTROS}


def test_stream_that_turns_out_to_be_dead_disproves_nothing() -> None:
    story = running().tell(6, UP).tell(10, ServerRefused()).tell(30, ServerAnswered())
    assert story.on == {BACKUP, CLEAN, INTROS}
    story.tell(45, DOWN).tell(46, UP)
    assert {run.result for run in story.ended} == {Result.LOST}
    assert story.ended[0].ended_at == at(10)


def test_stream_that_breaks_after_the_refusal_disproves_nothing() -> None:
    story = running().tell(6, UP).tell(10, ServerRefused()).tell(11, DOWN)
    assert story.tell(80, ServerAnswered()).on == set()


def test_stream_that_comes_up_after_the_refusal_disproves_nothing() -> None:
    story = running().tell(6, UP).tell(7, DOWN).tell(10, ServerRefused())
    assert story.tell(80, UP).on == set()


def test_answer_to_a_command_of_before_the_restart_claims_nothing() -> None:
    story = Story().tell(10, ServerRestarted())
    assert story.answer(11, Command.START, BACKUP, sent=9).on == set()


def test_what_a_server_has_shown_counts_per_version() -> None:
    story = Story().tell(0, VersionSeen(version="1")).shown(1, BACKUP)
    assert not story.task(BACKUP).assumed
    story.tell(10, VersionSeen(version="2")).see(11)
    assert story.task(BACKUP).assumed
    assert story.butler is ButlerState.UNKNOWN
    story.tell(20, VersionSeen(version="1")).see(21)
    assert not story.task(BACKUP).assumed


# The stream


def test_notification_begins_and_ends_a_run() -> None:
    story = Story().see(0).hear(5, Told.STARTED, row(BACKUP))
    assert story.task(BACKUP).evidence is Evidence.NOTIFICATION
    story.hear(6, Told.UPDATED, row(BACKUP, progress=50))
    assert story.task(BACKUP).progress == 50
    story.hear(7, Told.ENDED, row(BACKUP)).hear(7, Told.UPDATED, row(BACKUP))
    assert outcome(story) == [(BACKUP, Result.ENDED)]
    assert story.on == set()


def test_end_without_a_name_ends_what_the_row_named() -> None:
    story = Story().see(0).hear(5, Told.STARTED, row(BACKUP))
    story.hear(7, Told.ENDED, Row(uuid="u1"))
    assert outcome(story) == [(BACKUP, Result.ENDED)]


def test_row_that_stays_after_its_end_may_begin_again() -> None:
    story = Story().see(0).hear(5, Told.STARTED, row(BACKUP))
    story.hear(7, Told.ENDED, row(BACKUP)).see(8, row(BACKUP), asked=7.5)
    story.hear(9, Told.STARTED, row(CLEAN))
    assert story.on == {CLEAN}


def test_update_of_a_row_never_seen_tells_no_start() -> None:
    story = Story().see(0).hear(100, Told.UPDATED, row(BACKUP))
    assert story.started[0].started is None


def test_update_dates_a_start_that_push_could_not_have_missed() -> None:
    story = Story().tell(0, UP).hear(1, Told.UPDATED, STANDING).see(2)
    story.hear(100, Told.UPDATED, row(BACKUP))
    assert story.started[0].started == moment(100)


def test_row_that_push_never_told_ends_the_trust() -> None:
    story = Story().tell(0, UP).hear(1, Told.UPDATED, STANDING).see(2)
    assert story.state.known.pushed
    story.see(30, row(BACKUP)).see(60, row(BACKUP))
    assert story.missed == 0
    story.see(61, row(BACKUP)).see(62, row(BACKUP))
    assert story.missed == 1
    assert not story.state.known.pushed


@pytest.mark.parametrize("since", [None, 40])
def test_row_of_before_the_stream_came_up_is_not_missed(since: float | None) -> None:
    story = Story().see(0).see(30, row(BACKUP))
    if since:
        story.tell(since, UP)
    assert story.see(90, row(BACKUP)).missed == 0


# When to look, and when to tick


def due(story: Story) -> float:
    return next_snapshot(story.state).monotonic - 1000


def test_snapshots_without_trusted_push() -> None:
    story = Story()
    assert due(story) == 0
    assert due(story.see(0)) == 32
    assert due(story.see(30, row(BACKUP))) == 35
    assert due(story.see(35, NAMELESS)) == 40


def test_snapshots_with_trusted_push() -> None:
    story = Story().tell(0, UP).hear(0, Told.UPDATED, STANDING).see(1)
    assert due(story) == 301
    assert due(story.hear(2, Told.STARTED, row(BACKUP))) == 61
    assert due(story.start(3, CLEAN)) == 3
    assert due(story.see(3.5, row(BACKUP))) == 8.5
    assert due(story.tell(4, DOWN)) == 4


def test_snapshots_are_rare_while_tasks_merely_wait() -> None:
    story = Story().open_window(0, 5).start(0, INTROS).see(1)
    assert due(story) == 11


def test_snapshot_is_due_when_old_rows_count_again() -> None:
    story = Story().see(0).see(5, row(BACKUP)).stop(10, BACKUP).see(11, row(BACKUP))
    assert due(story) == 16
    assert due(story.see(38, row(BACKUP)).wait(40)) == 40


def test_tick_is_due_when_time_changes_something() -> None:
    story = Story()
    assert next_deadline(story.state) is None
    story.start(0, BACKUP)
    assert next_deadline(story.state) == moment(LIMIT)
    story.stop(10, BACKUP)
    assert next_deadline(story.state) == moment(40)
    assert next_deadline(story.wait(40).state) is None


def test_clock_that_runs_backwards_undoes_nothing() -> None:
    story = Story().see(0).see(10, row(BACKUP)).see(5).hear(4, Told.ENDED, row(BACKUP))
    assert [run.ended for run in story.ended] == [moment(10)]


def test_snapshot_from_the_future_is_of_now() -> None:
    story = Story().see(0).see(10, asked=99).see(15, row(BACKUP))
    assert story.is_on(BACKUP)


# Memory


def remembered(story: Story, gap: float = 60) -> Story:
    """Return the story after a restart of ours."""
    memory = json.loads(json.dumps(dump(story.state)))
    now = story.state.now + timedelta(seconds=gap)
    return Story(load(memory, now))


def test_memory_keeps_what_was_learned_and_the_last_runs() -> None:
    story = Story().tell(0, VersionSeen(version="1")).see(0).see(5, row(BACKUP)).see(9)
    story.see(10, row(BACKUP, "a"), row(CLEAN, "b")).hear(11, Told.ENDED, row(CLEAN))
    after = remembered(story.see(20).see(25, row(INTROS)).see(30))
    assert after.state.learned == story.state.learned
    assert after.state.last == story.state.last
    assert after.state.version == "1"


def test_open_run_found_again_goes_on_with_its_start() -> None:
    story = remembered(Story().see(0).see(5, row(BACKUP)), gap=LIMIT * 2)
    assert story.on == set()
    story.see(LIMIT * 2 + 10, row(BACKUP))
    assert story.task(BACKUP).since == at(5)
    assert story.changes == []


def test_open_run_heard_of_again_goes_on() -> None:
    story = remembered(Story().see(0).see(5, row(BACKUP)))
    story.hear(70, Told.UPDATED, row(BACKUP))
    assert story.task(BACKUP).since == at(5)


def test_open_run_of_which_a_new_start_is_heard_is_lost() -> None:
    story = remembered(Story().see(0).see(5, row(BACKUP)))
    story.hear(70, Told.STARTED, row(BACKUP))
    assert outcome(story) == [(BACKUP, Result.LOST)]
    assert story.task(BACKUP).since == at(70)


def test_open_run_not_found_again_is_lost() -> None:
    story = remembered(Story().see(0).see(5, row(BACKUP))).see(70)
    assert outcome(story) == [(BACKUP, Result.LOST)]


def test_open_run_waits_for_the_tasks_to_be_known() -> None:
    memory = dump(Story().see(0).see(5, row(BACKUP)).state)
    story = Story(load(memory, moment(60)), listed=False).see(61, row(BACKUP))
    assert story.ended == []
    story.tell(62, TasksListed(tasks=TASKS)).see(63, row(BACKUP))
    assert story.task(BACKUP).since == at(5)


def test_open_run_on_a_silent_server_goes_on_until_the_limit_of_its_start() -> None:
    story = remembered(Story().see(0).start(5, BACKUP)).see(70)
    assert story.is_on(BACKUP)
    assert story.task(BACKUP).since == at(5)
    assert story.wait(LIMIT + 4).is_on(BACKUP)
    assert outcome(story.wait(LIMIT + 5)) == [(BACKUP, Result.LOST)]


def test_open_run_remembered_too_late_is_lost() -> None:
    story = remembered(Story().see(0).start(5, BACKUP), gap=LIMIT).see(LIMIT + 10)
    assert outcome(story) == [(BACKUP, Result.LOST)]


def test_open_run_under_a_nameless_row_ends_with_it() -> None:
    story = Story().see(0).start(5, BACKUP).see(10, NAMELESS)
    story = remembered(story).see(75).see(80)
    assert outcome(story) == [(BACKUP, Result.ENDED)]


def test_queued_run_stays_queued_until_the_window_ends() -> None:
    story = remembered(running()).see(70)
    assert story.task(INTROS).state is TaskState.QUEUED
    assert not story.wait(5 * HOUR).is_on(INTROS)


@pytest.mark.parametrize(
    ("command", "answer", "result"),
    [
        (Command.START, Answer.OK, Result.LOST),
        (Command.STOP, Answer.OK, Result.STOPPED),
        (Command.STOP, Answer.NOT_RUNNING, Result.LOST),
        (Command.START, Answer.ALREADY_RUNNING, None),
    ],
)
def test_command_settles_a_remembered_run(
    command: Command, answer: Answer, result: Result | None
) -> None:
    story = remembered(Story().start(5, BACKUP))
    story.command(70, command, BACKUP, answer=answer)
    assert [run.result for run in story.ended] == ([result] if result else [])
    assert story.is_on(BACKUP) is (command is Command.START)


def test_end_of_a_remembered_run_is_heard() -> None:
    story = remembered(running()).hear(70, Told.ENDED, row(INTROS))
    assert outcome(story) == [(INTROS, Result.ENDED)]


def test_remembered_run_of_another_version_is_lost() -> None:
    story = remembered(running()).tell(70, VersionSeen(version="1.44"))
    assert {run.result for run in story.ended} == {Result.LOST}


def test_clock_set_back_while_we_were_away_makes_no_run_begin_later() -> None:
    memory = dump(Story().start(1000, BACKUP).state)
    story = Story(load(memory, moment(500))).see(501)
    assert story.is_on(BACKUP)
    story.stop(510, BACKUP)
    assert story.ended[0].duration == timedelta(seconds=10)
    assert story.ended[0].ended_at == at(1000)


@pytest.mark.parametrize(
    "memory",
    [
        {},
        {"version": 1, "learned": [], "runs": {}, "last": None},
        {"learned": {"1": 2, "2": {}, "3": {"tasks": 4}}, "runs": [5], "last": [6]},
        {"runs": [{}, {"task": BACKUP, "proved": 7}], "last": [{}, {"ended": "x"}]},
    ],
)
def test_memory_that_cannot_be_read_is_forgotten(memory: dict[str, object]) -> None:
    assert load(memory, moment(0)) == RunState(now=moment(0))


def test_memory_forgets_old_versions() -> None:
    story = Story()
    for number in range(9):
        story.tell(number, VersionSeen(version=f"{number}")).see(number, NAMELESS)
    assert list(dump(story.state)["learned"]) == ["4", "5", "6", "7", "8"]


def test_pending_stop_of_an_earlier_run_does_not_stop_a_later_one() -> None:
    story = Story().tell(10, CommandSent(command=Command.STOP, task=BACKUP))
    story.start(11, BACKUP).see(12, row(BACKUP)).hear(13, Told.ENDED, row(BACKUP))
    assert outcome(story) == [(BACKUP, Result.ENDED)]


def test_window_may_be_told_more_than_once() -> None:
    story = running().tell(10, WindowChanged(window=window(0, 4)))
    assert not story.wait(4 * HOUR).is_on(INTROS)
