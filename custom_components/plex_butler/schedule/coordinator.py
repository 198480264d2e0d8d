"""Reads, writes and verifies the server's settings for scheduled tasks."""

import asyncio
from collections.abc import Iterable, Mapping
from datetime import tzinfo
from http import HTTPStatus
from time import monotonic
from typing import Final, override

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import EVENT_CORE_CONFIG_UPDATE
from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.update_coordinator import DataUpdateCoordinator

from ..api import (
    PlexClient,
    PlexError,
    PlexPreferenceError,
    PlexResponseError,
    Preference,
    PreferenceNotification,
    PreferenceValue,
)
from ..clock import Window
from ..connection import translation
from ..const import DOMAIN, LOGGER, PREFERENCES_INTERVAL, SERVER_INTERVAL
from .settings import async_chosen_zone, may_matter, schedule_of, window_of

# A server that is busy with writing its settings refuses to show them for some seconds.
_RETRIES: Final = 10
_NEVER: Final = float("-inf")


class ScheduleCoordinator(DataUpdateCoordinator[Mapping[str, Preference]]):
    """Coordinates the settings by their names.

    It has no interval: the polls of the server read the settings when they are due, so an
    outage is logged once.
    """

    config_entry: ConfigEntry

    def __init__(
        self, hass: HomeAssistant, entry: ConfigEntry, client: PlexClient
    ) -> None:
        super().__init__(
            hass, LOGGER, config_entry=entry, name=f"{entry.title} schedule"
        )
        self.data = {}
        self._client = client
        self._zone: tzinfo | None = None
        self._read_at = _NEVER
        self._retries = _RETRIES
        self._reading = False
        # One write at a time: what it reads back must not be about to change.
        self._lock = asyncio.Lock()
        self._closed = False
        self._writes = 0
        self._writing: Mapping[str, PreferenceValue] = {}
        entry.async_on_unload(
            hass.bus.async_listen(
                EVENT_CORE_CONFIG_UPDATE, self._async_core_config_updated
            )
        )

    async def async_load_zone(self) -> None:
        """Load the zone of the server's clock; Home Assistant's if none was chosen."""
        self._zone = await async_chosen_zone(self.config_entry.options)

    @property
    def window(self) -> Window | None:
        """Return the maintenance window, or None if the settings define none."""
        return window_of(self.data.values(), self._zone)

    @property
    def is_stale(self) -> bool:
        """Return True if the settings may have changed since they were read."""
        return self._read_at == _NEVER

    def is_due(self, early: float) -> bool:
        """Return True if the settings are to be read; a write reads them itself."""
        due = self._read_at + PREFERENCES_INTERVAL.total_seconds() - early
        return not self._lock.locked() and monotonic() >= due

    @callback
    def invalidate(self) -> None:
        """Have the settings read at the next poll."""
        self._read_at = _NEVER
        self._retries = _RETRIES

    def is_current(self, changed: PreferenceNotification) -> bool:
        """Return True if a change needs no read: it is our own, known or elsewhere."""
        ids = set(filter(may_matter, changed.ids))
        values = {name: it for name, it in changed.values.items() if name in ids}
        if not changed.ids or values.keys() != ids:
            return False
        known = {name: it.value for name, it in self.data.items()}
        if self._writing or self._reading:
            # The answer that is under way may be older than any other change.
            known = dict(self._writing)
        return all(known.get(name) == value for name, value in values.items())

    async def async_read(self) -> None:
        """Read the settings.

        Raises PlexError, but not if the server answers that it cannot show them: all else
        works without them.
        """
        writes = self._writes
        # An invalidation from now on is not undone by the answer.
        self._read_at = monotonic()
        self._reading = True
        try:
            settings = schedule_of(await self._client.get_preferences())
        except PlexResponseError as err:
            LOGGER.debug("%s: no settings: %s", self.name, err)
            if err.status != HTTPStatus.NOT_FOUND and self._retries:
                self._retries -= 1
                self._read_at = _NEVER
            else:
                sooner = PREFERENCES_INTERVAL - SERVER_INTERVAL
                self._read_at = monotonic() - sooner.total_seconds()
            return
        finally:
            self._reading = False
        # A write that began meanwhile reads back what is newer.
        if writes == self._writes:
            self.async_set_updated_data(settings)

    async def async_set(self, values: Mapping[str, PreferenceValue]) -> None:
        """Change settings, all or none.

        Raises a translated HomeAssistantError if the server does not do it.
        """
        async with self._lock:
            if self._closed:
                raise HomeAssistantError(
                    translation_domain=DOMAIN, translation_key="not_sent"
                )
            self._writes += 1
            self._writing = values
            self._read_at = monotonic()
            try:
                settings = schedule_of(await self._client.set_preferences(values))
            except PlexPreferenceError as err:
                self.invalidate()
                raise HomeAssistantError(
                    translation_domain=DOMAIN,
                    translation_key="preference_refused",
                    translation_placeholders={"preferences": self._labels(values)},
                ) from err
            except PlexError as err:
                # It may have been done all the same.
                self.invalidate()
                raise HomeAssistantError(**translation(err)) from err
            finally:
                self._writing = {}
            self.async_set_updated_data(settings)
        taken = {name: it.value for name, it in settings.items()}
        if missed := [name for name in values if taken.get(name) != values[name]]:
            raise HomeAssistantError(
                translation_domain=DOMAIN,
                translation_key="preference_not_taken",
                translation_placeholders={"preferences": self._labels(missed)},
            )

    def _labels(self, names: Iterable[str]) -> str:
        """Return what the server calls settings."""
        listed = self.data
        return ", ".join(
            (listed[name].label if name in listed else "") or name for name in names
        )

    @override
    async def async_shutdown(self) -> None:
        """Send no change that still waits for another."""
        await super().async_shutdown()
        self._closed = True

    @callback
    def _async_core_config_updated(self, _: Event) -> None:
        """Show the window in Home Assistant's new zone."""
        if self.data:
            self.async_update_listeners()
