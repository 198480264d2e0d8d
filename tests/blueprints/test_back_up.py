"""An update is installed after a backup, or not at all."""

from collections.abc import Awaitable, Callable
from typing import Any

from homeassistant.core import ServiceCall
import pytest
from pytest_homeassistant_custom_component.common import (
    async_get_persistent_notifications,
    async_mock_service,
)

from tests.house import BACKUP, HOUR, MINUTE, House, commands, running
from tests.simulator import SimulatedPlex

# Whole nights go by
pytestmark = pytest.mark.slow

SWITCH = "switch.attic_butler_back_up_database"
UPDATE = "update.attic"

type Use = Callable[..., Awaitable[list[ServiceCall]]]


@pytest.fixture
def back_up(house: House, attic: SimulatedPlex) -> Use:
    """Return what makes the automation, and returns what gets installed."""
    attic.durations[BACKUP] = 10 * MINUTE

    async def use(**inputs: Any) -> list[ServiceCall]:
        installed: list[ServiceCall] = async_mock_service(
            house.hass, "update", "install"
        )
        await house.show(UPDATE, "on", friendly_name="Attic server")
        await house.use(
            "back_up_before_an_update",
            server=house.device("Attic"),
            update=UPDATE,
            **inputs,
        )
        return installed

    return use


def told(house: House) -> dict[str, Any]:
    """Return the one notification."""
    (notification,) = async_get_persistent_notifications(house.hass).values()
    return dict(notification)


async def test_at_five_the_update_waits_for_the_end_of_the_backup(
    house: House, attic: SimulatedPlex, back_up: Use
) -> None:
    installed = await back_up()
    await house.let_pass_until(4, 55)
    attic.client_stop(BACKUP)
    assert commands(attic, "POST") == []

    await house.let_pass_until(5)
    assert running(attic) >= {BACKUP}
    await house.let_pass(9 * MINUTE)
    assert not installed

    await house.let_pass(2 * MINUTE)
    assert [call.data["entity_id"] for call in installed] == [[UPDATE]]
    assert not async_get_persistent_notifications(house.hass)


@pytest.mark.parametrize(
    ("state", "attributes"),
    [("off", {}), ("unavailable", {}), ("on", {"in_progress": True})],
)
async def test_without_an_update_to_install_nothing_happens(
    house: House,
    attic: SimulatedPlex,
    back_up: Use,
    state: str,
    attributes: dict[str, Any],
) -> None:
    installed = await back_up()
    await house.show(UPDATE, state, **attributes)

    await house.run_by_hand()

    assert not installed
    assert commands(attic, "POST") == []
    assert not async_get_persistent_notifications(house.hass)


async def test_by_hand_it_goes_at_any_time(
    house: House, attic: SimulatedPlex, back_up: Use
) -> None:
    installed = await back_up()

    await house.run_by_hand()
    await house.let_pass(11 * MINUTE)

    assert commands(attic, "POST") == [BACKUP]
    assert len(installed) == 1


async def test_an_update_that_somebody_else_installed_is_not_installed_again(
    house: House, attic: SimulatedPlex, back_up: Use
) -> None:
    installed = await back_up()
    await house.run_by_hand()
    await house.show(UPDATE, "off")
    await house.let_pass(11 * MINUTE)

    assert not installed
    assert not async_get_persistent_notifications(house.hass)


@pytest.mark.parametrize("state", ["unavailable", "unknown"])
async def test_an_update_that_cannot_be_seen_after_the_backup_is_waited_for(
    house: House, attic: SimulatedPlex, back_up: Use, state: str
) -> None:
    installed = await back_up()
    await house.run_by_hand()
    await house.let_pass(9 * MINUTE)
    await house.show(UPDATE, state)
    await house.let_pass(4 * MINUTE)
    assert not installed
    assert not async_get_persistent_notifications(house.hass)

    await house.show(UPDATE, "on")
    assert len(installed) == 1
    assert not async_get_persistent_notifications(house.hass)


@pytest.mark.parametrize("state", ["unavailable", "unknown"])
async def test_an_update_that_is_not_seen_any_more_is_told_of(
    house: House, attic: SimulatedPlex, back_up: Use, state: str
) -> None:
    installed = await back_up()
    await house.run_by_hand()
    await house.show(UPDATE, state, friendly_name="Attic server")
    await house.let_pass(HOUR)

    assert not installed
    notification = told(house)
    assert notification["title"] == "Attic server was not updated"
    assert notification["message"] == (
        "The backup of Attic Butler was waited for, but then it was not known whether the update"
        " was still available."
    )


async def test_a_backup_that_somebody_stops_holds_the_update_back(
    house: House, attic: SimulatedPlex, back_up: Use
) -> None:
    installed = await back_up()
    await house.run_by_hand()
    await house.hass.services.async_call(
        "switch", "turn_off", {"entity_id": SWITCH}, blocking=True
    )
    await house.let_pass(1)

    assert not installed
    notification = told(house)
    assert notification["title"] == "Attic server was not updated"
    assert (
        notification["message"]
        == "The backup of Attic Butler was stopped before it ended."
    )


async def test_a_backup_that_takes_too_long_holds_the_update_back(
    house: House, attic: SimulatedPlex, back_up: Use
) -> None:
    installed = await back_up(patience={"minutes": 5})
    await house.run_by_hand()
    await house.let_pass(20 * MINUTE)

    assert not installed
    assert "had not ended when the time to wait was over" in told(house)["message"]


@pytest.mark.parametrize("profile", ["silent"])
async def test_a_backup_that_nobody_saw_end_holds_the_update_back(
    house: House, attic: SimulatedPlex, back_up: Use
) -> None:
    installed = await back_up()
    await house.run_by_hand()
    await house.let_pass(HOUR)

    assert not installed
    assert "was started, but its end was not seen" in told(house)["message"]


@pytest.mark.parametrize("profile", ["silent"])
async def test_people_may_go_on_without_having_seen_the_end(
    house: House, attic: SimulatedPlex, back_up: Use
) -> None:
    installed = await back_up(unseen=True)
    await house.run_by_hand()
    assert not installed
    await house.let_pass(HOUR)

    assert len(installed) == 1
    assert not async_get_persistent_notifications(house.hass)


async def test_a_server_that_refuses_holds_the_update_back(
    house: House, attic: SimulatedPlex, back_up: Use, expected_logs: list[str]
) -> None:
    expected_logs.append("Error executing script. Error for call_service")
    installed = await back_up(unseen=True)
    attic.fault("500", path="/butler", method="POST")
    await house.run_by_hand()

    assert not installed
    assert "could not be started" in told(house)["message"]

    await house.run_by_hand()
    await house.let_pass(11 * MINUTE)
    assert len(installed) == 1


async def test_a_server_that_is_away_holds_the_update_back_in_silence(
    house: House, attic: SimulatedPlex, back_up: Use
) -> None:
    (entry,) = house.entries("Attic")
    await house.hass.config_entries.async_unload(entry.entry_id)
    installed = await back_up(unseen=True)
    await house.run_by_hand()

    assert not installed
    assert "could not be started" in told(house)["message"]


async def test_a_phone_is_told_without_a_word_to_type(
    house: House, attic: SimulatedPlex, back_up: Use
) -> None:
    sent = async_mock_service(house.hass, "notify", "send_message")
    await back_up(tell=["notify.phone"], patience={"seconds": 10})
    await house.run_by_hand()
    await house.let_pass(MINUTE)

    assert sent[0].data == {
        "entity_id": ["notify.phone"],
        "title": "Attic server was not updated",
        "message": "The backup of Attic Butler had not ended when the time to wait was"
        " over.",
    }
    assert not async_get_persistent_notifications(house.hass)
