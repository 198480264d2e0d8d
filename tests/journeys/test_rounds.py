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
from homeassistant.core import Event, callback
import pytest

from tests.conftest import BACKUP_SWITCH, settle
from tests.journeys.journey import HOUR, NOTHING_LISTENS, Journey
from tests.simulator import PROFILES, SimulatedPlex

ON_SCHEDULE = "switch.attic_butler_schedule_back_up_database"
START = "select.attic_butler_maintenance_window_begins"

pytestmark = pytest.mark.parametrize(
    "profile", [PROFILES["current"].with_traits(pushes_rows=False)]
)


@pytest.fixture
async def rounds(home: Journey) -> list[int]:
    """Return a list that grows by one with each round of the listeners."""
    # The polls after the set-up are over.
    await home.advance_steps(2, 31)
    rounds: list[int] = []
    home.entry.runtime_data.async_add_listener(lambda: rounds.append(1))
    return rounds


async def poll(home: Journey, *, anew: bool = False) -> None:
    """Poll, and read again also what is read seldom."""
    if anew:
        home.entry.runtime_data.async_invalidate()
    await home.entry.runtime_data.async_refresh()
    await settle(home.hass)


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
@pytest.mark.parametrize(
    ("change", "entity_id", "before", "after"),
    [
        (start_backup, BACKUP_SWITCH, STATE_OFF, STATE_ON),
        (change_window, START, "02:00", "04:00"),
        (disable_task, ON_SCHEDULE, STATE_ON, STATE_OFF),
        (do_all, BACKUP_SWITCH, STATE_OFF, STATE_ON),
    ],
)
async def test_a_poll_that_finds_a_change_updates_the_listeners_once(
    home: Journey,
    rounds: list[int],
    change: Callable[[SimulatedPlex], None],
    entity_id: str,
    before: str,
    after: str,
) -> None:
    seen: list[str | None] = []
    home.entry.runtime_data.async_add_listener(
        lambda: seen.append(home.state(entity_id))
    )
    assert home.state(entity_id) == before
    change(home.plex)
    await poll(home, anew=True)

    assert len(rounds) == 1
    # The entities' states are written in that round.
    assert seen == [after]


async def test_a_poll_that_finds_no_change_writes_no_state(
    home: Journey, rounds: list[int]
) -> None:
    writes: list[Event[Any]] = []

    @callback
    def note(event: Event[Any]) -> None:
        writes.append(event)

    @callback
    def every(_: object) -> bool:
        return True

    for event in (EVENT_STATE_CHANGED, EVENT_STATE_REPORTED):
        home.hass.bus.async_listen(event, note, event_filter=every)
    await poll(home, anew=True)

    assert len(rounds) <= 1
    assert not writes


async def test_an_outage_updates_the_listeners_once_and_so_does_its_end(
    home: Journey, rounds: list[int]
) -> None:
    home.expected_logs.append(NOTHING_LISTENS)
    start_backup(home.plex)
    await poll(home)
    rounds.clear()
    await home.plex.stop_listening()
    for _ in range(2):
        await poll(home)
        assert home.state() == STATE_UNAVAILABLE
        assert len(rounds) == 1

    await home.plex.listen_again()
    await home.entry.runtime_data.async_refresh()
    assert home.state() in {STATE_ON, STATE_OFF}
    assert len(rounds) == 2
