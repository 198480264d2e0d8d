"""A house in the evening."""

from collections.abc import AsyncIterator
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.components import persistent_notification
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
import pytest

from tests.house import HEAVY, HOUR, WATCHERS, House, Use, evening
from tests.simulator import PROFILES, ManualClock, Profile, SimulatedPlex


@pytest.fixture
def profile() -> Profile | str:
    """Return a server that tells of progress seldom: nights here have many hours."""
    return PROFILES["current"].with_traits(progress_interval=900, work_rows=False)


@pytest.fixture
async def house(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory
) -> AsyncIterator[House]:
    """Return a house without servers, at ten in the evening."""
    await hass.config.async_set_time_zone("UTC")
    freezer.move_to(evening())
    assert await async_setup_component(hass, persistent_notification.DOMAIN, {})
    house = House(hass, freezer)
    yield house
    await house.stop()


@pytest.fixture
async def attic(house: House, plex: SimulatedPlex) -> SimulatedPlex:
    """Return the server, known to the house; its tasks take two hours."""
    await house.add(plex)
    plex.durations.update(dict.fromkeys(plex.durations, 2 * HOUR))
    return plex


@pytest.fixture
async def cellar(house: House, attic: SimulatedPlex) -> AsyncIterator[SimulatedPlex]:
    """Return another server of the house."""
    async with SimulatedPlex(name="Cellar", seed=7, clock=ManualClock()) as cellar:
        entry = await house.add(cellar)
        cellar.durations.update(dict.fromkeys(cellar.durations, 2 * HOUR))
        yield cellar
        await house.hass.config_entries.async_unload(entry.entry_id)


@pytest.fixture
def give_way(house: House, attic: SimulatedPlex) -> Use:
    """Return a function that makes the automation; there is no viewer by default."""

    async def use(watched: str = "0", **inputs: Any) -> None:
        await house.show(WATCHERS, watched)
        servers = [house.device("Attic")]
        given = {"watchers": [WATCHERS], "servers": servers, "tasks": HEAVY, **inputs}
        await house.use("give_way_to_viewers", **given)

    return use
