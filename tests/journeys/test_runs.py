"""Runs and polls, from what the server shows to what states and actions tell."""

import asyncio
from itertools import groupby
from time import process_time

from homeassistant.const import STATE_OFF, STATE_ON, STATE_UNAVAILABLE
import pytest

from tests.conftest import BACKUP, BACKUP_SWITCH, OPTIMIZE, OPTIMIZE_SWITCH, until
from tests.journeys.journey import HOUR, MINUTE, NOTHING_LISTENS, Journey
from tests.simulator import PROFILES, Absence, Cause, Row, RowEvent, activity_frame

BUTLER = "binary_sensor.attic_butler_working"
ANALYSIS = "DeepMediaAnalysis"
ANALYSIS_SWITCH = "switch.attic_butler_perform_extensive_media_analysis"
ON_SCHEDULE = "switch.attic_butler_schedule_back_up_database"
START = "select.attic_butler_maintenance_window_begins"

SESSION = pytest.mark.parametrize("profile", ["session"])
SILENT = pytest.mark.parametrize(
    "profile", [PROFILES["current"].with_traits(pushes_rows=False)]
)


def show_work(home: Journey, uuid: str) -> None:
    """Have the server push a row of Butler's."""
    row = Row(uuid=uuid, type="butler", title="Work", progress=5)
    home.plex.hub.publish(activity_frame(RowEvent.UPDATED, row))


@SESSION
@pytest.mark.usefixtures("all_entities_enabled")
async def test_a_burst_costs_two_rounds_of_writes_and_no_request(home: Journey) -> None:
    plex = home.plex
    await home.earn_trust()
    plex.durations.update(dict.fromkeys(plex.truth(), 0))
    updates: list[int] = []
    home.entry.runtime_data.async_add_listener(lambda: updates.append(1))
    events = home.written("event.attic_butler_task")

    plex.butler.start_due(Cause.WINDOW)
    await home.heard()
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
    await home.earn_trust()
    home.plex.durations[BACKUP] = MINUTE

    async def wait() -> tuple[object, str | None]:
        (task,) = await home.answer("start_task", task=BACKUP, wait=True)
        return task["result"], home.state()

    answer = asyncio.create_task(wait())
    await home.settle()
    # Changes just before the end hold the next round of writes back.
    await home.advance(59.9)
    show_work(home, "w1")
    await home.heard()
    assert home.state() == STATE_ON
    await home.advance_steps(4, 0.2)
    assert await answer == ("ended", STATE_OFF)


async def test_ten_thousand_frames_of_new_rows_hold_nothing_up(home: Journey) -> None:
    stream = home.entry.runtime_data.push.statistics
    before = stream()["frames"]
    frames = 10_000
    for number in range(frames):
        show_work(home, f"w{number}")

    began = process_time()
    at_once: list[int] = []

    def is_over() -> bool:
        at_once.append(stream()["frames"] - before - sum(at_once))
        return sum(at_once) >= frames

    await until(is_over)
    await home.settle()
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
        home.expect_log("Error fetching Attic Butler data")
    home.plex.durations[BACKUP] = 10 * MINUTE
    call = asyncio.create_task(home.answer("start_task", task=BACKUP, wait=True))
    await home.settle()
    await home.advance(MINUTE)
    await home.plex.restart(refused_for=seconds, how=how)
    await home.advance_steps(40, 3)

    assert (await call)[0]["result"] == "unconfirmed"
    assert home.state() == STATE_OFF


@pytest.mark.parametrize(
    "profile", [PROFILES["session"], PROFILES["session"].with_traits(row_delay=8)]
)
async def test_a_start_never_shows_off_before_it_is_over(home: Journey) -> None:
    # The server proves that it tells.
    home.begins(BACKUP, 1)
    await home.advance(31, 31, 301)
    home.plex.durations[OPTIMIZE] = 40
    states = home.written(OPTIMIZE_SWITCH)
    await home.call("start_task", OPTIMIZE)
    await home.advance_steps(70, 1)

    shown = [state for state, _ in groupby(states, lambda it: it.state)]
    assert shown == [STATE_ON, STATE_OFF]


@SILENT
@pytest.mark.usefixtures("all_entities_enabled")
async def test_a_poll_updates_the_listeners_once_whatever_it_finds_and_tells_no_more(
    home: Journey,
) -> None:
    coordinator = home.entry.runtime_data
    shown = (BACKUP_SWITCH, START, ON_SCHEDULE)
    rounds: list[list[str | None]] = []
    # The polls after the set-up are over.
    await home.advance_steps(2, 31)
    coordinator.async_add_listener(lambda: rounds.append([*map(home.state, shown)]))
    writes = home.writes()

    async def poll() -> None:
        coordinator.async_invalidate()
        await coordinator.async_refresh()
        await home.settle()

    await poll()
    assert len(rounds) <= 1
    assert not writes

    rounds.clear()
    home.begins(BACKUP, HOUR)
    home.plex.hub.muted = True
    home.plex.set_preference("ButlerStartHour", 4)
    home.plex.set_preference("ButlerTaskBackupDatabase", value=False)
    await poll()
    # The entities' states are written in that round.
    assert rounds == [[STATE_ON, "04:00", STATE_OFF]]

    home.expect_log(NOTHING_LISTENS)
    await home.plex.stop_listening()
    for _ in range(2):
        await poll()
        assert rounds[1:] == [[STATE_UNAVAILABLE] * len(shown)]

    await home.plex.listen_again()
    await coordinator.async_refresh()
    assert len(rounds) == 3
    assert home.state() in {STATE_ON, STATE_OFF}


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("fault", "hours"),
    [
        pytest.param("502", 24, marks=pytest.mark.slow),
        *((it, 3) for it in ("503", "404", "403", "401", "ignore", "refuse")),
        ("frame-cut", 3),
    ],
)
async def test_a_proxy_without_websockets_costs_time_and_nothing_else(
    home: Journey, fault: str, hours: int
) -> None:
    home.expect_log("no notifications, so changes show later")
    plex, states = home.plex, home.written(ANALYSIS_SWITCH)
    await home.advance(31)
    home.begins(ANALYSIS, (hours - 1) * HOUR)
    await home.advance(1)
    began = (await home.tasks())[ANALYSIS]["since"]
    assert began
    home.caplog.clear()

    plex.fault(fault, path="/:/websockets", count=None)
    plex.hub.drop()
    plex.requests.clear()
    while plex.truth()[ANALYSIS] == "running":
        assert (await home.tasks())[ANALYSIS]["since"] == began
        await home.advance(2 * MINUTE)
    await home.pass_minutes(20)

    assert [state.state for state in states] == [STATE_ON, STATE_OFF]
    last = (await home.tasks())[ANALYSIS]["last_run"]
    assert last["started_at"] == began
    # The frame that says how it ended may be the one with which the stream breaks, and
    # then the server may have been restarted.
    assert last["result"] in {"ended", "lost" if fault == "frame-cut" else "ended"}
    # Polls find what begins, too.
    home.begins(BACKUP, HOUR)
    await home.advance(33)
    assert home.state() == STATE_ON
    (line,) = home.said
    assert line.startswith("WARNING")

    plex.clear_faults()
    await home.pass_minutes(17)
    assert [line.split()[0] for line in home.said] == ["WARNING", "INFO"]
    plex.requests.clear()
    plex.client_stop(BACKUP)
    await home.advance(0.5)
    assert home.state() == STATE_OFF
    assert not plex.requests
