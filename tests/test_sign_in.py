"""Signing in with Plex, against a simulated plex.tv at its own address."""

from collections.abc import Callable
from dataclasses import dataclass

from freezegun.api import FrozenDateTimeFactory
from homeassistant.config_entries import SOURCE_IGNORE, ConfigEntryState
from homeassistant.const import CONF_TOKEN, CONF_URL, CONF_VERIFY_SSL
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from yarl import URL

from custom_components.plex_butler.const import CONF_SERVER, DOMAIN
from tests.conftest import SignIn, settle
from tests.flows import choices, choose, is_created, menu, submit, suggested, typed
from tests.simulator import (
    Connection,
    ManualClock,
    Names,
    SimulatedPlex,
    SimulatedPlexTv,
    local_http,
    plex_direct_name,
    relay,
    remote_https,
)

PINS, SERVERS = "/api/v2/pins/", "/api/v2/resources"


@dataclass
class Me:
    """Somebody with an account at plex.tv, and two servers that may be in it."""

    hass: HomeAssistant
    tv: SimulatedPlexTv
    plex: SimulatedPlex
    cellar: SimulatedPlex
    sign_in: SignIn


@pytest.fixture
def me(
    hass: HomeAssistant,
    tv: SimulatedPlexTv,
    plex: SimulatedPlex,
    cellar: SimulatedPlex,
    sign_in: SignIn,
) -> Me:
    return Me(hass, tv, plex, cellar, sign_in)


async def test_signing_in_adds_the_server_with_its_own_token(
    me: Me, secure: SimulatedPlex
) -> None:
    me.tv.add_server(secure)
    me.tv.add_player()

    result = await me.sign_in()

    assert result["title"] == secure.name
    url = secure.url_at(plex_direct_name("127.0.0.1"))
    assert result["data"] == typed(secure, url=url)


async def test_plain_http_is_taken_where_the_router_hides_the_name(
    me: Me, names: Names
) -> None:
    names.rebinding_protection = True
    me.tv.add_server(me.plex)
    assert (await me.sign_in())["data"][CONF_URL] == me.plex.url


async def test_one_of_several_servers_is_chosen(me: Me) -> None:
    me.tv.add_server(me.plex)
    me.tv.add_server(me.cellar)
    async with SimulatedPlex(seed=9, clock=ManualClock()) as shared:
        me.tv.add_server(shared, owned=False)
        result = await me.sign_in()
    assert result["step_id"] == "server"
    chosen = {CONF_SERVER: me.cellar.machine_identifier}
    assert choices(result) == {
        me.plex.machine_identifier: "Attic",
        me.cellar.machine_identifier: "Cellar",
    }
    me.cellar.fault("503", path="/butler")
    result = await submit(me.hass, result, chosen)
    assert result["errors"] == {"base": "maintenance"}

    result = await submit(me.hass, result, chosen)
    assert result["title"] == "Cellar"


@pytest.mark.parametrize(
    ("connections", "url"),
    [([remote_https(), relay()], remote_https().uri), ([], "")],
)
async def test_a_server_to_which_plex_knows_no_way_is_added_by_its_address(
    me: Me, connections: list[Connection], url: str
) -> None:
    me.tv.add_server(me.plex, connections=connections)
    result = await me.sign_in()
    assert result["step_id"] == "address"
    assert result["errors"] == {"base": "no_way_to_server"}
    assert suggested(result) == {CONF_URL: url, CONF_TOKEN: None, CONF_VERIFY_SSL: True}
    # Another server does not get the token.
    elsewhere = {CONF_URL: me.cellar.url, CONF_VERIFY_SSL: True}
    result = await submit(me.hass, result, elsewhere)
    assert result["errors"] == {"base": "wrong_server"}
    assert [request.path for request in me.cellar.requests] == ["/identity"]

    result = await submit(me.hass, result, {**elsewhere, CONF_URL: me.plex.url})
    assert result["data"] == typed(me.plex)


async def test_servers_of_one_name_are_told_apart(me: Me) -> None:
    me.cellar.name = me.plex.name
    me.tv.add_server(me.plex)
    me.tv.add_server(me.cellar, connections=[remote_https()])

    result = await me.sign_in()

    ids = me.plex.machine_identifier, me.cellar.machine_identifier
    assert choices(result) == {
        ids[0]: f"Attic (127.0.0.1:{me.plex.port}, {ids[0][:8]})",
        ids[1]: f"Attic ({URL(remote_https().uri).authority}, {ids[1][:8]})",
    }
    result = await submit(me.hass, result, {CONF_SERVER: ids[0]})
    assert result["result"].unique_id == ids[0]


async def test_a_server_that_was_ignored_can_be_signed_in_to(me: Me) -> None:
    MockConfigEntry(
        domain=DOMAIN, source=SOURCE_IGNORE, unique_id=me.plex.machine_identifier
    ).add_to_hass(me.hass)
    me.tv.add_server(me.plex)
    me.tv.add_server(me.cellar)

    result = await me.sign_in()
    result = await submit(me.hass, result, {CONF_SERVER: me.plex.machine_identifier})

    assert me.hass.config_entries.async_entries(DOMAIN) == [result["result"]]
    assert result["result"].state is ConfigEntryState.LOADED


async def test_a_server_that_has_been_added_is_offered_no_more(
    me: Me, loaded: MockConfigEntry
) -> None:
    me.tv.add_server(me.plex)
    assert (await me.sign_in())["reason"] == "already_configured"

    me.tv.add_server(me.cellar)
    assert (await me.sign_in())["title"] == "Cellar"


async def test_of_a_server_that_has_been_added_it_is_said_also_while_it_is_off(
    me: Me, loaded: MockConfigEntry
) -> None:
    me.tv.add_server(me.plex)
    me.plex.fault("refuse", count=None, path="/identity")

    assert (await me.sign_in())["reason"] == "already_configured"
    me.plex.clear_faults()


@pytest.mark.parametrize("url", [None, "http://127.0.0.1:9"])
async def test_signing_in_replaces_the_token_and_an_address_only_if_it_is_dead(
    me: Me, loaded: MockConfigEntry, url: str | None
) -> None:
    me.tv.add_server(me.plex)
    old = {**loaded.data, CONF_TOKEN: "old", CONF_URL: url or me.plex.url}
    me.hass.config_entries.async_update_entry(loaded, data=old)

    result = await me.sign_in(await loaded.start_reauth_flow(me.hass))

    assert result["reason"] == "reauth_successful"
    assert loaded.data == typed(me.plex)
    assert loaded.state is ConfigEntryState.LOADED


@pytest.mark.parametrize("way", ["sign_in", "manual"])
@pytest.mark.parametrize(
    ("reason", "answer", "seconds"),
    [
        ("sign_in_expired", lambda tv: tv.expire(), (3,)),
        ("sign_in_expired", lambda _: None, (1000,)),
        ("plex_tv_unreachable", lambda tv: tv.fault("500", None, PINS), (3, 1000)),
        (
            "plex_tv_unreachable",
            lambda tv: (tv.link(), tv.fault("500", None, SERVERS)),
            (3, 100),
        ),
        ("no_owned_server", lambda tv: tv.link(), (3,)),
    ],
)
async def test_a_failed_sign_in_says_why_and_leads_to_another_or_to_address_and_token(
    me: Me,
    reason: str,
    answer: Callable[[SimulatedPlexTv], object],
    seconds: tuple[float, ...],
    way: str,
) -> None:
    me.tv.add_server(me.plex, owned=False)
    result = await me.sign_in(None, *seconds, answer=lambda: answer(me.tv))
    assert result["type"] is FlowResultType.MENU
    assert result["menu_options"] == ["sign_in", "manual"]
    # Somebody who looks again sees the same.
    result = await me.hass.config_entries.flow.async_configure(result["flow_id"])
    assert result["step_id"] == reason

    me.tv.clear_faults()
    me.tv.add_server(me.plex)
    if way == "sign_in":
        result = await me.sign_in(result)
    else:
        result = await submit(
            me.hass, await choose(me.hass, result, way), typed(me.plex)
        )
    assert result["data"] == typed(me.plex)


@pytest.mark.parametrize("fault", ["500", "garbage", "wrong-shape", "redirect"])
async def test_a_sign_in_that_cannot_begin_leads_to_address_and_token_as_well(
    me: Me, fault: str
) -> None:
    me.tv.fault(fault, path="/api/v2/pins")
    result = await choose(me.hass, await menu(me.hass), "sign_in")
    assert result["step_id"] == "plex_tv_unreachable"

    result = await submit(
        me.hass, await choose(me.hass, result, "manual"), typed(me.plex)
    )
    assert is_created(result)


async def test_an_account_without_a_server_of_its_own_is_said_to_be_one(
    me: Me, loaded: MockConfigEntry
) -> None:
    me.tv.add_server(me.plex, owned=False)
    result = await me.sign_in(await loaded.start_reauth_flow(me.hass))

    assert result["step_id"] == "no_owned_server"
    assert result["menu_options"] == ["sign_in", "reauth_token"]


@pytest.mark.parametrize("way", ["sign_in", "reauth_token"])
async def test_signing_in_as_somebody_else_replaces_nothing_and_leads_on(
    me: Me, loaded: MockConfigEntry, way: str
) -> None:
    me.tv.add_server(me.cellar)
    result = await me.sign_in(await loaded.start_reauth_flow(me.hass))
    assert result["step_id"] == "not_your_server"
    assert result["description_placeholders"] == {"name": "Attic"}
    assert result["menu_options"] == ["sign_in", "reauth_token"]

    me.tv.add_server(me.plex)
    if way == "sign_in":
        result = await me.sign_in(result)
    else:
        result = await choose(me.hass, result, way)
        result = await submit(me.hass, result, {CONF_TOKEN: me.plex.token})
    assert result["reason"] == "reauth_successful"
    assert loaded.data == typed(me.plex)


@pytest.mark.parametrize("path", [PINS, SERVERS])
@pytest.mark.parametrize(
    "fault", ["429", "500", "502", "503", "401", "403", "garbage", "redirect", "refuse"]
)
async def test_a_sign_in_outlasts_the_bad_moments_of_plex_tv(
    me: Me, fault: str, path: str
) -> None:
    me.tv.add_server(me.plex)
    # A GET on a kept connection that breaks is tried once more by aiohttp itself.
    me.tv.fault(fault, count=4, path=path)
    result = await me.sign_in(None, 3, 3, 3, 3, 3)
    assert result["data"][CONF_TOKEN] == me.plex.token


async def test_a_sign_in_outlasts_a_silence_of_plex_tv(me: Me) -> None:
    me.tv.add_server(me.plex)
    me.tv.fault("slow", path=PINS, delay=60)
    assert (await me.sign_in(None, 20, 3))["type"] is FlowResultType.CREATE_ENTRY


async def test_plex_tv_is_asked_as_seldom_as_it_wants(
    me: Me, freezer: FrozenDateTimeFactory
) -> None:
    me.tv.add_server(me.plex)
    me.tv.fault("429", path=PINS, retry_after=30)
    result = await choose(me.hass, await menu(me.hass), "sign_in")
    me.tv.link()
    await settle(me.hass)
    asked = len(me.tv.requests)
    for _ in range(9):
        freezer.tick(3)
        await settle(me.hass)
    assert len(me.tv.requests) == asked

    freezer.tick(5)
    await settle(me.hass)
    result = await me.hass.config_entries.flow.async_configure(result["flow_id"])
    assert is_created(result)


async def test_what_plex_tv_lists_wrongly_hides_nothing_else(me: Me) -> None:
    broken = local_http(me.plex, address="::not an address::")
    me.tv.add_server(me.plex, connections=[broken, relay(), local_http(me.plex)])
    nameless = me.tv.add_server(me.plex)
    nameless["clientIdentifier"] = ""
    assert (await me.sign_in())["data"][CONF_URL] == me.plex.url


@pytest.mark.parametrize(
    ("home", "said"),
    [("Mill", "Mill"), ("", None), ("Mill\nX-Evil: 1", "MillX-Evil: 1")],
)
async def test_the_home_is_named_to_plex_as_far_as_a_header_holds_its_name(
    me: Me, home: str, said: str | None
) -> None:
    await me.hass.config.async_update(location_name=home)

    result = await choose(me.hass, await menu(me.hass), "sign_in")

    assert me.tv.requests[0].headers.get("X-Plex-Device-Name") == said
    me.hass.config_entries.flow.async_abort(result["flow_id"])


async def test_a_dialog_that_is_closed_waits_for_nobody(
    me: Me, freezer: FrozenDateTimeFactory
) -> None:
    result = await choose(me.hass, await menu(me.hass), "sign_in")
    freezer.tick(3)
    await settle(me.hass)

    me.hass.config_entries.flow.async_abort(result["flow_id"])
    await settle(me.hass)
    asked = len(me.tv.requests)
    freezer.tick(60)
    await settle(me.hass)

    assert len(me.tv.requests) == asked


async def test_the_account_is_asked_for_nothing_but_the_sign_in(
    me: Me, freezer: FrozenDateTimeFactory
) -> None:
    me.tv.add_server(me.plex)
    entry = (await me.sign_in())["result"]

    assert me.tv.token not in str(entry.data)
    assert all(me.tv.token not in str(request.headers) for request in me.plex.requests)
    asked = len(me.tv.requests)
    for _ in range(5):
        freezer.tick(3600)
        await me.plex.advance(3600)
        await settle(me.hass)
    assert len(me.tv.requests) == asked
