"""What is known about runs: a story for each rule."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
import json
from time import process_time

import pytest

from custom_components.plex_butler.api import Activity, ActivityEvent
from custom_components.plex_butler.run_state import (
    Command,
    EndedRun,
    Evidence,
    Moment,
    Result,
    Rules,
    Run,
    TaskState,
    apply,
    dump,
    load,
)
from custom_components.plex_butler.run_state.rules import MAX_ROWS
from custom_components.plex_butler.tracker import next_snapshot

from .run_state_story import (
    ALREADY_SO,
    BACKUP,
    CLEAN,
    FAILED,
    INTROS,
    OK,
    REFRESH,
    TASKS,
    Rule,
    Story,
    activity,
    at,
    moment,
    own,
    session,
)

MINUTE, HOUR = 60, 3600
START, STOP = Command.START, Command.STOP
ASSUMED, INFERRED = Evidence.ASSUMED, Evidence.INFERRED
OBSERVED = Evidence.OBSERVED
ENDED, LOST, STOPPED = Result.ENDED, Result.LOST, Result.STOPPED
UP, DOWN = partial(Rules.push_changed, up=True), partial(Rules.push_changed, up=False)
LOG_CLOSED = partial(Rules.log_changed, up=False)
REFUSED = partial(Rules.poll_failed, refused=True)
HUNG_UP = partial(Rules.poll_failed, refused=False)
LISTED = partial(Rules.tasks_listed, tasks=TASKS)
VERSION_1 = partial(Rules.version_seen, version="1")
VERSION_2 = partial(Rules.version_seen, version="2")


def seen(row: Activity) -> Story:
    """Return a story in which a row showed, and had not before."""
    return Story().see(0).see(5, row)


def listening() -> Story:
    """Return a story whose stream has proven that it tells."""
    story = Story().tell(0, UP).see(0).hear(1, session(progress=100))
    return story.end(1, session(progress=100)).see(30)


def logging() -> Story:
    """Return a story whose log has named a task."""
    return Story().see(0).open_log(1).log(5, CLEAN).log_end(6).wait(7)


def refused_at_10() -> Story:
    """Return a story with a start that nothing shows, before an outage."""
    return Story().see(0).start(5, REFRESH).tell(10, REFUSED)


def remembered(story: Story, gap: float = 60) -> Story:
    """Return the story after a restart of Home Assistant."""
    memory = json.loads(json.dumps(dump(story.state)))
    return Story(load(memory, story.state.now + timedelta(seconds=gap)))


# What a row names


@pytest.mark.parametrize(
    "row",
    [
        activity("Backup Database"),
        activity("BackupDatabase"),
        activity(subtitle=" backup database "),
        activity("Working", "BACKUPDATABASE", kind="Butler"),
        activity("Butler tasks", "BackupDatabase"),
        activity("Backup Database", "Clean Old"),
        activity("Backup Database", progress=-1),
    ],
)
def test_a_row_that_names_a_task_shows_that_it_runs(row: Activity) -> None:
    story = seen(row)

    assert story.on == {BACKUP}
    task = story.task(BACKUP)
    assert (task.evidence, task.since) == (OBSERVED, at(5))
    assert not task.assumed
    assert story.is_busy


@pytest.mark.parametrize(
    "row",
    [
        activity("Backup Database now"),
        activity("Backup Database", "Clean Old Bundles"),
        activity("Backup Database", progress=100),
        activity("Backup Database", progress=float("nan")),
        activity("Refresh Libraries", kind="library.update.section"),
        session(),
    ],
)
def test_other_rows_show_no_task(row: Activity) -> None:
    story = seen(row).begin(6, row).hear(7, row).see(8, row)

    assert (story.on, story.started) == (set(), [])


def test_two_tasks_of_one_title_are_told_apart_by_their_names_alone() -> None:
    twin = replace(TASKS[1], name="Twin")
    story = Story().tell(0, Rules.tasks_listed, tasks=(*TASKS, twin)).see(0)

    assert story.see(5, own("Clean Old Bundles")).on == set()
    assert story.see(10, own("Twin", "u2")).on == {"Twin"}


@pytest.mark.parametrize(
    ("row", "progress"),
    [
        (own(BACKUP, progress=0), 0),
        (own(BACKUP, progress=40), 40),
        (own(BACKUP, progress=-1), None),
        (session(BACKUP, 83), None),
    ],
)
def test_the_progress_of_a_task_is_what_its_own_row_has(
    row: Activity, progress: float | None
) -> None:
    assert seen(row).task(BACKUP).progress == progress


def test_a_row_of_a_tasks_own_at_100_is_its_last_phase() -> None:
    story = listening().begin(60, own(BACKUP)).hear(70, own(BACKUP, progress=100))
    assert story.wait(75).on == {BACKUP}
    assert story.task(BACKUP).progress == 100
    assert story.is_busy

    story.hear(80, own(BACKUP, progress=0)).hear(90, own(BACKUP, progress=100))
    assert story.end(100, own(BACKUP)).wait(101).results == [(BACKUP, ENDED)]
    assert len(story.started) == 1


def test_a_row_that_stays_at_100_is_not_believed_for_ever() -> None:
    story = seen(own(BACKUP)).watch(1900, own(BACKUP, progress=100))

    assert story.outcome == (set(), [(BACKUP, LOST)])


def test_a_row_at_100_that_is_no_sessions_proves_no_end() -> None:
    story = listening().begin(60, activity("At work", BACKUP))

    assert story.hear(70, activity("At work", BACKUP, 100)).results == [(BACKUP, LOST)]


def test_the_end_of_a_row_at_100_that_names_the_task_is_the_tasks() -> None:
    story = listening().begin(60, activity("At work", BACKUP))

    assert story.end(70, activity("At work", BACKUP, 100)).results == [(BACKUP, ENDED)]


# When a run begins


BEGINS: dict[str, tuple[Callable[[], Story], float | None]] = {
    "unknown at the first look": (lambda: Story().see(5, own(BACKUP)), None),
    "at the next of two looks": (lambda: Story().see(0).see(90, own(BACKUP)), 90),
    "unknown if the looks are further apart": (
        lambda: Story().see(0).see(91, own(BACKUP)),
        None,
    ),
    "by the stream": (lambda: Story().begin(5, own(BACKUP)), 5),
    "by the log": (lambda: Story().open_log(1).log(5, BACKUP), 5),
    "unknown to an update": (lambda: Story().hear(5, own(BACKUP)), None),
    "unknown if the last look is as old as a gap": (
        lambda: Story().tell(0, UP).see(10).tell(10, DOWN).see(20, own(BACKUP)),
        None,
    ),
    "with the name of a session that was taken for it": (
        lambda: (
            Story().see(0).start(10, BACKUP).see(12, session()).see(17, session(BACKUP))
        ),
        17,
    ),
    "at a start that a row shows later": (
        lambda: Story().see(0).start(5, BACKUP).see(14, own(BACKUP)),
        5,
    ),
    "at a start that a row of the same moment shows": (
        lambda: Story().see(0).start(5, BACKUP).see(6, own(BACKUP), asked=5),
        5,
    ),
}


@pytest.mark.parametrize(("happens", "since"), BEGINS.values(), ids=BEGINS)
def test_when_a_run_began(happens: Callable[[], Story], since: float | None) -> None:
    task = happens().task(BACKUP)

    assert task.evidence is OBSERVED
    assert task.since == (at(since) if since is not None else None)


def test_a_row_that_shows_before_the_answer_to_a_start_is_the_new_run() -> None:
    # The moment before a command is sent is not quite that at which it is noted.
    story = listening().send(60.001, START, BACKUP).begin(60.002, own(BACKUP))
    story.answer(60.01, START, BACKUP, sent=60).end(70, own(BACKUP)).wait(71)

    assert len(story.started) == 1
    assert story.results == [(BACKUP, ENDED)]


def test_an_old_row_that_shows_before_the_answer_to_a_start_is_not_the_new_run() -> (
    None
):
    story = seen(session(BACKUP)).send(20, START, BACKUP).see(22, session(BACKUP))
    story.answer(23, START, BACKUP, sent=20).see(28)

    assert story.outcome == ({BACKUP}, [(BACKUP, LOST)])


def test_a_row_that_was_there_before_the_start_shows_no_begin() -> None:
    story = seen(session(BACKUP)).start(10, BACKUP).see(12, session(BACKUP))
    assert story.task(BACKUP).evidence is OBSERVED

    assert story.see(20).results[-1] == (BACKUP, LOST)


def test_a_run_so_short_that_it_is_over_before_the_answer_is_one_run() -> None:
    story = listening().send(60, START, BACKUP).hear(60, session(BACKUP))
    story.hear(60, session(BACKUP, 100)).answer(60.1, START, BACKUP, sent=60)

    assert story.results == [(BACKUP, ENDED)]
    assert len(story.started) == 1
    assert story.on == set()


@pytest.mark.parametrize(("answer", "on"), [(ALREADY_SO, set()), (OK, {BACKUP})])
def test_only_a_start_that_the_server_accepted_is_another_run_than_that_which_ended(
    answer: dict[str, bool], on: set[str]
) -> None:
    story = seen(own(BACKUP)).send(10, START, BACKUP).see(20)
    story.answer(22, START, BACKUP, sent=10, answer=answer)

    assert story.outcome == (on, [(BACKUP, ENDED)])


def test_what_was_on_its_way_when_a_row_ended_begins_nothing() -> None:
    story = listening().begin(60, own(BACKUP)).end(61, own(BACKUP))
    story.hear(61.2, own(BACKUP)).wait(62)
    assert story.results == [(BACKUP, ENDED)]

    story.see(63, own(BACKUP), asked=60.5).see(64, own(BACKUP, "u2"), asked=60.9)
    assert story.on == set()
    assert story.begin(65, own(BACKUP)).on == {BACKUP}


def test_an_older_look_says_nothing_of_a_run_that_was_heard_of_since() -> None:
    story = listening().begin(60, own(BACKUP))
    story.see(61, own(BACKUP), own(BACKUP, "u2", 50), asked=59.5)

    assert story.task(BACKUP).progress == 10


def test_of_what_a_look_shows_only_the_newest_counts() -> None:
    assert Story().see(0).see(20, own(BACKUP)).see(21, asked=15).on == {BACKUP}
    assert Story().see(0).see(6, own(BACKUP), asked=0).on == {BACKUP}
    # A notification is newer than a snapshot that was requested at its moment.
    story = listening().begin(60, own(BACKUP)).see(61, asked=60)
    assert story.outcome == ({BACKUP}, [])
    story = listening().begin(60, session(CLEAN)).see(61, session(BACKUP), asked=60)
    assert story.on == {CLEAN}


# Sessions


def test_a_night_of_a_session_is_told_in_order() -> None:
    story = listening().begin(60, session())
    for number, task in enumerate((BACKUP, CLEAN, REFRESH)):
        story.hear(60, session(task, 100 * number / (number + 1)))
        story.hear(60, session(task, 100))
    story.end(61, session(REFRESH, 100)).wait(62)

    runs = [it for it in story.changes if isinstance(it, Run | EndedRun)]
    assert [(type(run), run.task) for run in runs] == [
        (kind, task) for task in (BACKUP, CLEAN, REFRESH) for kind in (Run, EndedRun)
    ]
    assert {(run.result, run.duration) for run in story.ended} == {(ENDED, timedelta())}


def test_butler_is_idle_only_where_100_stays() -> None:
    story = listening().hear(60, session(BACKUP)).hear(70, session(BACKUP, 100))
    assert story.is_busy
    assert story.hear(70, session(CLEAN, 50)).wait(72).is_busy

    assert not story.hear(80, session(CLEAN, 100)).wait(81).is_busy
    assert [story.wait(second).idle for second in (89, 90.1, 200)] == [0, 1, 1]


@pytest.mark.parametrize("title", ["Butler tasks", "At work"])
def test_a_row_that_names_another_task_shows_the_first_no_more(title: str) -> None:
    story = listening().begin(60, activity(title, BACKUP))
    assert story.hear(65, activity(title, CLEAN, 50)).on == {CLEAN}

    story.end(70, activity(title, CLEAN, 50)).wait(71)
    assert story.results == [(BACKUP, LOST), (CLEAN, ENDED)]


def test_a_session_at_100_that_names_nothing_ends_no_task() -> None:
    story = seen(session(BACKUP)).see(10, session(progress=100))

    assert story.outcome == (set(), [(BACKUP, LOST)])


def test_child_rows_under_a_nameless_one_show_the_tasks() -> None:
    story = listening().begin(60, session()).begin(60, own(BACKUP, "c1"))
    assert story.on == {BACKUP}

    story.end(70, own(BACKUP, "c1")).hear(70, session(progress=100)).wait(71)
    assert story.results == [(BACKUP, ENDED)]
    assert story.ended[0].duration == timedelta(seconds=10)


def test_a_stop_and_a_start_on_one_shared_row_show_at_once() -> None:
    story = listening().hear(60, session(BACKUP)).stop(70, BACKUP)
    story.hear(70.1, session(BACKUP, 100)).start(75, BACKUP)
    assert story.hear(75.1, session(BACKUP, 50)).wait(95).on == {BACKUP}

    story.hear(100, session(BACKUP, 100))
    assert story.results == [(BACKUP, STOPPED), (BACKUP, ENDED)]


# When a run ends


@pytest.mark.parametrize(("later", "result"), [(390, ENDED), (391, LOST)])
def test_two_looks_show_an_end_if_they_are_not_too_far_apart(
    later: float, result: Result
) -> None:
    (run,) = seen(own(BACKUP)).see(5 + later).ended

    assert (run.result, run.started_at, run.ended.utc) == (result, at(5), at(5 + later))


def test_butler_is_at_work_until_the_end_of_a_row_is_decided() -> None:
    story = listening().begin(60, own(BACKUP)).end(70, own(BACKUP))
    assert story.is_busy

    assert not story.wait(70.2).is_busy


def test_a_task_whose_rows_follow_each_other_at_once_is_one_run() -> None:
    story = listening()
    for number in range(20):
        story.begin(60 + number, own(BACKUP, f"u{number}"))
        assert story.end(60.95 + number, own(BACKUP, f"u{number}")).on == {BACKUP}
    story.wait(81)

    assert len(story.started) == 1
    assert story.results == [(BACKUP, ENDED)]
    assert story.ended[0].duration == timedelta(seconds=19.95)


def test_a_task_with_two_rows_runs_while_one_is_left() -> None:
    story = listening().begin(60, own(BACKUP)).begin(60, own(BACKUP, "u2"))
    assert story.end(65, own(BACKUP, "u2")).wait(66).on == {BACKUP}

    assert story.end(70, own(BACKUP)).results == [(BACKUP, ENDED)]


def test_an_end_while_our_stop_is_out_is_our_doing() -> None:
    story = listening().hear(60, session(BACKUP)).send(70, STOP, BACKUP)
    story.hear(70.1, session(BACKUP, 100)).answer(70.2, STOP, BACKUP, sent=70)

    assert story.results == [(BACKUP, STOPPED)]


def test_the_late_end_of_an_older_run_is_not_the_new_ones() -> None:
    story = listening().begin(60, own(BACKUP)).start(70, BACKUP)
    story.end(70.1, own(BACKUP, progress=100)).wait(71)

    assert story.results[0] == (BACKUP, LOST)
    assert (BACKUP, ENDED) not in story.results


def test_an_end_of_which_no_begin_was_seen_is_none() -> None:
    story = listening().send(60, START, BACKUP).end(60.1, own(BACKUP, "u9"))
    story.answer(60.2, START, BACKUP, sent=60).wait(80)
    assert (BACKUP, ENDED) not in story.results

    story.start(90, CLEAN).end(91, own(CLEAN, "u8")).wait(90 + 3 * MINUTE)
    assert story.results[-1] == (CLEAN, LOST)


def test_a_task_that_is_not_listed_any_more_is_lost() -> None:
    story = seen(own(BACKUP)).tell(6, Rules.tasks_listed, tasks=TASKS[1:])

    assert story.results == [(BACKUP, LOST)]


# Stops


@pytest.mark.parametrize("later", [0, 300])
def test_a_stop_that_failed_may_yet_end_a_run(later: int) -> None:
    story = seen(session(BACKUP)).stop(10, BACKUP, FAILED)
    assert story.see(20 + later, session(BACKUP, 50)).on == {BACKUP}

    assert story.see(25 + later).results == [(BACKUP, LOST)]


def test_a_stop_that_failed_before_the_run_was_seen_may_yet_end_it() -> None:
    story = Story().see(0).stop(5, BACKUP, FAILED).see(6, own(BACKUP)).see(10)

    assert story.results == [(BACKUP, LOST)]


def test_a_stop_ends_no_run_that_began_in_its_moment() -> None:
    story = Story().see(0).stop(10, BACKUP).begin(10, own(BACKUP))
    assert story.outcome == ({BACKUP}, [])

    assert story.end(20, own(BACKUP)).results == [(BACKUP, ENDED)]


def test_a_stop_that_was_sent_before_the_start_ends_nothing_that_a_row_shows() -> None:
    story = Story().see(0).send(8, STOP, BACKUP).send(10, START, BACKUP)
    story.see(11, own(BACKUP)).answer(12, STOP, BACKUP, sent=8)

    assert story.answer(13, START, BACKUP, sent=10).outcome == ({BACKUP}, [])


def test_a_stop_that_was_sent_with_the_start_leaves_no_run() -> None:
    story = Story().send(10, START, BACKUP).send(10, STOP, BACKUP)
    story.answer(11, START, BACKUP, sent=10).answer(12, STOP, BACKUP, sent=10)
    assert story.outcome == (set(), [(BACKUP, STOPPED)])

    # Which of the two is answered first does not matter.
    story = Story().send(10, START, BACKUP).send(10, STOP, BACKUP)
    story.answer(11, STOP, BACKUP, sent=10).answer(12, START, BACKUP, sent=10)
    assert story.outcome == (set(), [])


def test_not_running_tells_that_an_end_was_not_seen() -> None:
    story = Story().start(0, BACKUP).stop(10, BACKUP, ALREADY_SO)

    assert story.results == [(BACKUP, LOST)]


@pytest.mark.parametrize("answer", [OK, ALREADY_SO])
def test_a_row_after_the_stop_of_what_nothing_showed_is_a_new_start(
    answer: dict[str, bool],
) -> None:
    story = Story().see(0).start(10, BACKUP).stop(20, BACKUP, answer)

    assert len(story.see(60, own(BACKUP)).started) == 2


def test_a_row_that_goes_on_changing_counts_for_more_than_twelve_hours() -> None:
    story = seen(own(BACKUP))
    for hour in range(1, 14):
        story.see(hour * HOUR, own(BACKUP, progress=10 + hour))

    assert story.on == {BACKUP}


def test_work_that_an_open_log_does_not_name_counts_once() -> None:
    story = Story().open_log(0).see(0).see(10, session())

    assert story.state.capabilities.unlogged == 1


def test_a_session_pauses_for_a_fifth_of_a_second_between_two_tasks() -> None:
    story = Story().tell(0, UP).see(0).hear(10, session(BACKUP, 20))
    story.hear(20, session(BACKUP, 100))

    assert story.wait(20.25).is_busy
    assert not story.wait(20.35).is_busy


def test_rows_that_linger_after_a_stop_show_nothing_for_30_s() -> None:
    story = seen(own(BACKUP)).stop(10, BACKUP)
    for second in range(12, 40, 5):
        assert story.see(second, own(BACKUP, progress=second)).on == set()
    assert not story.is_busy

    assert story.see(40, own(BACKUP)).on == {BACKUP}
    assert story.see(50).results == [(BACKUP, STOPPED), (BACKUP, LOST)]


def test_time_alone_shows_that_a_row_has_outlived_a_stop() -> None:
    story = seen(own(BACKUP)).stop(10, BACKUP).wait(39)
    assert not story.is_busy

    assert story.state.next_tick == moment(40)
    assert story.wait(40).is_busy


def test_a_run_that_a_stop_did_not_end_is_not_ours_when_we_start_it_again() -> None:
    story = seen(own(BACKUP)).stop(10, BACKUP)
    story.send(45, START, BACKUP).see(46, own(BACKUP))
    story.answer(47, START, BACKUP, sent=45).see(50)

    assert story.results == [(BACKUP, STOPPED), (BACKUP, LOST)]


def test_a_start_is_not_given_up_while_an_old_row_hides_it() -> None:
    story = seen(own(BACKUP)).stop(10, BACKUP).start(12, BACKUP)

    assert story.watch(42, own(BACKUP)).outcome == ({BACKUP}, [(BACKUP, STOPPED)])


@pytest.mark.parametrize("command", list(Command))
def test_a_command_that_failed_changes_nothing(command: Command) -> None:
    story = seen(own(CLEAN)).send(10, command, BACKUP)
    story.answer(11, command, BACKUP, sent=10, answer=FAILED)

    assert story.outcome == ({CLEAN}, [])


# Starts that nothing shows yet


def test_a_start_is_believed_at_once_and_assumed_after_the_grace() -> None:
    story = Story().see(0).start(10, BACKUP)
    assert story.on == {BACKUP}
    assert story.task(BACKUP).evidence is ASSUMED
    assert not story.task(BACKUP).assumed

    story.wait(26)
    assert story.task(BACKUP).assumed
    assert not story.task(CLEAN).assumed


def test_what_ran_already_has_no_start() -> None:
    story = Story().see(0).start(10, REFRESH, ALREADY_SO)
    assert story.task(REFRESH).since is None

    story.start(20 * MINUTE, REFRESH, ALREADY_SO).wait(49 * MINUTE)
    assert story.on == {REFRESH}
    assert len(story.started) == 1


def test_what_was_not_our_start_is_reported_again_if_it_shows_after_all() -> None:
    story = Story().see(0).start(10, BACKUP, ALREADY_SO).wait(31 * MINUTE)
    story.see(32 * MINUTE).see(33 * MINUTE, own(BACKUP))

    assert [run.task for run in story.started] == [BACKUP, BACKUP]


def test_another_200_tells_that_the_first_run_is_over() -> None:
    story = Story().see(0).start(10, REFRESH).start(600, REFRESH)

    assert story.results == [(REFRESH, LOST)]
    assert [run.started for run in story.started] == [moment(10), moment(600)]


@pytest.mark.parametrize(("task", "minutes"), [(BACKUP, 3), (CLEAN, 3), (REFRESH, 30)])
def test_short_tasks_are_not_believed_for_half_an_hour(task: str, minutes: int) -> None:
    story = Story().see(0).start(0, task).watch(minutes * MINUTE - 5, every=5)
    assert story.on == {task}

    assert story.wait(minutes * MINUTE + 1).results == [(task, LOST)]


def test_a_start_is_given_up_15_s_after_its_answer_until_a_row_comes() -> None:
    story = Story().see(0).see(1, own(CLEAN, "early")).see(2).start(10, BACKUP, took=4)
    assert story.watch(28, every=1).on == {BACKUP}
    assert story.see(29.5).results[-1] == (BACKUP, LOST)
    assert story.on == set()

    story.see(40, own(BACKUP)).see(50)
    assert [run.task for run in story.started].count(BACKUP) == 1
    assert story.results[-1] == (BACKUP, ENDED)


@pytest.mark.parametrize(("minutes", "begins"), [(29, 1), (30, 2)])
def test_a_start_that_was_given_up_may_show_for_half_an_hour(
    minutes: int, begins: int
) -> None:
    story = seen(session()).see(10).start(30, BACKUP).see(45)
    assert story.results == [(BACKUP, LOST)]
    story.see(44 + minutes * MINUTE).see(45 + minutes * MINUTE, own(BACKUP))
    assert len(story.started) == begins
    sent = story.state.runs[BACKUP].sent
    assert sent == (moment(30) if begins == 1 else None)

    story.see(46 + minutes * MINUTE).see(50 + minutes * MINUTE, own(BACKUP, "u2"))
    assert len(story.started) == begins + 1
    assert story.state.runs[BACKUP].sent is None


def test_a_look_10_s_after_a_start_is_late_enough_to_give_it_up() -> None:
    story = seen(session()).see(10).start(30, BACKUP).see(40).wait(45)

    assert story.results == [(BACKUP, LOST)]


def test_the_short_run_of_another_task_does_not_end_a_start() -> None:
    story = Story().see(0).see(1, own(CLEAN)).see(2).start(60, BACKUP)
    story.see(61, own(CLEAN)).see(66).wait(67).see(68, own(BACKUP)).see(75)

    assert story.results == [(CLEAN, ENDED), (CLEAN, ENDED), (BACKUP, ENDED)]


def test_a_start_behind_another_task_waits_for_its_turn() -> None:
    story = seen(session(CLEAN)).start(10, BACKUP).watch(55, session(CLEAN), every=5)
    assert story.on == {BACKUP, CLEAN}
    assert story.task(BACKUP).assumed

    assert story.see(60, session(BACKUP, 50)).on == {BACKUP}
    task = story.task(BACKUP)
    assert (task.assumed, task.since) == (False, at(60))


# Work without a name


def test_a_run_of_ours_alone_ends_with_the_session() -> None:
    story = listening().start(60, BACKUP).begin(60.1, session()).hear(60.1, session())
    assert story.task(BACKUP).evidence is INFERRED
    assert story.watch(3 * HOUR - 60, session(), every=60).on == {BACKUP}

    story.hear(3 * HOUR, session(progress=100)).wait(3 * HOUR + 2)
    (run,) = story.ended
    assert (run.result, run.evidence) == (LOST, INFERRED)
    assert run.ended.utc == at(3 * HOUR)


@pytest.mark.parametrize(
    ("row", "evidence"),
    [
        (session(), INFERRED),
        (session(CLEAN), ASSUMED),
        (activity("At work"), ASSUMED),
    ],
)
def test_only_a_session_without_a_name_may_be_of_a_start(
    row: Activity, evidence: Evidence
) -> None:
    story = Story().tell(0, UP).see(0).start(60, REFRESH).hear(61, row)

    assert story.task(REFRESH).evidence is evidence


@pytest.mark.parametrize(
    ("begins", "outcome"), [(50, ({REFRESH}, [])), (60, (set(), [(REFRESH, LOST)]))]
)
def test_a_session_that_a_start_found_at_work_is_not_its_work(
    begins: float, outcome: object
) -> None:
    story = listening().hear(begins, session()).start(60, REFRESH)

    assert story.end(65, session(progress=100)).wait(66).outcome == outcome


def test_work_that_was_seen_before_a_start_is_not_its_work() -> None:
    story = Story().see(0).start(60, REFRESH).see(61, session(), asked=59).see(66)

    assert story.outcome == ({REFRESH}, [])


def test_work_at_the_moment_of_a_start_may_be_its_work() -> None:
    story = Story().tell(0, UP).see(0).start(60, REFRESH).hear(60, activity("At work"))

    assert story.end(65, activity("At work")).wait(66).results == [(REFRESH, LOST)]


def test_a_run_of_ours_among_others_is_believed_for_its_limit() -> None:
    story = listening().hear(50, session()).start(60, REFRESH).see(70, session())

    assert story.wait(31 * MINUTE).results == [(REFRESH, LOST)]


def test_a_start_that_nothing_showed_is_not_taken_for_the_work_of_a_later_one() -> None:
    story = listening().start(60, REFRESH).see(70).start(1500, CLEAN)
    story.hear(1501, session()).watch(60 + 31 * MINUTE, session())

    assert story.outcome == ({CLEAN}, [(REFRESH, LOST)])


def test_another_task_of_a_nameless_session_is_not_taken_for_ours() -> None:
    story = listening().start(60, REFRESH).hear(61, session())
    story.hear(70, session(progress=50)).watch(32 * MINUTE, session(progress=50))

    assert story.results == [(REFRESH, LOST)]


def test_all_is_assumed_on_a_version_that_worked_three_times_without_a_name() -> None:
    story = Story().tell(0, VERSION_1).see(0).open_log(1)
    for number in range(3):
        assert not story.task(CLEAN).assumed
        story.start(100 * number + 10, BACKUP).wait(100 * number + 30)
        story.stop(100 * number + 40, BACKUP).see(100 * number + 50)
    assert story.task(CLEAN).assumed

    assert not story.tell(400, VERSION_2).see(401).task(CLEAN).assumed
    story.tell(500, VERSION_1).see(501).see(502, own(CLEAN))
    assert not story.task(BACKUP).assumed


def test_a_busy_server_that_names_nothing_counts_as_well() -> None:
    story = Story().see(0)
    for begun in (10, 110, 210):
        story.see(begun, session()).see(begun + 10).see(begun + 30)

    assert story.idle == 3
    assert story.task(BACKUP).assumed


def test_a_server_that_names_its_tasks_is_never_counted_as_nameless() -> None:
    story = listening()
    for begun in (100, 200, 300, 400):
        story.begin(begun, own(BACKUP)).end(begun + 10, own(BACKUP))

    assert story.wait(500).idle == 4
    assert story.state.capabilities.unnamed == 0


def test_starts_that_a_server_with_names_ignored_are_not_counted() -> None:
    story = seen(own(CLEAN)).see(10).open_log(11)
    for begun in (100, 200, 300):
        story.start(begun, BACKUP).see(begun + 20)

    assert story.results[1:] == [(BACKUP, LOST)] * 3
    assert story.state.capabilities.unnamed == 0


def test_one_look_alone_does_not_show_that_butler_became_idle() -> None:
    story = Story().see(0).see(10, session(progress=50)).see(20)
    assert story.wait(40).idle == 0

    assert story.see(41).idle == 1


# The queue


def test_a_task_that_starts_when_the_server_likes_is_queued() -> None:
    story = Story().open_window(0, 5).see(0).start(10, INTROS).start(11, BACKUP)
    assert story.task(INTROS).state is TaskState.QUEUED
    assert [run.task for run in story.started] == [BACKUP]

    story.start(20, INTROS).see(40).see(60, own(INTROS))
    assert story.task(INTROS).state is TaskState.RUNNING
    assert story.started[1].started == moment(60)

    story = Story().open_window(0, 5).see(0).start(10, INTROS, ALREADY_SO)
    assert story.task(INTROS).state is TaskState.RUNNING


@pytest.mark.parametrize("slept", [0, 8 * HOUR])
def test_what_is_queued_is_given_up_when_the_window_ends(slept: float) -> None:
    story = Story().open_window(0, 4).see(0).start(10, INTROS)
    now = Moment(at(slept), moment(20).monotonic) if slept else moment(4 * HOUR + 1)

    assert story.tell(now, Rules.tick).results == [(INTROS, LOST)]


def test_a_run_goes_on_after_the_window_has_ended() -> None:
    story = Story().open_window(2, 5).see(2 * HOUR).see(2 * HOUR + 60, session(INTROS))

    story.watch(8 * HOUR, session(INTROS), every=60)
    assert story.outcome == ({INTROS}, [])
    assert story.is_busy


def test_what_is_queued_is_over_with_the_work_of_a_server_that_names_nothing() -> None:
    story = Story().open_window(0, 5).see(0).start(10, INTROS).see(40)
    story.see(70, session("", 0)).see(130, session("", 50))
    assert story.on == {INTROS}

    assert story.see(150).outcome == (set(), [(INTROS, LOST)])


def test_what_waited_is_over_when_the_work_of_a_nameless_session_is() -> None:
    story = Story().open_window(0, 5).tell(0, UP).see(0).start(10, INTROS)
    story.hear(70, session()).hear(150, session(progress=100)).wait(151)

    assert [run.ended for run in story.ended] == [moment(150)]


def test_a_queued_task_may_run_already_be_logged_or_be_stopped() -> None:
    queued = Story().open_window(0, 5).see(0).start(10, INTROS).state
    story = Story(queued).start(20, INTROS, ALREADY_SO)
    assert story.task(INTROS).state is TaskState.RUNNING
    assert [run.task for run in story.started] == [INTROS]

    story = Story(queued).open_log(15).log(20, INTROS)
    assert story.started[0].started == moment(20)

    (stopped,) = Story(queued).stop(20, INTROS).ended
    assert not stopped.ran


# The log


def test_the_log_alone_shows_begin_and_end() -> None:
    story = Story().see(0).open_log(5).log(10, BACKUP)
    assert story.on == {BACKUP}
    assert story.is_busy
    assert story.task(BACKUP).evidence is OBSERVED

    assert not story.see(2 * HOUR).log_end(2 * HOUR).is_busy
    assert story.results == [(BACKUP, ENDED)]
    assert story.ended[0].duration == timedelta(seconds=2 * HOUR - 10)


@pytest.mark.parametrize("log_first", [True, False])
def test_log_and_stream_tell_of_one_run(*, log_first: bool) -> None:
    story = listening().open_log(40).log(50, CLEAN, "a0").log_end(51, "a0").wait(52)
    if log_first:
        story.log(60, BACKUP).log_end(60)
    story.hear(60, session(BACKUP)).hear(60, session(BACKUP, 100))
    if not log_first:
        story.log(60, BACKUP).log_end(60)
    story.wait(70)

    assert [run.task for run in story.started] == [CLEAN, BACKUP]
    assert story.results == [(CLEAN, ENDED), (BACKUP, ENDED)]


def test_the_log_may_name_a_run_after_its_row_has_shown_its_end() -> None:
    story = listening().open_log(40).hear(60, session(BACKUP))
    story.hear(60, session(BACKUP, 100)).log(60.05, BACKUP).wait(61)

    assert story.outcome == (set(), [(BACKUP, ENDED)])


def test_the_log_names_the_run_that_a_row_shows() -> None:
    story = Story().see(0).open_log(1).start(10, BACKUP).log(11, BACKUP)
    story.see(15, session(BACKUP)).log_end(20).see(21, session(BACKUP, 100)).wait(22)

    assert len(story.started) == 1
    assert story.results == [(BACKUP, ENDED)]
    assert story.ended[0].started_at == at(11)


def test_the_log_follows_a_run_whose_row_names_another_task() -> None:
    story = Story().see(0).open_log(1).log(5, BACKUP).see(6, session(BACKUP))
    story.log(8, CLEAN, "a2").see(10, session(CLEAN))
    other = Story(story.state).see(15, session(CLEAN, 100))
    assert other.outcome == ({BACKUP}, [(CLEAN, ENDED)])

    story.log_end(20).see(21, session(CLEAN, 50))
    assert story.outcome == ({CLEAN}, [(BACKUP, ENDED)])


def test_a_row_that_names_nothing_ends_no_run_that_the_log_names() -> None:
    story = Story().open_log(1).see(2).start(10, REFRESH).see(12, session("", 0))
    assert story.task(REFRESH).evidence is INFERRED

    story.log(13, REFRESH).hear(20, session("", 100)).hear(20.1, session("", 50))
    assert story.on == {REFRESH}
    assert story.wait(30).log_end(40).results == [(REFRESH, ENDED)]


def test_the_log_lets_a_run_go_on_that_was_given_up() -> None:
    story = logging().start(20, REFRESH).see(36)
    assert story.results[1:] == [(REFRESH, LOST)]
    story.log(36.5, REFRESH, "a2").log_end(40, "a2").wait(41)

    assert [run.task for run in story.started] == [CLEAN, REFRESH]
    assert story.results[1:] == [(REFRESH, LOST), (REFRESH, ENDED)]


def test_another_line_of_a_begin_is_another_run_of_what_ran_before() -> None:
    story = seen(own(BACKUP)).open_log(10).log(60, BACKUP)
    assert story.results == []

    story.log(70, BACKUP, "a2").log_end(80, "a2")
    assert story.results == [(BACKUP, LOST), (BACKUP, ENDED)]


@pytest.mark.parametrize("ours", [True, False])
def test_a_stop_in_the_log_was_seen_and_one_of_ours_is_assumed(*, ours: bool) -> None:
    story = seen(own(BACKUP)).open_log(6)
    story = story.stop(10, BACKUP) if ours else story.foreign(10, STOP, BACKUP)

    evidence = ASSUMED if ours else OBSERVED
    assert [run.evidence for run in story.ended] == [evidence]


@pytest.mark.parametrize("task", [BACKUP, None])
@pytest.mark.parametrize("end_first", [True, False])
def test_a_stop_of_another_client_is_no_end(
    task: str | None, *, end_first: bool
) -> None:
    story = logging().log(60, BACKUP).hear(60, session(BACKUP))
    if end_first:
        story.log_end(70)
    story.foreign(70.05, STOP, task).log_end(70.06).hear(70.06, session(BACKUP, 100))

    assert story.results[1:] == [(BACKUP, STOPPED)]


def test_a_stop_of_another_client_ends_no_other_task() -> None:
    story = Story().see(0).open_log(1).log(5, BACKUP).log(6, CLEAN, "a2")

    assert story.foreign(10, STOP, BACKUP).log_end(20, "a3").on == {CLEAN}


def test_a_start_of_another_client_is_a_reason_to_look() -> None:
    story = Story().see(0).foreign(5, START, BACKUP)
    assert story.on == set()
    assert next_snapshot(story.state) == moment(5)


# A log that was closed for a while


def test_an_end_that_the_closed_log_may_have_missed_is_not_waited_for_in_vain() -> None:
    story = Story().see(0).open_log(5).log(10, REFRESH)
    story.tell(60, LOG_CLOSED).open_log(70).see(80).wait(90)
    assert story.on == {REFRESH}
    assert story.is_busy

    assert story.see(30 * MINUTE + 59).on == {REFRESH}
    assert story.wait(31 * MINUTE + 1).results == [(REFRESH, LOST)]


@pytest.mark.parametrize("rows", [[], [session("", 100)]])
def test_idle_rows_end_what_the_closed_log_may_have_missed(
    rows: list[Activity],
) -> None:
    story = Story().open_log(5).see(6, session("")).log(10, REFRESH)
    story.see(20, session("", 50)).tell(60, LOG_CLOSED).open_log(70)
    story.see(80, *rows).see(90, *rows)

    assert story.results == [(REFRESH, LOST)]
    assert not story.is_busy


def test_butler_is_idle_with_a_run_whose_end_was_in_a_gap_of_the_log() -> None:
    story = listening().open_log(40).hear(50, session("")).log(50, REFRESH)
    story.tell(60, LOG_CLOSED).end(65, session("")).open_log(66).see(66).see(126)

    assert story.results == [(REFRESH, LOST)]
    assert not story.is_busy


def test_the_line_of_an_end_counts_after_the_row_of_the_work_is_gone() -> None:
    work = activity("At work")
    story = Story().tell(0, UP).open_log(0).see(1).log(5, REFRESH).hear(5, work)
    story.tell(60, LOG_CLOSED).open_log(70).see(80, work)

    assert story.end(90, work).log_end(90).results == [(REFRESH, ENDED)]


def test_a_log_that_never_told_leaves_no_gap() -> None:
    story = seen(own(BACKUP)).tell(6, LOG_CLOSED).see(10, own(BACKUP, "u2"))

    assert story.outcome == ({BACKUP}, [])


def test_a_log_that_closes_leaves_no_gap_while_the_stream_is_open() -> None:
    story = listening().open_log(40).begin(50, own(BACKUP)).tell(60, LOG_CLOSED)

    assert story.see(61, own(BACKUP, "u2")).outcome == ({BACKUP}, [])


def test_an_end_in_a_gap_of_both_streams_is_not_seen_whichever_breaks_first() -> None:
    story = Story().tell(0, UP).see(0).open_log(1).log(5, BACKUP)
    story.begin(5, session(BACKUP)).tell(10, DOWN).tell(10.01, LOG_CLOSED)

    assert story.tell(20, UP).see(21).results == [(BACKUP, LOST)]


def test_an_end_is_not_seen_if_the_log_broke_after_the_first_failed_poll() -> None:
    story = Story().see(0).open_log(1).log(5, BACKUP).see(6, session(BACKUP))

    story.tell(10, REFUSED).tell(10.5, LOG_CLOSED).see(40)
    assert story.results == [(BACKUP, LOST)]


# Outages, and restarts of the server


@pytest.mark.parametrize("outage", [[HUNG_UP], [REFUSED], [DOWN, UP]])
def test_a_row_that_is_gone_after_what_may_have_been_a_restart_has_no_end(
    outage: list[Rule],
) -> None:
    story = Story().see(0).tell(1, UP) if DOWN in outage else Story().see(0)
    story.see(5, own(BACKUP))
    for second, event in enumerate(outage):
        story.tell(6 + second, event)

    assert story.see(10).results == [(BACKUP, LOST)]


@pytest.mark.parametrize(("uuid", "results"), [("u1", []), ("u2", [(BACKUP, LOST)])])
def test_only_the_same_row_after_a_gap_is_the_same_run(
    uuid: str, results: object
) -> None:
    story = seen(own(BACKUP)).tell(6, REFUSED).see(30, own(BACKUP, uuid))
    assert story.outcome == ({BACKUP}, results)

    assert story.see(35).results[-1] == (BACKUP, ENDED)


def test_that_a_task_runs_already_does_not_show_that_its_old_run_went_on() -> None:
    story = seen(own(BACKUP)).tell(10, REFUSED).start(40, BACKUP, ALREADY_SO)

    assert story.see(45).results == [(BACKUP, LOST)]


def test_a_begin_in_the_log_after_an_outage_is_another_run() -> None:
    story = seen(own(BACKUP)).tell(10, REFUSED).open_log(30).log(31, BACKUP)

    assert story.see(32).log_end(40).results == [(BACKUP, LOST), (BACKUP, ENDED)]


@pytest.mark.parametrize(("seconds", "on"), [(5, {REFRESH}), (5.1, set())])
def test_what_only_a_command_says_is_lost_with_an_outage_of_over_5_s(
    seconds: float, on: set[str]
) -> None:
    assert refused_at_10().see(10 + seconds).on == on


def test_a_server_that_hung_up_was_restarted_only_if_it_refused_as_well() -> None:
    story = Story().see(0).start(5, REFRESH).tell(10, HUNG_UP).see(40)
    assert story.outcome == ({REFRESH}, [])

    story.tell(50, HUNG_UP).tell(80, REFUSED).see(83)
    assert story.results == [(REFRESH, LOST)]


def test_a_snapshot_that_was_requested_when_a_poll_failed_ends_no_outage() -> None:
    assert refused_at_10().see(20, asked=10).outcome == ({REFRESH}, [])


@pytest.mark.parametrize("answer", [LISTED, VERSION_1, UP, Rules.tick])
def test_an_outage_begins_anew_once_the_server_has_answered(answer: Rule) -> None:
    story = Story().see(0).start(5, REFRESH).tell(10, HUNG_UP).tell(11, answer)
    story.tell(11.5, DOWN).tell(12, REFUSED).see(16.5)

    # Otherwise it was long enough for a restart.
    assert story.on == (set() if answer is Rules.tick else {REFRESH})


def test_a_notification_shows_that_a_server_that_refused_is_there() -> None:
    story = Story().tell(0, UP).see(0).start(5, REFRESH).tell(10, REFUSED)
    story.hear(20, activity(kind="library.update.section")).tell(29, DOWN)

    assert story.tell(30, REFUSED).see(33).outcome == ({REFRESH}, [])


def test_a_start_that_succeeded_shows_that_the_server_is_back() -> None:
    story = Story().see(0).tell(10, REFUSED).start(22, REFRESH).tell(25, REFUSED)

    assert story.see(60).results == [(REFRESH, LOST)]


def test_a_command_that_failed_does_not_show_that_the_server_is_back() -> None:
    story = refused_at_10().stop(12, BACKUP, FAILED)

    assert story.see(26).results == [(REFRESH, LOST)]


@pytest.mark.parametrize("later", [(LISTED, REFUSED), (UP, HUNG_UP)])
def test_what_comes_after_a_restart_does_not_undo_it(later: tuple[Rule, Rule]) -> None:
    story = refused_at_10().tell(40, later[0]).tell(40.1, later[1])

    assert story.see(43).results == [(REFRESH, LOST)]


def test_a_stream_that_stayed_up_disproves_a_restart() -> None:
    story = Story().tell(0, UP).see(0).see(5, own(BACKUP)).start(6, CLEAN)
    story.tell(10, REFUSED).tell(20, REFUSED).see(30, own(BACKUP))
    assert story.on == {BACKUP, CLEAN}

    assert (BACKUP, ENDED) in story.tell(31, HUNG_UP).see(40).results


def test_a_stream_that_opened_when_a_poll_failed_stayed_up() -> None:
    story = Story().see(0).start(5, REFRESH).tell(10, UP).tell(10, REFUSED)

    assert story.see(20).outcome == ({REFRESH}, [])


def test_a_log_that_stays_open_disproves_a_restart() -> None:
    story = logging().log(20, REFRESH).tell(30, REFUSED).see(50).log_end(70)

    assert story.results == [(CLEAN, ENDED), (REFRESH, ENDED)]


def test_a_row_that_was_seen_as_the_outage_began_disproves_a_restart() -> None:
    story = Story().see(0).start(5, REFRESH).see(10, session()).tell(10, REFUSED)

    assert story.see(40, session()).outcome == ({REFRESH}, [])


def test_a_row_that_is_new_since_a_restart_does_not_disprove_it() -> None:
    story = refused_at_10().tell(40, UP).begin(41, session(CLEAN))

    assert story.see(42, session(CLEAN)).outcome == ({CLEAN}, [(REFRESH, LOST)])


def test_a_task_that_a_restart_stopped_and_that_runs_again_has_two_runs() -> None:
    story = refused_at_10().tell(40, UP).begin(41, own(REFRESH)).see(42, own(REFRESH))

    assert story.end(60, own(REFRESH)).results == [(REFRESH, LOST), (REFRESH, ENDED)]


def test_what_only_the_log_says_is_lost_with_a_restart_whichever_breaks_first() -> None:
    story = Story().see(0).open_log(1).log(5, REFRESH)

    story.tell(10, REFUSED).tell(10.5, LOG_CLOSED).see(40)
    assert story.results == [(REFRESH, LOST)]


def test_what_only_the_log_says_goes_on_if_a_row_shows_that_there_was_no_restart() -> (
    None
):
    story = Story().open_log(0).log(5, REFRESH).see(6, session())
    story.tell(20, LOG_CLOSED).tell(20, REFUSED).see(50, session())

    assert story.outcome == ({REFRESH}, [])


def test_what_the_log_names_before_another_version_is_seen_goes_on() -> None:
    story = Story().tell(0, VERSION_1).see(0).tell(10, REFUSED).open_log(30)
    story.log(31, REFRESH).tell(32, VERSION_2).see(33).wait(2 * HOUR)

    assert story.outcome == ({REFRESH}, [])


def test_a_stream_that_opens_and_a_version_that_is_known_leave_no_gap() -> None:
    story = seen(own(BACKUP)).tell(6, UP).tell(6, VERSION_1).tell(7, VERSION_1)

    assert story.see(10, own(BACKUP, "u2")).outcome == ({BACKUP}, [])


def test_another_version_has_been_started_anew() -> None:
    story = Story().tell(0, VERSION_1).see(0).see(5, own(BACKUP)).tell(10, VERSION_2)

    assert story.outcome == (set(), [(BACKUP, LOST)])
    assert story.view.busy is None


# Clocks, and restarts of Home Assistant


def test_a_host_that_slept_saw_no_end() -> None:
    for slept, result in ((60, ENDED), (61, LOST)):
        story = seen(own(BACKUP))
        story.tell(Moment(at(10 + slept), moment(10).monotonic), Rules.tick).see(11)
        assert story.results == [(BACKUP, result)]


def test_a_clock_that_runs_backwards_undoes_nothing() -> None:
    story = Story().see(0).see(10, own(BACKUP)).see(5).end(4, own(BACKUP))

    assert (story.state.now, story.ended[0].ended) == (moment(10), moment(10))


@pytest.mark.parametrize("jump", [timedelta(hours=-2), timedelta(hours=2)])
def test_a_duration_agrees_with_both_ends_when_the_clock_is_set(
    jump: timedelta,
) -> None:
    story = seen(own(BACKUP)).see(60, own(BACKUP))
    for second, rows in ((70, [own(BACKUP)]), (80, [])):
        now = Moment(moment(second).utc + jump, moment(second).monotonic)
        story.tell(now, Rules.tick)
        story.state.gap_at = None
        story.tell(now, Rules.snapshot, rows=rows, asked=now)

    (run,) = story.ended
    assert run.started_at
    assert run.duration
    assert run.duration >= timedelta(seconds=75)
    assert run.ended.utc - run.started_at == run.duration


@pytest.mark.parametrize("row", [own(BACKUP), session(BACKUP)])
def test_a_run_that_is_named_again_goes_on_with_its_start(row: Activity) -> None:
    story = remembered(seen(row)).see(70, row)
    assert story.task(BACKUP).since == at(5)
    assert story.changes == []

    assert story.see(80).results == [(BACKUP, ENDED)]


@pytest.mark.parametrize("row", [None, own(BACKUP, "u2")])
def test_a_run_that_is_not_found_again_is_lost(row: Activity | None) -> None:
    story = remembered(seen(own(BACKUP))).see(70, *filter(None, [row]))

    assert story.outcome == ({BACKUP} if row else set(), [(BACKUP, LOST)])


def test_a_run_that_the_log_named_goes_on_with_its_start() -> None:
    story = remembered(Story().see(0).open_log(1).log(5, REFRESH)).see(70).open_log(71)
    assert story.task(REFRESH).since == at(5)

    assert story.log_end(600).results == [(REFRESH, ENDED)]
    assert story.ended[0].duration == timedelta(seconds=595)


# Nothing is on for ever, and little is kept


@pytest.mark.parametrize("row", [own(BACKUP, progress=50), session(progress=50)])
def test_a_row_counts_for_twelve_hours_unless_it_changes(row: Activity) -> None:
    story = Story().see(0).see(10, row).watch(12 * HOUR, row, every=300)
    assert story.is_busy

    assert not story.see(12 * HOUR + 10, row).wait(12 * HOUR + 11).is_busy
    assert story.on == set()


@pytest.mark.parametrize("uuid", ["u1", "u2"])
def test_a_row_that_stands_stays_so_through_restarts_of_home_assistant(
    uuid: str,
) -> None:
    row = own(BACKUP, progress=50)
    story = Story().see(0).see(10, row).watch(11 * HOUR, row, every=300)
    story = remembered(story, gap=2 * HOUR).see(13 * HOUR, own(BACKUP, uuid, 50))

    assert not story.wait(13 * HOUR + 1).wait(13 * HOUR + 2).is_busy
    assert story.on == set()


def test_an_old_row_stays_old_if_the_memory_is_saved_before_the_first_look() -> None:
    state = seen(own(BACKUP)).see(65, own(BACKUP)).state
    for hour in (1, 6):
        state = load(json.loads(json.dumps(dump(state))), moment(hour * HOUR))
    story = Story(replace(state, limit=timedelta(minutes=30)))
    story.see(11 * HOUR, own(BACKUP))

    assert not story.see(12 * HOUR + 10, own(BACKUP)).is_busy


def test_a_run_whose_server_cannot_be_looked_at_is_given_up() -> None:
    story = seen(own(BACKUP)).wait(30 * MINUTE)
    assert story.on == {BACKUP}
    assert story.wait(31 * MINUTE).results == [(BACKUP, LOST)]


@pytest.mark.parametrize("late", [0, 10 * MINUTE])
def test_what_time_alone_ends_is_over_before_what_comes_then_or_later(
    late: float,
) -> None:
    state = Story().see(0).start(5, REFRESH).wait(60).state
    assert state.next_tick
    seen_again = partial(Rules.notified, row=own(REFRESH, "u2"))
    now = state.next_tick + timedelta(seconds=late)
    _, changes = apply(state, now, seen_again, event=ActivityEvent.STARTED)

    assert [type(change) for change in changes] == [EndedRun]


def test_the_last_run_of_200_tasks_is_kept() -> None:
    names = [f"Task{number}" for number in range(201)]
    tasks = [replace(TASKS[0], name=name, title=name) for name in names]
    story = Story().tell(0, Rules.tasks_listed, tasks=tasks)
    for name in names[:200]:
        story.start(1, name).stop(2, name)
    assert list(story.state.last) == names[:200]

    story.start(3, names[200]).stop(4, names[200])
    assert list(story.state.last) == names[1:]


def test_ten_thousand_frames_of_rows_that_are_new_take_less_than_a_second() -> None:
    state, began = listening().state, process_time()
    for number in range(10_000):
        row = activity("Work", progress=number % 100, uuid=f"w{number}")
        heard = partial(Rules.notified, event=ActivityEvent.UPDATED, row=row)
        state, _changes = apply(state, moment(60 + number / 1000), heard)

    assert len(state.rows) <= MAX_ROWS
    assert process_time() - began < 1


def test_a_task_is_still_known_among_more_rows_than_are_kept() -> None:
    rows = [activity("Work", uuid=f"w{number}") for number in range(800)]
    rows.insert(400, own(BACKUP, "mine"))
    story = seen(own(BACKUP, "mine")).see(10, *rows)

    assert story.on == {BACKUP}
    assert len(story.state.rows) == MAX_ROWS


# When to look, and whether to trust the stream


def due(story: Story) -> float:
    """Return in how many seconds a snapshot is due."""
    return (next_snapshot(story.state) - story.state.now).total_seconds()


def test_an_idle_server_is_asked_by_what_its_stream_can_do() -> None:
    assert due(Story()) == 0
    assert due(Story().see(0)) == 32
    assert due(Story().tell(0, UP).see(1)) == 75
    assert due(listening().wait(200).see(200)) == 300


def test_a_window_is_looked_at_more_closely_where_nothing_is_told() -> None:
    assert due(Story().open_window(0, 5).see(0)) == 12
    assert due(Story().open_window(1, 5).see(3590)) == 11
    assert due(Story().open_window(0, 5).see(0).see(5, session(BACKUP))) == 5
    assert due(Story().see(0).start(1, REFRESH).see(2)) == 5


def test_a_burst_costs_no_request() -> None:
    story = listening().wait(250)
    before = next_snapshot(story.state)
    for number in range(22):
        story.hear(250, session(BACKUP, 100 * number / (number + 1)))
        story.hear(250, session(BACKUP, 100))

    assert moment(300) <= next_snapshot(story.state) <= before
    assert story.state.next_tick


def test_a_stream_has_30_s_to_tell_of_a_row() -> None:
    story = listening().see(60, own(BACKUP)).see(90, own(BACKUP))
    assert story.state.push_trusted

    assert not story.see(91, own(BACKUP)).see(92, own(BACKUP)).state.push_trusted


def test_a_row_that_came_with_the_stream_has_to_be_told_of() -> None:
    story = listening().tell(100, DOWN).tell(110, UP).see(110, own(BACKUP))

    assert not story.see(141, own(BACKUP)).state.push_trusted


def test_a_row_that_the_stream_told_of_once_costs_it_no_trust() -> None:
    story = Story().tell(0, UP).see(0).begin(5, own(BACKUP))
    assert story.see(65, own(BACKUP)).see(125, own(BACKUP)).state.push_trusted
