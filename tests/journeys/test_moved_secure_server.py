"""A server with TLS that got another address, and what its certificate proves."""

from homeassistant.config_entries import SOURCE_RECONFIGURE, ConfigFlowResult
from homeassistant.const import CONF_URL, CONF_VERIFY_SSL, STATE_OFF
import pytest

from tests.conftest import SignIn, settle
from tests.flows import (
    announce,
    answer_repair,
    choose,
    open_repair,
    repairs,
    submit,
    suggested,
)
from tests.journeys.journey import (
    ANOTHER_HASH,
    NEW,
    NOTHING_LISTENS,
    OLD,
    Move,
    got_a_token,
)
from tests.simulator import (
    Names,
    SecureConnections,
    SimulatedPlexTv,
    local_http,
    local_https,
    plex_direct_name,
)
from tests.tls import Certificates


@pytest.fixture
def missed(secure_move: Move) -> Move:
    """Return a secure server, which will be missed at its address."""
    secure_move.expected_logs.append(NOTHING_LISTENS)
    return secure_move


async def test_a_server_with_plexs_name_is_followed_by_itself(missed: Move) -> None:
    await missed.set_up()
    await missed.leave()

    missed.expect_healthy_at(missed.new.url_at(plex_direct_name(NEW)))
    assert missed.entry.data[CONF_VERIFY_SSL]


async def test_a_secure_server_that_moved_while_home_assistant_was_down_is_followed(
    secure_move: Move,
) -> None:
    await secure_move.old.stop_listening()
    await secure_move.set_up()
    # Discovery may come after set-up.
    await secure_move.announce()
    await secure_move.outage()
    secure_move.expect_healthy_at(secure_move.new.url_at(plex_direct_name(NEW)))


@pytest.mark.parametrize("is_signed", [True, False])
async def test_nothing_without_the_certificate_of_the_server_gets_the_token(
    missed: Move, certificates: Certificates, *, is_signed: bool
) -> None:
    renamed, self_signed = (
        certificates.plex_direct(ANOTHER_HASH),
        certificates.self_signed(),
    )
    before = missed.url()
    await missed.set_up()
    await missed.new.use_certificate(renamed if is_signed else self_signed)
    await missed.leave()
    missed.expect_not_followed()

    await missed.come_back(before)


@pytest.fixture
async def renamed(secure_move: Move, certificates: Certificates) -> Move:
    """Return a server that has got a certificate for another name."""
    secure_move.expected_logs.append("for another name")
    await secure_move.set_up()
    await secure_move.old.use_certificate(certificates.plex_direct(ANOTHER_HASH))
    await secure_move.advance(31)
    return secure_move


async def test_a_renamed_certificate_at_the_old_address_is_a_repair_until_it_is_back(
    renamed: Move, certificates: Certificates
) -> None:
    before = renamed.url()
    assert renamed.repairs() == {"certificate_renamed"}

    await renamed.old.use_certificate(certificates.plex_direct())
    await renamed.outage()
    renamed.expect_healthy_at(before)


async def follow(renamed: Move) -> ConfigFlowResult:
    """Submit the repair; return the dialog to which it leads."""
    hass = renamed.hass
    repair = await open_repair(hass, "certificate_renamed")
    told = {"name": "Attic", "names": f"*.{ANOTHER_HASH}.plex.direct"}
    assert repair["description_placeholders"] == told
    assert repairs(hass)["certificate_renamed"].translation_placeholders == told
    await answer_repair(hass, repair, {})
    # What was presented is never taken for the new name.
    assert ANOTHER_HASH not in renamed.url()
    (flow,) = renamed.dialogs()
    assert flow["context"]["source"] == SOURCE_RECONFIGURE
    result = await hass.config_entries.flow.async_configure(flow["flow_id"])
    assert result["step_id"] == "renamed"
    return result


@pytest.mark.parametrize("way", ["sign_in", "address"])
async def test_the_repair_of_a_renamed_certificate_leads_to_the_new_name(
    renamed: Move, tv: SimulatedPlexTv, sign_in: SignIn, way: str
) -> None:
    found = local_https(renamed.old, ANOTHER_HASH)
    tv.add_server(renamed.old, connections=[found])
    result = await follow(renamed)
    if way == "sign_in":
        result = await sign_in(result)
    else:
        result = await choose(renamed.hass, result, way)
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


async def test_a_sign_in_that_does_not_find_a_new_name_leads_to_the_address(
    renamed: Move, tv: SimulatedPlexTv, sign_in: SignIn
) -> None:
    hass = renamed.hass
    result = await sign_in(await follow(renamed), answer=tv.expire)
    assert result["step_id"] == "sign_in_expired"
    assert result["menu_options"] == ["sign_in", "address"]
    url = renamed.old.url_at(plex_direct_name(OLD, ANOTHER_HASH))
    result = await choose(hass, result, "address")
    result = await submit(hass, result, {CONF_URL: url, CONF_VERIFY_SSL: True})
    assert result["reason"] == "reconfigure_successful"
    renamed.expect_healthy_at(url)


@pytest.mark.parametrize("also", list(SecureConnections))
async def test_a_secure_server_without_verification_is_followed_to_https_by_a_person(
    missed: Move, also: SecureConnections
) -> None:
    missed.new.secure_connections = also
    missed.update(url=missed.old.url, verify_ssl=False)
    await missed.set_up()
    await missed.leave()
    assert missed.url() == missed.old.url
    assert not got_a_token(missed.new)

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
    assert missed.repairs() == set()

    await missed.come_back(chosen)
    assert not got_a_token(missed.new)


async def test_one_that_now_is_secure_is_followed(secure_move: Move) -> None:
    secure_move.expected_logs.append("closed the connection without a response")
    server = secure_move.old
    server.secure_connections = SecureConnections.PREFERRED
    plain = server.url_at(OLD, scheme="http")
    secure_move.update(url=plain)
    await secure_move.set_up()
    server.secure_connections = SecureConnections.REQUIRED
    await announce(secure_move.hass, server.port)
    await secure_move.outage()
    assert secure_move.url() == plain

    await secure_move.confirm(server.url)
    assert secure_move.entry.data[CONF_VERIFY_SSL] is False


async def test_an_address_that_was_entered_during_a_look_is_kept(missed: Move) -> None:
    await missed.set_up()
    await missed.be_looked_for()

    missed.update(url=missed.old.url_at("localhost"))
    entered = dict(missed.entry.data)
    missed.freezer.tick(2)
    await settle(missed.hass)
    assert missed.entry.data == entered
