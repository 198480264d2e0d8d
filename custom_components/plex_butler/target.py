"""The scope of a target: an entity is its task, all else the servers it has."""

from typing import Any, ClassVar, Final, NamedTuple

from homeassistant.const import (
    ATTR_DEVICE_ID,
    ATTR_ENTITY_ID,
    CONF_OPTIONS,
    CONF_TARGET,
)
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import (
    config_validation as cv,
    device_registry as dr,
    entity_registry as er,
)
from homeassistant.helpers.condition import ConditionConfig
from homeassistant.helpers.target import (
    TargetSelection,
    async_extract_referenced_entity_ids,
)
from homeassistant.helpers.trigger import TriggerConfig
from homeassistant.helpers.typing import ConfigType
import voluptuous as vol

from .connection import InvalidCallError
from .const import ATTR_TASK, DOMAIN
from .coordinator import PlexButlerConfigEntry
from .dynamic_entities import PREFERENCE_ID, TASK_ID
from .tasks import find_tasks

# In Home Assistant 2026.11, a target may exclude a part of itself.
_EXCLUDE: Final = "exclude"
_KEYS: Final = frozenset(str(key) for key in cv.TARGET_FIELDS)
type Target = dict[str, Any]

TASK_OPTION: Final[dict[vol.Marker, Any]] = {
    vol.Optional(ATTR_TASK): vol.All(cv.ensure_list, [cv.string], vol.Length(min=1)),
}


class Scope(NamedTuple):
    """The servers of a target, loaded or not, and the single tasks by name."""

    servers: list[PlexButlerConfigEntry]
    tasks: list[tuple[PlexButlerConfigEntry, str]]
    # Tasks that the servers do not include.
    excluded: list[tuple[PlexButlerConfigEntry, str]]


@callback
def async_scope(hass: HomeAssistant, target: Target, *, of_tasks: bool) -> Scope:
    """Return the servers and tasks of a target at present, without the excluded."""
    scope = _scope(hass, target, of_tasks=of_tasks)
    without = _scope(hass, target.get(_EXCLUDE, {}), of_tasks=of_tasks)
    servers = [it for it in scope.servers if it not in without.servers]
    tasks = [
        (entry, task)
        for entry, task in scope.tasks
        if entry not in without.servers and (entry, task) not in without.tasks
    ]
    return Scope(servers, tasks, excluded=without.tasks)


@callback
def async_scope_of_action(
    hass: HomeAssistant, target: Target, *, of_tasks: bool
) -> Scope:
    """Return the servers and tasks of an action; without a target, the only server.

    Raises InvalidCallError if the target has none, or has other things.
    """
    if not _KEYS & target.keys():
        return Scope([async_only_server(hass)], [], [])
    _validate(hass, target, of_tasks=of_tasks)
    scope = async_scope(hass, target, of_tasks=of_tasks)
    if not scope.servers and not scope.tasks:
        raise InvalidCallError("empty_target")
    return scope


class Targeted:
    """Base of triggers and conditions: they have a target, and tasks by name."""

    _hass: HomeAssistant
    _options_schema: ClassVar[dict[vol.Marker, Any]] = {}

    @classmethod
    async def async_validate_config(
        cls, hass: HomeAssistant, config: ConfigType
    ) -> ConfigType:
        """Validate config.

        If the target names no server, the only server is put into it. With a second
        server, the next reload fails rather than mean both.
        """
        schema = vol.Schema(
            {CONF_TARGET: cv.TARGET_FIELDS, CONF_OPTIONS: cls._options_schema}
        )
        config = schema({CONF_TARGET: {}, CONF_OPTIONS: {}} | config)
        target: Target = config[CONF_TARGET]
        named = {key for key in _KEYS - {_EXCLUDE} if target.get(key)}
        # Tasks by name need a server, and an entity does not name one.
        not_servers = {ATTR_ENTITY_ID} if ATTR_TASK in config[CONF_OPTIONS] else set()
        try:
            if named <= not_servers:
                only = async_only_server(hass)
                target[ATTR_DEVICE_ID] = [async_device_of(hass, only)]
            _validate(hass, target, of_tasks=ATTR_TASK in cls._options_schema)
        except InvalidCallError as err:
            raise vol.Invalid(str(err)) from err
        return config

    def __init__(
        self, hass: HomeAssistant, config: TriggerConfig | ConditionConfig
    ) -> None:
        # Subclasses have a trigger or a condition as their next base.
        super().__init__(hass, config)  # type: ignore[call-arg]  # object has none
        self._target = config.target or {}
        self._task_names: list[str] | None = (config.options or {}).get(ATTR_TASK)

    @callback
    def async_includes(
        self, entry: PlexButlerConfigEntry, task: str | None = None
    ) -> bool:
        """Return True if a loaded server, or a task of it, is in scope.

        The target is resolved each time: servers, areas and labels come and go. Without
        names, all tasks of a server are in scope. A title stands for all tasks with it.
        """
        scope = async_scope(self._hass, self._target, of_tasks=bool(task))
        if (entry, task) in scope.tasks:
            return True
        by_server = entry in scope.servers and (entry, task) not in scope.excluded
        if not by_server or not task or self._task_names is None:
            return by_server
        tasks = entry.runtime_data.data.tasks.values()
        return any(
            found.name == task
            for wanted in self._task_names
            for found in find_tasks(self._hass, tasks, wanted)
        )


@callback
def async_only_server(hass: HomeAssistant) -> PlexButlerConfigEntry:
    """Return the only server; raise InvalidCallError if there is another."""
    entries = hass.config_entries.async_entries(DOMAIN, include_ignore=False)
    enabled = [entry for entry in entries if not entry.disabled_by] or entries
    if not enabled:
        raise InvalidCallError("no_server")
    *others, last = enabled
    if others:
        servers = ", ".join(entry.title for entry in others)
        raise InvalidCallError("choose_server", servers=servers, last=last.title)
    return last


@callback
def async_device_of(hass: HomeAssistant, entry: PlexButlerConfigEntry) -> str:
    """Return the id of a server's device; raise if the server was never loaded."""
    for device in dr.async_entries_for_config_entry(dr.async_get(hass), entry.entry_id):
        return device.id
    raise InvalidCallError("not_loaded", name=entry.title)


def _scope(hass: HomeAssistant, target: Target, *, of_tasks: bool) -> Scope:
    """Return the servers and tasks of a target; other integrations are ignored.

    An entity means its task if the target names it, or an area or label of its own; it
    does not if only its device has these. If `of_tasks` is False, only the server's own
    entities count, and mean it.
    """
    selected = async_extract_referenced_entity_ids(
        hass, TargetSelection(target), expand_group=False, primary_entities_only=False
    )
    devices = dr.async_get(hass)
    servers: list[PlexButlerConfigEntry] = [
        entry
        for entry in hass.config_entries.async_entries(DOMAIN)
        for device in dr.async_entries_for_config_entry(devices, entry.entry_id)
        if device.id in selected.referenced_devices
    ]
    tasks: list[tuple[PlexButlerConfigEntry, str]] = []
    for entity_id in (*_listed(target), *sorted(selected.indirectly_referenced)):
        entry, kind, name = _entry_kind_name(hass, entity_id)
        if not entry or (entry in servers and entity_id not in selected.referenced):
            continue
        if of_tasks and kind == TASK_ID:
            tasks.append((entry, name))
        elif not (of_tasks or kind or entry in servers):
            servers.append(entry)
    return Scope(servers, tasks, [])


def _listed(target: Target) -> list[str]:
    """Return the entities that a target lists itself, in its order."""
    named = TargetSelection(target).entity_ids
    return [it for it in cv.ensure_list(target.get(ATTR_ENTITY_ID)) if it in named]


def _entry_kind_name(
    hass: HomeAssistant, entity_id: str
) -> tuple[PlexButlerConfigEntry | None, str, str]:
    """Return an entity's entry, its kind (TASK_ID, PREFERENCE_ID or ""), and name."""
    entity = er.async_get(hass).async_get(entity_id)
    if not entity or entity.platform != DOMAIN or not entity.config_entry_id:
        return None, "", ""
    entry = hass.config_entries.async_get_entry(entity.config_entry_id)
    suffix = entity.unique_id.removeprefix((entry and entry.unique_id) or "")
    kind = next((it for it in (TASK_ID, PREFERENCE_ID) if suffix.startswith(it)), "")
    return entry, kind, suffix.removeprefix(kind)


def _validate(hass: HomeAssistant, target: Target, *, of_tasks: bool) -> None:
    """Raise InvalidCallError if a device or an entity is of a wrong kind."""
    unknown: list[str] = []
    for device_id in TargetSelection(target).device_ids:
        device, entry = dr.async_get_device_and_config_entry_for_domain(
            hass, device_id, domain=DOMAIN
        )
        if not entry:
            name = device and (device.name_by_user or device.name)
            unknown.append(name or device_id)
    for entity_id in _listed(target):
        entry, kind, _ = _entry_kind_name(hass, entity_id)
        if entry and kind == (TASK_ID if of_tasks else ""):
            continue
        if of_tasks and kind == PREFERENCE_ID:
            raise InvalidCallError("schedule_entity", target=entity_id)
        if of_tasks:
            raise InvalidCallError("not_a_task", target=entity_id)
        if kind == TASK_ID:
            raise InvalidCallError("one_task", target=entity_id)
        unknown.append(entity_id)
    if unknown:
        raise InvalidCallError("not_a_server", target=unknown[0])
