"""The task lists of servers."""

from __future__ import annotations

from .catalogue import CATALOGUE
from .task_spec import TaskSpec

ALL_TASKS = {spec.name: spec for spec in CATALOGUE}

# What a server of 2026 lists, in its order; the catalogue begins with these.
CURRENT_TASKS = CATALOGUE[:22]

LEGACY_TASKS = tuple(
    ALL_TASKS[name]
    for name in (
        "BackupDatabase",
        "BuildGracenoteCollections",
        "CheckForUpdates",
        "CleanOldBundles",
        "CleanOldCacheFiles",
        "DeepMediaAnalysis",
        "GenerateAutoTags",
        "GenerateChapterThumbs",
        "GenerateMediaIndexFiles",
        "OptimizeDatabase",
        "RefreshLibraries",
        "RefreshLocalMedia",
        "RefreshPeriodicMetadata",
        "UpgradeMediaAnalysis",
    )
)

# Names that no client can know, as a future release would bring them.
FUTURE_TASKS = (
    TaskSpec(
        name="PolishPosters",
        title="Polish Posters",
        description="Makes posters shine.",
        seconds=50,
    ),
    TaskSpec(
        name="ButlerTaskCountChairs",
        title="Count Chairs (beta)",
        description="Counts the chairs in every film.",
        randomized=True,
        seconds=130,
    ),
)
