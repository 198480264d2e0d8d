"""A server's day told in few words, for tests of the rules about runs."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from custom_components.plex_butler.api import Activity, ActivityEvent, ButlerTask
from custom_components.plex_butler.run_state import (
    ButlerView,
    Change,
    Command,
    EndedRun,
    Moment,
    Result,
    Rules,
    Run,
    RunState,
    TaskView,
    apply,
    view,
)
from custom_components.plex_butler.schedule import Window

type Rule = Callable[..., None]

# How a server answers a command
OK: Mapping[str, Any] = {}
FAILED = {"done": False}
ALREADY_SO = {"changed": False}

MIDNIGHT = datetime(2026, 11, 22, tzinfo=UTC)

BACKUP = "BackupDatabase"
CLEAN = "CleanOldBundles"
INTROS = "ButlerTaskGenerateIntroMarkers"
REFRESH = "RefreshLibraries"

TASKS = tuple(
    ButlerTask(
        name=name,
        title=title,
        description="",
        interval=1,
        schedule_randomized=name == INTROS,
        enabled=True,
    )
    for name, title in {
        BACKUP: "Backup Database",
        CLEAN: "Clean Old Bundles",
        INTROS: "Generate Intro Markers",
        REFRESH: "Refresh Libraries",
    }.items()
)


def activity(
    title: str = "",
    subtitle: str = "",
    progress: float = 10,
    uuid: str = "u1",
    kind: str = "butler",
) -> Activity:
    """Return an activity as the server shows it."""
    said: Any = progress
    return Activity(uuid=uuid, type=kind, title=title, subtitle=subtitle, progress=said)


def own(task: str, uuid: str = "u1", progress: float = 10) -> Activity:
    """Return a row of a task's own."""
    return activity(title=task, uuid=uuid, progress=progress)


def session(task: str = "", progress: float = 0, uuid: str = "s1") -> Activity:
    """Return the row of a session."""
    return activity("Butler tasks", task, progress, uuid)


def at(seconds_of_day: float) -> datetime:
    """Return a time of the day."""
    return MIDNIGHT + timedelta(seconds=seconds_of_day)


def moment(seconds_of_day: float) -> Moment:
    """Return a moment of the day."""
    return Moment(at(seconds_of_day), 1000 + seconds_of_day)


class Story:
    """What happened so far."""

    def __init__(self, state: RunState | None = None) -> None:
        self.state = state or RunState(now=moment(0))
        # What was known after each event and each tick, and what it changed
        self.steps: list[tuple[RunState, tuple[Change, ...]]] = []
        self.tell(self.state.now, Rules.tasks_listed, tasks=TASKS)

    def tell(self, when: float | Moment, rule: Rule, **given: Any) -> Story:
        """Let something happen, after what time alone does."""
        now = when if isinstance(when, Moment) else moment(when)
        while (due := self.state.next_tick) and due < now:
            assert self.state.now < due
            self._apply(due, Rules.tick)
        self._apply(now, rule, **given)
        return self

    def _apply(self, now: Moment, rule: Rule, **given: Any) -> None:
        self.state, changes = apply(self.state, now, rule, **given)
        self.steps.append((self.state, changes))

    def wait(self, until: float) -> Story:
        """Let time pass."""
        return self.tell(until, Rules.tick)

    def see(self, when: float, *rows: Activity, asked: float | None = None) -> Story:
        """Let the server answer with its activities."""
        asked_at = moment(when if asked is None else asked)
        return self.tell(when, Rules.snapshot, rows=rows, asked=asked_at)

    def watch(self, until: int, *rows: Activity, every: int = 10) -> Story:
        """Let the server answer the same every so many seconds."""
        now = int(self.state.now.monotonic) - 1000
        for second in range(now + every, until + 1, every):
            self.see(second, *rows)
        return self

    def hear(
        self, when: float, row: Activity, told: ActivityEvent = ActivityEvent.UPDATED
    ) -> Story:
        """Let the stream tell of a row."""
        return self.tell(when, Rules.notified, event=told, row=row)

    def begin(self, when: float, row: Activity) -> Story:
        """Let the stream tell that a row began."""
        return self.hear(when, row, ActivityEvent.STARTED)

    def end(self, when: float, row: Activity) -> Story:
        """Let the stream tell that a row ended."""
        return self.hear(when, row, ActivityEvent.ENDED)

    def send(self, when: float, command: Command, task: str | None = None) -> Story:
        """Let a command be sent."""
        return self.tell(when, Rules.command_sent, command=command, task=task)

    def answer(
        self,
        when: float,
        command: Command,
        task: str | None = None,
        *,
        sent: float,
        answer: Mapping[str, Any] = OK,
    ) -> Story:
        """Let a command be answered."""
        rule = partial(Rules.command_answered, command=command, task=task, **answer)
        return self.tell(when, rule, sent=moment(sent))

    def start(
        self, when: float, task: str, answer: Mapping[str, Any] = OK, took: float = 0
    ) -> Story:
        """Have a task started."""
        self.send(when, Command.START, task)
        return self.answer(when + took, Command.START, task, sent=when, answer=answer)

    def stop(
        self, when: float, task: str | None, answer: Mapping[str, Any] = OK
    ) -> Story:
        """Have a task, or all, stopped."""
        self.send(when, Command.STOP, task)
        return self.answer(when, Command.STOP, task, sent=when, answer=answer)

    def foreign(self, when: float, command: Command, task: str | None) -> Story:
        """Let the log tell of another client's command."""
        return self.answer(when, command, task, sent=when, answer={"ours": False})

    def open_log(self, when: float) -> Story:
        """Let the log be open, and have proven that it tells."""
        return self.tell(when, Rules.log_changed, up=True)

    def log(self, when: float, task: str, uuid: str = "a1") -> Story:
        """Let the log say that a task began."""
        return self.tell(when, Rules.sub_activity_started, uuid=uuid, title=task)

    def log_end(self, when: float, uuid: str = "a1") -> Story:
        """Let the log say that a task ended."""
        return self.tell(when, Rules.sub_activity_ended, uuid=uuid)

    def open_window(self, start: int, end: int) -> Story:
        """Let the window be known."""
        window = Window(start_hour=start, end_hour=end, zone=UTC)
        return self.tell(self.state.now, Rules.window_changed, window=window)

    @property
    def view(self) -> ButlerView:
        """Return what is to be shown."""
        return view(self.state)

    @property
    def is_busy(self) -> bool:
        """Return True if Butler is shown at work."""
        return self.view.busy is True

    def task(self, name: str) -> TaskView:
        """Return what a task does."""
        return self.view.tasks[name]

    @property
    def on(self) -> set[str]:
        """Return the tasks whose switches are on."""
        return {name for name, task in self.view.tasks.items() if task.is_on}

    @property
    def changes(self) -> list[Change]:
        """Return the changes that the rules have reported so far."""
        return [change for _, changes in self.steps for change in changes]

    @property
    def started(self) -> list[Run]:
        """Return the runs whose start was told."""
        runs = (it for it in self.changes if isinstance(it, Run))
        return [run for run in runs if not run.queued]

    @property
    def ended(self) -> list[EndedRun]:
        """Return the runs that are over, be it that this is held back yet."""
        changes = (*self.changes, *self.state.held_changes)
        return [it for it in changes if isinstance(it, EndedRun)]

    @property
    def results(self) -> list[tuple[str, Result]]:
        """Return how the runs ended."""
        return [(run.task, run.result) for run in self.ended]

    @property
    def outcome(self) -> tuple[set[str], list[tuple[str, Result]]]:
        """Return the tasks that are on and not about to go off, and how runs ended."""
        about_to = {task for task, run in self.state.runs.items() if run.end}
        return self.on - about_to, self.results

    @property
    def idle(self) -> int:
        """Return how often Butler was told to be idle."""
        return self.changes.count("butler_idle")
