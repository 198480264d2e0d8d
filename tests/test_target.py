"""What targets mean, and what is said when they mean nothing."""

from collections.abc import AsyncIterator
from typing import Any

from homeassistant.config_entries import ConfigEntryDisabler
from homeassistant.core import HomeAssistant, ServiceCall
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
from tests.automations import automate, check, device_of, noted, split
from tests.conftest import Advance, add_entry, settle
from tests.simulator import ManualClock, SimulatedPlex, TaskSpec

BACKUP, OPTIMIZE = "BackupDatabase", "OptimizeDatabase"
ATTIC_BACKUP = "switch.attic_butler_back_up_database"
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


@pytest.fixture
async def cellar(
    hass: HomeAssistant, loaded: MockConfigEntry
) -> AsyncIterator[SimulatedPlex]:
    """Return a second server, whose clock stands still; its entry is loaded."""
    async with SimulatedPlex(name="Cellar", seed=7, clock=ManualClock()) as plex:
        entry = add_entry(hass, plex)
        await hass.config_entries.async_setup(entry.entry_id)
        await settle(hass)
        yield plex
        await hass.config_entries.async_unload(entry.entry_id)


class Home:
    """A home with one floor, one area on it and one label."""

    def __init__(self, hass: HomeAssistant) -> None:
        """Begin with nothing in the area, and nothing labelled."""
        self._hass = hass
        self.floor = fr.async_get(hass).async_create("Top").floor_id
        areas = ar.async_get(hass)
        self.area = areas.async_create("Loft", floor_id=self.floor).id
        self.label = lr.async_get(hass).async_create("Heavy").label_id

    def server(self, title: str, **changes: Any) -> str:
        """Change the device of a server, and return its id."""
        (entry,) = (
            entry
            for entry in self._hass.config_entries.async_entries(DOMAIN)
            if entry.title == title
        )
        device = device_of(self._hass, entry)
        dr.async_get(self._hass).async_update_device(device, **changes)
        return device

    def entity(self, entity_id: str, **changes: Any) -> None:
        er.async_get(self._hass).async_update_entity(entity_id, **changes)

    def target(self, kind: str, title: str) -> dict[str, Any]:
        """Return a target of that kind that means a server."""
        if kind == "device_id":
            return {kind: self.server(title)}
        if kind == "label_id":
            self.server(title, labels={self.label})
            return {kind: [self.label]}
        self.server(title, area_id=self.area)
        return {kind: {"area_id": self.area, "floor_id": self.floor}[kind]}


@pytest.fixture
def home(hass: HomeAssistant) -> Home:
    return Home(hass)


async def call(hass: HomeAssistant, service: str, **data: Any) -> list[dict[str, Any]]:
    answer: Any = await hass.services.async_call(
        DOMAIN, service, data, blocking=True, return_response=service in OF_TASKS
    )
    return list(answer["tasks"]) if answer else []


def running(plex: SimulatedPlex) -> set[str]:
    return {task for task, state in plex.truth().items() if state != "idle"}


WHOLE = pytest.mark.parametrize(
    "kind", ["device_id", "area_id", "floor_id", "label_id"]
)


@WHOLE
async def test_actions_on_tasks_mean_the_servers_of_the_target(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    cellar: SimulatedPlex,
    home: Home,
    kind: str,
) -> None:
    target = home.target(kind, "Cellar")
    started = await call(hass, "start_task", task="backup_database", **target)
    assert [(it["server"], it["name"]) for it in started] == [("Cellar", BACKUP)]
    assert (running(plex), running(cellar)) == (set(), {BACKUP})

    listed = await call(hass, "get_butler_tasks", **target)
    assert {it["name"] for it in listed} == cellar.truth().keys()
    assert {it["server"] for it in listed} == {"Cellar"}

    await call(hass, "stop_task", task=BACKUP, **target)
    assert running(cellar) == set()


@WHOLE
async def test_actions_on_servers_mean_those_of_the_target(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    cellar: SimulatedPlex,
    home: Home,
    kind: str,
) -> None:
    target = home.target(kind, "Cellar")
    hours = {"start": "01:00", "end": "04:00"}
    await call(hass, "set_maintenance_window", **hours, **target)
    assert (plex.butler.window.start_hour, cellar.butler.window.start_hour) == (2, 1)

    plex.client_start(OPTIMIZE)
    cellar.client_start(OPTIMIZE)
    await call(hass, "stop_all_tasks", **target)
    assert (running(plex), running(cellar)) == ({OPTIMIZE}, set())

    await call(hass, "start_all_tasks", **target)
    assert running(cellar)
    assert running(plex) == {OPTIMIZE}


async def test_a_target_of_all_kinds_means_each_task_once(
    hass: HomeAssistant, plex: SimulatedPlex, cellar: SimulatedPlex, home: Home
) -> None:
    home.target("area_id", "Cellar")
    home.entity("switch.attic_butler_update_all_libraries", labels={home.label})
    home.entity("switch.cellar_butler_update_all_libraries", labels={home.label})
    home.entity("switch.attic_butler_analyze_sonic_features", area_id=home.area)
    home.entity(BUSY, labels={home.label})

    started = await call(
        hass,
        "start_task",
        entity_id=[CELLAR_BACKUP, "switch.attic_butler_optimize_database"],
        area_id=[home.area],
        floor_id=home.floor,
        device_id=home.server("Cellar"),
        label_id=home.label,
        task=["Optimize database", BACKUP],
    )

    assert [(it["server"], it["name"]) for it in started] == [
        ("Cellar", BACKUP),
        ("Attic", OPTIMIZE),
        ("Attic", "MusicAnalysis"),
        ("Attic", "RefreshLibraries"),
        ("Cellar", OPTIMIZE),
    ]
    assert running(cellar) == {BACKUP, OPTIMIZE}


async def test_an_entity_means_its_task_also_while_it_is_disabled(
    hass: HomeAssistant, plex: SimulatedPlex, cellar: SimulatedPlex
) -> None:
    er.async_get(hass).async_update_entity(
        ATTIC_BACKUP, disabled_by=er.RegistryEntryDisabler.USER
    )
    last_run = "sensor.cellar_butler_last_database_backup"
    entities = [last_run, CELLAR_BACKUP, ATTIC_BACKUP]

    started = await call(hass, "start_task", entity_id=entities)
    assert [(it["server"], it["task"]) for it in started] == [
        ("Cellar", "Back up database"),
        ("Attic", "Back up database"),
    ]

    (listed,) = await call(hass, "get_butler_tasks", entity_id=CELLAR_BACKUP)
    assert (listed["server"], listed["name"], listed["state"]) == (
        "Cellar",
        BACKUP,
        "running",
    )


@pytest.mark.parametrize("entity_id", [BUSY, "button.attic_butler_stop_all_tasks"])
async def test_an_entity_of_no_task_means_its_server_where_servers_are_meant(
    hass: HomeAssistant, plex: SimulatedPlex, cellar: SimulatedPlex, entity_id: str
) -> None:
    plex.client_start(BACKUP)
    cellar.client_start(BACKUP)

    await call(hass, "stop_all_tasks", entity_id=entity_id)

    assert (running(plex), running(cellar)) == (set(), {BACKUP})


async def test_what_one_server_refuses_is_done_on_the_others(
    hass: HomeAssistant, plex: SimulatedPlex, cellar: SimulatedPlex, home: Home
) -> None:
    both = {"device_id": [home.server("Attic"), home.server("Cellar")]}
    plex.client_start(BACKUP)
    cellar.client_start(BACKUP)
    plex.fault("401", path="/butler")
    with pytest.raises(HomeAssistantError, match=r"^Not done: Attic\. The Plex server"):
        await call(hass, "stop_all_tasks", **both)
    assert (running(plex), running(cellar)) == ({BACKUP}, set())

    cellar.client_start(BACKUP)
    plex.fault("401", path="/butler")
    with pytest.raises(
        HomeAssistantError, match=r"^Not done: Back up database \(Attic\)"
    ):
        await call(hass, "stop_task", task=BACKUP, **both)
    assert (running(plex), running(cellar)) == ({BACKUP}, set())

    await call(hass, "stop_task", task=BACKUP, **both)
    assert running(plex) == set()

    (entry, _) = hass.config_entries.async_entries(DOMAIN)
    await hass.config_entries.async_unload(entry.entry_id)
    cellar.client_start(BACKUP)
    with pytest.raises(HomeAssistantError, match=r"^Not done: Attic.* not available"):
        await call(hass, "stop_all_tasks", **both)
    assert running(cellar) == set()
    cellar.client_start(BACKUP)
    with pytest.raises(ServiceValidationError, match=r"^Attic is not available"):
        await call(hass, "stop_task", task=BACKUP, **both)
    assert running(cellar) == {BACKUP}


@pytest.mark.parametrize(
    ("service", "data", "message"),
    [
        ("start_task", {}, "Choose a task."),
        ("start_task", {"task": []}, "Choose a task."),
        ("stop_task", {"task": None}, "Choose a task."),
        ("stop_task", {"device_id": "{attic}"}, "Choose a task."),
        ("start_task", {"entity_id": "all"}, "all is not the switch of a Butler task"),
        (
            "start_task",
            {"entity_id": [ATTIC_BACKUP, "light.other"]},
            "light.other is not the switch of a Butler task",
        ),
        (
            "stop_task",
            {"entity_id": BUSY},
            f"{BUSY} is not the switch of a Butler task",
        ),
        (
            "start_task",
            {"entity_id": SCHEDULED},
            f"{SCHEDULED} only sets whether a task runs by itself. Choose the switch",
        ),
        (
            "stop_all_tasks",
            {"entity_id": ATTIC_BACKUP},
            f"{ATTIC_BACKUP} is a single task. Choose its server instead",
        ),
        (
            "stop_all_tasks",
            {"entity_id": SCHEDULED},
            f"{SCHEDULED} is not a Plex server of Plex Butler",
        ),
        (
            "stop_all_tasks",
            {"entity_id": "light.other"},
            "light.other is not a Plex server of Plex Butler",
        ),
        (
            "start_all_tasks",
            {"device_id": "{lamp}"},
            "Lamp is not a Plex server of Plex Butler",
        ),
        (
            "get_butler_tasks",
            {"device_id": "gone"},
            "gone is not a Plex server of Plex Butler",
        ),
        ("start_all_tasks", {"area_id": "loft"}, "There is no Plex server"),
        ("start_task", {"label_id": "x", "task": BACKUP}, "There is no Plex server"),
        ("stop_all_tasks", {"label_id": "heavy"}, "There is no Plex server"),
        ("stop_all_tasks", {"entity_id": []}, "There is no Plex server"),
        ("stop_all_tasks", {"device_id": "none"}, "There is no Plex server"),
    ],
)
async def test_what_is_wrong_with_a_target_is_said_and_nothing_is_done(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    loaded: MockConfigEntry,
    home: Home,
    service: str,
    data: dict[str, Any],
    message: str,
) -> None:
    other = MockConfigEntry(domain="other")
    other.add_to_hass(hass)
    lamp = dr.async_get(hass).async_get_or_create(
        config_entry_id=other.entry_id, identifiers={("other", "lamp")}, name="Lamp"
    )
    er.async_get(hass).async_get_or_create(
        "light", "other", "x", suggested_object_id="other", device_id=lamp.id
    )
    for entity_id in (ATTIC_BACKUP, SCHEDULED):
        home.entity(entity_id, labels={home.label})
    devices = {"{lamp}": lamp.id, "{attic}": device_of(hass, loaded)}
    if data.get("device_id") in devices:
        data = data | {"device_id": devices[data["device_id"]]}
    plex.client_start(OPTIMIZE)
    plex.requests.clear()

    with pytest.raises(ServiceValidationError) as err:
        await call(hass, service, **data)

    assert str(err.value).startswith(message)
    assert not plex.requests
    await call(hass, "stop_task", entity_id="switch.attic_butler_optimize_database")
    assert running(plex) == set()


@pytest.mark.parametrize("service", ["start_task", "stop_task"])
async def test_an_unknown_task_is_answered_with_what_the_form_offers(
    hass: HomeAssistant, plex: SimulatedPlex, loaded: MockConfigEntry, service: str
) -> None:
    with pytest.raises(ServiceValidationError) as err:
        await call(hass, service, task=["backup_database", "polish_brass"])

    assert str(err.value).startswith("Attic has no task polish_brass. It has: ")
    for name in (
        "Back up database (backup_database)",
        "Detect credits (generate_credits_markers)",
    ):
        assert name in str(err.value)
    assert running(plex) == set()
    assert await call(hass, service, task="Back up database")


async def test_a_name_of_two_tasks_is_answered_with_both(
    hass: HomeAssistant, plex: SimulatedPlex, loaded: MockConfigEntry, advance: Advance
) -> None:
    for name in ("DustA", "DustB"):
        plex.add_task(TaskSpec(name=name, title="Dust", description=""))
    await advance(601)

    with pytest.raises(ServiceValidationError, match="DustA, DustB"):
        await call(hass, "start_task", task="dust")

    await call(hass, "start_task", task="DustB")
    assert running(plex) == {"DustB"}


async def test_the_switch_of_a_task_that_is_not_listed_any_more_starts_nothing(
    hass: HomeAssistant, plex: SimulatedPlex, loaded: MockConfigEntry, advance: Advance
) -> None:
    plex.remove_task(BACKUP)
    await advance(601)

    with pytest.raises(
        ServiceValidationError, match="Attic has no task BackupDatabase"
    ):
        await call(hass, "start_task", entity_id=ATTIC_BACKUP)
    assert running(plex) == set()


@pytest.mark.parametrize("service", ["start_task", "stop_all_tasks"])
async def test_of_two_servers_one_must_be_chosen(
    hass: HomeAssistant, plex: SimulatedPlex, cellar: SimulatedPlex, service: str
) -> None:
    data: dict[str, Any] = {"task": BACKUP} if service == "start_task" else {}
    with pytest.raises(ServiceValidationError) as err:
        await call(hass, service, **data)
    assert str(err.value) == "Choose a server: Attic or Cellar"

    (entry,) = (
        entry
        for entry in hass.config_entries.async_entries(DOMAIN)
        if entry.title == "Cellar"
    )
    await hass.config_entries.async_unload(entry.entry_id)
    with pytest.raises(ServiceValidationError, match="Choose a server"):
        await call(hass, service, **data)

    await hass.config_entries.async_set_disabled_by(
        entry.entry_id, ConfigEntryDisabler.USER
    )
    await call(hass, service, **data)
    with pytest.raises(ServiceValidationError) as err:
        await call(hass, service, device_id=device_of(hass, entry), **data)
    assert str(err.value).startswith("Cellar is not available")


async def test_tasks_beside_a_switch_are_those_of_the_only_server(
    hass: HomeAssistant, plex: SimulatedPlex, loaded: MockConfigEntry, advance: Advance
) -> None:
    both: dict[str, Any] = {"entity_id": ATTIC_BACKUP, "task": OPTIMIZE}
    calls = await automate(hass, "task_started", **both)
    await call(hass, "start_task", **both)
    await settle(hass)
    assert running(plex) == {BACKUP, OPTIMIZE}
    assert noted(calls, "name") == [(BACKUP,), (OPTIMIZE,)]

    async with SimulatedPlex(name="Cellar", seed=7, clock=ManualClock()) as cellar:
        entry = add_entry(hass, cellar)
        await hass.config_entries.async_setup(entry.entry_id)
        with pytest.raises(ServiceValidationError, match="Choose a server"):
            await call(hass, "start_task", **both)
        with pytest.raises(vol.Invalid, match="Choose a server"):
            await validated(hass, "task_started", **both)
        await hass.config_entries.async_unload(entry.entry_id)


async def test_without_a_server_it_is_said(
    hass: HomeAssistant, plex: SimulatedPlex, loaded: MockConfigEntry
) -> None:
    await hass.config_entries.async_unload(loaded.entry_id)
    with pytest.raises(ServiceValidationError, match="Attic is not available"):
        await call(hass, "start_task", task=BACKUP)

    await hass.config_entries.async_remove(loaded.entry_id)
    with pytest.raises(ServiceValidationError, match="No Plex server has been added"):
        await call(hass, "start_task", task=BACKUP)

    entry = add_entry(hass, plex)
    with pytest.raises(vol.Invalid, match="Attic is not available"):
        await validated(hass, "butler_idle")
    await hass.config_entries.async_setup(entry.entry_id)
    await call(hass, "start_task", task=BACKUP)
    assert running(plex) == {BACKUP}


async def test_a_server_that_is_named_in_a_field_is_refused(
    hass: HomeAssistant, loaded: MockConfigEntry
) -> None:
    with pytest.raises(vol.Invalid, match="chosen as the target"):
        await call(hass, "start_task", task=BACKUP, config_entry_id=loaded.entry_id)
    with pytest.raises(vol.Invalid, match="polish"):
        await call(hass, "start_task", task=BACKUP, polish=True)
    options = {"device_id": device_of(hass, loaded)}
    await async_setup_component(hass, "automation", {})
    with pytest.raises(vol.Invalid, match="chosen as the target"):
        await trigger.async_validate_trigger_config(
            hass, [{"platform": f"{DOMAIN}.task_started", "options": options}]
        )


async def validated(hass: HomeAssistant, name: str, **about: Any) -> Any:
    await async_setup_component(hass, "automation", {})
    config = {"platform": f"{DOMAIN}.{name}", **split(about)}
    (config,) = await trigger.async_validate_trigger_config(hass, [config])
    return config


async def work(plex: SimulatedPlex, advance: Advance) -> None:
    """Let a server run a task for a while."""
    plex.client_start(BACKUP)
    await advance(5)
    plex.client_stop(BACKUP)
    for _ in range(4):
        await advance(5)


def servers(calls: list[ServiceCall]) -> list[str]:
    return [server for (server,) in noted(calls, "server")]


@WHOLE
@pytest.mark.parametrize("name", ["task_started", "task_ended", "butler_idle"])
async def test_triggers_fire_for_the_servers_of_the_target(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    cellar: SimulatedPlex,
    home: Home,
    advance: Advance,
    name: str,
    kind: str,
) -> None:
    calls = await automate(hass, name, **home.target(kind, "Attic"))

    await work(cellar, advance)
    assert calls == []

    await work(plex, advance)
    assert servers(calls) == ["Attic"]
    assert noted(calls, "device_id") == [(home.server("Attic"),)]


async def test_a_trigger_follows_what_comes_into_the_area_and_leaves_it(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    loaded: MockConfigEntry,
    home: Home,
    advance: Advance,
) -> None:
    calls = await automate(hass, "task_started", area_id=home.area)
    await work(plex, advance)
    assert calls == []

    home.server("Attic", area_id=home.area)
    await hass.config_entries.async_reload(loaded.entry_id)
    await settle(hass)
    await work(plex, advance)
    assert noted(calls, "name") == [(BACKUP,)]
    assert await check(hass, "butler_is_busy", area_id=home.area) is False

    plex.client_start(OPTIMIZE)
    await advance(5)
    assert await check(hass, "butler_is_busy", area_id=home.area)
    home.server("Attic", area_id=None)
    assert not await check(hass, "butler_is_busy", area_id=home.area)
    calls.clear()
    await work(plex, advance)
    assert calls == []


async def test_triggers_and_conditions_take_the_task_of_a_switch(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    cellar: SimulatedPlex,
    home: Home,
    advance: Advance,
) -> None:
    about: dict[str, Any] = {
        "entity_id": [ATTIC_BACKUP],
        "device_id": home.server("Cellar"),
        "task": "Optimize database",
    }
    calls = await automate(hass, "task_started", **about)
    for server in (plex, cellar):
        server.client_start(BACKUP if server is cellar else OPTIMIZE)
        await advance(5)
    assert calls == []
    assert not await check(hass, "task_is_running", **about)

    plex.client_start(BACKUP)
    await advance(5)
    assert noted(calls, "server", "task") == [("Attic", "Back up database")]
    assert await check(hass, "task_is_running", **about)

    plex.client_stop(BACKUP)
    await advance(5)
    await call(hass, "start_task", device_id=about["device_id"], task=OPTIMIZE)
    await settle(hass)
    assert noted(calls, "server", "task")[1:] == [("Cellar", "Optimize database")]
    assert await check(hass, "task_is_running", **about)


@WHOLE
@pytest.mark.parametrize("name", ["task_is_running", "butler_is_busy"])
async def test_conditions_are_about_the_servers_of_the_target(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    cellar: SimulatedPlex,
    home: Home,
    advance: Advance,
    name: str,
    kind: str,
) -> None:
    target = home.target(kind, "Cellar")
    plex.client_start(OPTIMIZE)
    await advance(5)
    assert not await check(hass, name, **target)
    assert await check(hass, name, device_id=home.server("Attic"))

    cellar.client_start(OPTIMIZE)
    await settle(hass)
    await advance(5)
    assert await check(hass, name, **target)


async def test_an_automation_without_a_target_is_about_the_only_server(
    hass: HomeAssistant, plex: SimulatedPlex, loaded: MockConfigEntry, advance: Advance
) -> None:
    calls = await automate(hass, "task_started", device_id=[])
    assert not await check(hass, "task_is_running")
    async with SimulatedPlex(name="Cellar", seed=7, clock=ManualClock()) as cellar:
        entry = add_entry(hass, cellar)
        await hass.config_entries.async_setup(entry.entry_id)
        await settle(hass)

        await work(cellar, advance)
        await work(plex, advance)
        assert servers(calls) == ["Attic"]

        for name in ("task_started", "butler_idle"):
            with pytest.raises(vol.Invalid, match="Choose a server: Attic or Cellar"):
                await validated(hass, name)
        with pytest.raises(vol.Invalid, match="Choose a server: Attic or Cellar"):
            await check(hass, "butler_is_busy")
        await hass.config_entries.async_unload(entry.entry_id)


@pytest.mark.parametrize(
    ("name", "about", "message"),
    [
        ("task_started", {"entity_id": BUSY}, "is not the switch of a Butler task"),
        ("task_ended", {"entity_id": SCHEDULED}, "only sets whether a task runs"),
        ("task_ended", {"entity_id": "switch.x"}, "is not the switch of a Butler task"),
        ("butler_idle", {"entity_id": ATTIC_BACKUP}, "is a single task"),
    ],
)
async def test_a_trigger_says_what_is_wrong_with_its_target(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    name: str,
    about: dict[str, Any],
    message: str,
) -> None:
    with pytest.raises(vol.Invalid, match=message):
        await validated(hass, name, **about)

    assert await validated(
        hass, name, entity_id=BUSY if name == "butler_idle" else ATTIC_BACKUP
    )


@pytest.mark.skipif("exclude" not in cv.TARGET_FIELDS, reason="new in 2026.11")
async def test_what_a_target_excludes_is_left_out(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    cellar: SimulatedPlex,
    home: Home,
    advance: Advance,
) -> None:
    both = [home.server("Attic"), home.server("Cellar", area_id=home.area)]
    about: dict[str, Any] = {"device_id": both}
    about["exclude"] = {"entity_id": [ATTIC_BACKUP], "area_id": [home.area]}

    listed = await call(hass, "get_butler_tasks", **about)
    assert {it["name"] for it in listed} == plex.truth().keys() - {BACKUP}
    started = await call(hass, "start_task", task=[BACKUP, OPTIMIZE], **about)
    assert [(it["server"], it["name"]) for it in started] == [("Attic", OPTIMIZE)]
    cellar.client_start(OPTIMIZE)
    await call(hass, "stop_all_tasks", **about)
    assert (running(plex), running(cellar)) == (set(), {OPTIMIZE})

    calls = await automate(hass, "task_started", **about)
    await work(plex, advance)
    await work(cellar, advance)
    assert calls == []
    assert not await check(hass, "butler_is_busy", **about)
    plex.client_start(OPTIMIZE)
    await advance(5)
    assert noted(calls, "name") == [(OPTIMIZE,)]
    assert await check(hass, "task_is_running", **about)


@pytest.mark.parametrize("kind", FITTING)
async def test_the_editor_offers_what_fits_a_server_or_a_task(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    hass_ws_client: WebSocketGenerator,
    kind: str,
) -> None:
    for component in ("automation", "homeassistant"):
        await async_setup_component(hass, component, {})
    socket = await hass_ws_client(hass)
    of_tasks, of_servers = FITTING[kind]

    async def offered(**target: Any) -> set[str]:
        await socket.send_json_auto_id(
            {"type": f"get_{kind}_for_target", "target": target}
        )
        answer = await socket.receive_json()
        ours = (it for it in answer["result"] if it.startswith(f"{DOMAIN}."))
        return {it.removeprefix(f"{DOMAIN}.") for it in ours}

    assert await offered(device_id=[device_of(hass, loaded)]) == of_tasks | of_servers
    assert await offered(entity_id=[ATTIC_BACKUP]) == of_tasks
    assert await offered(entity_id=[BUSY]) == of_servers
    assert await offered(entity_id=[SCHEDULED]) == set()
