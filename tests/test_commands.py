"""Commands reach a server one at a time, and stops overtake the starts that wait."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from dataclasses import dataclass, field
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.const import EVENT_HOMEASSISTANT_STOP
from homeassistant.core import HomeAssistant
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.plex_butler.const import DOMAIN
from tests.conftest import BACKUP, BACKUP_SWITCH, OPTIMIZE, OPTIMIZE_SWITCH, refused
from tests.house import House, evening, running
from tests.simulator import SimulatedPlex, TaskSpec

DEEP = "DeepMediaAnalysis"
SWITCHES = {
    BACKUP: BACKUP_SWITCH,
    OPTIMIZE: OPTIMIZE_SWITCH,
    DEEP: "switch.attic_butler_perform_extensive_media_analysis",
}
# How long a server takes that is slow
SLOW = 5
BUTTONS = {"start": "run_what_is_due_now", "stop": "stop_all_tasks"}


@dataclass
class Desk:
    """Where commands to a server are asked for; none is ever beside another."""

    house: House
    plex: SimulatedPlex
    entry: MockConfigEntry
    asked: list[asyncio.Task[Any]] = field(default_factory=list)

    @property
    def hass(self) -> HomeAssistant:
        return self.house.hass

    async def ask(self, coroutine: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Ask for a command without waiting for its answer."""
        self.asked.append(asyncio.create_task(coroutine))
        await self.house.settle()
        return self.asked[-1]

    async def begin(self, *tasks: str, wait: bool = True) -> asyncio.Task[Any]:
        """Ask for starts, and as a rule for their ends."""
        return await self.ask(self.call("start_task", task=[*tasks], wait=wait))

    async def answers(self, count: int) -> None:
        """Let a slow server answer so many commands."""
        for _ in range(count):
            await self.house.let_pass(SLOW)

    def slow_down(self, count: int | None = None) -> None:
        for method in ("POST", "DELETE"):
            about: Any = {"path": "/butler", "method": method, "delay": SLOW}
            self.plex.fault("slow", count=count, **about)

    async def keep_busy(self, count: int | None = None) -> asyncio.Task[Any]:
        """Have a slow server start a task, so that all else waits."""
        self.slow_down(count)
        return await self.ask(self.turn("turn_on", DEEP))

    async def turn(self, service: str, *tasks: str, prefix: str = "") -> None:
        entities = [
            SWITCHES[task].replace("butler_", f"butler_{prefix}") for task in tasks
        ]
        await self.perform("switch", service, entity_id=entities)

    async def press(self, button: str) -> None:
        entity_id = f"button.attic_butler_{button}"
        await self.perform("button", "press", entity_id=entity_id)

    async def perform(self, domain: str, service: str, **data: Any) -> None:
        await self.hass.services.async_call(domain, service, data, blocking=True)

    async def call(self, action: str, **data: Any) -> Any:
        answer: Any = await self.hass.services.async_call(
            DOMAIN, action, data, blocking=True, return_response=True
        )
        return [(task["name"], task["result"]) for task in answer["tasks"]]

    async def do(self, wanted: str) -> None:
        """Ask for something by the switch or the button for it, or by an action."""
        match wanted.split():
            case "action", "all":
                await self.perform(DOMAIN, "stop_all_tasks")
            case "action", task:
                await self.call("start_task", task=task)
            case verb, "all":
                await self.press(BUTTONS[verb])
            case verb, task:
                service = {"start": "turn_on", "stop": "turn_off"}[verb]
                await self.turn(service, task)

    @property
    def sent(self) -> list[Any]:
        return [it for it in self.plex.requests if it.method in {"POST", "DELETE"}]

    @property
    def order(self) -> list[str]:
        """Return the commands that the server got, each with its task."""
        words = {"POST": "start", "DELETE": "stop"}
        return [
            f"{words[it.method]} {it.path.removeprefix('/butler').lstrip('/') or 'all'}"
            for it in self.sent
        ]


@pytest.fixture
async def house(hass: HomeAssistant, freezer: FrozenDateTimeFactory) -> House:
    """Return a house in which time passes though commands wait for their answers."""
    freezer.move_to(evening())
    return House(hass, freezer)


@pytest.fixture
async def desk(house: House, plex: SimulatedPlex) -> AsyncIterator[Desk]:
    """Return where commands are asked for without waiting."""
    desk = Desk(house, plex, await house.add(plex))
    plex.durations.update(dict.fromkeys(plex.durations, 3600))
    plex.requests.clear()

    async def watch() -> None:
        while True:
            assert sum(it.status is None for it in desk.sent) <= 1
            await asyncio.sleep(0)

    watcher = asyncio.create_task(watch())
    yield desk
    left = [task for task in desk.asked if not task.done()]
    plex.clear_faults()
    await desk.house.let_pass(60)
    for task in (watcher, *desk.asked):
        task.cancel()
    assert not left
    with pytest.raises(asyncio.CancelledError):
        await watcher


def fail(key: str, *tasks: asyncio.Task[Any]) -> None:
    """Expect calls to have failed for a reason."""
    for task in tasks:
        with refused(key):
            task.result()


@pytest.mark.parametrize(
    ("asked", "sent", "overtaken", "runs"),
    [
        # A switch, an action and a button at once.
        (
            [f"start {BACKUP}", f"action {OPTIMIZE}", "start all"],
            [f"start {BACKUP}", f"start {OPTIMIZE}", "start all"],
            [],
            {DEEP, BACKUP, OPTIMIZE},
        ),
        (
            [f"start {BACKUP}", f"stop {BACKUP}", f"start {BACKUP}"],
            [f"stop {BACKUP}", f"start {BACKUP}"],
            [0],
            {DEEP, BACKUP},
        ),
        # Other tasks are started all the same.
        (
            ["start all", f"stop {BACKUP}"],
            ["start all", f"stop {BACKUP}"],
            [],
            {DEEP, OPTIMIZE},
        ),
        *(
            (
                [
                    *(f"start {BACKUP}", "start all", f"stop {OPTIMIZE}"),
                    *(stop, f"start {BACKUP}"),
                ],
                ["stop all", f"stop {OPTIMIZE}", f"start {BACKUP}"],
                [0, 1],
                {BACKUP},
            )
            for stop in ("stop all", "action all")
        ),
    ],
)
async def test_commands_wait_for_their_turn_and_stops_overtake_starts(
    desk: Desk, asked: list[str], sent: list[str], overtaken: list[int], runs: set[str]
) -> None:
    await desk.keep_busy()
    tasks = [await desk.ask(desk.do(it)) for it in asked]
    assert desk.order == [f"start {DEEP}"]
    # It is known at once, though the server has not even answered the first command.
    assert [it for it, task in enumerate(tasks) if task.done()] == overtaken
    fail("overtaken", *(tasks[it] for it in overtaken))

    await desk.answers(len(sent) + 1)

    assert desk.order == [f"start {DEEP}", *sent]
    # All are those of the window, too.
    assert running(desk.plex) >= runs
    if "start all" not in sent:
        assert running(desk.plex) == runs
    elif f"stop {BACKUP}" in sent:
        assert BACKUP not in running(desk.plex)


@pytest.mark.usefixtures("all_entities_enabled")
async def test_a_slow_setting_keeps_no_stop_waiting(desk: Desk) -> None:
    desk.plex.client_start(BACKUP)
    desk.plex.fault("slow", path="/:/prefs", method="PUT", delay=SLOW)
    await desk.ask(desk.turn("turn_off", BACKUP, prefix="schedule_"))

    await desk.turn("turn_off", BACKUP)
    assert running(desk.plex) == set()

    await desk.house.let_pass(SLOW)
    schedule = SWITCHES[BACKUP].replace("butler_", "butler_schedule_")
    assert desk.hass.states.is_state(schedule, "off")


@pytest.mark.parametrize("by", ["switch", "action"])
async def test_a_stop_overtakes_a_start_that_waits(desk: Desk, by: str) -> None:
    desk.plex.client_start(OPTIMIZE)
    await desk.keep_busy()
    by_switch = await desk.ask(desk.turn("turn_on", OPTIMIZE))
    by_action = await desk.ask(desk.call("start_task", task=[OPTIMIZE, BACKUP]))
    if by == "switch":
        await desk.ask(desk.turn("turn_off", OPTIMIZE))
    else:
        await desk.ask(desk.call("stop_task", task=OPTIMIZE))
    # It is known at once, though the server has not even answered the first command.
    fail("overtaken", by_switch)

    await desk.answers(3)

    assert desk.order == [f"start {DEEP}", f"start {BACKUP}", f"stop {OPTIMIZE}"]
    assert by_action.result() == [(OPTIMIZE, "stopped"), (BACKUP, "started")]
    assert running(desk.plex) == {DEEP, BACKUP}


@pytest.mark.parametrize("wait", [True, False])
async def test_what_a_list_has_yet_to_do_waits_too(desk: Desk, *, wait: bool) -> None:
    desk.slow_down(count=1)
    listed = await desk.begin(DEEP, BACKUP, OPTIMIZE, wait=wait)
    await desk.ask(desk.press("stop_all_tasks"))
    await desk.answers(2)
    await desk.house.let_pass(31)

    assert desk.order == [f"start {DEEP}", "stop all"]
    assert running(desk.plex) == set()
    first, *others = listed.result()
    assert others == [(BACKUP, "stopped"), (OPTIMIZE, "stopped")]
    assert first == (DEEP, "stopped" if wait else "started")


async def test_one_of_a_list_that_waits_can_be_stopped_alone(desk: Desk) -> None:
    desk.plex.durations.update({DEEP: 60, OPTIMIZE: 60})
    listed = await desk.begin(DEEP, BACKUP, OPTIMIZE)
    await desk.house.let_pass(5)
    await desk.turn("turn_off", BACKUP)
    await desk.answers(30)

    ends = [(DEEP, "ended"), (BACKUP, "stopped"), (OPTIMIZE, "ended")]
    assert listed.result() == ends
    assert desk.order == [f"start {DEEP}", f"stop {BACKUP}", f"start {OPTIMIZE}"]


async def test_stops_that_wait_for_their_end_are_all_sent_before(desk: Desk) -> None:
    desk.plex.client_start(BACKUP)
    desk.plex.client_start(DEEP)
    await desk.house.let_pass(5)
    stopped = await desk.ask(desk.call("stop_task", task=[BACKUP, DEEP], wait=True))
    assert running(desk.plex) == set()

    await desk.answers(4)
    assert stopped.result() == [(BACKUP, "stopped"), (DEEP, "stopped")]


async def test_waiting_for_an_end_keeps_no_command_waiting(desk: Desk) -> None:
    waiting = await desk.begin(BACKUP)
    await desk.house.let_pass(5)
    await desk.turn("turn_on", OPTIMIZE)
    assert running(desk.plex) == {BACKUP, OPTIMIZE}
    await desk.turn("turn_off", BACKUP)
    await desk.house.let_pass(1)
    assert waiting.result() == [(BACKUP, "stopped")]


async def test_what_ended_before_its_turn_is_not_waited_for(desk: Desk) -> None:
    desk.plex.durations.update({BACKUP: 7, DEEP: 3})
    desk.plex.client_start(BACKUP)
    await desk.house.let_pass(5)
    await desk.keep_busy(count=1)
    desk.plex.fault("slow", path=f"/butler/{BACKUP}", method="POST", delay=900)
    waiting = await desk.begin(BACKUP)
    await desk.house.let_pass(10, step=1)
    await desk.house.let_pass(400, step=5)

    assert len([run for run in desk.plex.intervals if run.task == BACKUP]) == 1
    assert waiting.result() == [(BACKUP, "unconfirmed")]


async def test_a_start_that_is_late_or_cancelled_leaves_the_line(desk: Desk) -> None:
    await desk.keep_busy()
    late = await desk.ask(desk.call("start_task", task=BACKUP, wait=True, timeout=3))
    # Nor is what nothing waits for any more.
    gone = await desk.ask(desk.call("start_task", task=BACKUP))
    await desk.ask(desk.turn("turn_on", OPTIMIZE))
    gone.cancel()
    await desk.house.let_pass(4)
    assert late.result() == [(BACKUP, "timed_out")]

    await desk.answers(2)
    assert desk.order == [f"start {DEEP}", f"start {OPTIMIZE}"]


async def test_a_stop_follows_a_start_that_has_timed_out(desk: Desk) -> None:
    desk.plex.client_start(BACKUP)
    desk.plex.fault("slow", path="/butler", method="POST", delay=60)
    hung = await desk.ask(desk.turn("turn_on", DEEP))
    await desk.ask(desk.press("stop_all_tasks"))
    await desk.house.let_pass(14)
    assert running(desk.plex) == {BACKUP}

    await desk.house.let_pass(2)
    fail("timeout", hung)
    assert desk.order == [f"start {DEEP}", "stop all"]
    assert BACKUP not in running(desk.plex)
    await desk.house.let_pass(60)


@pytest.mark.parametrize("wait", [True, False])
async def test_unloading_sends_nothing_that_waited(desk: Desk, *, wait: bool) -> None:
    under_way = await desk.keep_busy()
    by_switch = await desk.ask(desk.turn("turn_on", BACKUP))
    by_action = await desk.begin(OPTIMIZE, wait=wait)
    stop = await desk.ask(desk.turn("turn_off", DEEP))

    assert await desk.hass.config_entries.async_unload(desk.entry.entry_id)
    await desk.house.settle()
    fail("not_sent", by_switch, stop)
    if wait:
        assert by_action.result() == [(OPTIMIZE, "unconfirmed")]
    else:
        fail("not_sent", by_action)

    await desk.house.let_pass(SLOW)
    assert under_way.result() is None
    assert desk.order == [f"start {DEEP}"]

    desk.plex.clear_faults()
    assert await desk.hass.config_entries.async_setup(desk.entry.entry_id)
    await desk.turn("turn_on", BACKUP)
    assert running(desk.plex) == {DEEP, BACKUP}


async def test_what_waits_when_home_assistant_stops_is_not_sent(desk: Desk) -> None:
    await desk.keep_busy()
    waits = await desk.ask(desk.turn("turn_on", BACKUP))
    desk.hass.bus.async_fire(EVENT_HOMEASSISTANT_STOP)
    await desk.house.settle()
    fail("not_sent", waits)

    # An automation that stops everything at that moment still can.
    await desk.ask(desk.press("stop_all_tasks"))
    await desk.answers(2)
    assert desk.order == [f"start {DEEP}", "stop all"]
    assert running(desk.plex) == set()


@pytest.mark.usefixtures("all_entities_enabled")
async def test_unloading_changes_no_setting_that_waited(desk: Desk) -> None:
    desk.plex.fault("slow", path="/:/prefs", method="PUT", delay=SLOW)
    changes = [
        await desk.ask(desk.turn("turn_off", task, prefix="schedule_"))
        for task in (BACKUP, OPTIMIZE)
    ]
    assert await desk.hass.config_entries.async_unload(desk.entry.entry_id)
    await desk.house.let_pass(SLOW)

    under_way, waited = changes
    assert under_way.exception() is None
    fail("not_sent", waited)
    assert [it.method for it in desk.plex.requests].count("PUT") == 1
    assert await desk.hass.config_entries.async_setup(desk.entry.entry_id)


@pytest.mark.parametrize("action", ["start_task", "stop_task"])
async def test_a_task_with_three_names_is_one(desk: Desk, action: str) -> None:
    named = ["backup_database", OPTIMIZE, BACKUP, "Backup Database"]
    entities = [SWITCHES[BACKUP], SWITCHES[DEEP]]
    answer = await desk.call(action, task=named, entity_id=entities)
    assert [name for name, _ in answer] == [BACKUP, DEEP, OPTIMIZE]
    assert len(desk.order) == 3


async def test_a_title_or_key_of_two_tasks_is_asked_about(desk: Desk) -> None:
    for name, title in (
        ("DustA", "Dust"),
        ("DustB", "DUST"),
        ("dUSTa", BACKUP),
        (f"ButlerTask{BACKUP}", "Backup Database"),
    ):
        desk.plex.add_task(TaskSpec(name=name, title=title, description="", interval=1))
    await desk.house.let_pass(31)
    for wanted, candidates in (
        ("dust", "DustA, DustB"),
        ("backup_database", f"{BACKUP}, ButlerTask{BACKUP}"),
        ("Backup Database", f"{BACKUP}, ButlerTask{BACKUP}"),
        ("dusta", "DustA, dUSTa"),
    ):
        with refused("ambiguous_task", invalid=True, task=wanted, tasks=candidates):
            await desk.call("start_task", task=[OPTIMIZE, wanted])
    assert desk.order == []

    # Names are of one task each, also where they are titles or differ in case alone.
    names = ["DustB", "dUSTa", BACKUP.lower()]
    answer = await desk.call("start_task", task=names)
    assert answer == [("DustB", "started"), ("dUSTa", "started"), (BACKUP, "started")]
    await desk.call("stop_task", entity_id="switch.attic_butler_dust")
    assert desk.order[3:] == ["stop DustA"]


async def test_the_switch_of_a_task_that_is_gone_means_no_other(desk: Desk) -> None:
    desk.plex.add_task(TaskSpec(name="Dust", title="Dust", description=""))
    await desk.house.let_pass(601)
    desk.plex.remove_task("Dust")
    desk.plex.add_task(TaskSpec(name="DustAgain", title="Dust", description=""))
    await desk.house.let_pass(601)

    with refused("unknown_task", invalid=True):
        await desk.call("start_task", entity_id="switch.attic_butler_dust")
    assert desk.order == []

    await desk.call("start_task", task="dust")
    assert desk.order == ["start DustAgain"]


@pytest.mark.parametrize("action", ["start_task", "stop_task"])
async def test_what_fails_in_a_list_keeps_nothing_else_from_being_done(
    desk: Desk, action: str
) -> None:
    tasks = [BACKUP, OPTIMIZE, DEEP]
    desk.plex.fault("500", path=f"/butler/{OPTIMIZE}")
    with refused("some_failed", names="Optimize database") as err:
        await desk.call(action, task=tasks)

    assert "500" in str(err.value)
    assert [it.split()[1] for it in desk.order] == tasks
    assert len(await desk.call(action, task=tasks)) == 3


async def test_what_fails_in_a_list_that_is_done_one_by_one_ends_it(desk: Desk) -> None:
    desk.plex.durations[BACKUP] = 30
    desk.plex.fault("500", path=f"/butler/{OPTIMIZE}")
    listed = await desk.begin(BACKUP, OPTIMIZE, DEEP)
    await desk.answers(10)

    names = "Optimize database, Perform extensive media analysis"
    with refused("some_failed", names=names):
        listed.result()
    assert desk.order == [f"start {BACKUP}", f"start {OPTIMIZE}"]


async def test_a_server_that_hangs_keeps_no_other_waiting(
    desk: Desk, cellar: SimulatedPlex
) -> None:
    entry = await desk.house.add(cellar)
    cellar.client_start(BACKUP)
    desk.slow_down()
    both = [SWITCHES[BACKUP], "switch.cellar_butler_back_up_database"]
    await desk.ask(desk.call("stop_task", entity_id=both))
    await desk.house.settle()
    assert running(cellar) == set()

    await desk.house.let_pass(SLOW)
    await desk.hass.config_entries.async_unload(entry.entry_id)
