"""What our commands and their answers prove."""

from dataclasses import replace

from .clock import Moment
from .events import Answer, Command, CommandAnswered, CommandSent
from .model import Evidence, Mute, Result, Run, TaskState
from .rows import mutes_of
from .step import Step, is_for


def sent(step: Step, event: CommandSent) -> None:
    """Remember when a command was sent: what is seen from now on may be its doing."""
    key = (event.command, event.task)
    step.state = replace(step.state, pending={key: step.now, **step.state.pending})


def answered(step: Step, event: CommandAnswered) -> None:
    """Take the server's word for what it did."""
    sent_at = min(event.sent, step.now)
    restarted = step.state.restarted
    if event.answer is not Answer.FAILED and not (restarted and sent_at < restarted):
        _believe(step, event, sent_at)
    pending = dict(step.state.pending)
    pending.pop((event.command, event.task), None)
    step.state = replace(step.state, pending=pending)
    step.poke()


def _believe(step: Step, event: CommandAnswered, sent_at: Moment) -> None:
    match (event.command, event.task, event.answer):
        case (Command.START, str(task), Answer.OK):
            _started(step, task, sent_at)
        case (Command.START, str(task), Answer.ALREADY_RUNNING):
            _was_running(step, task, sent_at)
        case (Command.STOP, str(task), Answer.OK):
            _stopped(step, task, sent_at, Result.STOPPED)
        case (Command.STOP, str(task), Answer.NOT_RUNNING):
            _stopped(step, task, sent_at, Result.LOST)
        case (Command.STOP_ALL, _, Answer.OK):
            _stopped(step, None, sent_at, Result.STOPPED)
        case (Command.START_ALL, _, Answer.OK):
            # Which tasks were due, only the server knows
            step.state = replace(step.state, all_started=step.now)


def _started(step: Step, task: str, sent_at: Moment) -> None:
    """Believe that a task was started now, or put on the queue."""
    last = step.state.last.get(task)
    if last and last.started and sent_at <= last.started:
        # So short that it ended before the answer came
        return
    if any(sent_at <= mute.sent for mute in mutes_of(step.state, task)):
        # A stop overtook it
        return
    run = step.state.runs.get(task)
    if run and (sent_at <= run.proved or run.state is TaskState.QUEUED):
        # Seen since, or still on the queue
        step.put(replace(run, sent=run.sent or sent_at, held=False))
        return
    if run:
        # Had it gone on, the answer had been another
        step.lose(run, sent_at)
    run = _assumed(step, task, sent_at, started=sent_at)
    if until := _queued_until(step, task):
        run = replace(run, state=TaskState.QUEUED, started=None, until=until)
    step.begin(run)


def _queued_until(step: Step, task: str) -> Moment | None:
    """Return the end of the window if the server starts the task when it likes."""
    window = step.state.window
    if window and step.state.tasks.get(task) and window.is_open(step.now.utc):
        return window.next_end(step.now)
    return None


def _was_running(step: Step, task: str, sent_at: Moment) -> None:
    """Believe that a task ran already, for who knows how long."""
    last = step.state.last.get(task)
    if (run := step.state.runs.get(task)) is None:
        if last is None or last.ended < sent_at:
            step.begin(_assumed(step, task, sent_at, started=None))
        return
    run = replace(run, proved=step.now, sent=run.sent or sent_at, held=False)
    if run.state is TaskState.QUEUED:
        step.begin(replace(run, state=TaskState.RUNNING, until=None))
    else:
        step.put(run)


def _assumed(step: Step, task: str, sent_at: Moment, started: Moment | None) -> Run:
    return Run(
        task=task,
        state=TaskState.RUNNING,
        evidence=Evidence.COMMAND,
        started=started,
        proved=step.now,
        sent=sent_at,
    )


def _stopped(step: Step, task: str | None, sent_at: Moment, result: Result) -> None:
    """Believe that a task (None: all) runs no more, whatever old rows still show."""
    for run in list(step.state.runs.values()):
        if task in (None, run.task) and is_for(run, sent_at):
            step.end(run, result, step.now, Evidence.COMMAND)
    mute = Mute(
        task=task, keys=frozenset(step.state.rows), sent=sent_at, answered=step.now
    )
    step.state = replace(step.state, mutes=(*step.state.mutes, mute))
