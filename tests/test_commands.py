"""Commands reach a server one at a time, and stops overtake the starts that wait."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.const import ATTR_ENTITY_ID, EVENT_HOMEASSISTANT_STOP
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers.translation import async_get_exception_message
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.plex_butler.const import DOMAIN
from tests.house import House, evening
from tests.simulator import ManualClock, SimulatedPlex, TaskSpec

BACKUP, OPTIMIZE, DEEP = "BackupDatabase", "OptimizeDatabase", "DeepMediaAnalysis"
SWITCHES = {
    BACKUP: "switch.attic_butler_back_up_database",
    OPTIMIZE: "switch.attic_butler_optimize_database",
    DEEP: "switch.attic_butler_perform_extensive_media_analysis",
}
# How long a server takes that is slow
SLOW = 5

type Ask = Callable[[Coroutine[Any, Any, Any]], asyncio.Task[Any]]


@pytest.fixture
async def house(hass: HomeAssistant, freezer: FrozenDateTimeFactory) -> House:
    """Return a house in which time passes though commands wait for their answers."""
    freezer.move_to(evening())
    return House(hass, freezer)


@pytest.fixture
async def entry(house: House, plex: SimulatedPlex) -> MockConfigEntry:
    """Return the entry of the server, set up."""
    return await house.add(plex)


@pytest.fixture
async def ask(
    house: House, plex: SimulatedPlex, entry: MockConfigEntry
) -> AsyncIterator[Ask]:
    """Return what asks for a command without waiting; see that none is beside another."""
    asked: list[asyncio.Task[Any]] = []
    plex.durations.update(dict.fromkeys(plex.durations, 3600))
    plex.requests.clear()

    async def watch() -> None:
        while True:
            assert sum(it.status is None for it in sent(plex)) <= 1
            await asyncio.sleep(0)

    def begin(coroutine: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        asked.append(asyncio.create_task(coroutine))
        return asked[-1]

    watcher = asyncio.create_task(watch())
    yield begin
    left = [task for task in asked if not task.done()]
    plex.clear_faults()
    await house.let_pass(60)
    for task in (watcher, *asked):
        task.cancel()
    assert not left
    with pytest.raises(asyncio.CancelledError):
        await watcher


def sent(plex: SimulatedPlex) -> list[Any]:
    return [it for it in plex.requests if it.method in {"POST", "DELETE"}]


def order(plex: SimulatedPlex) -> list[str]:
    """Return what the server was told, in a word for each command and its task."""
    words = {"POST": "start", "DELETE": "stop"}
    return [
        f"{words[it.method]} {it.path.removeprefix('/butler').lstrip('/') or 'all'}"
        for it in sent(plex)
    ]


def slow_down(plex: SimulatedPlex, count: int | None = None) -> None:
    for method in ("POST", "DELETE"):
        plex.fault("slow", count=count, path="/butler", method=method, delay=SLOW)


async def turn(hass: HomeAssistant, service: str, *tasks: str) -> None:
    entities = [SWITCHES[task] for task in tasks]
    await hass.services.async_call(
        "switch", service, {ATTR_ENTITY_ID: entities}, blocking=True
    )


async def press(hass: HomeAssistant, button: str) -> None:
    entity_id = f"button.attic_butler_{button}"
    await hass.services.async_call(
        "button", "press", {ATTR_ENTITY_ID: entity_id}, blocking=True
    )


async def call(hass: HomeAssistant, action: str, **data: Any) -> Any:
    answer: Any = await hass.services.async_call(
        DOMAIN, action, data, blocking=True, return_response=True
    )
    return [(task["name"], task["result"]) for task in answer["tasks"]]


def error_of(task: asyncio.Task[Any]) -> str | None:
    """Return why a call failed; it must say so in words."""
    err = task.exception()
    assert isinstance(err, HomeAssistantError)
    assert err.translation_key
    assert async_get_exception_message(
        DOMAIN, err.translation_key, err.translation_placeholders
    )
    return err.translation_key


def running(plex: SimulatedPlex) -> set[str]:
    return {task for task, state in plex.truth().items() if state != "idle"}


async def test_switch_button_and_action_at_once_are_one_command_after_another(
    hass: HomeAssistant, plex: SimulatedPlex, ask: Ask, house: House
) -> None:
    slow_down(plex)
    ask(turn(hass, "turn_on", BACKUP, OPTIMIZE))
    ask(call(hass, "start_task", task=DEEP))
    ask(press(hass, "run_what_is_due_now"))
    await house.settle()
    assert len(order(plex)) == 1

    for _ in range(4):
        await house.let_pass(SLOW)

    assert sorted(order(plex)) == sorted(
        [f"start {BACKUP}", f"start {OPTIMIZE}", f"start {DEEP}", "start all"]
    )
    assert running(plex) >= {BACKUP, OPTIMIZE, DEEP}


@pytest.mark.usefixtures("all_entities_enabled")
async def test_a_slow_setting_keeps_no_stop_waiting(
    hass: HomeAssistant, plex: SimulatedPlex, ask: Ask, house: House
) -> None:
    plex.client_start(BACKUP)
    plex.fault("slow", path="/:/prefs", method="PUT", delay=SLOW)
    schedule = SWITCHES[BACKUP].replace("butler_", "butler_schedule_")
    ask(
        hass.services.async_call(
            "switch", "turn_off", {ATTR_ENTITY_ID: schedule}, blocking=True
        )
    )
    await house.settle()

    await turn(hass, "turn_off", BACKUP)
    assert running(plex) == set()

    await house.let_pass(SLOW)
    shown = hass.states.get(schedule)
    assert shown and shown.state == "off"


@pytest.mark.parametrize("by", ["switch", "action"])
async def test_a_stop_overtakes_a_start_of_its_task_that_waits(
    hass: HomeAssistant, plex: SimulatedPlex, ask: Ask, house: House, by: str
) -> None:
    plex.client_start(OPTIMIZE)
    slow_down(plex)
    ask(turn(hass, "turn_on", DEEP))
    await house.settle()
    by_switch = ask(turn(hass, "turn_on", OPTIMIZE))
    by_action = ask(call(hass, "start_task", task=[OPTIMIZE, BACKUP]))
    await house.settle()
    ask(
        turn(hass, "turn_off", OPTIMIZE)
        if by == "switch"
        else call(hass, "stop_task", task=OPTIMIZE)
    )
    await house.settle()
    # It is known at once, though the server has not even answered the first command.
    assert error_of(by_switch) == "overtaken"

    for _ in range(3):
        await house.let_pass(SLOW)

    assert order(plex) == [f"start {DEEP}", f"start {BACKUP}", f"stop {OPTIMIZE}"]
    assert by_action.result() == [(OPTIMIZE, "stopped"), (BACKUP, "started")]
    assert running(plex) == {DEEP, BACKUP}


async def test_a_start_that_was_asked_for_after_a_stop_comes_after_it(
    hass: HomeAssistant, plex: SimulatedPlex, ask: Ask, house: House
) -> None:
    slow_down(plex)
    for service in ("turn_on", "turn_off", "turn_on"):
        ask(turn(hass, service, BACKUP))
        await house.settle()
    for _ in range(3):
        await house.let_pass(SLOW)

    assert order(plex) == [f"start {BACKUP}", f"stop {BACKUP}", f"start {BACKUP}"]
    assert running(plex) == {BACKUP}


async def test_a_stop_does_not_overtake_the_start_of_all_tasks(
    hass: HomeAssistant, plex: SimulatedPlex, ask: Ask, house: House
) -> None:
    slow_down(plex)
    ask(turn(hass, "turn_on", DEEP))
    await house.settle()
    ask(press(hass, "run_what_is_due_now"))
    await house.settle()
    ask(turn(hass, "turn_off", BACKUP))
    for _ in range(3):
        await house.let_pass(SLOW)

    assert order(plex) == [f"start {DEEP}", "start all", f"stop {BACKUP}"]
    assert BACKUP not in running(plex)
    assert OPTIMIZE in running(plex)


@pytest.mark.parametrize("by", ["button", "action"])
async def test_a_stop_of_all_overtakes_everything_that_waits(
    hass: HomeAssistant, plex: SimulatedPlex, ask: Ask, house: House, by: str
) -> None:
    slow_down(plex)
    ask(turn(hass, "turn_on", DEEP))
    await house.settle()
    started = ask(turn(hass, "turn_on", BACKUP))
    all_started = ask(press(hass, "run_what_is_due_now"))
    ask(turn(hass, "turn_off", OPTIMIZE))
    await house.settle()
    ask(
        press(hass, "stop_all_tasks")
        if by == "button"
        else hass.services.async_call(DOMAIN, "stop_all_tasks", blocking=True)
    )
    await house.settle()
    assert error_of(started) == error_of(all_started) == "overtaken"
    ask(turn(hass, "turn_on", BACKUP))
    for _ in range(4):
        await house.let_pass(SLOW)

    assert order(plex) == [
        f"start {DEEP}",
        "stop all",
        f"stop {OPTIMIZE}",
        f"start {BACKUP}",
    ]
    assert running(plex) == {BACKUP}


@pytest.mark.parametrize("wait", [True, False])
async def test_what_a_list_has_still_to_start_waits_too(
    hass: HomeAssistant, plex: SimulatedPlex, ask: Ask, house: House, *, wait: bool
) -> None:
    slow_down(plex, count=1)
    listed = ask(call(hass, "start_task", task=[DEEP, BACKUP, OPTIMIZE], wait=wait))
    await house.settle()
    ask(press(hass, "stop_all_tasks"))
    await house.let_pass(SLOW)
    await house.let_pass(SLOW)
    await house.let_pass(31)

    assert order(plex) == [f"start {DEEP}", "stop all"]
    assert running(plex) == set()
    first, *others = listed.result()
    assert others == [(BACKUP, "stopped"), (OPTIMIZE, "stopped")]
    assert first == (DEEP, "stopped" if wait else "started")


async def test_one_of_a_list_that_waits_for_its_turn_can_be_stopped_alone(
    hass: HomeAssistant, plex: SimulatedPlex, ask: Ask, house: House
) -> None:
    plex.durations.update({DEEP: 60, OPTIMIZE: 60})
    listed = ask(call(hass, "start_task", task=[DEEP, BACKUP, OPTIMIZE], wait=True))
    await house.let_pass(5)
    await turn(hass, "turn_off", BACKUP)
    for _ in range(30):
        await house.let_pass(5)

    assert listed.result() == [
        (DEEP, "ended"),
        (BACKUP, "stopped"),
        (OPTIMIZE, "ended"),
    ]
    assert order(plex) == [f"start {DEEP}", f"stop {BACKUP}", f"start {OPTIMIZE}"]


async def test_stops_that_wait_for_their_end_are_all_sent_before(
    hass: HomeAssistant, plex: SimulatedPlex, ask: Ask, house: House
) -> None:
    plex.client_start(BACKUP)
    plex.client_start(DEEP)
    await house.let_pass(5)
    stopped = ask(call(hass, "stop_task", task=[BACKUP, DEEP], wait=True))
    await house.settle()
    assert running(plex) == set()

    for _ in range(4):
        await house.let_pass(5)
    assert stopped.result() == [(BACKUP, "stopped"), (DEEP, "stopped")]


async def test_waiting_for_an_end_keeps_no_command_waiting(
    hass: HomeAssistant, plex: SimulatedPlex, ask: Ask, house: House
) -> None:
    waiting = ask(call(hass, "start_task", task=BACKUP, wait=True))
    await house.let_pass(5)

    await turn(hass, "turn_on", OPTIMIZE)
    assert running(plex) == {BACKUP, OPTIMIZE}
    await turn(hass, "turn_off", BACKUP)
    await house.let_pass(1)
    assert waiting.result() == [(BACKUP, "stopped")]


async def test_what_ended_before_the_turn_came_is_not_the_end_that_is_waited_for(
    hass: HomeAssistant, plex: SimulatedPlex, ask: Ask, house: House
) -> None:
    plex.durations.update({BACKUP: 7, DEEP: 3})
    plex.client_start(BACKUP)
    await house.let_pass(5)
    slow_down(plex, count=1)
    ask(turn(hass, "turn_on", DEEP))
    await house.settle()
    plex.fault("slow", path=f"/butler/{BACKUP}", method="POST", delay=900)
    waiting = ask(call(hass, "start_task", task=BACKUP, wait=True))
    await house.settle()
    await house.let_pass(10, step=1)
    await house.let_pass(400, step=5)

    assert len([run for run in plex.intervals if run.task == BACKUP]) == 1
    assert waiting.result() == [(BACKUP, "unconfirmed")]


async def test_a_start_is_not_sent_any_more_when_its_time_is_up(
    hass: HomeAssistant, plex: SimulatedPlex, ask: Ask, house: House
) -> None:
    slow_down(plex)
    ask(turn(hass, "turn_on", DEEP))
    await house.settle()
    late = ask(call(hass, "start_task", task=BACKUP, wait=True, timeout=3))
    await house.settle()
    await house.let_pass(4)
    assert late.result() == [(BACKUP, "timed_out")]

    await house.let_pass(SLOW)
    assert order(plex) == [f"start {DEEP}"]


async def test_whoever_does_not_wait_any_more_leaves_the_line(
    hass: HomeAssistant, plex: SimulatedPlex, ask: Ask, house: House
) -> None:
    slow_down(plex)
    ask(turn(hass, "turn_on", DEEP))
    await house.settle()
    gone = ask(call(hass, "start_task", task=BACKUP))
    ask(turn(hass, "turn_on", OPTIMIZE))
    await house.settle()
    gone.cancel()
    await house.let_pass(SLOW)
    await house.let_pass(SLOW)

    assert order(plex) == [f"start {DEEP}", f"start {OPTIMIZE}"]


async def test_a_server_that_hangs_lets_the_stop_follow_when_it_has_timed_out(
    hass: HomeAssistant, plex: SimulatedPlex, ask: Ask, house: House
) -> None:
    plex.client_start(BACKUP)
    plex.fault("slow", path="/butler", method="POST", delay=60)
    hung = ask(turn(hass, "turn_on", DEEP))
    await house.settle()
    ask(press(hass, "stop_all_tasks"))
    await house.let_pass(14)
    assert running(plex) == {BACKUP}

    await house.let_pass(2)
    assert error_of(hung) == "timeout"
    assert order(plex) == [f"start {DEEP}", "stop all"]
    assert BACKUP not in running(plex)
    await house.let_pass(60)


@pytest.mark.parametrize("wait", [True, False])
async def test_unloading_sends_nothing_that_waited(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    ask: Ask,
    house: House,
    entry: MockConfigEntry,
    *,
    wait: bool,
) -> None:
    slow_down(plex)
    under_way = ask(turn(hass, "turn_on", DEEP))
    await house.settle()
    by_switch = ask(turn(hass, "turn_on", BACKUP))
    by_action = ask(call(hass, "start_task", task=OPTIMIZE, wait=wait))
    stop = ask(turn(hass, "turn_off", DEEP))
    await house.settle()

    assert await hass.config_entries.async_unload(entry.entry_id)
    await house.settle()
    assert error_of(by_switch) == error_of(stop) == "not_sent"
    if wait:
        assert by_action.result() == [(OPTIMIZE, "unconfirmed")]
    else:
        assert error_of(by_action) == "not_sent"

    await house.let_pass(SLOW)
    assert under_way.result() is None
    assert order(plex) == [f"start {DEEP}"]

    plex.clear_faults()
    assert await hass.config_entries.async_setup(entry.entry_id)
    await turn(hass, "turn_on", BACKUP)
    assert running(plex) == {DEEP, BACKUP}


async def test_what_waits_when_home_assistant_stops_is_not_sent(
    hass: HomeAssistant, plex: SimulatedPlex, ask: Ask, house: House
) -> None:
    slow_down(plex)
    ask(turn(hass, "turn_on", DEEP))
    await house.settle()
    waits = ask(turn(hass, "turn_on", BACKUP))
    await house.settle()
    hass.bus.async_fire(EVENT_HOMEASSISTANT_STOP)
    await house.settle()
    assert error_of(waits) == "not_sent"

    # An automation that stops everything at that moment still can.
    ask(press(hass, "stop_all_tasks"))
    await house.let_pass(SLOW)
    await house.let_pass(SLOW)
    assert order(plex) == [f"start {DEEP}", "stop all"]
    assert running(plex) == set()


@pytest.mark.usefixtures("all_entities_enabled")
async def test_unloading_changes_no_setting_that_waited(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    ask: Ask,
    house: House,
    entry: MockConfigEntry,
) -> None:
    plex.fault("slow", path="/:/prefs", method="PUT", delay=SLOW)
    changes = []
    for task in (BACKUP, OPTIMIZE):
        schedule = {
            ATTR_ENTITY_ID: SWITCHES[task].replace("butler_", "butler_schedule_")
        }
        change = hass.services.async_call("switch", "turn_off", schedule, blocking=True)
        changes.append(ask(change))
        await house.settle()
    assert await hass.config_entries.async_unload(entry.entry_id)
    await house.let_pass(SLOW)

    under_way, waited = changes
    assert under_way.exception() is None
    assert error_of(waited) == "not_sent"
    assert [it.method for it in plex.requests].count("PUT") == 1
    assert await hass.config_entries.async_setup(entry.entry_id)


@pytest.mark.parametrize("action", ["start_task", "stop_task"])
async def test_a_task_that_is_named_in_three_ways_is_one(
    hass: HomeAssistant, plex: SimulatedPlex, ask: Ask, action: str
) -> None:
    answer = await call(
        hass,
        action,
        task=["backup_database", OPTIMIZE, BACKUP, "Backup Database"],
        entity_id=[SWITCHES[BACKUP], SWITCHES[DEEP]],
    )

    assert [name for name, _ in answer] == [BACKUP, DEEP, OPTIMIZE]
    assert len(order(plex)) == 3


async def test_a_title_or_key_of_two_tasks_is_asked_about(
    hass: HomeAssistant, plex: SimulatedPlex, ask: Ask, house: House
) -> None:
    for name, title in (
        ("DustA", "Dust"),
        ("DustB", "DUST"),
        (f"ButlerTask{BACKUP}", "X"),
    ):
        plex.add_task(TaskSpec(name=name, title=title, description="", interval=1))
    await house.let_pass(31)
    for wanted, candidates in (
        ("dust", "DustA, DustB"),
        ("backup_database", f"{BACKUP}, ButlerTask{BACKUP}"),
    ):
        with pytest.raises(ServiceValidationError) as err:
            await call(hass, "start_task", task=[OPTIMIZE, wanted])
        assert err.value.translation_key == "ambiguous_task"
        placeholders = err.value.translation_placeholders
        assert placeholders == {"task": wanted, "tasks": candidates}
        message = async_get_exception_message(DOMAIN, "ambiguous_task", placeholders)
        assert candidates in message
    assert order(plex) == []

    # Names are of one task each.
    assert await call(hass, "start_task", task=["DustB", BACKUP.lower()]) == [
        ("DustB", "started"),
        (BACKUP, "started"),
    ]
    await call(hass, "stop_task", entity_id="switch.attic_butler_dust")
    assert order(plex)[2:] == ["stop DustA"]


async def test_the_switch_of_a_task_that_is_gone_means_no_other(
    hass: HomeAssistant, plex: SimulatedPlex, ask: Ask, house: House
) -> None:
    plex.add_task(TaskSpec(name="Dust", title="Dust", description=""))
    await house.let_pass(601)
    plex.remove_task("Dust")
    plex.add_task(TaskSpec(name="DustAgain", title="Dust", description=""))
    await house.let_pass(601)

    with pytest.raises(ServiceValidationError) as err:
        await call(hass, "start_task", entity_id="switch.attic_butler_dust")
    assert err.value.translation_key == "unknown_task"
    assert order(plex) == []

    await call(hass, "start_task", task="dust")
    assert order(plex) == ["start DustAgain"]


@pytest.mark.parametrize("action", ["start_task", "stop_task"])
async def test_what_fails_in_a_list_keeps_nothing_else_from_being_done(
    hass: HomeAssistant, plex: SimulatedPlex, ask: Ask, action: str
) -> None:
    tasks = [BACKUP, OPTIMIZE, DEEP]
    plex.fault("500", path=f"/butler/{OPTIMIZE}")
    with pytest.raises(HomeAssistantError) as err:
        await call(hass, action, task=tasks)

    assert err.value.translation_key == "some_failed"
    placeholders = err.value.translation_placeholders or {}
    assert placeholders["tasks"] == OPTIMIZE
    assert "500" in placeholders["error"]
    assert async_get_exception_message(DOMAIN, "some_failed", placeholders)
    assert [it.split()[1] for it in order(plex)] == tasks
    assert len(await call(hass, action, task=tasks)) == 3


async def test_what_fails_in_a_list_that_is_done_one_by_one_ends_it(
    hass: HomeAssistant, plex: SimulatedPlex, ask: Ask, house: House
) -> None:
    plex.durations[BACKUP] = 30
    plex.fault("500", path=f"/butler/{OPTIMIZE}")
    listed = ask(call(hass, "start_task", task=[BACKUP, OPTIMIZE, DEEP], wait=True))
    for _ in range(10):
        await house.let_pass(5)

    assert error_of(listed) == "some_failed"
    err = listed.exception()
    assert isinstance(err, HomeAssistantError)
    assert err.translation_placeholders
    assert err.translation_placeholders["tasks"] == f"{OPTIMIZE}, {DEEP}"
    assert order(plex) == [f"start {BACKUP}", f"start {OPTIMIZE}"]


async def test_a_server_that_hangs_keeps_no_other_waiting(
    hass: HomeAssistant, plex: SimulatedPlex, ask: Ask, house: House
) -> None:
    async with SimulatedPlex(name="Cellar", seed=7, clock=ManualClock()) as other:
        entry = await house.add(other)
        other.client_start(BACKUP)
        slow_down(plex)
        both = [SWITCHES[BACKUP], "switch.cellar_butler_back_up_database"]
        ask(call(hass, "stop_task", entity_id=both))
        await house.settle()
        assert running(other) == set()

        await house.let_pass(SLOW)
        await hass.config_entries.async_unload(entry.entry_id)
