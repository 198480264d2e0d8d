"""The tasks that have a name, an icon and translations of ours, and the words for runs.

The server's list is what there is. A task that is not listed here works as well, under
the server's own title; one that is has defaults, a limit and patience of its own.
"""

from collections.abc import Callable, Iterable, Set as AbstractSet
import re
from typing import Final

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.translation import async_get_cached_translations

from .api import ButlerTask
from .connection import plain_text
from .const import DOMAIN

BACKUP_TASK: Final = "BackupDatabase"

# While they run, the server may not answer.
DATABASE_TASKS: Final[AbstractSet[str]] = {BACKUP_TASK, "OptimizeDatabase"}

# People start them by hand, so their switches are enabled by default.
COMMON_TASKS: Final[AbstractSet[str]] = {
    BACKUP_TASK,
    "ButlerTaskGenerateCreditsMarkers",
    "ButlerTaskGenerateIntroMarkers",
    "CleanOldBundles",
    "CleanOldCacheFiles",
    "DeepMediaAnalysis",
    "GenerateChapterThumbs",
    "GenerateMediaIndexFiles",
    "MusicAnalysis",
    "OptimizeDatabase",
    "RefreshLibraries",
    "RefreshLocalMedia",
}

# They take seconds, or minutes at most.
SHORT_TASKS: Final[AbstractSet[str]] = {
    BACKUP_TASK,
    "ButlerTaskCleanSupplementalLogFiles",
    "CleanOldBundles",
    "CleanOldCacheFiles",
    "GarbageCollectBlobs",
    "GarbageCollectLibraryMedia",
}

KNOWN_TASKS: Final[AbstractSet[str]] = {
    *COMMON_TASKS,
    *SHORT_TASKS,
    "AutomaticUpdates",
    "BuildGracenoteCollections",
    "ButlerTaskGenerateAdMarkers",
    "ButlerTaskGenerateVoiceActivity",
    "CheckForUpdates",
    "GenerateAutoTags",
    "GenerateBlurHashes",
    "LoudnessAnalysis",
    "ProcessAssets",
    "RefreshEpgGuides",
    "RefreshPeriodicMetadata",
    "UpgradeMediaAnalysis",
}


def fold(text: str) -> str:
    """Return a text for comparisons, without case and outer spaces."""
    return text.strip().casefold()


def task_key(name: str) -> str:
    """Return a server's task name the way that Home Assistant writes keys."""
    # Some names carry the prefix, some do not: the server wants each just as it is.
    name = name.removeprefix("ButlerTask")
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


@callback
def async_task_name(hass: HomeAssistant, task: ButlerTask) -> str:
    """Return a task's name in the language of Home Assistant, or the server's title."""
    if task.name not in KNOWN_TASKS:
        return plain_text(task.title)
    key = f"switch.{task_key(task.name)}.name"
    return localized(hass, key, category="entity")


def localized(
    hass: HomeAssistant, key: str, *, category: str = "common", **placeholders: object
) -> str:
    """Return a text of en.json in the language of Home Assistant.

    The recorder's thread calls this, too, for Activity.
    """
    # A language that was chosen just now is loaded in a moment; English always is.
    texts = async_get_cached_translations(
        hass, hass.config.language, category, DOMAIN
    ) or async_get_cached_translations(hass, "en", category, DOMAIN)
    return texts[f"component.{DOMAIN}.{category}.{key}"].format(**placeholders)


def how_it_went(hass: HomeAssistant, result: str, duration: float | None) -> str:
    """Return what became of a run, such as "ended after 30 s"."""
    if duration is None:
        return localized(hass, f"run_{result}")
    # Symbols are the same in all languages.
    hours, minutes = divmod(round(duration / 60), 60)
    shown = f"{hours} h {minutes} min" if hours else f"{minutes} min"
    if (seconds := round(duration)) < 60:
        shown = f"{seconds} s"
    return localized(hass, f"run_{result}_after", duration=shown)


@callback
def find_tasks(
    hass: HomeAssistant, tasks: Iterable[ButlerTask], wanted: str
) -> list[ButlerTask]:
    """Return the tasks that a person means by a name, a key of ours or a title.

    The server's own names win, so that none can be hidden by another one's title; only
    keys and titles, and names in another case, can be those of several tasks.
    """
    tasks = tuple(tasks)
    if exact := [task for task in tasks if task.name == wanted.strip()]:
        return exact
    english = async_get_cached_translations(hass, "en", "entity", DOMAIN)

    def english_name(task: ButlerTask) -> str:
        key = f"component.{DOMAIN}.entity.switch.{task_key(task.name)}.name"
        return english.get(key, task.title)

    names_fns: tuple[Callable[[ButlerTask], set[str]], ...] = (
        lambda task: {task.name},
        lambda task: {task_key(task.name)},
        lambda task: {task.title},
        lambda task: {async_task_name(hass, task), english_name(task)},
    )
    for names_fn in names_fns:
        if found := [it for it in tasks if fold(wanted) in map(fold, names_fn(it))]:
            return found
    return []
