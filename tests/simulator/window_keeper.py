"""Opens and closes the nightly window at its hours."""

from __future__ import annotations

from .butler import Butler
from .preferences import Setting
from .settings import END_HOUR, START_HOUR
from .timeline import Event, Timeline
from .truth import Cause


class WindowKeeper:
    """Acts on the edges of the window; one that was open at the start began nothing."""

    def __init__(self, butler: Butler, timeline: Timeline) -> None:
        """Wait for the next edge."""
        self._butler = butler
        self._timeline = timeline
        self._open = butler.window.contains(timeline.now)
        self._edge: Event | None = None
        self._plan()

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
            self._butler.start_due(Cause.WINDOW)
        else:
            self._butler.close_window()
