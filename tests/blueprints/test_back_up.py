"""An update is installed after a backup, or not at all."""

from typing import Any

from homeassistant.core import ServiceCall
import pytest
from pytest_homeassistant_custom_component.common import (
    async_get_persistent_notifications,
    async_mock_service,
)

from tests.blueprints.conftest import Evening
from tests.house import BACKUP, HOUR, MINUTE, commands, running

# Whole nights go by
pytestmark = pytest.mark.slow

UPDATE = "update.attic"
TITLE = "Attic server was not updated"
TOO_LONG = "The backup of Attic Butler had not ended when the time to wait was over."


async def back_up(house: Evening, **inputs: Any) -> list[ServiceCall]:
    """Make the automation, and return what gets installed."""
    house.attic.durations[BACKUP] = 10 * MINUTE
    installed: list[ServiceCall] = async_mock_service(house.hass, "update", "install")
    await house.show(UPDATE, "on", friendly_name="Attic server")
    given = {"server": house.device("Attic"), "update": UPDATE, **inputs}
    await house.use("back_up_before_an_update", **given)
    return installed


async def back_up_by_hand(house: Evening, **inputs: Any) -> list[ServiceCall]:
    """Make the automation and press Run; return what gets installed."""
    installed = await back_up(house, **inputs)
    await house.run_by_hand()
    return installed


def expect_held_back(
    house: Evening, installed: list[ServiceCall], message: str
) -> None:
    """See nothing installed, and the one notification that says why."""
    assert not installed
    (told,) = async_get_persistent_notifications(house.hass).values()
    assert told["title"] == TITLE
    assert message in told["message"]


async def test_at_five_the_update_waits_for_the_backup(house: Evening) -> None:
    installed = await back_up(house)
    await house.let_pass_until(4, 55)
    house.attic.client_stop(BACKUP)
    assert commands(house.attic, "POST") == []

    await house.let_pass_until(5)
    assert running(house.attic) >= {BACKUP}
    await house.let_pass(9 * MINUTE)
    assert not installed

    await house.let_pass(2 * MINUTE)
    assert [call.data["entity_id"] for call in installed] == [[UPDATE]]
    assert house.told() == []


@pytest.mark.parametrize(
    ("state", "attributes"),
    [("off", {}), ("unavailable", {}), ("on", {"in_progress": True})],
)
async def test_without_an_update_to_install_nothing_happens(
    house: Evening, state: str, attributes: dict[str, Any]
) -> None:
    installed = await back_up(house)
    await house.show(UPDATE, state, **attributes)
    await house.run_by_hand()
    assert not installed
    assert commands(house.attic, "POST") == []
    assert house.told() == []


@pytest.mark.parametrize("is_there", [True, False])
async def test_by_hand_an_update_that_is_still_there_is_installed_at_any_time(
    house: Evening, *, is_there: bool
) -> None:
    installed = await back_up_by_hand(house)
    await house.show(UPDATE, "on" if is_there else "off")
    await house.let_pass(11 * MINUTE)
    assert commands(house.attic, "POST") == [BACKUP]
    assert len(installed) == is_there
    assert house.told() == []


@pytest.mark.parametrize("state", ["unavailable", "unknown"])
async def test_an_update_that_cannot_be_seen_after_the_backup_is_waited_for(
    house: Evening, state: str
) -> None:
    installed = await back_up_by_hand(house)
    await house.let_pass(9 * MINUTE)
    await house.show(UPDATE, state)
    await house.let_pass(4 * MINUTE)
    assert not installed
    assert house.told() == []

    await house.show(UPDATE, "on")
    assert len(installed) == 1
    assert house.told() == []


@pytest.mark.parametrize("state", ["unavailable", "unknown"])
async def test_an_update_that_is_not_seen_any_more_is_told_of(
    house: Evening, state: str
) -> None:
    installed = await back_up_by_hand(house)
    await house.show(UPDATE, state, friendly_name="Attic server")
    await house.let_pass(HOUR)
    reason = "it was not known whether the update was still available"
    waited = "The backup of Attic Butler was waited for"
    expect_held_back(house, installed, f"{waited}, but then {reason}.")


async def test_a_stopped_backup_holds_the_update_back(house: Evening) -> None:
    installed = await back_up_by_hand(house)
    await house.turn("off")
    await house.let_pass(1)
    expect_held_back(
        house, installed, "The backup of Attic Butler was stopped before it ended."
    )


async def test_too_long_a_backup_holds_the_update_back(house: Evening) -> None:
    installed = await back_up_by_hand(house, patience={"minutes": 5})
    await house.let_pass(20 * MINUTE)
    expect_held_back(house, installed, TOO_LONG)


@pytest.mark.parametrize("profile", ["silent"])
@pytest.mark.parametrize("unseen", [True, False])
async def test_a_backup_whose_end_was_not_seen_holds_the_update_back_unless_allowed(
    house: Evening, *, unseen: bool
) -> None:
    installed = await back_up_by_hand(house, unseen=unseen)
    assert not installed
    await house.let_pass(HOUR)
    assert len(installed) == unseen
    if unseen:
        assert house.told() == []
    else:
        expect_held_back(house, installed, "was started, but its end was not seen")


async def test_a_server_that_refuses_holds_the_update_back(
    house: Evening, expected_logs: list[str]
) -> None:
    expected_logs.append("Error executing script. Error for call_service")
    installed = await back_up(house, unseen=True)
    house.attic.fault("500", path="/butler", method="POST")
    await house.run_by_hand()
    expect_held_back(house, installed, "could not be started")

    await house.run_by_hand()
    await house.let_pass(11 * MINUTE)
    assert len(installed) == 1


async def test_an_absent_server_holds_it_back_in_silence(house: Evening) -> None:
    await house.unload("Attic")
    installed = await back_up_by_hand(house, unseen=True)
    expect_held_back(house, installed, "could not be started")


async def test_a_phone_is_told_without_a_word_to_type(house: Evening) -> None:
    sent = async_mock_service(house.hass, "notify", "send_message")
    await back_up_by_hand(house, tell=["notify.phone"], patience={"seconds": 10})
    await house.let_pass(MINUTE)
    phone = {"entity_id": ["notify.phone"]}
    assert sent[0].data == {**phone, "title": TITLE, "message": TOO_LONG}
    assert house.told() == []
