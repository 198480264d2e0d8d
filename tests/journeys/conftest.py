"""Servers that are at one address and then at another."""

from collections.abc import AsyncIterator

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_socket import socket_allow_hosts

from tests.conftest import add_entry
from tests.journeys.journey import (
    ANOTHER_HASH,
    NEW,
    NOTHING_LISTENS,
    OLD,
    Journey,
    Move,
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
def new_home(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    entry: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
    expected_logs: list[str],
    caplog: pytest.LogCaptureFixture,
) -> Journey:
    return Journey(hass, plex, entry, freezer, expected_logs, caplog)


@pytest.fixture
async def parked(new_home: Journey) -> AsyncIterator[Move]:
    """Return a server with a new address; its entry is not set up yet."""
    socket_allow_hosts([OLD, NEW])
    async with SimulatedPlex(host=NEW, clock=ManualClock()) as new:
        assert new.machine_identifier == new_home.plex.machine_identifier
        yield Move(**vars(new_home), new=new)


@pytest.fixture
async def move(parked: Move) -> Move:
    """Return a server with a new address, which will be missed at its old one."""
    parked.expected_logs.append(NOTHING_LISTENS)
    await parked.set_up()
    return parked


@pytest.fixture
def secure_home(
    hass: HomeAssistant,
    secure: SimulatedPlex,
    freezer: FrozenDateTimeFactory,
    expected_logs: list[str],
    caplog: pytest.LogCaptureFixture,
) -> Journey:
    """Return a secure server; its entry is not set up yet."""
    entry = add_entry(hass, secure)
    return Journey(hass, secure, entry, freezer, expected_logs, caplog)


@pytest.fixture
async def secure_move(
    secure_home: Journey, certificates: Certificates, names: Names
) -> AsyncIterator[Move]:
    """Return a secure server with a new address, and an entry as signing in makes it."""
    socket_allow_hosts([OLD, NEW])
    for cert_hash in (CERT_HASH, ANOTHER_HASH):
        names.point(plex_direct_name(NEW, cert_hash), address=NEW)
    secure_home.update(url=secure_home.plex.url_at(plex_direct_name(OLD)))
    tls = certificates.plex_direct()
    async with SimulatedPlex(host=NEW, tls=tls, clock=ManualClock()) as new:
        yield Move(**vars(secure_home), new=new)
