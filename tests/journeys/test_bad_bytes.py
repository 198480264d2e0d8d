"""A server that sends what is no UTF-8, no JSON or no text at all, for a whole night."""

from dataclasses import replace
import json
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.const import (
    ATTR_ENTITY_ID,
    EVENT_HOMEASSISTANT_FINAL_WRITE,
    EVENT_STATE_CHANGED,
    SERVICE_TURN_ON,
    STATE_OFF,
    STATE_ON,
    STATE_UNAVAILABLE,
    Platform,
)
from homeassistant.core import Event, EventStateChangedData, HomeAssistant, callback
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.json import json_bytes
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.plex_butler.const import DOMAIN
from tests.conftest import Advance, settle
from tests.downloads import download
from tests.flows import begin, submit, typed
from tests.simulator import SimulatedPlex, TaskSpec, raw
from tests.simulator.activities import Row
from tests.simulator.noise import SCAN

# Also what is disabled at first
pytestmark = pytest.mark.usefixtures("all_entities_enabled")

MINUTE, HOUR = 60, 3600
# Latin-1, a control byte as it is, another one as an escape, and half a character.
CAFE = f"Caf{raw(0xE9)}{raw(0x07)}\x1b \ud83d"
POLISH = TaskSpec(
    name="PolishBrass",
    title=f"Polir les cuivr{raw(0xE9)}s \ud83d",
    description=f"Jusqu'{raw(0xE0)} ce que{raw(0x0B)}{CAFE}",
    seconds=30 * MINUTE,
)


@pytest.fixture
def states(hass: HomeAssistant) -> dict[str, list[str]]:
    """Return which states entities go through."""
    states: dict[str, list[str]] = {}

    @callback
    def note(event: Event[EventStateChangedData]) -> None:
        if state := event.data["new_state"]:
            states.setdefault(state.entity_id, []).append(state.state)

    hass.bus.async_listen(EVENT_STATE_CHANGED, note)
    return states


def switch_of(hass: HomeAssistant, plex: SimulatedPlex, task: str) -> str:
    unique_id = f"{plex.machine_identifier}_task_{task}"
    registry = er.async_get(hass)
    found = registry.async_get_entity_id(Platform.SWITCH, DOMAIN, unique_id)
    assert found
    return found


async def saved(hass: HomeAssistant, storage: dict[str, Any], key: str) -> Any:
    """Return what Home Assistant writes at its end, as its own encoder writes it."""
    hass.bus.async_fire(EVENT_HOMEASSISTANT_FINAL_WRITE)
    await settle(hass)
    return storage[key]["data"]


async def test_a_night_with_a_bad_byte_is_like_any_other(
    hass_storage: dict[str, Any],
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    plex: SimulatedPlex,
    entry: MockConfigEntry,
    states: dict[str, list[str]],
    freezer: FrozenDateTimeFactory,
    advance: Advance,
) -> None:
    freezer.tick(9 * HOUR)
    await plex.advance(9 * HOUR)
    plex.add_task(POLISH)
    plex.noise.activity(SCAN, 10 * HOUR, title=CAFE)
    await hass.config_entries.async_setup(entry.entry_id)
    await settle(hass)
    polish = switch_of(hass, plex, "PolishBrass")
    name = er.async_get(hass).async_get(polish)
    assert name
    assert name.original_name == "Polir les cuivr\ufffds \ufffd"

    # From nine in the evening to seven in the morning; the window is from two to five.
    for _ in range(10 * HOUR // (6 * MINUTE)):
        plex.noise.activity(SCAN, 5 * MINUTE, title=CAFE)
        for _ in range(3):
            await advance(2 * MINUTE)

    assert plex.hub.connected == 1
    assert not [it for it, seen in states.items() if STATE_UNAVAILABLE in seen]
    assert states[polish] == [STATE_OFF, STATE_ON, STATE_OFF]
    backup = switch_of(hass, plex, "BackupDatabase")
    assert states[backup] == [STATE_OFF, STATE_ON, STATE_OFF]

    registry = await saved(hass, hass_storage, "core.entity_registry")
    assert polish in {it["entity_id"] for it in registry["entities"]}
    await saved(hass, hass_storage, f"{DOMAIN}.{entry.entry_id}")
    diagnostics = json.loads(await download(hass, hass_client, entry))["data"]
    tasks = {it["name"]: it["title"] for it in diagnostics["tasks"]}
    assert tasks["PolishBrass"] == name.original_name

    # Its switch still starts it, under the name that it has at the server.
    await hass.services.async_call(
        Platform.SWITCH, SERVICE_TURN_ON, {ATTR_ENTITY_ID: polish}, blocking=True
    )
    assert plex.truth()["PolishBrass"] == "running"


async def test_a_server_whose_name_is_no_text_can_be_added_and_saved(
    hass_storage: dict[str, Any],
    hass: HomeAssistant,
    plex: SimulatedPlex,
    freezer: FrozenDateTimeFactory,
) -> None:
    plex.name = f"Grenier {raw(0xE9)} \ud83d"
    result = await submit(hass, await begin(hass), typed(plex))
    await settle(hass)

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
    hass: HomeAssistant,
    plex: SimulatedPlex,
    entry: MockConfigEntry,
    name: str,
    is_listed: bool,  # noqa: FBT001 pytest hands it over by name
) -> None:
    plex.add_task(TaskSpec(name=name, title="Polish Brass", description=""))
    await hass.config_entries.async_setup(entry.entry_id)
    await settle(hass)
    switch = "switch.attic_butler_polish_brass"
    assert hass.states.is_state(switch, STATE_OFF) is is_listed
    if not is_listed:
        assert hass.states.is_state("switch.attic_butler_back_up_database", STATE_OFF)
        return

    await hass.services.async_call(
        Platform.SWITCH, SERVICE_TURN_ON, {ATTR_ENTITY_ID: switch}, blocking=True
    )

    assert plex.truth()[name] == "running"


async def test_a_title_without_end_is_cut(
    hass_storage: dict[str, Any],
    hass: HomeAssistant,
    plex: SimulatedPlex,
    entry: MockConfigEntry,
    advance: Advance,
) -> None:
    endless = "Polish all of the brass and then begin anew. " * 10_000
    plex.add_task(replace(POLISH, title=endless, description=endless))
    await hass.config_entries.async_setup(entry.entry_id)
    await settle(hass)
    polish = switch_of(hass, plex, "PolishBrass")
    plex.client_start("PolishBrass")
    await advance(1)

    state = hass.states.get(polish)
    assert state
    assert state.state == STATE_ON
    assert len(state.name) < 300
    registry = await saved(hass, hass_storage, "core.entity_registry")
    assert polish in {it["entity_id"] for it in registry["entities"]}


@pytest.mark.parametrize(
    "beyond", [int(1e30), 10**400, 1e308, float("nan"), -7, True, "1e30", "9" * 400]
)
async def test_a_number_beyond_reason_spoils_only_itself(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    entry: MockConfigEntry,
    beyond: Any,
) -> None:
    plex.add_task(replace(POLISH, interval=beyond))
    row = Row(uuid="a-row", type="butler", title="Backup Database", progress=beyond)
    plex.state.board.begin(row)
    await hass.config_entries.async_setup(entry.entry_id)
    await settle(hass)

    assert hass.states.is_state("switch.attic_butler_back_up_database", STATE_ON)
    running = hass.states.get("sensor.attic_butler_current_task")
    assert running
    (attribute,) = running.attributes["tasks"]
    assert attribute["progress"] is None
    answer = await hass.services.async_call(
        DOMAIN, "get_butler_tasks", {}, blocking=True, return_response=True
    )
    assert answer
    tasks: Any = answer["tasks"]
    assert {it["name"]: it["interval"] for it in tasks}["PolishBrass"] is None
    # The page gets both in the encoding that knows no such numbers.
    assert json_bytes([answer, running.as_dict()])
