"""What all tests share: a quiet log, a simulated server and an entry for it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
import logging
from typing import Any
from unittest.mock import PropertyMock, patch

from freezegun.api import FrozenDateTimeFactory
from homeassistant.config_entries import ConfigFlowResult
from homeassistant.const import (
    CONF_TOKEN,
    CONF_URL,
    CONF_VERIFY_SSL,
    EVENT_STATE_CHANGED,
)
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.entity import Entity
from hypothesis import settings
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
    async_fire_time_changed_exact,
)
from pytest_homeassistant_custom_component.syrupy import HomeAssistantSnapshotExtension
from syrupy.assertion import SnapshotAssertion

# Imported before `hass` is made: the plugin brings a `custom_components` of its own,
# which would take the place of ours.
from custom_components.plex_butler.const import DOMAIN
from tests.flows import choose, menu
from tests.leaks import Leaks
from tests.simulator import (
    ManualClock,
    Names,
    Profile,
    SimulatedPlex,
    SimulatedPlexTv,
)
from tests.texts import Texts
from tests.tls import Certificates

# How long an example takes says more of the machine than of the code
settings.register_profile("full", deadline=None)
settings.load_profile("full")
# A taste of what a full run draws
settings.register_profile("everyday", settings.get_profile("full"), max_examples=20)

# Home Assistant's own words about every custom integration, asyncio's about a machine
# that has other things to do, and those of the web server that some tests ask.
NOT_OURS = (
    "We found a custom integration plex_butler which has not been tested",
    "Executing <",
    "zlib_ng and isal are not available",
)

# What is sent on this machine is there in the next turn of the loop, and its answer a
# few later.
SETTLING_TURNS = 10

# The switch of the task that most tests are about
BACKUP_SWITCH = "switch.attic_butler_back_up_database"

# In this time it is decided whether a run that is over goes on.
A_MOMENT = 0.2

type Advance = Callable[[float], Awaitable[None]]
type SignIn = Callable[..., Awaitable[ConfigFlowResult]]
type SetUp = Callable[[], Awaitable[MockConfigEntry]]


@pytest.fixture(autouse=True)
async def enable_event_loop_debug() -> None:
    """Leave the loop's debug mode off, which the plugin turns on.

    It keeps a stack for every timer and task, which takes longer than all tests do.
    """


@pytest.fixture(autouse=True)
def _custom_integrations(enable_custom_integrations: None) -> None:
    """Let Home Assistant load the integration."""


@pytest.fixture
def leaks() -> Leaks:
    """Return what has been found of tokens; it must stay empty."""
    return Leaks()


@pytest.fixture(autouse=True)
def _no_leaks(request: pytest.FixtureRequest, leaks: Leaks) -> Iterator[None]:
    """Fail a test after which a token is anywhere but in its header and the entry."""
    if "hass" not in request.fixturenames:
        # The score and the benchmarks: a line of every debug log would cost them dear.
        with leaks.among_requests():
            yield
        assert not leaks.found, leaks.found
        return
    hass: HomeAssistant = request.getfixturevalue("hass")
    hass.bus.async_listen(EVENT_STATE_CHANGED, leaks.async_state_changed)
    with leaks.in_logs(), leaks.among_requests():
        yield
    leaks.look_at_states(hass.states.async_all())
    leaks.look_at_issues(ir.async_get(hass).issues.values())
    assert not leaks.found, leaks.found


@pytest.fixture(autouse=True)
def _no_missing_texts() -> Iterator[None]:
    """Fail a test in which a dialog or a repair lacked a text, or a part of one."""
    texts = Texts()
    with texts.in_force():
        yield
    assert not texts.missing, texts.missing


@pytest.fixture
def expected_logs() -> list[str]:
    """Return the list of what may be logged above info; each must come."""
    return []


@pytest.fixture(autouse=True)
def _quiet_log(
    caplog: pytest.LogCaptureFixture, expected_logs: list[str]
) -> Iterator[None]:
    """Fail a test that logs a warning or worse without having said so."""
    yield
    loud = [
        record.getMessage()
        for when in ("setup", "call")
        for record in caplog.get_records(when)
        if record.levelno >= logging.WARNING
    ]
    loud = [line for line in loud if not any(part in line for part in NOT_OURS)]
    unexpected = [
        line for line in loud if not any(part in line for part in expected_logs)
    ]
    missing = [part for part in expected_logs if not any(part in line for line in loud)]
    assert not unexpected, unexpected
    assert not missing, missing


@pytest.fixture
def snapshot(snapshot: SnapshotAssertion) -> SnapshotAssertion:
    """Let snapshots leave out what differs from one run to the next."""
    return snapshot.use_extension(HomeAssistantSnapshotExtension)


@pytest.fixture
def profile() -> Profile | str:
    """Return the kind of server; tests that want another one parametrize it."""
    return "current"


@pytest.fixture
async def plex(
    socket_enabled: None, profile: Profile | str
) -> AsyncIterator[SimulatedPlex]:
    """Return a simulated server whose time stands still until `advance`."""
    async with SimulatedPlex(profile, clock=ManualClock()) as plex:
        if not plex.log.tells:
            # A start waits for a log that is open and silent.
            plex.log.refused = 404
        yield plex


@pytest.fixture
def certificates() -> Certificates:
    """Return certificates of an authority that Home Assistant trusts."""
    certificates = Certificates()
    certificates.let_home_assistant_trust()
    return certificates


@pytest.fixture
def names() -> Iterator[Names]:
    """Return what resolves; everything else does not."""
    with Names().in_force() as names:
        yield names


@pytest.fixture
async def tv(
    socket_enabled: None, names: Names, certificates: Certificates
) -> AsyncIterator[SimulatedPlexTv]:
    """Return a plex.tv that really is at https://plex.tv."""
    async with SimulatedPlexTv(tls=certificates.named("plex.tv")) as tv:
        names.point("plex.tv", tv.port)
        yield tv


@pytest.fixture
def sign_in(
    hass: HomeAssistant, tv: SimulatedPlexTv, freezer: FrozenDateTimeFactory
) -> SignIn:
    """Return what signs in with Plex, in a dialog that offers it."""

    async def sign_in(
        dialog: ConfigFlowResult | None = None,
        *seconds: float,
        answer: Callable[[], object] = tv.link,
    ) -> ConfigFlowResult:
        """Let the answer be given on Plex's page, and come back after some time."""
        result = await choose(hass, dialog or await menu(hass), "sign_in")
        assert result["type"] is FlowResultType.SHOW_PROGRESS
        assert tv.pins[-1].code in (result["description_placeholders"] or {})["url"]
        answer()
        await settle(hass)
        for wait in seconds or (3,):
            freezer.tick(wait)
            await settle(hass)
        result = await hass.config_entries.flow.async_configure(result["flow_id"])
        await settle(hass)
        return result

    return sign_in


@pytest.fixture
def entry(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory, plex: SimulatedPlex
) -> MockConfigEntry:
    """Return an entry for the simulated server, in a time that only tests move.

    At what hour and in which season tests are run must not matter: it stands at noon in
    November, as in the server, but not before now, for clocks do not run backwards.
    """
    year = datetime.now(UTC).year + 1
    freezer.move_to(datetime.fromtimestamp(plex.clock.now(), UTC).replace(year=year))
    return add_entry(hass, plex)


def add_entry(hass: HomeAssistant, plex: SimulatedPlex) -> MockConfigEntry:
    """Return an entry for a simulated server."""
    entry = MockConfigEntry(
        domain=DOMAIN,
        title=plex.name,
        unique_id=plex.machine_identifier,
        data={CONF_URL: plex.url, CONF_TOKEN: plex.token, CONF_VERIFY_SSL: True},
    )
    entry.add_to_hass(hass)
    return entry


@pytest.fixture
async def live(hass: HomeAssistant, plex: SimulatedPlex) -> MockConfigEntry:
    """Return an entry, set up, in Home Assistant's own time."""
    entry = add_entry(hass, plex)
    await hass.config_entries.async_setup(entry.entry_id)
    await until(lambda: bool(plex.hub.sockets))
    return entry


@pytest.fixture
async def loaded(hass: HomeAssistant, entry: MockConfigEntry) -> MockConfigEntry:
    """Return the entry, set up."""
    await hass.config_entries.async_setup(entry.entry_id)
    await settle(hass)
    return entry


@pytest.fixture
def all_entities_enabled() -> Iterator[None]:
    """Enable also what is disabled by default."""
    with patch.object(
        Entity, "entity_registry_enabled_default", PropertyMock(return_value=True)
    ):
        yield


@pytest.fixture
def advance(
    hass: HomeAssistant, plex: SimulatedPlex, freezer: FrozenDateTimeFactory
) -> Advance:
    """Return what moves the time of Home Assistant and of the server together."""

    async def move(seconds: float) -> None:
        # What is heard at the end of the time may need a moment to be settled.
        end, last = plex.clock.now() + seconds, min(seconds, A_MOMENT)
        first = timedelta(seconds=seconds) - timedelta(seconds=last)
        freezer.tick(first)
        await plex.advance_to(end - last)
        async_fire_time_changed_exact(hass)
        await settle(hass, plex)
        freezer.tick(last)
        await plex.advance_to(end)
        async_fire_time_changed(hass)
        await settle(hass, plex)

    return move


def is_stream(task: asyncio.Future[Any]) -> bool:
    """Tell the tasks that wait for a server or a person from those that end."""
    return isinstance(task, asyncio.Task) and task.get_name().endswith(
        (" notifications", " log", " sign-in")
    )


async def until(condition: Callable[[], bool]) -> None:
    """Wait for what is about to happen."""
    while not condition():  # noqa: ASYNC110 no event tells of what others do
        await asyncio.sleep(0)


async def settle(hass: HomeAssistant, plex: SimulatedPlex | None = None) -> None:
    """Wait until everything has been answered, but for the stream, which never ends.

    A server that hangs answers nothing.
    """

    def is_busy() -> bool:
        return not (plex and plex.parked) and not all(
            map(is_stream, hass._background_tasks)
        )

    for _ in range(SETTLING_TURNS):
        await asyncio.sleep(0)
        # What the public method would wait for, the stream among it.
        while is_busy():  # noqa: ASYNC110 no event tells of it
            await asyncio.sleep(0)
        await hass.async_block_till_done()


@dataclass
class Home:
    """Home Assistant, the server and its entry."""

    hass: HomeAssistant
    plex: SimulatedPlex
    entry: MockConfigEntry
    advance: Advance

    def state(self, entity_id: str = BACKUP_SWITCH) -> str | None:
        """Return the state of an entity, at first that of one task's switch."""
        found = self.hass.states.get(entity_id)
        return found.state if found else None

    @property
    def last_result(self) -> Any:
        """Return what the event entity told last."""
        found = self.hass.states.get("event.attic_butler_task")
        return found and found.attributes.get("event_type")

    async def set_up(self) -> None:
        """Set the entry up."""
        await self.hass.config_entries.async_setup(self.entry.entry_id)
        await settle(self.hass)

    async def unload(self) -> None:
        """Unload the entry."""
        assert await self.hass.config_entries.async_unload(self.entry.entry_id)

    async def start(self, task: str = "BackupDatabase") -> None:
        """Have a task started."""
        await self.call("start_task", task)
        await settle(self.hass)

    async def call(self, action: str, task: str = "BackupDatabase") -> None:
        """Perform an action on a task."""
        await self.hass.services.async_call(
            DOMAIN, action, {"task": task}, blocking=True
        )

    async def pass_minutes(self, minutes: int) -> None:
        """Let so many minutes pass, one by one."""
        await self.advance_steps(minutes, 60)

    async def advance_steps(self, steps: int, seconds: float) -> None:
        """Let time pass in so many steps of so many seconds."""
        for _ in range(steps):
            await self.advance(seconds)


@pytest.fixture
def new_home(
    hass: HomeAssistant, plex: SimulatedPlex, entry: MockConfigEntry, advance: Advance
) -> Home:
    """Return an entry that is not set up yet, and all that is around it."""
    return Home(hass, plex, entry, advance)


@pytest.fixture
async def home(new_home: Home) -> Home:
    """Return an entry that is set up, and all that is around it."""
    await new_home.set_up()
    return new_home
