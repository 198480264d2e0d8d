"""The nightly window: what it starts, queues and drops, and when it is."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from tests.simulator import Cause, Ending, StartResult

from .rules import DAY, HOUR, NIGHT, SMALL, Rules


def test_a_randomised_task_is_only_queued_inside_the_window() -> None:
    rules = Rules(SMALL, start=NIGHT)
    rules.butler.start("Random")
    rules.butler.start("Plain")
    assert (rules.queued, rules.running) == ({"Random"}, {"Plain"})
    rules.advance_to_hour(5)
    (wait,) = rules.butler.log.waits
    assert wait.ending is Ending.STARTED


def test_a_queued_task_can_be_taken_off_the_queue() -> None:
    rules = Rules(SMALL, start=NIGHT)
    rules.butler.start("Random")
    assert rules.butler.stop("Random")
    rules.advance(DAY / 4)
    assert not [run for run in rules.butler.log.runs if run.task == "Random"]


def test_starting_a_queued_task_leaves_it_queued() -> None:
    rules = Rules(SMALL, start=NIGHT)
    rules.butler.start("Random")
    assert rules.butler.start("Random") is StartResult.ACCEPTED
    assert len(rules.butler.log.waits) == 1


def test_a_single_start_may_ignore_the_queue() -> None:
    rules = Rules(SMALL, start=NIGHT, queues_single_start=False)
    rules.butler.start("Random")
    assert rules.running == {"Random"}


def test_the_window_starts_what_is_due_by_itself() -> None:
    rules = Rules(SMALL)
    rules.advance_to_hour(2)
    assert rules.running == {"Plain", "Other"}
    assert rules.queued == {"Random"}
    rules.advance_to_hour(5)
    assert {run.cause for run in rules.butler.log.runs} == {Cause.WINDOW}
    assert {run.task for run in rules.butler.log.runs} == {"Plain", "Other", "Random"}


def test_random_starts_lie_inside_the_window() -> None:
    moments = set()
    for seed in range(20):
        rules = Rules(SMALL, seed=seed)
        rules.advance(DAY)
        (wait,) = rules.butler.log.waits
        assert wait.end is not None
        hour = (wait.end % DAY) / HOUR
        assert 2 <= hour < 5
        moments.add(hour)
    assert len(moments) > 1


def test_what_runs_goes_on_past_the_end_of_the_window() -> None:
    rules = Rules(SMALL)
    rules.butler.durations["Plain"] = 4 * HOUR
    rules.advance_to_hour(2)
    rules.advance(3 * HOUR + 60)
    assert rules.running == {"Plain"}


def test_a_server_may_stop_its_own_runs_at_the_end_of_the_window() -> None:
    rules = Rules(SMALL, stops_at_window_end=True)
    for name in ("Plain", "Other"):
        rules.butler.durations[name] = 4 * HOUR
    rules.advance_to_hour(2)
    rules.butler.stop("Other")
    rules.butler.start("Other")
    rules.advance(3 * HOUR + 60)
    assert rules.running == {"Other"}
    assert rules.butler.log.runs[0].ending is Ending.WINDOW_CLOSED


def test_what_still_waits_at_the_end_of_the_window_is_dropped() -> None:
    rules = Rules(SMALL, concurrency=1)
    rules.butler.durations["Plain"] = 4 * HOUR
    rules.advance_to_hour(2)
    assert rules.queued == {"Other", "Random"}
    rules.advance(3 * HOUR + 60)
    assert rules.queued == set()
    assert {wait.ending for wait in rules.butler.log.waits} == {Ending.WINDOW_CLOSED}


def test_a_setting_drops_what_the_window_has_queued() -> None:
    rules = Rules()
    rules.advance_to_hour(2)
    assert "RefreshEpgGuides" in rules.queued
    rules.state.preferences.set("ButlerTaskRefreshEpgGuides", value=False)
    assert "RefreshEpgGuides" not in rules.queued


def test_other_hours_count_at_once() -> None:
    rules = Rules(SMALL)
    rules.state.preferences.write({"ButlerEndHour": "14"})
    assert rules.running == {"Plain", "Other"}
    rules.state.preferences.write({"ButlerEndHour": "10"})
    assert rules.queued == set()


def test_a_window_across_midnight_is_one_window() -> None:
    rules = Rules(SMALL, window=(23, 4))
    rules.advance_to_hour(23)
    rules.advance(4 * HOUR)
    assert len([run for run in rules.butler.log.runs if run.task == "Plain"]) == 1
    rules.butler.stop("Random")
    rules.butler.start("Random")
    assert rules.queued == {"Random"}


@pytest.mark.parametrize(("always", "started"), [(False, 0), (True, 2)])
def test_equal_hours_are_never_or_always(*, always: bool, started: int) -> None:
    rules = Rules(SMALL, window=(3, 3), equal_hours_open=always)
    rules.advance(2 * DAY)
    runs = [run for run in rules.butler.log.runs if run.task == "Plain"]
    assert len(runs) == started


def test_the_window_follows_the_servers_own_time_zone() -> None:
    zone = ZoneInfo("America/New_York")
    rules = Rules(SMALL, zone=zone)
    rules.advance(DAY)
    start = rules.butler.log.runs[0].start
    assert datetime.fromtimestamp(start, zone).hour == 2


@pytest.mark.parametrize("day", [(2026, 3, 28), (2026, 10, 24)])
def test_the_window_opens_once_where_the_clock_is_changed(
    day: tuple[int, int, int],
) -> None:
    zone = ZoneInfo("Europe/Berlin")
    rules = Rules(SMALL, start=datetime(*day, 12, tzinfo=zone), zone=zone)
    rules.advance(DAY * 0.9)
    runs = [run for run in rules.butler.log.runs if run.task == "Plain"]
    assert len(runs) == 1
