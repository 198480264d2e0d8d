"""The event entity tells what tasks do, and not what was so before."""

from typing import Any

from homeassistant.const import STATE_UNAVAILABLE, STATE_UNKNOWN
from homeassistant.core import Event, EventStateChangedData, HomeAssistant, callback
from homeassistant.helpers.event import async_track_state_change_event
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
)

from custom_components.plex_butler.const import DOMAIN
from tests.conftest import Advance, add_entry, settle
from tests.simulator import ManualClock, SimulatedPlex

# Also what is disabled at first
pytestmark = pytest.mark.usefixtures("all_entities_enabled")

BACKUP, OPTIMIZE = "BackupDatabase", "OptimizeDatabase"
TASK = "event.attic_butler_task"


@pytest.fixture
def told(hass: HomeAssistant) -> list[dict[str, Any]]:
    """Return what the entity told, to be filled."""
    attributes: list[dict[str, Any]] = []

    @callback
    def note(event: Event[EventStateChangedData]) -> None:
        new = event.data["new_state"]
        if new and new.state not in (STATE_UNAVAILABLE, STATE_UNKNOWN):
            attributes.append(dict(new.attributes))

    async_track_state_change_event(hass, TASK, note)
    return attributes


def parts(told: list[dict[str, Any]], *keys: str) -> list[tuple[Any, ...]]:
    return [tuple(attributes.get(key) for key in keys) for attributes in told]


async def call(hass: HomeAssistant, service: str, task: str) -> None:
    await hass.services.async_call(DOMAIN, service, {"task": task}, blocking=True)
    await settle(hass)


async def test_a_run_is_told_from_its_start_to_its_end(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    loaded: MockConfigEntry,
    advance: Advance,
    told: list[dict[str, Any]],
) -> None:
    plex.durations[BACKUP] = 60
    plex.client_start(BACKUP)
    await advance(5)
    assert parts(told, "event_type", "task", "title", "evidence", "duration") == [
        ("started", BACKUP, "Backup Database", "observed", None)
    ]

    await advance(60)
    await advance(1)
    assert plex.truth()[BACKUP] == "idle"
    (ended,) = told[1:]
    assert ended["event_type"] == "ended"
    assert (ended["task"], ended["evidence"]) == (BACKUP, "observed")
    assert ended["duration"] == pytest.approx(60, abs=5)


async def test_a_run_that_is_stopped_is_told_so(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    loaded: MockConfigEntry,
    advance: Advance,
    told: list[dict[str, Any]],
) -> None:
    await call(hass, "start_task", BACKUP)
    await advance(10)
    await call(hass, "stop_task", BACKUP)
    await advance(1)

    assert parts(told, "event_type", "evidence", "duration") == [
        ("started", "assumed", None),
        ("stopped", "assumed", 10),
    ]


async def test_two_ends_at_once_are_two_events(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    loaded: MockConfigEntry,
    advance: Advance,
    told: list[dict[str, Any]],
) -> None:
    await call(hass, "start_task", BACKUP)
    await call(hass, "start_task", OPTIMIZE)
    await hass.services.async_call(DOMAIN, "stop_all_tasks", blocking=True)
    await advance(1)

    assert parts(told, "event_type", "task")[2:] == [
        ("stopped", BACKUP),
        ("stopped", OPTIMIZE),
    ]


@pytest.mark.parametrize("profile", ["silent"])
async def test_a_run_that_is_given_up_is_not_told(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    loaded: MockConfigEntry,
    advance: Advance,
    told: list[dict[str, Any]],
) -> None:
    await call(hass, "start_task", BACKUP)
    await advance(31 * 60)

    assert parts(told, "event_type") == [("started",)]


async def test_what_was_so_at_the_start_is_not_told(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    entry: MockConfigEntry,
    advance: Advance,
    told: list[dict[str, Any]],
) -> None:
    plex.durations[BACKUP] = 60
    plex.client_start(BACKUP)
    await hass.config_entries.async_setup(entry.entry_id)
    await settle(hass)
    await advance(5)
    assert told == []
    state = hass.states.get(TASK)
    assert state
    assert state.state == STATE_UNKNOWN

    await advance(60)
    await advance(1)
    assert parts(told, "event_type", "duration") == [("ended", None)]


async def test_servers_tell_only_of_themselves(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    loaded: MockConfigEntry,
    told: list[dict[str, Any]],
) -> None:
    async with SimulatedPlex(name="Cellar", seed=7, clock=ManualClock()) as other:
        entry = add_entry(hass, other)
        await hass.config_entries.async_setup(entry.entry_id)
        await hass.services.async_call(
            DOMAIN,
            "start_task",
            {"task": BACKUP, "config_entry_id": entry.entry_id},
            blocking=True,
        )
        await settle(hass)
        assert other.truth()[BACKUP] == "running"
        assert told == []
        await hass.config_entries.async_unload(entry.entry_id)
