"""Names: which lead to a server and which do not."""

from __future__ import annotations

import aiohttp
import pytest

from tests.simulator import CERT_HASH, Names, SimulatedPlex, plex_direct_name

from .client import identity_status


async def test_names_that_nobody_knows_do_not_resolve(
    home_session: aiohttp.ClientSession, names: Names
) -> None:
    with pytest.raises(aiohttp.ClientConnectorDNSError):
        await identity_status(home_session, "http://attic.example")
    assert names.asked == ["attic.example"]


async def test_a_name_can_be_known_and_forgotten(
    plex: SimulatedPlex, home_session: aiohttp.ClientSession, names: Names
) -> None:
    names.point("attic.example", plex.port)
    assert await identity_status(home_session, "http://attic.example") == 200
    names.forget("attic.example")
    await plex.stop_listening()
    assert isinstance(home_session.connector, aiohttp.TCPConnector)
    home_session.connector.clear_dns_cache()
    with pytest.raises(aiohttp.ClientConnectorDNSError):
        await identity_status(home_session, "http://attic.example")


async def test_rebinding_protection_hides_names_of_the_home(
    home_session: aiohttp.ClientSession, names: Names
) -> None:
    names.rebinding_protection = True
    for address in ("127.0.0.1", "192.168.1.5"):
        with pytest.raises(aiohttp.ClientConnectorDNSError):
            await identity_status(home_session, f"https://{plex_direct_name(address)}")


async def test_other_addresses_in_names_of_plex_refuse(
    home_session: aiohttp.ClientSession, names: Names
) -> None:
    for name in (
        plex_direct_name("203.0.113.7"),
        f"2001-db8-0-0-0-0-0-7.{CERT_HASH}.plex.direct",
    ):
        with pytest.raises(aiohttp.ClientConnectorError) as caught:
            await identity_status(home_session, f"https://{name}:32400")
        assert isinstance(caught.value.os_error, ConnectionRefusedError)
