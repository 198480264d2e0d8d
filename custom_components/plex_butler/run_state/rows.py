"""What one row can prove."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Final

from .clock import Moment
from .events import RowLike, TaskLike
from .model import KnownRow, Mute, RunState

BUTLER: Final = "butler"

# A row that has not changed for so long shows no work
STANDING_AFTER: Final = timedelta(hours=6)
# Nor does one that stands still so long after the window in which it began
STANDING_AFTER_WINDOW: Final = timedelta(minutes=15)
_STANDING_AT_LEAST: Final = STANDING_AFTER_WINDOW.total_seconds()
# Some servers show rows for a while after their task was stopped
MUTED_FOR: Final = timedelta(seconds=30)

# Ordinary scans and manual analysis have the same types: they prove no run by themselves
WORK_TYPES: Final[Mapping[str, frozenset[str]]] = {
    "library.update.section": frozenset({"RefreshLibraries"}),
    "library.update.item.metadata": frozenset(
        {"RefreshLocalMedia", "RefreshPeriodicMetadata"}
    ),
    "media.generate.intros": frozenset({"ButlerTaskGenerateIntroMarkers"}),
    "media.generate.credits": frozenset({"ButlerTaskGenerateCreditsMarkers"}),
    "media.generate.voice.activity": frozenset({"ButlerTaskGenerateVoiceActivity"}),
    "media.generate.loudness": frozenset({"LoudnessAnalysis"}),
    "media.generate.chapter.thumbs": frozenset({"GenerateChapterThumbs"}),
    "media.generate.bif": frozenset({"GenerateMediaIndexFiles"}),
    "media.generate.music.analysis": frozenset({"MusicAnalysis"}),
    "provider.epg.load": frozenset({"RefreshEpgGuides"}),
}


def names_of(tasks: Iterable[TaskLike]) -> dict[str, str]:
    """Return the texts that name one task only, case-folded."""
    owners: dict[str, set[str]] = {}
    for task in tasks:
        for text in {_fold(task.name), _fold(task.title)} - {""}:
            owners.setdefault(text, set()).add(task.name)
    return {text: owner.pop() for text, owner in owners.items() if len(owner) == 1}


def task_of(names: Mapping[str, str], row: RowLike) -> str | None:
    """Return the one task that a row names by its whole title or subtitle."""
    texts = (_fold(row.title), _fold(row.subtitle))
    tasks = {names[text] for text in texts if text in names}
    return tasks.pop() if len(tasks) == 1 else None


def key_of(row: RowLike) -> str:
    """Return what tells a row from others, even if the server left out its uuid."""
    return row.uuid or f"{row.type}\n{row.title}\n{row.subtitle}"


def is_butler(row: RowLike) -> bool:
    """Tell whether a row is Butler's own."""
    return _fold(row.type) == BUTLER


def look(
    state: RunState, row: RowLike, at: Moment, *, told: bool, heir_of: KnownRow | None
) -> KnownRow:
    """Return what is known of a row after it was seen (again).

    A server that gives its rows new uuids all the time does not make them new: a row
    takes over the age of the one (`heir_of`) whose content it has.
    """
    key = key_of(row)
    new = KnownRow(
        key=key,
        task=task_of(state.names, row),
        title=row.title,
        subtitle=row.subtitle,
        progress=row.progress,
        begun=at,
        changed=at,
        seen=at,
        told=told,
    )
    old = state.rows.get(key, heir_of)
    if old is None or old.busy != new.busy:
        return new
    changed = old.changed if old.content == new.content else at
    return replace(new, begun=old.begun, changed=changed, told=told or old.told)


def stands_from(state: RunState, row: KnownRow) -> Moment:
    """Return from when on a row proves nothing until it changes."""
    standing = row.changed + STANDING_AFTER
    if state.window is None or _commanded(state, row):
        return standing
    return min(standing, state.window.next_end(row.changed) + STANDING_AFTER_WINDOW)


def is_standing(state: RunState, row: KnownRow) -> bool:
    """Tell whether a row has stood still for too long."""
    # Asked of every row at every notification, and most have just changed
    if state.now.monotonic - row.changed.monotonic < _STANDING_AT_LEAST:
        return False
    return stands_from(state, row) <= state.now


def is_muted(state: RunState, key: str, task: str | None) -> bool:
    """Tell whether a row proves nothing of a task (None: of Butler) for now."""
    return any(key in mute.keys for mute in mutes_of(state, task))


def mutes_of(state: RunState, task: str | None) -> list[Mute]:
    """Return the stops that still silence old rows of a task."""
    return [
        mute
        for mute in state.mutes
        if mute.task in (None, task) and state.now < mute.answered + MUTED_FOR
    ]


def is_live(state: RunState, row: KnownRow) -> bool:
    """Tell whether a row proves work."""
    return (
        row.busy
        and not is_standing(state, row)
        and not is_muted(state, row.key, row.task)
    )


def live_rows(state: RunState) -> list[KnownRow]:
    """Return the rows that prove work."""
    return [row for row in state.rows.values() if is_live(state, row)]


def is_shown(state: RunState, task: str) -> bool:
    """Tell whether a row names a task as busy, be it one that proves nothing for now."""
    return any(
        row.busy and row.task == task and not is_standing(state, row)
        for row in state.rows.values()
    )


def _commanded(state: RunState, row: KnownRow) -> bool:
    """Tell whether a row may show what we commanded."""
    if state.all_started and row.changed < state.all_started + STANDING_AFTER:
        return True
    return any(
        run.sent is not None
        for run in state.runs.values()
        if not run.held and row.task in (None, run.task)
    )


def _fold(text: str) -> str:
    return text.strip().casefold()
