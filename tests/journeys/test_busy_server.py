"""A server whose database is locked is busy, which is not gone."""

import asyncio

from freezegun.api import FrozenDateTimeFactory
from homeassistant.const import STATE_OFF, STATE_ON, STATE_UNAVAILABLE
from homeassistant.core import HomeAssistant
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from tests.conftest import Advance
from tests.simulator import PROFILES, SimulatedPlex

BACKUP = "switch.attic_butler_back_up_database"
# The server is asked often while it works, and sooner than a database is locked for.
UNTRUSTED = PROFILES["current"].with_traits(pushes_rows=False)


def state(hass: HomeAssistant) -> str | None:
    found = hass.states.get(BACKUP)
    return found.state if found else None


async def pass_by(
    hass: HomeAssistant,
    freezer: FrozenDateTimeFactory,
    plex: SimulatedPlex,
    seconds: float,
) -> None:
    """Let time pass without waiting for answers that need it to pass themselves."""
    for step in (*[5] * int(seconds // 5), seconds % 5):
        freezer.tick(step)
        await plex.advance(step)
        for _ in range(50):
            await asyncio.sleep(0)


@pytest.mark.parametrize("runs", [True, False])
@pytest.mark.parametrize(
    ("fault", "logged"),
    [
        ("500", "answered 500"),
        ("502", "answered 502"),
        ("504", "answered 504"),
        ("slow", "did not answer in time"),
    ],
)
async def test_a_locked_database_is_believed_for_two_minutes_of_a_task_that_locks_it(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    loaded: MockConfigEntry,
    advance: Advance,
    freezer: FrozenDateTimeFactory,
    expected_logs: list[str],
    fault: str,
    logged: str,
    *,
    runs: bool,
) -> None:
    expected_logs.append(logged)
    shown = STATE_ON if runs else STATE_OFF
    plex.durations["BackupDatabase"] = 3600
    if runs:
        plex.client_start("BackupDatabase")
    await advance(31)
    assert state(hass) == shown
    plex.fault(fault, count=None, delay=30)
    for _ in range(20 if runs else 0):
        await pass_by(hass, freezer, plex, 5)
        assert state(hass) == shown
    await pass_by(hass, freezer, plex, 200)
    assert state(hass) == STATE_UNAVAILABLE

    plex.clear_faults()
    await pass_by(hass, freezer, plex, 70)
    assert state(hass) == shown


@pytest.mark.usefixtures("all_entities_enabled")
@pytest.mark.parametrize("profile", [UNTRUSTED])
async def test_a_short_lock_of_the_database_is_not_in_the_log_and_ends_no_run(
    hass: HomeAssistant, plex: SimulatedPlex, loaded: MockConfigEntry, advance: Advance
) -> None:
    plex.durations["OptimizeDatabase"] = 1800
    plex.client_start("OptimizeDatabase")
    await advance(76)
    optimize = "switch.attic_butler_optimize_database"
    began = hass.states.get(optimize)
    assert began and began.state == STATE_ON
    for fault in ("500", "502", "504", "502"):
        plex.fault(fault, count=None)
        for _ in range(3):
            await advance(10)
        plex.clear_faults()
        for _ in range(4):
            await advance(10)

    still = hass.states.get(optimize)
    assert still and still.state == STATE_ON
    assert still.last_changed == began.last_changed
    for _ in range(200):
        await advance(10)
    event = hass.states.get("event.attic_butler_task")
    assert event and event.attributes["event_type"] == "ended"


@pytest.mark.parametrize("profile", [UNTRUSTED])
async def test_a_timeout_in_an_outage_is_no_recovery(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    loaded: MockConfigEntry,
    advance: Advance,
    freezer: FrozenDateTimeFactory,
    expected_logs: list[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    expected_logs.append("starting or migrating")
    plex.durations["BackupDatabase"] = 3600
    plex.client_start("BackupDatabase")
    await advance(76)
    plex.fault("503", count=None)
    for _ in range(6):
        await advance(5)
    assert state(hass) == STATE_UNAVAILABLE

    plex.clear_faults()
    plex.fault("slow", count=None, delay=60)
    for _ in range(20):
        await pass_by(hass, freezer, plex, 5)
        assert state(hass) == STATE_UNAVAILABLE
    assert "recovered" not in caplog.text

    plex.clear_faults()
    await pass_by(hass, freezer, plex, 70)
    assert state(hass) in {STATE_ON, STATE_OFF}
