"""A server that sends what is no UTF-8, no JSON or no text at all, for a whole night."""

import json
from typing import Any

from homeassistant.const import (
    EVENT_HOMEASSISTANT_FINAL_WRITE,
    EVENT_STATE_CHANGED,
    STATE_OFF,
    STATE_ON,
    STATE_UNAVAILABLE,
    Platform,
)
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
import pytest
from pytest_homeassistant_custom_component.common import async_capture_events
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.plex_butler.const import DOMAIN
from tests.conftest import BACKUP_SWITCH, settle
from tests.downloads import download
from tests.flows import begin, submit, typed
from tests.journeys.journey import HOUR, MINUTE, Journey
from tests.simulator import SCAN, SimulatedPlex, TaskSpec, raw

# Also what is disabled at first
pytestmark = pytest.mark.usefixtures("all_entities_enabled")

# Latin-1, a control byte as it is, another one as an escape, and half a character.
CAFE = f"Caf{raw(0xE9)}{raw(0x07)}\x1b \ud83d"
POLISH = TaskSpec(
    name="PolishBrass",
    title=f"Polir les cuivr{raw(0xE9)}s \ud83d",
    description=f"Jusqu'{raw(0xE0)} ce que{raw(0x0B)}{CAFE}",
    seconds=30 * MINUTE,
)


async def saved(hass: HomeAssistant, storage: dict[str, Any], key: str) -> Any:
    """Return what Home Assistant writes at its end, as its own encoder writes it."""
    hass.bus.async_fire(EVENT_HOMEASSISTANT_FINAL_WRITE)
    await settle(hass)
    return storage[key]["data"]


async def test_a_night_with_a_bad_byte_is_like_any_other(
    hass_storage: dict[str, Any], new_home: Journey, hass_client: ClientSessionGenerator
) -> None:
    home, plex = new_home, new_home.plex
    events = async_capture_events(home.hass, EVENT_STATE_CHANGED)
    home.freezer.tick(9 * HOUR)
    await plex.advance(9 * HOUR)
    plex.add_task(POLISH)
    plex.noise.activity(SCAN, 10 * HOUR, title=CAFE)
    await home.set_up()
    unique_id = f"{plex.machine_identifier}_task_{POLISH.name}"
    registry = er.async_get(home.hass)
    polish = registry.async_get_entity_id(Platform.SWITCH, DOMAIN, unique_id)
    assert polish
    name = registry.async_get(polish)
    assert name
    assert name.original_name == "Polir les cuivr\ufffds \ufffd"

    # From nine in the evening to seven in the morning; the window is from two to five.
    for _ in range(10 * HOUR // (6 * MINUTE)):
        plex.noise.activity(SCAN, 5 * MINUTE, title=CAFE)
        await home.advance_steps(3, 2 * MINUTE)

    assert plex.hub.connected == 1
    states = [it.data["new_state"] for it in events if it.data["new_state"]]
    assert not [it for it in states if it.state == STATE_UNAVAILABLE]
    for switch in (polish, BACKUP_SWITCH):
        shown = [it.state for it in states if it.entity_id == switch]
        assert shown == [STATE_OFF, STATE_ON, STATE_OFF]

    stored = await saved(home.hass, hass_storage, "core.entity_registry")
    assert polish in {it["entity_id"] for it in stored["entities"]}
    await saved(home.hass, hass_storage, f"{DOMAIN}.{home.entry.entry_id}")
    report = json.loads(await download(home.hass, hass_client, home.entry))["data"]
    tasks = {it["name"]: it["title"] for it in report["tasks"]}
    assert tasks["PolishBrass"] == name.original_name

    # Its switch still starts it, under the name that it has at the server.
    await home.turn_on(polish)
    assert plex.truth()["PolishBrass"] == "running"


async def test_a_server_whose_name_is_no_text_can_be_added_and_saved(
    hass_storage: dict[str, Any], hass: HomeAssistant, plex: SimulatedPlex
) -> None:
    plex.name = f"Grenier {raw(0xE9)} \ud83d"
    result = await submit(hass, await begin(hass), typed(plex))

    assert result["title"] == "Grenier \ufffd \ufffd"
    entries = await saved(hass, hass_storage, "core.config_entries")
    assert [it["title"] for it in entries["entries"]] == [result["title"]]
    devices = await saved(hass, hass_storage, "core.device_registry")
    assert [it["name"] for it in devices["devices"]] == [f"{result['title']} Butler"]


@pytest.mark.parametrize(
    ("name", "is_listed"),
    [
        ("Polish/Brass?fast#1", True),
        ("Cuivres polis à fond", True),
        ("PolishBrass" * 20, True),
        # A request could not name these, or would name something else.
        ("Polish\ud83d", False),
        (f"Polish{raw(0xE9)}", False),
        ("PolishBrass" * 30, False),
        (".", False),
        ("..", False),
    ],
)
async def test_a_task_is_listed_if_requests_can_name_it(
    new_home: Journey, name: str, *, is_listed: bool
) -> None:
    home = new_home
    home.plex.add_task(TaskSpec(name=name, title="Polish Brass", description=""))
    await home.set_up()
    assert home.state() == STATE_OFF
    switch = "switch.attic_butler_polish_brass"
    assert home.state(switch) == (STATE_OFF if is_listed else None)
    if is_listed:
        await home.turn_on(switch)
        assert home.plex.truth()[name] == "running"
