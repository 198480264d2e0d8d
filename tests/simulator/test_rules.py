"""What starts tasks, what queues them and what ends them."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from tests.simulator import Cause, Ending, StartResult, TaskSpec

from .rules import DAY, HOUR, SMALL, Rules, drawn


def test_a_started_task_runs_for_its_duration() -> None:
    rules = Rules()
    assert rules.butler.start("BackupDatabase") is StartResult.ACCEPTED
    rules.advance(29)
    assert rules.running == {"BackupDatabase"}
    rules.advance(2)
    assert rules.running == set()
    (run,) = rules.butler.log.runs
    assert (run.ending, run.cause) == (Ending.FINISHED, Cause.COMMAND)
    assert run.end is not None
    assert run.end - run.start == 30


def test_a_running_task_is_not_started_again() -> None:
    rules = Rules()
    rules.butler.start("BackupDatabase")
    assert rules.butler.start("BackupDatabase") is StartResult.ALREADY_RUNNING
    assert len(rules.butler.log.runs) == 1


def test_an_unknown_task_is_not_started() -> None:
    assert Rules().butler.start("NoSuchTask") is StartResult.UNKNOWN_TASK


def test_stopping_tells_if_there_was_something_to_stop() -> None:
    rules = Rules()
    rules.butler.start("RefreshLibraries")
    assert rules.butler.stop("RefreshLibraries")
    assert not rules.butler.stop("RefreshLibraries")
    assert not rules.butler.stop("NoSuchTask")
    assert rules.butler.log.runs[0].ending is Ending.STOPPED


def test_a_randomised_task_starts_at_once_outside_the_window() -> None:
    rules = Rules(SMALL)
    rules.butler.start("Random")
    assert rules.running == {"Random"}


def test_start_all_starts_only_what_is_enabled() -> None:
    rules = Rules()
    rules.butler.start_due(Cause.COMMAND)
    assert "RefreshLibraries" not in rules.running  # off by default
    assert "GenerateMediaIndexFiles" not in rules.running  # "never" by default
    assert "BackupDatabase" in rules.running


def test_start_all_skips_what_is_not_due_today() -> None:
    rules = Rules(SMALL, window=(3, 3))  # never opens
    started = []
    for _ in range(4):
        rules.butler.start_due(Cause.COMMAND)
        started.append(rules.running)
        rules.advance(HOUR)
        rules.butler.start_due(Cause.COMMAND)
        assert rules.running == set()
        rules.advance(DAY - HOUR)
    daily = {"Plain", "Random"}
    assert started == [daily | {"Other"}, daily, daily, daily | {"Other"}]


def test_a_stopped_run_leaves_the_task_due() -> None:
    rules = Rules(SMALL)
    rules.butler.start("Other")
    rules.butler.stop("Other")
    assert rules.butler.is_due(rules.butler.tasks["Other"])


def test_with_one_slot_tasks_run_one_after_another() -> None:
    rules = Rules(SMALL, concurrency=1)
    for name in ("Plain", "Other", "Random"):
        rules.butler.start(name)
    assert rules.running == {"Plain"}
    rules.advance(DAY / 4)
    runs = rules.butler.log.runs
    assert [run.task for run in runs] == ["Plain", "Other", "Random"]
    for earlier, later in pairwise(runs):
        assert earlier.end == later.start


def test_stop_all_lets_nothing_move_up() -> None:
    rules = Rules(SMALL, concurrency=1)
    rules.butler.start_due(Cause.COMMAND)
    rules.butler.stop_all()
    assert rules.running == rules.queued == set()


def test_a_setting_switches_a_task_off() -> None:
    rules = Rules()
    rules.state.preferences.set("ButlerTaskBackupDatabase", value=False)
    rules.state.preferences.set("LoudnessAnalysisBehavior", value="never")
    rules.advance_to_hour(2)
    assert not rules.running & {"BackupDatabase", "LoudnessAnalysis"}


def test_a_setting_does_not_stop_what_runs() -> None:
    rules = Rules()
    rules.butler.start("BackupDatabase")
    rules.state.preferences.set("ButlerTaskBackupDatabase", value=False)
    assert rules.running == {"BackupDatabase"}


def test_a_start_may_be_answered_and_do_nothing() -> None:
    rules = Rules(ignored_starts=1.0)
    assert rules.butler.start("BackupDatabase") is StartResult.ACCEPTED
    assert rules.running == set()


@pytest.mark.parametrize(
    ("trait", "task"),
    [("starts_disabled", "RefreshLibraries"), ("starts_not_due", "CleanOldBundles")],
)
def test_a_single_start_may_need_an_enabled_task_that_is_due(
    trait: str, task: str
) -> None:
    for allowed in (True, False):
        traits: dict[str, Any] = {trait: allowed}
        rules = Rules(**traits)
        rules.butler.tasks["CleanOldBundles"].last_done = rules.clock.now()
        rules.butler.start(task)
        assert (task in rules.running) is allowed


def test_a_removed_task_runs_no_more_and_an_added_one_can() -> None:
    rules = Rules()
    rules.butler.start("BackupDatabase")
    rules.butler.remove_task("BackupDatabase")
    assert rules.butler.log.runs[0].ending is Ending.REMOVED
    rules.butler.add_task(
        TaskSpec(name="New", title="New", description="", preference="ButlerTaskNew")
    )
    rules.butler.start("New")
    assert rules.running == {"New"}
    assert rules.state.preferences["ButlerTaskNew"].value is True


def test_nothing_survives_a_restart() -> None:
    rules = Rules(SMALL, concurrency=1)
    rules.butler.start_due(Cause.COMMAND)
    rules.state.restart("2.0")
    assert rules.running == rules.queued == set()
    assert rules.butler.log.runs[0].ending is Ending.RESTARTED
    assert rules.state.version == "2.0"


@pytest.mark.parametrize("seed", range(12))
def test_a_drawn_server_lives_through_two_days_in_order(seed: int) -> None:
    rules = drawn(seed)
    rules.state.noise.ordinary_day(4)
    for name in list(rules.butler.tasks)[::3]:
        rules.butler.start(name)
        rules.advance(20 * 60)
        rules.butler.stop(name)
    rules.advance(2 * DAY)
    ended = [run for run in rules.butler.log.intervals if run.end is not None]
    assert all(run.end is not None and run.end >= run.start for run in ended)
    open_now = [run.task for run in rules.butler.log.intervals if run.end is None]
    assert sorted(open_now) == sorted(rules.running | rules.queued)


def test_the_same_seed_gives_the_same_day() -> None:
    logs = []
    for _ in range(2):
        rules = drawn(7)
        rules.state.noise.ordinary_day(10)
        rules.advance(DAY)
        logs.append((rules.butler.log.intervals, rules.frames))
    assert logs[0] == logs[1]
