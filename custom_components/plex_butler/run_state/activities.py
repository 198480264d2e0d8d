"""What a row of the server's activities names, and what it proves."""

from collections.abc import Mapping
from datetime import timedelta
from hashlib import blake2s
from typing import Final

from ..api import Activity
from .models import Moment, RunState, TrackedActivity

BUTLER: Final = "butler"
# A session's row, whose progress is that of all its tasks together
SESSION: Final = "butler tasks"
# A row that has not changed for so long shows no work; an analysis of 144 min is known
STANDING_AFTER: Final = timedelta(hours=12)
STANDING_SECONDS: Final = STANDING_AFTER.total_seconds()
# No server shows so many rows of Butler's; of more, those that name a task are kept
MAX_ROWS: Final = 64


def fold(text: str) -> str:
    """Return a text as it is compared with others."""
    return text.strip().casefold()


def key_of(row: Activity) -> str:
    """Return what tells a row from others, even if the server left out its uuid."""
    return row.uuid or f"{row.type}\n{row.title}\n{row.subtitle}"


def look(state: RunState, row: Activity, at: Moment, *, told: bool) -> TrackedActivity:
    """Return what is known of a row that was seen (again); a new uuid is no change."""
    title, subtitle, key = fold(row.title), fold(row.subtitle), key_of(row)
    named = {state.names.get(title), state.names.get(subtitle)} - {None}
    task = named.pop() if len(named) == 1 else None
    said = f"{title}\n{subtitle}\n{row.progress:g}".encode(errors="replace")
    content, session = blake2s(said, digest_size=8).hexdigest(), title == SESSION
    since, changed = at, state.unchanged.get(content, at)
    old = state.rows.get(key)
    if old and not old.ended:
        same = old.content == content
        changed = old.changed if same else at
        # A session's row changes when one of its tasks begins or ends, and only then
        alike = old.task == task and old.busy == (row.progress < 100)
        if same or (alike and not session):
            since = old.since
    return TrackedActivity(
        key=key,
        task=task,
        is_own=task is not None and title in state.names,
        is_session=session,
        content=content,
        progress=row.progress,
        since=since,
        changed=changed,
        seen=at,
        told=told or bool(old and old.told),
    )


def keep(
    rows: Mapping[str, TrackedActivity], row: TrackedActivity
) -> dict[str, TrackedActivity]:
    """Return the rows with this one as the newest, and no more than the bound."""
    kept = {key: it for key, it in rows.items() if key != row.key} | {row.key: row}
    if len(kept) > MAX_ROWS:
        nameless = (key for key, it in kept.items() if not it.task)
        kept.pop(next(nameless, next(iter(kept))))
    return kept


def shows(row: TrackedActivity, now: Moment) -> bool:
    """Return True if a row shows work, be it work that a stop has put in doubt."""
    # Asked of every row at every notification: no more than a comparison of numbers
    return row.busy and now.monotonic < row.changed.monotonic + STANDING_SECONDS


def is_shown(state: RunState, task: str) -> bool:
    """Return True if a row names a task as busy, be it one that proves nothing yet."""
    rows = state.rows.values()
    return any(row.task == task and shows(row, state.now) for row in rows)
