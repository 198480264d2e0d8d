"""Changes of the server's settings, and whether it took them."""

import asyncio
from collections.abc import Callable, Iterable, Mapping

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import EVENT_CORE_CONFIG_UPDATE
from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError

from .api import (
    PlexClient,
    PlexError,
    PlexPreferenceError,
    Preference,
    PreferenceValue,
)
from .asker import PREFERENCES, TASKS, Asker
from .const import DOMAIN
from .errors import translation
from .window import async_chosen_zone


class Preferences:
    """What people and automations can set of one server."""

    def __init__(
        self,
        client: PlexClient,
        asker: Asker,
        on_news: Callable[[], None],
        ask_soon: Callable[..., None],
    ) -> None:
        """Take who asks the server, and whom to tell that there is news or doubt."""
        self._client = client
        self._asker = asker
        self._on_news = on_news
        self._ask_soon = ask_soon
        # What one write reads back must not be what another is about to change.
        self._lock = asyncio.Lock()
        self._closed = False

    async def async_setup(self, hass: HomeAssistant, entry: ConfigEntry) -> None:
        """Know the zone of the server's clock, be it Home Assistant's."""
        self._asker.zone = await async_chosen_zone(entry.options)
        entry.async_on_unload(self._async_close)
        entry.async_on_unload(
            hass.bus.async_listen(
                EVENT_CORE_CONFIG_UPDATE, self._async_core_config_changed
            )
        )

    @callback
    def _async_close(self) -> None:
        self._closed = True

    @callback
    def _async_core_config_changed(self, _: object) -> None:
        self._asker.async_see_window()
        self._on_news()

    async def async_set(self, values: Mapping[str, PreferenceValue]) -> None:
        """Change settings, all or none.

        Raises a translated HomeAssistantError if the server does not do it.
        """
        async with self._lock:
            if self._closed:
                raise HomeAssistantError(
                    translation_domain=DOMAIN, translation_key="not_sent"
                )
            with self._asker.expecting(values):
                now = await self._async_write(values)
            self._asker.async_told_preferences(now)
            self._on_news()
            await self._async_see_tasks()
        taken = {preference.id: preference.value for preference in now}
        if missed := [name for name in values if taken.get(name) != values[name]]:
            raise HomeAssistantError(
                translation_domain=DOMAIN,
                translation_key="preference_not_taken",
                translation_placeholders={"preferences": self._labels(missed)},
            )

    def _labels(self, names: Iterable[str]) -> str:
        """Return what the server calls settings."""
        listed = self._asker.preferences
        return ", ".join(
            (listed[name].label if name in listed else "") or name for name in names
        )

    def knows(self, values: Mapping[str, PreferenceValue]) -> bool:
        """Tell whether settings that were changed need not be asked for."""
        return self._asker.knows(values)

    async def _async_see_tasks(self) -> None:
        """See which tasks the server calls enabled now; its rules are its own."""
        try:
            await self._asker.async_ask_tasks()
        except PlexError:
            self._ask_soon(TASKS)
        else:
            self._on_news()

    async def _async_write(
        self, values: Mapping[str, PreferenceValue]
    ) -> tuple[Preference, ...]:
        try:
            return await self._client.set_preferences(values)
        except PlexPreferenceError as err:
            self._asker.forget(PREFERENCES)
            raise HomeAssistantError(
                translation_domain=DOMAIN,
                translation_key="preference_refused",
                translation_placeholders={"preferences": self._labels(values)},
            ) from err
        except PlexError as err:
            # It may have been done all the same.
            self._ask_soon(PREFERENCES, TASKS)
            raise HomeAssistantError(**translation(err)) from err
