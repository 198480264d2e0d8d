"""What outlives a restart of ours, as plain data."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from ..clock import Moment
from . import models as m

type Memory = dict[str, Any]

# A server that is updated every week need not know what it could last year
VERSIONS: Final = 5
_RUN: Final = ("task", "state", "evidence", "started", "proved", "sent", "answered")
_RUN_MORE: Final = ("until", "row", "sub", "seen", "stopping")
_ENDED: Final = ("task", "result", "evidence", "started", "ended")
_MOMENTS: Final = frozenset({"started", "proved", "sent", "answered", "until", "ended"})
# What older versions said
_EVIDENCE: Final = {
    "command": "assumed",
    "notification": "observed",
    "activity": "observed",
}


def dump(state: m.RunState) -> Memory:
    """Return what is worth remembering."""
    learned = list(state.learned.items())[-VERSIONS:]
    stood = {row.content: row.changed for row in state.rows.values() if row.busy}
    runs = [
        replace(run, proved=state.now) if state.follows(run) else run
        for run in (*state.runs.values(), *state.held)
    ]
    return {
        "version": state.version,
        "learned": {
            it: asdict(has) | {"tasks": sorted(has.tasks)} for it, has in learned
        },
        "runs": [_dump(run, (*_RUN, *_RUN_MORE)) for run in runs],
        "last": [_dump(run, _ENDED) for run in state.last.values()],
        "stood": {key: since.utc.isoformat() for key, since in stood.items()},
    }


def _dump(run: m.Run | m.EndedRun, names: tuple[str, ...]) -> Memory:
    values = {name: getattr(run, name) for name in names}
    return {
        name: it.utc.isoformat() if isinstance(it, Moment) else it
        for name, it in values.items()
    }


def load(
    memory: Mapping[str, Any], now: Moment, limit: timedelta = m.DEFAULT_LIMIT
) -> m.RunState:
    """Return the state that a memory leaves; what cannot be read is forgotten.

    Its runs are held back until the server was looked at.
    """
    version = memory.get("version")
    stood = memory.get("stood")
    last = _loaded(memory, "last", m.EndedRun, now)
    return m.RunState(
        now=now,
        limit=limit,
        version=version if isinstance(version, str) else "",
        learned=_load_learned(memory.get("learned")),
        held=tuple(_loaded(memory, "runs", m.Run, now)),
        last={run.task: run for run in last},
        stood=_load_moments(stood, now) if isinstance(stood, Mapping) else {},
        gap=now,
    )


def _loaded[RunT: (m.Run, m.EndedRun)](
    memory: Mapping[str, Any], key: str, kind: Callable[..., RunT], now: Moment
) -> Iterator[RunT]:
    items = memory.get(key)
    for item in items if isinstance(items, list) else ():
        try:
            values = {
                name: item[name]
                for name in item
                if name in (*_RUN, *_RUN_MORE, *_ENDED)
            }
            for name in _MOMENTS & values.keys():
                values[name] = values[name] and _moment(values[name], now, name)
            values["task"] = str(values["task"])
            said = values["evidence"]
            values["evidence"] = m.Evidence(_EVIDENCE.get(said, said))
            if kind is m.Run:
                values["state"] = m.TaskState(values["state"])
            else:
                values["result"] = m.Result(values["result"])
            yield kind(**values)
        except AttributeError, KeyError, TypeError, ValueError, OverflowError:
            continue


def _moment(text: str, now: Moment, name: str = "") -> Moment:
    """Return a moment; one of the past remains so if the clock was set back since."""
    utc = datetime.fromisoformat(text).astimezone(UTC)
    then = now + (utc - now.utc)
    return then if name == "until" else Moment(utc, min(now.monotonic, then.monotonic))


def _load_moments(stood: Mapping[Any, Any], now: Moment) -> dict[str, Moment]:
    moments = {}
    for key, text in stood.items():
        try:
            moments[str(key)] = _moment(text, now)
        except TypeError, ValueError, OverflowError:
            continue
    return moments


def _load_learned(learned: object) -> dict[str, m.Learned]:
    found = {}
    for version, item in learned.items() if isinstance(learned, Mapping) else ():
        try:
            tasks = frozenset(map(str, item["tasks"]))
            flags = {it: item.get(it) is True for it in ("busy", "logged", "pushed")}
            known = m.Learned(tasks=tasks, **flags)
            unnamed, unlogged = (int(item.get(it, 0)) for it in ("unnamed", "unlogged"))
            found[str(version)] = replace(known, unnamed=unnamed, unlogged=unlogged)
        except AttributeError, KeyError, TypeError, ValueError:
            continue
    return found
