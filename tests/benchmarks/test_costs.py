"""What the integration costs, in counts; `python -m tests.benchmarks` shows the times."""

import asyncio

import pytest

from .hours import measure_all_idle, measure_night
from .loads import measure_burst, measure_scale, measure_set_up
from .polls import FLOOR, OURS, count_decoded, measure_polls, measure_refresh

pytestmark = pytest.mark.slow


def test_answers_with_the_same_bytes_are_not_decoded_again() -> None:
    assert asyncio.run(count_decoded(polls=5)) == 0


@pytest.mark.parametrize("round_trip", [0.0, 0.05])
def test_entities_exist_after_two_exchanges_one_after_the_other(
    round_trip: float,
) -> None:
    set_up = asyncio.run(measure_set_up(round_trip))

    assert set_up.depth == 2
    # The identity, the name, the settings, the tasks and the activities
    assert set_up.requests == 5


def test_a_refresh_without_news_writes_no_state_and_updates_no_listener() -> None:
    refresh = asyncio.run(measure_refresh(3))

    assert refresh.entities > 70
    assert refresh.refreshes > 10
    assert refresh.writes == refresh.rounds == 0


def test_a_poll_costs_at_most_thrice_what_a_bare_client_needs() -> None:
    taken = asyncio.run(measure_polls(20))

    assert taken[OURS] < 3 * taken[FLOOR]


def test_a_night_in_an_instant_is_shown_in_few_rounds_without_a_request() -> None:
    burst = asyncio.run(measure_burst("night"))

    assert burst.frames > 40
    assert burst.writes
    assert burst.rounds < 8
    assert burst.requests == 0


def test_ten_thousand_frames_of_butlers_are_shown_in_few_rounds() -> None:
    burst = asyncio.run(measure_burst("butler_frames", 10_000))

    assert burst.frames == 10_000
    assert burst.rounds < 20
    assert burst.requests == 0


def test_an_idle_server_is_asked_rarely_and_fills_no_database() -> None:
    idle = measure_all_idle()

    assert idle["trusted"].requests <= 15
    assert idle["connected"].requests <= 60
    assert idle["without"].requests <= 130
    assert {it.rows for it in idle.values()} == {0}


def test_a_night_takes_at_most_eight_rows_of_the_database_for_each_task() -> None:
    night = measure_night(all_enabled=False)

    assert night.runs == 22
    assert night.rows_per_task <= 8


def test_the_last_of_many_servers_costs_about_as_much_as_the_first() -> None:
    scale = asyncio.run(measure_scale(20, polls=3))

    for figures in (scale.set_up, scale.refresh):
        first, last = scale.tenths(figures)
        assert last < 3 * first
