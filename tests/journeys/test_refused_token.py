"""A server refuses the token: for a moment, or until a person brings another one."""

from homeassistant.config_entries import SOURCE_REAUTH
from homeassistant.const import CONF_TOKEN, STATE_OFF, STATE_UNAVAILABLE
from homeassistant.helpers import issue_registry as ir
import pytest

from tests.conftest import BACKUP, refused
from tests.flows import choose, submit, typed
from tests.journeys.journey import HOUR, MINUTE, Journey, token_sent_to

REFUSED = "does not accept the token"
STREAM = "/:/websockets/notifications"


@pytest.mark.parametrize("at_work", [True, False], ids=["at work", "after a power cut"])
async def test_a_refusal_of_a_minute_heals_within_two_minutes_without_a_person(
    new_home: Journey, *, at_work: bool
) -> None:
    plex = new_home.plex
    if at_work:
        new_home.expect_log(REFUSED)
        await new_home.set_up()
        await new_home.pass_time(2 * MINUTE)
        plex.hub.drop()
    good, plex.token = plex.token, "another"
    if not at_work:
        plex.fault("503", count=3)
        await new_home.set_up()
    await new_home.pass_time(MINUTE)
    assert new_home.is_retried() or new_home.state() == STATE_UNAVAILABLE

    plex.token = good
    await new_home.pass_time(2 * MINUTE)
    new_home.expect_healthy()
    assert len(plex.hub.sockets) == 1


async def test_a_revoked_token_is_sent_ever_more_rarely_while_its_owner_is_waited_for(
    home: Journey,
) -> None:
    home.expect_log(REFUSED)
    plex = home.plex
    await home.pass_time(2 * MINUTE)
    good, plex.token = plex.token, "another"
    plex.hub.drop()
    plex.requests.clear()
    await home.pass_time(5 * MINUTE)
    # One handshake and one poll find out, then come the four tries.
    assert token_sent_to(plex)[STREAM] <= 1
    assert token_sent_to(plex).total() <= 8

    await home.pass_time(2 * MINUTE)
    (dialog,) = home.dialogs()
    context = dialog["context"]
    assert context["source"] == SOURCE_REAUTH
    assert context["unique_id"] == plex.machine_identifier
    assert context["title_placeholders"] == {"name": "Attic"}

    plex.requests.clear()
    await home.pass_time(3 * HOUR)
    assert token_sent_to(plex) == {"/": 3}
    assert len(home.dialogs()) == 1
    assert not plex.hub.sockets

    # A moment in which the server does not answer begins no new row of tries.
    plex.fault("503", count=2)
    plex.requests.clear()
    await home.pass_time(HOUR)
    assert token_sent_to(plex) == {"/": 1}

    plex.token = good
    await home.pass_time(HOUR + MINUTE)
    home.expect_healthy()
    issues = ir.async_get(home.hass).issues.values()
    assert "config_entry_reauth" not in {it.translation_key for it in issues}
    assert len(plex.hub.sockets) == 1


@pytest.mark.parametrize("way", ["a reload", "its owner"])
async def test_a_refused_token_is_tried_by_a_reload_and_replaced_by_its_owner_at_once(
    new_home: Journey, way: str
) -> None:
    hass, plex = new_home.hass, new_home.plex
    old, plex.token = plex.token, "new"
    await new_home.set_up()
    await new_home.pass_time(10 * MINUTE)
    (flow,) = new_home.dialogs()
    plex.requests.clear()
    await new_home.pass_time(20 * MINUTE)
    assert token_sent_to(plex).total() == 0

    if way == "a reload":
        plex.token = old
        await new_home.reload()
    else:
        dialog = await hass.config_entries.flow.async_configure(flow["flow_id"])
        result = await choose(hass, dialog, "reauth_token")
        result = await submit(hass, result, {CONF_TOKEN: old})
        assert result["errors"] == {"base": "invalid_auth"}
        result = await submit(hass, result, {CONF_TOKEN: "new"})
        assert result["reason"] == "reauth_successful"
    assert new_home.entry.data == typed(plex)
    new_home.expect_healthy()


@pytest.mark.parametrize("status", ["401", "403"])
@pytest.mark.parametrize("path", ["/", "/activities"])
async def test_what_a_firewall_refuses_is_an_outage_and_no_question_of_the_token(
    home: Journey, path: str, status: str
) -> None:
    home.expect_log("refused")
    await home.pass_time(2 * MINUTE)
    home.plex.fault(status, count=None, path=path)
    await home.advance(76)
    home.plex.fault(status, count=None)
    await home.pass_time(10 * MINUTE)
    assert home.state() == STATE_UNAVAILABLE
    assert home.dialogs() == []
    assert home.repairs() == set()

    home.plex.clear_faults()
    await home.pass_time(MINUTE)
    assert home.state() == STATE_OFF


async def test_refused_commands_say_nothing_of_the_owner(home: Journey) -> None:
    for method in ("POST", "DELETE"):
        home.plex.fault("403", count=None, path="/butler", method=method)
    for command in (
        home.turn_on(),
        home.turn_off(),
        home.action("start_all_tasks"),
        home.action("stop_all_tasks"),
    ):
        with refused("forbidden"):
            await command
    await home.pass_time(10 * MINUTE)
    home.expect_healthy()

    home.plex.clear_faults()
    await home.turn_on()
    assert home.plex.truth()[BACKUP] == "running"
