"""What targets mean, and what is said when they mean nothing."""

from collections.abc import Awaitable, Callable
from functools import partial
from itertools import product
from typing import Any

from homeassistant.config_entries import SOURCE_IGNORE, ConfigEntry, ConfigEntryDisabler
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers import (
    area_registry as ar,
    config_validation as cv,
    device_registry as dr,
    entity_registry as er,
    floor_registry as fr,
    label_registry as lr,
    trigger,
)
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import WebSocketGenerator
import voluptuous as vol

from custom_components.plex_butler.const import DOMAIN
from tests.automations import automate, check, noted, validated
from tests.conftest import (
    BACKUP,
    BACKUP_SWITCH,
    OPTIMIZE,
    OPTIMIZE_SWITCH,
    Home,
    add_entry,
    device_of,
)
from tests.simulator import ManualClock, SimulatedPlex

CELLAR_BACKUP = "switch.cellar_butler_back_up_database"
BUSY = "binary_sensor.attic_butler_working"
SCHEDULED = "switch.attic_butler_schedule_back_up_database"

OF_TASKS = {"start_task", "stop_task", "get_butler_tasks"}
OF_SERVERS = {"start_all_tasks", "stop_all_tasks", "set_maintenance_window"}
FITTING = {
    "services": (OF_TASKS, OF_SERVERS),
    "triggers": ({"task_started", "task_ended"}, {"butler_idle"}),
    "conditions": ({"task_is_running"}, {"butler_is_busy"}),
}
CHOOSE_SERVER = "Choose a server: Attic or Cellar"
FLOOR, AREA, LABEL = "top", "loft", "heavy"
KINDS = ("device_id", "area_id", "floor_id", "label_id")


class Rooms(Home):
    """A home with one floor, one area on it and one label."""

    def entry_of(self, title: str) -> ConfigEntry:
        entries = self.hass.config_entries.async_entries(DOMAIN)
        return next(entry for entry in entries if entry.title == title)

    def server(self, title: str, **changes: Any) -> str:
        """Change the device of a server, and return its id."""
        device = device_of(self.hass, self.entry_of(title))
        dr.async_get(self.hass).async_update_device(device.id, **changes)
        return device.id

    def entity(self, entity_id: str, **changes: Any) -> None:
        er.async_get(self.hass).async_update_entity(entity_id, **changes)

    def target(self, kind: str, title: str) -> dict[str, Any]:
        """Return a target of that kind that means a server."""
        if kind == "device_id":
            return {kind: self.server(title)}
        if kind == "entity_id":
            return {kind: f"binary_sensor.{title.lower()}_butler_working"}
        if kind == "label_id":
            self.server(title, labels={LABEL})
            return {kind: [LABEL]}
        self.server(title, area_id=AREA)
        return {kind: {"area_id": AREA, "floor_id": FLOOR}[kind]}

    async def begins_at(self, plex: SimulatedPlex, task: str) -> None:
        plex.client_start(task)
        await self.settle()
        await self.advance(5)

    async def work(self, plex: SimulatedPlex) -> None:
        """Let a server run a task for a while."""
        await self.begins_at(plex, BACKUP)
        plex.client_stop(BACKUP)
        await self.advance_steps(4, 5)


@pytest.fixture
async def home(home: Home) -> Rooms:
    fr.async_get(home.hass).async_create(FLOOR)
    ar.async_get(home.hass).async_create(AREA, floor_id=FLOOR)
    lr.async_get(home.hass).async_create(LABEL)
    return Rooms(**vars(home))


@pytest.fixture
async def cellar(home: Rooms, cellar: SimulatedPlex) -> SimulatedPlex:
    """Return a second server, whose clock stands still; its entry is loaded."""
    await home.add(cellar)
    return cellar


def running(plex: SimulatedPlex) -> set[str]:
    """Return what was started, be it queued only."""
    return {task for task, state in plex.truth().items() if state != "idle"}


def named(tasks: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(task["server"], task["name"]) for task in tasks]


@pytest.mark.parametrize("kind", KINDS)
async def test_actions_mean_the_servers_of_the_target(
    home: Rooms, cellar: SimulatedPlex, kind: str
) -> None:
    target = home.target(kind, "Cellar")
    started = await home.answer("start_task", task="backup_database", **target)
    assert named(started) == [("Cellar", BACKUP)]
    assert (running(home.plex), running(cellar)) == (set(), {BACKUP})

    listed = await home.answer("get_butler_tasks", **target)
    assert set(named(listed)) == {("Cellar", task) for task in cellar.truth()}

    await home.action("stop_task", task=BACKUP, **target)
    assert running(cellar) == set()

    await home.action("set_maintenance_window", start="01:00", end="04:00", **target)
    hours = [plex.butler.window.start_hour for plex in (home.plex, cellar)]
    assert hours == [2, 1]

    home.plex.client_start(OPTIMIZE)
    cellar.client_start(OPTIMIZE)
    await home.action("stop_all_tasks", **target)
    assert (running(home.plex), running(cellar)) == ({OPTIMIZE}, set())

    await home.action("start_all_tasks", **target)
    assert running(cellar)
    assert running(home.plex) == {OPTIMIZE}


async def test_a_target_of_all_kinds_means_each_task_once_though_its_switch_is_disabled(
    home: Rooms, cellar: SimulatedPlex
) -> None:
    home.entity(OPTIMIZE_SWITCH, disabled_by=er.RegistryEntryDisabler.USER)
    last_run = "sensor.cellar_butler_last_database_backup"
    home.target("area_id", "Cellar")
    home.entity("switch.attic_butler_update_all_libraries", labels={LABEL})
    home.entity("switch.cellar_butler_update_all_libraries", labels={LABEL})
    home.entity("sensor.attic_butler_last_run_analyze_sonic_features", area_id=AREA)
    home.entity(BUSY, labels={LABEL})

    started = await home.answer(
        "start_task",
        entity_id=[last_run, CELLAR_BACKUP, OPTIMIZE_SWITCH],
        area_id=[AREA],
        floor_id=FLOOR,
        device_id=home.server("Cellar"),
        label_id=LABEL,
        task=["Optimize database", BACKUP],
    )

    assert named(started) == [
        ("Cellar", BACKUP),
        ("Attic", OPTIMIZE),
        ("Attic", "MusicAnalysis"),
        ("Attic", "RefreshLibraries"),
        ("Cellar", OPTIMIZE),
    ]
    assert running(cellar) == {BACKUP, OPTIMIZE}


async def test_what_one_server_refuses_is_done_on_the_others(
    home: Rooms, cellar: SimulatedPlex
) -> None:
    both = {"device_id": [home.server("Attic"), home.server("Cellar")]}
    stop_task = {"task": BACKUP, **both}
    home.plex.client_start(BACKUP)
    for service, data, message in (
        ("stop_all_tasks", both, r"^Not done: Attic\. The Plex server"),
        ("stop_task", stop_task, r"^Not done: Back up database \(Attic\).+ 500"),
    ):
        cellar.client_start(BACKUP)
        home.plex.fault("500", path="/butler")
        with pytest.raises(HomeAssistantError, match=message):
            await home.action(service, **data)
        assert (running(home.plex), running(cellar)) == ({BACKUP}, set())

    await home.action("stop_task", **stop_task)
    assert running(home.plex) == set()

    await home.unload()
    cellar.client_start(BACKUP)
    with pytest.raises(HomeAssistantError, match=r"^Not done: Attic.* not available"):
        await home.action("stop_all_tasks", **both)
    assert running(cellar) == set()
    cellar.client_start(BACKUP)
    with pytest.raises(ServiceValidationError, match=r"^Attic is not available"):
        await home.action("stop_task", **stop_task)
    assert running(cellar) == {BACKUP}


NO_TASK = "Choose a task."
NO_SERVER = "There is no Plex server"
NO_SWITCH = "{} is not the switch of a Butler task"
ONLY_A_SCHEDULE = (
    f"{SCHEDULED} only sets whether a task runs by itself. Choose the switch"
)
ONE_TASK = f"{BACKUP_SWITCH} is a single task. Choose its server instead"
LIGHT = "light.other"
NOT_OURS = "{} is not a Plex server of Plex Butler"


@pytest.mark.parametrize(
    ("service", "data", "message"),
    [
        ("start_task", {}, NO_TASK),
        ("stop_task", {"task": None}, NO_TASK),
        ("stop_task", {"device_id": "{attic}"}, NO_TASK),
        ("start_task", {"entity_id": "all"}, NO_SWITCH.format("all")),
        ("start_task", {"entity_id": [BACKUP_SWITCH, LIGHT]}, NO_SWITCH.format(LIGHT)),
        ("stop_task", {"entity_id": BUSY}, NO_SWITCH.format(BUSY)),
        ("start_task", {"entity_id": SCHEDULED}, ONLY_A_SCHEDULE),
        ("stop_all_tasks", {"entity_id": BACKUP_SWITCH}, ONE_TASK),
        ("stop_all_tasks", {"entity_id": SCHEDULED}, NOT_OURS.format(SCHEDULED)),
        ("stop_all_tasks", {"entity_id": LIGHT}, NOT_OURS.format(LIGHT)),
        ("start_all_tasks", {"device_id": "{lamp}"}, NOT_OURS.format("Lamp")),
        ("start_all_tasks", {"device_id": "gone"}, NOT_OURS.format("gone")),
        ("start_all_tasks", {"area_id": AREA}, NO_SERVER),
        ("start_task", {"label_id": "x", "task": BACKUP}, NO_SERVER),
        ("stop_all_tasks", {"label_id": LABEL}, NO_SERVER),
        ("stop_all_tasks", {"entity_id": []}, NO_SERVER),
        ("stop_all_tasks", {"device_id": "none"}, NO_SERVER),
    ],
)
async def test_what_is_wrong_with_a_target_is_said_and_nothing_is_done(
    home: Rooms, service: str, data: dict[str, Any], message: str
) -> None:
    other = MockConfigEntry(domain="other")
    other.add_to_hass(home.hass)
    lamp = dr.async_get(home.hass).async_get_or_create(
        config_entry_id=other.entry_id, identifiers={("other", "lamp")}, name="Lamp"
    )
    er.async_get(home.hass).async_get_or_create(
        "light", "other", "x", suggested_object_id="other", device_id=lamp.id
    )
    for entity_id in (BACKUP_SWITCH, SCHEDULED):
        home.entity(entity_id, labels={LABEL})
    devices = {"{lamp}": lamp.id, "{attic}": home.device}
    if data.get("device_id") in devices:
        data = data | {"device_id": devices[data["device_id"]]}
    home.plex.requests.clear()

    with pytest.raises(ServiceValidationError) as err:
        await home.action(service, **data)

    assert str(err.value).startswith(message)
    assert not home.plex.requests


async def test_of_two_servers_one_must_be_chosen(
    home: Rooms, cellar: SimulatedPlex
) -> None:
    entries, entry_id = home.hass.config_entries, home.entry_of("Cellar").entry_id
    device = home.server("Cellar")
    with pytest.raises(ServiceValidationError, match=CHOOSE_SERVER):
        await home.action("stop_all_tasks")

    await entries.async_unload(entry_id)
    with pytest.raises(ServiceValidationError, match=CHOOSE_SERVER):
        await home.action("stop_all_tasks")

    await entries.async_set_disabled_by(entry_id, ConfigEntryDisabler.USER)
    await home.action("stop_all_tasks")
    with pytest.raises(ServiceValidationError, match=r"^Cellar is not available"):
        await home.action("stop_all_tasks", device_id=device)


async def test_tasks_beside_a_switch_are_those_of_the_only_server(home: Rooms) -> None:
    # A server that is ignored is none to choose.
    MockConfigEntry(domain=DOMAIN, source=SOURCE_IGNORE).add_to_hass(home.hass)
    both: dict[str, Any] = {"entity_id": BACKUP_SWITCH, "task": OPTIMIZE}
    calls = await automate(home.hass, "task_started", **both)
    await home.action("start_task", **both)
    await home.settle()
    assert running(home.plex) == {BACKUP, OPTIMIZE}
    assert noted(calls, "name") == [(BACKUP,), (OPTIMIZE,)]

    async with SimulatedPlex(name="Cellar", seed=7, clock=ManualClock()) as cellar:
        await home.add(cellar)
        with pytest.raises(ServiceValidationError, match=CHOOSE_SERVER):
            await home.action("start_task", **both)
        with pytest.raises(vol.Invalid, match=CHOOSE_SERVER):
            await validated(home.hass, "task_started", **both)


async def test_without_a_server_it_is_said(home: Rooms) -> None:
    await home.unload()
    with pytest.raises(ServiceValidationError, match="Attic is not available"):
        await home.call("start_task")

    await home.hass.config_entries.async_remove(home.entry.entry_id)
    with pytest.raises(ServiceValidationError, match="No Plex server has been added"):
        await home.call("start_task")

    home.entry = add_entry(home.hass, home.plex)
    with pytest.raises(vol.Invalid, match="Attic is not available"):
        await validated(home.hass, "butler_idle")
    await home.set_up()
    await home.call("start_task")
    assert running(home.plex) == {BACKUP}


async def test_a_server_that_is_named_in_a_field_is_refused(home: Rooms) -> None:
    for field, message in (
        ({"config_entry_id": home.entry.entry_id}, "config_entry_id"),
        ({"polish": True}, "polish"),
    ):
        with pytest.raises(vol.Invalid, match=message):
            await home.action("start_task", task=BACKUP, **field)
    await async_setup_component(home.hass, "automation", {})
    options = {"device_id": home.device}
    config = {"platform": f"{DOMAIN}.task_started", "options": options}
    with pytest.raises(vol.Invalid, match="device_id"):
        await trigger.async_validate_trigger_config(home.hass, [config])


@pytest.mark.parametrize(
    ("trigger_name", "condition_name", "kind"),
    [
        *product(["task_started"], ["task_is_running"], KINDS),
        *product(["butler_idle"], ["butler_is_busy"], [*KINDS, "entity_id"]),
    ],
)
async def test_triggers_and_conditions_are_about_the_servers_of_the_target(
    home: Rooms,
    cellar: SimulatedPlex,
    trigger_name: str,
    condition_name: str,
    kind: str,
) -> None:
    target = home.target(kind, "Attic")
    calls = await automate(home.hass, trigger_name, **target)

    await home.work(cellar)
    await home.begins_at(cellar, OPTIMIZE)
    assert calls == []
    assert not await check(home.hass, condition_name, **target)

    await home.work(home.plex)
    assert noted(calls, "server", "device_id") == [("Attic", home.server("Attic"))]
    await home.begins_at(home.plex, OPTIMIZE)
    assert await check(home.hass, condition_name, **target)


async def test_a_trigger_follows_what_comes_into_its_area(home: Rooms) -> None:
    is_busy = partial(check, home.hass, "butler_is_busy", area_id=AREA)
    calls = await automate(home.hass, "task_started", area_id=AREA)
    await home.work(home.plex)
    assert calls == []

    home.server("Attic", area_id=AREA)
    await home.reload()
    await home.work(home.plex)
    assert noted(calls, "name") == [(BACKUP,)]
    assert await is_busy() is False

    await home.begins_at(home.plex, OPTIMIZE)
    assert await is_busy()
    home.server("Attic", area_id=None)
    assert not await is_busy()
    calls.clear()
    await home.work(home.plex)
    assert calls == []


async def test_triggers_and_conditions_take_the_task_of_a_switch(
    home: Rooms, cellar: SimulatedPlex
) -> None:
    about: dict[str, Any] = {
        "entity_id": [BACKUP_SWITCH],
        "device_id": home.server("Cellar"),
        "task": "Optimize database",
    }
    calls = await automate(home.hass, "task_started", **about)
    await home.begins_at(home.plex, OPTIMIZE)
    await home.begins_at(cellar, BACKUP)
    assert calls == []
    assert not await check(home.hass, "task_is_running", **about)

    await home.begins_at(home.plex, BACKUP)
    assert noted(calls, "server", "task") == [("Attic", "Back up database")]
    assert await check(home.hass, "task_is_running", **about)

    await home.others_stop(BACKUP, wait=5)
    await home.action("start_task", device_id=about["device_id"], task=OPTIMIZE)
    await home.settle()
    assert noted(calls, "server", "task")[1:] == [("Cellar", "Optimize database")]
    assert await check(home.hass, "task_is_running", **about)


async def test_an_automation_without_target_is_of_the_only_server(home: Rooms) -> None:
    calls = await automate(home.hass, "task_started", device_id=[])
    assert not await check(home.hass, "task_is_running")
    async with SimulatedPlex(name="Cellar", seed=7, clock=ManualClock()) as cellar:
        await home.add(cellar)
        await home.work(cellar)
        await home.work(home.plex)
        assert noted(calls, "server") == [("Attic",)]

        for name in ("task_started", "butler_idle"):
            with pytest.raises(vol.Invalid, match=CHOOSE_SERVER):
                await validated(home.hass, name)
        with pytest.raises(vol.Invalid, match=CHOOSE_SERVER):
            await check(home.hass, "butler_is_busy")


@pytest.mark.parametrize(
    ("validate", "name", "wrong", "message"),
    [
        (
            validated,
            "task_started",
            {"device_id": "unknown"},
            NOT_OURS.format("unknown"),
        ),
        (validated, "task_started", {"task": []}, "length of value must be at least 1"),
        (validated, "task_ended", {"entity_id": SCHEDULED}, ONLY_A_SCHEDULE),
        (validated, "task_ended", {"result": ["lost"]}, "value must be one of"),
        (validated, "butler_idle", {"entity_id": BACKUP_SWITCH}, ONE_TASK),
        (validated, "butler_idle", {"task": BACKUP}, "task"),
        (
            check,
            "task_is_running",
            {"device_id": "unknown"},
            NOT_OURS.format("unknown"),
        ),
        (check, "butler_is_busy", {"task": BACKUP}, "task"),
    ],
)
async def test_what_is_wrong_with_a_trigger_or_a_condition_is_said(
    home: Rooms,
    validate: Callable[..., Awaitable[object]],
    name: str,
    wrong: dict[str, Any],
    message: str,
) -> None:
    with pytest.raises(vol.Invalid, match=message):
        await validate(home.hass, name, **{"device_id": home.device} | wrong)


@pytest.mark.skipif("exclude" not in cv.TARGET_FIELDS, reason="new in 2026.11")
async def test_what_a_target_excludes_is_left_out(
    home: Rooms, cellar: SimulatedPlex
) -> None:
    both = [home.server("Attic"), home.server("Cellar", area_id=AREA)]
    about: dict[str, Any] = {"device_id": both}
    about["exclude"] = {"entity_id": [BACKUP_SWITCH], "area_id": [AREA]}

    listed = await home.answer("get_butler_tasks", **about)
    assert {it["name"] for it in listed} == home.plex.truth().keys() - {BACKUP}
    started = await home.answer("start_task", task=[BACKUP, OPTIMIZE], **about)
    assert named(started) == [("Attic", OPTIMIZE)]
    cellar.client_start(OPTIMIZE)
    await home.action("stop_all_tasks", **about)
    assert (running(home.plex), running(cellar)) == (set(), {OPTIMIZE})

    calls = await automate(home.hass, "task_started", **about)
    await home.work(home.plex)
    await home.work(cellar)
    assert calls == []
    assert not await check(home.hass, "butler_is_busy", **about)
    await home.begins_at(home.plex, OPTIMIZE)
    assert noted(calls, "name") == [(OPTIMIZE,)]
    assert await check(home.hass, "task_is_running", **about)


@pytest.mark.parametrize("kind", FITTING)
async def test_the_editor_offers_what_fits_a_server_or_a_task(
    home: Rooms, hass_ws_client: WebSocketGenerator, kind: str
) -> None:
    for component in ("automation", "homeassistant"):
        await async_setup_component(home.hass, component, {})
    socket = await hass_ws_client(home.hass)
    of_tasks, of_servers = FITTING[kind]

    async def offered(**target: list[str]) -> set[str]:
        question = {"type": f"get_{kind}_for_target", "target": target}
        await socket.send_json_auto_id(question)
        answer = await socket.receive_json()
        ours = (it for it in answer["result"] if it.startswith(f"{DOMAIN}."))
        return {it.removeprefix(f"{DOMAIN}.") for it in ours}

    assert await offered(device_id=[home.device]) == of_tasks | of_servers
    assert await offered(entity_id=[BACKUP_SWITCH]) == of_tasks
    assert await offered(entity_id=[BUSY]) == of_servers
    assert await offered(entity_id=[SCHEDULED]) == set()
