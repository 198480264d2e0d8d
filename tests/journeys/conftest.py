"""Servers that are at one address and then at another."""

from collections.abc import AsyncIterator

from freezegun.api import FrozenDateTimeFactory
from homeassistant.const import CONF_URL
from homeassistant.core import HomeAssistant
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_socket import socket_allow_hosts

from tests.conftest import Advance, add_entry, settle
from tests.journeys.whereabouts import (
    ANOTHER_HASH,
    NEW,
    NOTHING_LISTENS,
    OLD,
    Move,
    Pass,
)
from tests.simulator import (
    CERT_HASH,
    ManualClock,
    Names,
    SimulatedPlex,
    plex_direct_name,
)
from tests.tls import Certificates


@pytest.fixture
async def moved(plex: SimulatedPlex) -> AsyncIterator[SimulatedPlex]:
    """Return the server of the entry, at its new address."""
    socket_allow_hosts([OLD, NEW])
    async with SimulatedPlex(host=NEW, clock=ManualClock()) as moved:
        assert moved.machine_identifier == plex.machine_identifier
        yield moved


@pytest.fixture
def parked(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    moved: SimulatedPlex,
    entry: MockConfigEntry,
    advance: Advance,
) -> Move:
    """Return the server of an entry that is not set up yet."""
    return Move(hass, plex, moved, entry, advance)


@pytest.fixture
async def move(parked: Move, expected_logs: list[str]) -> Move:
    """Return the server of an entry, which will be missed at its address."""
    expected_logs.append(NOTHING_LISTENS)
    await parked.set_up()
    return parked


@pytest.fixture
async def secure(
    socket_enabled: None, certificates: Certificates, names: Names
) -> AsyncIterator[SimulatedPlex]:
    """Return a server with a certificate of Plex's."""
    async with SimulatedPlex(
        tls=certificates.plex_direct(), clock=ManualClock()
    ) as plex:
        yield plex


@pytest.fixture
async def secure_moved(
    secure: SimulatedPlex, certificates: Certificates, names: Names
) -> AsyncIterator[SimulatedPlex]:
    """Return the secure server at its new address, where its name leads."""
    socket_allow_hosts([OLD, NEW])
    for cert_hash in (CERT_HASH, ANOTHER_HASH):
        names.point(plex_direct_name(NEW, cert_hash), address=NEW)
    async with SimulatedPlex(
        host=NEW, tls=certificates.plex_direct(), clock=ManualClock()
    ) as moved:
        yield moved


@pytest.fixture
def pass_time(
    hass: HomeAssistant, secure: SimulatedPlex, freezer: FrozenDateTimeFactory
) -> Pass:
    """Return what moves time where the server is a secure one."""

    async def move(seconds: float) -> None:
        freezer.tick(seconds)
        await secure.advance(seconds)
        await settle(hass)

    return move


@pytest.fixture
def secure_move(
    hass: HomeAssistant,
    secure: SimulatedPlex,
    secure_moved: SimulatedPlex,
    pass_time: Pass,
) -> Move:
    """Return a secure server, and an entry as signing in makes it."""
    entry = add_entry(hass, secure)
    url = secure.url_at(plex_direct_name(OLD))
    hass.config_entries.async_update_entry(entry, data={**entry.data, CONF_URL: url})
    return Move(hass, secure, secure_moved, entry, pass_time)
