"""Short days with fixed seeds; `python -m tests.truth` has the long ones."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from .days import names, scored
from .goals import missed

# The window opens within the hour.
NIGHT = datetime(2026, 11, 22, 1, 40, tzinfo=UTC)


@pytest.fixture
def expected_logs() -> list[str]:
    """Return that every day has its outage."""
    return ["Error fetching"]


@pytest.mark.parametrize("name", [*names(0), "drawn 1"])
def test_switches_tell_the_truth_for_an_hour_of_the_night(name: str) -> None:
    assert not list(missed(scored(name, 1, hours=1, start=NIGHT)))
