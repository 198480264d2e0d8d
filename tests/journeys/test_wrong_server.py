"""Another server answers at the address: it gets no token, and nothing from us."""

from homeassistant.const import STATE_OFF, STATE_UNAVAILABLE
import pytest

from tests.automations import automate, noted
from tests.conftest import BACKUP, refused
from tests.journeys.journey import Journey, token_sent_to
from tests.simulator import SimulatedPlex

ANOTHER = "Another Plex server"


async def test_another_server_at_the_address_gets_no_token_no_command_and_is_not_heard(
    home: Journey, cellar: SimulatedPlex
) -> None:
    home.expect_log(ANOTHER)
    calls = await automate(home.hass, "task_started", device_id=home.device)
    await home.advance(76)
    # It lets in everyone who has our token.
    cellar.token = home.plex.token
    await home.plex.stop_listening()
    await cellar.stop_listening()
    await cellar.listen_again(home.plex.port)
    # The stream breaks, which is how a change of the server is noticed at once.
    await home.settle()
    await home.advance_steps(12, 10)
    assert home.state() == STATE_UNAVAILABLE

    for action, data in (
        ("start_task", {"task": BACKUP}),
        ("stop_task", {"task": BACKUP}),
        ("start_all_tasks", {}),
        ("stop_all_tasks", {}),
        ("set_maintenance_window", {"start": "03:00", "end": "04:00"}),
    ):
        with refused("wrong_server"):
            await home.action(action, **data)
    cellar.client_start(BACKUP)
    for _ in range(12):
        await home.advance(10)
        await cellar.advance(10)
    assert noted(calls, "task") == []
    assert {it.path for it in cellar.requests} == {"/identity"}
    assert not token_sent_to(cellar)
    await cellar.stop_listening()

    await home.plex.listen_again()
    await home.advance_steps(8, 10)
    assert home.state() == STATE_OFF
    await home.start()
    assert home.plex.truth()[BACKUP] == "running"


async def test_a_server_that_is_replaced_without_a_failure_is_noticed_within_the_hour(
    home: Journey,
) -> None:
    home.expect_log(ANOTHER)
    home.plex.machine_identifier = "another"
    await home.pass_minutes(62)
    assert home.state() == STATE_UNAVAILABLE

    home.plex.machine_identifier = home.entry.unique_id or ""
    await home.advance_steps(3, 31)
    assert home.state() == STATE_OFF


@pytest.mark.parametrize("answer", ["400", "404", "garbage", "wrong-shape"])
async def test_whatever_has_got_the_address_unnoticed_gets_no_token_once_a_poll_failed(
    home: Journey, answer: str
) -> None:
    home.expected_logs += ["no notifications", "a response that cannot be used"]
    # No stream breaks, and between two polls nothing is missed.
    home.plex.fault("403", count=None, path="/:/websockets/notifications")
    home.plex.hub.drop()
    await home.advance_steps(240, 30)
    home.plex.clear_faults()
    home.plex.requests.clear()

    home.plex.fault(answer, count=None)
    await home.advance_steps(20, 30)
    assert len(home.plex.requests) > 10
    # One poll, and a handshake if one was due before it, find out.
    assert token_sent_to(home.plex).total() <= 2

    home.plex.clear_faults()
    await home.advance(31)
    assert home.state() == STATE_OFF
