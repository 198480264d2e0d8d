"""Each fault of a server in each phase of an entry, over real sockets."""

from collections.abc import Iterator
from typing import Any, Final

from homeassistant.loader import async_get_integration
import pytest

from custom_components.plex_butler.const import DOMAIN
from tests.conftest import Home
from tests.leaks import Leaks
from tests.reliability.__main__ import BEGIN, END, PAGE
from tests.reliability.faults import FAULTS
from tests.reliability.home import FaultyHome
from tests.reliability.phases import CANNOT_HAPPEN, PHASES

pytestmark = pytest.mark.thorough

# Without the slow tests every sixth cell is left, of each fault and of each phase.
_SHARE: Final = 6


def _cells() -> Iterator[Any]:
    for row, fault in enumerate(FAULTS):
        phases = [it for it in PHASES if (fault, it) not in CANNOT_HAPPEN]
        for column, phase in enumerate(phases):
            marks = [pytest.mark.slow] if (row + column) % _SHARE else []
            yield pytest.param(phase, fault, marks=marks, id=f"{phase}-{fault}")


@pytest.fixture(autouse=True)
def _quiet_log() -> None:
    """Let an outage be logged; `expect_quiet` counts the lines."""


@pytest.fixture
async def home(
    new_home: Home,
    hass_storage: dict[str, Any],
    leaks: Leaks,
    fault: str,
    all_entities_enabled: None,
) -> FaultyHome:
    """Return a home that is not set up yet, beside a server that is well as yet."""
    # What is imported for the first time takes seconds of the wall.
    await (await async_get_integration(new_home.hass, DOMAIN)).async_get_component()
    home = FaultyHome(
        **vars(new_home),
        fault=FAULTS[fault],
        leaks=leaks,
        storage=hass_storage,
    )
    home.listen()
    return home


# This kind of server names its tasks in notifications and in its log.
@pytest.mark.parametrize("profile", ["session"])
@pytest.mark.parametrize(("phase", "fault"), _cells())
async def test_a_fault_in_a_phase_is_survived(
    home: FaultyHome, phase: str, fault: str, record_property: Any
) -> None:
    record_property("cell", (phase, fault))
    await PHASES[phase](home)

    if phase != "stopping":
        entry = home.entry
        await home.during(home.hass.config_entries.async_unload(entry.entry_id))
        await home.expect_nothing_left()
    home.expect_quiet()
    if phase != "dialog":
        # A person has typed the address; the entry knows which server it has to be.
        assert not getattr(home.plex, "strangers_got", [])
    record_property("took", home.took)


def test_the_everyday_run_has_each_fault_and_each_phase() -> None:
    everyday = [cell.values for cell in _cells() if not cell.marks]
    phases, faults = map(set, zip(*everyday, strict=True))
    assert (phases, faults) == (set(PHASES), set(FAULTS))


def test_the_page_has_each_fault_and_each_phase() -> None:
    made = PAGE.read_text().partition(BEGIN)[2].partition(END)[0]
    rows = [line.split(" | ") for line in made.splitlines() if "|" in line]
    assert [row[0].strip("| ") for row in rows[2:]] == list(FAULTS)
    assert [it.strip("| ") for it in rows[0][1:-1]] == list(PHASES)
