"""A server whose database is locked is busy, which is not gone."""

from freezegun.api import FrozenDateTimeFactory
from homeassistant.const import STATE_OFF, STATE_ON, STATE_UNAVAILABLE
from homeassistant.core import HomeAssistant
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from tests.conftest import Advance
from tests.simulator import PROFILES, SimulatedPlex
from tests.test_staying import pass_by

BACKUP = "switch.attic_butler_back_up_database"
# The server is asked often while it works, and sooner than a database is locked for.
UNTRUSTED = PROFILES["current"].with_traits(pushes_rows=False)


def state(hass: HomeAssistant) -> str | None:
    found = hass.states.get(BACKUP)
    return found.state if found else None


@pytest.mark.parametrize("profile", [UNTRUSTED])
@pytest.mark.parametrize("fault", ["500", "502", "504"])
async def test_errors_of_a_locked_database_make_nothing_unavailable_for_two_minutes(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    loaded: MockConfigEntry,
    advance: Advance,
    expected_logs: list[str],
    fault: str,
) -> None:
    expected_logs.append(f"answered {fault}")
    plex.durations["BackupDatabase"] = 3600
    plex.client_start("BackupDatabase")
    await advance(76)
    assert state(hass) == STATE_ON
    plex.fault(fault, count=None)
    for _ in range(20):
        await advance(5)
        assert state(hass) == STATE_ON
    for _ in range(20):
        await advance(5)
    assert state(hass) == STATE_UNAVAILABLE

    plex.clear_faults()
    for _ in range(8):
        await advance(5)
    assert state(hass) == STATE_ON


@pytest.mark.usefixtures("all_entities_enabled")
@pytest.mark.parametrize("profile", [UNTRUSTED])
async def test_a_short_lock_of_the_database_is_not_in_the_log_and_ends_no_run(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    loaded: MockConfigEntry,
    advance: Advance,
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


async def test_errors_while_nothing_runs_are_an_outage(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    loaded: MockConfigEntry,
    advance: Advance,
    expected_logs: list[str],
) -> None:
    expected_logs.append("answered 502")
    plex.fault("502", count=None)
    await advance(76)
    assert state(hass) == STATE_UNAVAILABLE

    plex.clear_faults()
    await advance(31)
    assert state(hass) == STATE_OFF


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
    for _ in range(14):
        await pass_by(hass, freezer, plex, 5)
    assert state(hass) in {STATE_ON, STATE_OFF}
