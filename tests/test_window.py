"""The maintenance window, out of whatever settings a server tells."""

from datetime import UTC

from homeassistant.util import dt as dt_util
import pytest

from custom_components.plex_butler.api import Preference
from custom_components.plex_butler.schedule import window_of


def preferences(**values: int | str) -> list[Preference]:
    return [Preference(id=name, value=value) for name, value in values.items()]


@pytest.mark.parametrize(("start", "end"), [(2, 5), ("2", "5"), (23, "4")])
def test_the_window_is_in_home_assistants_time(
    start: int | str, end: int | str
) -> None:
    window = window_of(
        preferences(ButlerStartHour=start, ButlerEndHour=end, FriendlyName="Attic")
    )

    assert window
    assert (window.start_hour, window.end_hour) == (int(start), int(end))
    assert window.zone is dt_util.get_default_time_zone()


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"ButlerStartHour": 2},
        {"ButlerStartHour": 2, "ButlerEndHour": 24},
        {"ButlerStartHour": 2, "ButlerEndHour": 2},
        {"ButlerEndHour": 5},
        {"ButlerStartHour": "two", "ButlerEndHour": 5},
        {"ButlerStartHour": 2, "ButlerEndHour": float("inf")},
        {"ButlerStartHour": 2, "ButlerEndHour": float("nan")},
    ],
)
def test_a_window_that_is_not_told_is_not_known(values: dict[str, int | str]) -> None:
    assert window_of(preferences(**values)) is None


def test_the_window_is_in_the_zone_that_was_chosen() -> None:
    window = window_of(preferences(ButlerStartHour=2, ButlerEndHour=5), UTC)

    assert window
    assert window.zone is UTC
