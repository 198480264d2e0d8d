"""Notifications are cheap; how cheap, `python -m tests.benchmarks` shows."""

import asyncio

import pytest

from .measure import measure_latency, measure_log_storm, measure_storm

pytestmark = pytest.mark.slow


def test_a_storm_of_scan_messages_writes_no_state_and_is_not_decoded() -> None:
    storm = asyncio.run(measure_storm(10_000))

    assert storm.frames == 10_000
    assert storm.state_writes == 0
    assert storm.filtering < storm.decoding / 2


def test_a_storm_of_lines_in_the_log_writes_no_state_and_is_not_decoded() -> None:
    storm = asyncio.run(measure_log_storm(10_000))

    assert storm.frames >= 10_000
    assert storm.state_writes == 0
    assert storm.filtering < storm.decoding / 4


def test_every_start_and_end_that_is_told_is_shown() -> None:
    latency = asyncio.run(measure_latency(20))

    assert 0 < latency.median <= latency.p99
