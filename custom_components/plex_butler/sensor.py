"""What Butler does now, when each task ran last, and when the next window opens."""

from datetime import datetime
from typing import Any, Final, override

from homeassistant.components.sensor import SensorDeviceClass, SensorEntity
from homeassistant.const import MAX_LENGTH_STATE_STATE, PERCENTAGE, EntityCategory
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.debounce import Debouncer
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.util import dt as dt_util

from .api import ButlerTask
from .const import LOGGER
from .coordinator import PlexButlerConfigEntry, PlexButlerCoordinator, PlexButlerData
from .dynamic_entities import async_add_task_entities
from .entity import PlexButlerEntity, PlexButlerTaskEntity, PlexButlerWindowEntity
from .run_state import IDLE, Evidence, TaskState, TaskView
from .task_actions import describe, describe_run
from .tasks import BACKUP_TASK, async_task_name, localized

# No requests are sent.
PARALLEL_UPDATES = 0

# In percent: a finer progress would fill the history and show nothing more.
PROGRESS_STEP: Final = 5


async def async_setup_entry(
    hass: HomeAssistant,
    entry: PlexButlerConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the sensors."""
    coordinator = entry.runtime_data
    registry = er.async_get(hass)
    # Sensors of older versions
    removed = {
        f"{entry.unique_id}_{key}" for key in ("active_streams", "running_tasks")
    }
    for entity in er.async_entries_for_config_entry(registry, entry.entry_id):
        if entity.unique_id in removed:
            registry.async_remove(entity.entity_id)
    current_task = PlexButlerCurrentTask(coordinator, "current_task")
    progress = PlexButlerProgress(coordinator, "progress")
    next_window = PlexButlerNextWindow(coordinator, "next_window")
    async_add_entities([current_task, progress, next_window])
    async_add_task_entities(entry, async_add_entities, PlexButlerLastRun)


def _active(data: PlexButlerData) -> list[tuple[ButlerTask, TaskView]]:
    """Return the tasks that run or wait: the running first, of these the proven."""
    tasks, runs = data.tasks.values(), data.runs.tasks
    described = ((task, runs.get(task.name, IDLE)) for task in tasks)

    def order(item: tuple[ButlerTask, TaskView]) -> tuple[bool, bool]:
        _, run = item
        return run.state is TaskState.QUEUED, run.evidence is Evidence.ASSUMED

    return sorted((it for it in described if it[1].is_on), key=order)


class PlexButlerCurrentTask(PlexButlerEntity, SensorEntity):
    """Shows which task runs; unknown where the server never showed its work."""

    # They change with every percent.
    _unrecorded_attributes = frozenset({"tasks"})
    _shown: str | None = None

    @property
    @override
    def native_value(self) -> str | None:
        """Return the task's name, how many more run, or what else Butler does."""
        data = self.coordinator.data
        active = _active(data)
        running = [task for task, run in active if run.state is TaskState.RUNNING]
        if not running and data.runs.busy:
            # Between two tasks, the one that was over last is shown
            unnamed = localized(self.hass, "unknown_task")
            return unnamed if data.runs.has_unnamed_work else self._shown
        shown = running or [task for task, _ in active]
        if not shown:
            idle = data.runs.busy is False
            return localized(self.hass, "idle") if idle else None
        text = async_task_name(self.hass, shown[0])
        if others := len(shown) - 1:
            text = localized(self.hass, "run_and_more", task=text, count=others)
        if not running:
            text = localized(self.hass, "waiting", task=text)
        self._shown = text[:MAX_LENGTH_STATE_STATE]
        return self._shown

    @property
    @override
    def assumed_state(self) -> bool:
        return any(run.assumed for _, run in _active(self.coordinator.data))

    @property
    @override
    def extra_state_attributes(self) -> dict[str, Any]:
        described = []
        for task, run in _active(self.coordinator.data):
            title = async_task_name(self.hass, task)
            described.append({"name": task.name, "title": title, **describe(run)})
            del described[-1]["last_run"]
        return {"tasks": described}


class PlexButlerProgress(PlexButlerEntity, SensorEntity):
    """Shows how far the current task is; unknown where the server does not tell.

    The value moves in steps, and while one task runs at most once in ten seconds.
    """

    _attr_native_unit_of_measurement = PERCENTAGE

    def __init__(self, coordinator: PlexButlerCoordinator, key: str) -> None:
        super().__init__(coordinator, key)
        self._subject, self._attr_native_value = self._look()
        self._debouncer = Debouncer(
            coordinator.hass,
            LOGGER,
            cooldown=10,
            immediate=True,
            function=self._async_show,
        )
        self.async_on_remove(self._debouncer.async_shutdown)

    def _look(self) -> tuple[tuple[str, bool] | None, int | None]:
        """Return the current task, if its progress is reported, and the progress."""
        active = _active(self.coordinator.data)
        if not active or active[0][1].state is TaskState.QUEUED:
            return None, None
        task, run = active[0]
        if run.progress is None:
            return (task.name, False), None
        return (task.name, True), int(run.progress) // PROGRESS_STEP * PROGRESS_STEP

    @callback
    @override
    def _handle_coordinator_update(self) -> None:
        """Show another task's progress at once, and that of the same one in time."""
        subject, progress = self._look()
        if subject != self._subject:
            self._subject = subject
            self._debouncer.async_cancel()
        if progress != self._attr_native_value:
            self._debouncer.async_schedule_call()
        super()._handle_coordinator_update()

    @callback
    def _async_show(self) -> None:
        self._attr_native_value = self._look()[1]
        super()._handle_coordinator_update()


class PlexButlerNextWindow(PlexButlerWindowEntity, SensorEntity):
    """Shows when the maintenance window opens next; unknown where that is not clear."""

    _attr_device_class = SensorDeviceClass.TIMESTAMP
    _attr_entity_registry_enabled_default = False

    @property
    @override
    def native_value(self) -> datetime | None:
        window = self.coordinator.data.window
        return window.next_start(dt_util.utcnow()) if window else None


class PlexButlerLastRun(PlexButlerTaskEntity, SensorEntity):
    """Shows when a task ended last, and how that run went."""

    key_prefix = "last_run_"
    enabled_tasks = frozenset({BACKUP_TASK})
    _attr_device_class = SensorDeviceClass.TIMESTAMP
    _attr_entity_category = EntityCategory.DIAGNOSTIC

    @property
    @override
    def native_value(self) -> datetime | None:
        """Return when the task ended, or was lost sight of."""
        return self.run.last.ended.utc if self.run.last else None

    @property
    @override
    def extra_state_attributes(self) -> dict[str, Any] | None:
        return describe_run(self.run.last) if self.run.last else None

    @property
    @override
    def state_key(self) -> object:
        """Return what the state is made of, which is quicker than the state itself."""
        return self.available, self.run.last
