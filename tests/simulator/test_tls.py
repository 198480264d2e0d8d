"""TLS: certificates, names, and plain http at the same port."""

from __future__ import annotations

import asyncio
import ssl

import aiohttp
from homeassistant.core import HomeAssistant
from homeassistant.helpers.aiohttp_client import async_get_clientsession
import pytest

from tests.simulator import (
    Names,
    PlainHttp,
    SecureConnections,
    SimulatedPlex,
    SimulatedPlexTv,
    plex_direct_name,
)
from tests.tls import Certificates, VerifyCode

from .client import NOTIFICATIONS, Client, identity_status
from .conftest import StartPlex

OTHER_HASH = "f" * 32


async def verify_code(session: aiohttp.ClientSession, url: str) -> int:
    """Return why a certificate was not accepted."""
    with pytest.raises(aiohttp.ClientConnectorCertificateError) as caught:
        await identity_status(session, url)
    error = caught.value.certificate_error
    assert isinstance(error, ssl.SSLCertVerificationError)
    return error.verify_code


async def test_home_assistant_trusts_the_authority_of_the_test(
    start_plex: StartPlex,
    home_session: aiohttp.ClientSession,
    certificates: Certificates,
    names: Names,
) -> None:
    plex = await start_plex(tls=certificates.right())
    assert plex.url.startswith("https://127.0.0.1:")
    assert await identity_status(home_session, plex.url) == 200
    assert await identity_status(home_session, plex.url_at("localhost")) == 200


async def test_home_assistant_does_not_trust_an_authority_that_it_was_not_given(
    hass: HomeAssistant, start_plex: StartPlex, certificates: Certificates
) -> None:
    plex = await start_plex(tls=certificates.right())
    session = async_get_clientsession(hass)
    assert await verify_code(session, plex.url) == VerifyCode.UNKNOWN_AUTHORITY


async def test_every_bad_certificate_is_bad_in_its_own_way(
    start_plex: StartPlex,
    hass: HomeAssistant,
    home_session: aiohttp.ClientSession,
    certificates: Certificates,
    names: Names,
) -> None:
    plex = await start_plex(tls=certificates.right())
    for context, code in (
        (certificates.expired(), VerifyCode.EXPIRED),
        (certificates.self_signed(), VerifyCode.SELF_SIGNED),
        (certificates.of_unknown_authority(), VerifyCode.UNKNOWN_AUTHORITY),
        (certificates.plex_direct(), VerifyCode.OTHER_ADDRESS),
    ):
        await plex.use_certificate(context)
        assert await verify_code(home_session, plex.url) == code
        careless = async_get_clientsession(hass, verify_ssl=False)
        async with careless.get(f"{plex.url}/identity") as response:
            assert response.status == 200


async def test_a_plex_direct_name_until_the_certificate_is_renamed(
    start_plex: StartPlex,
    home_session: aiohttp.ClientSession,
    certificates: Certificates,
    names: Names,
) -> None:
    plex = await start_plex(tls=certificates.plex_direct())
    url = plex.url_at(plex_direct_name("127.0.0.1"))
    assert await identity_status(home_session, url) == 200
    await plex.use_certificate(certificates.plex_direct(OTHER_HASH))
    assert await verify_code(home_session, url) == VerifyCode.OTHER_NAME
    renamed = plex.url_at(plex_direct_name("127.0.0.1", OTHER_HASH))
    assert await identity_status(home_session, renamed) == 200


async def test_another_certificate_cuts_off_who_is_connected(
    start_plex: StartPlex,
    home_session: aiohttp.ClientSession,
    certificates: Certificates,
) -> None:
    plex = await start_plex(tls=certificates.right())
    socket = await Client(plex, home_session).listen()
    await plex.use_certificate(certificates.right())
    message = await socket.receive(timeout=1)
    assert message.type is not aiohttp.WSMsgType.TEXT
    again = await Client(plex, home_session).listen()
    await again.close()


async def test_only_a_server_with_tls_has_a_certificate(
    plex: SimulatedPlex, certificates: Certificates
) -> None:
    with pytest.raises(TypeError):
        await plex.use_certificate(certificates.right())


async def test_plain_http_is_closed_without_an_answer_where_tls_is_required(
    start_plex: StartPlex,
    home_session: aiohttp.ClientSession,
    certificates: Certificates,
) -> None:
    plex = await start_plex(tls=certificates.right())
    plain = plex.url_at("127.0.0.1", scheme="http")
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await identity_status(home_session, plain)
    assert plex.requests == []
    assert await identity_status(home_session, plex.url) == 200
    plex.secure_connections = SecureConnections.PREFERRED
    assert await identity_status(home_session, plain) == 200
    assert await identity_status(home_session, plex.url) == 200


@pytest.mark.parametrize(
    ("way", "error"),
    [
        (PlainHttp.RESET, aiohttp.ClientOSError),
        (PlainHttp.ALERT, aiohttp.ClientResponseError),
    ],
)
async def test_plain_http_is_turned_away_in_other_ways_too(
    start_plex: StartPlex,
    home_session: aiohttp.ClientSession,
    certificates: Certificates,
    way: PlainHttp,
    error: type[Exception],
) -> None:
    plex = await start_plex(tls=certificates.right())
    plex.plain_http = way
    with pytest.raises(error):
        await identity_status(home_session, plex.url_at("127.0.0.1", scheme="http"))
    assert plex.turned_away[0].startswith("GET /identity HTTP/1.1")
    assert plex.requests == []


@pytest.mark.parametrize(
    ("way", "status", "leads"),
    [(PlainHttp.BAD_REQUEST, 400, False), (PlainHttp.REDIRECT, 301, True)],
)
async def test_plain_http_is_answered_as_proxies_do(
    start_plex: StartPlex,
    home_session: aiohttp.ClientSession,
    certificates: Certificates,
    way: PlainHttp,
    status: int,
    leads: bool,  # noqa: FBT001 pytest hands it over by name
) -> None:
    plex = await start_plex(tls=certificates.right())
    plex.plain_http = way
    plain = plex.url_at("127.0.0.1", scheme="http")
    async with home_session.get(f"{plain}/identity", allow_redirects=False) as answer:
        assert answer.status == status
        location = answer.headers.get("Location")
    assert location == (f"{plex.url}/identity" if leads else None)


async def test_a_server_without_tls_gives_no_handshake(
    plex: SimulatedPlex, home_session: aiohttp.ClientSession
) -> None:
    with pytest.raises(aiohttp.ClientConnectorSSLError):
        await identity_status(home_session, plex.url_at("127.0.0.1", scheme="https"))


async def test_a_server_with_tls_goes_away_and_comes_back(
    start_plex: StartPlex,
    home_session: aiohttp.ClientSession,
    certificates: Certificates,
) -> None:
    plex = await start_plex(tls=certificates.right())
    assert await identity_status(home_session, plex.url) == 200
    await plex.stop_listening()
    with pytest.raises(aiohttp.ClientConnectorError):
        await identity_status(home_session, plex.url)
    await plex.listen_again()
    assert await identity_status(home_session, plex.url) == 200


async def test_who_connects_and_says_nothing_is_sent_away_at_the_end(
    start_plex: StartPlex, certificates: Certificates
) -> None:
    plex = await start_plex(tls=certificates.right())
    reader, writer = await asyncio.open_connection("127.0.0.1", plex.port)
    await asyncio.sleep(0.01)
    await plex.stop_listening()
    assert await reader.read() == b""
    writer.close()


async def test_notifications_come_over_tls(
    start_plex: StartPlex,
    home_session: aiohttp.ClientSession,
    certificates: Certificates,
) -> None:
    plex = await start_plex(tls=certificates.right())
    socket = await Client(plex, home_session).listen()
    plex.noise.scan()
    message = await socket.receive(timeout=1)
    assert message.type is aiohttp.WSMsgType.TEXT
    await socket.close()
    assert plex.requests[-1].path == NOTIFICATIONS


async def test_the_real_address_of_plex_tv_leads_to_the_simulated_one(
    home_session: aiohttp.ClientSession, certificates: Certificates, names: Names
) -> None:
    async with SimulatedPlexTv(tls=certificates.named("plex.tv")) as tv:
        names.point("plex.tv", tv.port)
        async with home_session.get("https://plex.tv/api/v2/resources") as response:
            assert response.status == 400
    assert tv.requests[-1].headers["Host"] == "plex.tv"


async def test_other_clients_can_trust_the_authority_too(
    start_plex: StartPlex, session: aiohttp.ClientSession, certificates: Certificates
) -> None:
    plex = await start_plex(tls=certificates.right())
    context = certificates.client_context()
    async with session.get(f"{plex.url}/identity", ssl=context) as response:
        assert response.status == 200
