"""A server that was updated lists little at first: what people named stays theirs."""

from homeassistant.const import STATE_OFF, STATE_ON, STATE_UNAVAILABLE
from homeassistant.helpers import entity_registry as er
import pytest

from tests.conftest import BACKUP, BACKUP_SWITCH, OPTIMIZE_SWITCH
from tests.journeys.journey import HOUR, Journey
from tests.simulator import Kind, Setting, TaskSpec

# Also what is disabled at first
pytestmark = pytest.mark.usefixtures("all_entities_enabled")

SETTING = "ButlerTaskBackupDatabase"
SCHEDULE = "switch.attic_butler_schedule_back_up_database"
NAMED = {BACKUP_SWITCH: "Save the shelves", SCHEDULE: "Save the shelves at night"}


def lack(home: Journey) -> None:
    """Have the server list no more what people named."""
    home.plex.remove_task(BACKUP)
    home.plex.remove_preference(SETTING)


async def update(home: Journey, version: str) -> None:
    """Update the server to a version that does not list it."""
    lack(home)
    await home.plex.restart(version)


def list_again(home: Journey) -> None:
    home.plex.add_task(TaskSpec(name=BACKUP, title="Backup Database", description=""))
    home.plex.add_preference(
        Setting(id=SETTING, label="Backup", kind=Kind.BOOL, default=True, value=True)
    )


async def pass_hours(home: Journey, hours: int) -> None:
    await home.advance_steps(hours, HOUR + 1)


def known(home: Journey) -> dict[str, tuple[str | None, str]]:
    """Return by which name and id each is known, as far as it still is."""
    registry = er.async_get(home.hass)
    return {
        entity_id: (entity.name, entity.id)
        for entity_id in NAMED
        if (entity := registry.async_get(entity_id))
    }


def states(home: Journey) -> tuple[str | None, str | None]:
    return home.state(BACKUP_SWITCH), home.state(SCHEDULE)


@pytest.fixture
def shelf(home: Journey) -> Journey:
    """Return a home in which people have named what the server may lack."""
    for entity_id, name in NAMED.items():
        er.async_get(home.hass).async_update_entity(entity_id, name=name)
    return home


async def test_what_an_update_lacks_at_first_keeps_all_and_what_is_gone_leaves_later(
    shelf: Journey,
) -> None:
    before = known(shelf)
    await update(shelf, "1.99.0")
    await pass_hours(shelf, 2)
    assert states(shelf) == (STATE_UNAVAILABLE, STATE_UNAVAILABLE)
    assert known(shelf) == before

    list_again(shelf)
    await pass_hours(shelf, 8)
    assert states(shelf) == (STATE_OFF, STATE_ON)
    assert known(shelf) == before

    await update(shelf, "1.99.1")
    await pass_hours(shelf, 6)
    assert known(shelf) == before
    await pass_hours(shelf, 7)
    assert known(shelf) == {}
    assert states(shelf) == (None, None)
    assert shelf.state(OPTIMIZE_SWITCH) == STATE_OFF


async def test_after_an_update_without_us_or_between_reloads_it_takes_a_second_look(
    shelf: Journey,
) -> None:
    before = known(shelf)
    await shelf.unload()
    await update(shelf, "1.99.0")
    await shelf.set_up()
    assert known(shelf) == before
    assert states(shelf)[0] == STATE_UNAVAILABLE

    list_again(shelf)
    await pass_hours(shelf, 7)
    assert known(shelf) == before
    assert states(shelf) == (STATE_OFF, STATE_ON)

    # Gone again, without an update: that takes a day.
    lack(shelf)
    await pass_hours(shelf, 13)
    assert known(shelf) == before
    # A reload begins it anew.
    await shelf.reload()
    await pass_hours(shelf, 14)
    assert known(shelf) == before
    await pass_hours(shelf, 18)
    assert known(shelf) == {}

    list_again(shelf)
    await pass_hours(shelf, 7)
    assert states(shelf) == (STATE_OFF, STATE_ON)


async def test_after_an_update_without_us_what_is_gone_leaves_as_soon(
    shelf: Journey,
) -> None:
    await shelf.unload()
    await update(shelf, "1.99.0")
    await shelf.set_up()
    await pass_hours(shelf, 13)
    assert known(shelf) == {}
