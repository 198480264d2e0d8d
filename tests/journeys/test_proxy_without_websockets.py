"""A proxy in front of the server that lets no WebSocket through, for a day."""

import logging
from typing import Any

from homeassistant.const import EVENT_STATE_CHANGED, STATE_OFF, STATE_ON
from homeassistant.core import Event, EventStateChangedData, HomeAssistant, callback
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.plex_butler.const import DOMAIN
from tests.conftest import Advance
from tests.simulator import SimulatedPlex

BACKUP = "switch.attic_butler_back_up_database"
ANALYSIS = "switch.attic_butler_perform_extensive_media_analysis"
WEBSOCKETS = "/:/websockets"
MINUTE, HOUR = 60, 3600


async def task(hass: HomeAssistant, name: str) -> dict[str, Any]:
    """Return what is known of a task."""
    answer = await hass.services.async_call(
        DOMAIN, "get_butler_tasks", {}, blocking=True, return_response=True
    )
    assert answer
    tasks: Any = answer["tasks"]
    return next(it for it in tasks if it["name"] == name)


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return what the integration says above debug."""
    return [
        f"{record.levelname} {record.getMessage()}"
        for record in caplog.records
        if record.name.startswith("custom_components.plex_butler")
        and record.levelno >= logging.INFO
    ]


@pytest.mark.parametrize(
    ("fault", "hours"),
    [
        pytest.param("502", 24, marks=pytest.mark.slow),
        ("503", 3),
        ("404", 3),
        ("403", 3),
        ("refuse", 3),
        ("frame-cut", 3),
    ],
)
async def test_a_proxy_without_websockets_costs_time_and_nothing_else(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    loaded: MockConfigEntry,
    advance: Advance,
    caplog: pytest.LogCaptureFixture,
    expected_logs: list[str],
    fault: str,
    hours: int,
) -> None:
    expected_logs.append("no notifications, so changes show later")
    states: list[str] = []

    @callback
    def note(event: Event[EventStateChangedData]) -> None:
        if event.data["entity_id"] == ANALYSIS and event.data["new_state"]:
            states.append(event.data["new_state"].state)

    hass.bus.async_listen(EVENT_STATE_CHANGED, note)
    await advance(31)
    plex.durations["DeepMediaAnalysis"] = (hours - 1) * HOUR
    plex.client_start("DeepMediaAnalysis")
    await advance(1)
    began = (await task(hass, "DeepMediaAnalysis"))["since"]
    assert began
    caplog.clear()

    plex.fault(fault, path=WEBSOCKETS, count=None)
    plex.hub.drop()
    plex.requests.clear()
    while plex.truth()["DeepMediaAnalysis"] == "running":
        assert (await task(hass, "DeepMediaAnalysis"))["since"] == began
        await advance(2 * MINUTE)
    for _ in range(20):
        await advance(MINUTE)

    assert states == [STATE_ON, STATE_OFF]
    last = (await task(hass, "DeepMediaAnalysis"))["last_run"]
    assert last["started_at"] == began
    # The frame that says how it ended may be the one with which the stream breaks, and
    # then the server may have been restarted.
    assert last["result"] in {"ended", "lost" if fault == "frame-cut" else "ended"}
    # Polls find what begins, too.
    plex.durations["BackupDatabase"] = HOUR
    plex.client_start("BackupDatabase")
    await advance(33)
    assert hass.states.is_state(BACKUP, STATE_ON)
    (line,) = said(caplog)
    assert line.startswith("WARNING")

    plex.clear_faults()
    for _ in range(17):
        await advance(MINUTE)
    assert [line.split()[0] for line in said(caplog)] == ["WARNING", "INFO"]
    plex.requests.clear()
    plex.client_stop("BackupDatabase")
    await advance(0.5)
    assert hass.states.is_state(BACKUP, STATE_OFF)
    assert not plex.requests
