"""A server whose database is locked is busy, which is not gone."""

from homeassistant.const import STATE_OFF, STATE_ON, STATE_UNAVAILABLE
import pytest

from tests.conftest import BACKUP, OPTIMIZE, OPTIMIZE_SWITCH
from tests.journeys.journey import Journey
from tests.simulator import PROFILES

REFRESH = "switch.attic_butler_update_all_libraries"
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
    home.expect_log(logged)
    shown = STATE_ON if runs else STATE_OFF
    home.plex.durations[BACKUP] = 3600
    if runs:
        home.plex.client_start(BACKUP)
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
async def test_short_locks_are_not_in_the_log_end_no_run_and_leave_the_server_in_peace(
    home: Journey,
) -> None:
    home.begins(OPTIMIZE, 1800)
    await home.advance(76)
    began = home.hass.states.get(OPTIMIZE_SWITCH)
    assert began and began.state == STATE_ON
    for fault in ("500", "502", "504", "502"):
        home.plex.fault(fault, count=None)
        await home.advance(31)
        home.plex.requests.clear()
        await home.advance_steps(60, 1)
        # Each poll begins with it.
        assert 1 <= home.asked("/identity") <= 3
        home.plex.clear_faults()
        await home.advance_steps(4, 10)

    still = home.hass.states.get(OPTIMIZE_SWITCH)
    assert still and still.state == STATE_ON
    assert still.last_changed == began.last_changed
    await home.advance_steps(200, 10)
    assert home.last_result == "ended"


@UNTRUSTED
async def test_a_timeout_in_an_outage_is_no_recovery(home: Journey) -> None:
    home.expect_log("starting or migrating")
    home.begins(BACKUP, 3600)
    await home.advance(76)
    home.plex.fault("503", count=None)
    await home.advance_steps(6, 5)
    assert home.state() == STATE_UNAVAILABLE

    home.plex.clear_faults()
    home.plex.fault("slow", count=None, delay=60)
    for _ in range(20):
        await home.pass_by(5)
        assert home.state() == STATE_UNAVAILABLE
    assert not [line for line in home.said if "recovered" in line]

    home.plex.clear_faults()
    await home.pass_by(70)
    assert home.state() in {STATE_ON, STATE_OFF}


@pytest.mark.parametrize("profile", ["silent"])
async def test_errors_of_a_server_do_not_show_that_it_was_restarted(
    home: Journey,
) -> None:
    home.expect_log("answered 500")
    await home.turn_on(REFRESH)
    assert home.state(REFRESH) == STATE_ON
    home.plex.fault("500", count=None)
    home.plex.hub.drop()
    await home.advance_steps(4, 31)
    assert home.state(REFRESH) == STATE_UNAVAILABLE

    home.plex.clear_faults()
    await home.advance_steps(2, 31)
    assert home.state(REFRESH) == STATE_ON
