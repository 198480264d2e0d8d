"""What outlives a restart of Home Assistant, as plain data."""

from collections.abc import Mapping
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final, get_args, get_type_hints

from . import models as m
from .models import Moment

type Memory = dict[str, Any]

# How far a run is, an end not yet decided, and whether Butler is at work: known anew
_UNKEPT: Final = ("end", "progress", "waited")


def dump(state: m.RunState) -> Memory:
    """Return what is worth remembering."""
    runs = [
        replace(run, proved=state.now) if state.follows(run) else run
        for run in state.runs.values()
    ]
    return {
        "version": state.version,
        "known": _plain(state.known),
        "runs": [_plain(run) for run in runs],
        "last": [_plain(run) for run in state.last.values()],
        "stood": {
            row.content: row.changed.utc.isoformat()
            for row in state.rows.values()
            if row.busy
        },
    }


def _plain(thing: m.Capabilities | m.Run | m.EndedRun) -> Memory:
    values = {it.name: getattr(thing, it.name) for it in fields(thing)}
    return {
        name: value.utc.isoformat() if isinstance(value, Moment) else value
        for name, value in values.items()
        if name not in _UNKEPT
    }


def load(
    memory: Mapping[str, Any], now: Moment, limit: timedelta = m.DEFAULT_LIMIT
) -> m.RunState:
    """Return the state that a memory leaves; one that cannot be read is forgotten."""
    state = m.RunState(now=now, limit=limit, gap=now)
    try:
        runs = [_read(m.Run, it, now) for it in memory.get("runs", ())]
        last = [_read(m.EndedRun, it, now) for it in memory.get("last", ())]
        return replace(
            state,
            version=str(memory.get("version", "")),
            known=_read(m.Capabilities, memory.get("known", {}), now),
            # Whether a row still shows a run is seen at the first look
            runs={it.task: replace(it, proved=now) if it.row else it for it in runs},
            last={run.task: run for run in last},
            unchanged={
                content: _value(Moment, since, now)
                for content, since in memory.get("stood", {}).items()
            },
        )
    except AttributeError, KeyError, TypeError, ValueError, OverflowError:
        return state


def _read[T](kind: type[T], item: Memory, now: Moment) -> T:
    hints = get_type_hints(kind)
    return kind(**{it: _value(hints[it], item[it], now) for it in item.keys() & hints})


def _value(hint: Any, value: Any, now: Moment) -> Any:
    kind, *none = get_args(hint) or (hint,)
    if none and value is None:
        return None
    if kind is not Moment:
        return kind(value)
    utc = datetime.fromisoformat(value).astimezone(UTC)
    then = now + (utc - now.utc)
    # One of the past remains so if the clock was set back since
    return Moment(utc, min(now.monotonic, then.monotonic))
