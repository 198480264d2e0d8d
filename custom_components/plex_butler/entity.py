"""Base classes of the entities."""

from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import ClassVar, Self, override

from homeassistant.const import EntityCategory
from homeassistant.core import callback
from homeassistant.helpers.device_registry import DeviceInfo
from homeassistant.helpers.event import async_track_utc_time_change
from homeassistant.helpers.update_coordinator import CoordinatorEntity

from .api import ButlerTask, Preference, PreferenceValue
from .connection import short_name
from .const import DOMAIN
from .coordinator import PlexButlerCoordinator
from .run_state import IDLE, TaskView
from .schedule import ScheduleKind, schedule_key, schedule_kind
from .tasks import KNOWN_TASKS, task_key


class PlexButlerEntity(CoordinatorEntity[PlexButlerCoordinator]):
    """An entity of a server; `key` is in its unique id and finds its texts."""

    _attr_has_entity_name = True
    _written_key: object = None

    def __init__(self, coordinator: PlexButlerCoordinator, key: str) -> None:
        super().__init__(coordinator)
        machine = coordinator.machine_identifier
        self._attr_translation_key = key
        self._attr_unique_id = f"{machine}_{key}"
        # The coordinator describes the device, since it sees when that changes.
        self._attr_device_info = DeviceInfo(identifiers={(DOMAIN, machine)})

    @property
    def state_key(self) -> object:
        """Return all that is written; an update that leaves it the same is dropped."""
        if not self.available:
            return False
        return self.state, self.assumed_state, self.extra_state_attributes

    @callback
    @override
    def _async_write_ha_state(self) -> None:
        self._written_key = self.state_key
        super()._async_write_ha_state()

    @callback
    @override
    def _handle_coordinator_update(self) -> None:
        # Most updates concern other entities.
        if self.state_key != self._written_key:
            super()._handle_coordinator_update()


class PlexButlerTaskEntity(PlexButlerEntity):
    """An entity of one task; its name is a translation, or the server's title."""

    key_prefix = ""
    # The entities of other tasks are disabled by default.
    enabled_tasks: ClassVar[AbstractSet[str]]

    def __init__(self, coordinator: PlexButlerCoordinator, task: ButlerTask) -> None:
        super().__init__(coordinator, f"task_{task.name}")
        self.task_name = task.name
        self._attr_entity_registry_enabled_default = task.name in self.enabled_tasks
        key = task_key(task.name) if task.name in KNOWN_TASKS else "task"
        self._attr_translation_key = f"{self.key_prefix}{key}"
        self._attr_translation_placeholders = {"title": short_name(task.title)}

    @property
    def run(self) -> TaskView:
        """Return whether the task runs, how that is known, and its last run."""
        return self.coordinator.data.runs.tasks.get(self.task_name, IDLE)

    @property
    @override
    def available(self) -> bool:
        return super().available and self.task_name in self.coordinator.data.tasks


class PlexButlerPreferenceEntity(PlexButlerEntity):
    """An entity of a schedule setting; its name is a translation, or its label."""

    kind: ClassVar[ScheduleKind]
    _attr_entity_category = EntityCategory.CONFIG
    # Most people leave the schedule as it is, and Plex has a page for it.
    _attr_entity_registry_enabled_default = False

    def __init__(
        self, coordinator: PlexButlerCoordinator, preference: Preference
    ) -> None:
        super().__init__(coordinator, f"preference_{preference.id}")
        self.preference_id = preference.id
        self._attr_translation_key = schedule_key(preference.id) or "preference"
        label = short_name(preference.label or preference.id)
        self._attr_translation_placeholders = {"label": label}

    @classmethod
    def create(
        cls, coordinator: PlexButlerCoordinator, preference: Preference
    ) -> Self | None:
        """Return the entity of a setting of this kind, or None for another kind."""
        is_of_kind = schedule_kind(preference) is cls.kind
        return cls(coordinator, preference) if is_of_kind else None

    @property
    def preference(self) -> Preference | None:
        """Return the setting; None if the server lists it no more."""
        return self.coordinator.data.preferences.get(self.preference_id)

    @property
    def value(self) -> PreferenceValue | None:
        """Return the value; None if the server lists the setting no more."""
        return self.preference.value if self.preference else None

    @property
    @override
    def available(self) -> bool:
        return super().available and self.preference is not None

    @property
    @override
    def state_key(self) -> object:
        """Return what the state is made of, which is quicker than the state itself."""
        return self.available and self.preference

    async def async_set_value(self, *, value: PreferenceValue) -> None:
        """Change the setting, or raise a translated error."""
        await self.coordinator.async_set_settings({self.preference_id: value})


class PlexButlerWindowEntity(PlexButlerEntity):
    """An entity that changes at the edges of the window, without a poll."""

    @override
    async def async_added_to_hass(self) -> None:
        await super().async_added_to_hass()
        # A window opens and closes at a quarter of an hour in UTC.
        untrack = async_track_utc_time_change(
            self.hass, self._async_at_quarter, minute="/15", second=0
        )
        self.async_on_remove(untrack)

    @callback
    def _async_at_quarter(self, _: datetime) -> None:
        self._handle_coordinator_update()
