"""Commands reach a server one at a time, and stops overtake the starts that wait."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.config_entries import ConfigEntry
from homeassistant.const import EVENT_HOMEASSISTANT_STOP
from homeassistant.core import HomeAssistant
import pytest

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


class Desk(House):
    """Where commands to a server are asked for without waiting for their answers."""

    plex: SimulatedPlex
    entry: ConfigEntry

    async def ask(self, coroutine: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        task = asyncio.create_task(coroutine)
        await self.settle()
        return task

    async def begin(self, *tasks: str, wait: bool = True) -> asyncio.Task[Any]:
        """Ask for starts, and as a rule for their ends."""
        return await self.ask(self.call("start_task", task=[*tasks], wait=wait))

    async def answers(self, count: int) -> None:
        """Let a slow server answer so many commands."""
        for _ in range(count):
            await self.let_pass(SLOW)

    def slow_down(self, count: int | None = None) -> None:
        for method in ("POST", "DELETE"):
            about: Any = {"path": "/butler", "method": method, "delay": SLOW}
            self.plex.fault("slow", count=count, **about)

    async def keep_busy(self, count: int | None = None) -> asyncio.Task[Any]:
        """Have a slow server start a task, so that all else waits."""
        self.slow_down(count)
        return await self.ask(self.do(f"start {DEEP}"))

    async def do(self, command: str) -> None:
        """Press the button for all tasks, or turn the switch of one."""
        match command.split():
            case "start", "all":
                await self.use_entity(
                    "press", "button.attic_butler_run_what_is_due_now"
                )
            case "stop", "all":
                await self.use_entity("press", "button.attic_butler_stop_all_tasks")
            case "start", task:
                await self.use_entity("turn_on", SWITCHES[task])
            case "stop", task:
                await self.use_entity("turn_off", SWITCHES[task])

    async def use_entity(self, service: str, entity_id: str) -> None:
        domain, data = entity_id.partition(".")[0], {"entity_id": entity_id}
        await self.hass.services.async_call(domain, service, data, blocking=True)

    async def call(self, action: str, **data: Any) -> Any:
        answer: Any = await self.hass.services.async_call(
            DOMAIN, action, data, blocking=True, return_response=True
        )
        return [(task["name"], task["result"]) for task in answer["tasks"]]

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
async def desk(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory, plex: SimulatedPlex
) -> AsyncIterator[Desk]:
    """Return where commands are asked for; none is ever sent beside another."""
    freezer.move_to(evening())
    desk = Desk(hass, freezer)
    desk.plex, desk.entry = plex, await desk.add(plex)
    plex.durations.update(dict.fromkeys(plex.durations, 3600))
    plex.requests.clear()

    async def watch() -> None:
        while True:
            assert sum(it.status is None for it in desk.sent) <= 1
            await asyncio.sleep(0)

    watcher = asyncio.create_task(watch())
    yield desk
    watcher.cancel()
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
        (
            [f"start {BACKUP}", f"stop {BACKUP}", f"start {BACKUP}"],
            [f"stop {BACKUP}", f"start {BACKUP}"],
            [0],
            {DEEP, BACKUP},
        ),
        # Other tasks are started all the same.
        (
            [f"start {OPTIMIZE}", "start all", f"stop {BACKUP}"],
            [f"start {OPTIMIZE}", "start all", f"stop {BACKUP}"],
            [],
            {DEEP, OPTIMIZE},
        ),
        (
            [
                *(f"start {BACKUP}", "start all", f"stop {OPTIMIZE}"),
                *("stop all", f"start {BACKUP}"),
            ],
            ["stop all", f"stop {OPTIMIZE}", f"start {BACKUP}"],
            [0, 1],
            {BACKUP},
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
    assert running(desk.plex) & SWITCHES.keys() == runs


async def test_a_stop_by_an_action_overtakes_starts_in_every_way(desk: Desk) -> None:
    desk.plex.client_start(OPTIMIZE)
    await desk.keep_busy()
    by_switch = await desk.ask(desk.do(f"start {OPTIMIZE}"))
    by_action = await desk.ask(desk.call("start_task", task=[OPTIMIZE, BACKUP]))
    await desk.ask(desk.call("stop_task", task=OPTIMIZE))
    fail("overtaken", by_switch)

    await desk.answers(3)

    assert desk.order == [f"start {DEEP}", f"start {BACKUP}", f"stop {OPTIMIZE}"]
    assert by_action.result() == [(OPTIMIZE, "stopped"), (BACKUP, "started")]
    assert running(desk.plex) == {DEEP, BACKUP}


@pytest.mark.parametrize("wait", [True, False])
async def test_what_a_list_has_yet_to_do_waits_too(desk: Desk, *, wait: bool) -> None:
    desk.slow_down(count=1)
    listed = await desk.begin(DEEP, BACKUP, OPTIMIZE, wait=wait)
    await desk.ask(desk.do("stop all"))
    await desk.answers(2)
    await desk.let_pass(31)

    assert desk.order == [f"start {DEEP}", "stop all"]
    assert running(desk.plex) == set()
    first, *others = listed.result()
    assert others == [(BACKUP, "stopped"), (OPTIMIZE, "stopped")]
    assert first == (DEEP, "stopped" if wait else "started")


async def test_several_run_one_after_another_and_each_can_be_stopped_alone(
    desk: Desk,
) -> None:
    desk.plex.durations.update({DEEP: 60, OPTIMIZE: 60})
    listed = await desk.begin(DEEP, BACKUP, OPTIMIZE)
    await desk.let_pass(55)
    assert running(desk.plex) == {DEEP}
    await desk.do(f"stop {BACKUP}")
    await desk.answers(30)

    ends = [(DEEP, "ended"), (BACKUP, "stopped"), (OPTIMIZE, "ended")]
    assert listed.result() == ends
    assert desk.order == [f"start {DEEP}", f"stop {BACKUP}", f"start {OPTIMIZE}"]


async def test_stops_that_wait_for_their_end_are_all_sent_before(desk: Desk) -> None:
    desk.plex.client_start(BACKUP)
    desk.plex.client_start(DEEP)
    await desk.let_pass(5)
    stopped = await desk.ask(desk.call("stop_task", task=[BACKUP, DEEP], wait=True))
    assert running(desk.plex) == set()

    await desk.answers(4)
    assert stopped.result() == [(BACKUP, "stopped"), (DEEP, "stopped")]


async def test_what_ended_before_its_turn_is_not_waited_for(desk: Desk) -> None:
    desk.plex.durations.update({BACKUP: 7, DEEP: 3})
    desk.plex.client_start(BACKUP)
    await desk.let_pass(5)
    await desk.keep_busy(count=1)
    desk.plex.fault("slow", path=f"/butler/{BACKUP}", method="POST", delay=900)
    waiting = await desk.begin(BACKUP)
    await desk.let_pass(10, step=1)
    await desk.let_pass(400, step=5)

    assert len([run for run in desk.plex.intervals if run.task == BACKUP]) == 1
    assert waiting.result() == [(BACKUP, "unconfirmed")]


async def test_a_start_that_is_late_or_cancelled_leaves_the_line(desk: Desk) -> None:
    await desk.keep_busy()
    late = await desk.ask(desk.call("start_task", task=BACKUP, wait=True, timeout=3))
    # Nor is what nothing waits for any more.
    gone = await desk.ask(desk.call("start_task", task=BACKUP))
    await desk.ask(desk.do(f"start {OPTIMIZE}"))
    gone.cancel()
    await desk.let_pass(4)
    assert late.result() == [(BACKUP, "timed_out")]

    await desk.answers(2)
    assert desk.order == [f"start {DEEP}", f"start {OPTIMIZE}"]


async def test_a_stop_follows_a_start_that_has_timed_out(desk: Desk) -> None:
    desk.plex.client_start(BACKUP)
    desk.plex.fault("slow", path="/butler", method="POST", delay=60)
    hung = await desk.ask(desk.do(f"start {DEEP}"))
    await desk.ask(desk.do("stop all"))
    await desk.let_pass(14)
    assert running(desk.plex) == {BACKUP}

    await desk.let_pass(2)
    fail("timeout", hung)
    assert desk.order == [f"start {DEEP}", "stop all"]
    assert BACKUP not in running(desk.plex)
    await desk.let_pass(60)


@pytest.mark.parametrize("wait", [True, False])
async def test_unloading_sends_nothing_that_waited(desk: Desk, *, wait: bool) -> None:
    under_way = await desk.keep_busy()
    by_switch = await desk.ask(desk.do(f"start {BACKUP}"))
    by_action = await desk.begin(OPTIMIZE, wait=wait)
    stop = await desk.ask(desk.do(f"stop {DEEP}"))

    assert await desk.hass.config_entries.async_unload(desk.entry.entry_id)
    await desk.settle()
    fail("not_sent", by_switch, stop)
    if wait:
        assert by_action.result() == [(OPTIMIZE, "unconfirmed")]
    else:
        fail("not_sent", by_action)

    await desk.let_pass(SLOW)
    assert under_way.result() is None
    assert desk.order == [f"start {DEEP}"]

    desk.plex.clear_faults()
    assert await desk.hass.config_entries.async_setup(desk.entry.entry_id)
    await desk.do(f"start {BACKUP}")
    assert running(desk.plex) == {DEEP, BACKUP}


async def test_what_waits_when_home_assistant_stops_is_not_sent(desk: Desk) -> None:
    await desk.keep_busy()
    waits = await desk.ask(desk.do(f"start {BACKUP}"))
    desk.hass.bus.async_fire(EVENT_HOMEASSISTANT_STOP)
    await desk.settle()
    fail("not_sent", waits)

    # An automation that stops everything at that moment still can.
    await desk.ask(desk.do("stop all"))
    await desk.answers(2)
    assert desk.order == [f"start {DEEP}", "stop all"]
    assert running(desk.plex) == set()


@pytest.mark.usefixtures("all_entities_enabled")
async def test_a_slow_setting_keeps_no_stop_waiting_and_unloading_drops_what_waited(
    desk: Desk,
) -> None:
    desk.plex.client_start(BACKUP)
    desk.plex.fault("slow", path="/:/prefs", method="PUT", delay=SLOW)
    under_way, waited = [
        await desk.ask(
            desk.use_entity("turn_off", f"switch.attic_butler_schedule_{task}_database")
        )
        for task in ("back_up", "optimize")
    ]
    await desk.do(f"stop {BACKUP}")
    assert running(desk.plex) == set()

    assert await desk.hass.config_entries.async_unload(desk.entry.entry_id)
    await desk.let_pass(SLOW)
    assert under_way.exception() is None
    fail("not_sent", waited)
    assert [it.method for it in desk.plex.requests].count("PUT") == 1
    assert await desk.hass.config_entries.async_setup(desk.entry.entry_id)


async def test_a_title_or_key_of_two_tasks_is_asked_about(desk: Desk) -> None:
    for name, title in (
        ("DustA", "Dust"),
        ("DustB", "DUST"),
        ("dUSTa", BACKUP),
        (f"ButlerTask{BACKUP}", "Backup Database"),
    ):
        desk.plex.add_task(TaskSpec(name=name, title=title, description="", interval=1))
    await desk.let_pass(31)
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
    await desk.let_pass(601)
    desk.plex.remove_task("Dust")
    desk.plex.add_task(TaskSpec(name="DustAgain", title="Dust", description=""))
    await desk.let_pass(601)

    with refused("unknown_task", invalid=True):
        await desk.call("start_task", entity_id="switch.attic_butler_dust")
    assert desk.order == []

    await desk.call("start_task", task="dust")
    assert desk.order == ["start DustAgain"]


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
    entry = await desk.add(cellar)
    cellar.client_start(BACKUP)
    desk.slow_down()
    both = [SWITCHES[BACKUP], "switch.cellar_butler_back_up_database"]
    await desk.ask(desk.call("stop_task", entity_id=both))
    await desk.settle()
    assert running(cellar) == set()

    await desk.let_pass(SLOW)
    await desk.hass.config_entries.async_unload(entry.entry_id)
