"""Triggers: a task started or ended, Butler became idle."""

from typing import Any, ClassVar, Final, override

from homeassistant.const import ATTR_DEVICE_ID, CONF_OPTIONS
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.dispatcher import async_dispatcher_connect
from homeassistant.helpers.trigger import (
    Trigger,
    TriggerActionRunner,
    TriggerConfig,
    TriggerNotTriggeredReporter,
)
from homeassistant.helpers.typing import ConfigType
import voluptuous as vol

from .coordinator import PlexButlerConfigEntry
from .news import SIGNAL_NEWS, News, NewsType
from .targets import SERVER_OPTIONS, TASK_OPTIONS, Targets, async_validate_devices

CONF_RESULT: Final = "result"
_RESULTS: Final = [NewsType.ENDED, NewsType.STOPPED]


class _NewsTrigger(Trigger):
    """Fires at some of the news of some servers, loaded or not."""

    _schema: ClassVar[vol.Schema]
    _types: frozenset[NewsType]

    @classmethod
    @override
    async def async_validate_config(
        cls, hass: HomeAssistant, config: ConfigType
    ) -> ConfigType:
        """Validate config."""
        config = cls._schema(config)
        async_validate_devices(hass, config[CONF_OPTIONS])
        return config

    def __init__(self, hass: HomeAssistant, config: TriggerConfig) -> None:
        """Take what was configured."""
        super().__init__(hass, config)
        self._options = config.options or {}
        self._targets = Targets(hass, self._options)

    @override
    async def async_attach_runner(
        self,
        run_action: TriggerActionRunner,
        did_not_trigger: TriggerNotTriggeredReporter | None = None,
    ) -> CALLBACK_TYPE:
        """Listen to the news of all servers, be they there yet or not."""

        @callback
        def async_heard(entry: PlexButlerConfigEntry, news: News) -> None:
            if news.type not in self._types:
                return
            if (device_id := self._targets.device_of(entry)) and self._is_meant(
                entry, news
            ):
                run_action(
                    {ATTR_DEVICE_ID: device_id, **news.details},
                    _describe(entry, news),
                )

        return async_dispatcher_connect(self._hass, SIGNAL_NEWS, async_heard)

    def _is_meant(self, entry: PlexButlerConfigEntry, news: News) -> bool:
        task = news.task
        return task is None or self._targets.means(entry.runtime_data, task.name)


def _schema(options: dict[vol.Marker, Any]) -> vol.Schema:
    return vol.Schema({vol.Required(CONF_OPTIONS): options})


def _describe(entry: PlexButlerConfigEntry, news: News) -> str:
    if news.task is None:
        return f"Butler of {entry.title} became idle"
    return f"{news.task.title} of {entry.title} {news.type}"


class TaskStartedTrigger(_NewsTrigger):
    """Fires when a task starts."""

    _schema = _schema(TASK_OPTIONS)
    _types = frozenset({NewsType.STARTED})


class TaskEndedTrigger(_NewsTrigger):
    """Fires when a task was seen to end, or was stopped."""

    _schema = _schema(
        {
            **TASK_OPTIONS,
            vol.Optional(CONF_RESULT, default=_RESULTS): vol.All(
                cv.ensure_list, [vol.In(_RESULTS)], vol.Length(min=1)
            ),
        }
    )

    def __init__(self, hass: HomeAssistant, config: TriggerConfig) -> None:
        """Take which ends are meant."""
        super().__init__(hass, config)
        self._types = frozenset(self._options[CONF_RESULT])


class ButlerIdleTrigger(_NewsTrigger):
    """Fires when Butler was at work and is not any more."""

    _schema = _schema(SERVER_OPTIONS)
    _types = frozenset({NewsType.IDLE})


TRIGGERS: Final[dict[str, type[Trigger]]] = {
    "task_started": TaskStartedTrigger,
    "task_ended": TaskEndedTrigger,
    "butler_idle": ButlerIdleTrigger,
}


async def async_get_triggers(hass: HomeAssistant) -> dict[str, type[Trigger]]:
    """Return the triggers."""
    return TRIGGERS
