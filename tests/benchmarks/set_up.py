"""Measures what a server costs Home Assistant: `python -m tests.benchmarks.set_up`."""

import asyncio
from pathlib import Path
import statistics
import tempfile
from time import perf_counter, process_time
import tracemalloc

from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import CONF_TOKEN, CONF_URL, CONF_VERIFY_SSL
from homeassistant.core import HomeAssistant
from homeassistant.loader import DATA_CUSTOM_COMPONENTS
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_test_home_assistant,
)

from custom_components.plex_butler.const import DOMAIN
from custom_components.plex_butler.coordinator import TASKS
from tests.simulator import SimulatedPlex

ROUNDS = 50


def entry_for(plex: SimulatedPlex) -> MockConfigEntry:
    """Return an entry for a server."""
    return MockConfigEntry(
        domain=DOMAIN,
        title=plex.name,
        unique_id=plex.machine_identifier,
        data={CONF_URL: plex.url, CONF_TOKEN: plex.token, CONF_VERIFY_SSL: True},
    )


async def set_up(hass: HomeAssistant, entry: MockConfigEntry) -> tuple[float, float]:
    """Return the wall and the CPU time of setting up, first refresh included."""
    wall, cpu = perf_counter(), process_time()
    await hass.config_entries.async_setup(entry.entry_id)
    if entry.state is not ConfigEntryState.LOADED:
        raise RuntimeError(f"not set up: {entry.state}, {entry.reason}")
    return perf_counter() - wall, process_time() - cpu


async def measure(hass: HomeAssistant, plex: SimulatedPlex) -> None:
    """Print the figures; the simulated server shares the process and its CPU time."""
    hass.data.pop(DATA_CUSTOM_COMPONENTS)
    await async_setup_component(hass, "network", {})
    entry = entry_for(plex)
    entry.add_to_hass(hass)
    first = await set_up(hass, entry)
    await hass.config_entries.async_unload(entry.entry_id)
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    await hass.config_entries.async_setup(entry.entry_id)
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    await hass.config_entries.async_unload(entry.entry_id)
    again = await set_up(hass, entry)
    polls = []
    for _ in range(ROUNDS):
        began = perf_counter()
        entry.runtime_data.async_invalidate(TASKS)
        await entry.runtime_data.async_refresh()
        polls.append(perf_counter() - began)
    await hass.config_entries.async_unload(entry.entry_id)
    print(
        f"set-up with imports   {first[0] * 1000:7.1f} ms, CPU {first[1] * 1000:.1f} ms"
    )
    print(
        f"set-up once imported  {again[0] * 1000:7.1f} ms, CPU {again[1] * 1000:.1f} ms"
    )
    print(f"memory of an entry    {(after - before) / 1024:7.0f} KiB")
    print(f"poll, median          {statistics.median(polls) * 1000:7.2f} ms")


async def main() -> None:
    """Measure with a server of today's size."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "custom_components").symlink_to(
            Path("custom_components").resolve()
        )
        async with (
            SimulatedPlex() as plex,
            async_test_home_assistant(config_dir=folder) as hass,
        ):
            await measure(hass, plex)
            await hass.async_stop(force=True)


if __name__ == "__main__":
    asyncio.run(main())
