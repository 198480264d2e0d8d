"""What a target means: a device, area, floor or label its servers, an entity its task."""

from typing import Any, ClassVar, Final, NamedTuple

from homeassistant.const import (
    ATTR_DEVICE_ID,
    ATTR_ENTITY_ID,
    CONF_OPTIONS,
    CONF_TARGET,
)
from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import ServiceValidationError
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

from .const import ATTR_TASK, DOMAIN
from .coordinator import PlexButlerConfigEntry
from .dynamic_entities import PREFERENCE_ID, TASK_ID
from .tasks import find_tasks

# Home Assistant 2026.11 has targets that leave something out again.
_EXCLUDE: Final = "exclude"
_KEYS: Final = frozenset(str(key) for key in cv.TARGET_FIELDS)

TASK_OPTION: Final[dict[vol.Marker, Any]] = {
    vol.Optional(ATTR_TASK): vol.All(cv.ensure_list, [cv.string], vol.Length(min=1)),
}


class Meant(NamedTuple):
    """The servers of a target, loaded or not, and single tasks by name."""

    servers: list[PlexButlerConfigEntry]
    tasks: list[tuple[PlexButlerConfigEntry, str]]
    # Not of the servers
    left_out: list[tuple[PlexButlerConfigEntry, str]]


@callback
def async_meant(
    hass: HomeAssistant, target: dict[str, Any], *, of_tasks: bool
) -> Meant:
    """Return what a target means now, without what it excludes."""
    meant = _meant(hass, target, of_tasks=of_tasks)
    excluded = _meant(hass, target.get(_EXCLUDE, {}), of_tasks=of_tasks)
    servers = [it for it in meant.servers if it not in excluded.servers]
    tasks = [
        (entry, task)
        for entry, task in meant.tasks
        if entry not in excluded.servers and (entry, task) not in excluded.tasks
    ]
    return Meant(servers, tasks, left_out=excluded.tasks)


@callback
def async_meant_by_action(
    hass: HomeAssistant, target: dict[str, Any], *, of_tasks: bool
) -> Meant:
    """Return what the target of an action means: the only server if there is none.

    Raises ServiceValidationError if it means nothing, or something else.
    """
    if not _KEYS & target.keys():
        return Meant([async_only_server(hass)], [], [])
    _check(hass, target, of_tasks=of_tasks)
    meant = async_meant(hass, target, of_tasks=of_tasks)
    if not meant.servers and not meant.tasks:
        raise ServiceValidationError(
            translation_domain=DOMAIN, translation_key="empty_target"
        )
    return meant


class Targeted:
    """What triggers and conditions have in common: a target, and tasks by name."""

    _hass: HomeAssistant
    _options_schema: ClassVar[dict[vol.Marker, Any]] = {}

    @classmethod
    async def async_validate_config(
        cls, hass: HomeAssistant, config: ConfigType
    ) -> ConfigType:
        """Validate config.

        Without a server that is named, the only one becomes the target: another one
        that is added later does not change what an automation means.
        """
        config = vol.Schema(
            {
                vol.Optional(CONF_TARGET, default=dict): cv.TARGET_FIELDS,
                vol.Optional(CONF_OPTIONS, default=dict): cls._options_schema,
            }
        )(config)
        target: dict[str, Any] = config[CONF_TARGET]
        named = {key for key in _KEYS - {_EXCLUDE} if target.get(key)}
        # Tasks by name are those of a server, which an entity is not.
        no_server = {ATTR_ENTITY_ID} if ATTR_TASK in config[CONF_OPTIONS] else set()
        try:
            if named <= no_server:
                only = async_only_server(hass)
                target[ATTR_DEVICE_ID] = [async_device_of(hass, only)]
            _check(hass, target, of_tasks=ATTR_TASK in cls._options_schema)
        except ServiceValidationError as err:
            raise vol.Invalid(str(err)) from err
        return config

    def __init__(
        self, hass: HomeAssistant, config: TriggerConfig | ConditionConfig
    ) -> None:
        # The next class in the order of bases is a trigger or a condition.
        super().__init__(hass, config)  # type: ignore[call-arg]
        self._target = config.target or {}
        self._wanted: list[str] | None = (config.options or {}).get(ATTR_TASK)

    @callback
    def async_includes(
        self, entry: PlexButlerConfigEntry, task: str | None = None
    ) -> bool:
        """Return True if a loaded server, or a task of it, is meant.

        It is looked up anew each time: servers, areas and labels come and go. All tasks
        of a server are meant if none is named, and all that share a title that is.
        """
        meant = async_meant(self._hass, self._target, of_tasks=bool(task))
        if (entry, task) in meant.tasks:
            return True
        is_of_server = entry in meant.servers and (entry, task) not in meant.left_out
        if not is_of_server or not task or self._wanted is None:
            return is_of_server
        tasks = entry.runtime_data.data.tasks.values()
        return any(
            found.name == task
            for wanted in self._wanted
            for found in find_tasks(self._hass, tasks, wanted)
        )


@callback
def async_only_server(hass: HomeAssistant) -> PlexButlerConfigEntry:
    """Return the only server; raise an error that says which there are otherwise."""
    entries = hass.config_entries.async_entries(DOMAIN, include_ignore=False)
    enabled = [entry for entry in entries if not entry.disabled_by] or entries
    if not enabled:
        raise ServiceValidationError(
            translation_domain=DOMAIN, translation_key="no_server"
        )
    *others, last = enabled
    if others:
        raise ServiceValidationError(
            translation_domain=DOMAIN,
            translation_key="choose_server",
            translation_placeholders={
                "servers": ", ".join(entry.title for entry in others),
                "last": last.title,
            },
        )
    return last


@callback
def async_device_of(hass: HomeAssistant, entry: PlexButlerConfigEntry) -> str:
    """Return the device of a server; raise an error if it was never loaded."""
    for device in dr.async_entries_for_config_entry(dr.async_get(hass), entry.entry_id):
        return device.id
    raise ServiceValidationError(
        translation_domain=DOMAIN,
        translation_key="not_loaded",
        translation_placeholders={"name": entry.title},
    )


def _meant(hass: HomeAssistant, target: dict[str, Any], *, of_tasks: bool) -> Meant:
    """Return what a target means; what is not of Plex Butler is no part of it.

    An entity that has the area or label itself, and not by its device, means its task.
    Where only whole servers can be meant, it means its server if it is about all of it.
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
    for entity_id in (*_named(target), *sorted(selected.indirectly_referenced)):
        entry, kind, name = _belongs_to(hass, entity_id)
        if not entry or (entry in servers and entity_id not in selected.referenced):
            continue
        if of_tasks and kind == TASK_ID:
            tasks.append((entry, name))
        elif not (of_tasks or kind or entry in servers):
            servers.append(entry)
    return Meant(servers, tasks, [])


def _named(target: dict[str, Any]) -> list[str]:
    """Return the entities that a target names, in their order."""
    named = TargetSelection(target).entity_ids
    return [it for it in cv.ensure_list(target.get(ATTR_ENTITY_ID)) if it in named]


def _belongs_to(
    hass: HomeAssistant, entity_id: str
) -> tuple[PlexButlerConfigEntry | None, str, str]:
    """Return an entity's server, and TASK_ID or PREFERENCE_ID with a name, if any."""
    entity = er.async_get(hass).async_get(entity_id)
    if not entity or entity.platform != DOMAIN or not entity.config_entry_id:
        return None, "", ""
    entry = hass.config_entries.async_get_entry(entity.config_entry_id)
    own = entity.unique_id.removeprefix((entry and entry.unique_id) or "")
    kind = next((it for it in (TASK_ID, PREFERENCE_ID) if own.startswith(it)), "")
    return entry, kind, own.removeprefix(kind)


def _check(hass: HomeAssistant, target: dict[str, Any], *, of_tasks: bool) -> None:
    """Raise ServiceValidationError if a device or an entity is none of those meant."""
    strangers: list[str] = []
    for device_id in TargetSelection(target).device_ids:
        device, entry = dr.async_get_device_and_config_entry_for_domain(
            hass, device_id, domain=DOMAIN
        )
        if not entry:
            name = device and (device.name_by_user or device.name)
            strangers.append(name or device_id)
    for entity_id in _named(target):
        entry, kind, _ = _belongs_to(hass, entity_id)
        if entry and kind == (TASK_ID if of_tasks else ""):
            continue
        if not of_tasks and kind != TASK_ID:
            strangers.append(entity_id)
            continue
        if not of_tasks:
            raise ServiceValidationError(
                translation_domain=DOMAIN,
                translation_key="one_task",
                translation_placeholders={"target": entity_id},
            )
        if kind == PREFERENCE_ID:
            raise ServiceValidationError(
                translation_domain=DOMAIN,
                translation_key="schedule_entity",
                translation_placeholders={"target": entity_id},
            )
        raise ServiceValidationError(
            translation_domain=DOMAIN,
            translation_key="not_a_task",
            translation_placeholders={"target": entity_id},
        )
    if strangers:
        raise ServiceValidationError(
            translation_domain=DOMAIN,
            translation_key="not_a_server",
            translation_placeholders={"target": strangers[0]},
        )
