"""Short days with fixed seeds; `python -m tests.truth` lets whole ones pass."""

from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from unittest.mock import PropertyMock, patch

import pytest

from custom_components.plex_butler.switch import PlexButlerTaskSwitch

from .__main__ import main, missed, seeds_of_commit
from .days import NO_PUSH, WITH_LOG, scored, scored_in_real_time
from .score import Score

# The window opens after twenty minutes.
NIGHT = datetime(2026, 11, 22, 1, 40, tzinfo=UTC)

pytestmark = pytest.mark.slow


@cache
def night(name: str) -> Score:
    return scored(name, 1, hours=4, start=NIGHT)


KINDS = ("session", *WITH_LOG, "current", "anonymous", "silent", "legacy")


@pytest.mark.parametrize("name", [*KINDS, "drawn 1", "drawn 2"])
def test_switches_tell_the_truth_for_a_night(name: str) -> None:
    assert not list(missed(night(name)))


@pytest.mark.parametrize(
    ("name", "hours"), [("session", 6), ("current", 4), (NO_PUSH[1], 2)]
)
def test_switches_tell_the_truth_while_databases_lock_the_server(
    name: str, hours: float
) -> None:
    assert not list(missed(scored(name, 2, hours)))


def test_the_same_seed_gives_the_same_figures_and_another_gives_others() -> None:
    one, again, other = (scored("legacy", seed, hours=1) for seed in (1, 1, 2))

    assert one.runs
    assert one == again != replace(other, seed=1)


def test_in_real_time_switches_are_right_within_a_second() -> None:
    figures = scored_in_real_time(3, 1)

    assert figures.runs
    assert not list(missed(figures))


def test_a_switch_that_is_always_on_fails_the_command(
    capsys: pytest.CaptureFixture[str],
) -> None:
    always = PropertyMock(return_value=True)
    with patch.object(PlexButlerTaskSwitch, "is_on", always):
        ended = main(["--hours", "1", "--seed", "1", "--profile", "silent"])

    assert ended == 1
    said = capsys.readouterr().err
    assert "silent, seed 1: missed: nothing on without a command" in said


def test_seeds_are_made_of_the_commit_and_are_printed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["--hours", "0.1", "--profile", "silent", "--jobs", "1"]) == 0

    said = capsys.readouterr()
    seeds = " ".join(map(str, seeds_of_commit()))
    assert said.err.startswith(f"Simulated servers, seeds {seeds}\n")
    assert said.out.startswith("| simulated server | seed |")


def test_a_server_that_is_taken_for_another_misses_its_goals() -> None:
    complaints = list(missed(replace(night("anonymous"), profile="current")))

    assert "current, seed 1: missed: recall >= 99.9 %" in complaints
