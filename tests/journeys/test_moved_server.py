"""A server that got another address, or only seems to: from the old one dying to health."""

from homeassistant.config_entries import SOURCE_IGNORE, ConfigEntryDisabler
from homeassistant.const import STATE_OFF, STATE_UNAVAILABLE
from homeassistant.data_entry_flow import FlowResultType
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
)
from pytest_socket import socket_allow_hosts

from custom_components.plex_butler.const import DOMAIN
from tests.conftest import settle, until
from tests.flows import announce, answer_repair, open_repair, repairs
from tests.journeys.journey import NEW, NOTHING_LISTENS, OLD, Move, token_sent_to
from tests.simulator import ManualClock, Names, SimulatedPlex


async def test_a_server_on_plain_http_is_followed_once_a_person_says_so(
    move: Move,
) -> None:
    await move.leave()

    (issue,) = repairs(move.hass).values()
    assert issue.translation_key == "address_changed"
    placeholders = {"name": "Attic", "old": move.old.url, "new": move.new.url}
    assert issue.translation_placeholders == placeholders
    assert move.url() == move.old.url
    assert not token_sent_to(move.new)

    await move.confirm()
    begun, ended = move.said
    assert NOTHING_LISTENS in begun
    assert "at another address" in ended

    await move.outage(5)
    move.expect_healthy_at(move.new.url)
    assert len(move.said) == 2


@pytest.mark.parametrize(
    "old",
    [
        "http://127.0.0.1:9",
        "http://no.such.name.invalid:32400",
        "http://127.0.0.1:9/behind/a/proxy",
    ],
)
async def test_a_move_while_home_assistant_was_down_is_found_whatever_address_it_had(
    parked: Move, names: Names, old: str
) -> None:
    parked.update(url=old)
    # Discovery may come before set-up.
    await parked.announce()
    await parked.set_up()
    assert parked.is_retried()
    await parked.outage()
    assert parked.url() == old
    assert not token_sent_to(parked.new)

    await parked.confirm()


async def test_a_silent_host_is_as_absent_as_one_that_refuses(parked: Move) -> None:
    parked.expect_log("did not answer in time")
    await parked.set_up()
    await parked.announce()
    parked.old.fault("slow", count=None, delay=3600)
    parked.old.hub.drop()
    await parked.pass_by(300)

    await parked.confirm()


async def test_a_server_is_looked_for_at_all_its_addresses(move: Move) -> None:
    socket_allow_hosts([OLD, NEW, "127.0.0.3", "127.0.0.4"])
    port = move.new.port
    async with SimulatedPlex(
        host="127.0.0.4", port=port, seed=7, clock=ManualClock()
    ) as other:
        ignored = other.machine_identifier
        MockConfigEntry(
            domain=DOMAIN, unique_id=ignored, source=SOURCE_IGNORE
        ).add_to_hass(move.hass)
        # An address of one cable only, a bridge where a server of this host answers, and
        # one where none does
        await announce(move.hass, port, "fe80::1", "127.0.0.4", "127.0.0.3", NEW)
    await move.old.stop_listening()
    await move.advance(31)
    # Another server has got the address that was its own.
    move.old.machine_identifier = "another"
    await move.old.listen_again()
    await move.outage()
    assert not token_sent_to(move.new)

    await move.confirm()


async def test_a_server_announced_too_early_is_found_later(move: Move) -> None:
    await move.old.stop_listening()
    move.new.fault("503", count=None)
    assert (await move.announce())["reason"] == "cannot_connect"
    await move.outage(5)
    assert move.repairs() == set()

    move.new.clear_faults()
    await move.advance(31)
    await move.confirm()


@pytest.mark.parametrize("leaves", [True, False])
async def test_a_new_address_that_is_none_any_more_is_said_to_be_none(
    move: Move, *, leaves: bool
) -> None:
    await move.leave()
    result = await open_repair(move.hass, "address_changed")
    ours = move.new.machine_identifier
    if leaves:
        await move.new.stop_listening()
    else:
        move.new.machine_identifier = "another"
    result = await answer_repair(move.hass, result, {})
    assert result["errors"] == {"base": "not_there"}
    assert move.url() == move.old.url
    assert move.repairs() == {"address_changed"}

    await move.new.listen_again()
    move.new.machine_identifier = ours
    result = await answer_repair(move.hass, result, {})
    assert result["type"] is FlowResultType.CREATE_ENTRY
    await settle(move.hass)
    move.expect_healthy_at(move.new.url)


@pytest.mark.parametrize("becomes", ["removed", "disabled", "readdressed"])
async def test_an_entry_that_is_changed_while_its_server_is_looked_for_gets_no_repair(
    move: Move, becomes: str
) -> None:
    await move.announce()
    await move.old.stop_listening()
    await move.outage(1)
    # The server is slow to answer the look at its new address.
    move.new.requests.clear()
    move.new.fault("slow", delay=1)
    move.freezer.tick(31)
    async_fire_time_changed(move.hass)
    await until(lambda: bool(move.new.requests))

    entries, entry_id = move.hass.config_entries, move.entry.entry_id
    if becomes == "removed":
        await entries.async_remove(entry_id)
    elif becomes == "disabled":
        await entries.async_set_disabled_by(entry_id, ConfigEntryDisabler.USER)
    else:
        move.update(url=move.old.url_at("localhost"))
    move.freezer.tick(2)
    await settle(move.hass)
    move.expect_not_followed()


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("502", "answered 502"),
        ("503", "starting or migrating"),
        ("401", "was refused before the token was checked"),
        ("garbage", "not JSON"),
        ("redirect", "answered 302"),
        # It is let down where it works, and answers who it is.
        ("refuse", "closed the connection"),
    ],
)
async def test_a_copy_of_the_identifier_gets_no_token_while_the_old_address_answers(
    parked: Move, fault: str, words: str
) -> None:
    parked.expect_log(words)
    await parked.set_up()
    path = "/activities" if fault == "refuse" else "/"
    parked.old.fault(fault, count=None, path=path)
    for _ in range(20):
        assert (await parked.announce())["reason"] == "already_configured"
        await parked.advance(31)
    assert not token_sent_to(parked.new)
    assert "address_changed" not in parked.repairs()

    parked.old.clear_faults()
    await parked.outage()
    parked.expect_healthy_at(parked.old.url)


async def test_an_impostor_gets_no_token_unless_a_person_lets_it(move: Move) -> None:
    await move.announce()
    # One failed poll is no move, however often.
    for _ in range(5):
        await move.old.stop_listening()
        await move.advance(31)
        assert (move.state(), move.repairs()) == (STATE_UNAVAILABLE, set())
        await move.old.listen_again()
        await move.advance(31)
        assert move.state() == STATE_OFF

    await move.old.stop_listening()
    for _ in range(40):
        assert (await move.announce())["reason"] == "already_configured"
        await move.advance(31)
    assert not token_sent_to(move.new)
    assert move.repairs() == {"address_changed"}
    # It is offered for adding and for ignoring as little as for following.
    assert move.dialogs() == []
    assert move.hass.config_entries.async_entries(DOMAIN) == [move.entry]

    move.old.fault("503", count=None)
    await move.old.listen_again()
    await move.advance(31)
    assert move.repairs() == set()
    assert move.state() == STATE_UNAVAILABLE

    move.old.clear_faults()
    await move.advance(31)
    move.expect_healthy_at(move.old.url)
    assert not token_sent_to(move.new)


@pytest.mark.parametrize(("fault", "host"), [("502", NEW), ("refuse", OLD)])
async def test_a_server_that_answers_a_moment_later_has_not_moved(
    parked: Move, fault: str, host: str
) -> None:
    parked.expect_log("did not answer in time")
    await parked.set_up()
    plex = parked.old
    announced = parked.new if host == NEW else plex
    await announce(parked.hass, announced.port, host)
    plex.hangs = True
    for _ in range(200):
        plex.clear_faults()
        polls = [it for it in plex.requests if it.path == "/" and it.status is None]
        if plex.requests[-1] in polls and len(polls) % 3 == 0:
            # The third poll waits in vain; the next to ask is the look for the server.
            # A connection that was used before is tried once more.
            plex.fault(fault, path="/identity", count=2 if fault == "refuse" else 1)
        await parked.pass_by(5)
        assert parked.repairs() == set()
    assert parked.state() == STATE_UNAVAILABLE
    assert not token_sent_to(parked.new)

    plex.hangs = False
    plex.clear_faults()
    await parked.pass_by(50)
    parked.expect_healthy_at(plex.url)


async def test_an_announced_address_of_another_server_or_of_none_is_not_its(
    move: Move,
) -> None:
    await move.announce()
    ours, move.new.machine_identifier = move.new.machine_identifier, "another"
    # Nor is its own, which is dead.
    await announce(move.hass, move.old.port)
    await move.old.stop_listening()
    await move.outage()
    assert move.repairs() == set()

    move.new.machine_identifier = ours
    await move.advance(31)
    await move.confirm()


@pytest.mark.parametrize("ready", [True, False])
async def test_a_flood_of_announcements_only_hides_a_server_that_was_not_ready(
    move: Move, *, ready: bool
) -> None:
    if not ready:
        move.new.fault("503")
    await move.announce()
    for port in range(1, 60):
        await announce(move.hass, port)
    await move.old.stop_listening()
    await move.outage()
    assert move.repairs() == ({"address_changed"} if ready else set())

    await move.announce()
    await move.advance(31)
    await move.confirm()
