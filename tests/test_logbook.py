"""Activity says which task did what, in one line beside that of the task's switch."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
import logging
from typing import Any

from homeassistant.auth.models import User
from homeassistant.components.recorder import get_instance
from homeassistant.helpers import entity_registry as er
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import (
    async_capture_events,
    mock_component,
)

from custom_components.plex_butler.const import DOMAIN
from tests.conftest import BACKUP, BACKUP_SWITCH, OPTIMIZE, Home
from tests.simulator import SimulatedPlex

STARTED, ENDED = "Back up database started", "Back up database ended after 30 s"


@pytest.fixture
async def mock_recorder_before_hass(async_test_recorder: object) -> None:
    """Have a recorder, which must be there before Home Assistant."""
    # The plugin has every statement logged
    for name in ("sqlalchemy.engine", "homeassistant.components.recorder"):
        logging.getLogger(name).setLevel(logging.WARNING)


@pytest.fixture
def plex(recorder_mock: object, plex: SimulatedPlex) -> SimulatedPlex:
    """Return the server; the recorder is there before its entities are."""
    return plex


@dataclass
class Watched(Home):
    """A home whose Activity is read as the frontend reads it."""

    connect: Any
    user: User
    since: datetime

    def begin(self) -> None:
        """Leave out what was so far."""
        self.since = dt_util.utcnow()

    async def lines(self, **filters: list[str]) -> list[dict[str, Any]]:
        """Return the lines, oldest first, of all or of some entities or devices."""
        await get_instance(self.hass).async_block_till_done()
        # Neither a connection nor a token outlives the time that tests move
        (refresh_token,) = self.user.refresh_tokens.values()
        token = self.hass.auth.async_create_access_token(refresh_token)
        client = await self.connect(self.hass, token)
        end = dt_util.utcnow() + timedelta(seconds=1)
        hours = {"start_time": self.since.isoformat(), "end_time": end.isoformat()}
        question = {"type": "logbook/get_events", **hours, **filters}
        await client.send_json_auto_id(question)
        answer = await client.receive_json()
        await client.close()
        assert answer["success"], answer
        lines: list[dict[str, Any]] = answer["result"]
        # In a time that stands still, states come before what is said of them
        return sorted(lines, key=lambda line: (line["when"], "message" in line))

    async def told(self, **filters: list[str]) -> list[str]:
        """Return the lines that are no states."""
        return own(await self.lines(**filters))

    async def entities(self) -> Counter[str]:
        """Return how many lines each entity has."""
        return Counter(line["entity_id"] for line in await self.lines())


@pytest.fixture
async def home(
    home: Home, hass_ws_client: Any, hass_access_token: str, hass_admin_user: User
) -> Watched:
    # Its pages are not installed for tests, and the logbook works without them
    mock_component(home.hass, "frontend")
    assert await async_setup_component(home.hass, "logbook", {})
    await home.hass.async_block_till_done()
    return Watched(
        **vars(home),
        connect=hass_ws_client,
        user=hass_admin_user,
        since=dt_util.utcnow(),
    )


async def run(home: Home, task: str = BACKUP, seconds: float = 30) -> None:
    """Have a task run and end, some time after what was before."""
    await home.advance(1)
    await home.run(task, seconds)


def own(lines: list[dict[str, Any]]) -> list[str]:
    """Return the lines that are no states."""
    return [f"{it['name']} {it['message']}" for it in lines if "message" in it]


async def test_a_run_has_two_lines_at_its_start_and_two_at_its_end(
    home: Watched,
) -> None:
    await run(home)
    lines = await home.lines(entity_ids=[BACKUP_SWITCH])
    said = [line.get("message") or line["state"] for line in lines]
    assert said == ["on", "started", "off", "ended after 30 s"]
    lines = await home.lines(device_ids=[home.device])
    assert own(lines) == [STARTED, ENDED]
    origins = {(line["entity_id"], line["domain"]) for line in lines}
    assert origins == {(BACKUP_SWITCH, DOMAIN)}

    await run(home, OPTIMIZE, 200)
    home.plex.durations[BACKUP] = 9999
    for turn in (home.turn_on, home.turn_off):
        await home.advance(1)
        await turn()
        await home.advance_steps(10, 31)
    assert await home.told() == [
        *(STARTED, ENDED),
        "Optimize database started",
        "Optimize database ended after 3 min",
        *(STARTED, "Back up database stopped after 5 min"),
    ]


async def test_a_page_that_is_open_follows(home: Watched, hass_ws_client: Any) -> None:
    client = await hass_ws_client(home.hass)
    about = {"start_time": dt_util.utcnow().isoformat(), "device_ids": [home.device]}
    await client.send_json_auto_id({"type": "logbook/event_stream", **about})
    await home.lines()
    assert (await client.receive_json())["success"]
    await run(home)
    told: list[str] = []
    while len(told) < 2:
        answer = await client.receive_json()
        told += own(answer["event"]["events"])

    assert told == [STARTED, ENDED]


async def test_a_task_whose_switch_is_disabled_or_gone_is_told_of_all_the_same(
    home: Watched,
) -> None:
    registry = er.async_get(home.hass)
    by_user = er.RegistryEntryDisabler.USER
    registry.async_update_entity(BACKUP_SWITCH, disabled_by=by_user)
    await home.hass.async_block_till_done()
    await run(home)
    assert await home.told(entity_ids=[BACKUP_SWITCH]) == [STARTED, ENDED]

    home.begin()
    registry.async_remove(BACKUP_SWITCH)
    await run(home)
    lines = await home.lines(device_ids=[home.device])
    assert own(lines) == [STARTED, ENDED]
    assert [line.get("entity_id") for line in lines] == [None, None]


async def test_the_bus_event_tells_what_is_known(home: Home) -> None:
    events = async_capture_events(home.hass, "plex_butler_task_event")
    await run(home)

    started, ended = (event.data for event in events)
    assert started == {
        "type": "started",
        "device_id": home.device,
        "entity_id": BACKUP_SWITCH,
        "name": BACKUP,
        "task": "Back up database",
        "evidence": "assumed",
        "started_at": started["started_at"],
    }
    assert ended == started | {
        "type": "ended",
        "evidence": "observed",
        "ended_at": started["started_at"] + timedelta(seconds=30),
        "duration": 30,
    }


@pytest.mark.usefixtures("all_entities_enabled")
@pytest.mark.parametrize("fault", ["503", "refuse", "401"])
async def test_an_outage_writes_one_line_for_each_entity_and_one_when_it_ends(
    home: Watched, fault: str
) -> None:
    home.expect_log("Error fetching Attic Butler data")
    await run(home)
    # One of these ends in the outage, and one goes on
    home.begins(BACKUP, 100)
    await home.others_start(OPTIMIZE, lasts=10000, wait=31)
    home.begin()

    home.plex.fault(fault, count=None)
    home.plex.hub.drop()
    await home.advance_steps(10, 31)
    went = await home.entities()
    assert set(went.values()) == {1}
    assert not [it for it in went if it.startswith("event.")]

    home.begin()
    home.plex.clear_faults()
    await home.advance_steps(10, 31)
    assert await home.entities() == went


@pytest.mark.usefixtures("all_entities_enabled")
@pytest.mark.parametrize("away", [False, True])
async def test_a_reload_writes_two_lines_for_each_entity_and_a_start_none(
    home: Watched, *, away: bool
) -> None:
    await run(home)
    await home.others_start(OPTIMIZE, lasts=10000, wait=31)
    home.begin()

    await home.advance(1)
    await home.unload()
    went = await home.entities()
    assert set(went.values()) == {1}

    home.begin()
    await home.advance(1)
    if away:
        home.plex.fault("503", count=None)
    await home.set_up()
    await home.advance_steps(4, 31)
    home.plex.clear_faults()
    await home.advance_steps(10, 31)
    assert await home.entities() == went

    # At a start of Home Assistant, the states of before are gone with the process.
    await home.unload()
    for state in home.hass.states.async_all():
        home.hass.states.async_remove(state.entity_id)
    await home.settle()
    home.begin()
    await home.advance(1)
    await home.set_up()
    await home.advance(31)
    assert await home.lines() == []
