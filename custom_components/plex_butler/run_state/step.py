"""One step from a state to the next: runs begin and end here and only here."""

from dataclasses import replace

from .clock import Moment
from .events import Change, Command, RunEnded, RunQueued, RunStarted
from .model import (
    EndedRun,
    Evidence,
    KnownRow,
    Learned,
    Result,
    Run,
    RunState,
    TaskState,
)


class Step:
    """A state on its way to the next, and what changed."""

    def __init__(self, state: RunState, now: Moment) -> None:
        # A clock that runs backwards must not undo what was known
        self.now = max(state.now, now)
        self.state = replace(state, now=self.now)
        self.changes: list[Change] = []

    def put(self, run: Run) -> None:
        """Take note of what is known of a run."""
        self.state = replace(self.state, runs={**self.state.runs, run.task: run})

    def put_row(self, row: KnownRow) -> None:
        """Take note of what is known of a row."""
        self.state = replace(self.state, rows={**self.state.rows, row.key: row})

    def learn(self, known: Learned) -> None:
        """Take note of what this version of the server has shown."""
        if known != self.state.known:
            learned = {**self.state.learned, self.state.version: known}
            self.state = replace(self.state, learned=learned)

    def poke(self) -> None:
        """Take note that a snapshot should look at what happened."""
        self.state = replace(self.state, poked=self.now)

    def begin(self, run: Run) -> None:
        """Begin a run, which cannot have begun before the last of its task ended."""
        last = self.state.last.get(run.task)
        if run.started and last:
            run = replace(run, started=max(run.started, last.ended))
        self.put(run)
        queued = run.state is TaskState.QUEUED
        self.changes.append(RunQueued(run) if queued else RunStarted(run))

    def end(
        self, run: Run, result: Result, at: Moment, evidence: Evidence | None = None
    ) -> None:
        """End a run; if we are just having it stopped, its end is our doing."""
        if result is Result.ENDED and self._is_being_stopped(run):
            result = Result.STOPPED
        ended = EndedRun(
            task=run.task,
            result=result,
            evidence=evidence or run.evidence,
            started=run.started,
            ended=max(at, run.started or at),
        )
        self.state = replace(
            self.state,
            runs={task: it for task, it in self.state.runs.items() if task != run.task},
            last={**self.state.last, run.task: ended},
        )
        self.changes.append(RunEnded(ended, ran=run.state is TaskState.RUNNING))

    def lose(self, run: Run, at: Moment | None = None) -> None:
        """End a run whose end was not seen."""
        self.end(run, Result.LOST, at or self.now)

    def _is_being_stopped(self, run: Run) -> bool:
        stops = ((Command.STOP, run.task), (Command.STOP_ALL, None))
        return any(
            is_for(run, sent)
            for stop in stops
            if (sent := self.state.pending.get(stop)) is not None
        )


def is_for(run: Run, stop_sent: Moment) -> bool:
    """Tell whether a stop means this run, and not one that we began after it."""
    return run.sent is None or run.sent <= stop_sent
