"""Each thing that can be wrong with a connection is told apart, and can be mended."""

from collections.abc import AsyncIterator, Callable
import ssl

from aiohttp import ClientTimeout
from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import CONF_TOKEN, CONF_URL, CONF_VERIFY_SSL
from homeassistant.core import HomeAssistant
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_socket import socket_allow_hosts

from custom_components.plex_butler.const import CONF_SERVER, DOMAIN
from tests.conftest import add_entry
from tests.flows import (
    add,
    announce,
    begin,
    choose,
    core_entry,
    is_created,
    submit,
    suggested,
    typed,
)
from tests.simulator import (
    CERT_HASH,
    ManualClock,
    Names,
    PlainHttp,
    SecureConnections,
    SimulatedPlex,
    plex_direct_name,
)
from tests.tls import Certificates


def direct(plex: SimulatedPlex) -> str:
    return plex.url_at(plex_direct_name("127.0.0.1"))


async def test_a_name_of_plexs_needs_no_setting(
    hass: HomeAssistant, secure: SimulatedPlex
) -> None:
    url = direct(secure).removeprefix("https://")

    result = await add(hass, typed(secure, url=url))

    assert is_created(result)
    assert result["data"][CONF_URL] == direct(secure)


@pytest.mark.parametrize("way", PlainHttp)
async def test_plain_http_that_is_not_wanted_leads_to_https(
    hass: HomeAssistant, secure: SimulatedPlex, way: PlainHttp
) -> None:
    secure.plain_http = way
    url = secure.url_at(plex_direct_name("127.0.0.1"), scheme="http")

    result = await add(hass, typed(secure, url=url))
    assert result["errors"] == {"base": "secure_required"}
    assert suggested(result)[CONF_URL] == direct(secure)
    # Only who is there was asked.
    assert not any(secure.token in asked for asked in secure.turned_away)
    assert all("X-Plex-Token" not in it.headers for it in secure.requests)

    result = await submit(hass, result, suggested(result))
    assert is_created(result)


@pytest.fixture
async def proxy(socket_enabled: None, names: Names) -> AsyncIterator[SimulatedPlex]:
    """Return what listens at the server's name, and sends everybody away."""
    names.point("plex.example")
    async with SimulatedPlex(name="Proxy", seed=7, clock=ManualClock()) as proxy:
        yield proxy


async def test_a_redirect_to_another_port_leads_to_where_it_says(
    hass: HomeAssistant, certificates: Certificates, proxy: SimulatedPlex
) -> None:
    async with SimulatedPlex(
        prefix="/tv", tls=certificates.named("plex.example"), clock=ManualClock()
    ) as plex:
        target = plex.url_at("plex.example")
        proxy.fault("redirect", count=None, target=target)
        url = proxy.url_at("plex.example")
        result = await add(hass, typed(plex, url=url))
        assert result["errors"] == {"base": "secure_required"}
        assert suggested(result)[CONF_URL] == target
        assert all("X-Plex-Token" not in it.headers for it in proxy.requests)

        result = await submit(hass, result, suggested(result))
        assert is_created(result)
        assert result["data"][CONF_URL] == target


async def test_a_redirect_from_port_80_leads_to_443(
    hass: HomeAssistant, secure: SimulatedPlex, certificates: Certificates, names: Names
) -> None:
    # A name that leads to one port for both.
    names.point("plex.example", secure.port)
    await secure.use_certificate(certificates.named("plex.example"))
    secure.plain_http = PlainHttp.REDIRECT
    url = "http://plex.example:80"

    result = await add(hass, typed(secure, url=url))
    assert result["errors"] == {"base": "secure_required"}
    assert suggested(result)[CONF_URL] == "https://plex.example"

    result = await submit(hass, result, suggested(result))
    assert is_created(result)


@pytest.mark.parametrize(
    "target",
    [
        "https://elsewhere.example",
        "http://plex.example:81",
        "https://plex.example:99999",
        "",
    ],
)
async def test_a_redirect_to_anywhere_else_is_not_followed(
    hass: HomeAssistant, plex: SimulatedPlex, proxy: SimulatedPlex, target: str
) -> None:
    proxy.fault("redirect", count=None, target=target)
    url = proxy.url_at("plex.example")
    result = await add(hass, typed(plex, url=url))
    assert result["errors"] == {"base": "invalid_response"}
    assert suggested(result)[CONF_URL] == url

    result = await submit(hass, result, typed(plex))
    assert is_created(result)


async def test_a_secure_server_that_hangs_up_is_not_tried_by_another_way(
    hass: HomeAssistant, secure: SimulatedPlex
) -> None:
    secure.fault("refuse", count=None)
    result = await add(hass, typed(secure, url=direct(secure)))
    assert result["errors"] == {"base": "hung_up"}
    assert suggested(result)[CONF_URL] == direct(secure)

    secure.clear_faults()
    result = await submit(hass, result, suggested(result))
    assert is_created(result)


@pytest.mark.parametrize(
    ("certificate", "names"),
    [
        (Certificates.plex_direct, f"*.{CERT_HASH}.plex.direct"),
        (Certificates.nameless, "?"),
        (Certificates.unreadable, "?"),
        (lambda it: it.with_texts("[x](http://evil) `y`"), "?x??http:??evil???y?"),
        (lambda it: it.with_texts("a" * 200), "a" * 100),
        (lambda it: it.with_texts(*"abcdefg"), "a, b, c, d, e, ..."),
        (lambda it: it.named("1.2.3.4", "*.example.com"), "*.example.com, 1.2.3.4"),
        # These are for the right name, and nothing trusts them.
        (lambda it: it.expired(), None),
        (lambda it: it.self_signed(), None),
        (lambda it: it.of_unknown_authority(), None),
    ],
)
async def test_a_certificate_for_another_name_is_told_from_one_that_nothing_trusts(
    hass: HomeAssistant,
    secure: SimulatedPlex,
    certificates: Certificates,
    certificate: Callable[[Certificates], ssl.SSLContext],
    names: str | None,
) -> None:
    await secure.use_certificate(certificate(certificates))
    result = await add(hass, typed(secure))
    if names:
        assert result["errors"] == {"base": "certificate_name"}
        placeholders = result["description_placeholders"]
        assert placeholders and placeholders["names"] == names
    else:
        assert result["errors"] == {"base": "certificate_untrusted"}

    if certificate is Certificates.plex_direct:
        answer = typed(secure, verify_ssl=False)
    else:
        await secure.use_certificate(certificates.right())
        answer = typed(secure)
    result = await submit(hass, result, answer)
    assert is_created(result)


async def test_a_server_of_nobody_is_told_from_a_wrong_token(
    hass: HomeAssistant, plex: SimulatedPlex
) -> None:
    plex.claimed = False
    result = await add(hass, typed(plex))
    assert result["errors"] == {"base": "unclaimed"}

    plex.claimed = True
    result = await submit(hass, result, typed(plex))
    assert is_created(result)


async def test_a_server_that_takes_too_long_is_said_to(
    hass: HomeAssistant, plex: SimulatedPlex, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "custom_components.plex_butler.api.transport.TIMEOUT", ClientTimeout(total=0.05)
    )
    plex.fault("slow", delay=1)
    result = await add(hass, typed(plex))
    assert result["errors"] == {"base": "timeout"}
    monkeypatch.undo()

    result = await submit(hass, result, typed(plex))
    assert is_created(result)


async def test_a_server_that_is_heard_of_elsewhere_too_stays_where_it_answers(
    hass: HomeAssistant, plex: SimulatedPlex, entry: MockConfigEntry
) -> None:
    socket_allow_hosts(["127.0.0.1", "127.0.0.2"])
    async with SimulatedPlex(host="127.0.0.2", clock=ManualClock()) as other_card:
        assert other_card.machine_identifier == plex.machine_identifier

        result = await announce(hass, other_card.port, "127.0.0.2")

    assert result["reason"] == "already_configured"
    assert entry.data[CONF_URL] == plex.url


async def test_a_server_that_accepts_both_is_reached_by_plain_http(
    hass: HomeAssistant, secure: SimulatedPlex
) -> None:
    secure.secure_connections = SecureConnections.PREFERRED
    url = secure.url_at("127.0.0.1", scheme="http")

    result = await add(hass, typed(secure, url=url))

    assert is_created(result)


@pytest.mark.parametrize("way", ["reauth", "plex"])
async def test_a_dialog_without_an_address_goes_on_in_one_that_has_it(
    hass: HomeAssistant, secure: SimulatedPlex, way: str
) -> None:
    plain = secure.url_at("127.0.0.1", scheme="http")
    if way == "plex":
        theirs = core_entry(secure, url=plain)
        theirs.add_to_hass(hass)
        result = await begin(hass, way)
        result = await submit(hass, result, {CONF_SERVER: theirs.entry_id})
    else:
        entry = add_entry(hass, secure)
        data = typed(secure, url=plain, token="old")
        hass.config_entries.async_update_entry(entry, data=data)
        result = await choose(hass, await entry.start_reauth_flow(hass), "reauth_token")
        result = await submit(hass, result, {CONF_TOKEN: secure.token})

    assert result["step_id"] == "address"
    assert result["errors"] == {"base": "secure_required"}
    filled_in = {CONF_URL: secure.url, CONF_VERIFY_SSL: True}
    assert suggested(result) == {**filled_in, CONF_TOKEN: None}
    result = await submit(hass, result, filled_in)
    assert result["errors"] == {"base": "certificate_name"}
    result = await submit(hass, result, {**filled_in, CONF_VERIFY_SSL: False})

    (entry,) = hass.config_entries.async_entries(DOMAIN)
    assert entry.data == typed(secure, verify_ssl=False)
    assert entry.state is ConfigEntryState.LOADED


async def test_https_where_there_is_none_is_never_given_up_for_plain_http_by_itself(
    hass: HomeAssistant, plex: SimulatedPlex
) -> None:
    entry = add_entry(hass, plex)
    url = plex.url_at("127.0.0.1", scheme="https")
    data = typed(plex, url=url, token="old")
    hass.config_entries.async_update_entry(entry, data=data)
    result = await choose(hass, await entry.start_reauth_flow(hass), "reauth_token")

    result = await submit(hass, result, {CONF_TOKEN: plex.token})
    assert result["errors"] == {"base": "tls"}
    assert suggested(result)[CONF_URL] == url
    assert plex.requests == []

    result = await submit(hass, result, {CONF_URL: plex.url, CONF_VERIFY_SSL: True})
    assert result["reason"] == "reauth_successful"
    assert entry.data == typed(plex)


async def test_a_token_that_is_wrong_is_asked_for_where_it_was(
    hass: HomeAssistant, plex: SimulatedPlex
) -> None:
    result = await announce(hass, plex.port)
    result = await submit(hass, result, {CONF_TOKEN: "wrong"})
    assert result["step_id"] == "discovery_confirm"
    assert result["errors"] == {"base": "invalid_auth"}
    for fault, path, error in (
        ("401", "/", "forbidden"),
        ("403", "/butler", "not_owner"),
        ("403", "/", "forbidden"),
        ("503", "/", "maintenance"),
    ):
        plex.fault(fault, path=path)
        result = await submit(hass, result, {CONF_TOKEN: plex.token})
        assert result["step_id"] == "discovery_confirm"
        assert result["errors"] == {"base": error}
        plex.clear_faults()

    result = await submit(hass, result, {CONF_TOKEN: plex.token})
    assert is_created(result)
