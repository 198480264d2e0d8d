"""What starts tasks, what queues them, what ends them, and what the window does."""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from tests import simulator as sim

from .conftest import DAY, HOUR, NIGHT, SMALL, Rules


def test_start_all_skips_what_is_off_or_not_due_today() -> None:
    rules = Rules()
    rules.butler.start_due(sim.Cause.COMMAND)
    assert "RefreshLibraries" not in rules.running  # off by default
    assert "GenerateMediaIndexFiles" not in rules.running  # "never" by default

    rules = Rules(SMALL, window=(3, 3))  # never opens
    started = []
    for _ in range(4):
        rules.butler.start_due(sim.Cause.COMMAND)
        started.append(rules.running)
        rules.advance(HOUR)
        rules.butler.start_due(sim.Cause.COMMAND)
        assert rules.running == set()
        rules.advance(DAY - HOUR)
    daily = {"Plain", "Random"}
    assert started == [daily | {"Other"}, daily, daily, daily | {"Other"}]


def test_with_one_slot_tasks_run_one_after_another_until_all_end_in_a_restart() -> None:
    rules = Rules(SMALL, concurrency=1)
    for name in ("Plain", "Other", "Random"):
        rules.butler.start(name)
    assert rules.running == {"Plain"}
    rules.advance(DAY / 4)
    runs = rules.butler.runs
    assert [run.task for run in runs] == ["Plain", "Other", "Random"]
    assert all(earlier.end == later.start for earlier, later in pairwise(runs))

    for name in ("Plain", "Other"):
        rules.butler.start(name)
    rules.state.restart("2.0")
    assert rules.running == rules.queued == set()
    assert rules.butler.runs[-1].ending is sim.Ending.RESTARTED
    assert rules.state.version == "2.0"


def test_a_removed_task_runs_no_more_and_an_added_one_can() -> None:
    rules = Rules()
    rules.butler.start("BackupDatabase")
    rules.butler.remove_task("BackupDatabase")
    assert rules.butler.runs[0].ending is sim.Ending.REMOVED
    switch = "ButlerTaskNew"
    new = sim.TaskSpec(name="New", title="New", description="", preference=switch)
    rules.butler.add_task(new)
    rules.butler.start("New")
    assert rules.running == {"New"}
    assert rules.state.preferences[switch].value is True


def test_a_randomised_task_is_only_queued_inside_the_window() -> None:
    noon = Rules(SMALL)
    noon.butler.start("Random")
    assert noon.running == {"Random"}

    for stops in (False, True):
        rules = Rules(SMALL, start=NIGHT)
        for _ in range(2):
            assert rules.butler.start("Random") is sim.StartResult.ACCEPTED
        rules.butler.start("Plain")
        assert (rules.queued, rules.running) == ({"Random"}, {"Plain"})
        if stops:
            assert rules.butler.stop("Random")
        rules.advance_to_hour(5)
        (wait,) = rules.waits
        assert wait.ending is (sim.Ending.STOPPED if stops else sim.Ending.STARTED)
        assert len(rules.butler.runs) == (1 if stops else 2)


def test_the_window_starts_what_is_due_by_itself_at_random_moments() -> None:
    moments = set()
    for seed in range(20):
        rules = Rules(SMALL, seed=seed)
        rules.advance_to_hour(2)
        assert (rules.running, rules.queued) == ({"Plain", "Other"}, {"Random"})
        rules.advance_to_hour(5)
        runs = rules.butler.runs
        assert {run.task for run in runs} == {"Plain", "Other", "Random"}
        assert {run.cause for run in runs} == {sim.Cause.WINDOW}
        (wait,) = rules.waits
        assert wait.end is not None
        moments.add((wait.end % DAY) / HOUR)
    assert len(moments) > 1
    assert all(2 <= hour < 5 for hour in moments)


@pytest.mark.parametrize("stops", [False, True])
def test_what_runs_goes_on_past_the_end_of_the_window_or_is_stopped(
    *, stops: bool
) -> None:
    rules = Rules(SMALL, stops_at_window_end=stops)
    rules.butler.durations.update(dict.fromkeys(("Plain", "Other"), 4 * HOUR))
    rules.advance_to_hour(2)
    rules.butler.stop("Other")
    rules.butler.start("Other")
    rules.advance(3 * HOUR + 60)
    # What a command started goes on in any case.
    assert rules.running == ({"Other"} if stops else {"Plain", "Other"})

    rules = Rules(SMALL, concurrency=1, stops_at_window_end=stops)
    rules.butler.durations.update(dict.fromkeys(rules.butler.tasks, 4 * HOUR))
    rules.advance_to_hour(2)
    rules.advance(3 * HOUR + 60)
    # What still waits is dropped in any case.
    assert rules.queued == set()
    assert sim.Ending.WINDOW_CLOSED in {wait.ending for wait in rules.waits}


def test_a_setting_counts_at_once_for_what_waits_and_not_for_what_runs() -> None:
    rules = Rules()
    rules.state.preferences.set("LoudnessAnalysisBehavior", value="never")
    rules.advance_to_hour(2)
    assert "LoudnessAnalysis" not in rules.running
    for name in ("RefreshEpgGuides", "BackupDatabase"):
        assert name in rules.queued | rules.running
        rules.state.preferences.set(f"ButlerTask{name}", value=False)
    assert "RefreshEpgGuides" not in rules.queued
    assert "BackupDatabase" in rules.running

    small = Rules(SMALL)
    small.state.preferences.write({"ButlerEndHour": "14"})
    assert small.running == {"Plain", "Other"}
    small.state.preferences.write({"ButlerEndHour": "10"})
    assert small.queued == set()


@pytest.mark.parametrize(
    ("window", "always", "started"),
    [((23, 4), False, 2), ((3, 3), False, 0), ((3, 3), True, 2)],
)
def test_a_window_may_cross_midnight_or_have_equal_hours(
    window: tuple[int, int], *, always: bool, started: int
) -> None:
    rules = Rules(SMALL, window=window, equal_hours_open=always)
    rules.advance(2 * DAY)
    assert [run.task for run in rules.butler.runs].count("Plain") == started


@pytest.mark.parametrize("day", [(2026, 3, 28), (2026, 10, 24)])
def test_the_window_opens_once_in_the_servers_zone_where_the_clock_is_changed(
    day: tuple[int, int, int],
) -> None:
    zone = ZoneInfo("Europe/Berlin")
    rules = Rules(SMALL, start=datetime(*day, 12, tzinfo=zone), zone=zone)
    rules.advance(DAY * 0.9)
    (run,) = [run for run in rules.butler.runs if run.task == "Plain"]
    assert datetime.fromtimestamp(run.start, zone).hour in (2, 3)


@pytest.mark.parametrize(
    ("begins", "late", "started"),
    [
        (sim.SessionBegins.WINDOW, 0, 1),
        (sim.SessionBegins.AFTER_SERVER_START, 3, 3),
        (sim.SessionBegins.FIRST_START, 0, 3),
    ],
)
def test_a_server_that_is_down_when_the_window_opens_begins_late_or_not_at_all(
    begins: sim.SessionBegins, late: int, started: int
) -> None:
    before = NIGHT.replace(hour=1, minute=59)
    rules = Rules(SMALL, start=before, session_begins=begins)
    # The last start of the server counts.
    for down_for in (0, 120):
        rules.state.restart(None, down_for=down_for)
    rules.advance(120 + 299)
    assert rules.butler.intervals == []
    rules.advance(1)
    assert len(rules.running | rules.queued) == late
    rules.butler.start("Other")
    assert len(rules.running | rules.queued) == started


def test_a_server_that_is_up_shortly_before_the_window_begins_with_it_and_once() -> (
    None
):
    begins = sim.SessionBegins.AFTER_SERVER_START
    early = NIGHT.replace(hour=1, minute=58)
    rules = Rules(SMALL, start=early, session_begins=begins)
    rules.advance_to_hour(2)
    rules.butler.stop_all()
    rules.advance(HOUR)
    assert [run.task for run in rules.butler.runs] == ["Plain", "Other"]


@pytest.mark.parametrize("seed", range(12))
def test_a_drawn_server_lives_in_order_and_with_a_session_does_one_after_another(
    seed: int,
) -> None:
    rules = Rules(sim.draw_profile(seed), start=NIGHT.replace(hour=1), seed=seed)
    one_by_one = rules.state.traits.rows is sim.Rows.SESSION
    for number in range(4 * 24):
        rules.advance(HOUR / 4)
        rules.butler.start(sorted(rules.butler.tasks)[number % 9])
        running = [task for task in rules.butler.running if not task.beside]
        assert len(running) <= 1 or not one_by_one
    intervals = rules.butler.intervals
    assert all(it.end is None or it.end >= it.start for it in intervals)
    open_now = [it.task for it in intervals if it.end is None]
    assert sorted(open_now) == sorted(rules.running | rules.queued)
