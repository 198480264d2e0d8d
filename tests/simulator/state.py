"""A whole simulated server, except for HTTP."""

from __future__ import annotations

from collections.abc import Callable
from datetime import tzinfo
from hashlib import sha1
from random import Random
from typing import Any

from .activities import Board, Row, RowEvent
from .butler import Butler
from .butler_rows import Late, rows_of
from .butler_session import ButlerSessions
from .clock import Clock
from .frames import Frame, activity_frame, preference_frame
from .noise import Noise
from .outage import Outage
from .preferences import Preferences, Setting
from .profiles import Profile
from .server_log import ServerLog
from .sessions import Sessions
from .settings import END_HOUR, FRIENDLY_NAME, START_HOUR, build_settings
from .task import Watcher
from .timeline import Timeline
from .truth import Ending
from .window_keeper import WindowKeeper
from .work_rows import WorkRows


class ServerState:
    """All parts of a server, driven by one clock and one seed."""

    def __init__(
        self,
        profile: Profile,
        *,
        clock: Clock,
        zone: tzinfo,
        seed: int,
        name: str,
        window: tuple[int, int] | None = None,
    ) -> None:
        """Build an idle server."""
        self.profile = profile
        self.traits = profile.traits
        self.version = profile.version
        self.claimed = self.traits.claimed
        self.machine_identifier = sha1(
            f"{name}-{seed}".encode(), usedforsecurity=False
        ).hexdigest()
        self.listeners: list[Callable[[Frame], None]] = []
        self.written_at = float("-inf")
        self._clock = clock
        self.timeline = Timeline(clock.now())
        self.outage = Outage(self.timeline)
        self.preferences = self._build_preferences(name, window)
        self.log = ServerLog(self.timeline, self.traits)
        self.butler = self._build_butler(zone, seed)
        self.board = Board(Random(f"rows-{seed}"), self._publish_row)
        self.sessions = Sessions(self.publish)
        self.noise = Noise(
            self.board, self.timeline, self.publish, Random(f"noise-{seed}"), self.log
        )
        self._butler_sessions = ButlerSessions(
            self.butler,
            self.board,
            self.timeline,
            self.traits,
            self.log,
            Random(f"session-{seed}"),
        )
        self._rows = rows_of(self.butler, self.board, self.timeline, self.traits)
        watchers: list[Watcher] = [self._butler_sessions]
        if self._rows is not None:
            watchers.append(self._rows)
        if self.traits.work_rows:
            watchers.append(WorkRows(self.board, self.timeline, self.traits))
        self.butler.watchers += [
            Late(watcher, self.timeline, self.traits.row_delay) for watcher in watchers
        ]
        self._keeper = WindowKeeper(self.butler, self.timeline, self.traits)
        self.preferences.listeners += [self._publish_setting, self.butler.on_setting]
        self.preferences.listeners.append(self._keeper.on_setting)

    @property
    def name(self) -> str:
        """Return the name that people gave the server."""
        return str(self.preferences[FRIENDLY_NAME].value)

    def catch_up(self) -> None:
        """Let everything happen that is due by the clock."""
        self.timeline.advance(self._clock.now())

    def publish(self, frame: Frame) -> None:
        """Send a notification to all who listen."""
        for listener in self.listeners:
            listener(frame)

    def restart(self, version: str | None, down_for: float = 0) -> None:
        """Forget all that runs; nothing of it is taken up again."""
        self.version = version or self.version
        self.butler.stop_all(Ending.RESTARTED)
        self._butler_sessions.clear()
        self.board.clear()
        self.sessions.clear()
        if self._rows is not None:
            self._rows.stand()
        self._keeper.on_server_start(down_for)

    def write_preferences(self, texts: dict[str, str]) -> None:
        """Change settings as a client does; raises PreferenceError."""
        self.preferences.write(texts)
        self.written_at = self.timeline.now

    def truth(self) -> dict[str, Any]:
        """Return what really goes on."""
        tasks = {
            name: {"state": str(task.state), "since": task.since}
            for name, task in self.butler.tasks.items()
        }
        return {
            "now": self.timeline.now,
            "busy": bool(self.butler.running),
            "tasks": tasks,
        }

    def _build_preferences(
        self, name: str, window: tuple[int, int] | None
    ) -> Preferences:
        old = self.traits.old_hour_labels
        settings = build_settings(self.profile.tasks, name=name, old_hour_labels=old)
        preferences = Preferences(settings)
        for setting, hour in zip((START_HOUR, END_HOUR), window or (), strict=False):
            preferences.set(setting, hour)
        return preferences

    def _build_butler(self, zone: tzinfo, seed: int) -> Butler:
        return Butler(
            self.profile.tasks,
            timeline=self.timeline,
            preferences=self.preferences,
            traits=self.traits,
            zone=zone,
            rng=Random(f"butler-{seed}"),
        )

    def _publish_row(self, event: RowEvent, row: Row) -> None:
        self._log_row(event, row)
        self.publish(activity_frame(event, row))

    def _publish_setting(self, setting: Setting) -> None:
        self.publish(preference_frame(setting))

    def _log_row(self, event: RowEvent, row: Row) -> None:
        line = {
            RowEvent.STARTED: "Activity: registered new activity {0} - {q}{1}{q}",
            RowEvent.UPDATED: "Activity: updated activity {0} - completed {2:.1f}% - {1}",
            RowEvent.ENDED: "Activity: Ended activity {0}.",
        }[event]
        self.log.write(line, row.uuid, row.title, row.progress)
