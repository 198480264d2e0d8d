"""What becomes of a task that starts when the server likes."""

from datetime import UTC, timedelta

import pytest

from custom_components.plex_butler.run_state import (
    Answer,
    Moment,
    Result,
    RunQueued,
    TaskState,
    Told,
    Window,
)
from tests.run_state_story import (
    BACKUP,
    INTROS,
    MIDNIGHT,
    NAMELESS,
    ZONE,
    Story,
    at,
    moment,
    outcome,
    row,
    window,
)

HOUR = 3600
LIMIT = 30 * 60


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
