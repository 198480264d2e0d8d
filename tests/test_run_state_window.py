"""The hours that a server keeps for Butler, on days of every length."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given, strategies as st
import pytest

from custom_components.plex_butler.schedule import Window

ZONES = (
    "UTC",
    "Europe/Berlin",
    "America/St_Johns",
    "America/Havana",  # changes at midnight
    "Australia/Lord_Howe",  # changes by half an hour
    "Asia/Kathmandu",
    "Pacific/Chatham",
    "Africa/Casablanca",  # changes for Ramadan
    "America/Santiago",
)
SECOND = timedelta(seconds=1)

HOURS = st.integers(0, 23)
WINDOWS = st.builds(
    Window, start_hour=HOURS, end_hour=HOURS, zone=st.sampled_from(ZONES).map(ZoneInfo)
).filter(lambda window: window.start_hour != window.end_hour)
TIMES = st.datetimes(datetime(2020, 1, 1), datetime(2037, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 hypothesis wants bounds without a zone


def berlin(start: int, end: int) -> Window:
    return Window(start_hour=start, end_hour=end, zone=ZoneInfo("Europe/Berlin"))


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@given(WINDOWS, TIMES, st.integers(0, 99))
def test_a_window_opens_and_closes_at_its_next_edges_and_not_before(
    window: Window, now: datetime, share: int
) -> None:
    start, end = window.next_start(now), window.next_end(now)
    assert (window.is_open(start - SECOND), window.is_open(start)) == (False, True)
    assert (window.is_open(end - SECOND), window.is_open(end)) == (True, False)

    edge = min(start, end)
    assert edge > now
    assert window.is_open(now + (edge - now) * share // 100) is window.is_open(now)
    assert window.is_open(edge) is not window.is_open(now)


@given(WINDOWS, TIMES)
def test_a_window_is_open_at_the_hours_of_its_own_clock(
    window: Window, now: datetime
) -> None:
    hour, hours = window.start_hour, set()
    while hour != window.end_hour:
        hours.add(hour)
        hour = (hour + 1) % 24

    assert window.is_open(now) is (now.astimezone(window.zone).hour in hours)


SPRING, AUTUMN = "2026-03-28T20:00", "2026-10-24T20:00"


@pytest.mark.parametrize(
    ("evening", "hours", "opens", "closes"),
    [
        # At 01:00 UTC of the 29th, 02:00 becomes 03:00.
        (SPRING, (2, 5), "2026-03-29T01:00", "2026-03-29T03:00"),
        (SPRING, (1, 2), "2026-03-29T00:00", "2026-03-29T01:00"),
        (SPRING, (23, 4), "2026-03-28T22:00", "2026-03-29T02:00"),
        # There is no such hour in that night.
        (SPRING, (2, 3), "2026-03-30T00:00", "2026-03-30T01:00"),
        # At 01:00 UTC of the 25th, 03:00 becomes 02:00.
        (AUTUMN, (2, 5), "2026-10-25T00:00", "2026-10-25T04:00"),
        (AUTUMN, (1, 2), "2026-10-24T23:00", "2026-10-25T00:00"),
        (AUTUMN, (2, 3), "2026-10-25T00:00", "2026-10-25T02:00"),
        (AUTUMN, (23, 4), "2026-10-24T21:00", "2026-10-25T03:00"),
    ],
)
def test_an_hour_is_left_out_in_spring_and_comes_twice_in_autumn(
    evening: str, hours: tuple[int, int], opens: str, closes: str
) -> None:
    assert berlin(*hours).next_start(utc(evening)) == utc(opens)
    assert berlin(*hours).next_end(utc(evening)) == utc(closes)


def test_an_open_window_starts_next_after_it_has_ended() -> None:
    assert berlin(23, 4).next_start(utc("2026-07-01T00:30")) == utc("2026-07-01T21:00")
