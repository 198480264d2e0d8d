"""That Butler has become idle is told once, and not when it only draws breath."""

from hypothesis import given

from custom_components.plex_butler.run_state import (
    ButlerIdle,
    ServerRestarted,
    Told,
    next_snapshot,
)
from tests.run_state_story import (
    BACKUP,
    CLEAN,
    NAMELESS,
    STANDING,
    Story,
    moment,
    row,
)
from tests.test_run_state_properties import (
    Happening,
    commanded,
    days,
    live,
    noise,
    seen,
)


def idle(story: Story) -> int:
    """Return how often Butler was told to have become idle."""
    return sum(isinstance(change, ButlerIdle) for change in story.changes)


def test_two_looks_without_work_tell_that_butler_is_idle() -> None:
    story = Story().see(0, row(BACKUP)).see(5, row(BACKUP)).see(10)
    assert idle(story) == 0

    assert idle(story.see(15)) == 1
    assert idle(story.see(20).see(25)) == 1


def test_a_pause_between_two_tasks_is_no_idleness() -> None:
    story = Story().hear(0, Told.STARTED, row(BACKUP)).hear(60, Told.ENDED, row(BACKUP))
    story.see(61).hear(62, Told.STARTED, row(CLEAN, uuid="u2"))
    assert idle(story.see(70, row(CLEAN, uuid="u2"))) == 0

    story.hear(80, Told.ENDED, row(CLEAN, uuid="u2")).see(85)
    assert idle(story) == 0
    assert idle(story.see(90)) == 1


def test_while_it_may_be_a_pause_somebody_looks_again_soon() -> None:
    story = Story().see(0, row(BACKUP)).see(5)
    assert next_snapshot(story.state) <= moment(10)

    story.see(10)
    assert next_snapshot(story.state) > moment(15)


def test_a_server_that_was_never_at_work_does_not_become_idle() -> None:
    assert idle(Story().see(0).see(5).see(60, STANDING).see(90, STANDING)) == 0


def test_work_without_a_name_ends_in_idleness_too() -> None:
    assert idle(Story().see(0, NAMELESS).see(5, STANDING).see(10, STANDING)) == 1


def test_what_still_shows_after_a_stop_is_no_idleness() -> None:
    story = Story().see(0, row(BACKUP)).stop(5, BACKUP)
    for second in (6, 10, 15, 20):
        story.see(second, row(BACKUP))
    assert idle(story) == 0

    assert idle(story.see(25).see(30)) == 1


def test_a_restart_that_ended_all_work_ends_in_idleness() -> None:
    story = Story().see(0, row(BACKUP)).tell(60, ServerRestarted())
    assert idle(story) == 0

    assert idle(story.see(61).see(66)) == 1


@given(days(noise, commanded, seen))
def test_idleness_follows_work_and_is_told_once(day: list[Happening]) -> None:
    was_busy = False
    for state, changes, _ in live(day):
        if any(isinstance(change, ButlerIdle) for change in changes):
            assert was_busy
            assert state.idle_since
            was_busy = False
        was_busy = was_busy or state.was_busy
