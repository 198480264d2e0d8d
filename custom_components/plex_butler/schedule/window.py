"""The maintenance window, out of the server's settings."""

from collections.abc import Iterable, Mapping
from datetime import tzinfo
from typing import Any

from homeassistant.const import CONF_TIME_ZONE
from homeassistant.util import dt as dt_util

from ..api import Preference
from ..clock import Window
from .settings import END_HOUR, START_HOUR


async def async_chosen_zone(options: Mapping[str, Any]) -> tzinfo | None:
    """Return the zone of the server's clock if one was chosen."""
    if name := options.get(CONF_TIME_ZONE):
        return await dt_util.async_get_time_zone(name)
    return None


def window_of(
    preferences: Iterable[Preference], zone: tzinfo | None = None
) -> Window | None:
    """Return the window, or None where the server does not tell it.

    What one means that ends when it starts, nobody knows. The hours are those of the
    server's own clock, which is most likely ours.
    """
    values = {preference.id: preference.value for preference in preferences}
    try:
        start, end = int(values[START_HOUR]), int(values[END_HOUR])
    except KeyError, ValueError, OverflowError:
        return None
    zone = zone or dt_util.get_default_time_zone()
    window = Window(start_hour=start, end_hour=end, zone=zone)
    return window if window.is_clear else None
