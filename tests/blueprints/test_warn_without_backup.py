"""People are warned when the database has not been backed up for days."""

from typing import Any

from homeassistant.const import EVENT_CALL_SERVICE, STATE_UNAVAILABLE, STATE_UNKNOWN
from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.helpers import entity_registry as er
import pytest
from pytest_homeassistant_custom_component.common import (
    async_get_persistent_notifications,
    async_mock_service,
)

from custom_components.plex_butler.const import DOMAIN
from tests.house import BACKUP, HOUR, MINUTE, House
from tests.simulator import SimulatedPlex

# Whole days go by
pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("all_entities_enabled")]

BLUEPRINT = "warn_without_backup"
DAY = 24 * HOUR


@pytest.fixture
def attic(attic: SimulatedPlex) -> SimulatedPlex:
    """Return the server, which backs up when told to and at no other time."""
    attic.set_preference("ButlerTaskBackupDatabase", value=False)
    return attic


def sensor(hass: HomeAssistant, plex: SimulatedPlex) -> str:
    """Return the sensor of the last backup."""
    unique_id = f"{plex.machine_identifier}_task_{BACKUP}"
    found = er.async_get(hass).async_get_entity_id("sensor", DOMAIN, unique_id)
    assert found
    return found


def told(hass: HomeAssistant) -> list[str]:
    """Return what all notifications say."""
    notifications = async_get_persistent_notifications(hass).values()
    return [notification["message"] for notification in notifications]


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


async def use(house: House, attic: SimulatedPlex, **inputs: Any) -> None:
    await house.use(BLUEPRINT, backup=sensor(house.hass, attic), **inputs)


async def back_up(house: House, attic: SimulatedPlex) -> None:
    """Have the database backed up, and all of it be seen."""
    attic.durations[BACKUP] = 2 * MINUTE
    attic.client_start(BACKUP)
    await house.settle()
    await house.let_pass(3 * MINUTE, step=10)
    await house.let_pass(57 * MINUTE, step=57 * MINUTE)
    assert attic.truth()[BACKUP] == "idle"


async def test_one_warning_a_day_comes_until_there_is_a_backup(
    house: House, attic: SimulatedPlex, warned: list[str]
) -> None:
    await back_up(house, attic)
    await use(house, attic, days=2)
    await house.let_pass(2 * DAY, step=HOUR)
    assert told(house.hass) == []

    await house.let_pass(2 * DAY, step=HOUR)
    assert warned == ["09:00", "09:00"]
    assert told(house.hass) == [
        "The last backup of Attic Butler was on 2026-11-22 at 22:02."
    ]

    await back_up(house, attic)
    await house.let_pass(DAY, step=HOUR)
    assert told(house.hass) == []
    assert len(warned) == 2


async def test_a_phone_is_told_if_one_is_chosen(
    house: House, attic: SimulatedPlex, warned: list[str]
) -> None:
    sent = async_mock_service(house.hass, "notify", "send_message")
    await back_up(house, attic)
    await use(house, attic, days=1, tell=["notify.phone"])
    await house.run_by_hand()
    assert sent == []

    await house.let_pass(DAY, step=HOUR)
    await house.run_by_hand()

    (call,) = sent
    assert call.data == {
        "entity_id": ["notify.phone"],
        "title": "No backup of the Plex database",
        "message": "The last backup of Attic Butler was on 2026-11-22 at 22:02.",
    }
    assert warned == []


async def test_a_backup_that_was_stopped_is_none(
    house: House, attic: SimulatedPlex
) -> None:
    await use(house, attic)
    switch = {"entity_id": "switch.attic_butler_back_up_database"}
    attic.durations[BACKUP] = HOUR
    for action in ("turn_on", "turn_off"):
        await house.hass.services.async_call("switch", action, switch, blocking=True)
        await house.let_pass(MINUTE)

    await house.run_by_hand()

    assert told(house.hass) == [
        (
            "The last backup of Attic Butler was on 2026-11-22 at 22:01."
            " It was stopped before it ended."
        )
    ]


@pytest.mark.parametrize("profile", ["silent"])
@pytest.mark.parametrize("unseen", [True, False])
async def test_a_backup_whose_end_was_not_seen_counts_if_people_want_it(
    house: House, attic: SimulatedPlex, *, unseen: bool
) -> None:
    await use(house, attic, days=2, unseen=unseen)
    await house.hass.services.async_call(
        "switch",
        "turn_on",
        {"entity_id": "switch.attic_butler_back_up_database"},
        blocking=True,
    )
    await house.let_pass(DAY, step=HOUR)
    await house.run_by_hand()
    assert bool(told(house.hass)) is not unseen
    assert all(it.endswith(" Its end was not seen.") for it in told(house.hass))

    await house.let_pass(2 * DAY, step=HOUR)
    assert len(told(house.hass)) == 1


async def test_a_server_without_any_backup_is_told_of_after_as_many_days(
    house: House, attic: SimulatedPlex, warned: list[str]
) -> None:
    await use(house, attic, days=2)
    state = house.hass.states.get(sensor(house.hass, attic))
    assert state
    assert state.state == STATE_UNKNOWN
    await house.let_pass(2 * DAY, step=HOUR)
    assert warned == []

    await house.let_pass(DAY, step=HOUR)
    assert told(house.hass) == [
        "No backup of Attic Butler was seen in the last 2 days."
    ]
    assert warned == ["09:00"]


async def test_an_outage_is_told_of_after_as_many_days(
    house: House, attic: SimulatedPlex, expected_logs: list[str], warned: list[str]
) -> None:
    expected_logs.append("Error fetching Attic Butler data")
    await back_up(house, attic)
    await use(house, attic, days=2)
    attic.fault("503", count=None)
    attic.hub.drop()
    await house.let_pass(2 * DAY, step=HOUR)
    state = house.hass.states.get(sensor(house.hass, attic))
    assert state
    assert state.state == STATE_UNAVAILABLE
    assert warned == []

    await house.let_pass(DAY, step=HOUR)
    assert warned == ["09:00"]
    assert told(house.hass) == [
        (
            "Attic Butler could not be reached for 2 days, so nothing is known of its"
            " backups."
        )
    ]

    attic.clear_faults()
    await house.let_pass(HOUR)
    await back_up(house, attic)
    await house.run_by_hand()
    assert told(house.hass) == []


async def test_a_restart_warns_of_nothing_and_forgets_no_backup(
    house: House, attic: SimulatedPlex
) -> None:
    await back_up(house, attic)
    await use(house, attic, days=2)
    (entry,) = house.entries("Attic")
    await house.hass.config_entries.async_unload(entry.entry_id)
    await house.run_by_hand()
    assert told(house.hass) == []

    await house.hass.config_entries.async_setup(entry.entry_id)
    await house.settle()
    await house.run_by_hand()
    assert told(house.hass) == []

    await house.let_pass(3 * DAY, step=HOUR)
    (message,) = told(house.hass)
    assert message.startswith("The last backup of Attic Butler was on 2026-11-22 at ")


async def test_a_sensor_that_is_gone_is_told_of(
    house: House, attic: SimulatedPlex
) -> None:
    gone = sensor(house.hass, attic)
    await use(house, attic)
    (entry,) = house.entries("Attic")
    await house.hass.config_entries.async_remove(entry.entry_id)

    await house.run_by_hand()

    assert told(house.hass) == [
        f"The sensor {gone} is no longer there, so nothing is known of the backups."
    ]
