"""A server that was updated lists little at first: what people named stays theirs."""

from homeassistant.const import STATE_OFF, STATE_ON, STATE_UNAVAILABLE
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from tests.conftest import Advance, settle
from tests.simulator import SimulatedPlex
from tests.simulator.preferences import Setting
from tests.simulator.task_spec import TaskSpec

# Also what is disabled at first
pytestmark = pytest.mark.usefixtures("all_entities_enabled")

HOUR = 3600
TASK, SETTING = "BackupDatabase", "ButlerTaskBackupDatabase"
SWITCH = "switch.attic_butler_back_up_database"
SCHEDULE = "switch.attic_butler_schedule_back_up_database"
OTHER = "switch.attic_butler_optimize_database"
NAMED = {SWITCH: "Save the shelves", SCHEDULE: "Save the shelves at night"}


def state(hass: HomeAssistant, entity_id: str) -> str | None:
    found = hass.states.get(entity_id)
    return found.state if found else None


def known(hass: HomeAssistant) -> dict[str, str | None]:
    """Return the entities that are still known, with the names that people gave."""
    registry = er.async_get(hass)
    return {
        entity_id: entity.name
        for entity_id in NAMED
        if (entity := registry.async_get(entity_id))
    }


@pytest.fixture
def ids(hass: HomeAssistant, loaded: MockConfigEntry) -> dict[str, str]:
    """Name the entities as people do; return what history and dashboards go by."""
    registry = er.async_get(hass)
    return {
        entity_id: registry.async_update_entity(entity_id, name=name).id
        for entity_id, name in NAMED.items()
    }


async def pass_hours(advance: Advance, hours: int) -> None:
    for _ in range(hours):
        await advance(HOUR + 1)


class Shelf:
    """What a server lists only later, if at all."""

    def __init__(self, plex: SimulatedPlex) -> None:
        self._plex = plex
        self._setting: Setting = plex.state.preferences[SETTING]

    def clear(self) -> None:
        self._plex.remove_task(TASK)
        self._plex.remove_preference(SETTING)

    def fill(self) -> None:
        spec = TaskSpec(name=TASK, title="Backup Database", description="", interval=3)
        self._plex.add_task(spec)
        self._plex.add_preference(self._setting)


async def test_a_short_first_list_after_an_update_costs_nothing(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    loaded: MockConfigEntry,
    ids: dict[str, str],
    advance: Advance,
) -> None:
    shelf = Shelf(plex)
    shelf.clear()
    await plex.restart(version="1.99.0")
    await pass_hours(advance, 2)
    assert state(hass, SWITCH) == state(hass, SCHEDULE) == STATE_UNAVAILABLE
    assert known(hass) == NAMED

    shelf.fill()
    await pass_hours(advance, 8)
    assert (state(hass, SWITCH), state(hass, SCHEDULE)) == (STATE_OFF, STATE_ON)
    assert known(hass) == NAMED
    registry = er.async_get(hass)
    entities = {entity_id: registry.async_get(entity_id) for entity_id in ids}
    assert {key: it.id for key, it in entities.items() if it} == ids


async def test_what_an_update_took_away_leaves_at_a_second_look_hours_later(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    loaded: MockConfigEntry,
    ids: dict[str, str],
    advance: Advance,
) -> None:
    Shelf(plex).clear()
    await plex.restart(version="1.99.0")
    await pass_hours(advance, 6)
    assert known(hass) == NAMED

    await pass_hours(advance, 7)
    assert known(hass) == {}
    assert state(hass, SWITCH) is state(hass, SCHEDULE) is None
    assert state(hass, OTHER) == STATE_OFF


async def test_an_update_while_home_assistant_was_away_is_looked_at_twice_too(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    loaded: MockConfigEntry,
    ids: dict[str, str],
    advance: Advance,
) -> None:
    shelf = Shelf(plex)
    assert await hass.config_entries.async_unload(loaded.entry_id)
    shelf.clear()
    await plex.restart(version="1.99.0")
    assert await hass.config_entries.async_setup(loaded.entry_id)
    await settle(hass)
    assert known(hass) == NAMED
    assert state(hass, SWITCH) == STATE_UNAVAILABLE

    shelf.fill()
    await pass_hours(advance, 7)
    assert known(hass) == NAMED
    assert (state(hass, SWITCH), state(hass, SCHEDULE)) == (STATE_OFF, STATE_ON)

    # Gone again, without an update: that takes a day.
    shelf.clear()
    await pass_hours(advance, 13)
    assert known(hass) == NAMED


async def test_a_restart_of_home_assistant_between_the_looks_begins_a_whole_day(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    loaded: MockConfigEntry,
    ids: dict[str, str],
    advance: Advance,
) -> None:
    shelf = Shelf(plex)
    shelf.clear()
    await plex.restart(version="1.99.0")
    await pass_hours(advance, 2)
    await hass.config_entries.async_reload(loaded.entry_id)
    await settle(hass)

    await pass_hours(advance, 14)
    assert known(hass) == NAMED
    await pass_hours(advance, 18)
    assert known(hass) == {}

    shelf.fill()
    await pass_hours(advance, 7)
    assert (state(hass, SWITCH), state(hass, SCHEDULE)) == (STATE_OFF, STATE_ON)
