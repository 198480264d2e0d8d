"""What automations are told of: tasks that start and end, and Butler becoming idle."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.dispatcher import async_dispatcher_send

from .api import ButlerTask
from .const import DOMAIN
from .coordinator import PlexButlerConfigEntry, PlexButlerCoordinator
from .describe import describe_begun, describe_run
from .run_state import ButlerIdle, Change, EndedRun, Result, Run, RunEnded, RunStarted

# One for all servers: an automation may be there before its server is, and after it.
SIGNAL_NEWS: Final = f"{DOMAIN}_news"


class NewsType(StrEnum):
    """What happened."""

    STARTED = "started"
    ENDED = "ended"
    STOPPED = "stopped"
    IDLE = "idle"


@dataclass(frozen=True, kw_only=True, slots=True)
class News:
    """Something that happened, to a task or (None) to Butler as a whole."""

    type: NewsType
    task: ButlerTask | None = None
    run: Run | EndedRun | None = None

    @property
    def details(self) -> dict[str, Any]:
        """Return what is known of it, in the words of the actions."""
        details: dict[str, Any] = {}
        if self.task:
            details = {"task": self.task.name, "title": self.task.title}
        match self.run:
            case Run() as run:
                details |= describe_begun(run)
            case EndedRun() as run:
                details |= describe_run(run)
        return details


@callback
def async_announce(hass: HomeAssistant, entry: PlexButlerConfigEntry) -> None:
    """Tell automations what happens on a server, from now on."""
    coordinator = entry.runtime_data

    @callback
    def async_tell(changes: tuple[Change, ...]) -> None:
        for change in changes:
            if news := _news_of(coordinator, change):
                async_dispatcher_send(hass, SIGNAL_NEWS, entry, news)

    entry.async_on_unload(coordinator.tracker.async_add_change_listener(async_tell))


def _news_of(coordinator: PlexButlerCoordinator, change: Change) -> News | None:
    """Return what is worth telling: no start or end that nobody saw, or that was none."""
    match change:
        case ButlerIdle():
            return News(type=NewsType.IDLE)
        case RunStarted(run=run) if run.started:
            kind = NewsType.STARTED
        case RunEnded(run=run, ran=True) if run.result is not Result.LOST:
            kind = NewsType(run.result)
        case _:
            return None
    task = coordinator.data.tasks.get(run.task)
    return News(type=kind, task=task, run=run) if task else None
