"""Short days with fixed seeds; `python -m tests.truth` lets whole ones pass."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from unittest.mock import PropertyMock, patch

import pytest

from custom_components.plex_butler.switch import PlexButlerTaskSwitch
from tests.simulator.clock import NOON

from . import days
from .__main__ import main
from .days import names, plan_of, scored
from .goals import missed
from .real_time import scored_in_real_time
from .score import Score, score
from .world import live

# The window opens after twenty minutes.
NIGHT = datetime(2026, 11, 22, 1, 40, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _outages_are_logged(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Let a day's outages be logged; the score itself watches for other errors."""
    yield
    caplog.clear()


@pytest.mark.parametrize("name", names(2))
def test_switches_tell_the_truth_for_an_hour_of_the_night(name: str) -> None:
    assert not list(missed(scored(name, 1, hours=1, start=NIGHT)))


@pytest.mark.parametrize("name", ["current", "current, no push", "anonymous"])
def test_switches_tell_the_truth_while_databases_lock_the_server(name: str) -> None:
    assert not list(missed(scored(name, 2, hours=2)))


def test_the_same_seed_gives_the_same_figures() -> None:
    first, second = (scored("current", 1, hours=1, start=NIGHT) for _ in range(2))
    assert first == second
    assert first.runs > 10


def test_another_seed_gives_another_day() -> None:
    one, other = (scored("legacy", seed, hours=1) for seed in (1, 2))
    assert one.start != other.start


def test_switches_that_are_always_on_fail_the_command(
    capsys: pytest.CaptureFixture[str],
) -> None:
    always = PropertyMock(return_value=True)
    with patch.object(PlexButlerTaskSwitch, "is_on", always):
        assert main(["--hours", "1", "--seed", "1", "--profile", "silent"]) == 1
    said = capsys.readouterr()
    assert "missed: nothing on without a command" in said.err
    assert "on too long" in said.out
