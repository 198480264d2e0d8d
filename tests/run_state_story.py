"""A server's day told in few words, for tests of the rules about runs."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from custom_components.plex_butler.run_state import (
    Answer,
    ButlerState,
    ButlerView,
    Change,
    Command,
    CommandAnswered,
    CommandSent,
    EndedRun,
    Event,
    Moment,
    Notified,
    PushMissed,
    Result,
    Run,
    RunEnded,
    RunStarted,
    RunState,
    Snapshot,
    TasksListed,
    TaskView,
    Tick,
    Told,
    Window,
    WindowChanged,
    apply,
    next_deadline,
    view,
)

MIDNIGHT = datetime(2026, 11, 22, tzinfo=UTC)
ZONE = ZoneInfo("Europe/Berlin")

BACKUP = "BackupDatabase"
CLEAN = "CleanOldBundles"
INTROS = "ButlerTaskGenerateIntroMarkers"
REFRESH = "RefreshLibraries"


@dataclass(frozen=True, kw_only=True)
class Task:
    """A task as the server lists it."""

    name: str
    title: str
    schedule_randomized: bool = False


@dataclass(frozen=True, kw_only=True)
class Row:
    """An activity as the server shows it."""

    uuid: str = "u1"
    type: str = "butler"
    title: str = ""
    subtitle: str = ""
    progress: float = 10


TASKS = (
    Task(name=BACKUP, title="Backup Database"),
    Task(name=CLEAN, title="Clean Old Bundles"),
    Task(name=INTROS, title="Generate Intro Markers", schedule_randomized=True),
    Task(name=REFRESH, title="Refresh Libraries"),
)

STANDING = Row(uuid="standing", progress=100)
NAMELESS = Row(uuid="nameless", title="Butler Tasks")


def row(task: str, uuid: str = "u1", progress: float = 10) -> Row:
    """Return a busy row that names a task."""
    title = next(it.title for it in TASKS if it.name == task)
    return Row(uuid=uuid, title=title, progress=progress)


def moment(seconds: float) -> Moment:
    """Return a moment of the day."""
    return Moment(MIDNIGHT + timedelta(seconds=seconds), 1000 + seconds)


def window(start: int, end: int) -> Window:
    """Return a window in UTC."""
    return Window(start_hour=start, end_hour=end, zone=UTC)


@dataclass
class Story:
    """What happened so far."""

    state: RunState = field(default_factory=lambda: RunState(now=moment(0)))
    changes: list[Change] = field(default_factory=list)
    listed: bool = True

    def __post_init__(self) -> None:
        if self.listed:
            self.tell(self.state.now.monotonic - 1000, TasksListed(tasks=TASKS))

    def tell(self, at: float, event: Event) -> Story:
        """Let something happen."""
        self.state, changes = apply(self.state, event, moment(at))
        self.changes += changes
        return self

    def see(self, at: float, *rows: Row, asked: float | None = None) -> Story:
        """Let the server answer with its activities."""
        asked_at = moment(at if asked is None else asked)
        return self.tell(at, Snapshot(rows=rows, asked=asked_at))

    def hear(self, at: float, told: Told, it: Row) -> Story:
        """Let the stream tell of a row."""
        return self.tell(at, Notified(told=told, row=it))

    def command(
        self,
        at: float,
        command: Command,
        task: str | None = None,
        *,
        answer: Answer = Answer.OK,
        took: float = 0,
    ) -> Story:
        """Let a command be sent and answered."""
        self.tell(at, CommandSent(command=command, task=task))
        return self.answer(at + took, command, task, sent=at, answer=answer)

    def answer(
        self,
        at: float,
        command: Command,
        task: str | None = None,
        *,
        sent: float,
        answer: Answer = Answer.OK,
    ) -> Story:
        """Let a command be answered."""
        event = CommandAnswered(
            command=command, task=task, sent=moment(sent), answer=answer
        )
        return self.tell(at, event)

    def start(
        self, at: float, task: str, answer: Answer = Answer.OK, took: float = 0
    ) -> Story:
        """Have a task started."""
        return self.command(at, Command.START, task, answer=answer, took=took)

    def stop(
        self, at: float, task: str, answer: Answer = Answer.OK, took: float = 0
    ) -> Story:
        """Have a task stopped."""
        return self.command(at, Command.STOP, task, answer=answer, took=took)

    def shown(self, at: float, *tasks: str) -> Story:
        """Let the server have shown tasks once."""
        for task in tasks:
            self.see(at, row(task, uuid=f"early-{task}")).see(at + 1)
        self.changes.clear()
        return self

    def wait(self, until: float) -> Story:
        """Let time pass, with a tick whenever one is due."""
        end = moment(until)
        while (due := next_deadline(self.state)) and due < end:
            assert self.state.now < due
            self.tell(due.monotonic - 1000, Tick())
        return self.tell(until, Tick())

    def open_window(self, start: int, end: int) -> Story:
        """Let the window be known."""
        now = self.state.now.monotonic - 1000
        return self.tell(now, WindowChanged(window=window(start, end)))

    @property
    def view(self) -> ButlerView:
        """Return what is to be shown."""
        return view(self.state)

    @property
    def butler(self) -> ButlerState:
        """Return what Butler as a whole does."""
        return self.view.butler

    def task(self, name: str) -> TaskView:
        """Return what a task does."""
        return self.view.tasks[name]

    def is_on(self, name: str) -> bool:
        """Tell whether a task's switch is on."""
        return self.task(name).is_on

    @property
    def on(self) -> set[str]:
        """Return the tasks whose switches are on."""
        return {name for name, task in self.view.tasks.items() if task.is_on}

    @property
    def started(self) -> list[Run]:
        """Return the runs that began."""
        return [it.run for it in self.changes if isinstance(it, RunStarted)]

    @property
    def ended(self) -> list[EndedRun]:
        """Return the runs that ended."""
        return [it.run for it in self.changes if isinstance(it, RunEnded)]

    @property
    def missed(self) -> int:
        """Return how often the stream was found out to have missed a row."""
        return sum(isinstance(it, PushMissed) for it in self.changes)


def outcome(story: Story) -> list[tuple[str, Result]]:
    """Return how the runs ended."""
    return [(run.task, run.result) for run in story.ended]


def seconds(run: EndedRun) -> float | None:
    """Return how long a run took."""
    return run.duration.total_seconds() if run.duration is not None else None


def at(seconds_of_day: float) -> datetime:
    """Return a time of the day."""
    return MIDNIGHT + timedelta(seconds=seconds_of_day)
