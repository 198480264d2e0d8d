"""Shows changes at a pace that people can see, and tells of them once they are shown."""

from collections.abc import Callable
from datetime import datetime

from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers.event import async_call_later

from .const import PUBLISH_INTERVAL
from .run_state import Change

type ChangeListener = Callable[[tuple[Change, ...]], None]


class Publisher:
    """Publishes what is known of one server: the first at once, more in a moment."""

    def __init__(
        self,
        hass: HomeAssistant,
        publish_fn: Callable[[], bool],
        published_fn: Callable[[], None],
    ) -> None:
        """Take what shows all that is known and returns if that is news; what comes after."""
        self._hass = hass
        self._publish_fn = publish_fn
        self._published_fn = published_fn
        self._unsub_publish: CALLBACK_TYPE | None = None
        self._listeners: list[ChangeListener] = []
        self._untold: tuple[Change, ...] = ()

    @callback
    def async_add_listener(self, listener: ChangeListener) -> CALLBACK_TYPE:
        """Have runs that begin and end told to somebody."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    @callback
    def async_changed(self, changes: tuple[Change, ...]) -> None:
        """Show what changed, and tell of it."""
        self._untold += changes
        if self._unsub_publish is None:
            self._async_publish()

    @callback
    def async_stop(self) -> None:
        """Leave no timer behind."""
        if self._unsub_publish:
            self._unsub_publish()

    @callback
    def _async_publish(self, _: datetime | None = None) -> None:
        self._unsub_publish = None
        if self._publish_fn():
            self._unsub_publish = async_call_later(
                self._hass, PUBLISH_INTERVAL, self._async_publish
            )
        # Whoever hears of it looks at states and conditions, so these come first.
        untold, self._untold = self._untold, ()
        if untold:
            for listener in tuple(self._listeners):
                listener(untold)
        self._published_fn()
