"""What all tests share: a quiet log, a simulated server and an entry for it."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
import logging
from typing import Any
from unittest.mock import PropertyMock, patch

from freezegun.api import FrozenDateTimeFactory
from homeassistant.config_entries import ConfigEntry, ConfigEntryState, ConfigFlowResult
from homeassistant.const import (
    ATTR_ASSUMED_STATE,
    EVENT_STATE_CHANGED,
    EVENT_STATE_REPORTED,
)
from homeassistant.core import Event, HomeAssistant, State, callback
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers import device_registry as dr, issue_registry as ir
from homeassistant.helpers.entity import Entity
from homeassistant.helpers.event import async_track_state_change_event
from homeassistant.helpers.translation import async_get_exception_message
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
from tests.flows import Dialog, choose, menu, typed
from tests.leaks import Leaks
from tests.settling import (
    settle as settle,  # noqa: PLC0414 tests take it from here
    until as until,  # noqa: PLC0414 likewise
)
from tests.simulator import ManualClock, Names, Profile, SimulatedPlex, SimulatedPlexTv
from tests.texts import missing_texts
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

# The tasks that most tests are about
BACKUP, OPTIMIZE = "BackupDatabase", "OptimizeDatabase"
BACKUP_SWITCH = "switch.attic_butler_back_up_database"
OPTIMIZE_SWITCH = "switch.attic_butler_optimize_database"

# In this time it is decided whether a run that is over goes on.
A_MOMENT = 0.2

type SignIn = Callable[..., Awaitable[ConfigFlowResult]]


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
    leaks.look_at_issues(ir.async_get(hass).issues.values())
    assert not leaks.found, leaks.found


@pytest.fixture(autouse=True)
def _no_missing_texts() -> Iterator[None]:
    """Fail a test in which a dialog or a repair lacked a text, or a part of one."""
    with missing_texts() as missing:
        yield
    assert not missing, missing


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
    known = (*NOT_OURS, *expected_logs)
    unexpected = [line for line in loud if not any(part in line for part in known)]
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
        data=typed(plex),
    )
    entry.add_to_hass(hass)
    return entry


def device_of(hass: HomeAssistant, entry: ConfigEntry) -> dr.DeviceEntry:
    """Return the device of a server."""
    (device,) = dr.async_entries_for_config_entry(dr.async_get(hass), entry.entry_id)
    return device


@pytest.fixture
def all_entities_enabled() -> Iterator[None]:
    """Enable also what is disabled by default."""
    with patch.object(
        Entity, "entity_registry_enabled_default", PropertyMock(return_value=True)
    ):
        yield


@contextmanager
def refused(
    key: str, *, invalid: bool = False, **placeholders: str
) -> Iterator[pytest.ExceptionInfo[HomeAssistantError]]:
    """Expect an action to fail for a reason, in words; `invalid`: the call is wrong."""
    with pytest.raises(
        ServiceValidationError if invalid else HomeAssistantError
    ) as err:
        yield err
    assert err.value.translation_key == key
    told = err.value.translation_placeholders
    assert async_get_exception_message(DOMAIN, key, told)
    assert (told or {}).items() >= placeholders.items()


def noted_writes(hass: HomeAssistant) -> list[str]:
    """Return a list of the entities whose states are written from now on."""
    writes: list[str] = []

    @callback
    def note(event: Event[Any]) -> None:
        writes.append(event.data["entity_id"])

    # What is reported, the same state again, is only for those who filter.
    anything = callback(lambda _: True)
    for kind in (EVENT_STATE_CHANGED, EVENT_STATE_REPORTED):
        hass.bus.async_listen(kind, note, event_filter=anything)
    return writes


@dataclass
class Home:
    """Home Assistant, the server and its entry."""

    hass: HomeAssistant
    plex: SimulatedPlex
    entry: MockConfigEntry
    freezer: FrozenDateTimeFactory
    expected_logs: list[str]
    caplog: pytest.LogCaptureFixture

    async def advance(self, *spans: float) -> None:
        """Move the time of Home Assistant and of the server together."""
        clock = self.plex.clock
        for seconds in spans:
            # What is heard at the end of the time may need a moment to be settled.
            end, last = clock.now() + seconds, min(seconds, A_MOMENT)
            for span, moment, fire in (
                (seconds - last, end - last, async_fire_time_changed_exact),
                (last, end, async_fire_time_changed),
            ):
                self.freezer.tick(timedelta(seconds=span))
                await self.plex.advance_to(moment)
                fire(self.hass)
                await settle(self.hass, self.plex)

    def state(self, entity_id: str = BACKUP_SWITCH) -> str | None:
        found = self.hass.states.get(entity_id)
        return found.state if found else None

    def attributes(self, entity_id: str = BACKUP_SWITCH) -> dict[str, Any]:
        found = self.hass.states.get(entity_id)
        assert found
        return dict(found.attributes)

    def view(self, task: str = BACKUP) -> Any:
        """Return what is known of a task."""
        return self.entry.runtime_data.data.runs.tasks[task]

    def is_assumed(self, entity_id: str = BACKUP_SWITCH) -> bool:
        return bool(self.attributes(entity_id).get(ATTR_ASSUMED_STATE))

    async def shows(
        self,
        state: str,
        entity_id: str = BACKUP_SWITCH,
        *,
        after: float,
        steps: int = 1,
    ) -> None:
        """Let time pass, in some steps, and see what an entity shows then."""
        await self.advance_steps(steps, after)
        assert self.state(entity_id) == state

    def written(self, entity_id: str) -> list[State]:
        """Return the states that an entity gets from now on, to be filled."""
        written: list[State] = []

        @callback
        def note(event: Event[Any]) -> None:
            if new := event.data["new_state"]:
                written.append(new)

        async_track_state_change_event(self.hass, entity_id, note)
        return written

    def writes(self) -> list[str]:
        """Return the entities whose states are written from now on, to be filled."""
        return noted_writes(self.hass)

    @property
    def last_result(self) -> Any:
        """Return the type of the last event of the event entity."""
        found = self.hass.states.get("event.attic_butler_task")
        return found and found.attributes.get("event_type")

    def entry_state(self) -> ConfigEntryState:
        """Return the entry's state; mypy would take it for unchanged in between."""
        state: ConfigEntryState = self.entry.state
        return state

    @property
    def device(self) -> str:
        return device_of(self.hass, self.entry).id

    def asked(self, path: str, method: str | None = None) -> int:
        """Return the number of requests for a path, the log's stream left out."""
        return sum(
            it.path == path
            and it.query != {"filters": "log"}
            and method in (None, it.method)
            for it in self.plex.requests
        )

    @property
    def said(self) -> list[str]:
        """Return what the test made the integration log above debug, levels first."""
        return [
            f"{it.levelname} {it.getMessage()}"
            for it in self.caplog.records
            if it.levelno > logging.DEBUG and it.name.startswith("custom_components.")
        ]

    def expect_log(self, words: str) -> None:
        """Let the test log a warning or worse with these words."""
        self.expected_logs.append(words)

    async def add(self, plex: SimulatedPlex) -> MockConfigEntry:
        """Add another server, and return its entry, set up."""
        entry = add_entry(self.hass, plex)
        await self.hass.config_entries.async_setup(entry.entry_id)
        await self.settle()
        return entry

    async def set_up(self) -> None:
        await self.hass.config_entries.async_setup(self.entry.entry_id)
        await self.settle()

    async def unload(self) -> None:
        assert await self.hass.config_entries.async_unload(self.entry.entry_id)

    async def reload(self) -> None:
        await self.hass.config_entries.async_reload(self.entry.entry_id)
        await self.settle()

    async def settle(self) -> None:
        await settle(self.hass)

    async def heard(self) -> None:
        """Wait until all notifications have arrived and done what they do."""
        await self.plex.flush()
        await self.settle()

    def begins(self, task: str, seconds: float) -> None:
        """Have another client start a task that takes so long."""
        self.plex.durations[task] = seconds
        self.plex.client_start(task)

    async def changed(self, name: str, value: int | str) -> None:
        """Have another client change a setting, and the notification of it heard."""
        self.plex.set_preference(name, value)
        await self.heard()

    async def others_start(
        self, task: str, *, wait: float, lasts: float | None = None
    ) -> None:
        """Have another client start a task, which may take so long, and time pass."""
        self.begins(task, lasts or self.plex.durations[task])
        await self.advance(wait)

    async def others_stop(self, task: str, *, wait: float) -> None:
        """Have another client stop a task, and time pass."""
        self.plex.client_stop(task)
        await self.advance(wait)

    async def start(self, task: str = BACKUP, lasts: float | None = None) -> None:
        if lasts:
            self.plex.durations[task] = lasts
        await self.call("start_task", task)
        await self.settle()

    async def stop(self, task: str = BACKUP) -> None:
        await self.call("stop_task", task)
        await self.settle()

    async def call(self, action: str, task: str = BACKUP) -> None:
        await self.action(action, task=task)

    async def action(self, name: str, **data: Any) -> None:
        await self.perform(f"{DOMAIN}.{name}", **data)

    async def answer(self, name: str, **data: Any) -> list[dict[str, Any]]:
        """Perform an action of the integration, and return the tasks it tells of."""
        answer: Any = await self.hass.services.async_call(
            DOMAIN, name, data, blocking=True, return_response=True
        )
        return list(answer["tasks"])

    async def perform(self, action: str, **data: Any) -> None:
        domain, _, name = action.partition(".")
        await self.hass.services.async_call(domain, name, data, blocking=True)

    async def turn_on(self, entity_id: str | list[str] = BACKUP_SWITCH) -> None:
        await self.perform("switch.turn_on", entity_id=entity_id)

    async def turn_off(self, entity_id: str | list[str] = BACKUP_SWITCH) -> None:
        await self.perform("switch.turn_off", entity_id=entity_id)

    async def press(self, button: str) -> None:
        await self.perform("button.press", entity_id=button)
        await self.settle()

    async def select(self, entity_id: str, option: str) -> None:
        await self.perform("select.select_option", entity_id=entity_id, option=option)

    async def run(self, task: str, seconds: float) -> None:
        """Have a task run from its start to its end, and all of it be seen."""
        self.plex.durations[task] = seconds
        await self.call("start_task", task)
        while seconds > 0:
            await self.advance(min(seconds, 30))
            seconds -= 30
        await self.advance(5)
        assert self.plex.truth()[task] == "idle"

    async def earn_trust(self) -> None:
        """Let the server show that it notifies of what Butler does."""
        await self.advance(32)
        self.plex.client_start(OPTIMIZE)
        await self.heard()
        assert self.state(OPTIMIZE_SWITCH) == "on"
        self.plex.client_stop(OPTIMIZE)
        await self.advance(0.3)
        # What was started is looked at for a while after its stop.
        await self.advance(61)
        await self.advance(300)
        self.plex.requests.clear()

    async def pass_minutes(self, minutes: int) -> None:
        """Let so many minutes pass, one by one."""
        await self.advance_steps(minutes, 60)

    async def advance_steps(self, steps: int, seconds: float) -> None:
        for _ in range(steps):
            await self.advance(seconds)


@pytest.fixture
def new_home(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    entry: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
    expected_logs: list[str],
    caplog: pytest.LogCaptureFixture,
) -> Home:
    """Return an entry that is not set up yet, and all that is around it."""
    return Home(hass, plex, entry, freezer, expected_logs, caplog)


@pytest.fixture
async def home(new_home: Home) -> Home:
    """Return an entry that is set up, and all that is around it."""
    await new_home.set_up()
    return new_home


@pytest.fixture
def loaded(home: Home) -> MockConfigEntry:
    """Return the entry, set up."""
    return home.entry


@pytest.fixture
async def cellar(socket_enabled: None) -> AsyncIterator[SimulatedPlex]:
    """Return a second server, whose clock stands still."""
    async with SimulatedPlex(name="Cellar", seed=7, clock=ManualClock()) as cellar:
        yield cellar


@pytest.fixture
async def secure(
    certificates: Certificates, socket_enabled: None, names: Names
) -> AsyncIterator[SimulatedPlex]:
    """Return a server with a certificate of Plex's, which wants to be secure."""
    tls = certificates.plex_direct()
    async with SimulatedPlex(tls=tls, clock=ManualClock()) as plex:
        yield plex


@pytest.fixture
def dialog(hass: HomeAssistant, plex: SimulatedPlex) -> Dialog:
    """Return a dialog, still closed, about the server."""
    return Dialog(hass, plex)


@pytest.fixture
def secure_dialog(hass: HomeAssistant, secure: SimulatedPlex) -> Dialog:
    """Return a dialog, still closed, about the secure server."""
    return Dialog(hass, secure)
