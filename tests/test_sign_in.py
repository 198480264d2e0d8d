"""Signing in with Plex, against a simulated plex.tv at its own address."""

from collections.abc import AsyncIterator

from freezegun.api import FrozenDateTimeFactory
from homeassistant.config_entries import (
    SOURCE_IGNORE,
    ConfigEntryState,
    ConfigFlowResult,
)
from homeassistant.const import CONF_TOKEN, CONF_URL, CONF_VERIFY_SSL
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from yarl import URL

from custom_components.plex_butler.const import CONF_SERVER, DOMAIN
from tests.conftest import settle
from tests.flows import choices, choose, menu, submit, suggested, typed
from tests.simulator import (
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


@pytest.fixture
async def tv(
    socket_enabled: None, names: Names, certificates: Certificates
) -> AsyncIterator[SimulatedPlexTv]:
    """Return a plex.tv that really is at https://plex.tv."""
    async with SimulatedPlexTv(tls=certificates.named("plex.tv")) as tv:
        names.point("plex.tv", tv.port)
        yield tv


@pytest.fixture
async def secure(certificates: Certificates) -> AsyncIterator[SimulatedPlex]:
    """Return a server with a certificate of Plex's."""
    async with SimulatedPlex(
        tls=certificates.plex_direct(), clock=ManualClock()
    ) as plex:
        yield plex


async def sign_in(
    hass: HomeAssistant,
    tv: SimulatedPlexTv,
    freezer: FrozenDateTimeFactory,
    result: ConfigFlowResult,
    *seconds: float,
) -> ConfigFlowResult:
    """Answer the question on Plex's page, and come back."""
    assert result["type"] is FlowResultType.SHOW_PROGRESS
    assert tv.pins[-1].code in (result["description_placeholders"] or {})["url"]
    await settle(hass)
    for wait in seconds or (3,):
        freezer.tick(wait)
        await settle(hass)
    return await hass.config_entries.flow.async_configure(result["flow_id"])


async def test_signing_in_adds_the_server_with_its_own_token(
    hass: HomeAssistant,
    tv: SimulatedPlexTv,
    secure: SimulatedPlex,
    freezer: FrozenDateTimeFactory,
) -> None:
    tv.add_server(secure)
    tv.add_player()
    result = await choose(hass, await menu(hass), "sign_in")
    tv.link()

    result = await sign_in(hass, tv, freezer, result)

    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["title"] == secure.name
    assert result["data"] == {
        CONF_URL: secure.url_at(plex_direct_name("127.0.0.1")),
        CONF_TOKEN: secure.token,
        CONF_VERIFY_SSL: True,
    }
    await settle(hass)


async def test_plain_http_is_taken_where_the_router_hides_the_name(
    hass: HomeAssistant,
    tv: SimulatedPlexTv,
    plex: SimulatedPlex,
    names: Names,
    freezer: FrozenDateTimeFactory,
) -> None:
    names.rebinding_protection = True
    tv.add_server(plex)
    result = await choose(hass, await menu(hass), "sign_in")
    tv.link()

    result = await sign_in(hass, tv, freezer, result)

    assert result["data"][CONF_URL] == plex.url
    await settle(hass)


async def test_one_of_several_servers_is_chosen(
    hass: HomeAssistant,
    tv: SimulatedPlexTv,
    plex: SimulatedPlex,
    secure: SimulatedPlex,
    freezer: FrozenDateTimeFactory,
) -> None:
    async with SimulatedPlex(name="Cellar", seed=7, clock=ManualClock()) as cellar:
        tv.add_server(plex)
        tv.add_server(cellar)
        tv.add_server(secure, owned=False)
        result = await choose(hass, await menu(hass), "sign_in")
        tv.link()
        result = await sign_in(hass, tv, freezer, result)
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


async def test_a_server_to_which_plex_knows_no_way_is_added_by_its_address(
    hass: HomeAssistant,
    tv: SimulatedPlexTv,
    plex: SimulatedPlex,
    freezer: FrozenDateTimeFactory,
) -> None:
    tv.add_server(plex, connections=[remote_https(), relay()])
    result = await choose(hass, await menu(hass), "sign_in")
    tv.link()

    result = await sign_in(hass, tv, freezer, result)
    assert result["step_id"] == "address"
    assert result["errors"] == {"base": "no_way_to_server"}
    assert suggested(result) == {
        CONF_URL: remote_https().uri,
        CONF_TOKEN: None,
        CONF_VERIFY_SSL: True,
    }
    # Another server does not get the token.
    async with SimulatedPlex(name="Cellar", seed=7, clock=ManualClock()) as cellar:
        elsewhere = {CONF_URL: cellar.url, CONF_VERIFY_SSL: True}
        result = await submit(hass, result, elsewhere)
        assert result["errors"] == {"base": "wrong_server"}
        assert [request.path for request in cellar.requests] == ["/identity"]
    result = await submit(hass, result, {CONF_URL: plex.url, CONF_VERIFY_SSL: True})

    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["data"] == typed(plex)
    await settle(hass)


async def test_a_server_that_plex_lists_without_any_way_is_added_by_its_address(
    hass: HomeAssistant,
    tv: SimulatedPlexTv,
    plex: SimulatedPlex,
    freezer: FrozenDateTimeFactory,
) -> None:
    tv.add_server(plex, connections=[])
    result = await choose(hass, await menu(hass), "sign_in")
    tv.link()
    result = await sign_in(hass, tv, freezer, result)
    assert result["errors"] == {"base": "no_way_to_server"}
    assert suggested(result)[CONF_URL] == ""

    result = await submit(hass, result, {CONF_URL: plex.url, CONF_VERIFY_SSL: True})
    assert result["type"] is FlowResultType.CREATE_ENTRY
    await settle(hass)


async def test_servers_of_one_name_are_told_apart(
    hass: HomeAssistant,
    tv: SimulatedPlexTv,
    plex: SimulatedPlex,
    freezer: FrozenDateTimeFactory,
) -> None:
    async with SimulatedPlex(seed=7, clock=ManualClock()) as other:
        tv.add_server(plex)
        tv.add_server(other, connections=[remote_https()])
        result = await choose(hass, await menu(hass), "sign_in")
        tv.link()

        result = await sign_in(hass, tv, freezer, result)

        ids = plex.machine_identifier, other.machine_identifier
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
    freezer: FrozenDateTimeFactory,
) -> None:
    MockConfigEntry(
        domain=DOMAIN, source=SOURCE_IGNORE, unique_id=plex.machine_identifier
    ).add_to_hass(hass)
    tv.add_server(plex)
    result = await choose(hass, await menu(hass), "sign_in")
    tv.link()

    result = await sign_in(hass, tv, freezer, result)

    assert hass.config_entries.async_entries(DOMAIN) == [result["result"]]
    assert result["result"].state is ConfigEntryState.LOADED
    await settle(hass)


async def test_a_server_that_has_been_added_is_not_added_by_signing_in_again(
    hass: HomeAssistant,
    tv: SimulatedPlexTv,
    plex: SimulatedPlex,
    loaded: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
) -> None:
    tv.add_server(plex)
    result = await choose(hass, await menu(hass), "sign_in")
    tv.link()

    result = await sign_in(hass, tv, freezer, result)

    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "already_configured"


async def test_a_plain_address_that_is_dead_is_left_for_the_best_that_plex_knows(
    hass: HomeAssistant,
    tv: SimulatedPlexTv,
    plex: SimulatedPlex,
    loaded: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
) -> None:
    tv.add_server(plex)
    dead = {**loaded.data, CONF_URL: "http://127.0.0.1:9"}
    hass.config_entries.async_update_entry(loaded, data=dead)
    result = await loaded.start_reauth_flow(hass)
    result = await choose(hass, result, "sign_in")
    tv.link()

    result = await sign_in(hass, tv, freezer, result)
    await settle(hass)

    assert result["reason"] == "reauth_successful"
    assert loaded.data[CONF_URL] == plex.url
    assert loaded.state is ConfigEntryState.LOADED


async def test_an_account_without_a_server_says_so_and_may_try_again(
    hass: HomeAssistant,
    tv: SimulatedPlexTv,
    plex: SimulatedPlex,
    freezer: FrozenDateTimeFactory,
) -> None:
    tv.add_server(plex, owned=False)
    result = await choose(hass, await menu(hass), "sign_in")
    tv.link()
    result = await sign_in(hass, tv, freezer, result)
    assert result["errors"] == {"base": "no_owned_server"}

    tv.add_server(plex)
    result = await submit(hass, result, {})
    tv.link()
    result = await sign_in(hass, tv, freezer, result)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    await settle(hass)


@pytest.mark.parametrize("how", ["withdrawn", "never answered"])
async def test_a_sign_in_that_took_too_long_says_so_and_may_try_again(
    hass: HomeAssistant,
    tv: SimulatedPlexTv,
    plex: SimulatedPlex,
    freezer: FrozenDateTimeFactory,
    how: str,
) -> None:
    tv.add_server(plex)
    result = await choose(hass, await menu(hass), "sign_in")
    if how == "withdrawn":
        tv.expire()
    wait = 3 if how == "withdrawn" else 1000
    result = await sign_in(hass, tv, freezer, result, wait)
    assert result["errors"] == {"base": "sign_in_expired"}

    result = await submit(hass, result, {})
    tv.link()
    result = await sign_in(hass, tv, freezer, result)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    await settle(hass)


@pytest.mark.parametrize("fault", ["500", "garbage", "wrong-shape", "redirect"])
async def test_a_plex_tv_that_fails_is_told_from_a_server_that_does(
    hass: HomeAssistant,
    tv: SimulatedPlexTv,
    plex: SimulatedPlex,
    freezer: FrozenDateTimeFactory,
    fault: str,
) -> None:
    tv.add_server(plex)
    tv.fault(fault, path="/api/v2/pins")
    result = await choose(hass, await menu(hass), "sign_in")
    assert result["errors"] == {"base": "plex_tv_unreachable"}

    result = await submit(hass, result, {})
    tv.link()
    tv.fault("500", count=None, path="/api/v2/resources")
    result = await sign_in(hass, tv, freezer, result, 3, 100)
    assert result["errors"] == {"base": "plex_tv_unreachable"}

    tv.clear_faults()
    result = await submit(hass, result, {})
    tv.link()
    result = await sign_in(hass, tv, freezer, result)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    await settle(hass)


@pytest.mark.parametrize("path", ["/api/v2/pins/", "/api/v2/resources"])
@pytest.mark.parametrize(
    "fault", ["429", "500", "502", "503", "401", "403", "garbage", "redirect", "refuse"]
)
async def test_a_sign_in_outlasts_the_bad_moments_of_plex_tv(
    hass: HomeAssistant,
    tv: SimulatedPlexTv,
    plex: SimulatedPlex,
    freezer: FrozenDateTimeFactory,
    fault: str,
    path: str,
) -> None:
    tv.add_server(plex)
    result = await choose(hass, await menu(hass), "sign_in")
    tv.link()
    # A GET on a kept connection that breaks is tried once more by aiohttp itself.
    tv.fault(fault, count=4, path=path)

    result = await sign_in(hass, tv, freezer, result, 3, 3, 3, 3, 3)

    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["data"][CONF_TOKEN] == plex.token
    await settle(hass)


async def test_a_sign_in_outlasts_a_silence_of_plex_tv(
    hass: HomeAssistant,
    tv: SimulatedPlexTv,
    plex: SimulatedPlex,
    freezer: FrozenDateTimeFactory,
) -> None:
    tv.add_server(plex)
    result = await choose(hass, await menu(hass), "sign_in")
    tv.link()
    tv.fault("slow", path="/api/v2/pins/", delay=60)

    result = await sign_in(hass, tv, freezer, result, 20, 3)

    assert result["type"] is FlowResultType.CREATE_ENTRY
    await settle(hass)


async def test_plex_tv_is_asked_as_seldom_as_it_wants(
    hass: HomeAssistant,
    tv: SimulatedPlexTv,
    plex: SimulatedPlex,
    freezer: FrozenDateTimeFactory,
) -> None:
    tv.add_server(plex)
    result = await choose(hass, await menu(hass), "sign_in")
    tv.link()
    tv.fault("429", path="/api/v2/pins/", retry_after=30)
    await settle(hass)
    asked = len(tv.requests)
    for _ in range(9):
        freezer.tick(3)
        await settle(hass)
    assert len(tv.requests) == asked

    result = await sign_in(hass, tv, freezer, result, 5)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    await settle(hass)


async def test_a_plex_tv_that_fails_until_the_end_is_said_to(
    hass: HomeAssistant,
    tv: SimulatedPlexTv,
    plex: SimulatedPlex,
    freezer: FrozenDateTimeFactory,
) -> None:
    tv.add_server(plex)
    result = await choose(hass, await menu(hass), "sign_in")
    tv.fault("500", count=None, path="/api/v2/pins/")
    result = await sign_in(hass, tv, freezer, result, 3, 1000)
    assert result["errors"] == {"base": "plex_tv_unreachable"}

    tv.clear_faults()
    result = await submit(hass, result, {})
    tv.link()
    result = await sign_in(hass, tv, freezer, result)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    await settle(hass)


async def test_what_plex_tv_lists_wrongly_hides_nothing_else(
    hass: HomeAssistant,
    tv: SimulatedPlexTv,
    plex: SimulatedPlex,
    freezer: FrozenDateTimeFactory,
) -> None:
    broken = local_http(plex, address="::not an address::")
    tv.add_server(plex, connections=[broken, relay(), local_http(plex)])
    nameless = tv.add_server(plex)
    nameless.client_identifier = ""
    result = await choose(hass, await menu(hass), "sign_in")
    tv.link()

    result = await sign_in(hass, tv, freezer, result)

    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["data"][CONF_URL] == plex.url
    await settle(hass)


@pytest.mark.parametrize(("home", "said"), [("Mill", "Mill"), ("", None)])
async def test_the_home_is_named_to_plex_if_it_has_a_name(
    hass: HomeAssistant,
    tv: SimulatedPlexTv,
    freezer: FrozenDateTimeFactory,
    home: str,
    said: str | None,
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


async def test_signing_in_replaces_a_refused_token(
    hass: HomeAssistant,
    tv: SimulatedPlexTv,
    plex: SimulatedPlex,
    loaded: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
) -> None:
    tv.add_server(plex)
    hass.config_entries.async_update_entry(
        loaded, data={**loaded.data, CONF_TOKEN: "old"}
    )
    result = await choose(hass, await loaded.start_reauth_flow(hass), "sign_in")
    tv.link()

    result = await sign_in(hass, tv, freezer, result)

    assert result["reason"] == "reauth_successful"
    assert loaded.data[CONF_TOKEN] == plex.token
    await settle(hass)


async def test_signing_in_as_somebody_else_replaces_nothing(
    hass: HomeAssistant,
    tv: SimulatedPlexTv,
    plex: SimulatedPlex,
    loaded: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
) -> None:
    async with SimulatedPlex(name="Cellar", seed=7, clock=ManualClock()) as cellar:
        tv.add_server(cellar)
        result = await choose(hass, await loaded.start_reauth_flow(hass), "sign_in")
        tv.link()
        result = await sign_in(hass, tv, freezer, result)
        assert result["errors"] == {"base": "not_your_server"}

        tv.add_server(plex)
        result = await submit(hass, result, {})
        tv.link()
        result = await sign_in(hass, tv, freezer, result)
        assert result["reason"] == "reauth_successful"
        await settle(hass)


async def test_the_account_is_asked_for_nothing_but_the_sign_in(
    hass: HomeAssistant,
    tv: SimulatedPlexTv,
    plex: SimulatedPlex,
    freezer: FrozenDateTimeFactory,
) -> None:
    tv.add_server(plex)
    result = await choose(hass, await menu(hass), "sign_in")
    tv.link()
    result = await sign_in(hass, tv, freezer, result)
    entry = result["result"]
    await settle(hass)

    assert tv.token not in str(entry.data)
    assert all(tv.token not in str(request.headers) for request in plex.requests)
    asked = len(tv.requests)
    for _ in range(5):
        freezer.tick(3600)
        await plex.advance(3600)
        await settle(hass)
    assert len(tv.requests) == asked
