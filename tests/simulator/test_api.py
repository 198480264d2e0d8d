"""The API over sockets: what is answered, in which form, and to whom."""

import aiohttp
import pytest

from tests import simulator as sim
from tests.simulator.api import page

from .conftest import BACKUP, NOTIFICATIONS, ask, listed

PATH = f"/butler/{BACKUP}"
OWNER_ONLY = [
    *(("GET", "/butler"), ("POST", "/butler"), ("DELETE", "/butler")),
    *(("POST", PATH), ("DELETE", PATH), ("GET", "/:/prefs")),
    ("PUT", "/:/prefs?ButlerStartHour=1"),
    ("GET", "/:/prefs/get?id=ButlerStartHour"),
    ("GET", "/status/sessions"),
]
FOR_ALL = [("GET", "/"), ("GET", "/activities"), ("GET", NOTIFICATIONS)]
CURRENT = sim.PROFILES["current"]


@pytest.mark.parametrize("profile", ["silent"])
async def test_empty_lists_are_left_out(
    plex: sim.SimulatedPlex, client: aiohttp.ClientSession
) -> None:
    for spec in sim.CURRENT_TASKS:
        plex.remove_task(spec.name)
    assert await listed(client, "/butler") == {"ButlerTasks": {}}
    for path in ("/activities", "/status/sessions"):
        assert await listed(client, path) == {"size": 0}


async def test_hours_have_numbers_and_a_label_with_what_only_looks_like_a_colon(
    client: aiohttp.ClientSession,
) -> None:
    body = await listed(client, "/:/prefs")
    settings = {setting["id"]: setting for setting in body["Setting"]}
    assert body["size"] == len(settings)
    assert settings["ButlerStartHour"]["value"] == 2
    assert settings["ButlerStartHour"]["enumValues"].startswith("0:0\ua78900|1:1\ua789")
    assert settings["ButlerTaskRefreshLibraries"]["value"] is False


@pytest.mark.parametrize(
    "profile", [CURRENT.with_traits(foreign_rows=True, loose_types=True)]
)
async def test_a_server_may_speak_another_language_and_send_numbers_as_text(
    client: aiohttp.ClientSession,
) -> None:
    for language, title in (("en", "Optimize Database"), ("de", "«Öptîmîzé Dàtàbàsé»")):
        body = await listed(client, "/butler", Accept_Language=language)
        task = body["ButlerTasks"]["ButlerTask"][0]
        said = (task["title"], task["enabled"], task["interval"])
        assert said == (title, "1", "7")
    (row,) = (await listed(client, "/activities"))["Activity"]
    assert (row["title"][0], row["progress"]) == ("«", "100")


async def test_a_slash_at_the_end_makes_a_path_unknown(
    client: aiohttp.ClientSession,
) -> None:
    for path in ("/butler/", f"{PATH}/", "/activities/", "/Butler"):
        assert await ask(client, "POST", path) == (404, "text/html", page(404))


async def test_no_or_a_wrong_token_is_a_401_page(
    plex: sim.SimulatedPlex, client: aiohttp.ClientSession
) -> None:
    for token in ("", "wrong"):
        for method, path in [*OWNER_ONLY, *FOR_ALL, ("GET", "/nope")]:
            answer = await ask(client, method, path, X_Plex_Token=token)
            assert answer == (401, "text/html", page(401))
    path = f"/butler?X-Plex-Token={plex.token}"
    assert (await ask(client, "GET", path, X_Plex_Token=""))[0] == 200


@pytest.mark.parametrize(("profile", "refusal"), [("current", 403), ("legacy", 401)])
async def test_a_token_that_is_not_the_owners_may_only_look(
    plex: sim.SimulatedPlex, client: aiohttp.ClientSession, refusal: int
) -> None:
    guest = {"X_Plex_Token": plex.shared_token}
    plex.client_start(BACKUP)
    for method, path in OWNER_ONLY:
        answer = await ask(client, method, path, **guest)
        assert answer == (refusal, "text/html", page(refusal))
    assert (await ask(client, "GET", "/", **guest))[0] == 200
    assert await listed(client, "/activities", **guest) == {"size": 0}
