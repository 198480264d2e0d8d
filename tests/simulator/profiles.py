"""Kinds of servers: which tasks they have, and how they differ from each other."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from random import Random
import re
from typing import Any

CURRENT_VERSION = "1.43.5.11022-9f8e7d6c5"
LEGACY_VERSION = "1.40.1.8227-c0ffee123"
_ACCENTS = str.maketrans("aeiouAEIOU", "àéîöüÀÉÎÖÜ")


def in_server_language(title: str) -> str:
    """Return a title as a server that speaks another language has it."""
    return f"«{title.translate(_ACCENTS)}»"


@dataclass(frozen=True, kw_only=True)
class TaskSpec:
    """What a task is; `seconds` is how long a run takes, `interval` counts days."""

    name: str
    title: str
    description: str = ""
    interval: int = 1
    randomized: bool = False
    seconds: float = 60
    # The setting that switches it; without one it is always enabled.
    preference: str | None = None
    # Type and title of the activity of its own work, beside the butler row.
    work: tuple[str, str] | None = None
    # A database task holds all connections while it runs.
    locks_database: bool = False


# Name, days, seconds, setting ("own" is ButlerTask and the name; ~ for a randomised
# task), description. The first 22 are what a server of 2026 lists, in its order.
_CATALOGUE = """
OptimizeDatabase                    7  90 own  Puts the database in order so that it answers faster.
CleanOldBundles                     7  40 own  Removes bundles that no item uses any more.
AutomaticUpdates                    1  15 ~-   Looks for a new release of the server and installs it.
BackupDatabase                      3  30 own  Writes a copy of the database to the backup folder.
ButlerTaskCleanSupplementalLogFiles 1   5 -    Removes additional log files that are old.
ButlerTaskGenerateAdMarkers         1 240 GenerateAdMarkerBehavior      Finds advertisements in recordings.
ButlerTaskGenerateCreditsMarkers    1 300 GenerateCreditsMarkerBehavior Finds where the closing credits begin.
ButlerTaskGenerateIntroMarkers      1 300 GenerateIntroMarkerBehavior   Finds the opening sequences of episodes.
ButlerTaskGenerateVoiceActivity     1 240 GenerateVADBehavior           Finds where people speak, to keep subtitles in step.
CleanOldCacheFiles                  7  20 own  Removes cached files that were not asked for lately.
DeepMediaAnalysis                   1 600 own  Reads whole files to learn what bandwidth they need.
GarbageCollectBlobs                 7  25 own  Frees what the blob database no longer needs.
GarbageCollectLibraryMedia          7  35 -    Frees what deleted media left in the library.
GenerateChapterThumbs               1 180 GenerateChapterThumbBehavior  Makes a picture for every chapter.
GenerateMediaIndexFiles             1 420 GenerateBIFBehavior           Makes the pictures that are shown while seeking.
LoudnessAnalysis                    1 200 LoudnessAnalysisBehavior      Measures how loud tracks are.
MusicAnalysis                       1 200 MusicAnalysisBehavior         Compares tracks by how they sound.
ProcessAssets                       1  10 -    Works through assets that wait.
RefreshEpgGuides                    1  45 ~own Fetches what is on television.
RefreshLibraries                    1 120 own  Looks through all library folders for changes.
RefreshLocalMedia                   3  80 own  Reads local pictures and subtitles again.
UpgradeMediaAnalysis                1  70 own  Analyses files anew that an older release analysed.
BuildGracenoteCollections           7  30 -    Groups music by what the catalogue says of it.
CheckForUpdates                     1   5 ~-   Looks for a new release of the server.
GenerateAutoTags                    1 150 own  Says what is to be seen in photos.
RefreshPeriodicMetadata             1 110 ~own Fetches details again that may have changed.
"""
# Name, type and title of the activity of its own work.
_WORK_ROWS = """\
ButlerTaskGenerateCreditsMarkers media.generate.credits        Detecting credits
ButlerTaskGenerateIntroMarkers   media.generate.intros         Detecting intros
ButlerTaskGenerateVoiceActivity  media.generate.voice.activity Detecting voices
GenerateChapterThumbs            media.generate.chapter.thumbs Making chapter images
GenerateMediaIndexFiles          media.generate.bif            Making video previews
LoudnessAnalysis                 media.generate.loudness       Measuring loudness
MusicAnalysis                    media.generate.music.analysis Listening to music
RefreshEpgGuides                 provider.epg.load             Refreshing the guide
RefreshLibraries                 library.update.section        Scanning Movies
RefreshLocalMedia                library.update.item.metadata  Updating details
RefreshPeriodicMetadata          library.update.item.metadata  Updating details
"""
_WORK = {
    name: (kind, title)
    for name, kind, title in (line.split(None, 2) for line in _WORK_ROWS.splitlines())
}


def _spec(line: str) -> TaskSpec:
    name, interval, seconds, setting, description = line.split(None, 4)
    setting, randomized = setting.lstrip("~"), setting.startswith("~")
    words = re.sub("(?<=[a-z])(?=[A-Z])", " ", name.removeprefix("ButlerTask"))
    return TaskSpec(
        name=name,
        title=words.replace("Epg", "EPG"),
        description=description,
        interval=int(interval),
        randomized=randomized,
        seconds=int(seconds),
        preference={"-": None, "own": f"ButlerTask{name}"}.get(setting, setting),
        work=_WORK.get(name),
        locks_database=name in {"BackupDatabase", "OptimizeDatabase"},
    )


ALL_TASKS = {spec.name: spec for spec in map(_spec, _CATALOGUE.strip().splitlines())}
CURRENT_TASKS = tuple(ALL_TASKS.values())[:22]
_LEGACY = """
BackupDatabase BuildGracenoteCollections CheckForUpdates CleanOldBundles
CleanOldCacheFiles DeepMediaAnalysis GenerateAutoTags GenerateChapterThumbs
GenerateMediaIndexFiles OptimizeDatabase RefreshLibraries RefreshLocalMedia
RefreshPeriodicMetadata UpgradeMediaAnalysis
"""
LEGACY_TASKS = tuple(ALL_TASKS[name] for name in _LEGACY.split())
# What these tasks work through is empty on most nights.
_NOTHING_TO_DO = """
AutomaticUpdates ButlerTaskCleanSupplementalLogFiles ButlerTaskGenerateAdMarkers
ButlerTaskGenerateVoiceActivity GarbageCollectBlobs GarbageCollectLibraryMedia
MusicAnalysis ProcessAssets UpgradeMediaAnalysis
"""
# Names that no client can know, as a future release would bring them.
FUTURE_TASKS = (
    TaskSpec(name="PolishPosters", title="Polish Posters", seconds=50),
    TaskSpec(
        name="ButlerTaskCountChairs",
        title="Count Chairs (beta)",
        description="Counts the chairs in every film.",
        randomized=True,
        seconds=130,
    ),
)


# README.md says what each trait decides.
Rows = StrEnum("Rows", "SESSION PER_TASK SHARED NONE")
Naming = StrEnum("Naming", "TITLE SUBTITLE NAME NOTHING")
SessionNames = StrEnum("SessionNames", "SUBTITLE NOTHING CHILDREN")
SessionBegins = StrEnum("SessionBegins", "WINDOW AFTER_SERVER_START FIRST_START")
SessionEnds = StrEnum("SessionEnds", "LAST_TASK WINDOW NEVER")
ByHand = StrEnum("ByHand", "QUEUES BESIDE OWN_SESSION")
LogFormat = StrEnum("LogFormat", "LIST FIELD TWICE TEXT")


def _drawn(draw: Callable[[Random], Any], *, default: Any) -> Any:
    """Return a field of which drawn servers have another value."""
    return field(default=default, metadata={"draw": draw})


def _one_of(default: Any, choices: Iterable[Any], weights: Any = None) -> Any:
    if weights is None:
        return _drawn(lambda rng: rng.choice(list(choices)), default=default)
    return _drawn(lambda rng: rng.choices(list(choices), weights)[0], default=default)


def _maybe(chance: float = 0.25, *, default: bool) -> Any:
    return _drawn(lambda rng: (rng.random() < chance) is not default, default=default)


@dataclass(frozen=True, kw_only=True)
class Traits:
    """One way in which a server may behave; all times in simulated seconds."""

    # What shows.
    rows: Rows = _one_of(Rows.PER_TASK, Rows, (6, 2, 2, 2))
    naming: Naming = _one_of(Naming.TITLE, Naming)
    standing: bool = _one_of(default=False, choices=(False, True))
    foreign_rows: bool = _maybe(default=False)
    progress_known: bool = _maybe(default=True)
    progress_interval: float = _one_of(2.0, (1.0, 2.0, 10.0, 60.0))
    row_delay: float = _one_of(0.0, (0.0, 0.0, 0.0, 0.0, 2.0, 8.0))
    phases: int = _one_of(1, (1, 1, 3))
    # 0 is one row for all phases.
    phase_gap: float = _one_of(0.0, (0.0, 0.05))
    linger_after_stop: float = _one_of(0.0, (0.0, 0.0, 3.0, 20.0))
    work_rows: bool = _maybe(0.5, default=False)

    # The row of a session.
    session_names: SessionNames = _one_of(SessionNames.SUBTITLE, SessionNames)
    session_begins: SessionBegins = _one_of(SessionBegins.WINDOW, SessionBegins)
    session_ends: SessionEnds = _one_of(SessionEnds.LAST_TASK, SessionEnds, (7, 2, 1))
    session_lingers: float = _one_of(1.0, (0.0, 0.5, 1.0, 5.0))
    subtitle_stays: bool = _maybe(default=True)
    rounds_percent: bool = _maybe(0.5, default=False)

    # What is pushed.
    pushes_rows: bool = _maybe(default=True)
    pushes_ended: bool = _maybe(default=True)

    # What commands do.
    ignored_starts: float = _one_of(0.0, (0.0, 0.0, 0.2))
    starts_disabled: bool = _maybe(default=True)
    starts_not_due: bool = _maybe(default=True)
    queues_single_start: bool = _drawn(lambda rng: rng.random() < 0.5, default=True)
    activity_header: bool = _maybe(default=False)

    # The stream of the server's log.
    log_tells: bool = _maybe(default=True)
    log_refused: int | None = _one_of(None, (None,) * 9 + (0, 400, 404))
    log_format: LogFormat = _one_of(LogFormat.LIST, LogFormat)
    log_quotes: bool = _maybe(default=True)
    log_prefix: bool = _maybe(0.5, default=False)
    log_batches: bool = _maybe(0.5, default=False)

    # How tasks run; concurrency None is no limit.
    by_hand: ByHand = _one_of(ByHand.QUEUES, ByHand)
    nothing_to_do: frozenset[str] = frozenset()
    concurrency: int | None = _one_of(None, (None, 1, 2, 3))
    duration_spread: float = _one_of(0.0, (0.0, 0.3, 0.9))
    stops_at_window_end: bool = _maybe(0.5, default=False)
    equal_hours_open: bool = _maybe(0.5, default=False)
    hangs_on_database: bool = _maybe(default=False)

    # How it answers. An unclaimed server knows no token.
    claimed: bool = True
    not_owner_status: int = _one_of(403, (401, 403))
    maintenance_json: bool = _maybe(0.5, default=False)
    loose_types: bool = _maybe(default=False)
    old_hour_labels: bool = _maybe(default=False)
    preferences_settle: float = _one_of(0.0, (0.0, 0.0, 0.7))
    unknown_preference_status: int = _one_of(400, (400, 403))

    @classmethod
    def draw(cls, rng: Random) -> Traits:
        """Return a mix that the generator chose; the same state, the same mix."""
        drawn: dict[str, Any] = {}
        for trait in fields(cls):
            if trait.name == "concurrency" and drawn["rows"] is Rows.SESSION:
                # Within a session, tasks run strictly one after another.
                drawn[trait.name] = 1
            elif draw := trait.metadata.get("draw"):
                drawn[trait.name] = draw(rng)
        return cls(**drawn)


@dataclass(frozen=True, kw_only=True)
class Profile:
    """A kind of server."""

    name: str
    version: str = CURRENT_VERSION
    tasks: tuple[TaskSpec, ...] = CURRENT_TASKS
    traits: Traits = field(default_factory=Traits)

    def with_traits(self, **changes: Any) -> Profile:
        """Return the same server with some traits changed."""
        return replace(self, traits=replace(self.traits, **changes))


_PROFILES = (
    Profile(
        name="session",
        traits=Traits(
            rows=Rows.SESSION,
            session_begins=SessionBegins.AFTER_SERVER_START,
            nothing_to_do=frozenset(_NOTHING_TO_DO.split()),
            concurrency=1,
        ),
    ),
    Profile(
        name="current",
        traits=Traits(standing=True, work_rows=True, log_tells=False),
    ),
    Profile(
        name="anonymous",
        traits=Traits(rows=Rows.SHARED, naming=Naming.NOTHING, log_tells=False),
    ),
    Profile(name="silent", traits=Traits(rows=Rows.NONE, log_tells=False)),
    Profile(
        name="legacy",
        version=LEGACY_VERSION,
        tasks=LEGACY_TASKS,
        traits=Traits(
            rows=Rows.SHARED,
            naming=Naming.SUBTITLE,
            log_tells=False,
            concurrency=1,
            not_owner_status=401,
            old_hour_labels=True,
            unknown_preference_status=403,
        ),
    ),
)
PROFILES = {profile.name: profile for profile in _PROFILES}


def draw_profile(seed: int) -> Profile:
    """Return a server that the seed chose; the same seed, the same server."""
    rng = Random(f"profile-{seed}")
    listed = rng.choice((CURRENT_TASKS, LEGACY_TASKS))
    kept = tuple(spec for spec in listed if rng.random() < 0.9)
    idle = frozenset(spec.name for spec in kept if rng.random() < 0.4)
    return Profile(
        name=f"drawn-{seed}",
        version=rng.choice((CURRENT_VERSION, LEGACY_VERSION)),
        tasks=kept + FUTURE_TASKS[: rng.randrange(len(FUTURE_TASKS) + 1)],
        traits=replace(Traits.draw(rng), nothing_to_do=idle),
    )
