"""Named kinds of servers: a version, a task list and traits."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from .task_spec import TaskSpec
from .tasks import CURRENT_TASKS, FUTURE_TASKS, LEGACY_TASKS
from .traits import Naming, Rows, SessionBegins, Standing, Traits

CURRENT_VERSION = "1.43.5.11022-9f8e7d6c5"
LEGACY_VERSION = "1.40.1.8227-c0ffee123"


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


# What these tasks work through is empty on most nights.
_NOTHING_TO_DO = frozenset(
    {
        "AutomaticUpdates",
        "ButlerTaskCleanSupplementalLogFiles",
        "ButlerTaskGenerateAdMarkers",
        "ButlerTaskGenerateVoiceActivity",
        "GarbageCollectBlobs",
        "GarbageCollectLibraryMedia",
        "GenerateBlurHashes",
        "MusicAnalysis",
        "ProcessAssets",
        "UpgradeMediaAnalysis",
    }
)

_PROFILES = (
    Profile(
        name="session",
        traits=Traits(
            rows=Rows.SESSION,
            session_begins=SessionBegins.AFTER_SERVER_START,
            nothing_to_do=_NOTHING_TO_DO,
            concurrency=1,
        ),
    ),
    # A row for each task: the clearest that a server could show, and what clients
    # believed before any log was seen.
    Profile(
        name="current",
        traits=Traits(standing=Standing.NAMELESS, work_rows=True, log_tells=False),
    ),
    # Tasks run side by side behind one row: only how many cannot be seen.
    Profile(
        name="anonymous",
        traits=Traits(rows=Rows.SHARED, naming=Naming.NOTHING, log_tells=False),
    ),
    # Nothing shows, as on a server that has no activities for its tasks.
    Profile(name="silent", traits=Traits(rows=Rows.NONE, log_tells=False)),
    # An old server's names, statuses and labels, and a title where the name could be.
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
