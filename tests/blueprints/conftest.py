"""A house in the evening."""

from collections.abc import AsyncIterator
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.components import persistent_notification
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import (
    async_get_persistent_notifications,
)

from tests.conftest import BACKUP_SWITCH
from tests.house import CREDITS, HEAVY, HOUR, MINUTE, WATCHERS, House, evening, running
from tests.simulator import PROFILES, ManualClock, Profile, SimulatedPlex

# How the detection of credits goes on
RUNS, HELD = True, False


class Evening(House):
    """A house with a server in the attic, whose tasks take two hours."""

    attic: SimulatedPlex
    cellar: SimulatedPlex

    async def add_server(self, plex: SimulatedPlex) -> None:
        """Let a server be known whose tasks take two hours."""
        await self.add(plex)
        plex.durations.update(dict.fromkeys(plex.durations, 2 * HOUR))

    def devices(self, *titles: str) -> list[str]:
        """Return the devices of these servers; by default, of the one in the attic."""
        return [self.device(title) for title in titles or ("Attic",)]

    async def run(self, plex: SimulatedPlex, task: str, seconds: float) -> None:
        """Have a task run for a while, and all of it be seen."""
        plex.durations[task] = seconds
        plex.client_start(task)
        await self.settle()
        await self.let_pass(seconds + 40, step=1 if seconds < MINUTE else 20)

    async def unload(self, title: str) -> None:
        (entry,) = self.entries(title)
        await self.hass.config_entries.async_unload(entry.entry_id)

    async def set_up(self, title: str) -> None:
        (entry,) = self.entries(title)
        await self.hass.config_entries.async_setup(entry.entry_id)
        await self.settle()

    async def turn(self, to: str) -> None:
        """Turn the switch of the backup on or off."""
        await self.hass.services.async_call(
            "switch", f"turn_{to}", {"entity_id": BACKUP_SWITCH}, blocking=True
        )

    def told(self) -> list[str]:
        """Return what all notifications say."""
        notifications = async_get_persistent_notifications(self.hass).values()
        return [notification["message"] for notification in notifications]

    async def give_way(self, *titles: str, watched: str = "0", **inputs: Any) -> None:
        """Make the automation; by default, no stream plays and the server Attic gives way."""
        await self.show(WATCHERS, watched)
        servers = self.devices(*titles)
        given = {"watchers": [WATCHERS], "servers": servers, "tasks": HEAVY, **inputs}
        await self.use("give_way_to_viewers", **given)

    async def work(self, *titles: str, watched: str = "0", **inputs: Any) -> None:
        """Make the automation, and have credits detected in the attic."""
        await self.give_way(*titles, watched=watched, **inputs)
        self.attic.client_start(CREDITS)

    async def expect(self, *tasks: str, after: float = 0) -> None:
        """See what runs in the attic after so many minutes."""
        await self.let_pass(after * MINUTE)
        assert running(self.attic) == set(tasks)

    def at_work(self) -> tuple[set[str], set[str]]:
        """Return what runs in the attic, and in the cellar."""
        return running(self.attic), running(self.cellar)

    async def follow(
        self, *steps: tuple[str, float, bool], entity_id: str = WATCHERS
    ) -> None:
        """Show a state, for so many minutes, and see whether credits are detected."""
        for state, minutes, runs in steps:
            await self.show(entity_id, state)
            await self.expect(*[CREDITS] * runs, after=minutes)


@pytest.fixture
def profile() -> Profile | str:
    """Return a server that tells of progress seldom: nights here have many hours."""
    return PROFILES["current"].with_traits(progress_interval=900, work_rows=False)


@pytest.fixture
async def house(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory, plex: SimulatedPlex
) -> AsyncIterator[Evening]:
    """Return a house at ten in the evening."""
    await hass.config.async_set_time_zone("UTC")
    freezer.move_to(evening())
    assert await async_setup_component(hass, persistent_notification.DOMAIN, {})
    house = Evening(hass, freezer)
    house.attic = plex
    await house.add_server(plex)
    yield house
    await house.stop()


@pytest.fixture
async def pair(house: Evening) -> AsyncIterator[Evening]:
    """Return the house with another server in the cellar."""
    async with SimulatedPlex(name="Cellar", seed=7, clock=ManualClock()) as cellar:
        house.cellar = cellar
        await house.add_server(cellar)
        yield house
        await house.unload("Cellar")
