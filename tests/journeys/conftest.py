"""Servers that are at one address and then at another."""

from collections.abc import AsyncIterator
import ssl

import pytest
from pytest_socket import socket_allow_hosts

from tests.conftest import Home
from tests.journeys.journey import NEW, NOTHING_LISTENS, OLD, Journey, Move
from tests.simulator import ManualClock, SimulatedPlex


@pytest.fixture
def new_home(new_home: Home) -> Journey:
    return Journey(**vars(new_home))


@pytest.fixture
def tls() -> ssl.SSLContext | None:
    """Return the certificate of the server at its new address."""
    return None


@pytest.fixture
async def parked(new_home: Journey, tls: ssl.SSLContext | None) -> AsyncIterator[Move]:
    """Return a server with a new address; its entry is not set up yet."""
    socket_allow_hosts([OLD, NEW])
    async with SimulatedPlex(host=NEW, tls=tls, clock=ManualClock()) as new:
        yield Move(**vars(new_home), new=new)


@pytest.fixture
async def move(parked: Move) -> Move:
    """Return a server with a new address, which will be missed at its old one."""
    parked.expect_log(NOTHING_LISTENS)
    await parked.set_up()
    return parked
