"""What plex.tv says is used as far as it can be, and is never an error of another kind."""

import json
from typing import Any, cast
from unicodedata import category

import aiohttp
from aiohttp import web
from aiohttp.test_utils import RawTestServer
from hypothesis import example, given, strategies as st
import pytest

from custom_components.plex_butler import api
from custom_components.plex_butler.api.models import loads
from custom_components.plex_butler.api.plextv import parse_owned_servers, parse_pin

# Nothing is asked with it.
SESSION = cast("aiohttp.ClientSession", None)
DIRECT = f"192-168-1-10.{'a1' * 16}.plex.direct"


def connection(uri: str, **more: Any) -> dict[str, Any]:
    return {"uri": uri, "local": False, "relay": False, **more}


def resource(**more: Any) -> dict[str, Any]:
    return {
        "name": "Attic",
        "clientIdentifier": "abc",
        "accessToken": "token",
        "provides": "server",
        "owned": True,
        "connections": [connection("https://plex.example.com:443")],
    } | more


def servers(*resources: Any) -> list[api.OwnedServer]:
    """Return what is made of an answer."""
    return list(parse_owned_servers(loads(json.dumps(resources).encode())))


def urls(*connections: Any) -> list[str]:
    (server,) = servers(resource(connections=connections))
    return list(server.urls)


def test_a_long_token_is_not_cut() -> None:
    token = "eyJhbGciOiJFZERTQSJ9." * 40

    (server,) = parse_owned_servers([resource(accessToken=token)])

    assert server.token == token


def test_local_ways_come_first_and_remote_ones_only_if_they_are_secure() -> None:
    found = urls(
        connection("https://relay.example:8443", relay=True),
        connection("http://203.0.113.7:32400"),
        connection("https://203-0-113-7.hash.plex.direct:32400"),
        connection("http://192.168.1.11:32400", local=True),
        connection("http://nas.lan:32400", local=True),
        connection(
            f"https://{DIRECT}:32400", local="1", address="192.168.1.10", port="32400"
        ),
        connection("https://six:1", local=True, address="fd00::10", port=32400),
    )

    assert found == [
        f"https://{DIRECT}:32400",
        "https://six:1",
        "http://192.168.1.11:32400",
        "http://nas.lan:32400",
        "http://192.168.1.10:32400",
        "http://[fd00::10]:32400",
        "https://203-0-113-7.hash.plex.direct:32400",
    ]


def test_a_public_address_is_not_local_whatever_is_said_of_it() -> None:
    found = urls(
        connection("http://8.8.8.8:32400", local=True, address="8.8.8.8", port=32400),
        connection("https://8-8-8-8.hash.plex.direct:32400", local=True),
    )

    assert found == ["https://8-8-8-8.hash.plex.direct:32400"]


@pytest.mark.parametrize(
    "bad",
    [
        connection("https://[::1"),
        connection("https://box:99999"),
        connection("ftp://box"),
        connection("box:32400"),
        connection("https://\ud800"),
        connection("https://app.plex.tv"),
        connection("", local=True, address="192.168.1.10", port={}),
        connection("", local=True, address=["192.168.1.10"], port=32400),
        connection("", local=True, address="evil.example/", port=32400),
        {"uri": 7},
        {},
        None,
        [],
        "https://box",
    ],
)
def test_a_way_that_cannot_be_used_is_skipped(bad: Any) -> None:
    good = connection("https://plex.example.com:443")

    assert urls(bad, good) == ["https://plex.example.com:443"]


@pytest.mark.parametrize(
    "bad",
    [
        resource(connections=None, clientIdentifier=None),
        resource(accessToken=""),
        resource(accessToken="a\nb"),
        resource(clientIdentifier="\ud800"),
        resource(owned=False),
        resource(owned=None),
        resource(provides="player"),
        resource(provides=None),
        None,
        [],
        7,
    ],
)
def test_a_resource_that_cannot_be_used_is_skipped(bad: Any) -> None:
    good = resource(name="\ud800Cel\nlar", owned="1", connections="none")

    (server,) = servers(bad, good)

    assert (server.name, server.machine_identifier, server.urls) == (
        "\ufffdCel lar",
        "abc",
        (),
    )


@pytest.mark.parametrize(
    ("expires_in", "seconds"),
    [(1800, 1800), ("1800", 1800), (0, 900), (-5, 900), (10**400, 900), (True, 900)],
)
def test_a_pin_lives_as_long_as_it_can(expires_in: Any, seconds: int) -> None:
    pin = loads(json.dumps({"id": 1, "code": "abc", "expiresIn": expires_in}).encode())

    assert parse_pin(pin).expires_in == seconds


@pytest.mark.parametrize("code", ["", "\ud800", "a b", "](http://evil.example)", []])
def test_a_code_that_cannot_be_in_an_address_is_no_pin(code: Any) -> None:
    pin = loads(json.dumps({"id": 1, "code": code}).encode())

    with pytest.raises(api.PlexResponseError):
        parse_pin(pin)


async def test_a_name_of_any_characters_is_sent_as_far_as_a_header_holds_it(
    socket_enabled: None,
    session: aiohttp.ClientSession,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[web.BaseRequest] = []

    async def answer(request: web.BaseRequest) -> web.Response:
        asked.append(request)
        return web.json_response([resource()])

    async with RawTestServer(answer) as server:
        url = str(server.make_url("")).rstrip("/")
        monkeypatch.setattr("custom_components.plex_butler.api.plextv.PLEX_TV_URL", url)
        tv = api.PlexTvClient(
            session, client_identifier="test", device="Mill\nX-Evil: 1"
        )
        assert len(await tv.get_owned_servers("token")) == 1

    assert asked[0].headers["X-Plex-Device-Name"] == "MillX-Evil: 1"


def test_no_secret_is_in_what_is_shown_of_an_object() -> None:
    shown = [
        api.Pin(id=1, code="secret", expires_in=900),
        api.OwnedServer(
            name="Attic", machine_identifier="abc", token="secret", urls=()
        ),
    ]

    assert "secret" not in repr(shown)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)
CONNECTIONS = st.fixed_dictionaries(
    {},
    optional={
        "uri": JSON | st.text().map("https://{}".format),
        "address": JSON | st.ip_addresses().map(str),
        "port": JSON,
        "local": JSON,
        "relay": JSON,
        "protocol": JSON,
    },
)
RESOURCES = st.builds(
    resource,
    name=JSON,
    clientIdentifier=JSON | st.just("abc"),
    accessToken=JSON | st.just("token"),
    owned=JSON | st.just(value=True),
    connections=JSON | st.lists(CONNECTIONS | JSON),
)


@given(JSON | st.lists(RESOURCES | JSON))
@example([resource(name="\ud7fc")])
def test_any_list_of_resources_gives_servers_that_can_be_used(answer: object) -> None:
    for server in parse_owned_servers(loads(json.dumps(answer).encode())):
        assert not {category(it) for it in server.name} & {"Cc", "Cs"}
        for url in server.urls:
            assert api.parse_address(url) == url
            api.PlexClient(SESSION, url, server.token, client_identifier="test")


@given(JSON | st.builds(dict, id=JSON, code=JSON, expiresIn=JSON))
@example({"id": 1, "code": "abc", "expiresIn": 1e300})
def test_any_answer_is_a_pin_or_refused(answer: object) -> None:
    client = api.PlexTvClient(SESSION, client_identifier="test")
    try:
        pin = parse_pin(answer)
    except api.PlexResponseError:
        return
    assert client.sign_in_url(pin).isascii()
    assert 0 < pin.expires_in <= 3600
