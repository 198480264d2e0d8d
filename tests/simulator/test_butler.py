"""What starts tasks, what queues them, what ends them, and what the window does."""

from datetime import datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from tests import simulator as sim
from tests.simulator.timeline import Window

from .conftest import BACKUP, DAY, HOUR, Rules

QUEUED = sim.TaskState.QUEUED
NIGHT = sim.NOON.replace(hour=3)
SMALL = sim.Profile(
    name="small",
    tasks=(
        sim.TaskSpec(name="Plain", title="Plain", seconds=100),
        sim.TaskSpec(name="Other", title="Other", seconds=50, interval=3),
        sim.TaskSpec(name="Random", title="Random", randomized=True),
    ),
)


def test_start_all_skips_what_is_off_or_not_due_today() -> None:
    rules = Rules("current")
    rules.butler.start_due(sim.Cause.COMMAND)
    assert "RefreshLibraries" not in rules.doing()  # off by default
    assert "GenerateMediaIndexFiles" not in rules.doing()  # "never" by default

    rules = Rules(SMALL, window=(3, 3))  # never opens
    started = []
    for _ in range(4):
        rules.butler.start_due(sim.Cause.COMMAND)
        started.append(rules.doing())
        rules.advance(HOUR)
        rules.butler.start_due(sim.Cause.COMMAND)
        assert rules.doing() == set()
        rules.advance(DAY - HOUR)
    daily = {"Plain", "Random"}
    assert started == [daily | {"Other"}, daily, daily, daily | {"Other"}]


def test_with_one_slot_a_stop_lets_the_next_begin_and_that_of_all_halts_the_line() -> (
    None
):
    rules = Rules(SMALL, concurrency=1)
    for name in ("Plain", "Other", "Random"):
        rules.butler.start(name)
    rules.butler.stop("Plain")
    assert (rules.doing(), rules.doing(QUEUED)) == ({"Other"}, {"Random"})
    rules.advance(HOUR)
    runs = rules.butler.runs
    assert [run.task for run in runs] == ["Plain", "Other", "Random"]
    assert all(earlier.end == later.start for earlier, later in pairwise(runs))
    for name in ("Plain", "Other"):
        rules.butler.start(name)
    rules.butler.stop_all()
    assert rules.doing() == rules.doing(QUEUED) == set()


def test_a_randomised_task_is_only_queued_inside_the_window() -> None:
    noon = Rules(SMALL)
    noon.butler.start("Random")
    assert noon.doing() == {"Random"}

    for stops in (False, True):
        rules = Rules(SMALL, start=NIGHT)
        for _ in range(2):
            assert rules.butler.start("Random") == 200
        rules.butler.start("Plain")
        assert (rules.doing(QUEUED), rules.doing()) == ({"Random"}, {"Plain"})
        if stops:
            assert rules.butler.stop("Random")
        rules.advance_to_hour(5)
        assert len(rules.butler.runs) == (1 if stops else 2)


def test_the_window_starts_what_is_due_by_itself_at_random_moments() -> None:
    moments = set()
    for seed in range(20):
        rules = Rules(SMALL, seed=seed)
        rules.advance_to_hour(2)
        assert rules.doing() == {"Plain", "Other"}
        assert rules.doing(QUEUED) == {"Random"}
        rules.advance_to_hour(5)
        assert {run.cause for run in rules.butler.runs} == {sim.Cause.WINDOW}
        (moment,) = [run.start for run in rules.butler.runs if run.task == "Random"]
        moments.add(moment % DAY / HOUR)
    assert len(moments) > 1
    assert all(2 <= hour < 5 for hour in moments)


@pytest.mark.parametrize("day", [(2026, 3, 28), (2026, 10, 24)])
def test_the_window_opens_in_the_servers_zone_where_the_clock_is_changed(
    day: tuple[int, int, int],
) -> None:
    zone = ZoneInfo("Europe/Berlin")
    noon = datetime(*day, 12, tzinfo=zone).timestamp()
    opens = Window(2, 5, zone).next_edge(noon)
    assert datetime.fromtimestamp(opens, zone).hour in (2, 3)


def test_a_window_with_equal_hours_may_be_open_always() -> None:
    rules = Rules(SMALL, window=(3, 3), equal_hours_open=True)
    rules.advance(2 * DAY)
    assert [run.task for run in rules.butler.runs].count("Plain") == 2


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
    assert rules.doing() == ({"Other"} if stops else {"Plain", "Other"})


def test_a_setting_counts_at_once_for_what_waits_and_not_for_what_runs() -> None:
    rules = Rules("current")
    rules.state.preferences.set("LoudnessAnalysisBehavior", value="never")
    rules.state.preferences.set("ButlerEndHour", value=14)
    assert "LoudnessAnalysis" not in rules.doing()
    for name in ("RefreshEpgGuides", BACKUP):
        assert name in rules.doing(QUEUED) | rules.doing()
        rules.state.preferences.set(f"ButlerTask{name}", value=False)
    assert "RefreshEpgGuides" not in rules.doing(QUEUED)
    assert BACKUP in rules.doing()
    rules.state.preferences.set("ButlerEndHour", value=10)
    assert rules.doing(QUEUED) == set()


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
        rules.state.restart(down_for)
    rules.advance(120 + 299)
    assert rules.butler.intervals == []
    rules.advance(1)
    assert len(rules.doing() | rules.doing(QUEUED)) == late
    rules.butler.start("Other")
    assert len(rules.doing() | rules.doing(QUEUED)) == started
