"""People are warned when the database has not been backed up for days."""

from typing import Any

from homeassistant.const import EVENT_CALL_SERVICE, STATE_UNAVAILABLE, STATE_UNKNOWN
from homeassistant.core import Event, HomeAssistant, callback
import pytest
from pytest_homeassistant_custom_component.common import async_mock_service

from tests.blueprints.conftest import Evening
from tests.house import BACKUP, HOUR, MINUTE

# Whole days go by
pytestmark = pytest.mark.slow

SENSOR = "sensor.attic_butler_last_database_backup"
LAST = "The last backup of Attic Butler was on 2026-11-22 at "


@pytest.fixture
def house(house: Evening) -> Evening:
    """Return a house whose server backs up when told to and at no other time."""
    house.attic.set_preference("ButlerTaskBackupDatabase", value=False)
    return house


@pytest.fixture
def warned(hass: HomeAssistant) -> list[str]:
    """Return the hours at which people were warned, to be filled."""
    hours: list[str] = []

    @callback
    def note(event: Event[Any]) -> None:
        if event.data["service"] == "create":
            hours.append(f"{event.time_fired:%H:%M}")

    hass.bus.async_listen(EVENT_CALL_SERVICE, note)
    return hours


async def use(house: Evening, **inputs: Any) -> None:
    await house.use("warn_without_backup", backup=SENSOR, **inputs)


async def let_days_pass(house: Evening, days: int) -> None:
    await house.let_pass(days * 24 * HOUR, step=HOUR)


async def back_up(house: Evening) -> None:
    """Have the database backed up, and an hour pass with it."""
    await house.run(house.attic, BACKUP, 2 * MINUTE)
    await house.let_pass(HOUR - 2 * MINUTE - 40, step=HOUR)


async def test_one_warning_a_day_comes_until_there_is_a_backup_through_a_restart(
    house: Evening, warned: list[str]
) -> None:
    await back_up(house)
    await use(house, days=2)
    for change in (house.unload, house.set_up):
        await change("Attic")
        await house.run_by_hand()
        assert house.told() == []
    await let_days_pass(house, 2)
    assert house.told() == []

    await let_days_pass(house, 2)
    assert warned == ["09:00", "09:00"]
    assert house.told() == [f"{LAST}22:02."]

    await back_up(house)
    await let_days_pass(house, 1)
    assert house.told() == []
    assert len(warned) == 2


async def test_a_phone_is_told_if_one_is_chosen(
    house: Evening, warned: list[str]
) -> None:
    sent = async_mock_service(house.hass, "notify", "send_message")
    await back_up(house)
    await use(house, days=1, tell=["notify.phone"])
    await house.run_by_hand()
    assert sent == []

    await let_days_pass(house, 1)
    await house.run_by_hand()
    (call,) = sent
    said = {"title": "No backup of the Plex database", "message": f"{LAST}22:02."}
    assert call.data == {"entity_id": ["notify.phone"], **said}
    assert warned == []


async def test_a_backup_that_was_stopped_is_none_and_a_sensor_that_is_gone_knows_none(
    house: Evening,
) -> None:
    await use(house)
    house.attic.durations[BACKUP] = HOUR
    for to in ("on", "off"):
        await house.turn(to)
        await house.let_pass(MINUTE)
    await house.run_by_hand()
    assert house.told() == [f"{LAST}22:01. It was stopped before it ended."]

    (entry,) = house.entries("Attic")
    await house.hass.config_entries.async_remove(entry.entry_id)
    await house.run_by_hand()
    reason = "so nothing is known of the backups"
    assert house.told() == [f"The sensor {SENSOR} is no longer there, {reason}."]


@pytest.mark.parametrize("profile", ["silent"])
@pytest.mark.parametrize("unseen", [True, False])
async def test_a_backup_whose_end_was_not_seen_counts_if_people_want_it(
    house: Evening, *, unseen: bool
) -> None:
    await use(house, days=2, unseen=unseen)
    await house.turn("on")
    await let_days_pass(house, 1)
    await house.run_by_hand()
    assert bool(house.told()) is not unseen
    assert all(it.endswith(" Its end was not seen.") for it in house.told())

    await let_days_pass(house, 2)
    assert len(house.told()) == 1


async def test_a_server_without_any_backup_is_told_of_after_as_many_days(
    house: Evening, warned: list[str]
) -> None:
    await use(house, days=2)
    assert house.hass.states.is_state(SENSOR, STATE_UNKNOWN)
    await let_days_pass(house, 2)
    assert warned == []

    await let_days_pass(house, 1)
    assert house.told() == ["No backup of Attic Butler was seen in the last 2 days."]
    assert warned == ["09:00"]


async def test_an_outage_is_told_of_after_as_many_days(
    house: Evening, expected_logs: list[str], warned: list[str]
) -> None:
    expected_logs.append("Error fetching Attic Butler data")
    await back_up(house)
    await use(house, days=2)
    house.attic.fault("503", count=None)
    house.attic.hub.drop()
    await let_days_pass(house, 2)
    assert house.hass.states.is_state(SENSOR, STATE_UNAVAILABLE)
    assert warned == []

    await let_days_pass(house, 1)
    assert warned == ["09:00"]
    reason = "so nothing is known of its backups"
    assert house.told() == [f"Attic Butler could not be reached for 2 days, {reason}."]

    house.attic.clear_faults()
    await house.let_pass(HOUR)
    await back_up(house)
    await house.run_by_hand()
    assert house.told() == []
