"""A record of a server is played to Home Assistant as if it was the server."""

import asyncio
import json
from typing import Any, cast

from aiohttp import ClientSession
from homeassistant.const import CONF_TOKEN, CONF_URL, CONF_VERIFY_SSL
from homeassistant.core import Event, EventStateChangedData, HomeAssistant, callback
from homeassistant.helpers.event import async_track_state_change_event
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.plex_butler.const import DOMAIN
from tests.conftest import settle, until
from tests.downloads import download
from tests.simulator import PROFILES, ReplayedPlex, SimulatedPlex, WallClock

# Tasks that are not known are disabled at first.
pytestmark = pytest.mark.usefixtures("all_entities_enabled")

TASK = {"name": "PolishBrass", "title": "Polish Brass", "interval": 7}
ROW = {"uuid": "row", "type": "butler", "title": "Polish Brass", "progress": 10}
SWITCH = "switch.replay_butler_polish_brass"
BACKUP = "switch.replay_butler_back_up_database"


def frame(event: str) -> dict[str, object]:
    item = {"event": event, "uuid": "row", "Activity": ROW}
    return {"NotificationContainer": {"ActivityNotification": [item]}}


RECORD: dict[str, Any] = {
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


async def add(
    hass: HomeAssistant, plex: ReplayedPlex | SimulatedPlex
) -> MockConfigEntry:
    entry = MockConfigEntry(
        domain=DOMAIN,
        title="Replay",
        unique_id=plex.machine_identifier,
        data={CONF_URL: plex.url, CONF_TOKEN: plex.token, CONF_VERIFY_SSL: True},
    )
    entry.add_to_hass(hass)
    await hass.config_entries.async_setup(entry.entry_id)
    await settle(hass)
    return entry


def noted(
    hass: HomeAssistant, entity_id: str, attribute: str | None = None
) -> list[Any]:
    """Return the states, or an attribute, that an entity gets, to be filled."""
    states: list[Any] = []

    @callback
    def note(event: Event[EventStateChangedData]) -> None:
        if (new := event.data["new_state"]) and event.data["old_state"]:
            state = new.attributes.get(attribute) if attribute else new.state
            # Other attributes change as well.
            if states[-1:] != [state]:
                states.append(state)

    async_track_state_change_event(hass, entity_id, note)
    return states


async def start(hass: HomeAssistant, task: str = "BackupDatabase") -> None:
    await hass.services.async_call(DOMAIN, "start_task", {"task": task}, blocking=True)


async def are(states: list[Any], *expected: str) -> None:
    """Wait until an entity has had these states."""
    async with asyncio.timeout(5):
        await until(lambda: states == list(expected))


@pytest.mark.slow
@pytest.mark.parametrize("by_hand", [True, False])
async def test_a_recorded_task_runs_and_ends_again(
    hass: HomeAssistant, socket_enabled: None, *, by_hand: bool
) -> None:
    # What the server began itself is played to the first stream.
    record = RECORD["record"] if by_hand else RECORD["record"][1:]
    async with ReplayedPlex(RECORD | {"record": record}, token="secret") as plex:
        entry = await add(hass, plex)
        states = noted(hass, SWITCH)
        if by_hand:
            await start(hass, "PolishBrass")
        await are(states, "on", "off")

        tasks = await hass.services.async_call(
            DOMAIN, "get_butler_tasks", {}, blocking=True, return_response=True
        )
        assert tasks
        (task,) = cast("list[dict[str, Any]]", tasks["tasks"])
        assert task["last_run"]["result"] == "ended"
        await hass.config_entries.async_remove(entry.entry_id)


async def test_no_answer_shows_a_row_that_has_ended(socket_enabled: None) -> None:
    # The recorded client asked much later than the one that is played to.
    record = RECORD | {"record": RECORD["record"][:-1]}
    async with (
        ReplayedPlex(record, token="secret") as plex,
        ClientSession(plex.url, headers={"X-Plex-Token": plex.token}) as session,
        session.ws_connect("/:/websockets/notifications") as stream,
    ):

        async def shown() -> list[str]:
            async with session.get("/activities") as answer:
                rows = (await answer.json())["MediaContainer"].get("Activity", [])
                return [row["uuid"] for row in rows]

        async with session.post("/butler/PolishBrass"):
            assert not await shown()
        await stream.receive()
        assert await shown() == ["row"]
        await stream.receive()
        assert not await shown()


@pytest.mark.slow
@pytest.mark.parametrize("profile", ["session", "silent"])
async def test_downloaded_diagnostics_show_what_their_user_saw(
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    socket_enabled: None,
    profile: str,
) -> None:
    kind = PROFILES[profile].with_traits(log_tells=True)
    async with SimulatedPlex(kind, name="Replay", clock=WallClock()) as plex:
        plex.durations["BackupDatabase"] = 1
        entry = await add(hass, plex)
        seen = noted(hass, BACKUP)
        await start(hass)
        await are(seen, "on", "off")
        text = await download(hass, hass_client, entry)
        await hass.config_entries.async_remove(entry.entry_id)

    async with ReplayedPlex(json.loads(text), token="secret") as again:
        assert again.version == plex.version
        entry = await add(hass, again)
        seen = noted(hass, BACKUP)
        told = noted(hass, "event.replay_butler_task", "event_type")
        # The user's first command plays the record.
        await start(hass)
        await are(told, "started", "ended")
        assert seen == ["on", "off"]
        await hass.config_entries.async_remove(entry.entry_id)
