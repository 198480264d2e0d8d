"""Real automations beside simulated servers, in a time that only tests move."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
import shutil
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.components.automation import DOMAIN as AUTOMATION
from homeassistant.config_entries import ConfigEntry
from homeassistant.const import ENTITY_MATCH_ALL, MATCH_ALL
from homeassistant.core import Event, HomeAssistant
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
    async_fire_time_changed_exact,
)

from custom_components.plex_butler.const import DOMAIN
from tests.conftest import A_MOMENT, add_entry, device_of
from tests.simulator import NOON, SimulatedPlex

ROOT = Path(__file__).parents[1]
# The pages that people read
DOCUMENTS = sorted(
    page.relative_to(ROOT).as_posix()
    for page in (*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"))
)
BLUEPRINTS = ROOT / "blueprints" / "automation" / "plex_butler"

# So many turns of the loop without a request, an answer or an event: all is done.
QUIET_TURNS = 40
MINUTE, HOUR = 60, 3600

BACKUP, OPTIMIZE = "BackupDatabase", "OptimizeDatabase"
CREDITS, INTROS = "ButlerTaskGenerateCreditsMarkers", "ButlerTaskGenerateIntroMarkers"
# Their keys, and who counts those that watch
HEAVY = ["generate_credits_markers", "generate_intro_markers"]
WATCHERS = "sensor.attic_watchers"


class House:
    """Home Assistant with automations, and the servers that they are about."""

    def __init__(
        self, hass: HomeAssistant, freezer: FrozenDateTimeFactory | None
    ) -> None:
        """Begin without servers; without a freezer, in real time."""
        self.hass = hass
        self._freezer = freezer
        self._servers: list[SimulatedPlex] = []
        self._events = 0
        hass.bus.async_listen(MATCH_ALL, self._count)

    def _count(self, _: Event) -> None:
        self._events += 1

    async def add(self, plex: SimulatedPlex) -> MockConfigEntry:
        """Let a server be known, at the hour that it is in the house."""
        await plex.advance_to(dt_util.utcnow().timestamp())
        self._servers.append(plex)
        entry = add_entry(self.hass, plex)
        await self.hass.config_entries.async_setup(entry.entry_id)
        await self.settle()
        return entry

    def entries(self, title: str) -> list[ConfigEntry]:
        """Return the entries of that name."""
        entries = self.hass.config_entries.async_entries(DOMAIN)
        return [entry for entry in entries if entry.title == title]

    def device(self, title: str) -> str:
        """Return the device of the server of that name."""
        (entry,) = self.entries(title)
        return device_of(self.hass, entry).id

    async def use(self, blueprint: str, **inputs: Any) -> None:
        """Make an automation of a blueprint, as the file has it."""
        path = f"{BLUEPRINTS.name}/{blueprint}.yaml"
        # Where Home Assistant looks for it
        copy = Path(self.hass.config.path("blueprints", "automation", path))
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(BLUEPRINTS.parent / path, copy)
        used = {"path": path, "input": inputs}
        await self.automate(alias="tried", use_blueprint=used)

    async def automate(self, **config: Any) -> None:
        """Make an automation."""
        automations = {AUTOMATION: [config]}
        assert await async_setup_component(self.hass, AUTOMATION, automations)
        (state,) = self.hass.states.async_all(AUTOMATION)
        assert state.state == "on", "the automation is not valid"
        await self.settle()

    async def run_by_hand(self) -> None:
        """Press Run."""
        await self._do_to_all("trigger")

    async def stop(self) -> None:
        """Turn all automations off, whatever they wait for."""
        if self.hass.services.has_service(AUTOMATION, "turn_off"):
            await self._do_to_all("turn_off")

    async def _do_to_all(self, action: str) -> None:
        every = {"entity_id": ENTITY_MATCH_ALL}
        await self.hass.services.async_call(AUTOMATION, action, every)
        await self.settle()

    async def show(self, entity_id: str, state: str, **attributes: Any) -> None:
        """Have an entity of somebody else's show something."""
        self.hass.states.async_set(entity_id, state, attributes)
        await self.settle()

    async def let_pass(self, seconds: float, step: float = MINUTE) -> None:
        """Let time go by everywhere."""
        while seconds > 0:
            moved = min(seconds, step)
            # What is heard at the end of the time may need a moment to be settled.
            last = min(moved, A_MOMENT)
            await self._move(moved - last, async_fire_time_changed_exact)
            await self._move(last, async_fire_time_changed)
            seconds -= moved

    async def _move(
        self, seconds: float, fire: Callable[[HomeAssistant], None]
    ) -> None:
        assert self._freezer
        self._freezer.tick(timedelta(seconds=seconds))
        for plex in self._servers:
            await plex.advance_to(dt_util.utcnow().timestamp())
        fire(self.hass)
        await self.settle()

    async def let_pass_until(self, hour: int, minute: int = 0) -> None:
        """Let time go by until the clock shows a time of day."""
        now = dt_util.utcnow()
        then = datetime.combine(now.date(), time(hour, minute), UTC)
        if then <= now:
            then += timedelta(days=1)
        await self.let_pass((then - now).total_seconds(), step=5 * MINUTE)

    async def settle(self) -> None:
        """Wait until nothing happens any more; automations may go on waiting."""
        quiet, before = 0, (-1, -1)
        while quiet < QUIET_TURNS:
            await asyncio.sleep(0)
            happened = self._events, sum(len(it.requests) for it in self._servers)
            quiet = quiet + 1 if happened == before else 0
            before = happened


def evening(hour: int = 22) -> datetime:
    """Return an hour of the day on which simulated servers begin."""
    return NOON.replace(hour=hour)


def running(plex: SimulatedPlex) -> set[str]:
    """Return what really runs."""
    return {task for task, state in plex.truth().items() if state == "running"}


def commands(plex: SimulatedPlex, method: str) -> list[str]:
    """Return which tasks a server was told to start (POST) or to stop (DELETE)."""
    return [
        request.path.removeprefix("/butler/")
        for request in plex.requests
        if request.method == method
    ]
