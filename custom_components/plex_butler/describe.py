"""What is known of a task's runs, as automations and people read it."""

from typing import Any, Final

from .run_state import EndedRun, TaskView

IDLE: Final = TaskView()


def describe(task: TaskView) -> dict[str, Any]:
    """Return what a task is doing, how that is known, and what it did last."""
    return {
        "state": task.state,
        "evidence": task.evidence,
        "since": task.since,
        "progress": task.progress,
        "last_run": describe_run(task.last) if task.last else None,
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
