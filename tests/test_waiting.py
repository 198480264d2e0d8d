"""Actions that wait: until the end was seen, and not for ever."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

from homeassistant.const import EVENT_HOMEASSISTANT_STOP
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.plex_butler.const import DOMAIN
from tests.automations import open_window, plex_now
from tests.conftest import Advance, settle
from tests.simulator import PROFILES, SimulatedPlex, draw_profile

BACKUP, OPTIMIZE = "BackupDatabase", "OptimizeDatabase"
MINUTE, HOUR = 60, 3600


class Call:
    """An action that somebody waits for."""

    def __init__(self, hass: HomeAssistant, action: str, **data: Any) -> None:
        """Call it."""
        self._task = asyncio.create_task(
            hass.services.async_call(
                DOMAIN,
                action,
                {"wait": True, **data},
                blocking=True,
                return_response=True,
            )
        )

    @property
    def goes_on(self) -> bool:
        return not self._task.done()

    @property
    def tasks(self) -> list[dict[str, Any]]:
        answer: Any = self._task.result()
        return list(answer["tasks"])

    @property
    def result(self) -> str:
        (task,) = self.tasks
        return str(task["result"])

    async def cancel(self) -> None:
        self._task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await self._task


@pytest.fixture
async def start(
    hass: HomeAssistant, plex: SimulatedPlex, loaded: MockConfigEntry
) -> Any:
    """Return what starts a task and waits."""
    for task in plex.truth():
        plex.durations[task] = 10 * MINUTE

    async def begin(task: str | list[str] = BACKUP, **data: Any) -> Call:
        call = Call(hass, "start_task", task=task, **data)
        await settle(hass, plex)
        return call

    return begin


async def over(advance: Advance, call: Call, seconds: float, step: float = 5) -> float:
    """Let time go by until a call is answered; return how long that took."""
    passed = 0.0
    while call.goes_on:
        assert passed < seconds, "not answered in time"
        await advance(step)
        passed += step
    return passed


def truly_ended(plex: SimulatedPlex, task: str) -> datetime:
    """Return when the last run really ended, by the clock of Home Assistant."""
    *_, run = [run for run in plex.intervals if run.task == task and run.end]
    assert run.end
    return dt_util.utcnow() - (plex_now(plex) - dt_util.utc_from_timestamp(run.end))


async def test_a_start_that_waits_is_answered_when_the_end_was_seen(
    hass: HomeAssistant, plex: SimulatedPlex, start: Any, advance: Advance
) -> None:
    began = dt_util.utcnow()
    call = await start()

    await advance(9 * MINUTE)
    assert call.goes_on

    await over(advance, call, 2 * MINUTE)
    (task,) = call.tasks
    ended = truly_ended(plex, BACKUP)
    assert (task["name"], task["task"]) == (BACKUP, "Back up database")
    assert (task["result"], task["evidence"]) == ("ended", "observed")
    assert task["started_at"] == began
    assert abs(task["ended_at"] - ended) <= timedelta(seconds=5)
    assert task["duration"] == (task["ended_at"] - began).total_seconds()


async def test_without_notifications_polling_sees_the_end(
    hass: HomeAssistant, plex: SimulatedPlex, start: Any, advance: Advance
) -> None:
    plex.hub.muted = True
    call = await start()

    await over(advance, call, 11 * MINUTE)

    (task,) = call.tasks
    assert (task["result"], task["evidence"]) == ("ended", "observed")


async def test_what_runs_already_is_waited_for_as_well(
    hass: HomeAssistant, plex: SimulatedPlex, start: Any, advance: Advance
) -> None:
    plex.client_start(BACKUP)
    await advance(31)
    call = await start()

    await over(advance, call, 11 * MINUTE)

    assert call.result == "ended"
    assert [request.path for request in plex.requests if request.method == "POST"] == [
        "/butler/BackupDatabase"
    ]


async def test_a_run_that_somebody_stops_is_no_end(
    hass: HomeAssistant, plex: SimulatedPlex, start: Any, advance: Advance
) -> None:
    call = await start()
    await advance(MINUTE)

    await hass.services.async_call(
        "switch",
        "turn_off",
        {"entity_id": "switch.attic_butler_back_up_database"},
        blocking=True,
    )
    await advance(1)

    assert call.result == "stopped"


async def test_a_run_so_short_that_nobody_saw_it_is_unconfirmed(
    hass: HomeAssistant, plex: SimulatedPlex, start: Any, advance: Advance
) -> None:
    plex.hub.muted = True
    plex.durations[BACKUP] = 0.1
    call = await start()

    await over(advance, call, HOUR, step=30)

    (task,) = call.tasks
    assert (task["result"], task["ended_at"]) == ("unconfirmed", None)


async def test_a_run_as_short_that_was_told_of_has_ended(
    hass: HomeAssistant, plex: SimulatedPlex, start: Any, advance: Advance
) -> None:
    plex.durations[BACKUP] = 0.1
    call = await start()

    await over(advance, call, MINUTE, step=0.2)

    assert call.result == "ended"


@pytest.mark.slow
@pytest.mark.parametrize("profile", ["silent"])
async def test_a_limit_proves_no_end(
    hass: HomeAssistant, plex: SimulatedPlex, start: Any, advance: Advance
) -> None:
    call = await start()

    took = await over(advance, call, HOUR, step=30)

    assert took >= 3 * MINUTE
    (task,) = call.tasks
    assert (task["result"], task["evidence"]) == ("unconfirmed", "assumed")
    assert (task["ended_at"], task["duration"]) == (None, None)


@pytest.mark.slow
@pytest.mark.parametrize("profile", ["anonymous"])
async def test_that_butler_is_idle_is_no_end_that_was_seen(
    hass: HomeAssistant, plex: SimulatedPlex, start: Any, advance: Advance
) -> None:
    call = await start()

    await over(advance, call, 12 * MINUTE)

    (task,) = call.tasks
    assert (task["result"], task["evidence"]) == ("unconfirmed", "inferred")
    assert task["ended_at"] >= truly_ended(plex, BACKUP)


async def test_a_start_that_the_server_ignores_is_unconfirmed(
    hass: HomeAssistant, plex: SimulatedPlex, start: Any, advance: Advance
) -> None:
    plex.durations[BACKUP] = MINUTE
    await over(advance, await start(), 2 * MINUTE)
    plex.fault("ignore", path="/butler/BackupDatabase")

    call = await start()
    await over(advance, call, MINUTE)

    assert call.result == "unconfirmed"
    again = await start()
    await over(advance, again, 2 * MINUTE)
    assert again.result == "ended"


async def test_time_runs_out(
    hass: HomeAssistant, plex: SimulatedPlex, start: Any, advance: Advance
) -> None:
    call = await start(timeout={"minutes": 5})

    took = await over(advance, call, 6 * MINUTE)

    assert took == 5 * MINUTE
    (task,) = call.tasks
    assert (task["result"], task["ended_at"]) == ("timed_out", None)
    assert task["started_at"]
    assert plex.truth()[BACKUP] == "running"


@pytest.mark.slow
async def test_an_hour_is_waited_unless_told_otherwise(
    hass: HomeAssistant, plex: SimulatedPlex, start: Any, advance: Advance
) -> None:
    plex.durations[BACKUP] = 2 * HOUR
    call = await start()

    assert await over(advance, call, 2 * HOUR, step=60) == HOUR
    assert call.result == "timed_out"


async def test_several_run_one_after_another(
    hass: HomeAssistant, plex: SimulatedPlex, start: Any, advance: Advance
) -> None:
    call = await start([BACKUP, OPTIMIZE])
    await advance(5 * MINUTE)
    truth = plex.truth()
    assert (truth[BACKUP], truth[OPTIMIZE]) == ("running", "idle")

    await advance(5 * MINUTE + 5)
    truth = plex.truth()
    assert (truth[BACKUP], truth[OPTIMIZE]) == ("idle", "running")

    await over(advance, call, 11 * MINUTE)
    assert [task["result"] for task in call.tasks] == ["ended", "ended"]


async def test_what_has_not_had_its_turn_when_time_is_up_is_not_started(
    hass: HomeAssistant, plex: SimulatedPlex, start: Any, advance: Advance
) -> None:
    call = await start([BACKUP, OPTIMIZE], timeout={"minutes": 5})

    await over(advance, call, 6 * MINUTE)

    first, second = call.tasks
    assert (first["result"], second["result"]) == ("timed_out", "timed_out")
    assert second["started_at"] is None
    assert plex.truth()[OPTIMIZE] == "idle"


@pytest.mark.parametrize("push", [True, False])
async def test_a_server_that_hangs_in_the_middle_of_a_backup_is_waited_for(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    start: Any,
    advance: Advance,
    expected_logs: list[str],
    *,
    push: bool,
) -> None:
    expected_logs.append("Error fetching Attic Butler data")
    plex.durations[BACKUP] = 4.5 * MINUTE
    plex.hub.muted = not push
    call = await start()
    await advance(MINUTE)
    plex.hangs = plex.hub.muted = True

    for _ in range(4 * MINUTE // 15):
        await advance(15)
    assert call.goes_on
    assert plex.truth()[BACKUP] == "idle"
    plex.hangs, plex.hub.muted = False, not push
    await over(advance, call, MINUTE)

    (task,) = call.tasks
    assert task["result"] == "ended"
    assert (
        timedelta()
        <= task["ended_at"] - truly_ended(plex, BACKUP)
        <= timedelta(minutes=1.5)
    )


async def test_a_backup_that_locks_the_database_has_ended_when_it_is_told_so(
    hass: HomeAssistant, plex: SimulatedPlex, start: Any, advance: Advance
) -> None:
    plex.durations[BACKUP] = 90
    call = await start()
    await advance(5)
    plex.hangs = True

    for _ in range(5):
        await advance(15)
    assert call.goes_on
    plex.hangs = False
    await over(advance, call, MINUTE)

    (task,) = call.tasks
    assert (task["result"], task["evidence"]) == ("ended", "observed")
    assert abs(task["ended_at"] - truly_ended(plex, BACKUP)) <= timedelta(seconds=1)


async def test_a_start_that_is_not_answered_for_the_work_that_it_began_is_waited_for(
    hass: HomeAssistant, plex: SimulatedPlex, start: Any, advance: Advance
) -> None:
    plex.durations[BACKUP] = 90
    await over(advance, await start(), 2 * MINUTE)
    plex.client_start(BACKUP)
    plex.hangs = True
    call = await start()
    for _ in range(5):
        await advance(15)
    assert call.goes_on

    plex.hangs = False
    await over(advance, call, MINUTE)

    assert call.result == "ended"


@pytest.mark.slow
async def test_a_start_that_is_never_answered_is_unconfirmed(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    start: Any,
    advance: Advance,
    expected_logs: list[str],
) -> None:
    expected_logs.append("Error fetching Attic Butler data")
    plex.hangs = True
    call = await start()

    took = await over(advance, call, HOUR, step=15)

    assert took >= 5 * MINUTE
    (task,) = call.tasks
    assert (task["result"], task["started_at"]) == ("unconfirmed", None)
    silent = await start()
    await advance(16)
    with pytest.raises(HomeAssistantError) as err:
        _ = silent.tasks
    assert err.value.translation_key == "timeout"

    plex.hangs = False
    await advance(31)
    await over(advance, await start(), 11 * MINUTE)


@pytest.mark.slow
@pytest.mark.parametrize("push", [True, False])
@pytest.mark.parametrize("seconds", [240, 285, 299])
async def test_an_outage_of_less_than_five_minutes_is_outlasted(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    start: Any,
    advance: Advance,
    expected_logs: list[str],
    seconds: int,
    *,
    push: bool,
) -> None:
    expected_logs.append("Error fetching Attic Butler data")
    task = "RefreshLibraries"
    plex.durations[task] = 10 * MINUTE
    plex.hub.muted = not push
    call = await start(task)
    await advance(MINUTE)
    plex.fault("500", count=None)
    plex.hub.drop()
    for _ in range(seconds):
        await advance(1)
    assert call.goes_on
    plex.clear_faults()
    await over(advance, call, 10 * MINUTE)

    assert call.result == "ended"


async def test_an_outage_that_is_too_long_is_unconfirmed(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    start: Any,
    advance: Advance,
    expected_logs: list[str],
) -> None:
    expected_logs.append("Error fetching Attic Butler data")
    plex.durations[OPTIMIZE] = HOUR
    call = await start("RefreshLibraries")
    await advance(MINUTE)
    await plex.stop_listening()

    took = await over(advance, call, 8 * MINUTE)

    assert 5 * MINUTE <= took <= 7 * MINUTE
    (task,) = call.tasks
    assert (task["result"], task["ended_at"]) == ("unconfirmed", None)
    await plex.listen_again()
    await advance(31)


async def test_a_server_that_comes_back_without_evidence_is_unconfirmed(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    start: Any,
    advance: Advance,
    expected_logs: list[str],
) -> None:
    expected_logs.append("Error fetching Attic Butler data")
    call = await start("RefreshLibraries")
    await advance(MINUTE)
    await plex.restart(refused_for=MINUTE)

    await over(advance, call, 3 * MINUTE)

    assert call.result == "unconfirmed"


async def test_waiting_neither_blocks_unloading_nor_outlives_it(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    start: Any,
    loaded: MockConfigEntry,
) -> None:
    call = await start([BACKUP, OPTIMIZE])

    assert await hass.config_entries.async_unload(loaded.entry_id)
    await settle(hass)

    assert [task["result"] for task in call.tasks] == ["unconfirmed", "unconfirmed"]
    assert plex.truth()[OPTIMIZE] == "idle"


async def test_waiting_ends_when_home_assistant_stops(
    hass: HomeAssistant, plex: SimulatedPlex, start: Any
) -> None:
    call = await start()

    # Before the call has gone on after the first, another one changes nothing.
    hass.bus.async_fire(EVENT_HOMEASSISTANT_STOP)
    hass.bus.async_fire(EVENT_HOMEASSISTANT_STOP)
    await settle(hass)

    assert call.result == "unconfirmed"


async def test_whoever_stops_waiting_leaves_nothing_behind(
    hass: HomeAssistant, plex: SimulatedPlex, start: Any, loaded: MockConfigEntry
) -> None:
    listeners = hass.bus.async_listeners()[EVENT_HOMEASSISTANT_STOP]
    call = await start()
    await call.cancel()

    assert hass.bus.async_listeners()[EVENT_HOMEASSISTANT_STOP] == listeners
    assert plex.truth()[BACKUP] == "running"
    assert await hass.config_entries.async_unload(loaded.entry_id)


async def test_a_queued_task_is_told_so(
    hass: HomeAssistant, plex: SimulatedPlex, start: Any, advance: Advance
) -> None:
    guides = await open_window(plex, advance)

    call = await start(guides, wait=False)

    (told,) = call.tasks
    assert plex.truth()[guides] == "queued"
    assert (told["result"], told["evidence"]) == ("queued", "assumed")
    assert told["started_at"] is None


async def test_a_stop_that_waits_is_answered_when_nothing_shows_the_task(
    hass: HomeAssistant, plex: SimulatedPlex, start: Any, advance: Advance
) -> None:
    await start(wait=False)
    await advance(MINUTE)

    call = Call(hass, "stop_task", task=BACKUP)
    await over(advance, call, MINUTE, step=1)

    (task,) = call.tasks
    assert (task["result"], task["evidence"]) == ("stopped", "assumed")
    assert task["duration"] == pytest.approx(MINUTE, abs=2)
    nothing = Call(hass, "stop_task", task=BACKUP)
    await settle(hass)
    (task,) = nothing.tasks
    assert (task["result"], task["evidence"]) == ("not_running", "assumed")
    assert (task["started_at"], task["ended_at"]) == (None, None)


@pytest.mark.parametrize("profile", ["silent"])
async def test_a_stop_takes_the_servers_word_where_it_shows_nothing(
    hass: HomeAssistant, plex: SimulatedPlex, start: Any, advance: Advance
) -> None:
    plex.client_start(BACKUP)
    call = Call(hass, "stop_task", task=BACKUP)
    await over(advance, call, MINUTE, step=1)

    (task,) = call.tasks
    assert (task["result"], task["evidence"]) == ("stopped", "assumed")
    assert (task["started_at"], task["duration"]) == (None, None)
    assert plex.truth()[BACKUP] == "idle"


DRAWN = [draw_profile(seed).with_traits(hangs_on_database=False) for seed in range(30)]


@pytest.mark.parametrize(
    "profile",
    [*DRAWN[:3], *(pytest.param(it, marks=pytest.mark.slow) for it in DRAWN[3:])],
    ids=range(len(DRAWN)),
)
async def test_an_end_is_never_told_that_did_not_happen(
    hass: HomeAssistant, plex: SimulatedPlex, start: Any, advance: Advance
) -> None:
    """Whatever the server shows or hides, and whatever else goes on."""
    task, other, *_ = plex.truth()
    plex.durations[other] = 2 * MINUTE
    call = await start(task, timeout={"minutes": 20})
    await advance(7)
    plex.client_start(other)
    plex.noise.scan(40)

    await over(advance, call, 21 * MINUTE, step=7)

    ends = [run for run in plex.intervals if run.task == task and run.end]
    assert call.result in ({"ended"} if ends else set()) | {"unconfirmed", "timed_out"}


@pytest.mark.parametrize(
    "profile", [PROFILES["current"].with_traits(linger_after_stop=20)]
)
async def test_a_stop_that_waits_outlasts_a_row_that_lingers(
    hass: HomeAssistant, plex: SimulatedPlex, start: Any, advance: Advance
) -> None:
    await start(wait=False)
    await advance(MINUTE)

    call = Call(hass, "stop_task", task=BACKUP)
    took = await over(advance, call, MINUTE, step=1)

    assert 19 <= took <= 26
    assert call.result == "stopped"


async def test_what_goes_on_after_a_stop_is_told_when_time_is_up(
    hass: HomeAssistant, plex: SimulatedPlex, start: Any, advance: Advance
) -> None:
    await start(wait=False)
    await advance(MINUTE)
    plex.fault("ignore", path="/butler/BackupDatabase")

    call = Call(hass, "stop_task", task=BACKUP, timeout=120)
    took = await over(advance, call, 3 * MINUTE)

    assert 2 * MINUTE <= took <= 2 * MINUTE + 5
    (task,) = call.tasks
    assert task["result"] == "timed_out"
    assert task["evidence"] == "observed"
