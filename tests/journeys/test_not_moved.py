"""A server that is where it was, whoever announces its identifier elsewhere."""

from freezegun.api import FrozenDateTimeFactory
from homeassistant.const import STATE_OFF, STATE_UNAVAILABLE
from homeassistant.core import HomeAssistant
import pytest

from custom_components.plex_butler.const import DOMAIN
from tests.flows import announce
from tests.journeys.whereabouts import NEW, OLD, Move, got_a_token, pass_by, state


@pytest.mark.parametrize(
    ("fault", "path", "words"),
    [
        ("502", "/", "answered 502"),
        ("503", "/", "starting or migrating"),
        ("401", "/", "was refused before the token was checked"),
        ("403", "/", "was refused before the token was checked"),
        ("404", "/", "answered 404"),
        ("garbage", "/", "not JSON"),
        ("wrong-shape", "/", "cannot be used"),
        ("redirect", "/", "answered 302"),
        # It is let down where it works, and answers who it is.
        ("refuse", "/activities", "closed the connection"),
    ],
)
async def test_whoever_repeats_the_identifier_gets_nothing_while_the_old_address_answers(
    parked: Move, expected_logs: list[str], fault: str, path: str, words: str
) -> None:
    expected_logs.append(words)
    await parked.set_up()
    parked.old.fault(fault, count=None, path=path)
    for _ in range(20):
        assert (await parked.announce())["reason"] == "already_configured"
        await parked.advance(31)
    assert not got_a_token(parked.new)
    assert "address_changed" not in parked.repairs()

    parked.old.clear_faults()
    await parked.outage()
    parked.expect_healthy(parked.old.url)


async def test_an_impostor_gets_no_token_unless_a_person_lets_it(
    hass: HomeAssistant, move: Move
) -> None:
    await move.old.stop_listening()
    for _ in range(40):
        assert (await move.announce())["reason"] == "already_configured"
        await move.advance(31)
    assert not got_a_token(move.new)
    assert move.repairs() == {"address_changed"}
    # It is offered for adding and for ignoring as little as for following.
    assert hass.config_entries.flow.async_progress() == []
    assert hass.config_entries.async_entries(DOMAIN) == [move.entry]

    move.old.fault("503", count=None)
    await move.old.listen_again()
    await move.advance(31)
    assert move.repairs() == set()
    assert state(hass) == STATE_UNAVAILABLE

    move.old.clear_faults()
    await move.advance(31)
    move.expect_healthy(move.old.url)
    assert not got_a_token(move.new)


async def test_one_failed_poll_is_no_move(hass: HomeAssistant, move: Move) -> None:
    await move.announce()
    for _ in range(5):
        await move.old.stop_listening()
        await move.advance(31)
        assert state(hass) == STATE_UNAVAILABLE
        assert move.repairs() == set()
        await move.old.listen_again()
        await move.advance(31)
        assert state(hass) == STATE_OFF


@pytest.mark.parametrize(("fault", "host"), [("502", NEW), ("refuse", OLD)])
async def test_a_server_that_answers_a_moment_later_has_not_moved(
    hass: HomeAssistant,
    parked: Move,
    freezer: FrozenDateTimeFactory,
    expected_logs: list[str],
    fault: str,
    host: str,
) -> None:
    expected_logs.append("did not answer in time")
    await parked.set_up()
    plex = parked.old
    await announce(hass, (parked.new if host == NEW else plex).port, host)
    plex.hangs = True
    for _ in range(200):
        plex.clear_faults()
        polls = [it for it in plex.requests if it.path == "/" and it.status is None]
        if plex.requests[-1] in polls and len(polls) % 3 == 0:
            # The third poll waits in vain; the next to ask is the look for the server.
            # A connection that was used before is tried once more.
            plex.fault(fault, path="/identity", count=2 if fault == "refuse" else 1)
        await pass_by(freezer, 5)
        assert parked.repairs() == set()
    assert state(hass) == STATE_UNAVAILABLE
    assert not got_a_token(parked.new)

    plex.hangs = False
    plex.clear_faults()
    for _ in range(10):
        await pass_by(freezer, 5)
    parked.expect_healthy(plex.url)


async def test_an_announced_address_that_another_server_has_got_is_not_its_own(
    move: Move,
) -> None:
    await move.announce()
    ours = move.new.machine_identifier
    move.new.machine_identifier = "another"
    await move.old.stop_listening()
    await move.outage()
    assert move.repairs() == set()

    move.new.machine_identifier = ours
    await move.advance(31)
    await move.confirm()
    move.expect_healthy(move.new.url)


async def test_the_announcement_of_its_own_dead_address_changes_nothing(
    hass: HomeAssistant, move: Move
) -> None:
    await announce(hass, move.old.port)
    await move.old.stop_listening()
    await move.outage()
    assert move.repairs() == set()

    await move.old.listen_again()
    await move.advance(31)
    move.expect_healthy(move.old.url)


@pytest.mark.parametrize("ready", [True, False])
async def test_a_flood_of_announcements_only_hides_a_server_that_was_not_ready(
    hass: HomeAssistant,
    move: Move,
    ready: bool,  # noqa: FBT001 pytest hands it over by name
) -> None:
    if not ready:
        move.new.fault("503")
    await move.announce()
    for port in range(1, 60):
        await announce(hass, port)
    await move.old.stop_listening()
    await move.outage()
    assert move.repairs() == ({"address_changed"} if ready else set())

    await move.announce()
    await move.advance(31)
    await move.confirm()
    move.expect_healthy(move.new.url)
