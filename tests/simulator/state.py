"""A whole simulated server, except for HTTP: Butler, and what goes on besides."""

from collections.abc import Callable
from datetime import tzinfo
from enum import StrEnum
from functools import partial
from random import Random
from typing import Any

from . import activities
from .butler import Butler, Ending, Late, Watcher, WindowKeeper
from .preferences import HOURS, Preferences, Setting, build_settings
from .profiles import Profile, Rows
from .timeline import Clock, Event, Timeline
from .websocket import Frame, ServerLog, playing_frame, status_frame, timeline_frame

SCAN = "library.update.section"
_ANALYSES = """
media.generate.intros media.generate.credits media.generate.loudness
media.generate.chapter.thumbs provider.subscriptions.process
"""
_STEPS = 10
# Lines of a scan and of people at home; some have names in them that mean nothing.
_LINES = """\
Request: [192.168.4.21:{} (Subnet)] GET /library/metadata/{} (9 live) #8f2 GZIP (alex)
Completed: [192.168.4.21:{}] 200 GET /library/metadata/{} (9 live) #8f2 12ms 482 bytes
Scanner: looking at /media/Films/Harbour Lane ({})/Harbour Lane {}.mkv
Scanner: skipping /media/Films/BackupDatabase ({})/BackupDatabase {}.mkv
Play progress on {} 'Nine Quiet Rooms' - got played {} ms by account 7 (alex)!
Activity: registered new sub-activity 7c0f{1:04}-0000-4000-8000-000000000001 - \
{q}Harbour Lane{q} parent: 7c0f{1:04}-0000-4000-8000-000000000000 overall progress: 50.0% (1/2)
Activity: ended sub-activity 7c0f{1:04}-0000-4000-8000-000000000001 \
parent: 7c0f{1:04}-0000-4000-8000-000000000000 overall progress: 100.0% (2/2)
""".splitlines()
_ROW_LINES = {
    activities.RowEvent.STARTED: "Activity: registered new activity {0} - {q}{1}{q}",
    activities.RowEvent.UPDATED: "Activity: updated activity {0} - completed {2:.1f}% - {1}",
    activities.RowEvent.ENDED: "Activity: Ended activity {0}.",
}


class Absence(StrEnum):
    """What a client meets while a server is not there."""

    REFUSED = "refused"
    # The connection is accepted and closed without an answer.
    HANG_UP = "hang-up"
    RESET = "reset"
    # No route leads there.
    UNREACHABLE = "unreachable"


class Outage:
    """First no request is answered, then all with 503."""

    def __init__(self, timeline: Timeline) -> None:
        self.how = Absence.REFUSED
        self._timeline = timeline
        self._refusing_until = self._starting_until = timeline.now

    @property
    def refusing(self) -> bool:
        return self._timeline.now < self._refusing_until

    @property
    def starting(self) -> bool:
        return self._timeline.now < self._starting_until

    def begin(self, refused_for: float, maintenance_for: float, how: Absence) -> None:
        """Go away for so many simulated seconds, and be ready after so many more."""
        self.how = how
        self._refusing_until = self._timeline.now + refused_for
        self._starting_until = self._refusing_until + maintenance_for
        # Nothing happens at these moments; they only have to be stopped at.
        for moment in (self._refusing_until, self._starting_until):
            self._timeline.at(moment, lambda: None)


class Sessions:
    """The streams that are open, by their keys, as the server lists them."""

    def __init__(self, publish: Callable[[Frame], None]) -> None:
        self.open: dict[str, dict[str, Any]] = {}
        self._publish = publish
        self._count = 0

    def play(self, title: str = "The Tin Orchard") -> str:
        """Begin to play; return the key of the stream."""
        self._count += 1
        key, rating_key = str(self._count), str(4000 + self._count)
        player: dict[str, Any] = {"title": "Living room", "product": "Plex for Testing"}
        player |= {"machineIdentifier": f"player-{key}", "state": "playing"}
        item = {"type": "movie", "title": title, "duration": 5_400_000, "viewOffset": 0}
        item |= {"ratingKey": rating_key, "key": f"/library/metadata/{rating_key}"}
        self.open[key] = item | {
            "sessionKey": key,
            "Player": player | {"local": True},
            "User": {"id": "1", "title": "Robin"},
            "Session": {"id": f"session-{key}", "bandwidth": 6000, "location": "lan"},
        }
        self._publish(playing_frame(key, rating_key, "playing", 0))
        return key

    def stop(self, key: str) -> None:
        """End a stream; that is pushed, and lists have it no more."""
        item = self.open.pop(key)
        self._publish(playing_frame(key, item["ratingKey"], "stopped", 0))


class Noise:
    """Ordinary activities: scans, adds, analysis; none of them is Butler's."""

    def __init__(self, state: ServerState, rng: Random) -> None:
        self._board, self._timeline = state.board, state.timeline
        self._publish, self._log = state.publish, state.log
        self._rng = rng
        self._line = 0
        self._next: Event | None = None

    def scan(self, seconds: float = 20.0) -> None:
        """Scan a library for so long."""
        self._publish(status_frame('Scanning the "Movies" section'))
        self.activity(SCAN, seconds, title="Scanning Movies")
        done = status_frame("Library scan complete")
        self._timeline.after(seconds, lambda: self._publish(done))

    def add(self, seconds: float = 8.0) -> None:
        item = self._rng.randrange(1000, 9999)
        for state, share in ((0, 0.1), (3, 0.5), (5, 1.0)):
            self._timeline.after(seconds * share, partial(self._entry, item, state))
        self.activity("library.update.item.metadata", seconds, title="Updating details")

    def activity(self, kind: str, seconds: float, *, title: str = "Working") -> None:
        """Show an activity of any type for so long."""
        uuid = self._board.new_uuid()
        self._board.begin(activities.Row(uuid=uuid, type=kind, title=title))
        for step in range(1, _STEPS):
            when = seconds * step / _STEPS
            self._timeline.after(when, partial(self._step, uuid, step))
        self._timeline.after(seconds, partial(self._board.end, uuid))

    def storm(self, count: int) -> None:
        """Send so many messages of one scan, all at once."""
        row = activities.Row(
            uuid=self._board.new_uuid(), type=SCAN, title="Scanning Movies"
        )
        self._board.begin(row)
        for number in range(count - 2):
            progress = 100 * number // count
            self._board.update(row.uuid, subtitle=f"Film {number}", progress=progress)
        self._board.end(row.uuid)

    def log_flood(self, count: int) -> None:
        """Write so many lines that are not Butler's."""
        for _ in range(count):
            self._line += 1
            text = _LINES[self._line % len(_LINES)]
            numbers = self._line % 10_000, self._line // len(_LINES) % 10_000
            self._log.write(text, *numbers)

    def ordinary_day(self, per_hour: float) -> None:
        """Make noise at random from now on, so often on average; 0 ends it."""
        if self._next is not None:
            self._next.cancel()
        self._next = None
        if per_hour > 0:
            wait = self._rng.expovariate(per_hour / 3600)
            self._next = self._timeline.after(wait, partial(self._random, per_hour))

    def _random(self, per_hour: float) -> None:
        begin = self._rng.choice((self.scan, self.add, self._analyse))
        begin(self._rng.uniform(2, 300))
        self.ordinary_day(per_hour)

    def _analyse(self, seconds: float) -> None:
        self.activity(self._rng.choice(_ANALYSES.split()), seconds)

    def _step(self, uuid: str, step: int) -> None:
        progress, subtitle = 100 * step // _STEPS, f"Item {step}"
        context = {"librarySectionID": "1"}
        self._board.update(uuid, progress=progress, subtitle=subtitle, context=context)
        self.log_flood(20)

    def _entry(self, item: int, state: int) -> None:
        now = self._timeline.now
        self._publish(timeline_frame(item, "The Tin Orchard", state, now))


class ServerState:
    """All parts of a server, driven by one clock and one seed."""

    def __init__(
        self,
        profile: Profile,
        clock: Clock,
        zone: tzinfo,
        seed: int,
        name: str,
        window: tuple[int, int] | None,
    ) -> None:
        self.profile = profile
        self.traits = traits = profile.traits
        self.listeners: list[Callable[[Frame], None]] = []
        self.written_at = float("-inf")
        self._clock = clock
        self.timeline = timeline = Timeline(clock.now())
        self.outage = Outage(timeline)
        settings = build_settings(profile, name)
        self.preferences = preferences = Preferences(settings)
        for setting, hour in zip(HOURS, window or (), strict=False):
            preferences.set(setting, hour)
        self.log = ServerLog(timeline, traits)
        rng = Random(f"butler-{seed}")
        self.butler = Butler(profile, timeline, preferences, zone, rng)
        self.board = activities.Board(Random(f"rows-{seed}"), traits, self._publish_row)
        self.sessions = Sessions(self.publish)
        self.noise = Noise(self, Random(f"noise-{seed}"))
        self._butler_sessions = activities.ButlerSessions(
            self, Random(f"session-{seed}")
        )
        watchers: list[Watcher] = [self._butler_sessions]
        kinds: dict[Rows, type[activities.RowPerTask | activities.SharedRow]] = {
            Rows.PER_TASK: activities.RowPerTask,
            Rows.SHARED: activities.SharedRow,
        }
        kind = kinds.get(traits.rows)
        self._rows = kind(self) if kind else None
        if self._rows is not None:
            watchers.append(self._rows)
        if traits.work_rows:
            watchers.append(activities.WorkRows(self))
        if delay := traits.row_delay:
            watchers = [Late(watcher, timeline, delay) for watcher in watchers]
        self.butler.watchers += watchers
        self._keeper = WindowKeeper(self.butler, timeline)
        preferences.listeners += [self._publish_setting, self.butler.on_setting]
        preferences.listeners.append(self._keeper.on_setting)

    def catch_up(self) -> None:
        self.timeline.advance(self._clock.now())

    def publish(self, frame: Frame) -> None:
        for listener in self.listeners:
            listener(frame)

    def restart(self, down_for: float = 0) -> None:
        """Forget all that runs; nothing of it is taken up again."""
        self.butler.stop_all(Ending.RESTARTED)
        self._butler_sessions.clear()
        self.board.rows.clear()
        self.sessions.open.clear()
        if self._rows is not None:
            self._rows.stand()
        self._keeper.on_server_start(down_for)

    def _publish_row(self, event: activities.RowEvent, row: activities.Row) -> None:
        self.log.write(_ROW_LINES[event], row.uuid, row.title, row.progress)
        self.publish(activities.activity_frame(event, row))

    def _publish_setting(self, setting: Setting) -> None:
        self.publish(Frame("preference", "Setting", (setting.as_dict(),)))
