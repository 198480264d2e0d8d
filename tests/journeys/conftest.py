"""Servers that are at one address and then at another."""

from collections.abc import AsyncIterator

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant
import pytest
from pytest_socket import socket_allow_hosts

from tests.conftest import settle
from tests.journeys.whereabouts import (
    ANOTHER_HASH,
    NEW,
    OLD,
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
async def elsewhere(plex: SimulatedPlex) -> AsyncIterator[SimulatedPlex]:
    """Return the server of the entry, at its old address but another port."""
    async with SimulatedPlex(clock=ManualClock()) as moved:
        yield moved


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
