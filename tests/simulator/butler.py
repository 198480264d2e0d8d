"""Butler itself: which tasks exist, what starts them, when they end."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta, tzinfo
from random import Random

from .preferences import Preferences, Setting
from .settings import END_HOUR, NEVER, START_HOUR, task_setting
from .task import StartResult, Task, Watcher
from .task_spec import TaskSpec
from .timeline import Timeline
from .traits import ByHand, Rows, SessionBegins, Traits
from .truth import Cause, Ending, RunLog, TaskState
from .window import Window


class Butler:
    """The rules; every time comes from the timeline, every chance from `rng`."""

    def __init__(
        self,
        specs: Iterable[TaskSpec],
        *,
        timeline: Timeline,
        preferences: Preferences,
        traits: Traits,
        zone: tzinfo,
        rng: Random,
    ) -> None:
        """Hold idle tasks that never ran, so that all are due."""
        self.tasks: dict[str, Task] = {}
        self.log = RunLog()
        self.watchers: list[Watcher] = []
        # The window is open, and its session waits for a start.
        self.awaits_start = False
        self._line: list[Task] = []
        self._timeline = timeline
        self._preferences = preferences
        self._traits = traits
        self._zone = zone
        self._rng = rng
        for spec in specs:
            self.add_task(spec)

    @property
    def running(self) -> list[Task]:
        """Return the tasks that run, in the order of the list."""
        return [task for task in self.tasks.values() if task.state is TaskState.RUNNING]

    @property
    def database_busy(self) -> bool:
        """Return if a running task holds the database."""
        return any(task.spec.locks_database for task in self.running)

    @property
    def window(self) -> Window:
        """Return the window as the settings have it now."""
        start, end = (
            int(self._preferences[name].value) for name in (START_HOUR, END_HOUR)
        )
        return Window(start, end, self._zone, self._traits.equal_hours_open)

    def truth(self) -> dict[str, TaskState]:
        """Return what every task really does."""
        return {name: task.state for name, task in self.tasks.items()}

    def add_task(self, spec: TaskSpec) -> None:
        """List a task, with the setting that switches it."""
        if spec.preference is not None and spec.preference not in self._preferences:
            self._preferences.add(task_setting(spec.preference, spec.title))
        idle = spec.name in self._traits.nothing_to_do
        self.tasks[spec.name] = Task(spec=spec, duration=0 if idle else spec.seconds)

    def remove_task(self, name: str) -> None:
        """List a task no longer; a run of it is over."""
        task = self.tasks[name]
        self._leave(task, Ending.REMOVED)
        del self.tasks[name]
        self._fill_slots()

    def is_enabled(self, task: Task) -> bool:
        """Return if the settings let it run by itself."""
        name = task.spec.preference
        if name is None or name not in self._preferences:
            return True
        return self._preferences[name].value not in (False, NEVER)

    def is_due(self, task: Task) -> bool:
        """Return if its interval, counted in the server's days, is over."""
        if task.last_done is None:
            return True
        done = datetime.fromtimestamp(task.last_done, self._zone).date()
        today = datetime.fromtimestamp(self._timeline.now, self._zone).date()
        return today >= done + timedelta(days=task.spec.interval)

    def start(self, name: str, cause: Cause = Cause.COMMAND) -> StartResult:
        """Start one task, or queue it."""
        if (task := self.tasks.get(name)) is None:
            return StartResult.UNKNOWN_TASK
        if task.state is TaskState.RUNNING:
            return StartResult.ALREADY_RUNNING
        if task.state is TaskState.IDLE and self._takes_start(task):
            if self.awaits_start:
                self.start_due(Cause.WINDOW, apart_from=task)
            task.beside = self._traits.by_hand is not ByHand.QUEUES
            self._enter(task, cause, may_queue=self._traits.queues_single_start)
        return StartResult.ACCEPTED

    def open_window(self) -> None:
        """Begin what the night has to do, now or with the first start."""
        if self._traits.session_begins is SessionBegins.FIRST_START:
            self.awaits_start = True
        else:
            self.start_due(Cause.WINDOW)

    def start_due(self, cause: Cause, *, apart_from: Task | None = None) -> None:
        """Start or queue every task that is enabled and due today."""
        self.awaits_start = False
        tasks = list(self.tasks.values())
        if self._traits.rows is Rows.SESSION:
            # The order is no list's that clients know.
            self._rng.shuffle(tasks)
        for task in tasks:
            if (
                task is not apart_from
                and task.state is TaskState.IDLE
                and self.is_enabled(task)
                and self.is_due(task)
            ):
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
        """Drop what the window queued; what runs goes on, unless the traits say otherwise."""
        self.awaits_start = False
        states = {TaskState.QUEUED}
        if self._traits.stops_at_window_end:
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

    def _takes_start(self, task: Task) -> bool:
        traits = self._traits
        if traits.ignored_starts and self._rng.random() < traits.ignored_starts:
            return False
        if not traits.starts_disabled and not self.is_enabled(task):
            return False
        return traits.starts_not_due or self.is_due(task)

    def _enter(self, task: Task, cause: Cause, *, may_queue: bool) -> None:
        task.cause = cause
        now = self._timeline.now
        if may_queue and task.spec.randomized and self.window.contains(now):
            self._queue(task)
            moment = self._rng.uniform(now, self.window.closes_at(now) - 1)
            task.planned = self._timeline.at(moment, lambda: self._run_or_wait(task))
        else:
            self._run_or_wait(task)

    def _run_or_wait(self, task: Task) -> None:
        if task.beside or self._has_slot:
            self._run(task)
            return
        self._line.append(task)
        if task.state is TaskState.IDLE:
            self._queue(task)

    def _queue(self, task: Task) -> None:
        self._change(task, TaskState.QUEUED)
        self.log.begin(task.name, TaskState.QUEUED, self._timeline.now, task.cause)

    def _run(self, task: Task) -> None:
        if task.state is TaskState.QUEUED:
            self.log.end(task.name, self._timeline.now, Ending.STARTED)
        self._change(task, TaskState.RUNNING)
        self.log.begin(task.name, TaskState.RUNNING, self._timeline.now, task.cause)
        spread = self._traits.duration_spread
        task.run_seconds = task.duration * self._rng.uniform(1 - spread, 1 + spread)
        if task.run_seconds:
            task.planned = self._timeline.after(
                task.run_seconds, lambda: self._finish(task)
            )
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
        self.log.end(task.name, self._timeline.now, ending)
        self._change(task, TaskState.IDLE)
        if was is TaskState.RUNNING:
            for watcher in self.watchers:
                watcher.on_ended(task, ending)

    def _change(self, task: Task, state: TaskState) -> None:
        if task.planned is not None:
            task.planned.cancel()
        task.planned = None
        task.state = state
        task.since = self._timeline.now

    def _fill_slots(self) -> None:
        while self._line and self._has_slot:
            self._run(self._line.pop(0))

    @property
    def _has_slot(self) -> bool:
        limit = self._traits.concurrency
        if limit is None:
            return True
        return sum(not task.beside for task in self.running) < limit
