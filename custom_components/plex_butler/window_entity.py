"""What the entities of the maintenance window have in common: they keep time."""

from datetime import datetime
from typing import override

from homeassistant.core import CALLBACK_TYPE, callback
from homeassistant.helpers.event import async_track_point_in_utc_time
from homeassistant.util import dt as dt_util

from .entity import PlexButlerEntity


class PlexButlerWindowEntity(PlexButlerEntity):
    """An entity that changes at the edges of the window, without a poll."""

    _edge: datetime | None = None
    _unsub_edge: CALLBACK_TYPE | None = None

    @override
    async def async_added_to_hass(self) -> None:
        """Begin to wait for the next edge."""
        await super().async_added_to_hass()
        self._async_wait()
        self.async_on_remove(self._async_stop_waiting)

    @callback
    @override
    def _handle_coordinator_update(self) -> None:
        """Follow the window to other hours."""
        self._async_wait()
        super()._handle_coordinator_update()

    @callback
    def _async_wait(self) -> None:
        window = self.coordinator.data.window
        edge = window.next_edge(dt_util.utcnow()) if window else None
        if edge == self._edge:
            return
        self._async_stop_waiting()
        self._edge = edge
        if edge:
            self._unsub_edge = async_track_point_in_utc_time(
                self.hass, self._async_at_edge, edge
            )

    @callback
    def _async_at_edge(self, now: datetime) -> None:
        self._unsub_edge = None
        self._handle_coordinator_update()

    @callback
    def _async_stop_waiting(self) -> None:
        if self._unsub_edge:
            self._unsub_edge()
            self._unsub_edge = None
