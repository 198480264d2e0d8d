"""What outlives a restart of ours, as plain data."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from .clock import Moment
from .model import (
    DEFAULT_LIMIT,
    Company,
    EndedRun,
    Evidence,
    Learned,
    Result,
    Run,
    RunState,
    TaskState,
)

type Memory = dict[str, Any]

# A server that is updated every week need not know what it could last year
VERSIONS: Final = 5


def dump(state: RunState) -> Memory:
    """Return what is worth remembering."""
    return {
        "version": state.version,
        "learned": {
            version: {
                "tasks": sorted(known.tasks),
                "busy": known.busy,
                "nameless": known.nameless,
                "pushed": known.pushed,
                "parallel": known.parallel,
            }
            for version, known in list(state.learned.items())[-VERSIONS:]
        },
        "runs": [_dump_run(run) for run in state.runs.values()],
        "last": [_dump_ended(run) for run in state.last.values()],
    }


def _dump_run(run: Run) -> Memory:
    return {
        "task": run.task,
        "state": run.state,
        "evidence": run.evidence,
        "started": _dump_moment(run.started),
        "proved": _dump_moment(run.proved),
        "until": _dump_moment(run.until),
        "company": run.company,
    }


def _dump_ended(run: EndedRun) -> Memory:
    return {
        "task": run.task,
        "result": run.result,
        "evidence": run.evidence,
        "started": _dump_moment(run.started),
        "ended": _dump_moment(run.ended),
    }


def _dump_moment(moment: Moment | None) -> str | None:
    return moment.utc.isoformat() if moment else None


def load(
    memory: Mapping[str, Any], now: Moment, limit: timedelta = DEFAULT_LIMIT
) -> RunState:
    """Return the state that a memory leaves; what cannot be read is forgotten.

    Its open runs are held: not shown until a snapshot or a notification says more.
    """
    runs = [_load_run(item, now) for item in _items(memory, "runs")]
    last = [_load_ended(item, now) for item in _items(memory, "last")]
    version = memory.get("version")
    return RunState(
        now=now,
        limit=limit,
        version=version if isinstance(version, str) else "",
        learned=_load_learned(memory.get("learned")),
        runs={run.task: run for run in runs if run},
        last={run.task: run for run in last if run},
    )


def _items(memory: Mapping[str, Any], key: str) -> Iterator[Mapping[str, Any]]:
    items = memory.get(key)
    if isinstance(items, list):
        yield from (item for item in items if isinstance(item, Mapping))


def _load_learned(learned: object) -> dict[str, Learned]:
    if not isinstance(learned, Mapping):
        return {}
    return {
        version: Learned(
            tasks=frozenset(filter(None, map(str, item.get("tasks", ())))),
            busy=item.get("busy") is True,
            nameless=item.get("nameless") is True,
            pushed=item.get("pushed") is True,
            parallel=item.get("parallel") is True,
        )
        for version, item in learned.items()
        if isinstance(item, Mapping) and isinstance(item.get("tasks"), list)
    }


def _load_run(item: Mapping[str, Any], now: Moment) -> Run | None:
    try:
        proved = _load_moment(item["proved"], now)
        until = item["until"] and _load_end(item["until"], now)
        return Run(
            task=str(item["task"]),
            state=TaskState(item["state"]),
            evidence=Evidence(item["evidence"]),
            started=item["started"] and _load_moment(item["started"], now),
            proved=proved,
            sent=proved,
            until=until,
            company=Company(item["company"]),
            held=True,
        )
    except KeyError, TypeError, ValueError, OverflowError:
        return None


def _load_ended(item: Mapping[str, Any], now: Moment) -> EndedRun | None:
    try:
        return EndedRun(
            task=str(item["task"]),
            result=Result(item["result"]),
            evidence=Evidence(item["evidence"]),
            started=item["started"] and _load_moment(item["started"], now),
            ended=_load_moment(item["ended"], now),
        )
    except KeyError, TypeError, ValueError, OverflowError:
        return None


def _load_moment(text: str, now: Moment) -> Moment:
    """Return a moment of the past, even if the clock was set back since."""
    utc = datetime.fromisoformat(text).astimezone(UTC)
    return Moment(utc, min(now.monotonic, (now + (utc - now.utc)).monotonic))


def _load_end(text: str, now: Moment) -> Moment:
    return now + (datetime.fromisoformat(text).astimezone(UTC) - now.utc)
