"""What the integration costs, in counts; `python -m tests.benchmarks` shows the times."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any
from unittest.mock import patch

import pytest

from custom_components.plex_butler.api import models

from .hours import measure_idle, measure_night
from .loads import measure_burst, measure_scale, measure_set_up, tenths
from .measure import measure_log_storm, measure_storm
from .polls import FLOOR, OURS, measure_polls, measure_refresh

pytestmark = pytest.mark.slow


def test_entities_exist_after_two_exchanges_one_after_the_other() -> None:
    depth, requests, _ = asyncio.run(measure_set_up(0.05))
    assert depth == 2
    # The identity, the name, the settings, the tasks and the activities
    assert requests == 5


def test_a_refresh_without_news_decodes_nothing_and_writes_no_state() -> None:
    with patch.object(models, "decode", wraps=models.decode) as loads:
        refresh = asyncio.run(measure_refresh(3))
    assert refresh.entities > 70
    assert refresh.refreshes > 30
    assert refresh.writes == refresh.rounds == 0
    # The answers of the set-up are decoded; each refresh brings two.
    assert loads.call_count < refresh.refreshes


def test_a_poll_costs_at_most_thrice_what_a_bare_client_needs() -> None:
    taken = asyncio.run(measure_polls(20))
    assert taken[OURS] < 3 * taken[FLOOR]


@pytest.mark.parametrize(
    ("burst", "least", "rounds"),
    [(("night",), 40, 8), (("butler_frames", 10_000), 10_000, 20)],
)
def test_a_burst_of_frames_is_shown_in_few_rounds_without_a_request(
    burst: tuple[Any, ...], least: int, rounds: int
) -> None:
    found = asyncio.run(measure_burst(*burst))
    assert found.frames >= least
    assert found.writes
    assert found.rounds < rounds
    assert found.requests == 0


@pytest.mark.parametrize(
    ("measure", "share"), [(measure_storm, 0.5), (measure_log_storm, 0.25)]
)
def test_a_storm_of_other_frames_writes_no_state_and_is_not_decoded(
    measure: Callable[[int], Coroutine[Any, Any, Any]], share: float
) -> None:
    storm = asyncio.run(measure(10_000))
    assert storm.frames >= 10_000
    assert storm.state_writes == 0
    assert storm.filtering < share * storm.decoding


def test_an_idle_server_fills_no_database() -> None:
    assert {rows for _, rows in measure_idle().values()} == {0}


def test_a_night_takes_at_most_eight_rows_of_the_database_for_each_task() -> None:
    runs, states, events = measure_night(all_enabled=False)
    assert runs == 22
    assert states + events <= 8 * runs


def test_the_last_of_many_servers_costs_about_as_much_as_the_first() -> None:
    scale = asyncio.run(measure_scale(20, polls=3))
    for figures in (scale.set_up, scale.refresh):
        first, last = tenths(figures)
        assert last < 3 * first
