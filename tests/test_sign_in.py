"""Signing in with Plex, against a simulated plex.tv at its own address."""

from collections.abc import AsyncIterator, Callable

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
from tests.flows import choices, choose, menu, submit, suggested, typed
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
from tests.tls import Certificates

PINS, SERVERS = "/api/v2/pins/", "/api/v2/resources"


@pytest.fixture
async def secure(certificates: Certificates) -> AsyncIterator[SimulatedPlex]:
    """Return a server with a certificate of Plex's."""
    async with SimulatedPlex(
        tls=certificates.plex_direct(), clock=ManualClock()
    ) as plex:
        yield plex


@pytest.fixture
async def cellar(socket_enabled: None) -> AsyncIterator[SimulatedPlex]:
    """Return another server."""
    async with SimulatedPlex(name="Cellar", seed=7, clock=ManualClock()) as cellar:
        yield cellar


async def test_signing_in_adds_the_server_with_its_own_token(
    tv: SimulatedPlexTv, secure: SimulatedPlex, sign_in: SignIn
) -> None:
    tv.add_server(secure)
    tv.add_player()

    result = await sign_in()

    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["title"] == secure.name
    assert result["data"] == {
        CONF_URL: secure.url_at(plex_direct_name("127.0.0.1")),
        CONF_TOKEN: secure.token,
        CONF_VERIFY_SSL: True,
    }


async def test_plain_http_is_taken_where_the_router_hides_the_name(
    tv: SimulatedPlexTv, plex: SimulatedPlex, names: Names, sign_in: SignIn
) -> None:
    names.rebinding_protection = True
    tv.add_server(plex)
    assert (await sign_in())["data"][CONF_URL] == plex.url


async def test_one_of_several_servers_is_chosen(
    hass: HomeAssistant,
    tv: SimulatedPlexTv,
    plex: SimulatedPlex,
    cellar: SimulatedPlex,
    sign_in: SignIn,
) -> None:
    tv.add_server(plex)
    tv.add_server(cellar)
    async with SimulatedPlex(seed=9, clock=ManualClock()) as shared:
        tv.add_server(shared, owned=False)
        result = await sign_in()
    assert result["step_id"] == "server"
    chosen = {CONF_SERVER: cellar.machine_identifier}
    assert choices(result) == {
        plex.machine_identifier: "Attic",
        cellar.machine_identifier: "Cellar",
    }
    cellar.fault("503", path="/butler")
    result = await submit(hass, result, chosen)
    assert result["errors"] == {"base": "maintenance"}

    result = await submit(hass, result, chosen)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["title"] == "Cellar"
    await settle(hass)


@pytest.mark.parametrize(
    ("connections", "url"),
    [([remote_https(), relay()], remote_https().uri), ([], "")],
)
async def test_a_server_to_which_plex_knows_no_way_is_added_by_its_address(
    hass: HomeAssistant,
    tv: SimulatedPlexTv,
    plex: SimulatedPlex,
    cellar: SimulatedPlex,
    sign_in: SignIn,
    connections: list[Connection],
    url: str,
) -> None:
    tv.add_server(plex, connections=connections)
    result = await sign_in()
    assert result["step_id"] == "address"
    assert result["errors"] == {"base": "no_way_to_server"}
    assert suggested(result) == {CONF_URL: url, CONF_TOKEN: None, CONF_VERIFY_SSL: True}
    # Another server does not get the token.
    elsewhere = {CONF_URL: cellar.url, CONF_VERIFY_SSL: True}
    result = await submit(hass, result, elsewhere)
    assert result["errors"] == {"base": "wrong_server"}
    assert [request.path for request in cellar.requests] == ["/identity"]

    result = await submit(hass, result, {**elsewhere, CONF_URL: plex.url})
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["data"] == typed(plex)
    await settle(hass)


async def test_servers_of_one_name_are_told_apart(
    hass: HomeAssistant,
    tv: SimulatedPlexTv,
    plex: SimulatedPlex,
    cellar: SimulatedPlex,
    sign_in: SignIn,
) -> None:
    cellar.name = plex.name
    tv.add_server(plex)
    tv.add_server(cellar, connections=[remote_https()])

    result = await sign_in()

    ids = plex.machine_identifier, cellar.machine_identifier
    assert choices(result) == {
        ids[0]: f"Attic (127.0.0.1:{plex.port}, {ids[0][:8]})",
        ids[1]: f"Attic ({URL(remote_https().uri).authority}, {ids[1][:8]})",
    }
    result = await submit(hass, result, {CONF_SERVER: ids[0]})
    assert result["result"].unique_id == ids[0]
    await settle(hass)


async def test_a_server_that_was_ignored_can_be_signed_in_to(
    hass: HomeAssistant,
    tv: SimulatedPlexTv,
    plex: SimulatedPlex,
    cellar: SimulatedPlex,
    sign_in: SignIn,
) -> None:
    MockConfigEntry(
        domain=DOMAIN, source=SOURCE_IGNORE, unique_id=plex.machine_identifier
    ).add_to_hass(hass)
    tv.add_server(plex)
    tv.add_server(cellar)

    result = await sign_in()
    result = await submit(hass, result, {CONF_SERVER: plex.machine_identifier})

    assert hass.config_entries.async_entries(DOMAIN) == [result["result"]]
    assert result["result"].state is ConfigEntryState.LOADED
    await settle(hass)


async def test_a_server_that_has_been_added_is_offered_no_more(
    hass: HomeAssistant,
    tv: SimulatedPlexTv,
    plex: SimulatedPlex,
    cellar: SimulatedPlex,
    loaded: MockConfigEntry,
    sign_in: SignIn,
) -> None:
    tv.add_server(plex)
    assert (await sign_in())["reason"] == "already_configured"

    tv.add_server(cellar)
    assert (await sign_in())["title"] == "Cellar"


@pytest.mark.parametrize("url", [None, "http://127.0.0.1:9"])
async def test_signing_in_replaces_the_token_and_an_address_only_if_it_is_dead(
    hass: HomeAssistant,
    tv: SimulatedPlexTv,
    plex: SimulatedPlex,
    loaded: MockConfigEntry,
    sign_in: SignIn,
    url: str | None,
) -> None:
    tv.add_server(plex)
    old = {**loaded.data, CONF_TOKEN: "old", CONF_URL: url or plex.url}
    hass.config_entries.async_update_entry(loaded, data=old)

    result = await sign_in(await loaded.start_reauth_flow(hass))

    assert result["reason"] == "reauth_successful"
    assert loaded.data == typed(plex)
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
    hass: HomeAssistant,
    tv: SimulatedPlexTv,
    plex: SimulatedPlex,
    sign_in: SignIn,
    reason: str,
    answer: Callable[[SimulatedPlexTv], object],
    seconds: tuple[float, ...],
    way: str,
) -> None:
    tv.add_server(plex, owned=False)
    result = await sign_in(None, *seconds, answer=lambda: answer(tv))
    assert result["type"] is FlowResultType.MENU
    assert result["menu_options"] == ["sign_in", "manual"]
    # Somebody who looks again sees the same.
    result = await hass.config_entries.flow.async_configure(result["flow_id"])
    assert result["step_id"] == reason

    tv.clear_faults()
    tv.add_server(plex)
    if way == "sign_in":
        result = await sign_in(result)
    else:
        result = await submit(hass, await choose(hass, result, way), typed(plex))
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["data"] == typed(plex)
    await settle(hass)


@pytest.mark.parametrize("fault", ["500", "garbage", "wrong-shape", "redirect"])
async def test_a_sign_in_that_cannot_begin_leads_to_address_and_token_as_well(
    hass: HomeAssistant, tv: SimulatedPlexTv, plex: SimulatedPlex, fault: str
) -> None:
    tv.fault(fault, path="/api/v2/pins")
    result = await choose(hass, await menu(hass), "sign_in")
    assert result["step_id"] == "plex_tv_unreachable"

    result = await submit(hass, await choose(hass, result, "manual"), typed(plex))
    assert result["type"] is FlowResultType.CREATE_ENTRY
    await settle(hass)


@pytest.mark.parametrize("way", ["sign_in", "reauth_token"])
async def test_signing_in_as_somebody_else_replaces_nothing_and_leads_on(
    hass: HomeAssistant,
    tv: SimulatedPlexTv,
    plex: SimulatedPlex,
    cellar: SimulatedPlex,
    loaded: MockConfigEntry,
    sign_in: SignIn,
    way: str,
) -> None:
    tv.add_server(cellar)
    result = await sign_in(await loaded.start_reauth_flow(hass))
    assert result["step_id"] == "not_your_server"
    assert result["description_placeholders"] == {"name": "Attic"}
    assert result["menu_options"] == ["sign_in", "reauth_token"]

    tv.add_server(plex)
    if way == "sign_in":
        result = await sign_in(result)
    else:
        result = await choose(hass, result, way)
        result = await submit(hass, result, {CONF_TOKEN: plex.token})
    assert result["reason"] == "reauth_successful"
    assert loaded.data == typed(plex)
    await settle(hass)


@pytest.mark.parametrize("path", [PINS, SERVERS])
@pytest.mark.parametrize(
    "fault", ["429", "500", "502", "503", "401", "403", "garbage", "redirect", "refuse"]
)
async def test_a_sign_in_outlasts_the_bad_moments_of_plex_tv(
    tv: SimulatedPlexTv, plex: SimulatedPlex, sign_in: SignIn, fault: str, path: str
) -> None:
    tv.add_server(plex)
    # A GET on a kept connection that breaks is tried once more by aiohttp itself.
    tv.fault(fault, count=4, path=path)
    result = await sign_in(None, 3, 3, 3, 3, 3)
    assert result["data"][CONF_TOKEN] == plex.token


async def test_a_sign_in_outlasts_a_silence_of_plex_tv(
    tv: SimulatedPlexTv, plex: SimulatedPlex, sign_in: SignIn
) -> None:
    tv.add_server(plex)
    tv.fault("slow", path=PINS, delay=60)
    assert (await sign_in(None, 20, 3))["type"] is FlowResultType.CREATE_ENTRY


async def test_plex_tv_is_asked_as_seldom_as_it_wants(
    hass: HomeAssistant,
    tv: SimulatedPlexTv,
    plex: SimulatedPlex,
    freezer: FrozenDateTimeFactory,
) -> None:
    tv.add_server(plex)
    tv.fault("429", path=PINS, retry_after=30)
    result = await choose(hass, await menu(hass), "sign_in")
    tv.link()
    await settle(hass)
    asked = len(tv.requests)
    for _ in range(9):
        freezer.tick(3)
        await settle(hass)
    assert len(tv.requests) == asked

    freezer.tick(5)
    await settle(hass)
    result = await hass.config_entries.flow.async_configure(result["flow_id"])
    assert result["type"] is FlowResultType.CREATE_ENTRY
    await settle(hass)


async def test_what_plex_tv_lists_wrongly_hides_nothing_else(
    tv: SimulatedPlexTv, plex: SimulatedPlex, sign_in: SignIn
) -> None:
    broken = local_http(plex, address="::not an address::")
    tv.add_server(plex, connections=[broken, relay(), local_http(plex)])
    nameless = tv.add_server(plex)
    nameless.client_identifier = ""
    assert (await sign_in())["data"][CONF_URL] == plex.url


@pytest.mark.parametrize(("home", "said"), [("Mill", "Mill"), ("", None)])
async def test_the_home_is_named_to_plex_if_it_has_a_name(
    hass: HomeAssistant, tv: SimulatedPlexTv, home: str, said: str | None
) -> None:
    await hass.config.async_update(location_name=home)

    result = await choose(hass, await menu(hass), "sign_in")

    assert tv.requests[0].headers.get("X-Plex-Device-Name") == said
    hass.config_entries.flow.async_abort(result["flow_id"])
    await settle(hass)


async def test_a_dialog_that_is_closed_waits_for_nobody(
    hass: HomeAssistant, tv: SimulatedPlexTv, freezer: FrozenDateTimeFactory
) -> None:
    result = await choose(hass, await menu(hass), "sign_in")
    freezer.tick(3)
    await settle(hass)

    hass.config_entries.flow.async_abort(result["flow_id"])
    await settle(hass)
    asked = len(tv.requests)
    freezer.tick(60)
    await settle(hass)

    assert len(tv.requests) == asked


async def test_the_account_is_asked_for_nothing_but_the_sign_in(
    hass: HomeAssistant,
    tv: SimulatedPlexTv,
    plex: SimulatedPlex,
    freezer: FrozenDateTimeFactory,
    sign_in: SignIn,
) -> None:
    tv.add_server(plex)
    entry = (await sign_in())["result"]

    assert tv.token not in str(entry.data)
    assert all(tv.token not in str(request.headers) for request in plex.requests)
    asked = len(tv.requests)
    for _ in range(5):
        freezer.tick(3600)
        await plex.advance(3600)
        await settle(hass)
    assert len(tv.requests) == asked
