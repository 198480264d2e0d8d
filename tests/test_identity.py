"""Who answers is asked before the token is sent: it reaches no other server."""

from homeassistant.const import CONF_TOKEN, CONF_URL, CONF_VERIFY_SSL, STATE_OFF
import pytest

from custom_components.plex_butler.const import DOMAIN
from tests.conftest import Home, add_entry, settle
from tests.flows import Dialog, announce, begin, core_entry, typed
from tests.simulator import ManualClock, SimulatedPlex


@pytest.mark.parametrize("way", ["plex", "reauth", "discovered"])
async def test_another_server_at_an_address_gets_no_token_before_it_is_corrected(
    dialog: Dialog, plex: SimulatedPlex, cellar: SimulatedPlex, way: str
) -> None:
    hass, answer = dialog.hass, {CONF_TOKEN: plex.token}
    if way == "plex":
        theirs = core_entry(plex, url=cellar.url)
        theirs.add_to_hass(hass)
        dialog.result = await begin(hass, "plex")
        answer = {"server": theirs.entry_id}
    elif way == "reauth":
        entry = add_entry(hass, plex)
        old = typed(plex, url=cellar.url, token="old")
        hass.config_entries.async_update_entry(entry, data=old)
        await dialog.reauth(entry)
    else:
        dialog.result = await announce(hass, plex.port)
        # They change places.
        ports = plex.port, cellar.port
        for server in (plex, cellar):
            await server.stop_listening()
        await cellar.listen_again(ports[0])
        await plex.listen_again(ports[1])

    await dialog.fail("wrong_server", answer, "address")
    assert dialog.placeholders["name"].startswith("Attic")
    # What was typed is not lost, and not shown.
    assert dialog.shown == typed(cellar, token=None)
    address = {CONF_URL: cellar.url, CONF_VERIFY_SSL: True}
    await dialog.fail("wrong_server", address)
    await dialog.submit({**address, CONF_URL: plex.url})

    (entry,) = hass.config_entries.async_entries(DOMAIN)
    assert entry.data == typed(plex)
    assert {request.path for request in cellar.requests} == {"/identity"}
    assert all("X-Plex-Token" not in it.headers for it in cellar.requests)


async def test_a_request_that_breaks_is_not_repeated_to_who_has_got_the_address(
    new_home: Home, expected_logs: list[str]
) -> None:
    expected_logs.append("Another Plex server")
    home, plex = new_home, new_home.plex
    await home.set_up()
    await home.advance(31)
    plex.hangs = True
    plex.fault("drop-sockets")
    plex.requests.clear()
    await home.advance_steps(4, 1)
    waiting = {it.path for it in plex.requests if it.status is None}
    assert waiting >= {"/activities", "/:/websockets/notifications"}

    # aiohttp makes what breaks once more.
    await plex.stop_listening()
    async with SimulatedPlex(
        name="Cellar", seed=7, port=plex.port, clock=ManualClock()
    ) as newcomer:
        await settle(home.hass)
        await home.advance(31)
        assert {it.path for it in newcomer.requests} == {"/identity"}
        assert all("X-Plex-Token" not in it.headers for it in newcomer.requests)
    plex.hangs = False
    await plex.listen_again()
    await home.advance(61)
    assert home.state() == STATE_OFF
