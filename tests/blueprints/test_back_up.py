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


async def test_an_update_that_is_gone_after_the_backup_is_not_installed(
    house: Evening,
) -> None:
    installed = await back_up(house)
    await house.run_by_hand()
    await house.show(UPDATE, "off")
    await house.let_pass(11 * MINUTE)
    assert commands(house.attic, "POST") == [BACKUP]
    assert not installed
    assert house.told() == []


@pytest.mark.parametrize("state", ["unavailable", "unknown"])
async def test_an_update_that_is_out_of_sight_after_the_backup_is_waited_for_or_told_of(
    house: Evening, state: str
) -> None:
    installed = await back_up(house)
    await house.run_by_hand()
    await house.let_pass(9 * MINUTE)
    await house.show(UPDATE, state)
    await house.let_pass(4 * MINUTE)
    assert not installed
    await house.show(UPDATE, "on")
    assert len(installed) == 1
    assert house.told() == []

    installed.clear()
    await house.run_by_hand()
    await house.show(UPDATE, state, friendly_name="Attic server")
    await house.let_pass(HOUR)
    reason = "it was not known whether the update was still available"
    waited = "The backup of Attic Butler was waited for"
    expect_held_back(house, installed, f"{waited}, but then {reason}.")


async def test_a_backup_that_is_stopped_takes_too_long_or_is_not_begun_holds_it_back(
    house: Evening,
) -> None:
    installed = await back_up(house, unseen=True, patience={"minutes": 5})
    await house.run_by_hand()
    await house.turn("off")
    await house.let_pass(1)
    stopped = "The backup of Attic Butler was stopped before it ended."
    expect_held_back(house, installed, stopped)

    await house.run_by_hand()
    await house.let_pass(20 * MINUTE)
    expect_held_back(house, installed, TOO_LONG)

    # In silence, without a line in the log
    await house.unload("Attic")
    await house.run_by_hand()
    expect_held_back(house, installed, "could not be started")


@pytest.mark.parametrize("profile", ["silent"])
@pytest.mark.parametrize("unseen", [True, False])
async def test_a_backup_whose_end_was_not_seen_holds_the_update_back_unless_allowed(
    house: Evening, *, unseen: bool
) -> None:
    installed = await back_up(house, unseen=unseen)
    await house.run_by_hand()
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


async def test_a_phone_is_told_without_a_word_to_type(house: Evening) -> None:
    sent = async_mock_service(house.hass, "notify", "send_message")
    await back_up(house, tell=["notify.phone"], patience={"seconds": 10})
    await house.run_by_hand()
    await house.let_pass(MINUTE)
    phone = {"entity_id": ["notify.phone"]}
    assert sent[0].data == {**phone, "title": TITLE, "message": TOO_LONG}
    assert house.told() == []
