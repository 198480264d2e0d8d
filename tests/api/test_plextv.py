"""What plex.tv says is used as far as it can be, and is never an error of another kind."""

import json
from typing import Any, cast
from unicodedata import category

import aiohttp
from hypothesis import example, given, strategies as st
import pytest

from custom_components.plex_butler import api
from custom_components.plex_butler.api.models import decode
from custom_components.plex_butler.api.plextv import parse_owned_servers, parse_pin

# Nothing is asked with it.
SESSION = cast("aiohttp.ClientSession", None)
DIRECT = f"192-168-1-10.{'a1' * 16}.plex.direct"
GOOD = "https://plex.example.com:443"


def connection(uri: str, **more: Any) -> dict[str, Any]:
    return {"uri": uri, "local": False, "relay": False, **more}


def local(uri: str, address: Any = None, port: Any = 32400) -> dict[str, Any]:
    return connection(uri, local=True, address=address, port=port)


def resource(**more: Any) -> dict[str, Any]:
    return {
        "name": "Attic",
        "clientIdentifier": "abc",
        "accessToken": "token",
        "provides": "server",
        "owned": True,
        "connections": [connection(GOOD)],
    } | more


def server(*resources: Any) -> api.OwnedServer:
    """Return what is made of an answer."""
    (server,) = parse_owned_servers(decode(json.dumps(resources).encode()))
    return server


def test_a_long_token_is_neither_cut_nor_shown() -> None:
    token = "eyJhbGciOiJFZERTQSJ9." * 40
    found = server(resource(accessToken=token))
    assert found.token == token
    assert token not in repr(found)
    assert "secret" not in repr(api.Pin(id=1, code="secret", expires_in=900))


@pytest.mark.parametrize(
    ("connections", "urls"),
    [
        pytest.param(
            [
                connection("https://relay.example:8443", relay=True),
                connection("http://203.0.113.7:32400"),
                connection("https://203-0-113-7.hash.plex.direct:32400"),
                local("http://192.168.1.11:32400"),
                local("http://nas.lan:32400"),
                local(f"https://{DIRECT}:32400", "192.168.1.10", "32400")
                | {"local": "1"},
                local("https://six:1", "fd00::10"),
            ],
            [
                f"https://{DIRECT}:32400",
                "https://six:1",
                "http://192.168.1.11:32400",
                "http://nas.lan:32400",
                "http://192.168.1.10:32400",
                "http://[fd00::10]:32400",
                "https://203-0-113-7.hash.plex.direct:32400",
            ],
            id="local ones come first, remote ones only if they are secure",
        ),
        pytest.param(
            [
                local("http://8.8.8.8:32400", "8.8.8.8"),
                local("https://8-8-8-8.hash.plex.direct:32400"),
            ],
            ["https://8-8-8-8.hash.plex.direct:32400"],
            id="a public one is not local whatever is said of it",
        ),
    ],
)
def test_ways_to_a_server_are_sorted(
    connections: list[dict[str, Any]], urls: list[str]
) -> None:
    assert list(server(resource(connections=connections)).urls) == urls


@pytest.mark.parametrize(
    "bad",
    [
        connection("https://[::1"),
        connection("https://box:99999"),
        connection("ftp://box"),
        connection("box:32400"),
        connection("https://\ud800"),
        connection("https://app.plex.tv"),
        local("", "192.168.1.10", {}),
        local("", ["192.168.1.10"]),
        local("", "evil.example/"),
        *({"uri": 7}, {}, None, [], "https://box"),
    ],
)
def test_a_way_that_cannot_be_used_is_skipped(bad: Any) -> None:
    assert server(resource(connections=[bad, connection(GOOD)])).urls == (GOOD,)


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
        *(None, [], 7),
    ],
)
def test_a_resource_that_cannot_be_used_is_skipped(bad: Any) -> None:
    good = resource(name="\ud800Cel\nlar", owned="1", connections="none")

    assert server(bad, good) == api.OwnedServer(
        name="\ufffdCel lar", machine_identifier="abc", token="token", urls=()
    )


@pytest.mark.parametrize(
    ("expires_in", "seconds"),
    [(1800, 1800), ("1800", 1800), (0, 900), (-5, 900), (10**400, 900), (True, 900)],
)
def test_a_pin_lives_as_long_as_it_can(expires_in: Any, seconds: int) -> None:
    pin = decode(json.dumps({"id": 1, "code": "abc", "expiresIn": expires_in}).encode())

    assert parse_pin(pin).expires_in == seconds


@pytest.mark.parametrize("code", ["", "\ud800", "a b", "](http://evil.example)", []])
def test_a_code_that_cannot_be_in_an_address_is_no_pin(code: Any) -> None:
    pin = decode(json.dumps({"id": 1, "code": code}).encode())

    with pytest.raises(api.PlexResponseError):
        parse_pin(pin)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)
CONNECTIONS = st.fixed_dictionaries(
    {},
    optional=dict.fromkeys(("port", "local", "relay", "protocol"), JSON)
    | {
        "uri": JSON | st.text().map("https://{}".format),
        "address": JSON | st.ip_addresses().map(str),
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
    for found in parse_owned_servers(decode(json.dumps(answer).encode())):
        assert not {category(it) for it in found.name} & {"Cc", "Cs"}
        for url in found.urls:
            assert api.parse_address(url) == url
            api.PlexClient(SESSION, url, found.token, client_identifier="test")


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
