"""A proxy in front of the server that lets no WebSocket through, for a day."""

from homeassistant.const import STATE_OFF, STATE_ON
import pytest

from tests.journeys.journey import HOUR, MINUTE, Journey, said

pytestmark = pytest.mark.thorough

TASK = "DeepMediaAnalysis"
ANALYSIS = "switch.attic_butler_perform_extensive_media_analysis"


@pytest.mark.parametrize(
    ("fault", "hours"),
    [
        pytest.param("502", 24, marks=pytest.mark.slow),
        *((it, 3) for it in ("503", "404", "403", "401", "ignore", "refuse")),
        ("frame-cut", 3),
    ],
)
async def test_a_proxy_without_websockets_costs_time_and_nothing_else(
    home: Journey, caplog: pytest.LogCaptureFixture, fault: str, hours: int
) -> None:
    home.expected_logs.append("no notifications, so changes show later")
    plex, states = home.plex, home.written(ANALYSIS)
    await home.advance(31)
    home.begins(TASK, (hours - 1) * HOUR)
    await home.advance(1)
    began = (await home.tasks())[TASK]["since"]
    assert began
    caplog.clear()

    plex.fault(fault, path="/:/websockets", count=None)
    plex.hub.drop()
    plex.requests.clear()
    while plex.truth()[TASK] == "running":
        assert (await home.tasks())[TASK]["since"] == began
        await home.advance(2 * MINUTE)
    await home.pass_minutes(20)

    assert [state.state for state in states] == [STATE_ON, STATE_OFF]
    last = (await home.tasks())[TASK]["last_run"]
    assert last["started_at"] == began
    # The frame that says how it ended may be the one with which the stream breaks, and
    # then the server may have been restarted.
    assert last["result"] in {"ended", "lost" if fault == "frame-cut" else "ended"}
    # Polls find what begins, too.
    home.begins("BackupDatabase", HOUR)
    await home.advance(33)
    assert home.state() == STATE_ON
    (line,) = said(caplog)
    assert line.startswith("WARNING")

    plex.clear_faults()
    await home.pass_minutes(17)
    assert [line.split()[0] for line in said(caplog)] == ["WARNING", "INFO"]
    plex.requests.clear()
    plex.client_stop("BackupDatabase")
    await home.advance(0.5)
    assert home.state() == STATE_OFF
    assert not plex.requests
