"""What outlives a restart of Home Assistant, as plain data."""

from collections.abc import Iterator, Mapping
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final, get_args, get_type_hints

from . import models as m
from .models import Moment

type Memory = dict[str, Any]

# A server that is updated every week need not know what it could last year
VERSIONS: Final = 5
# How far a run is, and an end not yet decided, is known anew
_UNKEPT: Final = ("end", "end_final_at", "progress")
# What older versions of the integration said
_EVIDENCE: Final = {
    "command": "assumed",
    "notification": "observed",
    "activity": "observed",
}


def dump(state: m.RunState) -> Memory:
    """Return what is worth remembering."""
    runs = [
        replace(run, proved=state.now) if state.follows(run) else run
        for run in (*state.runs.values(), *state.restored)
    ]
    learned = [*state.learned.items()][-VERSIONS:]
    unchanged = [row for row in state.rows.values() if row.busy]
    return {
        "version": state.version,
        "learned": {version: _plain(known) for version, known in learned},
        "runs": [_plain(run) for run in runs],
        "last": [_plain(run) for run in state.last.values()],
        "stood": {row.content: row.changed.utc.isoformat() for row in unchanged},
    }


def _plain(thing: m.Capabilities | m.Run | m.EndedRun) -> Memory:
    values = {it.name: getattr(thing, it.name) for it in fields(thing)}
    for name, value in values.items():
        if isinstance(value, Moment):
            values[name] = value.utc.isoformat()
        elif isinstance(value, frozenset):
            values[name] = sorted(value)
    return {name: value for name, value in values.items() if name not in _UNKEPT}


def load(
    memory: Mapping[str, Any], now: Moment, limit: timedelta = m.DEFAULT_LIMIT
) -> m.RunState:
    """Return the state that a memory leaves; what cannot be read is forgotten.

    Its runs are held back until the server was looked at.
    """
    version = memory.get("version")
    last = _read(m.EndedRun, memory.get("last"), now)
    return m.RunState(
        now=now,
        limit=limit,
        version=version if isinstance(version, str) else "",
        learned=dict(_read(m.Capabilities, memory.get("learned"), now)),
        restored=tuple(run for _, run in _read(m.Run, memory.get("runs"), now)),
        last={run.task: run for _, run in last},
        unchanged=dict(_read(Moment, memory.get("stood"), now)),
        gap=now,
    )


def _read[T](kind: type[T], items: object, now: Moment) -> Iterator[tuple[str, T]]:
    """Yield what can be read of a list or mapping of plain data, with its key."""
    if isinstance(items, list):
        items = dict(enumerate(items))
    hints = get_type_hints(kind)
    for key, item in items.items() if isinstance(items, dict) else ():
        try:
            if kind is Moment:
                yield str(key), _value(kind, item, now)
            else:
                names = item.keys() & hints.keys() - {*_UNKEPT}
                values = {it: _value(hints[it], item[it], now, it) for it in names}
                yield str(key), kind(**values)
        except AttributeError, KeyError, TypeError, ValueError, OverflowError:
            continue


def _value(hint: Any, value: Any, now: Moment, name: str = "") -> Any:
    if hint == frozenset[str]:
        return frozenset(map(str, value))
    kind, *none = get_args(hint) or (hint,)
    if none and value is None:
        return None
    if kind is m.Evidence:
        return kind(_EVIDENCE.get(value, value))
    if kind is not Moment:
        return kind(value)
    utc = datetime.fromisoformat(value).astimezone(UTC)
    then = now + (utc - now.utc)
    # One of the past remains so if the clock was set back since
    return then if name == "until" else Moment(utc, min(now.monotonic, then.monotonic))
