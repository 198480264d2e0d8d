"""Actions that wait: until the end was seen, and not for ever."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

from homeassistant.const import EVENT_HOMEASSISTANT_STOP
from homeassistant.util import dt as dt_util
import pytest

from tests.automations import open_window, plex_now
from tests.conftest import BACKUP, OPTIMIZE, Home, refused, settle
from tests.settling import until
from tests.simulator import PROFILES

LIBRARIES = "RefreshLibraries"
MINUTE, HOUR = 60, 3600
OUTAGE = "Error fetching Attic Butler data"


class Call:
    """An action that somebody waits for."""

    def __init__(self, home: Home, action: str, **data: Any) -> None:
        self._home = home
        self.task = asyncio.create_task(home.answer(action, **{"wait": True} | data))

    @property
    def goes_on(self) -> bool:
        return not self.task.done()

    @property
    def tasks(self) -> list[dict[str, Any]]:
        return self.task.result()

    @property
    def results(self) -> list[str]:
        return [task["result"] for task in self.tasks]

    def told(self, *keys: str) -> tuple[Any, ...]:
        """Return what was answered of the one task."""
        (task,) = self.tasks
        return tuple(task[key] for key in keys)

    async def over(self, seconds: float, step: float = 5) -> float:
        """Let time go by until it is answered; return how long that took."""
        passed = 0.0
        while self.goes_on:
            assert passed < seconds, "not answered in time"
            await self._home.advance(step)
            passed += step
        return passed


class Waiting(Home):
    """A home where every task takes ten minutes, and actions are waited for."""

    async def begin(self, task: str | list[str] = BACKUP, **data: Any) -> Call:
        """Have a task started, and wait for it."""
        call = Call(self, "start_task", task=task, **data)
        await settle(self.hass, self.plex)
        return call

    def end(self, **data: Any) -> Call:
        """Have the backup stopped, and wait for it."""
        return Call(self, "stop_task", task=BACKUP, **data)

    def truly_ended(self, task: str = BACKUP) -> datetime:
        """Return when the last run really ended, by the clock of Home Assistant."""
        *_, end = [it.end for it in self.plex.intervals if it.task == task and it.end]
        lag = plex_now(self.plex) - dt_util.utc_from_timestamp(end)
        return dt_util.utcnow() - lag


@pytest.fixture
async def home(home: Home) -> Waiting:
    home.plex.durations.update(dict.fromkeys(home.plex.truth(), 10 * MINUTE))
    return Waiting(**vars(home))


async def test_a_start_that_waits_is_answered_at_the_end(home: Waiting) -> None:
    began = dt_util.utcnow()
    call = await home.begin()

    await home.advance(9 * MINUTE)
    assert call.goes_on

    await call.over(2 * MINUTE)
    assert call.told("name", "task") == (BACKUP, "Back up database")
    assert call.told("result", "evidence") == ("ended", "observed")
    started_at, ended_at, duration = call.told("started_at", "ended_at", "duration")
    assert started_at == began
    assert abs(ended_at - home.truly_ended()) <= timedelta(seconds=5)
    assert duration == (ended_at - began).total_seconds()


async def test_what_runs_already_is_waited_for_as_well(home: Waiting) -> None:
    await home.others_start(BACKUP, lasts=4 * MINUTE, wait=31)
    call = await home.begin()
    await call.over(5 * MINUTE)
    assert call.results == ["ended"]
    assert home.asked("/butler/BackupDatabase", "POST") == 1


@pytest.mark.parametrize(
    ("told", "step", "result"), [(True, 0.2, "ended"), (False, 30, "unconfirmed")]
)
async def test_a_run_that_polls_miss_has_ended_only_if_it_was_told_of(
    home: Waiting, step: float, result: str, *, told: bool
) -> None:
    home.plex.hub.muted = not told
    home.plex.durations[BACKUP] = 0.1
    call = await home.begin()

    await call.over(HOUR, step=step)

    assert call.results == [result]
    assert (call.tasks[0]["ended_at"] is not None) == told


@pytest.mark.slow
@pytest.mark.parametrize("profile", ["silent"])
async def test_a_limit_proves_no_end(home: Waiting) -> None:
    call = await home.begin()

    assert await call.over(HOUR, step=30) >= 3 * MINUTE
    assert call.told("result", "evidence") == ("unconfirmed", "assumed")
    assert call.told("ended_at", "duration") == (None, None)


@pytest.mark.slow
@pytest.mark.parametrize("profile", ["anonymous"])
async def test_that_butler_is_idle_is_no_end_that_was_seen(home: Waiting) -> None:
    call = await home.begin()

    await call.over(12 * MINUTE)

    assert call.told("result", "evidence") == ("unconfirmed", "inferred")
    assert call.tasks[0]["ended_at"] >= home.truly_ended()


async def test_a_start_that_the_server_ignores_is_unconfirmed(home: Waiting) -> None:
    home.plex.durations[BACKUP] = MINUTE
    await (await home.begin()).over(2 * MINUTE)
    home.plex.fault("ignore", path="/butler/BackupDatabase")

    for result in ("unconfirmed", "ended"):
        call = await home.begin()
        await call.over(2 * MINUTE)
        assert call.results == [result]


@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        ({"timeout": {"minutes": 5}}, 5 * MINUTE),
        pytest.param({}, HOUR, marks=pytest.mark.slow),
    ],
)
async def test_when_time_is_up_what_runs_goes_on_and_no_more_is_started(
    home: Waiting, given: dict[str, Any], seconds: float
) -> None:
    home.plex.durations[BACKUP] = 2 * seconds
    call = await home.begin([BACKUP, OPTIMIZE], **given)

    assert await call.over(2 * HOUR, step=seconds / 60) == seconds
    assert call.results == ["timed_out", "timed_out"]
    runs, waited = call.tasks
    assert (runs["started_at"] is None, runs["ended_at"]) == (False, None)
    assert waited["started_at"] is None
    truth = home.plex.truth()
    assert (truth[BACKUP], truth[OPTIMIZE]) == ("running", "idle")


@pytest.mark.parametrize("push", [True, False])
async def test_a_server_that_hangs_in_the_middle_of_a_backup_is_waited_for(
    home: Waiting, *, push: bool
) -> None:
    home.expect_log(OUTAGE)
    home.plex.durations[BACKUP] = 4.5 * MINUTE
    home.plex.hub.muted = not push
    call = await home.begin()
    await home.advance(MINUTE)
    home.plex.hangs = home.plex.hub.muted = True

    await home.advance_steps(4 * MINUTE // 15, 15)
    assert call.goes_on
    assert home.plex.truth()[BACKUP] == "idle"
    home.plex.hangs, home.plex.hub.muted = False, not push
    await call.over(MINUTE)

    assert call.results == ["ended"]
    late = call.tasks[0]["ended_at"] - home.truly_ended()
    assert timedelta() <= late <= timedelta(minutes=1.5)


@pytest.mark.parametrize("begun", [True, False])
async def test_an_unanswered_start_is_waited_for(home: Waiting, *, begun: bool) -> None:
    home.plex.durations[BACKUP] = 90
    await (await home.begin()).over(2 * MINUTE)
    if begun:
        # The work keeps the server from its answer.
        home.plex.client_start(BACKUP)
        home.plex.hangs = True
    else:
        path = f"/butler/{BACKUP}"
        home.plex.fault("slow", path=path, method="POST", delay=HOUR)
    call = await home.begin()
    await home.advance_steps(5, 15)
    assert call.goes_on

    if begun:
        home.plex.hangs = False
    else:
        home.plex.client_start(BACKUP)
    await call.over(2 * MINUTE)
    assert call.results == ["ended"]


@pytest.mark.slow
async def test_a_start_that_is_never_answered_is_unconfirmed(home: Waiting) -> None:
    home.expect_log(OUTAGE)
    home.plex.hangs = True
    call = await home.begin()

    assert await call.over(HOUR, step=15) >= 5 * MINUTE
    assert call.told("result", "started_at") == ("unconfirmed", None)
    silent = await home.begin()
    await home.advance(16)
    with refused("timeout"):
        _ = silent.tasks

    home.plex.hangs = False
    await home.advance(31)
    await (await home.begin()).over(11 * MINUTE)


@pytest.mark.slow
@pytest.mark.parametrize("push", [True, False])
@pytest.mark.parametrize("seconds", [240, 285, 299])
async def test_an_outage_of_less_than_five_minutes_is_outlasted(
    home: Waiting, seconds: int, *, push: bool
) -> None:
    home.expect_log(OUTAGE)
    home.plex.hub.muted = not push
    call = await home.begin(LIBRARIES)
    await home.advance(MINUTE)
    home.plex.fault("500", count=None)
    home.plex.hub.drop()
    await home.advance_steps(seconds, 1)
    assert call.goes_on
    home.plex.clear_faults()
    await call.over(10 * MINUTE)

    assert call.results == ["ended"]


async def test_an_outage_that_is_too_long_is_unconfirmed(home: Waiting) -> None:
    home.expect_log(OUTAGE)
    call = await home.begin(LIBRARIES)
    await home.advance(MINUTE)
    await home.plex.stop_listening()

    assert 5 * MINUTE <= await call.over(8 * MINUTE) <= 7 * MINUTE
    assert call.told("result", "ended_at") == ("unconfirmed", None)
    await home.plex.listen_again()
    await home.advance(31)


@pytest.mark.parametrize("how", ["unloaded", "stopped"])
async def test_waiting_ends_with_the_entry_and_with_home_assistant(
    home: Waiting, how: str
) -> None:
    call = await home.begin([BACKUP, OPTIMIZE])
    # The debug mode refuses what another thread does to a future.
    home.hass.loop.set_debug(True)
    if how == "unloaded":
        await home.unload()
    else:
        # Before the call has gone on after the first, another one changes nothing.
        for _ in range(2):
            home.hass.bus.async_fire(EVENT_HOMEASSISTANT_STOP)
    await home.settle()

    assert call.results == ["unconfirmed", "unconfirmed"]
    assert home.plex.truth()[OPTIMIZE] == "idle"


async def test_a_call_that_is_cancelled_leaves_nothing_behind(home: Waiting) -> None:
    listeners = home.hass.bus.async_listeners()[EVENT_HOMEASSISTANT_STOP]
    call = await home.begin()
    call.task.cancel()
    await home.settle()

    assert home.hass.bus.async_listeners()[EVENT_HOMEASSISTANT_STOP] == listeners
    assert home.plex.truth()[BACKUP] == "running"
    await home.unload()


async def test_a_queued_task_is_told_so(home: Waiting) -> None:
    guides = await open_window(home)

    call = await home.begin(guides, wait=False)

    assert home.plex.truth()[guides] == "queued"
    told = call.told("result", "evidence", "started_at")
    assert told == ("queued", "assumed", None)


async def test_a_stop_is_answered_when_nothing_shows_the_task(home: Waiting) -> None:
    await home.begin(wait=False)
    await home.advance(MINUTE)

    call = home.end()
    await call.over(MINUTE, step=1)

    assert call.told("result", "evidence") == ("stopped", "assumed")
    assert call.told("duration") == (pytest.approx(MINUTE, abs=2),)
    nothing = home.end()
    await home.settle()
    assert nothing.told("result", "evidence") == ("not_running", "assumed")
    assert nothing.told("started_at", "ended_at") == (None, None)


@pytest.mark.parametrize("profile", ["silent"])
async def test_a_stop_believes_a_server_that_shows_nothing(home: Waiting) -> None:
    home.plex.client_start(BACKUP)
    call = home.end()
    await call.over(MINUTE, step=1)

    assert call.told("result", "evidence") == ("stopped", "assumed")
    assert call.told("started_at", "duration") == (None, None)
    assert home.plex.truth()[BACKUP] == "idle"


@pytest.mark.parametrize(
    "profile", [PROFILES["current"].with_traits(linger_after_stop=20)]
)
async def test_a_stop_that_waits_outlasts_a_row_that_lingers(home: Waiting) -> None:
    await home.begin(wait=False)
    await home.advance(MINUTE)

    call = home.end()

    assert 19 <= await call.over(MINUTE, step=1) <= 26
    assert call.results == ["stopped"]


async def test_what_goes_on_after_a_stop_is_told_when_time_is_up(home: Waiting) -> None:
    await home.begin(wait=False)
    await home.advance(MINUTE)
    home.plex.fault("ignore", path="/butler/BackupDatabase")

    call = home.end(timeout=120)

    assert 2 * MINUTE <= await call.over(3 * MINUTE) <= 2 * MINUTE + 5
    assert call.told("result", "evidence") == ("timed_out", "observed")


async def test_a_run_that_ends_before_its_start_is_answered_is_not_waited_for(
    home: Waiting,
) -> None:
    home.plex.durations[BACKUP] = 0.1
    home.plex.fault("late", path=f"/butler/{BACKUP}", method="POST", delay=3)
    call = Call(home, "start_task", task=BACKUP)
    await until(lambda: home.asked(f"/butler/{BACKUP}", "POST") == 1)
    await home.advance(1)
    assert call.goes_on

    await home.advance(2)
    assert call.results == ["ended"]


async def test_of_a_start_whose_turn_came_too_late_nothing_is_known(
    home: Waiting,
) -> None:
    call = await home.begin(timeout={"seconds": 0})

    assert call.told("result", "evidence", "started_at") == ("timed_out", None, None)
    assert home.plex.truth()[BACKUP] == "idle"
