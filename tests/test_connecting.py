"""Each thing that can be wrong with a connection is told apart, and can be mended."""

from collections.abc import AsyncIterator, Callable
import ssl

from aiohttp import ClientTimeout
from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import CONF_TOKEN, CONF_URL, CONF_VERIFY_SSL
from homeassistant.core import HomeAssistant
import pytest

from custom_components.plex_butler.api import transport
from custom_components.plex_butler.const import CONF_SERVER, DOMAIN
from tests.conftest import add_entry
from tests.flows import Dialog, announce, begin, core_entry, typed
from tests.simulator import (
    CERT_HASH,
    ManualClock,
    Names,
    PlainHttp,
    SimulatedPlex,
    plex_direct_name,
)
from tests.tls import Certificates


def direct(plex: SimulatedPlex) -> str:
    return plex.url_at(plex_direct_name("127.0.0.1"))


@pytest.mark.parametrize("way", PlainHttp)
async def test_plain_http_that_is_not_wanted_leads_to_https(
    secure_dialog: Dialog, way: PlainHttp
) -> None:
    dialog, secure = secure_dialog, secure_dialog.plex
    secure.plain_http = way
    url = secure.url_at(plex_direct_name("127.0.0.1"), scheme="http")

    await dialog.add("secure_required", url=url)
    assert dialog.shown[CONF_URL] == direct(secure)
    # Only who is there was asked.
    assert not any(secure.token in asked for asked in secure.turned_away)
    assert all("X-Plex-Token" not in it.headers for it in secure.requests)

    await dialog.create(dialog.shown)


@pytest.fixture
async def proxy(socket_enabled: None, names: Names) -> AsyncIterator[SimulatedPlex]:
    """Return what listens at the server's name, and sends everybody away."""
    names.point("plex.example")
    async with SimulatedPlex(name="Proxy", seed=7, clock=ManualClock()) as proxy:
        yield proxy


async def test_a_redirect_to_another_port_leads_to_where_it_says(
    hass: HomeAssistant, certificates: Certificates, proxy: SimulatedPlex
) -> None:
    tls = certificates.named("plex.example")
    async with SimulatedPlex(prefix="/tv", tls=tls, clock=ManualClock()) as plex:
        dialog, target = Dialog(hass, plex), plex.url_at("plex.example")
        proxy.fault("redirect", count=None, target=target)
        await dialog.add("secure_required", url=proxy.url_at("plex.example"))
        assert dialog.shown[CONF_URL] == target
        assert all("X-Plex-Token" not in it.headers for it in proxy.requests)

        await dialog.create(dialog.shown)
        assert dialog.result["data"][CONF_URL] == target
        # The prefix is part of the stream's address as well.
        assert plex.hub.sockets


async def test_a_redirect_from_port_80_leads_to_443(
    secure_dialog: Dialog, certificates: Certificates, names: Names
) -> None:
    # A name that leads to one port for both.
    names.point("plex.example", secure_dialog.plex.port)
    await secure_dialog.plex.use_certificate(certificates.named("plex.example"))
    secure_dialog.plex.plain_http = PlainHttp.REDIRECT

    await secure_dialog.add("secure_required", url="http://plex.example:80")
    assert secure_dialog.shown[CONF_URL] == "https://plex.example"

    await secure_dialog.create(secure_dialog.shown)


@pytest.mark.parametrize(
    "target",
    [
        "https://elsewhere.example",
        "http://plex.example:81",
        "https://plex.example:99999",
    ],
)
async def test_a_redirect_to_anywhere_else_is_not_followed(
    secure_dialog: Dialog, proxy: SimulatedPlex, names: Names, target: str
) -> None:
    dialog, elsewhere = secure_dialog, secure_dialog.plex
    names.point("elsewhere.example", elsewhere.port)
    proxy.fault("redirect", count=None, target=target)
    url = proxy.url_at("plex.example")
    await dialog.add("invalid_response", url=url)
    assert dialog.shown[CONF_URL] == url
    assert elsewhere.requests == []

    await dialog.create(typed(elsewhere, verify_ssl=False))


async def test_a_secure_server_that_hangs_up_is_not_tried_by_another_way(
    secure_dialog: Dialog,
) -> None:
    secure_dialog.plex.fault("refuse", count=None)
    url = direct(secure_dialog.plex)
    await secure_dialog.add("hung_up", url=url)
    assert secure_dialog.shown[CONF_URL] == url

    secure_dialog.plex.clear_faults()
    await secure_dialog.create(secure_dialog.shown)


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
        # Nothing trusts it, whatever its name is.
        (lambda it: it.self_signed(), None),
    ],
)
async def test_a_certificate_for_another_name_is_told_from_one_that_nothing_trusts(
    secure_dialog: Dialog,
    certificates: Certificates,
    certificate: Callable[[Certificates], ssl.SSLContext],
    names: str | None,
) -> None:
    dialog, secure = secure_dialog, secure_dialog.plex
    await secure.use_certificate(certificate(certificates))
    await dialog.add("certificate_name" if names else "certificate_untrusted")
    if names:
        assert dialog.placeholders["names"] == names

    await secure.use_certificate(certificates.right())
    await dialog.create()


async def test_an_unclaimed_server_is_no_error_of_the_token(dialog: Dialog) -> None:
    dialog.plex.claimed = False
    await dialog.add("unclaimed")

    dialog.plex.claimed = True
    await dialog.create()


async def test_a_server_that_takes_too_long_is_said_to(
    dialog: Dialog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "TIMEOUT", ClientTimeout(total=0.05))
    dialog.plex.fault("slow", delay=1)
    await dialog.add("timeout")
    monkeypatch.undo()

    await dialog.create()


@pytest.mark.parametrize("way", ["reauth", "plex"])
async def test_a_dialog_without_an_address_goes_on_in_one_that_has_it(
    hass: HomeAssistant, secure_dialog: Dialog, way: str
) -> None:
    dialog, secure = secure_dialog, secure_dialog.plex
    plain = secure.url_at("127.0.0.1", scheme="http")
    if way == "plex":
        theirs = core_entry(secure, url=plain)
        theirs.add_to_hass(hass)
        dialog.result = await begin(hass, way)
        answer = {CONF_SERVER: theirs.entry_id}
    else:
        entry = add_entry(hass, secure)
        data = typed(secure, url=plain, token="old")
        hass.config_entries.async_update_entry(entry, data=data)
        await dialog.reauth(entry)
        answer = {CONF_TOKEN: secure.token}

    await dialog.fail("secure_required", answer, "address")
    filled_in = {CONF_URL: secure.url, CONF_VERIFY_SSL: True}
    assert dialog.shown == {**filled_in, CONF_TOKEN: None}
    await dialog.fail("certificate_name", filled_in)
    await dialog.submit({**filled_in, CONF_VERIFY_SSL: False})

    (entry,) = hass.config_entries.async_entries(DOMAIN)
    assert entry.data == typed(secure, verify_ssl=False)
    assert entry.state is ConfigEntryState.LOADED


async def test_https_where_there_is_none_is_never_given_up_for_plain_http_by_itself(
    dialog: Dialog, plex: SimulatedPlex
) -> None:
    entry = add_entry(dialog.hass, plex)
    url = plex.url_at("127.0.0.1", scheme="https")
    data = typed(plex, url=url, token="old")
    dialog.hass.config_entries.async_update_entry(entry, data=data)
    await dialog.reauth(entry)

    await dialog.fail("tls", {CONF_TOKEN: plex.token})
    assert dialog.shown[CONF_URL] == url
    assert plex.requests == []

    right = {CONF_URL: plex.url, CONF_VERIFY_SSL: True}
    await dialog.end("reauth_successful", right)
    assert entry.data == typed(plex)


async def test_a_token_that_is_wrong_is_asked_for_where_it_was(
    dialog: Dialog, plex: SimulatedPlex
) -> None:
    dialog.result = await announce(dialog.hass, plex.port)
    await dialog.fail("invalid_auth", {CONF_TOKEN: "wrong"}, "discovery_confirm")
    right = {CONF_TOKEN: plex.token}
    for fault, path, error in (
        ("401", "/", "forbidden"),
        ("403", "/butler", "not_owner"),
        ("403", "/", "forbidden"),
        ("503", "/", "maintenance"),
    ):
        plex.fault(fault, path=path)
        await dialog.fail(error, right, "discovery_confirm")
        plex.clear_faults()

    await dialog.create(right)
