"""Runs, from what the server shows to what states, triggers and actions tell."""

import asyncio
from itertools import groupby
from time import process_time
from typing import Any

from homeassistant.const import EVENT_STATE_CHANGED, STATE_OFF, STATE_ON
from homeassistant.core import Event, HomeAssistant, callback
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.plex_butler.const import DOMAIN
from tests.conftest import Advance, settle, until
from tests.simulator import PROFILES, Cause, SimulatedPlex

BACKUP, OPTIMIZE = "BackupDatabase", "OptimizeDatabase"
SWITCH = "switch.attic_butler_back_up_database"
BUTLER = "binary_sensor.attic_butler_working"
MINUTE = 60

SESSION = pytest.mark.parametrize("profile", ["session"])


@pytest.fixture
def writes(hass: HomeAssistant) -> list[tuple[str, str]]:
    """Return all state changes, but for those of the event entity."""
    writes: list[tuple[str, str]] = []

    @callback
    def write(event: Event[Any]) -> None:
        state = event.data["new_state"]
        if state and state.domain != "event":
            writes.append((state.entity_id, state.state))

    hass.bus.async_listen(EVENT_STATE_CHANGED, write)
    return writes


async def trust(hass: HomeAssistant, plex: SimulatedPlex, advance: Advance) -> None:
    """Let the server prove that it tells, and be idle again."""
    plex.durations[BACKUP] = 1
    plex.client_start(BACKUP)
    await advance(31)
    await advance(31)
    await advance(301)


@SESSION
@pytest.mark.usefixtures("all_entities_enabled")
async def test_a_burst_of_tasks_costs_two_rounds_of_writes_and_no_request(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    loaded: MockConfigEntry,
    advance: Advance,
    writes: list[tuple[str, str]],
) -> None:
    await trust(hass, plex, advance)
    for task in plex.truth():
        plex.durations[task] = 0
    updates: list[int] = []
    loaded.runtime_data.async_add_listener(lambda: updates.append(1))
    writes.clear()
    plex.requests.clear()
    told: list[str] = []

    @callback
    def tell(event: Event[Any]) -> None:
        state = event.data["new_state"]
        if state and state.domain == "event":
            told.append(f"{state.attributes['event_type']} {state.attributes['task']}")

    hass.bus.async_listen(EVENT_STATE_CHANGED, tell)

    plex.butler.start_due(Cause.WINDOW)
    await plex.flush()
    await settle(hass)
    await advance(0.5)

    assert len(updates) <= 2
    assert plex.requests == []
    tasks = [run.task for run in plex.intervals[-len(told) // 2 :]]
    assert len(tasks) > 15
    assert told == [f"{what} {task}" for task in tasks for what in ("started", "ended")]

    await advance(1)
    assert hass.states.get(BUTLER).state == STATE_OFF  # type: ignore[union-attr] # it is there


@SESSION
async def test_a_waiting_action_is_answered_once_its_switch_is_off(
    hass: HomeAssistant, plex: SimulatedPlex, loaded: MockConfigEntry, advance: Advance
) -> None:
    await trust(hass, plex, advance)
    plex.durations[BACKUP] = MINUTE
    seen: list[object] = []

    async def wait() -> None:
        answer = await hass.services.async_call(
            DOMAIN,
            "start_task",
            {"task": BACKUP, "wait": True},
            blocking=True,
            return_response=True,
        )
        tasks: Any = answer and answer["tasks"]
        state = hass.states.get(SWITCH)
        seen.extend((tasks[0]["result"], state and state.state))

    task = asyncio.create_task(wait())
    await settle(hass)
    # Changes just before the end hold the next round of writes back.
    await advance(59.9)
    plex.hub.send_raw(_frame("Work", "w1"))
    await plex.flush()
    await settle(hass)
    assert hass.states.get(SWITCH).state == STATE_ON  # type: ignore[union-attr] # it is there
    for _ in range(4):
        await advance(0.2)
    await task

    assert seen == ["ended", STATE_OFF]


async def test_ten_thousand_frames_of_new_rows_hold_nothing_up(
    hass: HomeAssistant, plex: SimulatedPlex, loaded: MockConfigEntry, advance: Advance
) -> None:
    stream = loaded.runtime_data.push.statistics
    before = stream()["frames"]
    frames = [_frame("Work", f"w{number}") for number in range(10_000)]
    for frame in frames:
        plex.hub.send_raw(frame)

    began = process_time()
    at_once: list[int] = []

    def is_over() -> bool:
        at_once.append(stream()["frames"] - before - sum(at_once))
        return sum(at_once) >= len(frames)

    await until(is_over)
    await settle(hass)
    took = process_time() - began

    # Without coverage it is half a second, the simulated server's part included.
    assert took < 2
    # Each takes far less than 0.1 ms, and others have their turn after 5 ms at most.
    assert max(at_once) <= 50
    assert hass.states.get(BUTLER).state == STATE_ON  # type: ignore[union-attr] # it is there


def _frame(title: str, uuid: str) -> str:
    row = f'{{"uuid":"{uuid}","type":"butler","title":"{title}","progress":5}}'
    return (
        '{"NotificationContainer":{"type":"activity","size":1,"ActivityNotification":'
        f'[{{"event":"updated","uuid":"{uuid}","Activity":{row}}}]}}}}'
    )


@pytest.mark.parametrize("how", ["refused", "hang-up", "reset", "unreachable"])
@pytest.mark.parametrize("seconds", [1, 40])
async def test_a_backup_that_a_restart_cut_short_has_not_ended(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    loaded: MockConfigEntry,
    advance: Advance,
    expected_logs: list[str],
    how: str,
    seconds: float,
) -> None:
    if seconds > 30:
        expected_logs.append("Error fetching Attic Butler data")
    plex.durations[BACKUP] = 10 * MINUTE
    call = asyncio.create_task(
        hass.services.async_call(
            DOMAIN,
            "start_task",
            {"task": BACKUP, "wait": True},
            blocking=True,
            return_response=True,
        )
    )
    await settle(hass)
    await advance(MINUTE)
    await plex.restart(refused_for=seconds, how=how)
    for _ in range(40):
        await advance(3)

    answer: Any = await call
    assert answer["tasks"][0]["result"] == "unconfirmed"
    assert hass.states.get(SWITCH).state == STATE_OFF  # type: ignore[union-attr] # it is there


@pytest.mark.parametrize(
    "profile", [PROFILES["session"], PROFILES["session"].with_traits(row_delay=8)]
)
async def test_a_start_never_shows_off_before_it_is_over(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    loaded: MockConfigEntry,
    advance: Advance,
    writes: list[tuple[str, str]],
) -> None:
    await trust(hass, plex, advance)
    plex.durations[OPTIMIZE] = 40
    writes.clear()
    await hass.services.async_call(
        DOMAIN, "start_task", {"task": OPTIMIZE}, blocking=True
    )
    for _ in range(70):
        await advance(1)

    name = "switch.attic_butler_optimize_database"
    states = [state for entity, state in writes if entity == name]
    assert [state for state, _ in groupby(states)] == ["on", "off"]
