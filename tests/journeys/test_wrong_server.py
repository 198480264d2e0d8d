"""Another server answers at the address: it gets no token, and nothing from us."""

from collections.abc import AsyncIterator
from typing import Any

from homeassistant.const import STATE_OFF, STATE_UNAVAILABLE
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import device_registry as dr
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.plex_butler.const import DOMAIN
from tests.automations import automate, noted
from tests.conftest import Advance, settle
from tests.journeys.whereabouts import BACKUP
from tests.simulator import ManualClock, SimulatedPlex


@pytest.fixture
async def stranger(plex: SimulatedPlex) -> AsyncIterator[SimulatedPlex]:
    """Return another server, which lets in whoever has our token."""
    async with SimulatedPlex(name="Cellar", seed=7, clock=ManualClock()) as stranger:
        stranger.token = plex.token
        yield stranger


async def act(hass: HomeAssistant, action: str, **data: Any) -> None:
    await hass.services.async_call(DOMAIN, action, data, blocking=True)


async def test_another_server_at_the_address_gets_no_token_no_command_and_is_not_heard(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    stranger: SimulatedPlex,
    loaded: MockConfigEntry,
    advance: Advance,
    expected_logs: list[str],
) -> None:
    expected_logs.append("Another Plex server")
    (device,) = dr.async_entries_for_config_entry(dr.async_get(hass), loaded.entry_id)
    calls = await automate(hass, "task_started", device_id=device.id)
    await advance(76)
    await plex.stop_listening()
    await stranger.stop_listening()
    await stranger.listen_again(plex.port)
    # The stream breaks, which is how a change of the server is noticed at once.
    await settle(hass)
    for _ in range(12):
        await advance(10)
    assert hass.states.is_state(BACKUP, STATE_UNAVAILABLE)

    for action, data in (
        ("start_task", {"task": "backup_database"}),
        ("stop_task", {"task": "backup_database"}),
        ("start_all_tasks", {}),
        ("stop_all_tasks", {}),
        ("set_maintenance_window", {"start": "03:00", "end": "04:00"}),
    ):
        with pytest.raises(HomeAssistantError) as error:
            await act(hass, action, **data)
        assert error.value.translation_key == "wrong_server"
    stranger.client_start("BackupDatabase")
    for _ in range(12):
        await advance(10)
        await stranger.advance(10)
    assert noted(calls, "task") == []
    assert {it.path for it in stranger.requests} == {"/identity"}
    assert not [it for it in stranger.requests if "X-Plex-Token" in it.headers]

    await stranger.stop_listening()
    await plex.listen_again()
    for _ in range(8):
        await advance(10)
    assert hass.states.is_state(BACKUP, STATE_OFF)
    await act(hass, "start_task", task="backup_database")
    await settle(hass)
    assert plex.truth()["BackupDatabase"] == "running"


async def test_a_server_that_is_replaced_without_a_failure_is_noticed_within_the_hour(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    loaded: MockConfigEntry,
    advance: Advance,
    expected_logs: list[str],
) -> None:
    expected_logs.append("Another Plex server")
    ours, plex.machine_identifier = plex.machine_identifier, "another"
    for _ in range(62):
        await advance(60)
    assert hass.states.is_state(BACKUP, STATE_UNAVAILABLE)

    plex.machine_identifier = ours
    for _ in range(3):
        await advance(31)
    assert hass.states.is_state(BACKUP, STATE_OFF)


@pytest.mark.parametrize("answer", ["400", "404", "garbage", "wrong-shape"])
async def test_whatever_has_got_the_address_unnoticed_gets_no_token_once_a_poll_failed(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    loaded: MockConfigEntry,
    advance: Advance,
    expected_logs: list[str],
    answer: str,
) -> None:
    expected_logs += ["no notifications", "an answer that cannot be used"]
    # No stream breaks, and between two polls nobody is missed.
    plex.fault("403", count=None, path="/:/websockets/notifications")
    plex.hub.drop()
    for _ in range(240):
        await advance(30)
    plex.clear_faults()
    plex.requests.clear()

    plex.fault(answer, count=None)
    for _ in range(20):
        await advance(30)
    assert len(plex.requests) > 10
    # One poll, and a handshake if one was due before it, find out.
    assert len([it for it in plex.requests if "X-Plex-Token" in it.headers]) <= 2

    plex.clear_faults()
    await advance(31)
    assert hass.states.is_state(BACKUP, STATE_OFF)
