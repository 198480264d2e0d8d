"""plex.tv: PINs, what an account has, and what goes wrong there."""

from __future__ import annotations

import aiohttp
import pytest

from tests.simulator import ManualClock, SimulatedPlex, SimulatedPlexTv

from .conftest import PINS, RESOURCES, TvClient, from_xml


async def test_a_new_pin_has_a_long_code_and_no_token(
    tv: SimulatedPlexTv, tv_client: TvClient
) -> None:
    status, _, pin = await tv_client.ask("POST", PINS)
    assert (status, len(pin["code"]), pin["authToken"]) == (201, 25, None)
    assert (pin["expiresIn"], pin["product"]) == (900, "Product")
    assert pin["clientIdentifier"] == "client-1"
    assert tv.pins[-1].id == pin["id"]
    assert len((await tv_client.ask("POST", "/api/v2/pins"))[2]["code"]) == 4
    for header in ("X-Plex-Client-Identifier", "X-Plex-Product"):
        status, text, _ = await tv_client.ask("POST", PINS, without=header)
        assert (status, f"{header} is missing" in text) == (400, True)


async def test_a_linked_pin_gives_the_accounts_token_to_its_client_only(
    tv: SimulatedPlexTv, tv_client: TvClient
) -> None:
    pin = (await tv_client.ask("POST", PINS))[2]
    path = f"/api/v2/pins/{pin['id']}"
    assert (await tv_client.ask("GET", path))[2]["authToken"] is None
    tv.link()
    assert (await tv_client.ask("GET", path))[2]["authToken"] == tv.token
    other = {"X_Plex_Client_Identifier": "other"}
    assert (await tv_client.ask("GET", path, **other))[0] == 404
    tv.expire()
    assert (await tv_client.ask("GET", path))[0] == 404


async def test_a_pin_lives_for_a_quarter_of_an_hour(
    session: aiohttp.ClientSession,
) -> None:
    clock = ManualClock()
    async with SimulatedPlexTv(clock=clock) as tv:
        tv_client = TvClient(tv, session)
        path = f"/api/v2/pins/{(await tv_client.ask('POST', PINS))[2]['id']}"
        clock.move_to(clock.now() + 899)
        assert (await tv_client.ask("GET", path))[2]["expiresIn"] == 1
        clock.move_to(clock.now() + 1)
        assert (await tv_client.ask("GET", path))[0] == 404


async def test_resources_are_servers_and_players_each_with_a_token_of_its_own(
    tv: SimulatedPlexTv, tv_client: TvClient, plex: SimulatedPlex
) -> None:
    assert await tv_client.resources() == []
    tv.add_server(plex)
    tv.add_server(plex, owned=False)
    tv.add_player()
    own, shared, player = listed = await tv_client.resources()
    assert (own["provides"], own["owned"]) == ("server", True)
    assert own["clientIdentifier"] == plex.machine_identifier
    assert (shared["owned"], shared["accessToken"]) == (False, plex.shared_token)
    assert (own["accessToken"], player["provides"]) == (plex.token, "client,player")
    assert tv.token not in {one["accessToken"] for one in listed}
    # The account's token counts in the header only, and a server's own does not.
    for path, token in (
        (RESOURCES, ""),
        (RESOURCES, plex.token),
        (f"{RESOURCES}&X-Plex-Token={tv.token}", ""),
    ):
        assert (await tv_client.ask("GET", path, X_Plex_Token=token))[0] == 401


async def test_the_ways_to_a_server_are_of_all_kinds(
    tv: SimulatedPlexTv, tv_client: TvClient, plex: SimulatedPlex
) -> None:
    tv.add_server(plex)
    (own,) = await tv_client.resources()
    ways = own["connections"]
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
    # https and IPv6 are for those who ask.
    (own,) = await tv_client.resources("/api/v2/resources")
    assert {it["protocol"] for it in own["connections"]} == {"http"}
    assert not any(it["IPv6"] for it in own["connections"])


async def test_without_a_wish_for_json_everything_is_xml(
    tv: SimulatedPlexTv, tv_client: TvClient, plex: SimulatedPlex
) -> None:
    tv.add_server(plex)
    token = {"Accept": "*/*", "X_Plex_Token": tv.token}
    pin, root, errors = (
        from_xml(text)
        for _, text, _ in (
            await tv_client.ask("POST", PINS, Accept="*/*"),
            await tv_client.ask("GET", RESOURCES, **token),
            await tv_client.ask("GET", RESOURCES, Accept="*/*"),
        )
    )
    assert (pin.tag, pin.attrib["authToken"]) == ("pin", "")
    assert len(root.findall("resource/connections/connection")) == 5
    assert (errors[0].tag, errors[0].attrib["code"]) == ("error", "1001")


async def test_what_goes_wrong_passes(tv: SimulatedPlexTv, tv_client: TvClient) -> None:
    for path in ("/", "/api/v2/pins/", "/api/v2/pins/abc", "/pins", "/api/v2/users"):
        assert (await tv_client.ask("GET", path))[0] == 404
    for method, path in (("GET", PINS), ("POST", RESOURCES)):
        assert (await tv_client.ask(method, path))[0] == 405
    for name in ("429", "500", "503"):
        tv.fault(name, path="/api/v2/pins")
        assert (await tv_client.ask("POST", PINS))[0] == int(name)
        assert (await tv_client.ask("POST", PINS))[0] == 201
    tv.fault("refuse")
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await tv_client.ask("POST", PINS)
    tv.fault("garbage")
    assert "json or= xml" in (await tv_client.ask("GET", RESOURCES))[1]
    with pytest.raises(ValueError, match="half-open"):
        tv.fault("half-open")
    await tv.stop_listening()
    with pytest.raises(aiohttp.ClientOSError):
        await tv_client.ask("POST", PINS)
    await tv.listen_again()
    tv.fault("slow", delay=0.05)
    assert (await tv_client.ask("POST", PINS))[0] == 201
    request = tv.requests[-1]
    asked = (request.method, request.path, request.status)
    assert asked == ("POST", "/api/v2/pins", 201)
    assert request.headers["x-plex-product"] == "Product"
