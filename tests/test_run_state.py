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
    UNNAMED,
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
    MIDNIGHT,
    OK,
    REFRESH,
    TASKS,
    Event,
    Story,
    activity,
    at,
    moment,
    own,
    session,
)

MINUTE, HOUR = 60, 3600
UP, DOWN = partial(Rules.push_changed, up=True), partial(Rules.push_changed, up=False)
ENDED, LOST, STOPPED = Result.ENDED, Result.LOST, Result.STOPPED


def listening() -> Story:
    """Return a story whose stream has proven that it tells."""
    story = Story().tell(0, UP).see(0).hear(1, session(progress=100))
    return story.hear(1, session(progress=100), ActivityEvent.ENDED).see(30)


REFUSED = partial(Rules.poll_failed, refused=True)
HUNG_UP = partial(Rules.poll_failed, refused=False)
CLOSED = partial(Rules.log_changed, up=False)
LISTED = partial(Rules.tasks_listed, tasks=TASKS)
VERSION = partial(Rules.version_seen, version="1")
# What happens, what is on after it, and how runs ended
OUTCOMES: dict[str, tuple[Callable[[], Story], set[str], list[tuple[str, Result]]]] = {
    "a row at 100 that is no session's proves no end": (
        lambda: (
            listening()
            .hear(60, activity("At work", BACKUP), ActivityEvent.STARTED)
            .hear(70, activity("At work", BACKUP, 100))
        ),
        set(),
        [(BACKUP, LOST)],
    ),
    "a notification shows that a server that refused is there": (
        lambda: (
            Story()
            .tell(0, UP)
            .see(0)
            .start(5, REFRESH)
            .tell(10, REFUSED)
            .hear(20, activity(kind="library.update.section"))
            .tell(29, DOWN)
            .tell(30, REFUSED)
            .see(33)
        ),
        {REFRESH},
        [],
    ),
    "the end of a row at 100 that names the task is the task's": (
        lambda: (
            listening()
            .hear(60, activity("At work", BACKUP), ActivityEvent.STARTED)
            .hear(70, activity("At work", BACKUP, 100), ActivityEvent.ENDED)
            .wait(71)
        ),
        set(),
        [(BACKUP, ENDED)],
    ),
    "the log may name a run after its row has shown its end": (
        lambda: (
            listening()
            .open_log(40)
            .hear(60, session(BACKUP))
            .hear(60, session(BACKUP, 100))
            .log(60.05, BACKUP)
            .wait(61)
        ),
        set(),
        [(BACKUP, ENDED)],
    ),
    "a stop that failed may end a run for as long as it goes on": (
        lambda: (
            seen(session(BACKUP))
            .stop(10, BACKUP, FAILED)
            .see(320, session(BACKUP, 50))
            .see(325)
            .wait(326)
        ),
        set(),
        [(BACKUP, LOST)],
    ),
    "a stop ends no run that began in its moment": (
        lambda: (
            Story()
            .see(0)
            .stop(10, BACKUP)
            .hear(10, own(BACKUP), ActivityEvent.STARTED)
            .hear(20, own(BACKUP), ActivityEvent.ENDED)
            .wait(21)
        ),
        set(),
        [(BACKUP, ENDED)],
    ),
    "a run that the log follows does not end with a row that names another": (
        lambda: (
            Story()
            .see(0)
            .open_log(1)
            .log(5, BACKUP, "a1")
            .see(6, session(BACKUP))
            .log(8, CLEAN, "a2")
            .see(10, session(CLEAN))
            .see(15, session(CLEAN, 100))
            .wait(16)
        ),
        {BACKUP},
        [(CLEAN, ENDED)],
    ),
    "a log that never told leaves no gap": (
        lambda: seen(own(BACKUP)).tell(6, CLOSED).see(10, own(BACKUP, "u2")),
        {BACKUP},
        [],
    ),
    "a log that closes leaves no gap while the stream is open": (
        lambda: (
            listening()
            .open_log(40)
            .hear(50, own(BACKUP), ActivityEvent.STARTED)
            .tell(60, CLOSED)
            .see(61, own(BACKUP, "u2"))
        ),
        {BACKUP},
        [],
    ),
    "a stop that failed before the run was seen may yet end it": (
        lambda: (
            Story().see(0).stop(5, BACKUP, FAILED).see(6, own(BACKUP)).see(10).wait(11)
        ),
        set(),
        [(BACKUP, LOST)],
    ),
    "a row of a task's own that stays at 100 is not believed for ever": (
        lambda: seen_often(seen(own(BACKUP)), own(BACKUP, progress=100), 1900),
        set(),
        [(BACKUP, LOST)],
    ),
    "a start that keeps a nameless server idle is given up": (
        lambda: seen(session()).see(10).start(30, BACKUP).see(47),
        set(),
        [(BACKUP, LOST)],
    ),
    "a start that the log does not name is given up": (
        lambda: logging().start(20, REFRESH).see(36),
        set(),
        [(CLEAN, ENDED), (REFRESH, LOST)],
    ),
    "the same row after a gap is the same run": (
        lambda: (
            seen(own(BACKUP)).tell(6, REFUSED).see(30, own(BACKUP)).see(35).wait(36)
        ),
        set(),
        [(BACKUP, ENDED)],
    ),
    "another row after a gap is another run": (
        lambda: seen(own(BACKUP)).tell(6, REFUSED).see(30, own(BACKUP, "u2")),
        {BACKUP},
        [(BACKUP, LOST)],
    ),
    "what only a command says goes on after a hiccup": (
        lambda: Story().see(0).start(5, REFRESH).tell(10, REFUSED).see(14),
        {REFRESH},
        [],
    ),
    "what only the log says goes on after a hiccup": (
        lambda: Story().see(0).open_log(1).log(5, REFRESH).tell(10, REFUSED).see(14),
        {REFRESH},
        [],
    ),
    "what the log names before the first answer after a restart goes on": (
        lambda: Story().see(0).tell(10, REFUSED).open_log(30).log(31, REFRESH).see(32),
        {REFRESH},
        [],
    ),
    "what the log names before another version is seen goes on": (
        lambda: (
            Story()
            .tell(0, partial(Rules.version_seen, version="1"))
            .see(0)
            .tell(10, REFUSED)
            .open_log(30)
            .log(31, REFRESH)
            .tell(32, partial(Rules.version_seen, version="2"))
            .see(33)
            .wait(2 * HOUR)
        ),
        {REFRESH},
        [],
    ),
    "what only a command says is lost with a restart": (
        lambda: Story().see(0).start(5, REFRESH).tell(20, REFUSED).see(26),
        set(),
        [(REFRESH, LOST)],
    ),
    "what only the log says goes on if a row shows that there was no restart": (
        lambda: (
            Story()
            .open_log(0)
            .log(5, REFRESH)
            .see(6, session())
            .tell(20, CLOSED)
            .tell(20, REFUSED)
            .see(50, session())
        ),
        {REFRESH},
        [],
    ),
    "an end in a gap of both streams is not seen, whichever breaks first": (
        lambda: (
            Story()
            .tell(0, UP)
            .see(0)
            .open_log(1)
            .log(5, BACKUP)
            .hear(5, session(BACKUP), ActivityEvent.STARTED)
            .tell(10, DOWN)
            .tell(10.01, CLOSED)
            .tell(20, UP)
            .see(21)
            .wait(22)
        ),
        set(),
        [(BACKUP, LOST)],
    ),
    "an end is not seen if the log broke after the first failed poll": (
        lambda: (
            Story()
            .see(0)
            .open_log(1)
            .log(5, BACKUP)
            .see(6, session(BACKUP))
            .tell(10, REFUSED)
            .tell(10.5, CLOSED)
            .see(40)
            .wait(41)
        ),
        set(),
        [(BACKUP, LOST)],
    ),
    "that a task runs already does not show that its old run went on": (
        lambda: (
            seen(own(BACKUP))
            .tell(10, REFUSED)
            .start(40, BACKUP, ALREADY_SO)
            .see(45)
            .wait(46)
        ),
        set(),
        [(BACKUP, LOST)],
    ),
    "a begin in the log after an outage is another run": (
        lambda: (
            seen(own(BACKUP))
            .tell(10, REFUSED)
            .open_log(30)
            .log(31, BACKUP)
            .see(32)
            .log_end(40)
            .wait(41)
        ),
        set(),
        [(BACKUP, LOST), (BACKUP, ENDED)],
    ),
    "an old row that shows before the answer to a start is not the new run": (
        lambda: (
            seen(session(BACKUP))
            .send(20, Command.START, BACKUP)
            .see(22, session(BACKUP))
            .answer(23, Command.START, BACKUP, sent=20)
            .see(28)
            .wait(29)
        ),
        {BACKUP},
        [(BACKUP, LOST)],
    ),
    "a second outage loses what was started after the first": (
        lambda: (
            Story()
            .see(0)
            .tell(10, REFUSED)
            .tell(20, partial(Rules.tasks_listed, tasks=TASKS))
            .start(22, REFRESH)
            .tell(25, REFUSED)
            .see(60)
        ),
        set(),
        [(REFRESH, LOST)],
    ),
    "a start that succeeded shows that the server is back": (
        lambda: (
            Story()
            .see(0)
            .tell(10, REFUSED)
            .start(22, REFRESH)
            .tell(25, REFUSED)
            .see(60)
        ),
        set(),
        [(REFRESH, LOST)],
    ),
    "a short second outage does not undo a restart": (
        lambda: (
            Story()
            .see(0)
            .start(5, REFRESH)
            .tell(10, REFUSED)
            .tell(40, partial(Rules.tasks_listed, tasks=TASKS))
            .tell(40.1, REFUSED)
            .see(43)
        ),
        set(),
        [(REFRESH, LOST)],
    ),
    "a stream that opened since does not undo a restart": (
        lambda: (
            Story()
            .see(0)
            .start(5, REFRESH)
            .tell(10, REFUSED)
            .tell(26, UP)
            .tell(27, HUNG_UP)
            .see(60)
        ),
        set(),
        [(REFRESH, LOST)],
    ),
    "a row that is new since a restart does not disprove it": (
        lambda: (
            back_after_an_outage()
            .hear(41, session(CLEAN), ActivityEvent.STARTED)
            .see(42, session(CLEAN))
        ),
        {CLEAN},
        [(REFRESH, LOST)],
    ),
    "a task that a restart stopped and that runs again has two runs": (
        lambda: (
            back_after_an_outage()
            .hear(41, own(REFRESH), ActivityEvent.STARTED)
            .see(42, own(REFRESH))
            .hear(60, own(REFRESH), ActivityEvent.ENDED)
            .wait(61)
        ),
        set(),
        [(REFRESH, LOST), (REFRESH, ENDED)],
    ),
    "what only the log says is lost with a restart, whichever breaks first": (
        lambda: (
            Story()
            .see(0)
            .open_log(1)
            .log(5, REFRESH)
            .tell(10, REFUSED)
            .tell(10.5, CLOSED)
            .see(40)
        ),
        set(),
        [(REFRESH, LOST)],
    ),
    "a log that stays open disproves a restart": (
        lambda: (
            logging()
            .log(20, REFRESH)
            .tell(30, REFUSED)
            .see(50)
            .log_end(70)
            .see(71)
            .wait(72)
        ),
        set(),
        [(CLEAN, ENDED), (REFRESH, ENDED)],
    ),
    "the short run of another task does not end a start": (
        lambda: (
            Story()
            .see(0)
            .see(1, own(CLEAN))
            .see(2)
            .start(60, BACKUP)
            .see(61, own(CLEAN))
            .see(66)
            .wait(67)
            .see(68, own(BACKUP))
            .see(75)
            .wait(76)
        ),
        set(),
        [(CLEAN, ENDED), (CLEAN, ENDED), (BACKUP, ENDED)],
    ),
    "the log follows a run whose row names another task": (
        lambda: (
            Story()
            .see(0)
            .open_log(1)
            .log(5, BACKUP, "a1")
            .see(6, session(BACKUP))
            .log(8, CLEAN, "a2")
            .see(10, session(CLEAN))
            .log_end(20, "a1")
            .see(21, session(CLEAN, 50))
            .wait(22)
        ),
        {CLEAN},
        [(BACKUP, ENDED)],
    ),
    "a start that nothing showed is not taken for the work of a later one": (
        lambda: seen_often(
            listening()
            .start(60, REFRESH)
            .see(70)
            .start(1500, CLEAN)
            .hear(1501, session()),
            session(),
            60 + 31 * MINUTE,
        ),
        {CLEAN},
        [(REFRESH, LOST)],
    ),
    "a session at 100 that names nothing ends no task": (
        lambda: seen(session(BACKUP)).see(10, session(progress=100)).wait(11),
        set(),
        [(BACKUP, LOST)],
    ),
    "what is queued is given up with the window also if the host slept": (
        lambda: (
            Story()
            .open_window(0, 4)
            .see(0)
            .start(10, INTROS)
            .tell(Moment(at(8 * HOUR), moment(20).monotonic), Rules.tick)
        ),
        set(),
        [(INTROS, LOST)],
    ),
    "a command that failed does not show that the server is back": (
        lambda: (
            Story()
            .see(0)
            .start(5, REFRESH)
            .tell(10, REFUSED)
            .stop(12, BACKUP, FAILED)
            .see(26)
        ),
        set(),
        [(REFRESH, LOST)],
    ),
    "a server that hung up and then refused for a moment was restarted": (
        lambda: (
            Story().see(0).start(5, REFRESH).tell(10, HUNG_UP).tell(40, REFUSED).see(43)
        ),
        set(),
        [(REFRESH, LOST)],
    ),
    "a look long after the last one sees no end": (
        lambda: seen(own(BACKUP)).see(20 * MINUTE),
        set(),
        [(BACKUP, LOST)],
    ),
    "a start is not given up while an old row hides it": (
        lambda: seen_often(
            seen(own(BACKUP)).stop(10, BACKUP).start(12, BACKUP),
            own(BACKUP),
            40,
        ),
        {BACKUP},
        [(BACKUP, STOPPED)],
    ),
    "the line of an end counts after the log was closed": (
        lambda: (
            logging()
            .log(20, REFRESH)
            .tell(60, CLOSED)
            .open_log(70)
            .see(80)
            .log_end(90)
            .wait(91)
        ),
        set(),
        [(CLEAN, ENDED), (REFRESH, ENDED)],
    ),
    "the line of an end counts after the row of the work is gone": (
        lambda: (
            Story()
            .tell(0, UP)
            .open_log(0)
            .see(1)
            .log(5, REFRESH)
            .hear(5, activity("At work"))
            .tell(60, CLOSED)
            .open_log(70)
            .see(80, activity("At work"))
            .hear(90, activity("At work", progress=100), ActivityEvent.ENDED)
            .log_end(90)
            .wait(91)
        ),
        set(),
        [(REFRESH, ENDED)],
    ),
    "a start that a stop overtook claims nothing": (
        lambda: (
            Story()
            .send(10, Command.START, BACKUP)
            .stop(11, None)
            .answer(15, Command.START, BACKUP, sent=10)
        ),
        set(),
        [],
    ),
    "a stop that a start overtook ends nothing": (
        lambda: (
            Story()
            .send(10, Command.STOP, BACKUP)
            .start(12, BACKUP)
            .answer(15, Command.STOP, BACKUP, sent=10)
        ),
        {BACKUP},
        [],
    ),
    "a stop that was sent before the start ends nothing that a row shows": (
        lambda: (
            Story()
            .see(0)
            .send(8, Command.STOP, BACKUP)
            .send(10, Command.START, BACKUP)
            .see(11, own(BACKUP))
            .answer(12, Command.STOP, BACKUP, sent=8)
            .answer(13, Command.START, BACKUP, sent=10)
        ),
        {BACKUP},
        [],
    ),
    "a run of ours among others is believed for its limit": (
        lambda: (
            listening()
            .hear(50, session())
            .start(60, REFRESH)
            .see(70, session())
            .wait(31 * MINUTE)
        ),
        set(),
        [(REFRESH, LOST)],
    ),
    "another task of a nameless session is not taken for ours": (
        lambda: seen_often(
            listening()
            .start(60, REFRESH)
            .hear(61, session())
            .hear(70, session(progress=50)),
            session(progress=50),
            32 * MINUTE,
        ),
        set(),
        [(REFRESH, LOST)],
    ),
    "a run that only we know of goes on after a restart of Home Assistant": (
        lambda: remembered(Story().see(0).start(5, REFRESH)).see(70),
        {REFRESH},
        [],
    ),
    "what is queued is given up when the window ends": (
        lambda: Story().open_window(0, 4).see(0).start(10, INTROS).wait(4 * HOUR + 1),
        set(),
        [(INTROS, LOST)],
    ),
    "not running tells that an end was not seen": (
        lambda: Story().start(0, BACKUP).stop(10, BACKUP, ALREADY_SO),
        set(),
        [(BACKUP, LOST)],
    ),
    "a task that is not listed any more is lost": (
        lambda: seen(own(BACKUP)).tell(6, partial(Rules.tasks_listed, tasks=TASKS[1:])),
        set(),
        [(BACKUP, LOST)],
    ),
}


def seen(row: Activity) -> Story:
    """Return a story in which a row showed, and had not before."""
    return Story().see(0).see(5, row)


def start_and_stop_sent() -> Story:
    """Return a story in which a start and a stop were sent at one moment."""
    story = Story().send(10, Command.START, BACKUP)
    return story.send(10, Command.STOP, BACKUP)


def refused_at_10() -> Story:
    """Return a story with a start that nothing shows, before an outage."""
    return Story().see(0).start(5, REFRESH).tell(10, REFUSED)


def back_after_an_outage() -> Story:
    """Return a story with a start that nothing shows, before the first new look."""
    return refused_at_10().tell(40, UP)


def logging() -> Story:
    """Return a story whose log has named a task."""
    return Story().see(0).open_log(1).log(5, CLEAN).log_end(6).wait(7)


def seen_often(story: Story, row: Activity, until: int) -> Story:
    """Return the story after a row was seen every ten seconds."""
    for second in range(int(story.state.now.monotonic) - 990, until + 10, 10):
        story.see(second, row)
    return story


@pytest.mark.parametrize(("happens", "on", "results"), OUTCOMES.values(), ids=OUTCOMES)
def test_what_is_on_and_what_has_ended(
    happens: Callable[[], Story], on: set[str], results: list[tuple[str, Result]]
) -> None:
    story = happens()

    assert (story.on & story.state.runs.keys(), story.results) == (on, results)


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
    assert story.task(BACKUP).evidence is Evidence.OBSERVED
    assert story.task(BACKUP).since == at(5)
    assert not story.task(BACKUP).assumed
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
    story = seen(row).hear(6, row, ActivityEvent.STARTED).hear(7, row).see(8, row)

    assert story.on == set()
    assert story.started == []


def test_two_tasks_of_one_title_are_told_apart_by_their_names_alone() -> None:
    twin = replace(TASKS[1], name="Twin")
    story = Story().tell(0, partial(Rules.tasks_listed, tasks=(*TASKS, twin))).see(0)

    assert story.see(5, own("Clean Old Bundles")).on == set()
    assert story.see(10, own("Twin", "u2")).on == {"Twin"}


def test_the_progress_of_a_session_is_not_the_tasks() -> None:
    story = seen(session(BACKUP, 83))
    assert story.task(BACKUP).progress is None

    story.see(10, own(CLEAN, progress=40), session(BACKUP, 83))
    assert story.task(CLEAN).progress == 40


@pytest.mark.parametrize(("progress", "shown"), [(0, 0), (40, 40), (-1, None)])
def test_a_progress_below_0_is_none(progress: float, shown: float | None) -> None:
    assert seen(own(BACKUP, progress=progress)).task(BACKUP).progress == shown


def test_a_task_in_its_last_phase_is_at_100() -> None:
    story = seen(own(BACKUP)).see(10, own(BACKUP, progress=100))

    assert story.on == {BACKUP}
    assert story.task(BACKUP).progress == 100


# A session


def test_a_night_of_a_session_is_told_in_order() -> None:
    story = listening()
    story.hear(60, session(), ActivityEvent.STARTED)
    for number, task in enumerate((BACKUP, CLEAN, REFRESH)):
        story.hear(60, session(task, 100 * number / (number + 1)))
        story.hear(60, session(task, 100))
    story.hear(61, session(REFRESH, 100), ActivityEvent.ENDED).wait(62)

    told = [
        (type(change), change.task)
        for change in story.changes
        if isinstance(change, Run | EndedRun)
    ]
    assert told == [
        (kind, task) for task in (BACKUP, CLEAN, REFRESH) for kind in (Run, EndedRun)
    ]
    assert {run.result for run in story.ended} == {ENDED}
    assert {run.duration for run in story.ended} == {timedelta()}


def test_butler_is_idle_only_where_100_stays() -> None:
    story = listening().hear(60, session(BACKUP)).hear(70, session(BACKUP, 100))
    assert story.is_busy
    story.hear(70, session(CLEAN, 50)).wait(72)
    assert story.is_busy

    assert not story.hear(80, session(CLEAN, 100)).wait(81).is_busy
    assert story.wait(89).idle == 0
    assert story.wait(90.1).idle == 1
    assert story.wait(200).idle == 1


@pytest.mark.parametrize("title", ["Butler tasks", "At work"])
def test_a_row_that_names_another_task_shows_the_first_no_more(title: str) -> None:
    story = listening().hear(60, activity(title, BACKUP), ActivityEvent.STARTED)
    story.hear(65, activity(title, CLEAN, 50))
    assert story.on == {CLEAN}

    story.hear(70, activity(title, CLEAN, 50), ActivityEvent.ENDED).wait(71)
    assert story.results == [(BACKUP, LOST), (CLEAN, ENDED)]


def test_child_rows_under_a_nameless_one_show_the_tasks() -> None:
    story = listening().hear(60, session(), ActivityEvent.STARTED)
    story.hear(60, own(BACKUP, "c1"), ActivityEvent.STARTED)
    assert story.on == {BACKUP}

    story.hear(70, own(BACKUP, "c1"), ActivityEvent.ENDED).hear(
        70, session(progress=100)
    ).wait(71)
    assert story.results == [(BACKUP, ENDED)]
    assert story.ended[0].duration == timedelta(seconds=10)


def test_a_row_of_a_tasks_own_at_100_is_its_last_phase() -> None:
    story = listening().hear(60, own(BACKUP), ActivityEvent.STARTED)
    story.hear(70, own(BACKUP, progress=100)).wait(75)
    assert story.on == {BACKUP}
    assert story.is_busy

    story.hear(80, own(BACKUP, progress=0)).hear(90, own(BACKUP, progress=100))
    assert story.hear(100, own(BACKUP), ActivityEvent.ENDED).wait(101).results == [
        (BACKUP, ENDED)
    ]
    assert len(story.started) == 1


def test_an_end_is_seen_where_a_row_is_gone_without_a_gap() -> None:
    story = seen(own(BACKUP)).see(10).wait(11)

    assert story.results == [(BACKUP, ENDED)]
    assert (story.ended[0].started_at, story.ended[0].ended.utc) == (at(5), at(10))


@pytest.mark.parametrize(
    "outage",
    [
        [HUNG_UP],
        [REFUSED],
        [DOWN, UP],
        [DOWN, REFUSED, UP],
    ],
)
@pytest.mark.parametrize("row", [own(BACKUP), session(BACKUP)])
def test_a_row_that_is_gone_after_what_may_have_been_a_restart_has_no_end(
    outage: list[Event], row: Activity
) -> None:
    story = Story().see(0).tell(1, UP) if outage[0] is DOWN else Story().see(0)
    story.see(5, row)
    for second, event in enumerate(outage):
        story.tell(6 + second, event)

    assert story.see(10).results == [(BACKUP, LOST)]


def test_a_stream_that_stayed_up_disproves_a_restart() -> None:
    story = Story().tell(0, UP).see(0).see(5, own(BACKUP)).start(6, CLEAN)
    story.tell(10, REFUSED).tell(20, REFUSED)
    story.see(30, own(BACKUP))
    assert story.on == {BACKUP, CLEAN}

    assert (BACKUP, ENDED) in story.tell(31, HUNG_UP).see(40).wait(41).results


def test_a_host_that_slept_saw_no_end() -> None:
    story = seen(own(BACKUP))
    story.tell(Moment(MIDNIGHT + timedelta(hours=2), 1010), Rules.tick)
    story.see(11)

    assert story.results == [(BACKUP, LOST)]


@pytest.mark.parametrize("row", [own(BACKUP), session(BACKUP)])
def test_a_stop_that_timed_out_and_is_done_later_is_no_end(row: Activity) -> None:
    story = seen(row)
    story.stop(10, BACKUP, FAILED, took=15).see(26, row)
    assert story.on == {BACKUP}

    for second in range(30, 600, 30):
        story.see(second, row)
    assert story.see(600).wait(601).results == [(BACKUP, LOST)]


def test_an_end_while_our_stop_is_out_is_our_doing() -> None:
    story = listening().hear(60, session(BACKUP)).send(70, Command.STOP, BACKUP)
    story.hear(70.1, session(BACKUP, 100))
    story.answer(70.2, Command.STOP, BACKUP, sent=70)

    assert story.results == [(BACKUP, STOPPED)]


@pytest.mark.parametrize("told", [ActivityEvent.ENDED, ActivityEvent.UPDATED])
@pytest.mark.parametrize("kind", [own, session])
def test_the_late_end_of_an_older_run_is_not_the_new_ones(
    kind: object, told: ActivityEvent
) -> None:
    row = own(BACKUP) if kind is own else session(BACKUP)
    over = own(BACKUP, progress=100) if kind is own else session(BACKUP, 100)
    story = listening().hear(60, row, ActivityEvent.STARTED).start(70, BACKUP)
    story.hear(70.1, over, told).wait(71)

    assert story.ended[0].result is LOST
    assert all(run.result is not ENDED for run in story.ended)


def test_an_end_of_which_no_begin_was_seen_is_none() -> None:
    story = listening().send(60, Command.START, BACKUP)
    story.hear(60.1, own(BACKUP, "u9"), ActivityEvent.ENDED)
    story.answer(60.2, Command.START, BACKUP, sent=60).wait(80)

    assert ENDED not in {run.result for run in story.ended}
    story.start(90, CLEAN).hear(91, own(CLEAN, "u8"), ActivityEvent.ENDED)
    story.wait(90 + 3 * MINUTE)
    assert story.results[-1] == (CLEAN, LOST)


def test_a_row_that_was_there_before_the_start_shows_no_begin() -> None:
    story = seen(session(BACKUP)).start(10, BACKUP)
    story.see(12, session(BACKUP))
    assert story.task(BACKUP).evidence is Evidence.OBSERVED

    assert story.see(20).wait(21).results[-1] == (BACKUP, LOST)


def test_a_run_so_short_that_it_is_over_before_the_answer_is_one_run() -> None:
    story = listening().send(60, Command.START, BACKUP)
    story.hear(60, session(BACKUP)).hear(60, session(BACKUP, 100))
    story.answer(60.1, Command.START, BACKUP, sent=60)

    assert story.results == [(BACKUP, ENDED)]
    assert len(story.started) == 1
    assert story.on == set()


def test_what_was_on_its_way_when_a_row_ended_begins_nothing() -> None:
    story = listening().hear(60, own(BACKUP), ActivityEvent.STARTED)
    story.hear(61, own(BACKUP), ActivityEvent.ENDED).hear(61.2, own(BACKUP)).wait(62)
    assert story.results == [(BACKUP, ENDED)]

    story.see(63, own(BACKUP), asked=60.5).see(64, own(BACKUP, "u2"), asked=60.9)
    assert story.on == set()
    assert story.hear(65, own(BACKUP), ActivityEvent.STARTED).on == {BACKUP}


def test_an_older_look_says_nothing_of_a_run_that_was_heard_of_since() -> None:
    story = listening().hear(60, own(BACKUP), ActivityEvent.STARTED)
    story.see(61, own(BACKUP), own(BACKUP, "u2", 50), asked=59.5)

    assert story.task(BACKUP).progress == 10


def test_a_run_that_a_stop_did_not_end_is_not_ours_when_we_start_it_again() -> None:
    story = seen(own(BACKUP)).stop(10, BACKUP)
    story.send(45, Command.START, BACKUP).see(46, own(BACKUP))
    story.answer(47, Command.START, BACKUP, sent=45).see(50).wait(51)

    assert story.results == [(BACKUP, STOPPED), (BACKUP, LOST)]


def test_a_task_with_two_rows_runs_while_one_is_left() -> None:
    story = listening().hear(60, own(BACKUP), ActivityEvent.STARTED)
    story.hear(60, own(BACKUP, "u2"), ActivityEvent.STARTED).hear(
        65, own(BACKUP, "u2"), ActivityEvent.ENDED
    )
    assert story.wait(66).on == {BACKUP}

    assert story.hear(70, own(BACKUP), ActivityEvent.ENDED).wait(71).results == [
        (BACKUP, ENDED)
    ]


# Nothing is on for ever


def test_ordinary_work_keeps_nothing_on() -> None:
    scan = activity("Scanning Films", kind="library.update.section", uuid="scan")
    story = Story().see(0).start(10, REFRESH)
    for second in range(15, 40 * MINUTE, 5):
        story.see(second, scan)

    assert story.on == set()
    assert story.results == [(REFRESH, LOST)]


@pytest.mark.parametrize("row", [own(BACKUP, progress=50), session(progress=50)])
def test_a_row_counts_for_twelve_hours_unless_it_changes(row: Activity) -> None:
    story = Story().see(0)
    for second in range(10, 12 * HOUR, 300):
        story.see(second, row)
    assert story.is_busy

    assert not story.see(12 * HOUR + 11, row).wait(12 * HOUR + 12).is_busy
    assert story.on == set()


@pytest.mark.parametrize("uuid", ["u1", "u2"])
def test_a_row_that_stands_stays_so_through_restarts_of_home_assistant(
    uuid: str,
) -> None:
    story = Story().see(0)
    for second in range(10, 11 * HOUR, 300):
        story.see(second, own(BACKUP, progress=50))
    story = remembered(story, gap=2 * HOUR).see(13 * HOUR, own(BACKUP, uuid, 50))

    assert not story.wait(13 * HOUR + 1).wait(13 * HOUR + 2).is_busy
    assert story.on == set()


def test_a_run_of_hours_outside_the_window_stays() -> None:
    story = Story().open_window(2, 5).see(2 * HOUR).see(2 * HOUR + 60, session(INTROS))
    for second in range(2 * HOUR + 120, 8 * HOUR, 60):
        story.see(second, session(INTROS))

    assert story.on == {INTROS}
    assert story.is_busy


@pytest.mark.parametrize(("task", "minutes"), [(BACKUP, 3), (CLEAN, 3), (REFRESH, 30)])
def test_short_tasks_are_not_believed_for_half_an_hour(task: str, minutes: int) -> None:
    story = Story().see(0).start(0, task)
    for second in range(5, minutes * MINUTE, 5):
        story.see(second)
    assert story.on == {task}

    assert story.wait(minutes * MINUTE + 1).results == [(task, LOST)]


def test_a_run_whose_server_cannot_be_looked_at_is_given_up() -> None:
    story = seen(own(BACKUP)).wait(30 * MINUTE)
    assert story.on == {BACKUP}
    assert story.wait(31 * MINUTE).results == [(BACKUP, LOST)]


# No flapping


def test_a_row_that_comes_8_s_after_the_start_goes_on() -> None:
    story = Story().see(0).see(1, own(BACKUP, "early")).see(2).wait(3)
    story.changes.clear()
    story.start(10, BACKUP, took=2)
    for second in (13, 15, 17):
        assert story.see(second).on == {BACKUP}
    story.see(18.5, own(BACKUP))

    assert story.on == {BACKUP}
    assert story.ended == []
    assert story.task(BACKUP).since == at(10)


def test_what_nothing_shows_is_given_up_15_s_after_the_answer() -> None:
    story = Story().see(0).see(1, own(CLEAN, "early")).see(2).start(10, BACKUP, took=4)
    for second in range(15, 29):
        assert story.see(second).on == {BACKUP}
    story.see(29.5)

    assert story.results[-1] == (BACKUP, LOST)


def test_a_row_that_comes_later_lets_a_run_go_on_that_was_given_up() -> None:
    story = Story().see(0).see(1, own(CLEAN, "early")).see(2).start(10, BACKUP)
    for second in range(11, 30, 3):
        story.see(second)
    assert story.on == set()
    story.see(40, own(BACKUP)).see(50).wait(51)

    assert [run.task for run in story.started].count(BACKUP) == 1
    assert story.results[-1] == (BACKUP, ENDED)


def test_a_start_behind_another_task_waits_for_its_turn() -> None:
    story = seen(session(CLEAN)).start(10, BACKUP)
    for second in range(15, 60, 5):
        story.see(second, session(CLEAN))
    assert story.on == {BACKUP, CLEAN}
    assert story.task(BACKUP).assumed

    story.see(60, session(BACKUP, 50))
    assert story.on == {BACKUP}
    assert not story.task(BACKUP).assumed
    assert story.task(BACKUP).since == at(60)


def test_a_stop_and_a_start_on_one_shared_row_show_at_once() -> None:
    story = listening().hear(60, session(BACKUP)).stop(70, BACKUP)
    story.hear(70.1, session(BACKUP, 100)).start(75, BACKUP)
    story.hear(75.1, session(BACKUP, 50)).wait(95)
    assert story.on == {BACKUP}

    story.hear(100, session(BACKUP, 100)).wait(101)
    assert story.results == [(BACKUP, STOPPED), (BACKUP, ENDED)]


def test_rows_that_linger_after_a_stop_show_nothing_for_30_s() -> None:
    story = seen(own(BACKUP)).stop(10, BACKUP)
    for second in range(12, 40, 5):
        assert story.see(second, own(BACKUP)).on == set()
    assert not story.is_busy

    assert story.see(41, own(BACKUP)).on == {BACKUP}
    assert story.see(50).wait(51).results[-1] == (BACKUP, LOST)


def test_a_task_whose_rows_follow_each_other_at_once_is_one_run() -> None:
    story = listening()
    for number in range(20):
        story.hear(60 + number, own(BACKUP, f"u{number}"), ActivityEvent.STARTED)
        story.hear(60.95 + number, own(BACKUP, f"u{number}"), ActivityEvent.ENDED)
        assert story.on == {BACKUP}
    story.wait(81)

    assert len(story.started) == 1
    assert story.results == [(BACKUP, ENDED)]
    assert story.ended[0].duration == timedelta(seconds=19.95)


def test_a_uuid_that_changes_with_each_look_is_one_run() -> None:
    story = Story().see(0)
    for number in range(1, 50):
        story.see(5 * number, own(BACKUP, f"u{number}", number))

    assert len(story.started) == 1
    assert story.ended == []


# Where nothing is named


def test_a_run_of_ours_alone_ends_with_the_session() -> None:
    story = listening().start(60, BACKUP)
    story.hear(60.1, session(), ActivityEvent.STARTED).hear(60.1, session())
    assert story.task(BACKUP).evidence is Evidence.INFERRED

    for second in range(120, 3 * HOUR, 60):
        story.see(second, session())
    assert story.on == {BACKUP}
    story.hear(3 * HOUR, session(progress=100)).wait(3 * HOUR + 2)
    assert story.results == [(BACKUP, LOST)]
    assert story.ended[0].evidence is Evidence.INFERRED
    assert story.ended[0].ended.utc == at(3 * HOUR)


# Commands


def test_a_start_is_believed_at_once_and_assumed_after_the_grace() -> None:
    story = Story().see(0).start(10, BACKUP)
    assert story.on == {BACKUP}
    assert story.task(BACKUP).evidence is Evidence.ASSUMED
    assert not story.task(BACKUP).assumed

    story.wait(26)
    assert story.task(BACKUP).assumed
    assert not story.task(CLEAN).assumed


def test_all_is_assumed_on_a_version_that_worked_three_times_without_a_name() -> None:
    story = Story().tell(0, partial(Rules.version_seen, version="1")).see(0)
    for number in range(3):
        assert not story.task(CLEAN).assumed
        story.start(100 * number + 10, BACKUP).wait(100 * number + 30)
        story.stop(100 * number + 40, BACKUP).see(100 * number + 50)
    assert story.task(CLEAN).assumed

    story.tell(400, partial(Rules.version_seen, version="2")).see(401)
    assert not story.task(CLEAN).assumed
    story.tell(500, partial(Rules.version_seen, version="1")).see(501).see(
        502, own(CLEAN)
    )
    assert not story.task(BACKUP).assumed


def test_a_busy_server_that_names_nothing_counts_as_well() -> None:
    story = Story().see(0)
    for number in range(3):
        story.see(100 * number + 10, session()).see(100 * number + 20)
        story.see(100 * number + 40)
    assert story.idle == 3

    assert story.task(BACKUP).assumed


def test_what_ran_already_has_no_start() -> None:
    story = Story().see(0).start(10, REFRESH, ALREADY_SO)
    assert story.task(REFRESH).since is None

    story.start(20 * MINUTE, REFRESH, ALREADY_SO).wait(49 * MINUTE)
    assert story.on == {REFRESH}
    assert len(story.started) == 1


def test_another_200_tells_that_the_first_run_is_over() -> None:
    story = Story().see(0).start(10, REFRESH).start(600, REFRESH)

    assert story.results == [(REFRESH, LOST)]
    assert [run.started for run in story.started] == [moment(10), moment(600)]


@pytest.mark.parametrize("command", list(Command))
def test_a_command_that_failed_changes_nothing(command: Command) -> None:
    task = BACKUP if command in (Command.START, Command.STOP) else None
    story = seen(own(CLEAN)).send(10, command, task)
    story.answer(11, command, task, sent=10, answer=FAILED)

    assert story.on == {CLEAN}
    assert story.ended == []


def test_a_task_that_starts_when_the_server_likes_is_queued() -> None:
    story = Story().open_window(0, 5).see(0).start(10, INTROS)
    assert story.task(INTROS).state is TaskState.QUEUED
    assert story.started == []

    story.start(20, INTROS).see(40).see(60, own(INTROS))
    assert story.task(INTROS).state is TaskState.RUNNING
    assert [run.started for run in story.started] == [moment(60)]


@pytest.mark.parametrize(
    ("task", "answer", "state"),
    [
        (INTROS, ALREADY_SO, TaskState.RUNNING),
        (INTROS, OK, TaskState.QUEUED),
        (BACKUP, OK, TaskState.RUNNING),
    ],
)
def test_only_a_start_at_random_waits(
    task: str, answer: dict[str, bool], state: TaskState
) -> None:
    story = Story().open_window(0, 5).see(0).start(10, task, answer)

    assert story.task(task).state is state


def test_what_was_not_our_start_is_reported_again_if_it_shows_after_all() -> None:
    story = Story().see(0).start(10, BACKUP, ALREADY_SO).wait(31 * MINUTE)
    story.see(32 * MINUTE).see(33 * MINUTE, own(BACKUP))

    assert [run.task for run in story.started] == [BACKUP, BACKUP]


def test_what_is_queued_is_over_with_the_work_of_a_server_that_names_nothing() -> None:
    story = Story().open_window(0, 5).see(0).start(10, INTROS).see(40)
    story.see(70, session("", 0)).see(130, session("", 50))
    assert story.on == {INTROS}

    assert story.see(150).on == set()
    assert story.results == [(INTROS, LOST)]


def test_a_queued_task_may_run_already_be_logged_or_be_stopped() -> None:
    queued = Story().open_window(0, 5).see(0).start(10, INTROS)
    story = Story(queued.state).start(20, INTROS, ALREADY_SO)
    assert story.task(INTROS).state is TaskState.RUNNING
    assert [run.task for run in story.started] == [INTROS]

    story = Story(queued.state).open_log(15).log(20, INTROS)
    assert story.started[0].started == moment(20)

    stopped = Story(queued.state).stop(20, INTROS).changes[0]
    assert isinstance(stopped, EndedRun)
    assert not stopped.ran


# The log


def test_the_log_alone_shows_begin_and_end() -> None:
    story = Story().see(0).open_log(5).log(10, BACKUP)
    assert story.on == {BACKUP}
    assert story.is_busy
    assert story.task(BACKUP).evidence is Evidence.OBSERVED

    story.wait(2 * HOUR).see(2 * HOUR).log_end(2 * HOUR).wait(2 * HOUR + 1)
    assert story.results == [(BACKUP, ENDED)]
    assert story.ended[0].duration == timedelta(seconds=2 * HOUR - 10)
    assert not story.is_busy


def test_a_title_that_is_no_tasks_shows_nothing() -> None:
    story = Story().see(0).open_log(5).log(10, "Refreshing Films").log_end(20)
    assert story.changes == []


@pytest.mark.parametrize("log_first", [True, False])
def test_log_and_stream_tell_of_one_run(*, log_first: bool) -> None:
    story = listening().open_log(40).log(50, CLEAN, "a0").log_end(51, "a0").wait(52)
    for source in ("log", "row") if log_first else ("row", "log"):
        if source == "log":
            story.log(60, BACKUP).log_end(60)
        else:
            story.hear(60, session(BACKUP)).hear(60, session(BACKUP, 100))
    story.wait(70)

    assert [run.task for run in story.started] == [CLEAN, BACKUP]
    assert story.results == [(CLEAN, ENDED), (BACKUP, ENDED)]


def test_an_end_that_the_closed_log_may_have_missed_is_not_waited_for_in_vain() -> None:
    story = Story().see(0).open_log(5).log(10, REFRESH)
    story.tell(60, CLOSED).open_log(70).see(80).wait(90)
    assert story.on == {REFRESH}
    assert story.is_busy

    story.see(30 * MINUTE + 59)
    assert story.on == {REFRESH}
    story.wait(31 * MINUTE + 1)
    assert story.results == [(REFRESH, LOST)]


def test_idle_rows_end_what_the_closed_log_may_have_missed() -> None:
    story = Story().open_log(5).see(6, session("")).log(10, REFRESH)
    story.see(20, session("", 50)).tell(60, CLOSED).open_log(70).see(80)
    story.see(90)
    assert story.results == [(REFRESH, LOST)]
    assert not story.is_busy


def test_butler_is_idle_with_a_run_whose_end_was_in_a_gap_of_the_log() -> None:
    story = listening().open_log(40).hear(50, session("")).log(50, REFRESH)
    story.tell(60, CLOSED).hear(65, session(""), ActivityEvent.ENDED).open_log(66)
    story.see(66).see(126)
    assert story.results == [(REFRESH, LOST)]
    assert not story.is_busy


def test_a_row_that_names_nothing_ends_no_run_that_the_log_names() -> None:
    story = Story().open_log(1).see(2).start(10, REFRESH).see(12, session("", 0))
    assert story.task(REFRESH).evidence is Evidence.INFERRED

    story.log(13, REFRESH).hear(20, session("", 100)).hear(20.1, session("", 50))
    assert story.on == {REFRESH}
    assert story.wait(30).log_end(40).wait(41).results == [(REFRESH, ENDED)]


def test_the_log_lets_a_run_go_on_that_was_given_up() -> None:
    story = Story().see(0).open_log(1).log(5, CLEAN).log_end(6).start(20, REFRESH)
    story.see(36).log(36.5, REFRESH, "a2").log_end(40, "a2").wait(41)

    assert [run.task for run in story.started] == [CLEAN, REFRESH]
    assert story.results[1:] == [(REFRESH, LOST), (REFRESH, ENDED)]


def test_the_log_names_the_run_that_a_row_shows() -> None:
    story = Story().see(0).open_log(1).start(10, BACKUP).log(11, BACKUP)
    story.see(15, session(BACKUP)).log_end(20).see(21, session(BACKUP, 100)).wait(22)

    assert len(story.started) == 1
    assert story.results == [(BACKUP, ENDED)]
    assert story.ended[0].started_at == at(11)


def test_another_line_of_a_begin_is_another_run_of_what_ran_before() -> None:
    story = seen(own(BACKUP)).open_log(10).log(60, BACKUP)
    assert story.results == []

    story.log(70, BACKUP, "a2").log_end(80, "a2").wait(81)
    assert story.results == [(BACKUP, LOST), (BACKUP, ENDED)]


@pytest.mark.parametrize("ours", [True, False])
def test_a_stop_in_the_log_was_seen_and_one_of_ours_is_assumed(*, ours: bool) -> None:
    story = seen(own(BACKUP))
    if ours:
        story.stop(10, BACKUP)
    else:
        story.open_log(6).foreign(10, Command.STOP, BACKUP)

    evidence = Evidence.ASSUMED if ours else Evidence.OBSERVED
    assert [run.evidence for run in story.ended] == [evidence]


def test_the_last_run_of_200_tasks_is_kept() -> None:
    names = [f"Task{number}" for number in range(201)]
    tasks = [replace(TASKS[0], name=name, title=name) for name in names]
    story = Story().tell(0, partial(Rules.tasks_listed, tasks=tasks))
    for name in names[:200]:
        story.start(1, name).stop(2, name)
    assert list(story.state.last) == names[:200]

    story.start(3, names[200]).stop(4, names[200])
    assert list(story.state.last) == names[1:]


@pytest.mark.parametrize("task", [BACKUP, None])
@pytest.mark.parametrize("end_first", [True, False])
def test_a_stop_of_another_client_is_no_end(
    task: str | None, *, end_first: bool
) -> None:
    story = listening().open_log(40).log(50, CLEAN, "a0").log_end(51, "a0").wait(52)
    story.log(60, BACKUP).hear(60, session(BACKUP))
    if end_first:
        story.log_end(70)
    story.foreign(70.05, Command.STOP, task)
    story.log_end(70.06).hear(70.06, session(BACKUP, 100)).wait(71)

    assert story.results[1:] == [(BACKUP, STOPPED)]


def test_a_stop_of_another_client_ends_no_other_task() -> None:
    story = Story().see(0).open_log(1).log(5, BACKUP).log(6, CLEAN, "a2")
    story.foreign(10, Command.STOP, BACKUP).log_end(20, "a3")

    assert story.on == {CLEAN}


def test_a_start_of_another_client_is_a_reason_to_look() -> None:
    story = Story().see(0).foreign(5, Command.START, BACKUP)
    assert story.on == set()
    assert next_snapshot(story.state) == moment(5)


def test_a_run_that_only_the_log_names_is_believed_for_its_limit_when_it_closes() -> (
    None
):
    story = Story().see(0).open_log(1).log(5, REFRESH)
    story.tell(2 * HOUR, CLOSED)
    assert story.wait(2 * HOUR + 29 * MINUTE).on == {REFRESH}

    assert story.wait(2 * HOUR + 31 * MINUTE).results == [(REFRESH, LOST)]


def test_a_log_that_is_silent_while_butler_works_is_counted() -> None:
    story = Story().see(0).open_log(1)
    for number in range(4):
        story.start(100 * number + 10, BACKUP).wait(100 * number + 30)
        story.stop(100 * number + 40, BACKUP)
    assert story.state.capabilities.unnamed >= UNNAMED


# The server, clocks and restarts of Home Assistant


def test_another_version_has_been_started_anew() -> None:
    story = (
        Story()
        .tell(0, partial(Rules.version_seen, version="1"))
        .see(0)
        .see(5, own(BACKUP))
    )
    story.tell(10, partial(Rules.version_seen, version="2")).wait(11)

    assert story.results == [(BACKUP, LOST)]
    assert story.on == set()
    assert story.view.busy is None


def test_a_clock_that_runs_backwards_undoes_nothing() -> None:
    story = (
        Story()
        .see(0)
        .see(10, own(BACKUP))
        .see(5)
        .hear(4, own(BACKUP), ActivityEvent.ENDED)
    )
    assert story.wait(11).ended[0].ended == moment(10)


@pytest.mark.parametrize("jump", [timedelta(hours=-2), timedelta(hours=2)])
def test_a_duration_agrees_with_both_ends_when_the_clock_is_set(
    jump: timedelta,
) -> None:
    story = seen(own(BACKUP)).see(60, own(BACKUP))
    for second in (70, 80):
        now = moment(second)
        story.tell(Moment(now.utc + jump, now.monotonic), Rules.tick)
        story.state.gap = None
        rows = (own(BACKUP),) if second == 70 else ()
        _observe(story, Moment(now.utc + jump, now.monotonic), *rows)
    story.tell(Moment(moment(90).utc + jump, moment(90).monotonic), Rules.tick)

    (run,) = story.ended
    assert run.started_at
    assert run.duration
    assert run.duration >= timedelta(seconds=75)
    assert run.ended.utc - run.started_at == run.duration


def _observe(story: Story, now: Moment, *rows: Activity) -> None:
    story.tell(now, partial(Rules.snapshot, rows=rows, asked=now))


def remembered(story: Story, gap: float = 60) -> Story:
    """Return the story after a restart of Home Assistant."""
    memory = json.loads(json.dumps(dump(story.state)))
    return Story(load(memory, story.state.now + timedelta(seconds=gap)))


@pytest.mark.parametrize("row", [own(BACKUP), session(BACKUP)])
def test_a_run_that_is_named_again_goes_on_with_its_start(row: Activity) -> None:
    story = remembered(seen(row)).see(70, row)
    assert story.task(BACKUP).since == at(5)
    assert story.changes == []

    assert story.see(80).wait(81).results == [(BACKUP, ENDED)]


@pytest.mark.parametrize("row", [None, own(BACKUP, "u2")])
def test_a_run_that_is_not_found_again_is_lost(row: Activity | None) -> None:
    story = remembered(seen(own(BACKUP)))
    story.see(70, *filter(None, [row]))

    assert (
        LOST in {run.result for run in story.ended} or story.task(BACKUP).since is None
    )
    assert all(run.result is LOST for run in story.ended)


def test_a_run_that_the_log_named_goes_on_with_its_start() -> None:
    story = remembered(Story().see(0).open_log(1).log(5, REFRESH)).see(70).open_log(71)
    assert story.task(REFRESH).since == at(5)

    assert story.log_end(600).wait(601).results == [(REFRESH, ENDED)]
    assert story.ended[0].duration == timedelta(seconds=595)


# Cost


def test_ten_thousand_frames_of_rows_that_are_new_take_less_than_a_second() -> None:
    story = listening()
    state = story.state
    began = process_time()
    for number in range(10_000):
        row = activity("Work", progress=number % 100, uuid=f"w{number}")
        _, now = state, moment(60 + number / 1000)
        state, _changes = apply(
            state, now, partial(Rules.notified, event=ActivityEvent.UPDATED, row=row)
        )
    took = process_time() - began

    assert len(state.rows) <= MAX_ROWS
    assert took < 1


def test_a_task_is_still_known_among_more_rows_than_are_kept() -> None:
    story = seen(own(BACKUP, "mine"))
    rows = [activity("Work", uuid=f"w{number}") for number in range(800)]
    story.see(10, *rows[:400], own(BACKUP, "mine"), *rows[400:])

    assert story.on == {BACKUP}
    assert len(story.state.rows) == MAX_ROWS


def test_a_row_that_the_stream_did_not_tell_of_ends_the_trust() -> None:
    story = listening().see(60, own(BACKUP)).see(80, own(BACKUP))
    assert story.state.push_trusted

    assert not story.see(91, own(BACKUP)).see(92, own(BACKUP)).state.push_trusted


# When to look


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

    assert not story.see(91, own(BACKUP)).state.push_trusted


def test_a_row_that_came_with_the_stream_has_to_be_told_of() -> None:
    story = listening().tell(100, DOWN).tell(110, UP).see(110, own(BACKUP))

    assert not story.see(141, own(BACKUP)).state.push_trusted


def test_a_row_that_the_stream_told_of_once_costs_it_no_trust() -> None:
    story = Story().tell(0, UP).see(0).hear(5, own(BACKUP), ActivityEvent.STARTED)
    assert story.see(65, own(BACKUP)).see(125, own(BACKUP)).state.push_trusted


def test_one_look_alone_does_not_show_that_butler_became_idle() -> None:
    story = Story().see(0).see(10, session(progress=50)).see(20)
    assert story.wait(40).idle == 0

    assert story.see(41).idle == 1


def test_an_old_row_stays_old_if_the_memory_is_saved_before_the_first_look() -> None:
    state = seen(own(BACKUP)).see(65, own(BACKUP)).state
    for hour in (1, 6):
        state = load(json.loads(json.dumps(dump(state))), moment(hour * HOUR))
    story = Story(replace(state, limit=timedelta(minutes=30)))
    story.see(11 * HOUR, own(BACKUP))

    assert not story.see(12 * HOUR + 10, own(BACKUP)).is_busy


def test_a_row_that_shows_before_the_answer_to_a_start_is_the_new_run() -> None:
    # The moment before a command is sent is not quite that at which it is noted.
    story = listening().send(60.001, Command.START, BACKUP)
    story.hear(60.002, own(BACKUP), ActivityEvent.STARTED)
    story.answer(60.01, Command.START, BACKUP, sent=60)
    story.hear(70, own(BACKUP), ActivityEvent.ENDED).wait(71)

    assert len(story.started) == 1
    assert story.results == [(BACKUP, ENDED)]


def test_a_notification_outlives_a_snapshot_that_was_asked_for_with_it() -> None:
    story = listening().hear(60, session(CLEAN), ActivityEvent.STARTED)
    story.see(61, session(BACKUP), asked=60)

    assert story.on == {CLEAN}


@pytest.mark.parametrize("late", [0, 10 * MINUTE])
def test_what_time_alone_ends_is_over_before_what_comes_then_or_later(
    late: float,
) -> None:
    story = Story().see(0).start(5, REFRESH)
    limit = story.wait(60).state.next_tick
    assert limit
    seen_again = partial(
        Rules.notified, event=ActivityEvent.STARTED, row=own(REFRESH, "u2")
    )
    _, changes = apply(story.state, limit + timedelta(seconds=late), seen_again)

    assert [type(change) for change in changes] == [EndedRun]


def test_a_row_at_100_that_the_newest_snapshot_shows_is_no_later_work() -> None:
    story = Story().open_log(5).see(6, session()).log(10, REFRESH)
    story.see(20, session("", 50)).tell(60, CLOSED).open_log(70)
    story.see(80, session("", 100)).see(90, session("", 100))

    assert story.results == [(REFRESH, LOST)]


BEGINS: dict[str, tuple[Callable[[], Story], float | None]] = {
    "unknown at the first look": (lambda: Story().see(5, own(BACKUP)), None),
    "at the next of two looks": (lambda: Story().see(0).see(90, own(BACKUP)), 90),
    "unknown if the last look is older": (
        lambda: Story().see(0).see(91, own(BACKUP)),
        None,
    ),
    "by the stream": (
        lambda: Story().hear(5, own(BACKUP), ActivityEvent.STARTED),
        5,
    ),
    "unknown to an update": (lambda: Story().hear(5, own(BACKUP)), None),
    "by the log": (lambda: Story().open_log(1).log(5, BACKUP), 5),
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
    "at a start that a row of the same moment shows": (
        lambda: Story().see(0).start(5, BACKUP).see(6, own(BACKUP), asked=5),
        5,
    ),
}


@pytest.mark.parametrize(("happens", "since"), BEGINS.values(), ids=BEGINS)
def test_when_a_run_began(happens: Callable[[], Story], since: float | None) -> None:
    task = happens().task(BACKUP)

    assert task.evidence is Evidence.OBSERVED
    assert task.since == (at(since) if since is not None else None)


def test_a_server_that_names_its_tasks_is_never_counted_as_nameless() -> None:
    story = listening()
    for number in range(1, 5):
        story.hear(100 * number, own(BACKUP), ActivityEvent.STARTED)
        story.hear(100 * number + 10, own(BACKUP), ActivityEvent.ENDED)
    story.wait(500)

    assert story.idle == 4
    assert story.state.capabilities.unnamed == 0


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


def test_butler_is_at_work_until_the_end_of_a_row_is_decided() -> None:
    story = listening().hear(60, own(BACKUP), ActivityEvent.STARTED)
    story.hear(70, own(BACKUP), ActivityEvent.ENDED)
    assert story.is_busy

    assert not story.wait(70.2).is_busy


def test_butler_is_at_work_until_the_log_tells_an_end() -> None:
    story = Story().see(0).open_log(1).log(5, BACKUP)
    assert story.is_busy

    assert not story.log_end(10).is_busy


@pytest.mark.parametrize(
    ("row", "evidence"),
    [
        (session(), Evidence.INFERRED),
        (session(CLEAN), Evidence.ASSUMED),
        (activity("At work"), Evidence.ASSUMED),
    ],
)
def test_only_a_session_without_a_name_may_be_of_a_start(
    row: Activity, evidence: Evidence
) -> None:
    story = Story().tell(0, UP).see(0).start(60, REFRESH).hear(61, row)

    assert story.task(REFRESH).evidence is evidence


@pytest.mark.parametrize("answer", [LISTED, VERSION, UP, Rules.tick])
def test_an_outage_begins_anew_once_the_server_has_answered(answer: Event) -> None:
    story = Story().see(0).start(5, REFRESH).tell(10, HUNG_UP).tell(11, answer)
    story.tell(11.5, DOWN).tell(12, REFUSED).see(16.5)

    # Otherwise it was long enough for a restart.
    assert story.on == (set() if answer is Rules.tick else {REFRESH})


def test_time_alone_shows_that_a_row_has_outlived_a_stop() -> None:
    story = seen(own(BACKUP)).stop(10, BACKUP).wait(39)
    assert not story.is_busy

    assert story.state.next_tick == moment(40)
    assert story.wait(40).is_busy


def test_starts_that_a_server_with_names_ignored_are_not_counted() -> None:
    story = seen(own(CLEAN)).see(10).open_log(11)
    for number in range(1, 4):
        story.start(100 * number, BACKUP).see(100 * number + 20)

    assert story.results[1:] == [(BACKUP, LOST)] * 3
    assert story.state.capabilities.unnamed == 0


EDGES: dict[str, tuple[Callable[[], Story], set[str], list[tuple[str, Result]]]] = {
    "a start is given up after exactly 15 s": (
        lambda: seen(session()).see(10).start(30, BACKUP).see(45),
        set(),
        [(BACKUP, LOST)],
    ),
    "a look 10 s after a start is late enough to give it up": (
        lambda: seen(session()).see(10).start(30, BACKUP).see(40).wait(45),
        set(),
        [(BACKUP, LOST)],
    ),
    "a row proves work again 30 s after a stop": (
        lambda: seen(own(BACKUP)).stop(10, BACKUP).see(40, own(BACKUP)),
        {BACKUP},
        [(BACKUP, STOPPED)],
    ),
    "a row is believed for exactly 12 hours": (
        lambda: seen(own(BACKUP)).see(12 * HOUR + 5, own(BACKUP)),
        set(),
        [(BACKUP, LOST)],
    ),
    "two clocks that differ by a minute show no sleep": (
        lambda: (
            seen(own(BACKUP))
            .tell(Moment(at(70), moment(10).monotonic), Rules.tick)
            .see(11)
            .wait(12)
        ),
        set(),
        [(BACKUP, ENDED)],
    ),
    "a stop that was sent with the start ends it": (
        lambda: (
            start_and_stop_sent()
            .answer(11, Command.START, BACKUP, sent=10)
            .answer(12, Command.STOP, BACKUP, sent=10)
        ),
        set(),
        [(BACKUP, STOPPED)],
    ),
    "a start claims nothing whose stop was sent with it": (
        lambda: (
            start_and_stop_sent()
            .answer(11, Command.STOP, BACKUP, sent=10)
            .answer(12, Command.START, BACKUP, sent=10)
        ),
        set(),
        [],
    ),
    "a task that ran when it was started may have ended before the answer": (
        lambda: (
            seen(own(BACKUP))
            .send(10, Command.START, BACKUP)
            .see(20)
            .answer(22, Command.START, BACKUP, sent=10, answer=ALREADY_SO)
        ),
        set(),
        [(BACKUP, ENDED)],
    ),
    "a start that was accepted is another run than that which ended since": (
        lambda: (
            seen(own(BACKUP))
            .send(10, Command.START, BACKUP)
            .see(20)
            .answer(22, Command.START, BACKUP, sent=10)
        ),
        {BACKUP},
        [(BACKUP, ENDED)],
    ),
    "a session that a start found at work is not its work": (
        lambda: (
            listening()
            .hear(50, session())
            .start(60, REFRESH)
            .hear(65, session(progress=100), ActivityEvent.ENDED)
            .wait(66)
        ),
        {REFRESH},
        [],
    ),
    "a session that began at the moment of a start may be its work": (
        lambda: (
            listening()
            .hear(60, session())
            .start(60, REFRESH)
            .hear(65, session(progress=100), ActivityEvent.ENDED)
            .wait(66)
        ),
        set(),
        [(REFRESH, LOST)],
    ),
    "a newer snapshot outlives an older one that comes later": (
        lambda: Story().see(0).see(20, own(BACKUP)).see(21, asked=15),
        {BACKUP},
        [],
    ),
    "of two snapshots of one moment the later one counts": (
        lambda: Story().see(0).see(6, own(BACKUP), asked=0),
        {BACKUP},
        [],
    ),
    "a notified row outlives a snapshot that was requested at that moment": (
        lambda: (
            listening()
            .hear(60, own(BACKUP), ActivityEvent.STARTED)
            .see(61, asked=60)
            .wait(62)
        ),
        {BACKUP},
        [],
    ),
    "a row that was seen as the outage began disproves a restart": (
        lambda: (
            Story()
            .see(0)
            .start(5, REFRESH)
            .see(10, session())
            .tell(10, REFUSED)
            .see(40, session())
        ),
        {REFRESH},
        [],
    ),
    "a row that began at the moment of a stop is another run": (
        lambda: (
            Story().see(0).stop(10, BACKUP).hear(10, own(BACKUP), ActivityEvent.STARTED)
        ),
        {BACKUP},
        [],
    ),
    "an outage of exactly 5 s is none": (
        lambda: refused_at_10().see(15),
        {REFRESH},
        [],
    ),
    "a longer one is": (lambda: refused_at_10().see(15.1), set(), [(REFRESH, LOST)]),
    "a server that hung up was not restarted": (
        lambda: Story().see(0).start(5, REFRESH).tell(10, HUNG_UP).see(40),
        {REFRESH},
        [],
    ),
    "a snapshot that was requested when a poll failed ends no outage": (
        lambda: refused_at_10().see(20, asked=10),
        {REFRESH},
        [],
    ),
    "a stream that opened when a poll failed stayed up": (
        lambda: Story().see(0).start(5, REFRESH).tell(10, UP).tell(10, REFUSED).see(20),
        {REFRESH},
        [],
    ),
    "a stream that opens leaves no gap": (
        lambda: seen(own(BACKUP)).tell(6, UP).see(10, own(BACKUP, "u2")),
        {BACKUP},
        [],
    ),
    "the version that is known changes nothing": (
        lambda: seen(own(BACKUP)).tell(6, VERSION).tell(7, VERSION).see(8, own(BACKUP)),
        {BACKUP},
        [],
    ),
    "work that was seen before a start is not its work": (
        lambda: Story().see(0).start(60, REFRESH).see(61, session(), asked=59).see(66),
        {REFRESH},
        [],
    ),
    "work at the moment of a start may be its work": (
        lambda: (
            Story()
            .tell(0, UP)
            .see(0)
            .start(60, REFRESH)
            .hear(60, activity("At work"))
            .hear(65, activity("At work"), ActivityEvent.ENDED)
            .wait(66)
        ),
        set(),
        [(REFRESH, LOST)],
    ),
    "two looks show an end if they are 390 s apart": (
        lambda: seen(own(BACKUP)).see(395).wait(396),
        set(),
        [(BACKUP, ENDED)],
    ),
    "a start of another client in the log is no run": (
        lambda: Story().see(0).open_log(1).foreign(5, Command.START, REFRESH),
        set(),
        [],
    ),
}


@pytest.mark.parametrize(("happens", "on", "results"), EDGES.values(), ids=EDGES)
def test_limits_are_what_they_say(
    happens: Callable[[], Story], on: set[str], results: list[tuple[str, Result]]
) -> None:
    story = happens()

    assert (story.on, story.results) == (on, results)


def test_what_waited_is_over_when_the_work_of_a_nameless_session_is() -> None:
    story = Story().open_window(0, 5).tell(0, UP).see(0).start(10, INTROS)
    story.hear(70, session()).hear(150, session(progress=100)).wait(151)

    assert [run.ended for run in story.ended] == [moment(150)]
