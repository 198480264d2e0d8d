"""A poll updates the listeners once for what it finds, and writes no state otherwise."""

from collections.abc import Callable
from typing import Any

from homeassistant.const import (
    EVENT_STATE_CHANGED,
    EVENT_STATE_REPORTED,
    STATE_OFF,
    STATE_ON,
    STATE_UNAVAILABLE,
)
from homeassistant.core import Event, HomeAssistant, callback
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from tests.conftest import Advance, settle
from tests.simulator import PROFILES, SimulatedPlex

BACKUP = "switch.attic_butler_back_up_database"
BACKUP_ON_SCHEDULE = "switch.attic_butler_schedule_back_up_database"
START = "select.attic_butler_maintenance_window_begins"
HOUR = 3600
SILENT = pytest.mark.parametrize(
    "profile", [PROFILES["current"].with_traits(pushes_rows=False)]
)

type Counted = list[int]


@pytest.fixture(name="rounds")
async def rounds_fixture(loaded: MockConfigEntry, advance: Advance) -> Counted:
    """Return a list that grows by one with each round of the listeners."""
    # The polls after the set-up are over.
    await advance(31)
    await advance(31)
    rounds: Counted = []
    loaded.runtime_data.async_add_listener(lambda: rounds.append(1))
    return rounds


@pytest.fixture(name="writes")
async def writes_fixture(hass: HomeAssistant, rounds: Counted) -> Counted:
    """Return a list that grows by one with each state that is written."""
    writes: Counted = []

    @callback
    def written(_: Event[Any]) -> None:
        writes.append(1)

    @callback
    def every(_: object) -> bool:
        return True

    for event in (EVENT_STATE_CHANGED, EVENT_STATE_REPORTED):
        hass.bus.async_listen(event, written, event_filter=every)
    return writes


def start_backup(plex: SimulatedPlex) -> None:
    plex.durations["BackupDatabase"] = HOUR
    plex.client_start("BackupDatabase")


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


@pytest.mark.usefixtures("all_entities_enabled")
@SILENT
@pytest.mark.parametrize(
    ("change", "entity_id", "before", "after"),
    [
        (start_backup, BACKUP, STATE_OFF, STATE_ON),
        (change_window, START, "02:00", "04:00"),
        (disable_task, BACKUP_ON_SCHEDULE, STATE_ON, STATE_OFF),
        (do_all, BACKUP, STATE_OFF, STATE_ON),
    ],
)
async def test_a_poll_that_finds_a_change_updates_the_listeners_once(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    loaded: MockConfigEntry,
    rounds: Counted,
    change: Callable[[SimulatedPlex], None],
    entity_id: str,
    before: str,
    after: str,
) -> None:
    seen: list[str] = []

    @callback
    def look() -> None:
        state = hass.states.get(entity_id)
        seen.append(state.state if state else "")

    loaded.runtime_data.async_add_listener(look)
    assert hass.states.is_state(entity_id, before)
    change(plex)
    loaded.runtime_data.async_invalidate()
    await loaded.runtime_data.async_refresh()
    await settle(hass)

    assert len(rounds) == 1
    # The entities' states are written in that round.
    assert seen == [after]


@SILENT
async def test_a_poll_that_finds_no_change_writes_no_state(
    hass: HomeAssistant, loaded: MockConfigEntry, rounds: Counted, writes: Counted
) -> None:
    loaded.runtime_data.async_invalidate()
    await loaded.runtime_data.async_refresh()
    await settle(hass)

    assert len(rounds) <= 1
    assert not writes


@SILENT
async def test_an_outage_updates_the_listeners_once_and_so_does_its_end(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    loaded: MockConfigEntry,
    rounds: Counted,
    advance: Advance,
    expected_logs: list[str],
) -> None:
    expected_logs.append("Nothing is listening at the address")
    start_backup(plex)
    await loaded.runtime_data.async_refresh()
    rounds.clear()
    await plex.stop_listening()
    await loaded.runtime_data.async_refresh()
    await settle(hass)
    assert hass.states.is_state(BACKUP, STATE_UNAVAILABLE)
    assert len(rounds) == 1

    await loaded.runtime_data.async_refresh()
    await settle(hass)
    assert len(rounds) == 1

    await plex.listen_again()
    await loaded.runtime_data.async_refresh()
    state = hass.states.get(BACKUP)
    assert state
    assert state.state != STATE_UNAVAILABLE
    assert len(rounds) == 2
