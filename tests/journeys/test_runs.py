"""Runs and polls, from what the server shows to what states and actions tell."""

import asyncio
from collections.abc import Callable
from itertools import groupby
from time import process_time
from typing import Any

from homeassistant.const import (
    EVENT_STATE_CHANGED,
    EVENT_STATE_REPORTED,
    STATE_OFF,
    STATE_ON,
    STATE_UNAVAILABLE,
)
from homeassistant.core import Event, callback
import pytest

from tests.conftest import (
    BACKUP,
    BACKUP_SWITCH,
    OPTIMIZE,
    OPTIMIZE_SWITCH,
    settle,
    until,
)
from tests.journeys.journey import HOUR, MINUTE, NOTHING_LISTENS, Journey
from tests.simulator import PROFILES, Absence, Cause, SimulatedPlex

BUTLER = "binary_sensor.attic_butler_working"

ON_SCHEDULE = "switch.attic_butler_schedule_back_up_database"
START = "select.attic_butler_maintenance_window_begins"

SESSION = pytest.mark.parametrize("profile", ["session"])
SILENT = pytest.mark.parametrize(
    "profile", [PROFILES["current"].with_traits(pushes_rows=False)]
)


async def trust(home: Journey) -> None:
    """Let the server prove that it tells, and be idle again."""
    home.begins(BACKUP, 1)
    for seconds in (31, 31, 301):
        await home.advance(seconds)


def frame(uuid: str) -> str:
    row = f'{{"uuid":"{uuid}","type":"butler","title":"Work","progress":5}}'
    return (
        '{"NotificationContainer":{"type":"activity","size":1,"ActivityNotification":'
        f'[{{"event":"updated","uuid":"{uuid}","Activity":{row}}}]}}}}'
    )


@SESSION
@pytest.mark.usefixtures("all_entities_enabled")
async def test_a_burst_costs_two_rounds_of_writes_and_no_request(home: Journey) -> None:
    plex = home.plex
    await trust(home)
    plex.durations.update(dict.fromkeys(plex.truth(), 0))
    updates: list[int] = []
    home.entry.runtime_data.async_add_listener(lambda: updates.append(1))
    plex.requests.clear()
    events = home.written("event.attic_butler_task")

    plex.butler.start_due(Cause.WINDOW)
    await plex.flush()
    await settle(home.hass)
    await home.advance(0.5)

    assert len(updates) <= 2
    assert plex.requests == []
    told = [f"{it.attributes['event_type']} {it.attributes['name']}" for it in events]
    tasks = [run.task for run in plex.intervals[-len(told) // 2 :]]
    assert len(tasks) > 15
    assert told == [f"{what} {task}" for task in tasks for what in ("started", "ended")]

    await home.advance(1)
    assert home.state(BUTLER) == STATE_OFF


@SESSION
async def test_a_waiting_action_ends_once_its_switch_is_off(home: Journey) -> None:
    await trust(home)
    home.plex.durations[BACKUP] = MINUTE

    async def wait() -> tuple[object, str | None]:
        (task,) = await home.answer("start_task", task=BACKUP, wait=True)
        return task["result"], home.state()

    answer = asyncio.create_task(wait())
    await settle(home.hass)
    # Changes just before the end hold the next round of writes back.
    await home.advance(59.9)
    home.plex.hub.send_raw(frame("w1"))
    await home.plex.flush()
    await settle(home.hass)
    assert home.state() == STATE_ON
    await home.advance_steps(4, 0.2)
    assert await answer == ("ended", STATE_OFF)


async def test_ten_thousand_frames_of_new_rows_hold_nothing_up(home: Journey) -> None:
    stream = home.entry.runtime_data.push.statistics
    before = stream()["frames"]
    frames = [frame(f"w{number}") for number in range(10_000)]
    for it in frames:
        home.plex.hub.send_raw(it)

    began = process_time()
    at_once: list[int] = []

    def is_over() -> bool:
        at_once.append(stream()["frames"] - before - sum(at_once))
        return sum(at_once) >= len(frames)

    await until(is_over)
    await settle(home.hass)
    took = process_time() - began

    # Without coverage it is half a second, the simulated server's part included.
    assert took < 2
    # Each takes far less than 0.1 ms, and others have their turn after 5 ms at most.
    assert max(at_once) <= 50
    assert home.state(BUTLER) == STATE_ON


@pytest.mark.parametrize("how", Absence)
@pytest.mark.parametrize("seconds", [1, 40])
async def test_a_backup_that_a_restart_cut_short_has_not_ended(
    home: Journey, how: Absence, seconds: float
) -> None:
    if seconds > 30:
        home.expected_logs.append("Error fetching Attic Butler data")
    home.plex.durations[BACKUP] = 10 * MINUTE
    call = asyncio.create_task(home.answer("start_task", task=BACKUP, wait=True))
    await settle(home.hass)
    await home.advance(MINUTE)
    await home.plex.restart(refused_for=seconds, how=how)
    await home.advance_steps(40, 3)

    assert (await call)[0]["result"] == "unconfirmed"
    assert home.state() == STATE_OFF


@pytest.mark.parametrize(
    "profile", [PROFILES["session"], PROFILES["session"].with_traits(row_delay=8)]
)
async def test_a_start_never_shows_off_before_it_is_over(home: Journey) -> None:
    await trust(home)
    home.plex.durations[OPTIMIZE] = 40
    states = home.written(OPTIMIZE_SWITCH)
    await home.call("start_task", OPTIMIZE)
    await home.advance_steps(70, 1)

    shown = [state for state, _ in groupby(states, lambda it: it.state)]
    assert shown == [STATE_ON, STATE_OFF]


@pytest.fixture
async def rounds(home: Journey) -> list[int]:
    """Return a list that grows by one with each round of the listeners."""
    # The polls after the set-up are over.
    await home.advance_steps(2, 31)
    rounds: list[int] = []
    home.entry.runtime_data.async_add_listener(lambda: rounds.append(1))
    return rounds


async def poll(home: Journey, *, anew: bool = False) -> None:
    """Poll, and read again also what is read seldom."""
    if anew:
        home.entry.runtime_data.async_invalidate()
    await home.entry.runtime_data.async_refresh()
    await settle(home.hass)


def start_backup(plex: SimulatedPlex) -> None:
    plex.durations[BACKUP] = HOUR
    plex.client_start(BACKUP)


def change_window(plex: SimulatedPlex) -> None:
    plex.hub.muted = True
    plex.set_preference("ButlerStartHour", 4)


def disable_task(plex: SimulatedPlex) -> None:
    plex.hub.muted = True
    plex.set_preference("ButlerTaskBackupDatabase", value=False)


def do_all(plex: SimulatedPlex) -> None:
    start_backup(plex)
    change_window(plex)
    disable_task(plex)


@SILENT
@pytest.mark.usefixtures("all_entities_enabled")
@pytest.mark.parametrize(
    ("change", "entity_id", "before", "after"),
    [
        (start_backup, BACKUP_SWITCH, STATE_OFF, STATE_ON),
        (change_window, START, "02:00", "04:00"),
        (disable_task, ON_SCHEDULE, STATE_ON, STATE_OFF),
        (do_all, BACKUP_SWITCH, STATE_OFF, STATE_ON),
    ],
)
async def test_a_poll_that_finds_a_change_updates_the_listeners_once(
    home: Journey,
    rounds: list[int],
    change: Callable[[SimulatedPlex], None],
    entity_id: str,
    before: str,
    after: str,
) -> None:
    seen: list[str | None] = []
    home.entry.runtime_data.async_add_listener(
        lambda: seen.append(home.state(entity_id))
    )
    assert home.state(entity_id) == before
    change(home.plex)
    await poll(home, anew=True)

    assert len(rounds) == 1
    # The entities' states are written in that round.
    assert seen == [after]


@SILENT
async def test_a_poll_that_finds_no_change_writes_no_state(
    home: Journey, rounds: list[int]
) -> None:
    writes: list[Event[Any]] = []

    @callback
    def note(event: Event[Any]) -> None:
        writes.append(event)

    @callback
    def every(_: object) -> bool:
        return True

    for event in (EVENT_STATE_CHANGED, EVENT_STATE_REPORTED):
        home.hass.bus.async_listen(event, note, event_filter=every)
    await poll(home, anew=True)

    assert len(rounds) <= 1
    assert not writes


@SILENT
async def test_an_outage_updates_the_listeners_once_and_so_does_its_end(
    home: Journey, rounds: list[int]
) -> None:
    home.expected_logs.append(NOTHING_LISTENS)
    home.begins(BACKUP, HOUR)
    await poll(home)
    rounds.clear()
    await home.plex.stop_listening()
    for _ in range(2):
        await poll(home)
        assert home.state() == STATE_UNAVAILABLE
        assert len(rounds) == 1

    await home.plex.listen_again()
    await home.entry.runtime_data.async_refresh()
    assert home.state() in {STATE_ON, STATE_OFF}
    assert len(rounds) == 2
