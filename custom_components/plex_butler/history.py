"""The runs of the last two weeks, which outlive a restart, and how a run went in words."""

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from homeassistant.core import HomeAssistant, callback
from homeassistant.util import dt as dt_util
from homeassistant.util.hass_dict import HassKey

from .const import DOMAIN
from .coordinator import PlexButlerCoordinator
from .run_state import Change, EndedRun, Evidence, Result
from .tasks import localized
from .tracker import store_for

KEPT_FOR: Final = timedelta(days=14)
KEPT: Final = 500
# A run is worth no write of its own to an SD card, and a shutdown writes it anyway.
_SAVE_DELAY: Final = 300

_HISTORIES: HassKey[dict[str, RunHistory]] = HassKey(f"{DOMAIN}_histories")


@dataclass(frozen=True, kw_only=True, slots=True)
class PastRun:
    """A run that is over; `started` and `duration` are None where they are not known."""

    task: str
    title: str  # The server's own, for a task that is gone
    result: Result
    evidence: Evidence
    started: datetime | None
    ended: datetime  # When it ended or was given up
    duration: timedelta | None

    @property
    def is_end_known(self) -> bool:
        """Return True if the run ended, at least most likely."""
        return self.result is not Result.LOST or self.evidence is Evidence.INFERRED

    @property
    def begin(self) -> datetime:
        """Return when the run began; its end where that is not known."""
        return self.started or self.ended

    @property
    def end(self) -> datetime:
        """Return when the run ended; its begin where that is not known."""
        return self.ended if self.is_end_known else self.begin


class RunHistory:
    """The past runs of one server, the oldest first."""

    def __init__(self, hass: HomeAssistant, entry_id: str) -> None:
        self._store = store_for(hass, f"{entry_id}.runs")
        self._runs: list[PastRun] = []

    @property
    def runs(self) -> list[PastRun]:
        """Return the newest runs of the last two weeks."""
        since = dt_util.utcnow() - KEPT_FOR
        self._runs = [run for run in self._runs if run.ended >= since][-KEPT:]
        return self._runs

    async def async_load(self) -> None:
        """Load the runs; what cannot be read is forgotten."""
        memory = await self._store.async_load()
        stored = memory.get("runs") if isinstance(memory, dict) else None
        for item in stored if isinstance(stored, list) else ():
            try:
                self._runs.append(_load(item))
            except KeyError, TypeError, ValueError, OverflowError:
                continue

    async def async_remove(self) -> None:
        """Remove the stored runs."""
        await self._store.async_remove()

    @callback
    def async_add(self, run: EndedRun, title: str) -> None:
        """Remember a run; if it had been given up, this is what became of it."""
        if run.sent:
            self._runs = [
                it
                for it in self._runs
                if it.task != run.task or it.is_end_known or it.begin < run.sent.utc
            ]
        self._runs.append(
            PastRun(
                task=run.task,
                title=title,
                result=run.result,
                evidence=run.evidence,
                started=run.started_at,
                ended=run.ended.utc,
                duration=run.duration,
            )
        )
        self._store.async_delay_save(self._memory, _SAVE_DELAY)

    @callback
    def _memory(self) -> dict[str, Any]:
        return {"runs": [_plain(run) for run in self.runs]}


def _plain(run: PastRun) -> dict[str, Any]:
    values = asdict(run)
    return values | {
        "started": run.started.isoformat() if run.started else None,
        "ended": run.ended.isoformat(),
        "duration": run.duration.total_seconds() if run.duration else None,
    }


def _load(item: dict[str, Any]) -> PastRun:
    """Return a run; raises if it cannot be read."""
    started, seconds = item["started"], item["duration"]
    return PastRun(
        task=str(item["task"]),
        title=str(item["title"]),
        result=Result(item["result"]),
        evidence=Evidence(item["evidence"]),
        started=None if started is None else _moment(started),
        ended=_moment(item["ended"]),
        duration=None if seconds is None else timedelta(seconds=seconds),
    )


def _moment(value: str) -> datetime:
    moment = datetime.fromisoformat(value)
    if moment.tzinfo is None:
        raise ValueError("The zone of a moment is missing")
    return moment


async def async_keep_history(coordinator: PlexButlerCoordinator) -> None:
    """Load the history of a server, and add each run that ends from now on.

    The history is kept through reloads, so that what is not yet stored is not lost.
    """
    hass, entry_id = coordinator.hass, coordinator.config_entry.entry_id
    histories = hass.data.setdefault(_HISTORIES, {})
    if (history := histories.get(entry_id)) is None:
        history = RunHistory(hass, entry_id)
        await history.async_load()
        histories[entry_id] = history

    @callback
    def async_changed(changes: tuple[Change, ...]) -> None:
        for change in changes:
            if isinstance(change, EndedRun) and change.ran:
                task = coordinator.data.tasks.get(change.task)
                history.async_add(change, task.title if task else change.task)

    # Not until the unload: the tracker tells the last changes when it is closed.
    coordinator.tracker.async_add_change_listener(async_changed)


@callback
def async_get_history(hass: HomeAssistant, entry_id: str) -> RunHistory:
    """Return the history of a server that is set up."""
    return hass.data[_HISTORIES][entry_id]


async def async_remove_history(hass: HomeAssistant, entry_id: str) -> None:
    """Remove the history of a server, be it loaded or not."""
    histories = hass.data.get(_HISTORIES, {})
    history = histories.pop(entry_id, None) or RunHistory(hass, entry_id)
    await history.async_remove()


def how_it_went(hass: HomeAssistant, result: str, duration: timedelta | None) -> str:
    """Return what became of a run, such as "ended after 30 s"."""
    if duration is None:
        return localized(hass, "common", f"run_{result}")
    return localized(hass, "common", f"run_{result}_after", duration=spoken(duration))


def spoken(duration: timedelta) -> str:
    """Return a duration in symbols, which are the same in all languages."""
    seconds = round(duration.total_seconds())
    if seconds < 60:
        return f"{seconds} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"
