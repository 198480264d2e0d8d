"""Opens and closes the nightly window at its hours."""

from __future__ import annotations

from .butler import Butler
from .preferences import Setting
from .settings import END_HOUR, START_HOUR
from .timeline import Event, Timeline
from .traits import SessionBegins, Traits
from .truth import Cause

# So long after the server's start Butler begins, if the window is open.
_AFTER_SERVER_START = 300.0


class WindowKeeper:
    """Acts on the edges of the window.

    In one that was open at the start nothing begins, or all after some minutes.
    """

    def __init__(self, butler: Butler, timeline: Timeline, traits: Traits) -> None:
        """Wait for the next edge."""
        self._traits = traits
        self._late: Event | None = None
        self._up_at = timeline.now
        self._butler = butler
        self._timeline = timeline
        self._open = butler.window.contains(timeline.now)
        self._edge: Event | None = None
        self._plan()
        self.on_server_start()

    def on_server_start(self, after: float = 0) -> None:
        """Begin some minutes after a server has started that comes up in the window."""
        if self._late is not None:
            self._late.cancel()
        self._up_at = self._timeline.now + after
        inside = self._butler.window.contains(self._up_at)
        begins = self._traits.session_begins
        self._butler.awaits_start = inside and begins is SessionBegins.FIRST_START
        if inside and begins is SessionBegins.AFTER_SERVER_START:
            when = self._up_at + _AFTER_SERVER_START
            self._late = self._timeline.at(when, self._begin_late)

    def on_setting(self, setting: Setting) -> None:
        """Follow other hours at once."""
        if setting.id not in (START_HOUR, END_HOUR):
            return
        if self._butler.window.contains(self._timeline.now) != self._open:
            self._pass_edge()
        self._plan()

    def _plan(self) -> None:
        if self._edge is not None:
            self._edge.cancel()
        when = self._butler.window.next_edge(self._timeline.now)
        self._edge = self._timeline.at(when, self._at_edge)

    def _at_edge(self) -> None:
        self._pass_edge()
        self._plan()

    def _pass_edge(self) -> None:
        self._open = self._butler.window.contains(self._timeline.now)
        if self._open:
            # What is down at that hour begins nothing, or later.
            if self._timeline.now >= self._up_at:
                self._butler.open_window()
        else:
            self._butler.close_window()

    def _begin_late(self) -> None:
        if self._open:
            self._butler.start_due(Cause.WINDOW)
