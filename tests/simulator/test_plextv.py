"""plex.tv: PINs, what an account has, and who is refused."""

from __future__ import annotations

import aiohttp
import pytest

from tests.simulator import ManualClock, SimulatedPlex, SimulatedPlexTv

from .conftest import PINS, RESOURCES, TvClient, from_xml


async def test_a_new_pin_has_a_long_code_and_wants_to_know_its_client(
    tv_client: TvClient,
) -> None:
    pin = await tv_client.json(PINS, "POST")
    assert (len(pin["code"]), pin["authToken"], pin["expiresIn"]) == (25, None, 900)
    assert (pin["clientIdentifier"], pin["product"]) == ("client-1", "Product")
    assert len((await tv_client.json("/api/v2/pins", "POST"))["code"]) == 4
    for header in ("X_Plex_Client_Identifier", "X_Plex_Product"):
        status, _, text = await tv_client.ask("POST", PINS, **{header: None})
        missing = f"{header.replace('_', '-')} is missing"
        assert (status, missing in text) == (400, True)


async def test_a_pin_gives_the_token_to_its_client_for_a_quarter_of_an_hour(
    session: aiohttp.ClientSession,
) -> None:
    clock = ManualClock()
    async with SimulatedPlexTv(clock=clock) as tv:
        tv_client = TvClient(tv, session)
        path = f"/api/v2/pins/{(await tv_client.json(PINS, 'POST'))['id']}"
        assert (await tv_client.json(path))["authToken"] is None
        tv.link()
        clock.move_to(clock.now() + 899)
        pin = await tv_client.json(path)
        assert (pin["authToken"], pin["expiresIn"]) == (tv.token, 1)
        other = {"X_Plex_Client_Identifier": "other"}
        assert await tv_client.status("GET", path, **other) == 404
        clock.move_to(clock.now() + 1)
        assert await tv_client.status("GET", path) == 404


async def test_resources_have_tokens_of_their_own_and_want_the_accounts(
    tv: SimulatedPlexTv, tv_client: TvClient, plex: SimulatedPlex
) -> None:
    tv.add_server(plex)
    tv.add_server(plex, owned=False)
    tv.add_player()
    listed = await tv_client.json(RESOURCES, X_Plex_Token=tv.token)
    tokens = [it["accessToken"] for it in listed]
    assert tokens[:2] == [plex.token, plex.shared_token]
    assert tv.token not in tokens
    kinds = [(it["provides"], it["owned"]) for it in listed]
    assert kinds == [("server", True), ("server", False), ("client,player", True)]
    # The account's token counts in the header only.
    in_address = f"{RESOURCES}&X-Plex-Token={tv.token}"
    for path, token in ((RESOURCES, plex.token), (in_address, "")):
        assert await tv_client.status("GET", path, X_Plex_Token=token) == 401


async def test_the_ways_to_a_server_are_of_all_kinds(
    tv: SimulatedPlexTv, tv_client: TvClient, plex: SimulatedPlex
) -> None:
    tv.add_server(plex)
    token = {"X_Plex_Token": tv.token}
    ways = (await tv_client.json(RESOURCES, **token))[0]["connections"]
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
    ways = (await tv_client.json("/api/v2/resources", **token))[0]["connections"]
    assert {(it["protocol"], it["IPv6"]) for it in ways} == {("http", False)}


async def test_without_a_wish_for_json_everything_is_xml(
    tv: SimulatedPlexTv, tv_client: TvClient, plex: SimulatedPlex
) -> None:
    tv.add_server(plex)
    token = {"X_Plex_Token": tv.token}
    pin, root, errors = [
        from_xml((await tv_client.ask(method, path, Accept="*/*", **headers))[2])
        for method, path, headers in (
            ("POST", PINS, {}),
            ("GET", RESOURCES, token),
            ("GET", RESOURCES, {}),
        )
    ]
    assert (pin.tag, pin.attrib["authToken"]) == ("pin", "")
    assert len(root.findall("resource/connections/connection")) == 5
    assert (errors[0].tag, errors[0].attrib["code"]) == ("error", "1001")


async def test_what_it_does_not_have_is_refused(
    tv: SimulatedPlexTv, tv_client: TvClient
) -> None:
    for path in ("/", "/api/v2/pins/", "/api/v2/pins/abc", "/pins", "/api/v2/users"):
        assert await tv_client.status("GET", path) == 404
    for method, path in (("GET", PINS), ("POST", RESOURCES)):
        assert await tv_client.status(method, path) == 405
    with pytest.raises(ValueError, match="half-open"):
        tv.fault("half-open")
