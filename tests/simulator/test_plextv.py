"""plex.tv: PINs, what an account has, and what goes wrong there."""

from __future__ import annotations

import asyncio
from xml.etree import ElementTree as ET

import aiohttp
import pytest

from tests.simulator import ManualClock, SimulatedPlex, SimulatedPlexTv

from .tv_client import PINS, RESOURCES, TvClient


async def test_a_new_pin_has_a_long_code_and_no_token(
    tv: SimulatedPlexTv, tv_client: TvClient
) -> None:
    assert await tv_client.status("POST", PINS) == 201
    pin = await tv_client.json("POST", PINS)
    assert len(pin["code"]) == 25
    assert pin["authToken"] is None
    assert pin["expiresIn"] == 900
    assert pin["clientIdentifier"] == "client-1"
    assert pin["product"] == "Product"
    assert tv.pins[-1].id == pin["id"]


async def test_a_pin_that_is_not_strong_has_four_characters(
    tv_client: TvClient,
) -> None:
    assert len((await tv_client.json("POST", "/api/v2/pins"))["code"]) == 4


@pytest.mark.parametrize("header", ["X-Plex-Client-Identifier", "X-Plex-Product"])
async def test_a_pin_is_made_only_for_a_client_that_says_what_it_is(
    tv_client: TvClient, header: str
) -> None:
    status, text = await tv_client.ask("POST", PINS, without=header)
    assert status == 400
    assert f"{header} is missing" in text


@pytest.mark.parametrize("key", ["id", "code", None])
async def test_a_linked_pin_gives_the_accounts_token_to_its_client_only(
    tv: SimulatedPlexTv, tv_client: TvClient, key: str | None
) -> None:
    pin = await tv_client.json("POST", PINS)
    path = f"/api/v2/pins/{pin['id']}"
    assert (await tv_client.json("GET", path))["authToken"] is None
    tv.link(pin[key] if key else None)
    assert (await tv_client.json("GET", path))["authToken"] == tv.token
    assert await tv_client.status("GET", path, X_Plex_Client_Identifier="other") == 404


async def test_a_pin_expires_with_time_or_when_a_test_says_so(
    tv_client: TvClient, tv: SimulatedPlexTv
) -> None:
    pin = await tv_client.json("POST", PINS)
    tv.expire()
    assert await tv_client.status("GET", f"/api/v2/pins/{pin['id']}") == 404
    with pytest.raises(LookupError):
        tv.link(pin["code"])


async def test_a_pin_lives_for_a_quarter_of_an_hour(
    session: aiohttp.ClientSession,
) -> None:
    clock = ManualClock()
    async with SimulatedPlexTv(clock=clock) as tv:
        tv_client = TvClient(tv, session)
        path = f"/api/v2/pins/{(await tv_client.json('POST', PINS))['id']}"
        clock.move_to(clock.now() + 899)
        assert (await tv_client.json("GET", path))["expiresIn"] == 1
        clock.move_to(clock.now() + 1)
        assert await tv_client.status("GET", path) == 404


async def test_resources_need_the_accounts_token_in_the_header(
    tv: SimulatedPlexTv, tv_client: TvClient, plex: SimulatedPlex
) -> None:
    tv.add_server(plex)
    assert await tv_client.status("GET", RESOURCES) == 401
    assert await tv_client.status("GET", f"{RESOURCES}&X-Plex-Token={tv.token}") == 401
    assert await tv_client.status("GET", RESOURCES, X_Plex_Token=plex.token) == 401
    assert await tv_client.status("GET", RESOURCES, X_Plex_Token=tv.token) == 200


async def test_resources_are_servers_and_players_each_with_a_token_of_its_own(
    tv: SimulatedPlexTv, tv_client: TvClient, plex: SimulatedPlex
) -> None:
    assert await tv_client.json("GET", RESOURCES, X_Plex_Token=tv.token) == []
    tv.add_server(plex)
    tv.add_server(plex, owned=False)
    tv.add_player()
    listed = await tv_client.json("GET", RESOURCES, X_Plex_Token=tv.token)
    own, shared, player = listed
    assert (own["provides"], own["owned"], own["accessToken"]) == (
        "server",
        True,
        plex.token,
    )
    assert own["clientIdentifier"] == plex.machine_identifier
    assert (shared["owned"], shared["accessToken"]) == (False, plex.shared_token)
    assert player["provides"] == "client,player"
    assert tv.token not in {one["accessToken"] for one in listed}


async def test_the_ways_to_a_server_are_of_all_kinds(
    tv: SimulatedPlexTv, tv_client: TvClient, plex: SimulatedPlex
) -> None:
    tv.add_server(plex)
    ((own,)) = await tv_client.json("GET", RESOURCES, X_Plex_Token=tv.token)
    ways = [
        (way["protocol"], way["local"], way["relay"], way["IPv6"])
        for way in own["connections"]
    ]
    assert ways == [
        ("https", False, True, False),
        ("https", False, False, True),
        ("https", False, False, False),
        ("http", True, False, False),
        ("https", True, False, False),
    ]
    uris = [way["uri"] for way in own["connections"]]
    assert uris[-1].startswith("https://127-0-0-1.")
    assert uris[-1].endswith(f".plex.direct:{plex.port}")
    assert uris[-2] == plex.url


async def test_https_and_ipv6_are_for_those_who_ask(
    tv: SimulatedPlexTv, tv_client: TvClient, plex: SimulatedPlex
) -> None:
    tv.add_server(plex)
    ((own,)) = await tv_client.json("GET", "/api/v2/resources", X_Plex_Token=tv.token)
    assert {way["protocol"] for way in own["connections"]} == {"http"}
    assert not any(way["IPv6"] for way in own["connections"])


async def test_unknown_paths_and_methods_are_refused(tv_client: TvClient) -> None:
    for path in ("/", "/api/v2/pins/", "/api/v2/pins/abc", "/pins", "/api/v2/users"):
        assert await tv_client.status("GET", path) == 404
    assert await tv_client.status("GET", PINS) == 405
    assert await tv_client.status("POST", RESOURCES) == 405


async def test_without_a_wish_for_json_everything_is_xml(
    tv: SimulatedPlexTv, tv_client: TvClient, plex: SimulatedPlex
) -> None:
    _, text = await tv_client.ask("POST", PINS, Accept="*/*")
    pin = ET.fromstring(text)  # noqa: S314 - our own server wrote it
    assert (pin.tag, pin.attrib["authToken"]) == ("pin", "")
    tv.add_server(plex)
    _, text = await tv_client.ask(
        "GET", RESOURCES, Accept="text/xml", X_Plex_Token=tv.token
    )
    root = ET.fromstring(text)  # noqa: S314 - our own server wrote it
    assert len(root.findall("resource/connections/connection")) == 5
    status, text = await tv_client.ask("GET", RESOURCES, Accept="*/*")
    error = ET.fromstring(text)[0]  # noqa: S314 - our own server wrote it
    assert (status, error.tag, error.attrib["code"]) == (401, "error", "1001")


@pytest.mark.parametrize("name", ["429", "500", "503"])
async def test_a_status_fault_passes(
    tv: SimulatedPlexTv, tv_client: TvClient, name: str
) -> None:
    tv.fault(name, path="/api/v2/pins")
    assert await tv_client.status("POST", PINS) == int(name)
    assert await tv_client.status("POST", PINS) == 201


async def test_the_other_faults(tv: SimulatedPlexTv, tv_client: TvClient) -> None:
    tv.fault("refuse")
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await tv_client.ask("POST", PINS)
    tv.fault("garbage")
    assert "json or= xml" in (await tv_client.ask("GET", RESOURCES))[1]
    tv.fault("slow", delay=0.2)
    asking = asyncio.create_task(tv_client.status("POST", PINS))
    done, _ = await asyncio.wait([asking], timeout=0.05)
    assert not done
    assert await asking == 201
    tv.fault("500", count=None)
    tv.clear_faults()
    assert await tv_client.status("POST", PINS) == 201
    with pytest.raises(ValueError, match="half-open"):
        tv.fault("half-open")


async def test_it_can_be_away_and_come_back(
    tv: SimulatedPlexTv, tv_client: TvClient
) -> None:
    await tv.stop_listening()
    with pytest.raises(aiohttp.ClientConnectorError):
        await tv_client.ask("POST", PINS)
    await tv.listen_again()
    assert await tv_client.status("POST", PINS) == 201


async def test_it_remembers_what_was_asked(
    tv: SimulatedPlexTv, tv_client: TvClient
) -> None:
    await tv_client.ask("POST", PINS)
    (request,) = tv.requests
    assert (request.method, request.path, request.status) == (
        "POST",
        "/api/v2/pins",
        201,
    )
    assert request.headers["x-plex-product"] == "Product"
