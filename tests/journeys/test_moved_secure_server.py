"""A server with TLS that got another address, and what its certificate proves."""

import ssl

from homeassistant.config_entries import SOURCE_RECONFIGURE, ConfigFlowResult
from homeassistant.const import CONF_URL, CONF_VERIFY_SSL, STATE_OFF
import pytest

from tests.conftest import SignIn
from tests.flows import announce, choose, repairs, submit, suggested
from tests.journeys.journey import NEW, NOTHING_LISTENS, OLD, Move, token_sent_to
from tests.journeys.test_installed_anew import ids, install_anew, take_its_place
from tests.simulator import (
    CERT_HASH,
    Names,
    SecureConnections,
    SimulatedPlex,
    SimulatedPlexTv,
    local_http,
    local_https,
    plex_direct_name,
)
from tests.tls import Certificates

ANOTHER_HASH = "f" * 32


@pytest.fixture
def plex(secure: SimulatedPlex) -> SimulatedPlex:
    return secure


@pytest.fixture
def tls(certificates: Certificates) -> ssl.SSLContext:
    return certificates.plex_direct()


@pytest.fixture
def parked(parked: Move, names: Names) -> Move:
    """Return a secure server with a new address, and an entry as signing in makes it."""
    for cert_hash in (CERT_HASH, ANOTHER_HASH):
        names.point(plex_direct_name(NEW, cert_hash), address=NEW)
    parked.update(url=parked.old.url_at(plex_direct_name(OLD)))
    return parked


@pytest.fixture
def missed(parked: Move) -> Move:
    """Return a secure server, which will be missed at its address."""
    parked.expect_log(NOTHING_LISTENS)
    return parked


@pytest.mark.parametrize("was_down", [False, True], ids=["at work", "down"])
async def test_a_server_with_plexs_name_is_followed_by_itself(
    missed: Move, *, was_down: bool
) -> None:
    await missed.set_up()
    await missed.old.stop_listening()
    if was_down:
        # Home Assistant starts without the server, and hears of it later.
        await missed.advance(31)
        await missed.reload()
        assert missed.is_retried()
    await missed.announce()
    await missed.outage()

    missed.expect_healthy_at(missed.new.url_at(plex_direct_name(NEW)))
    assert missed.entry.data[CONF_VERIFY_SSL]


@pytest.mark.parametrize("is_signed", [True, False])
async def test_nothing_without_the_certificate_of_the_server_gets_the_token(
    missed: Move, certificates: Certificates, *, is_signed: bool
) -> None:
    before = missed.url()
    await missed.set_up()
    await missed.new.use_certificate(
        certificates.plex_direct(ANOTHER_HASH)
        if is_signed
        else certificates.self_signed()
    )
    await missed.leave()
    missed.expect_not_followed()

    await missed.come_back(before)


@pytest.fixture
async def renamed(parked: Move, certificates: Certificates) -> Move:
    """Return a server that has got a certificate for another name."""
    parked.expect_log("for another name")
    await parked.set_up()
    await parked.old.use_certificate(certificates.plex_direct(ANOTHER_HASH))
    await parked.advance(31)
    return parked


async def test_a_renamed_certificate_at_the_old_address_is_a_repair_until_it_is_back(
    renamed: Move, certificates: Certificates
) -> None:
    before = renamed.url()
    assert renamed.repairs() == {"certificate_renamed"}

    await renamed.old.use_certificate(certificates.plex_direct())
    await renamed.outage()
    renamed.expect_healthy_at(before)


async def follow(renamed: Move) -> ConfigFlowResult:
    """Confirm the repair; return the dialog to which it leads."""
    told = {"name": "Attic", "names": f"*.{ANOTHER_HASH}.plex.direct"}
    issue = repairs(renamed.hass)["certificate_renamed"]
    assert issue.translation_placeholders == told
    flow = await renamed.follow("certificate_renamed")
    # What was presented is never taken for the new name.
    assert ANOTHER_HASH not in renamed.url()
    assert flow["context"]["source"] == SOURCE_RECONFIGURE
    configure = renamed.hass.config_entries.flow.async_configure
    result: ConfigFlowResult = await configure(flow["flow_id"])
    assert result["step_id"] == "renamed"
    assert result["menu_options"] == ["sign_in", "address"]
    return result


@pytest.mark.parametrize("finds", [True, False])
async def test_the_repair_of_a_renamed_certificate_leads_to_the_new_name(
    renamed: Move, tv: SimulatedPlexTv, sign_in: SignIn, *, finds: bool
) -> None:
    found = local_https(renamed.old, ANOTHER_HASH)
    tv.add_server(renamed.old, connections=[found])
    result = await follow(renamed)
    result = await sign_in(result, answer=tv.link if finds else tv.expire)
    if not finds:
        assert result["step_id"] == "sign_in_expired"
        assert result["menu_options"] == ["sign_in", "address"]
        result = await choose(renamed.hass, result, "address")
        answer = {CONF_URL: found.uri, CONF_VERIFY_SSL: True}
        result = await submit(renamed.hass, result, answer)
    assert result["reason"] == "reconfigure_successful"
    renamed.expect_healthy_at(found.uri)


async def test_a_new_sign_in_does_not_lead_from_https_to_plain_http(
    renamed: Move, certificates: Certificates, tv: SimulatedPlexTv, sign_in: SignIn
) -> None:
    before = dict(renamed.entry.data)
    renamed.old.secure_connections = SecureConnections.PREFERRED
    # The router hides the new name, so only the bare address leads there.
    tv.add_server(renamed.old, connections=[local_http(renamed.old)])
    result = await sign_in(await renamed.entry.start_reconfigure_flow(renamed.hass))
    assert result["step_id"] == "address"
    assert suggested(result)[CONF_URL] == before[CONF_URL]
    assert renamed.entry.data == before

    await renamed.old.use_certificate(certificates.plex_direct())
    answer = {CONF_URL: before[CONF_URL], CONF_VERIFY_SSL: True}
    result = await submit(renamed.hass, result, answer)
    assert result["reason"] == "reconfigure_successful"
    assert renamed.state() == STATE_OFF


@pytest.mark.parametrize("also", list(SecureConnections))
async def test_a_secure_server_without_verification_is_followed_to_https_by_a_person(
    missed: Move, also: SecureConnections
) -> None:
    missed.new.secure_connections = also
    missed.update(url=missed.old.url, verify_ssl=False)
    await missed.set_up()
    await missed.leave()
    assert missed.url() == missed.old.url
    assert not token_sent_to(missed.new)

    await missed.confirm(missed.new.url_at(NEW, scheme="https"))
    assert missed.entry.data[CONF_VERIFY_SSL] is False


async def test_a_name_that_somebody_chose_and_verifies_is_not_followed(
    missed: Move, certificates: Certificates, names: Names
) -> None:
    # Whatever name is under this one, the certificate is good for it.
    names.point("plex.home.example", address=OLD)
    names.point(f"{NEW.replace('.', '-')}.home.example", address=NEW)
    for server in (missed.old, missed.new):
        await server.use_certificate(certificates.named("*.home.example"))
    chosen = missed.old.url_at("plex.home.example")
    missed.update(url=chosen)
    await missed.set_up()
    await missed.leave()
    missed.expect_not_followed()

    await missed.come_back(chosen)


async def test_one_that_now_is_secure_is_followed(parked: Move) -> None:
    parked.expect_log("closed the connection without a response")
    server = parked.old
    server.secure_connections = SecureConnections.PREFERRED
    plain = server.url_at(OLD, scheme="http")
    parked.update(url=plain)
    await parked.set_up()
    server.secure_connections = SecureConnections.REQUIRED
    await announce(parked.hass, server.port)
    await parked.outage()
    assert parked.url() == plain

    await parked.confirm(server.url)
    assert parked.entry.data[CONF_VERIFY_SSL] is False


async def test_a_new_server_with_a_new_certificate_leads_on_to_its_name(
    parked: Move, certificates: Certificates
) -> None:
    plex = parked.plex
    await parked.set_up()
    before = ids(parked)
    await plex.use_certificate(certificates.plex_direct(ANOTHER_HASH))
    await install_anew(parked)

    flow = await take_its_place(parked)
    assert flow
    assert flow["context"]["source"] == SOURCE_RECONFIGURE
    assert not token_sent_to(plex)
    renamed = plex.url_at(plex_direct_name(OLD, ANOTHER_HASH))
    answer = {CONF_URL: renamed, CONF_VERIFY_SSL: True}
    result = await submit(parked.hass, flow, answer)
    assert result["reason"] == "reconfigure_successful"
    parked.expect_healthy_at(renamed)
    assert ids(parked) == before
