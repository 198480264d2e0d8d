"""What is known of a task's runs, as automations and people read it."""

from typing import Any, Final

from .api import ButlerTask
from .outcomes import Outcome, TaskResult
from .run_state import EndedRun, Evidence, Result, Run, TaskView

IDLE: Final = TaskView()

# What the server's answer alone tells
_ANSWERED: Final = frozenset({TaskResult.STOPPED, TaskResult.NOT_RUNNING})


def describe(task: TaskView) -> dict[str, Any]:
    """Return what a task is doing, how that is known, and what it did last."""
    return {
        "state": task.state,
        "evidence": task.evidence,
        "since": task.since,
        "progress": task.progress,
        "last_run": describe_run(task.last) if task.last else None,
    }


def describe_outcome(task: ButlerTask, outcome: Outcome) -> dict[str, Any]:
    """Return what became of a task; `duration` is in seconds."""
    return {
        "name": task.name,
        "title": task.title,
        "result": outcome.result,
        **_describe_run_of(outcome),
    }


def _describe_run_of(outcome: Outcome) -> dict[str, Any]:
    """Return what is known of the run; when one ended that was lost is a guess at best."""
    described: dict[str, Any] = dict.fromkeys(
        ("evidence", "started_at", "ended_at", "duration")
    )
    match outcome.run:
        case EndedRun() as run:
            described |= describe_run(run)
            is_lost = described.pop("result") is Result.LOST
            if is_lost and run.evidence is not Evidence.INFERRED:
                described["ended_at"] = None
        case Run() as run:
            described |= describe_begun(run)
        case None if outcome.result in _ANSWERED:
            described["evidence"] = Evidence.ASSUMED
    return described


def describe_begun(run: Run) -> dict[str, Any]:
    """Return what is known of a run that goes on."""
    return {
        "evidence": run.evidence,
        "started_at": run.started.utc if run.started else None,
    }


def describe_run(run: EndedRun) -> dict[str, Any]:
    """Return how a run went; `duration` is in seconds, None where it is not known."""
    return {
        "result": run.result,
        "evidence": run.evidence,
        "started_at": run.started_at,
        "ended_at": run.ended_at,
        "duration": run.duration.total_seconds() if run.duration else None,
    }
