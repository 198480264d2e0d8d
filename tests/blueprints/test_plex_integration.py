"""Beside Home Assistant's own Plex integration, the real one, in real time."""

import asyncio
from collections.abc import Callable, Iterator
from unittest.mock import PropertyMock, patch

from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
import pytest

from tests import simulator as sim
from tests.conftest import add_entry
from tests.flows import core_entry
from tests.house import CREDITS, HOUR, House, running
from tests.leaks import Leaks

# A minute without viewers goes by
pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

WATCHING = "sensor.attic"


def nothing(_plex: sim.SimulatedPlex, _ask: sim.Ask) -> sim.Answer:
    """Answer with an empty list."""
    return sim.Answer(content={"MediaContainer": {"size": 0}})


# What it asks for besides, of a server without accounts, players and libraries
OTHERS = (
    *(sim.Route("GET", path, nothing) for path in ("accounts", "clients", "library")),
    sim.Route("GET", "library/sections", nothing),
    sim.Route("PUT", "updater/check", nothing),
    sim.Route("GET", "updater/status", nothing),
)


@pytest.fixture(autouse=True)
def _at_home() -> Iterator[None]:
    """Keep it from plex.tv, and from looking for players in the network."""
    account = "homeassistant.components.plex.server.PlexServer.account"
    with (
        patch(account, PropertyMock(return_value=None)),
        patch("plexapi.gdm.GDM.scan"),
        patch.object(sim.api, "ROUTES", (*sim.api.ROUTES, *OTHERS)),
    ):
        yield


async def true_within(seconds: float, condition: Callable[[], bool]) -> None:
    """Wait for what others do."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 no event tells of what others do
            await asyncio.sleep(0.1)


async def test_its_sensor_has_heavy_tasks_give_way(
    hass: HomeAssistant, socket_enabled: None, unused_tcp_port: int, leaks: Leaks
) -> None:
    async with sim.SimulatedPlex() as plex:
        plex.durations.update(dict.fromkeys(plex.durations, HOUR))
        http = {"server_host": "127.0.0.1", "server_port": unused_tcp_port}
        assert await async_setup_component(hass, "http", {"http": http})
        core = core_entry(plex, verify_ssl=True)
        core.add_to_hass(hass)
        assert await hass.config_entries.async_setup(core.entry_id)
        ours = add_entry(hass, plex)
        assert await hass.config_entries.async_setup(ours.entry_id)
        await true_within(20, lambda: hass.states.is_state(WATCHING, "0"))
        house = House(hass, None)
        await house.use(
            "give_way_to_viewers",
            watchers=[WATCHING],
            servers=[house.device("Attic")],
            quiet=1,
        )
        plex.client_start(CREDITS)

        film = plex.sessions.play()
        await true_within(20, lambda: hass.states.is_state(WATCHING, "1"))
        await true_within(5, lambda: running(plex) == set())

        plex.sessions.stop(film)
        await true_within(20, lambda: hass.states.is_state(WATCHING, "0"))
        assert running(plex) == set()
        await true_within(75, lambda: running(plex) == {CREDITS})

        await house.stop()
        for entry in (core, ours):
            await hass.config_entries.async_unload(entry.entry_id)
    # Its own socket has the token in the address; nothing of ours has.
    leaks.found[:] = [it for it in leaks.found if "{'X-Plex-Token': " not in it]
