"""A server's day told in few words, for tests of the rules about runs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
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

# A rule, with what it is given
type Event = Callable[[Rules], None]

# How a server answers a command
OK = {"done": True}
FAILED = {"done": False}
ALREADY_SO = {"done": True, "changed": False}

MIDNIGHT = datetime(2026, 11, 22, tzinfo=UTC)

BACKUP = "BackupDatabase"
CLEAN = "CleanOldBundles"
INTROS = "ButlerTaskGenerateIntroMarkers"
REFRESH = "RefreshLibraries"


def listed(name: str, title: str, *, randomized: bool = False) -> ButlerTask:
    """Return a task as the server lists it."""
    return ButlerTask(
        name=name,
        title=title,
        description="",
        interval=1,
        schedule_randomized=randomized,
        enabled=True,
    )


TASKS = (
    listed(BACKUP, "Backup Database"),
    listed(CLEAN, "Clean Old Bundles"),
    listed(INTROS, "Generate Intro Markers", randomized=True),
    listed(REFRESH, "Refresh Libraries"),
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


def moment(seconds: float) -> Moment:
    """Return a moment of the day."""
    return Moment(MIDNIGHT + timedelta(seconds=seconds), 1000 + seconds)


def at(seconds_of_day: float) -> datetime:
    """Return a time of the day."""
    return MIDNIGHT + timedelta(seconds=seconds_of_day)


@dataclass
class Story:
    """What happened so far."""

    state: RunState = field(default_factory=lambda: RunState(now=moment(0)))
    changes: list[Change] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.tell(
            self.state.now.monotonic - 1000, partial(Rules.tasks_listed, tasks=TASKS)
        )

    def tell(self, when: float | Moment, event: Event) -> Story:
        """Let something happen, after what time alone does."""
        now = when if isinstance(when, Moment) else moment(when)
        while (due := self.state.next_tick) and due < now:
            assert self.state.now < due
            self._apply(Rules.tick, due)
        self._apply(event, now)
        return self

    def _apply(self, event: Event, now: Moment) -> None:
        self.state, changes = apply(self.state, now, event)
        self.changes += changes

    def wait(self, until: float) -> Story:
        """Let time pass."""
        return self.tell(until, Rules.tick)

    def see(self, when: float, *rows: Activity, asked: float | None = None) -> Story:
        """Let the server answer with its activities."""
        asked_at = moment(when if asked is None else asked)
        return self.tell(when, partial(Rules.snapshot, rows=rows, asked=asked_at))

    def hear(
        self, when: float, row: Activity, told: ActivityEvent = ActivityEvent.UPDATED
    ) -> Story:
        """Let the stream tell of a row."""
        return self.tell(when, partial(Rules.notified, event=told, row=row))

    def send(self, when: float, command: Command, task: str | None = None) -> Story:
        """Let a command be sent."""
        return self.tell(when, partial(Rules.command_sent, command=command, task=task))

    def answer(
        self,
        when: float,
        command: Command,
        task: str | None = None,
        *,
        sent: float,
        answer: Mapping[str, bool] = OK,
    ) -> Story:
        """Let a command be answered."""
        event = partial(
            Rules.command_answered,
            command=command,
            task=task,
            sent=moment(sent),
            done=answer["done"],
            changed=answer.get("changed", True),
        )
        return self.tell(when, event)

    def start(
        self, when: float, task: str, answer: Mapping[str, bool] = OK, took: float = 0
    ) -> Story:
        """Have a task started."""
        self.send(when, Command.START, task)
        return self.answer(when + took, Command.START, task, sent=when, answer=answer)

    def stop(
        self,
        when: float,
        task: str | None,
        answer: Mapping[str, bool] = OK,
        took: float = 0,
    ) -> Story:
        """Have a task, or all, stopped."""
        self.send(when, Command.STOP, task)
        return self.answer(when + took, Command.STOP, task, sent=when, answer=answer)

    def foreign(self, when: float, command: Command, task: str | None) -> Story:
        """Let the log tell of another client's command."""
        done = partial(Rules.command_answered, sent=moment(when), ours=False)
        return self.tell(when, partial(done, command=command, task=task))

    def open_log(self, when: float) -> Story:
        """Let the log be open, and have proven that it tells."""
        return self.tell(when, partial(Rules.log_changed, up=True))

    def log(self, when: float, task: str, uuid: str = "a1") -> Story:
        """Let the log say that a task began."""
        begun = partial(Rules.sub_activity_started, uuid=uuid, title=task)
        return self.tell(when, begun)

    def log_end(self, when: float, uuid: str = "a1") -> Story:
        """Let the log say that a task ended."""
        return self.tell(when, partial(Rules.sub_activity_ended, uuid=uuid))

    def open_window(self, start: int, end: int) -> Story:
        """Let the window be known."""
        window = Window(start_hour=start, end_hour=end, zone=UTC)
        return self.tell(self.state.now, partial(Rules.window_changed, window=window))

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
    def started(self) -> list[Run]:
        """Return the runs whose start was told."""
        runs = (it for it in self.changes if isinstance(it, Run))
        return [run for run in runs if not run.queued]

    @property
    def ended(self) -> list[EndedRun]:
        """Return the runs that are over."""
        return [it for it in self.changes if isinstance(it, EndedRun)]

    @property
    def results(self) -> list[tuple[str, Result]]:
        """Return how the runs ended."""
        return [(run.task, run.result) for run in self.ended]

    @property
    def idle(self) -> int:
        """Return how often Butler was told to be idle."""
        return self.changes.count("butler_idle")
