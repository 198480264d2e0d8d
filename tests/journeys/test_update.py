"""A server that was updated lists little at first: what people named stays theirs."""

from dataclasses import dataclass, field

from homeassistant.const import STATE_OFF, STATE_ON, STATE_UNAVAILABLE
from homeassistant.helpers import entity_registry as er
import pytest

from tests.conftest import BACKUP_SWITCH
from tests.journeys.journey import HOUR, Journey
from tests.simulator import Setting, TaskSpec

# Also what is disabled at first
pytestmark = pytest.mark.usefixtures("all_entities_enabled")

TASK, SETTING = "BackupDatabase", "ButlerTaskBackupDatabase"
SCHEDULE = "switch.attic_butler_schedule_back_up_database"
OTHER = "switch.attic_butler_optimize_database"
NAMED = {BACKUP_SWITCH: "Save the shelves", SCHEDULE: "Save the shelves at night"}


@dataclass
class Shelf:
    """What a server lists only later, if at all, and what people named of it."""

    home: Journey
    setting: Setting = field(init=False)

    def __post_init__(self) -> None:
        """Name the entities as people do."""
        self.setting = self.home.plex.state.preferences[SETTING]
        for entity_id, name in NAMED.items():
            er.async_get(self.home.hass).async_update_entity(entity_id, name=name)

    def clear(self) -> None:
        self.home.plex.remove_task(TASK)
        self.home.plex.remove_preference(SETTING)

    async def update(self) -> None:
        """Update the server to a version that lists it no longer."""
        self.clear()
        await self.home.plex.restart(version="1.99.0")

    def fill(self) -> None:
        self.home.plex.add_task(
            TaskSpec(name=TASK, title="Backup Database", description="", interval=3)
        )
        self.home.plex.add_preference(self.setting)

    async def pass_hours(self, hours: int) -> None:
        await self.home.advance_steps(hours, HOUR + 1)

    def known(self) -> dict[str, str | None]:
        """Return the entities that are still known, with the names that people gave."""
        return {entity_id: entity.name for entity_id, entity in self.entities().items()}

    def entities(self) -> dict[str, er.RegistryEntry]:
        registry = er.async_get(self.home.hass)
        found = {entity_id: registry.async_get(entity_id) for entity_id in NAMED}
        return {entity_id: entity for entity_id, entity in found.items() if entity}

    def states(self) -> tuple[str | None, str | None]:
        return self.home.state(BACKUP_SWITCH), self.home.state(SCHEDULE)


@pytest.fixture
def shelf(home: Journey) -> Shelf:
    return Shelf(home)


async def test_a_short_first_list_after_an_update_costs_nothing(shelf: Shelf) -> None:
    # What history and dashboards go by
    ids = {entity_id: it.id for entity_id, it in shelf.entities().items()}
    await shelf.update()
    await shelf.pass_hours(2)
    assert shelf.states() == (STATE_UNAVAILABLE, STATE_UNAVAILABLE)
    assert shelf.known() == NAMED

    shelf.fill()
    await shelf.pass_hours(8)
    assert shelf.states() == (STATE_OFF, STATE_ON)
    assert shelf.known() == NAMED
    assert {entity_id: it.id for entity_id, it in shelf.entities().items()} == ids


async def test_what_is_gone_leaves_at_a_second_look_hours_later(shelf: Shelf) -> None:
    await shelf.update()
    await shelf.pass_hours(6)
    assert shelf.known() == NAMED

    await shelf.pass_hours(7)
    assert shelf.known() == {}
    assert shelf.states() == (None, None)
    assert shelf.home.state(OTHER) == STATE_OFF


async def test_an_update_without_us_is_looked_at_twice_too(shelf: Shelf) -> None:
    await shelf.home.unload()
    await shelf.update()
    await shelf.home.set_up()
    assert shelf.known() == NAMED
    assert shelf.states()[0] == STATE_UNAVAILABLE

    shelf.fill()
    await shelf.pass_hours(7)
    assert shelf.known() == NAMED
    assert shelf.states() == (STATE_OFF, STATE_ON)

    # Gone again, without an update: that takes a day.
    shelf.clear()
    await shelf.pass_hours(13)
    assert shelf.known() == NAMED


async def test_a_restart_between_the_looks_begins_a_whole_day(shelf: Shelf) -> None:
    await shelf.update()
    await shelf.pass_hours(2)
    await shelf.home.reload()

    await shelf.pass_hours(14)
    assert shelf.known() == NAMED
    await shelf.pass_hours(18)
    assert shelf.known() == {}

    shelf.fill()
    await shelf.pass_hours(7)
    assert shelf.states() == (STATE_OFF, STATE_ON)
