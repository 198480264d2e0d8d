"""A server whose database is locked is busy, which is not gone."""

from homeassistant.const import STATE_OFF, STATE_ON, STATE_UNAVAILABLE
import pytest

from tests.journeys.journey import Journey
from tests.simulator import PROFILES

REFRESH = "switch.attic_butler_update_all_libraries"
OPTIMIZE = "switch.attic_butler_optimize_database"
# The server is asked often while it works, and sooner than a database is locked for.
UNTRUSTED = pytest.mark.parametrize(
    "profile", [PROFILES["current"].with_traits(pushes_rows=False)]
)


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
    home: Journey, fault: str, logged: str, *, runs: bool
) -> None:
    home.expected_logs.append(logged)
    shown = STATE_ON if runs else STATE_OFF
    home.plex.durations["BackupDatabase"] = 3600
    if runs:
        home.plex.client_start("BackupDatabase")
    await home.advance(31)
    assert home.state() == shown
    home.plex.fault(fault, count=None, delay=30)
    for _ in range(20 if runs else 0):
        await home.pass_by(5)
        assert home.state() == shown
    await home.pass_by(200)
    assert home.state() == STATE_UNAVAILABLE

    home.plex.clear_faults()
    await home.pass_by(70)
    assert home.state() == shown


@pytest.mark.usefixtures("all_entities_enabled")
@UNTRUSTED
async def test_a_short_lock_is_not_in_the_log_and_ends_no_run(home: Journey) -> None:
    home.begins("OptimizeDatabase", 1800)
    await home.advance(76)
    began = home.hass.states.get(OPTIMIZE)
    assert began and began.state == STATE_ON
    for fault in ("500", "502", "504", "502"):
        home.plex.fault(fault, count=None)
        await home.advance_steps(3, 10)
        home.plex.clear_faults()
        await home.advance_steps(4, 10)

    still = home.hass.states.get(OPTIMIZE)
    assert still and still.state == STATE_ON
    assert still.last_changed == began.last_changed
    await home.advance_steps(200, 10)
    assert home.last_result == "ended"


@UNTRUSTED
async def test_a_timeout_in_an_outage_is_no_recovery(
    home: Journey, caplog: pytest.LogCaptureFixture
) -> None:
    home.expected_logs.append("starting or migrating")
    home.begins("BackupDatabase", 3600)
    await home.advance(76)
    home.plex.fault("503", count=None)
    await home.advance_steps(6, 5)
    assert home.state() == STATE_UNAVAILABLE

    home.plex.clear_faults()
    home.plex.fault("slow", count=None, delay=60)
    for _ in range(20):
        await home.pass_by(5)
        assert home.state() == STATE_UNAVAILABLE
    assert "recovered" not in caplog.text

    home.plex.clear_faults()
    await home.pass_by(70)
    assert home.state() in {STATE_ON, STATE_OFF}


@UNTRUSTED
async def test_a_server_whose_database_is_locked_is_left_in_peace(
    home: Journey,
) -> None:
    home.begins("BackupDatabase", 3600)
    await home.advance(76)
    assert home.state() == STATE_ON
    home.plex.fault("500", count=None)
    await home.advance(31)
    home.plex.requests.clear()
    await home.advance_steps(60, 1)

    assert home.state() == STATE_ON
    # Each poll begins with it.
    assert 1 <= home.asked("/identity") <= 3

    home.plex.clear_faults()
    await home.advance(31)
    assert home.state() == STATE_ON


@pytest.mark.parametrize("profile", ["silent"])
async def test_errors_of_a_server_do_not_show_that_it_was_restarted(
    home: Journey,
) -> None:
    home.expected_logs.append("answered 500")
    await home.turn_on(REFRESH)
    assert home.state(REFRESH) == STATE_ON
    home.plex.fault("500", count=None)
    home.plex.hub.drop()
    await home.advance_steps(4, 31)
    assert home.state(REFRESH) == STATE_UNAVAILABLE

    home.plex.clear_faults()
    await home.advance_steps(2, 31)
    assert home.state(REFRESH) == STATE_ON
