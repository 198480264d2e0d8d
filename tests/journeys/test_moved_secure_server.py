"""A server with TLS that got another address, and what its certificate proves."""

from freezegun.api import FrozenDateTimeFactory
from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import (
    CONF_URL,
    CONF_VERIFY_SSL,
    STATE_OFF,
)
from homeassistant.core import HomeAssistant
import pytest
from pytest_homeassistant_custom_component.common import (
    async_fire_time_changed,
)

from tests.conftest import settle, until
from tests.flows import announce, repairs
from tests.journeys.whereabouts import (
    ANOTHER_HASH,
    NEW,
    OLD,
    Pass,
    confirm,
    got_a_token,
    outage,
    secure_entry,
    state,
    state_of,
)
from tests.simulator import SecureConnections, SimulatedPlex, plex_direct_name
from tests.tls import Certificates


async def test_a_server_with_a_name_of_plexs_is_followed_by_itself(
    hass: HomeAssistant,
    secure: SimulatedPlex,
    secure_moved: SimulatedPlex,
    pass_time: Pass,
    expected_logs: list[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    expected_logs.append("Nothing listens at the address")
    entry = secure_entry(hass, secure)
    await hass.config_entries.async_setup(entry.entry_id)
    await settle(hass)
    await secure.stop_listening()
    await announce(hass, secure_moved.port, NEW)
    await outage(pass_time)

    assert entry.data[CONF_URL] == secure_moved.url_at(plex_direct_name(NEW))
    assert entry.data[CONF_VERIFY_SSL]
    assert state_of(entry) is ConfigEntryState.LOADED
    assert state(hass) == STATE_OFF
    assert repairs(hass) == {}


async def test_a_secure_server_that_moved_while_home_assistant_was_down_is_followed(
    hass: HomeAssistant,
    secure: SimulatedPlex,
    secure_moved: SimulatedPlex,
    pass_time: Pass,
) -> None:
    await secure.stop_listening()
    entry = secure_entry(hass, secure)
    await hass.config_entries.async_setup(entry.entry_id)
    # Discovery may come after set-up.
    await announce(hass, secure_moved.port, NEW)
    await outage(pass_time)

    assert entry.data[CONF_URL] == secure_moved.url_at(plex_direct_name(NEW))
    assert state_of(entry) is ConfigEntryState.LOADED


async def test_a_name_of_plexs_with_another_hash_is_not_followed(
    hass: HomeAssistant,
    secure: SimulatedPlex,
    secure_moved: SimulatedPlex,
    certificates: Certificates,
    pass_time: Pass,
    expected_logs: list[str],
) -> None:
    expected_logs.append("Nothing listens at the address")
    entry = secure_entry(hass, secure)
    before = entry.data[CONF_URL]
    await hass.config_entries.async_setup(entry.entry_id)
    await settle(hass)
    await secure_moved.use_certificate(certificates.plex_direct(ANOTHER_HASH))
    await secure.stop_listening()
    await announce(hass, secure_moved.port, NEW)
    await outage(pass_time)
    assert entry.data[CONF_URL] == before
    assert not got_a_token(secure_moved)

    # Where the old address leads to the renamed certificate, a repair says so.
    await secure.use_certificate(certificates.plex_direct(ANOTHER_HASH))
    await secure.listen_again()
    await outage(pass_time)
    assert repairs(hass).keys() == {"certificate_renamed"}

    await secure.use_certificate(certificates.plex_direct())
    await outage(pass_time)
    assert repairs(hass) == {}
    assert state(hass) == STATE_OFF


async def test_a_secure_server_without_verification_is_followed_by_a_person(
    hass: HomeAssistant,
    secure: SimulatedPlex,
    secure_moved: SimulatedPlex,
    pass_time: Pass,
    expected_logs: list[str],
) -> None:
    expected_logs.append("Nothing listens at the address")
    entry = secure_entry(hass, secure, url=secure.url, verify_ssl=False)
    await hass.config_entries.async_setup(entry.entry_id)
    await settle(hass)
    await secure.stop_listening()
    await announce(hass, secure_moved.port, NEW)
    await outage(pass_time)
    assert entry.data[CONF_URL] == secure.url
    assert not got_a_token(secure_moved)

    await confirm(hass)
    assert entry.data[CONF_URL] == secure_moved.url
    assert entry.data[CONF_VERIFY_SSL] is False
    assert state(hass) == STATE_OFF


async def test_a_secure_server_is_not_followed_to_plain_http(
    hass: HomeAssistant,
    secure: SimulatedPlex,
    secure_moved: SimulatedPlex,
    pass_time: Pass,
    expected_logs: list[str],
) -> None:
    expected_logs.append("Nothing listens at the address")
    secure_moved.secure_connections = SecureConnections.PREFERRED
    entry = secure_entry(hass, secure, url=secure.url, verify_ssl=False)
    await hass.config_entries.async_setup(entry.entry_id)
    await settle(hass)
    await secure.stop_listening()
    await announce(hass, secure_moved.port, NEW)
    await outage(pass_time)

    await confirm(hass)
    assert entry.data[CONF_URL] == secure_moved.url_at(NEW, scheme="https")
    assert state(hass) == STATE_OFF


async def test_a_name_that_somebody_chose_and_verifies_is_not_followed(
    hass: HomeAssistant,
    secure: SimulatedPlex,
    secure_moved: SimulatedPlex,
    certificates: Certificates,
    pass_time: Pass,
    expected_logs: list[str],
) -> None:
    expected_logs.append("Nothing listens at the address")
    await secure.use_certificate(certificates.right())
    entry = secure_entry(hass, secure, url=secure.url_at("localhost"))
    await hass.config_entries.async_setup(entry.entry_id)
    await settle(hass)
    await secure.stop_listening()
    await announce(hass, secure_moved.port, NEW)
    await outage(pass_time)
    assert repairs(hass) == {}
    assert entry.data[CONF_URL] == secure.url_at("localhost")

    await secure.listen_again()
    await outage(pass_time)
    assert state(hass) == STATE_OFF
    assert not got_a_token(secure_moved)


async def test_a_server_that_now_wants_to_be_secure_is_followed_to_https(
    hass: HomeAssistant,
    secure: SimulatedPlex,
    pass_time: Pass,
    expected_logs: list[str],
) -> None:
    expected_logs.append("hung up without an answer")
    secure.secure_connections = SecureConnections.PREFERRED
    plain = secure.url_at(OLD, scheme="http")
    entry = secure_entry(hass, secure, url=plain)
    await hass.config_entries.async_setup(entry.entry_id)
    await settle(hass)
    secure.secure_connections = SecureConnections.REQUIRED
    await announce(hass, secure.port)
    await outage(pass_time)
    assert entry.data[CONF_URL] == plain

    await confirm(hass)
    assert entry.data[CONF_URL] == secure.url
    assert entry.data[CONF_VERIFY_SSL] is False
    assert state(hass) == STATE_OFF


async def test_an_impostor_of_a_secure_server_gets_nothing_at_all(
    hass: HomeAssistant,
    secure: SimulatedPlex,
    secure_moved: SimulatedPlex,
    certificates: Certificates,
    pass_time: Pass,
    expected_logs: list[str],
) -> None:
    expected_logs.append("Nothing listens at the address")
    await secure_moved.use_certificate(certificates.self_signed())
    entry = secure_entry(hass, secure)
    before = entry.data[CONF_URL]
    await hass.config_entries.async_setup(entry.entry_id)
    await settle(hass)
    await secure.stop_listening()
    await announce(hass, secure_moved.port, NEW)
    await outage(pass_time)
    assert repairs(hass) == {}
    assert not got_a_token(secure_moved)

    await secure.listen_again()
    await outage(pass_time)
    assert entry.data[CONF_URL] == before
    assert state(hass) == STATE_OFF


async def test_an_address_that_was_entered_during_a_look_is_kept(
    hass: HomeAssistant,
    secure: SimulatedPlex,
    secure_moved: SimulatedPlex,
    pass_time: Pass,
    freezer: FrozenDateTimeFactory,
    expected_logs: list[str],
) -> None:
    expected_logs.append("Nothing listens at the address")
    entry = secure_entry(hass, secure)
    await hass.config_entries.async_setup(entry.entry_id)
    await settle(hass)
    await announce(hass, secure_moved.port, NEW)
    await secure.stop_listening()
    await pass_time(31)
    await pass_time(31)
    secure_moved.requests.clear()
    secure_moved.fault("slow", delay=1)
    freezer.tick(31)
    async_fire_time_changed(hass)
    await until(lambda: bool(secure_moved.requests))

    entered = secure.url_at("localhost")
    hass.config_entries.async_update_entry(
        entry, data={**entry.data, CONF_URL: entered}
    )
    freezer.tick(2)
    await settle(hass)
    assert entry.data[CONF_URL] == entered
