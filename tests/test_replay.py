"""A record of a server is played to Home Assistant as if it was the server."""

import asyncio
from collections.abc import AsyncIterator

from homeassistant.const import CONF_TOKEN, CONF_URL, CONF_VERIFY_SSL, STATE_OFF
from homeassistant.core import HomeAssistant
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.plex_butler.const import DOMAIN
from tests.conftest import settle, until
from tests.simulator.replay import ReplayedPlex

TASK = {"name": "PolishBrass", "title": "Polish Brass", "interval": 7}
ROW = {"uuid": "row", "type": "butler", "title": "Polish Brass", "progress": 10}
SWITCH = "switch.replay_butler_polish_brass"


def frame(event: str) -> dict[str, object]:
    item = {"event": event, "uuid": "row", "Activity": ROW}
    return {"NotificationContainer": {"ActivityNotification": [item]}}


RECORD = {
    "version": "1.2.3",
    "answers": {
        "/butler": {"ButlerTasks": {"ButlerTask": [TASK]}},
        "/activities": {"MediaContainer": {"size": 0}},
    },
    "record": [
        {"at": 1.0, "start": "started"},
        {"at": 1.1, "frame": frame("started")},
        {"at": 1.2, "activities": {"MediaContainer": {"Activity": [ROW]}}},
        {"at": 1.5, "frame": frame("ended")},
        {"at": 1.6, "activities": {"MediaContainer": {"size": 0}}},
    ],
}


@pytest.fixture
async def replayed(socket_enabled: None) -> AsyncIterator[ReplayedPlex]:
    async with ReplayedPlex(RECORD, token="secret") as plex:
        yield plex


@pytest.mark.slow
async def test_a_recorded_task_runs_and_ends_again(
    hass: HomeAssistant, replayed: ReplayedPlex
) -> None:
    entry = MockConfigEntry(
        domain=DOMAIN,
        title="Replay",
        unique_id=replayed.machine_identifier,
        data={
            CONF_URL: replayed.url,
            CONF_TOKEN: replayed.token,
            CONF_VERIFY_SSL: True,
        },
    )
    entry.add_to_hass(hass)
    await hass.config_entries.async_setup(entry.entry_id)
    await settle(hass)

    await hass.services.async_call(
        DOMAIN, "start_task", {"task": "PolishBrass"}, blocking=True
    )
    tracker = entry.runtime_data.tracker
    async with asyncio.timeout(5):
        await until(lambda: tracker.view.tasks["PolishBrass"].last is not None)
        # Entities show news at most so often.
        await until(lambda: hass.states.is_state(SWITCH, STATE_OFF))

    last = tracker.view.tasks["PolishBrass"].last
    assert last.result == "ended"
