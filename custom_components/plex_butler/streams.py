"""Who is watching: looked at when notifications say that it changed, and now and then."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers.event import async_call_later, async_track_time_interval

from .api import PlayState, PlexClient, PlexError, Session
from .const import LOGGER

# For servers that push nothing, and for what was not told.
INTERVAL: Final = timedelta(minutes=5)
# Whoever seeks or skips makes a player say much within a moment.
BURST: Final = timedelta(seconds=1)

_ACTIVE: Final = frozenset({PlayState.PLAYING, PlayState.BUFFERING})
_STOPPED: Final = "stopped"


@dataclass(frozen=True, kw_only=True, slots=True)
class StreamCounts:
    """How many streams play, and how many are paused."""

    active: int
    paused: int


class Streams:
    """Counts the streams of one server, while somebody wants to know."""

    def __init__(
        self, hass: HomeAssistant, client: PlexClient, polls_work_fn: Callable[[], bool]
    ) -> None:
        self._hass = hass
        self._client = client
        self._polls_work_fn = polls_work_fn
        self._listener: CALLBACK_TYPE | None = None
        self._unsub_poll: CALLBACK_TYPE | None = None
        self._unsub_look: CALLBACK_TYPE | None = None
        self._told: dict[str, str] = {}
        # The answer to a younger question must not be overtaken.
        self._lock = asyncio.Lock()
        # Whom to tell that notifications are wanted now, or no longer.
        self.on_wanted_fn: Callable[[], None] = lambda: None
        self.counts: StreamCounts | None = None

    @property
    def are_wanted(self) -> bool:
        """Tell whether anybody wants to know."""
        return self._listener is not None

    @callback
    def async_watch(self, listener: CALLBACK_TYPE) -> CALLBACK_TYPE:
        """Count from now on, and tell a listener; return what ends it."""
        self._listener = listener
        self._unsub_poll = async_track_time_interval(
            self._hass, self._async_look, INTERVAL
        )
        self.on_wanted_fn()
        self.async_look_soon()
        return self._async_unwatch

    @callback
    def _async_unwatch(self) -> None:
        """Count no longer."""
        self._listener = None
        self.counts = None
        for unsub in (self._unsub_poll, self._unsub_look):
            if unsub:
                unsub()
        self._unsub_poll = self._unsub_look = None
        self.on_wanted_fn()

    @callback
    def async_told(self, states: Mapping[str, str]) -> None:
        """Hear what players do; most only say that they still do it."""
        is_news = any(self._told.get(key) != state for key, state in states.items())
        self._told |= states
        for key, state in states.items():
            if state == _STOPPED:
                del self._told[key]
        if is_news:
            self.async_look_soon()

    @callback
    def async_missed(self) -> None:
        """Take note that players may have said what nobody heard."""
        self._told.clear()
        self.async_look_soon()

    @callback
    def async_look_soon(self) -> None:
        """Look once for all that is told within a moment."""
        if self.are_wanted and self._unsub_look is None:
            self._unsub_look = async_call_later(self._hass, BURST, self._async_look_now)

    async def _async_look_now(self, now: datetime) -> None:
        self._unsub_look = None
        await self._async_look(now)

    async def _async_look(self, now: datetime) -> None:
        async with self._lock:
            counts = await self._async_count()
        if self._listener and counts != self.counts:
            self.counts = counts
            self._listener()

    async def _async_count(self) -> StreamCounts | None:
        if not self._polls_work_fn():
            # The polls find out when the server answers again; a token that it refuses
            # is sent by them alone.
            return None
        try:
            return _counted(await self._client.get_sessions())
        except PlexError as err:
            # The coordinator tells of outages.
            LOGGER.debug("Who is watching is not known: %s", err)
            return None


def _counted(sessions: Iterable[Session]) -> StreamCounts:
    states = [session.state for session in sessions]
    return StreamCounts(
        active=sum(state in _ACTIVE for state in states),
        paused=states.count(PlayState.PAUSED),
    )
