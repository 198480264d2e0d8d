"""A server that is where it was, whoever announces its identifier elsewhere."""

from freezegun.api import FrozenDateTimeFactory
from homeassistant.const import (
    CONF_URL,
    STATE_OFF,
    STATE_UNAVAILABLE,
)
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
)

from custom_components.plex_butler.const import DOMAIN
from tests.conftest import Advance
from tests.flows import announce, repairs
from tests.journeys.whereabouts import (
    NEW,
    OLD,
    confirm,
    got_a_token,
    outage,
    pass_by,
    state,
)
from tests.simulator import SimulatedPlex


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("502", "answered 502"),
        ("503", "starting or migrating"),
        ("401", "was refused before it came to the token"),
        ("403", "was refused before it came to the token"),
        ("404", "answered 404"),
        ("garbage", "not JSON"),
        ("wrong-shape", "cannot be used"),
        ("redirect", "answered 302"),
    ],
)
async def test_whoever_repeats_the_identifier_gets_nothing_while_the_old_address_answers(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    moved: SimulatedPlex,
    loaded: MockConfigEntry,
    advance: Advance,
    expected_logs: list[str],
    fault: str,
    words: str,
) -> None:
    expected_logs.append(words)
    plex.fault(fault, count=None)
    for _ in range(20):
        result = await announce(hass, moved.port, NEW)
        assert result["reason"] == "already_configured"
        await advance(31)
    assert not got_a_token(moved)
    assert "address_changed" not in repairs(hass)
    assert loaded.data[CONF_URL] == plex.url


async def test_an_impostor_gets_no_token_unless_a_person_lets_it(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    moved: SimulatedPlex,
    loaded: MockConfigEntry,
    advance: Advance,
    expected_logs: list[str],
) -> None:
    expected_logs.append("Nothing listens at the address")
    await announce(hass, moved.port, NEW)
    await plex.stop_listening()
    for _ in range(40):
        await announce(hass, moved.port, NEW)
        await advance(31)
    assert not got_a_token(moved)
    assert repairs(hass).keys() == {"address_changed"}
    assert hass.config_entries.flow.async_progress() == []

    plex.fault("503", count=None)
    await plex.listen_again()
    await advance(31)
    assert repairs(hass) == {}
    assert state(hass) == STATE_UNAVAILABLE

    plex.clear_faults()
    await advance(31)
    assert repairs(hass) == {}
    assert state(hass) == STATE_OFF
    assert loaded.data[CONF_URL] == plex.url
    assert not got_a_token(moved)


async def test_a_server_that_is_busy_is_not_taken_for_one_that_moved(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    moved: SimulatedPlex,
    loaded: MockConfigEntry,
    advance: Advance,
    expected_logs: list[str],
) -> None:
    expected_logs.append("hung up")
    # It is let down where it works, and answers who it is.
    plex.fault("refuse", count=None, path="/activities")
    plex.fault("refuse", count=None, path="/butler")
    await announce(hass, moved.port, NEW)
    await outage(advance, 5)
    assert repairs(hass) == {}
    assert not got_a_token(moved)

    plex.clear_faults()
    await advance(31)
    assert state(hass) == STATE_OFF


async def test_one_failed_poll_is_no_move(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    moved: SimulatedPlex,
    loaded: MockConfigEntry,
    advance: Advance,
    expected_logs: list[str],
) -> None:
    expected_logs.append("Nothing listens at the address")
    await announce(hass, moved.port, NEW)
    for _ in range(5):
        await plex.stop_listening()
        await advance(31)
        assert state(hass) == STATE_UNAVAILABLE
        assert repairs(hass) == {}
        await plex.listen_again()
        await advance(31)
        assert state(hass) == STATE_OFF


@pytest.mark.parametrize(("fault", "host"), [("502", NEW), ("refuse", OLD)])
async def test_a_server_that_answers_a_moment_later_has_not_moved(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    moved: SimulatedPlex,
    loaded: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
    expected_logs: list[str],
    fault: str,
    host: str,
) -> None:
    expected_logs.append("did not answer in time")
    await announce(hass, moved.port if host == NEW else plex.port, host)
    plex.hangs = True
    for _ in range(200):
        plex.clear_faults()
        polls = [it for it in plex.requests if it.path == "/" and it.status is None]
        if plex.requests[-1] in polls and len(polls) % 3 == 0:
            # The third poll waits in vain; the next to ask is the look for the server.
            # A connection that was used before is tried once more.
            plex.fault(fault, path="/identity", count=2 if fault == "refuse" else 1)
        await pass_by(freezer, 5)
        assert repairs(hass) == {}
    assert state(hass) == STATE_UNAVAILABLE
    assert not got_a_token(moved)

    plex.hangs = False
    plex.clear_faults()
    for _ in range(10):
        await pass_by(freezer, 5)
    assert state(hass) == STATE_OFF


async def test_an_announced_address_that_another_server_has_got_is_not_its_own(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    moved: SimulatedPlex,
    loaded: MockConfigEntry,
    advance: Advance,
    expected_logs: list[str],
) -> None:
    expected_logs.append("Nothing listens at the address")
    await announce(hass, moved.port, NEW)
    ours = moved.machine_identifier
    moved.machine_identifier = "another"
    await plex.stop_listening()
    await outage(advance)
    assert repairs(hass) == {}

    moved.machine_identifier = ours
    await advance(31)
    await confirm(hass)
    assert state(hass) == STATE_OFF


async def test_the_announcement_of_its_own_dead_address_changes_nothing(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    loaded: MockConfigEntry,
    advance: Advance,
    expected_logs: list[str],
) -> None:
    expected_logs.append("Nothing listens at the address")
    await announce(hass, plex.port)
    await plex.stop_listening()
    await outage(advance)
    assert repairs(hass) == {}

    await plex.listen_again()
    await advance(31)
    assert state(hass) == STATE_OFF


@pytest.mark.parametrize("ready", [True, False])
async def test_a_flood_of_announcements_only_hides_a_server_that_was_not_ready(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    moved: SimulatedPlex,
    loaded: MockConfigEntry,
    advance: Advance,
    expected_logs: list[str],
    ready: bool,  # noqa: FBT001 pytest hands it over by name
) -> None:
    expected_logs.append("Nothing listens at the address")
    if not ready:
        moved.fault("503")
    await announce(hass, moved.port, NEW)
    for port in range(1, 60):
        await announce(hass, port)
    await plex.stop_listening()
    await outage(advance)
    assert repairs(hass).keys() == ({"address_changed"} if ready else set())

    await announce(hass, moved.port, NEW)
    await advance(31)
    await confirm(hass)
    assert state(hass) == STATE_OFF


async def test_a_known_server_is_never_offered_for_ignoring(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    moved: SimulatedPlex,
    loaded: MockConfigEntry,
    advance: Advance,
    expected_logs: list[str],
) -> None:
    expected_logs.append("Nothing listens at the address")
    await plex.stop_listening()
    for _ in range(4):
        result = await announce(hass, moved.port, NEW)
        assert result["type"] is FlowResultType.ABORT
        assert result["reason"] == "already_configured"
        await advance(31)
    assert hass.config_entries.flow.async_progress() == []
    assert hass.config_entries.async_entries(DOMAIN) == [loaded]

    await confirm(hass)
    assert state(hass) == STATE_OFF
