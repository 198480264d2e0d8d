"""The maintenance window, out of the server's settings."""

from collections.abc import Iterable

from homeassistant.util import dt as dt_util

from .api import Preference
from .run_state import Window


def window_of(preferences: Iterable[Preference]) -> Window | None:
    """Return the window, or None where the server does not tell it."""
    values = {preference.id: preference.value for preference in preferences}
    try:
        start = int(values["ButlerStartHour"])
        end = int(values["ButlerEndHour"])
    except KeyError, ValueError, OverflowError:
        return None
    # The hours are those of the server's own clock, which is most likely ours.
    zone = dt_util.get_default_time_zone()
    return Window(start_hour=start, end_hour=end, zone=zone)
