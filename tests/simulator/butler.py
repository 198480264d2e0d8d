"""Butler itself: which tasks exist, what starts them, when they end, and its window."""

from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from enum import StrEnum
from functools import partial
from random import Random
from typing import Protocol

from .preferences import HOURS, NEVER, Preferences, Setting, task_setting
from .profiles import ByHand, Profile, Rows, SessionBegins, TaskSpec
from .timeline import Event, Timeline, Window

# So long after the server's start Butler begins, if the window is open.
_AFTER_SERVER_START = 300.0


# What a task does.
TaskState = StrEnum("TaskState", "IDLE QUEUED RUNNING")
# What a run was started by.
Cause = StrEnum("Cause", "COMMAND WINDOW OTHER_CLIENT")
# Why a run or a wait was over; STARTED ends a wait.
Ending = StrEnum(
    "Ending",
    "STARTED FINISHED STOPPED STOPPED_BY_OTHER WINDOW_CLOSED "
    "SWITCHED_OFF RESTARTED REMOVED",
)


@dataclass(slots=True)
class Interval:
    """A time in which a task was queued or ran; open while `end` is None."""

    task: str
    state: TaskState
    start: float
    cause: Cause
    end: float | None = None
    ending: Ending | None = None


class Watcher(Protocol):
    """What is called when tasks start and end."""

    def on_started(self, task: Task) -> None: ...

    def on_ended(self, task: Task, ending: Ending) -> None: ...


@dataclass(slots=True, kw_only=True, eq=False)
class Task:
    """A task and what it does now."""

    spec: TaskSpec
    # What it does now; None while it is idle.
    interval: Interval | None = None
    cause: Cause = Cause.COMMAND
    # Runs whether slots are free or not, and uses none.
    beside: bool = False
    last_done: float | None = None
    run_seconds: float = 0
    # The end of the run, or the chosen moment of a start.
    planned: Event | None = None

    @property
    def name(self) -> str:
        return self.spec.name

    @property
    def state(self) -> TaskState:
        return self.interval.state if self.interval else TaskState.IDLE

    def progress(self, now: float, *, phases: int = 1) -> int:
        """Return how much of the run, or of its phase, is done; 100 only at the end."""
        if self.interval is None or self.run_seconds <= 0:
            return 0
        done = phases * (now - self.interval.start) / self.run_seconds
        return min(99, int(100 * (done % 1 if done < phases else 1)))


class Late:
    """Delays what a watcher sees of tasks; what has ended by then it never sees."""

    def __init__(self, watcher: Watcher, timeline: Timeline, seconds: float) -> None:
        self._watcher = watcher
        self._timeline = timeline
        self._seconds = seconds
        self._coming: dict[str, Event] = {}

    def on_started(self, task: Task) -> None:
        show = partial(self._show, task)
        self._coming[task.name] = self._timeline.after(self._seconds, show)

    def on_ended(self, task: Task, ending: Ending) -> None:
        if (coming := self._coming.pop(task.name, None)) is not None:
            coming.cancel()
        else:
            self._watcher.on_ended(task, ending)

    def _show(self, task: Task) -> None:
        del self._coming[task.name]
        self._watcher.on_started(task)


class Butler:
    """The rules; every time comes from the timeline, every chance from `rng`."""

    def __init__(
        self,
        profile: Profile,
        timeline: Timeline,
        preferences: Preferences,
        zone: tzinfo,
        rng: Random,
    ) -> None:
        self.tasks: dict[str, Task] = {}
        # Simulated seconds by task; a run that has begun keeps its own.
        self.durations: dict[str, float] = {}
        # In the order in which they began.
        self.intervals: list[Interval] = []
        self.watchers: list[Watcher] = []
        # The window is open, and its session waits for a start.
        self.awaits_start = False
        self._line: list[Task] = []
        self._timeline = timeline
        self._preferences = preferences
        self.traits = profile.traits
        self._zone = zone
        self._rng = rng
        for spec in profile.tasks:
            self.add_task(spec)

    @property
    def running(self) -> list[Task]:
        return [task for task in self.tasks.values() if task.state is TaskState.RUNNING]

    @property
    def runs(self) -> list[Interval]:
        return [it for it in self.intervals if it.state is TaskState.RUNNING]

    @property
    def database_busy(self) -> bool:
        return any(task.spec.locks_database for task in self.running)

    @property
    def window(self) -> Window:
        start, end = (int(self._preferences[name].value) for name in HOURS)
        return Window(start, end, self._zone, self.traits.equal_hours_open)

    def truth(self) -> dict[str, TaskState]:
        return {name: task.state for name, task in self.tasks.items()}

    def add_task(self, spec: TaskSpec) -> None:
        if spec.preference is not None and spec.preference not in self._preferences:
            setting = task_setting(spec.preference, spec.title)
            self._preferences[setting.id] = setting
        idle = spec.name in self.traits.nothing_to_do
        self.durations[spec.name] = 0 if idle else spec.seconds
        self.tasks[spec.name] = Task(spec=spec)

    def remove_task(self, name: str) -> None:
        """List a task no longer; a run of it is over."""
        self._leave(self.tasks[name], Ending.REMOVED)
        del self.tasks[name], self.durations[name]
        self._fill_slots()

    def is_enabled(self, task: Task) -> bool:
        setting = self._preferences.get(task.spec.preference or "")
        return setting is None or setting.value not in (False, NEVER)

    def is_due(self, task: Task) -> bool:
        """Return True if its interval, counted in the server's days, is over."""
        if task.last_done is None:
            return True
        done = datetime.fromtimestamp(task.last_done, self._zone).date()
        today = datetime.fromtimestamp(self._timeline.now, self._zone).date()
        return today >= done + timedelta(days=task.spec.interval)

    def start(self, name: str, cause: Cause = Cause.COMMAND) -> int:
        """Start a task if it may start; return the status of the answer."""
        if (task := self.tasks.get(name)) is None:
            return 404
        if task.state is TaskState.RUNNING:
            return 202
        if task.state is TaskState.IDLE and self._takes_start(task):
            if self.awaits_start:
                self.start_due(Cause.WINDOW, apart_from=task)
            task.beside = self.traits.by_hand is not ByHand.QUEUES
            self._enter(task, cause, may_queue=self.traits.queues_single_start)
        return 200

    def _takes_start(self, task: Task) -> bool:
        traits = self.traits
        if traits.ignored_starts and self._rng.random() < traits.ignored_starts:
            return False
        if not traits.starts_disabled and not self.is_enabled(task):
            return False
        return traits.starts_not_due or self.is_due(task)

    def start_due(self, cause: Cause, *, apart_from: Task | None = None) -> None:
        """Start or queue every task that is enabled and due today."""
        self.awaits_start = False
        tasks = list(self.tasks.values())
        if self.traits.rows is Rows.SESSION:
            # The order is no list's that clients know.
            self._rng.shuffle(tasks)
        for task in tasks:
            idle = task is not apart_from and task.state is TaskState.IDLE
            if idle and self.is_enabled(task) and self.is_due(task):
                task.beside = False
                self._enter(task, cause, may_queue=True)

    def stop(self, name: str, ending: Ending = Ending.STOPPED) -> bool:
        """Stop one task or take it off the queue; False if it was idle or is unknown."""
        task = self.tasks.get(name)
        if task is None or task.state is TaskState.IDLE:
            return False
        self._leave(task, ending)
        self._fill_slots()
        return True

    def stop_all(self, ending: Ending = Ending.STOPPED) -> None:
        """Empty the queue, then stop what runs, so that nothing moves up."""
        for state in (TaskState.QUEUED, TaskState.RUNNING):
            for task in [task for task in self.tasks.values() if task.state is state]:
                self._leave(task, ending)

    def close_window(self) -> None:
        """Drop what the window queued; runs go on, unless the traits say otherwise."""
        self.awaits_start = False
        states = {TaskState.QUEUED}
        if self.traits.stops_at_window_end:
            states.add(TaskState.RUNNING)
        for task in list(self.tasks.values()):
            if task.cause is Cause.WINDOW and task.state in states:
                self._leave(task, Ending.WINDOW_CLOSED)
        self._fill_slots()

    def on_setting(self, _setting: Setting) -> None:
        """Drop what the window queued and a setting has switched off; runs go on."""
        for task in list(self.tasks.values()):
            queued = task.state is TaskState.QUEUED and task.cause is Cause.WINDOW
            if queued and not self.is_enabled(task):
                self._leave(task, Ending.SWITCHED_OFF)

    def _enter(self, task: Task, cause: Cause, *, may_queue: bool) -> None:
        task.cause = cause
        now = self._timeline.now
        if may_queue and task.spec.randomized and self.window.contains(now):
            self._change(task, TaskState.QUEUED)
            moment = self._rng.uniform(now, self.window.closes_at(now) - 1)
            task.planned = self._timeline.at(moment, partial(self._run_or_wait, task))
        else:
            self._run_or_wait(task)

    def _run_or_wait(self, task: Task) -> None:
        if task.beside or self._has_slot:
            self._run(task)
            return
        self._line.append(task)
        if task.state is TaskState.IDLE:
            self._change(task, TaskState.QUEUED)

    def _run(self, task: Task) -> None:
        self._change(task, TaskState.RUNNING, Ending.STARTED)
        spread = self.traits.duration_spread
        factor = self._rng.uniform(1 - spread, 1 + spread)
        task.run_seconds = self.durations[task.name] * factor
        if task.run_seconds:
            finish = partial(self._finish, task)
            task.planned = self._timeline.after(task.run_seconds, finish)
        for watcher in self.watchers:
            watcher.on_started(task)
        if not task.run_seconds:
            self._finish(task)

    def _finish(self, task: Task) -> None:
        task.last_done = self._timeline.now
        self._leave(task, Ending.FINISHED)
        self._fill_slots()

    def _leave(self, task: Task, ending: Ending) -> None:
        was = task.state
        if was is TaskState.IDLE:
            return
        if task in self._line:
            self._line.remove(task)
        self._change(task, TaskState.IDLE, ending)
        if was is TaskState.RUNNING:
            for watcher in self.watchers:
                watcher.on_ended(task, ending)

    def _change(
        self, task: Task, state: TaskState, ending: Ending | None = None
    ) -> None:
        """End what a task does, and let it do something else."""
        if task.planned is not None:
            task.planned.cancel()
        now = self._timeline.now
        if task.interval is not None:
            task.interval.end, task.interval.ending = now, ending
            task.interval = None
        if state is not TaskState.IDLE:
            task.interval = Interval(task.name, state, now, task.cause)
            self.intervals.append(task.interval)

    def _fill_slots(self) -> None:
        while self._line and self._has_slot:
            self._run(self._line.pop(0))

    @property
    def _has_slot(self) -> bool:
        limit = self.traits.concurrency
        return limit is None or sum(not it.beside for it in self.running) < limit


class WindowKeeper:
    """Opens and closes the window at its hours.

    In one that was open at the start nothing begins, or all after some minutes.
    """

    def __init__(self, butler: Butler, timeline: Timeline) -> None:
        self._butler = butler
        self._timeline = timeline
        self._begins = butler.traits.session_begins
        self._open = butler.window.contains(timeline.now)
        self._late: Event | None = None
        self._edge: Event | None = None
        self._plan_edge()
        self.on_server_start()

    def on_server_start(self, after: float = 0) -> None:
        """Begin some minutes after a server has started that comes up in the window."""
        if self._late is not None:
            self._late.cancel()
        self._up_at = self._timeline.now + after
        inside = self._butler.window.contains(self._up_at)
        first_start = self._begins is SessionBegins.FIRST_START
        self._butler.awaits_start = inside and first_start
        if inside and self._begins is SessionBegins.AFTER_SERVER_START:
            when = self._up_at + _AFTER_SERVER_START
            self._late = self._timeline.at(when, self._begin_late)

    def on_setting(self, setting: Setting) -> None:
        if setting.id not in HOURS:
            return
        if self._butler.window.contains(self._timeline.now) != self._open:
            self._pass_edge()
        self._plan_edge()

    def _plan_edge(self) -> None:
        if self._edge is not None:
            self._edge.cancel()
        when = self._butler.window.next_edge(self._timeline.now)
        self._edge = self._timeline.at(when, self._at_edge)

    def _at_edge(self) -> None:
        self._pass_edge()
        self._plan_edge()

    def _pass_edge(self) -> None:
        self._open = self._butler.window.contains(self._timeline.now)
        if not self._open:
            self._butler.close_window()
        # A server that is down at that hour begins nothing, or later.
        elif self._timeline.now >= self._up_at:
            if self._begins is SessionBegins.FIRST_START:
                self._butler.awaits_start = True
            else:
                self._butler.start_due(Cause.WINDOW)

    def _begin_late(self) -> None:
        if self._open:
            self._butler.start_due(Cause.WINDOW)
