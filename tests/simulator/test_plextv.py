"""plex.tv: PINs, what an account has, and who is refused."""

from collections.abc import AsyncIterator

import aiohttp
import pytest

from tests import simulator as sim

from .conftest import ask, listed

PINS = "/api/v2/pins?strong=true"
RESOURCES = "/api/v2/resources?includeHttps=1&includeIPv6=1"


@pytest.fixture
async def client(tv: sim.SimulatedPlexTv) -> AsyncIterator[aiohttp.ClientSession]:
    """Return a client of plex.tv."""
    names = {"X-Plex-Client-Identifier": "client-1", "X-Plex-Product": "Product"}
    headers = {"Accept": "application/json", **names}
    async with aiohttp.ClientSession(tv.url, headers=headers) as client:
        yield client


async def test_a_pin_is_long_if_asked_and_knows_its_client_alone(
    tv: sim.SimulatedPlexTv, client: aiohttp.ClientSession
) -> None:
    assert len((await listed(client, "/api/v2/pins", "POST"))["code"]) == 4
    pin = await listed(client, PINS, "POST")
    assert (len(pin["code"]), pin["authToken"], pin["expiresIn"]) == (25, None, 900)
    for header in ("X_Plex_Client_Identifier", "X_Plex_Product"):
        code, _, text = await ask(client, "POST", PINS, **{header: ""})
        missing = f"{header.replace('_', '-')} is missing"
        assert (code, missing in text) == (400, True)

    path = f"/api/v2/pins/{pin['id']}"
    assert (await listed(client, path))["authToken"] is None
    tv.link()
    assert (await listed(client, path))["authToken"] == tv.token
    assert (await ask(client, "GET", path, X_Plex_Client_Identifier="other"))[0] == 404
    tv.expire()
    assert (await ask(client, "GET", path))[0] == 404


async def test_resources_have_tokens_of_their_own_and_want_the_accounts_in_the_header(
    tv: sim.SimulatedPlexTv, client: aiohttp.ClientSession, plex: sim.SimulatedPlex
) -> None:
    tv.add_server(plex)
    tv.add_server(plex, owned=False)
    tv.add_player()
    resources = await listed(client, RESOURCES, X_Plex_Token=tv.token)
    tokens = [it["accessToken"] for it in resources]
    assert tokens[:2] == [plex.token, plex.shared_token]
    assert tv.token not in tokens
    kinds = [(it["provides"], it["owned"]) for it in resources]
    assert kinds == [("server", True), ("server", False), ("client,player", True)]
    in_address = f"{RESOURCES}&X-Plex-Token={tv.token}"
    for path, token in ((RESOURCES, plex.token), (in_address, "")):
        assert (await ask(client, "GET", path, X_Plex_Token=token))[0] == 401


async def test_the_ways_to_a_server_are_of_all_kinds_if_they_are_asked_for(
    tv: sim.SimulatedPlexTv, client: aiohttp.ClientSession, plex: sim.SimulatedPlex
) -> None:
    tv.add_server(plex)
    token = {"X_Plex_Token": tv.token}
    ways = (await listed(client, RESOURCES, **token))[0]["connections"]
    assert [(it["protocol"], it["local"], it["relay"], it["IPv6"]) for it in ways] == [
        ("https", False, True, False),
        ("https", False, False, True),
        ("https", False, False, False),
        ("http", True, False, False),
        ("https", True, False, False),
    ]
    assert ways[-1]["uri"].startswith("https://127-0-0-1.")
    assert ways[-1]["uri"].endswith(f".plex.direct:{plex.port}")
    assert ways[-2]["uri"] == plex.url
    text = (await ask(client, "GET", RESOURCES, Accept="*/*", **token))[2]
    assert text.count("<connection ") == 5
    ways = (await listed(client, "/api/v2/resources", **token))[0]["connections"]
    assert {(it["protocol"], it["IPv6"]) for it in ways} == {("http", False)}
