"""Who may ask what."""

from __future__ import annotations

import aiohttp
import pytest

from tests.simulator import SimulatedPlex, page

from .client import Client
from .conftest import StartPlex

OWNER_ONLY = [
    ("GET", "/butler"),
    ("POST", "/butler"),
    ("DELETE", "/butler"),
    ("POST", "/butler/BackupDatabase"),
    ("DELETE", "/butler/BackupDatabase"),
    ("GET", "/:/prefs"),
    ("PUT", "/:/prefs?ButlerStartHour=1"),
    ("GET", "/:/prefs/get?id=ButlerStartHour"),
    ("GET", "/status/sessions"),
]
FOR_ALL = [("GET", "/"), ("GET", "/activities")]


async def test_an_unclaimed_server_only_says_who_it_is(
    start_plex: StartPlex, session: aiohttp.ClientSession, plex: SimulatedPlex
) -> None:
    client = Client(await start_plex(plex.profile.with_traits(claimed=False)), session)
    assert await client.status("GET", "/") == 401
    assert (await client.json("/identity"))["MediaContainer"]["claimed"] is False


async def test_identity_needs_no_token_and_has_no_name(
    plex: SimulatedPlex, client: Client
) -> None:
    body = (await client.json("/identity", token=None))["MediaContainer"]
    assert body["machineIdentifier"] == plex.machine_identifier
    assert body["version"] == plex.version
    assert "friendlyName" not in body


async def test_a_token_in_the_address_is_taken_too(
    plex: SimulatedPlex, client: Client
) -> None:
    path = f"/butler?X-Plex-Token={plex.token}"
    assert await client.status("GET", path, token=None) == 200


@pytest.mark.parametrize("token", [None, "wrong"])
async def test_no_or_a_wrong_token_is_a_401_page(
    client: Client, token: str | None
) -> None:
    for method, path in [*OWNER_ONLY, *FOR_ALL, ("GET", "/nope")]:
        answer = await client.ask(method, path, token=token)
        assert answer == (401, "text/html", page(401))


@pytest.mark.parametrize(("profile", "status"), [("current", 403), ("legacy", 401)])
async def test_a_token_that_is_not_the_owners_may_only_look(
    start_plex: StartPlex, session: aiohttp.ClientSession, profile: str, status: int
) -> None:
    plex = await start_plex(profile)
    plex.client_start("BackupDatabase")
    client = Client(plex, session)
    for method, path in OWNER_ONLY:
        answer = await client.ask(method, path, token=plex.shared_token)
        assert answer == (status, "text/html", page(status))
    assert await client.status("GET", "/", token=plex.shared_token) == 200
    own = await client.json("/activities", token=plex.shared_token)
    assert own == {"MediaContainer": {"size": 0}}


async def test_a_server_can_be_claimed_later_and_lose_its_owner(
    start_plex: StartPlex, session: aiohttp.ClientSession
) -> None:
    plex = await start_plex()
    client = Client(plex, session)
    plex.claimed = False
    assert await client.status("GET", "/butler") == 401
    assert (await client.json("/identity"))["MediaContainer"]["claimed"] is False
    plex.claimed = True
    assert await client.status("GET", "/butler") == 200
    assert (await client.json("/identity"))["MediaContainer"]["claimed"] is True


async def test_a_new_token_ends_the_old_one(
    plex: SimulatedPlex, client: Client
) -> None:
    old = plex.token
    plex.token = "another-token"
    assert await client.status("GET", "/butler", token=old) == 401
    assert await client.status("GET", "/butler") == 200


async def test_a_new_name_is_told_and_the_id_stays(
    plex: SimulatedPlex, client: Client
) -> None:
    before = plex.machine_identifier
    plex.name = "Cellar"
    body = (await client.json("/"))["MediaContainer"]
    assert (body["friendlyName"], body["machineIdentifier"]) == ("Cellar", before)
