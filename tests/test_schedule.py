"""The schedule is shown as the server has it, and changed as people want it."""

import asyncio
import json
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.const import (
    ATTR_ENTITY_ID,
    STATE_OFF,
    STATE_ON,
    STATE_UNAVAILABLE,
    STATE_UNKNOWN,
    EntityCategory,
    Platform,
)
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers import entity_registry as er
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.plex_butler.api import Preference, client as client_module
from custom_components.plex_butler.schedule import (
    ScheduleKind,
    kind_of,
    schedule_of,
    window_of,
)
from tests.conftest import Advance, settle
from tests.simulator import PROFILES, Kind, Setting, SimulatedPlex
from tests.test_push import trust

# Also what is disabled at first
pytestmark = pytest.mark.usefixtures("all_entities_enabled")

START = "select.attic_butler_maintenance_window_begins"
END = "select.attic_butler_maintenance_window_ends"
BACKUP = "switch.attic_butler_schedule_back_up_database"
LIBRARIES = "switch.attic_butler_schedule_update_all_libraries"
GUIDES = "switch.attic_butler_schedule_refresh_program_guide"
INTROS = "select.attic_butler_schedule_detect_intros"
PREFS = "/:/prefs"
DUST = Setting(
    id="ButlerTaskDustShelves",
    kind=Kind.BOOL,
    default=True,
    value=True,
    label="Dust the shelves",
)
LABELS = "never:no|scheduled:nightly|asap:now"
LISTEN = Setting(
    id="ListenClosely" + "Behavior",
    kind=Kind.TEXT,
    default="never",
    value="asap",
    label="Listen closely",
    options=LABELS,
)


@pytest.fixture(autouse=True)
def _sleep(monkeypatch: pytest.MonkeyPatch, plex: SimulatedPlex) -> None:
    """Let waits take the server's time only."""
    monkeypatch.setattr(client_module, "sleep", plex.advance)


class Home:
    """A home with one server: what it shows, and what people and others change."""

    def __init__(
        self, hass: HomeAssistant, plex: SimulatedPlex, advance: Advance
    ) -> None:
        self.hass = hass
        self.plex = plex
        self.advance = advance

    def state(self, entity_id: str) -> str | None:
        found = self.hass.states.get(entity_id)
        return found.state if found else None

    def value(self, name: str) -> Any:
        return self.plex.state.preferences[name].value

    @property
    def asked(self) -> list[str]:
        return [f"{it.method} {it.path}" for it in self.plex.requests]

    async def many(self, count: int, seconds: float) -> None:
        for _ in range(count):
            await self.advance(seconds)

    async def select(self, entity_id: str, option: str) -> None:
        data = {ATTR_ENTITY_ID: entity_id, "option": option}
        await self.hass.services.async_call(
            Platform.SELECT, "select_option", data, blocking=True
        )

    async def turn(self, entity_id: str, *, on: bool) -> None:
        service = "turn_on" if on else "turn_off"
        await self.hass.services.async_call(
            Platform.SWITCH, service, {ATTR_ENTITY_ID: entity_id}, blocking=True
        )

    async def changed(self, name: str, value: int | str) -> None:
        """Have another client change something, and the notification of it heard."""
        self.plex.set_preference(name, value)
        await self.plex.flush()
        await settle(self.hass)

    async def enabled(self, task: str) -> bool:
        answer: Any = await self.hass.services.async_call(
            "plex_butler", "get_butler_tasks", blocking=True, return_response=True
        )
        return next(bool(it["enabled"]) for it in answer["tasks"] if it["name"] == task)

    async def is_asked(self, request: str) -> None:
        """Wait until something is asked for, and an answer to it is under way."""
        self.plex.requests.clear()
        while request not in self.asked:  # noqa: ASYNC110 no event tells what was asked
            await asyncio.sleep(0)


@pytest.fixture
def home(hass: HomeAssistant, plex: SimulatedPlex, advance: Advance) -> Home:
    """Return the home, in which nothing is set up."""
    return Home(hass, plex, advance)


async def test_the_schedule_is_as_the_server_has_it(
    home: Home, loaded: MockConfigEntry
) -> None:
    assert (home.state(START), home.state(END)) == ("02:00", "05:00")
    assert (home.state(BACKUP), home.state(LIBRARIES)) == (STATE_ON, STATE_OFF)
    assert home.state(INTROS) == "asap"
    entity = er.async_get(home.hass).async_get(BACKUP)
    assert entity
    assert entity.entity_category is EntityCategory.CONFIG
    assert "_task_" not in entity.unique_id


@pytest.mark.parametrize(
    "profile", ["current", "legacy", PROFILES["legacy"].with_traits(loose_types=True)]
)
async def test_hours_are_called_the_same_whatever_the_server_calls_them(
    home: Home, loaded: MockConfigEntry
) -> None:
    found = home.hass.states.get(START)
    assert found
    assert found.attributes["options"] == [f"{hour:02}:00" for hour in range(24)]
    for hour in (23, 0):
        await home.select(START, f"{hour:02}:00")
        assert home.state(START) == f"{hour:02}:00"
        assert home.value("ButlerStartHour") == hour


async def test_a_switch_decides_what_runs_by_itself(
    home: Home, loaded: MockConfigEntry
) -> None:
    assert await home.enabled("BackupDatabase")
    home.plex.requests.clear()

    await home.turn(BACKUP, on=False)

    assert home.value("ButlerTaskBackupDatabase") is False
    assert home.state(BACKUP) == STATE_OFF
    assert not await home.enabled("BackupDatabase")
    assert home.asked == [f"PUT {PREFS}", f"GET {PREFS}", "GET /butler"]

    await home.turn(BACKUP, on=True)
    assert home.state(BACKUP) == STATE_ON
    assert await home.enabled("BackupDatabase")


async def test_a_behavior_decides_it_too(home: Home, loaded: MockConfigEntry) -> None:
    await home.select(INTROS, "never")

    assert home.state(INTROS) == "never"
    assert not await home.enabled("ButlerTaskGenerateIntroMarkers")

    await home.select(INTROS, "scheduled")
    assert home.value("GenerateIntroMarkerBehavior") == "scheduled"
    assert await home.enabled("ButlerTaskGenerateIntroMarkers")


async def test_what_is_no_option_is_not_sent(
    home: Home, loaded: MockConfigEntry
) -> None:
    home.plex.requests.clear()
    for entity_id, option in ((START, "2:30"), (INTROS, "sometimes")):
        with pytest.raises(ServiceValidationError):
            await home.select(entity_id, option)
    assert not home.plex.requests

    await home.select(START, "03:00")
    assert home.state(START) == "03:00"


async def test_our_own_change_is_asked_for_only_once(
    home: Home, loaded: MockConfigEntry
) -> None:
    await home.advance(31)
    home.plex.requests.clear()

    await home.select(START, "03:00")
    await home.turn(LIBRARIES, on=True)
    await settle(home.hass)
    await home.advance(29)

    assert home.asked.count(f"GET {PREFS}") == 2
    assert home.plex.hub.sent >= 2


async def test_what_another_client_changes_shows_at_once(
    home: Home, loaded: MockConfigEntry
) -> None:
    await home.advance(31)
    home.plex.requests.clear()
    home.plex.set_preference("ButlerStartHour", 4)
    home.plex.set_preference("ButlerTaskBackupDatabase", value=False)
    home.plex.set_preference("GenerateIntroMarkerBehavior", "never")
    await home.plex.flush()
    await settle(home.hass)
    await home.advance(2)

    assert home.state(START) == "04:00"
    assert home.state(BACKUP) == STATE_OFF
    assert home.state(INTROS) == "never"
    assert home.asked.count(f"GET {PREFS}") == 1


async def test_what_was_asked_while_a_backup_locked_the_server_is_asked_again(
    home: Home, loaded: MockConfigEntry
) -> None:
    await trust(home.hass, home.plex, home.advance)
    home.plex.durations["BackupDatabase"] = 300
    home.plex.client_start("BackupDatabase")
    await home.advance(1)
    home.plex.hangs = True
    home.plex.set_preference("ButlerStartHour", 4)
    await home.many(6, 15)
    assert home.state(START) == "02:00"

    home.plex.hangs = False
    await home.many(4, 15)
    assert home.state(START) == "04:00"


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["404", "500", "wrong-shape"])
async def test_a_server_that_never_tells_its_settings_is_not_asked_all_the_time(
    home: Home, loaded: MockConfigEntry, fault: str
) -> None:
    await trust(home.hass, home.plex, home.advance)
    home.plex.fault(fault, path=PREFS, count=None)
    await home.changed("ButlerStartHour", 4)
    await home.many(20, 1)
    assert home.state(START) == "02:00"

    home.plex.requests.clear()
    await home.many(24, 5 * 60)
    assert len([it for it in home.plex.requests if it.path == PREFS]) <= 2

    home.plex.clear_faults()
    await home.many(13, 5 * 60)
    assert home.state(START) == "04:00"


async def test_settings_that_the_schedule_does_not_need_are_nobodys_business(
    home: Home, loaded: MockConfigEntry
) -> None:
    await trust(home.hass, home.plex, home.advance)
    await home.advance(3)
    home.plex.requests.clear()

    await home.changed("FriendlyName", "Loft")
    await home.advance(5)
    assert home.asked == []

    await home.changed("ButlerStartHour", 4)
    await home.advance(2)
    assert home.state(START) == "04:00"


async def test_a_server_that_is_still_busy_with_the_change_of_another_is_asked_soon(
    home: Home, loaded: MockConfigEntry
) -> None:
    await trust(home.hass, home.plex, home.advance)
    home.plex.fault("400", path=PREFS, count=3)
    await home.changed("ButlerStartHour", 4)
    await home.many(6, 1)

    assert home.state(START) == "04:00"
    home.plex.requests.clear()
    home.plex.fault("400", path=PREFS, count=None)
    await home.changed("ButlerStartHour", 5)
    await home.many(60, 1)
    assert len([it for it in home.plex.requests if it.path == PREFS]) == 11
    assert home.state(START) == "04:00"


async def test_a_notification_that_does_not_say_what_changed_is_followed_too(
    home: Home, loaded: MockConfigEntry
) -> None:
    await home.advance(31)
    home.plex.requests.clear()
    for told in ([], [{"id": "ButlerStartHour"}]):
        body = {"type": "preference", "Setting": told}
        home.plex.hub.send_raw(json.dumps({"NotificationContainer": body}))
        await home.plex.flush()
        await settle(home.hass)
        await home.advance(2)
    assert home.asked.count(f"GET {PREFS}") == 2


async def test_without_notifications_a_change_shows_within_six_hours(
    home: Home, entry: MockConfigEntry, expected_logs: list[str]
) -> None:
    expected_logs.append("no notifications")
    home.plex.fault("404", path="/:/websockets/notifications", count=None)
    await home.hass.config_entries.async_setup(entry.entry_id)
    await settle(home.hass)
    home.plex.set_preference("ButlerStartHour", 4)
    await home.many(5, 3600)
    assert home.state(START) == "02:00"

    await home.advance(3601)
    assert home.state(START) == "04:00"


async def test_a_value_that_has_no_name_is_unknown(
    home: Home, loaded: MockConfigEntry
) -> None:
    # No such server is simulated any further.
    home.plex.state.preferences.listeners.clear()
    home.plex.set_preference("ButlerStartHour", 24)
    home.plex.set_preference("GenerateIntroMarkerBehavior", "sometimes")
    await home.hass.config_entries.async_reload(loaded.entry_id)
    await settle(home.hass)

    assert home.state(START) == STATE_UNKNOWN
    assert home.state(INTROS) == STATE_UNKNOWN

    await home.select(START, "01:00")
    assert home.state(START) == "01:00"


@pytest.mark.parametrize(
    "profile", [PROFILES["current"].with_traits(preferences_settle=2)]
)
async def test_a_server_that_needs_time_to_settle_is_waited_for(
    home: Home, loaded: MockConfigEntry
) -> None:
    home.plex.requests.clear()
    await home.select(START, "23:00")

    assert home.state(START) == "23:00"
    assert [it.status for it in home.plex.requests if it.path == PREFS] == [
        *(200, 400, 400, 400, 400),
        200,
    ]


@pytest.mark.parametrize(
    "profile", [PROFILES["current"].with_traits(preferences_settle=30)]
)
async def test_a_server_that_does_not_settle_is_said_and_looked_at_again(
    home: Home, loaded: MockConfigEntry
) -> None:
    with pytest.raises(HomeAssistantError) as err:
        await home.select(START, "23:00")
    assert err.value.translation_key == "invalid_response"
    assert home.state(START) == "02:00"

    await home.advance(31)
    assert home.state(START) == "23:00"


@pytest.mark.parametrize("profile", ["current", "legacy"])
async def test_a_setting_that_is_gone_is_refused_and_what_is_there_works(
    home: Home, loaded: MockConfigEntry
) -> None:
    home.plex.remove_preference("ButlerTaskBackupDatabase")
    with pytest.raises(HomeAssistantError) as err:
        await home.turn(BACKUP, on=False)
    assert err.value.translation_key == "preference_refused"
    assert err.value.translation_placeholders == {"preferences": "Backup Database"}
    assert home.state(BACKUP) == STATE_ON

    await home.advance(31)
    assert home.state(BACKUP) == STATE_UNAVAILABLE
    await home.turn(LIBRARIES, on=True)
    assert home.state(LIBRARIES) == STATE_ON


@pytest.mark.parametrize(
    ("fault", "count", "key"),
    [
        ("401", 1, "invalid_auth"),
        # The second one tells that it is not the setting that is wrong.
        ("403", 2, "not_owner"),
        ("503", 1, "maintenance"),
        ("refuse", 2, "hung_up"),
        ("500", 1, "invalid_response"),
    ],
)
async def test_a_refused_change_says_why_and_leaves_things_as_they_are(
    home: Home, loaded: MockConfigEntry, fault: str, count: int, key: str
) -> None:
    home.plex.fault(fault, path=PREFS, count=count)
    with pytest.raises(HomeAssistantError) as err:
        await home.select(START, "23:00")
    assert err.value.translation_key == key
    assert home.state(START) == "02:00"
    assert home.value("ButlerStartHour") == 2
    home.plex.clear_faults()

    await home.advance(2)
    assert home.state(START) == "02:00"
    await home.select(START, "23:00")
    assert home.state(START) == "23:00"


async def test_a_server_that_is_gone_is_said_and_comes_back(
    home: Home, loaded: MockConfigEntry, expected_logs: list[str]
) -> None:
    expected_logs.append("Nothing is listening at the address")
    await home.plex.stop_listening()
    with pytest.raises(HomeAssistantError) as err:
        await home.turn(BACKUP, on=False)
    assert err.value.translation_key == "refused"

    await home.advance(2)
    assert home.state(BACKUP) == STATE_UNAVAILABLE
    await home.plex.listen_again()
    await home.advance(31)
    assert home.state(BACKUP) == STATE_ON
    await home.turn(BACKUP, on=False)
    assert home.state(BACKUP) == STATE_OFF


async def test_a_change_that_was_made_though_the_answer_was_lost_shows(
    home: Home, loaded: MockConfigEntry
) -> None:
    home.plex.hub.muted = True
    home.plex.fault("503", path=PREFS, method="GET")
    with pytest.raises(HomeAssistantError):
        await home.select(START, "23:00")

    await home.advance(2)
    assert home.state(START) == "23:00"


async def test_a_change_that_the_server_did_not_make_is_said(
    home: Home, loaded: MockConfigEntry
) -> None:
    await home.advance(31)
    home.plex.hub.muted = True
    home.plex.set_preference("ButlerEndHour", 7)
    home.plex.fault("ignore", path=PREFS, method="PUT")
    with pytest.raises(HomeAssistantError) as err:
        await home.select(START, "23:00")

    assert err.value.translation_key == "preference_not_taken"
    assert err.value.translation_placeholders == {"preferences": "Tasks may start from"}
    # Both as the server says.
    assert (home.state(START), home.state(END)) == ("02:00", "07:00")

    await home.select(START, "23:00")
    assert home.state(START) == "23:00"


async def test_a_change_counts_even_if_the_tasks_cannot_be_read(
    home: Home, loaded: MockConfigEntry
) -> None:
    home.plex.fault("503", path="/butler", method="GET")
    await home.turn(BACKUP, on=False)
    assert home.state(BACKUP) == STATE_OFF

    await home.advance(2)
    assert not await home.enabled("BackupDatabase")


async def test_two_changes_at_once_are_both_made(
    home: Home, loaded: MockConfigEntry
) -> None:
    await asyncio.gather(
        home.select(START, "23:00"),
        home.select(END, "04:00"),
        home.turn(BACKUP, on=False),
    )

    assert (home.state(START), home.state(END)) == ("23:00", "04:00")
    assert home.state(BACKUP) == STATE_OFF


@pytest.mark.parametrize("path", [PREFS, "/butler"])
async def test_an_answer_that_is_older_than_our_change_does_not_undo_it(
    home: Home, loaded: MockConfigEntry, freezer: FrozenDateTimeFactory, path: str
) -> None:
    await home.advance(31)
    home.plex.fault("late", path=path, method="GET", delay=0.3)
    await home.changed("ButlerEndHour", 7)
    freezer.tick(2)
    await home.is_asked(f"GET {path}")

    await home.turn(BACKUP, on=False)
    await home.advance(4)

    assert home.state(BACKUP) == STATE_OFF
    assert not await home.enabled("BackupDatabase")
    assert home.state(END) == "07:00"


async def test_what_changes_back_while_an_answer_is_under_way_is_seen(
    home: Home, loaded: MockConfigEntry, freezer: FrozenDateTimeFactory
) -> None:
    await home.advance(31)
    home.plex.fault("late", path=PREFS, method="GET", delay=0.3)
    await home.changed("ButlerEndHour", 7)
    freezer.tick(2)
    await home.is_asked(f"GET {PREFS}")
    home.plex.set_preference("ButlerEndHour", 5)
    await home.plex.flush()

    await home.advance(2)
    await home.advance(2)
    assert home.state(END) == "05:00"


async def test_what_others_change_while_we_do_is_seen(
    home: Home, loaded: MockConfigEntry
) -> None:
    await home.advance(31)
    home.plex.fault("late", path=PREFS, method="GET", delay=0.3)
    changing = asyncio.create_task(home.select(START, "03:00"))
    await home.is_asked(f"GET {PREFS}")
    home.plex.set_preference("ButlerEndHour", 7)
    await home.plex.flush()
    await home.advance(0.5)
    await changing
    await home.advance(2)

    assert (home.state(START), home.state(END)) == ("03:00", "07:00")


async def test_a_poll_during_a_change_of_ours_leaves_the_settings_to_it(
    home: Home, loaded: MockConfigEntry
) -> None:
    await home.advance(31)
    home.plex.fault("late", path=PREFS, method="PUT", delay=0.3)
    changing = asyncio.create_task(home.select(START, "03:00"))
    await home.is_asked(f"PUT {PREFS}")
    loaded.runtime_data.async_invalidate()
    await loaded.runtime_data.async_refresh()
    await home.advance(0.5)
    await changing
    asked = home.asked
    assert asked.index("GET /activities") < asked.index(f"GET {PREFS}")
    assert home.state(START) == "03:00"


async def test_settings_that_nobody_knows_work_under_the_servers_label(
    home: Home, loaded: MockConfigEntry
) -> None:
    dust, listen = (
        "switch.attic_butler_schedule_dust_the_shelves",
        "select.attic_butler_schedule_listen_closely",
    )
    await home.advance(31)
    assert home.state(dust) is home.state(listen) is None
    home.plex.add_preference(DUST)
    home.plex.add_preference(LISTEN)
    # Something else that changes tells that there is news.
    await home.changed("ButlerEndHour", 6)
    await home.advance(2)

    assert (home.state(dust), home.state(listen)) == (STATE_ON, "asap")
    await home.turn(dust, on=False)
    await home.select(listen, "scheduled")
    assert home.value(DUST.id) is False
    assert home.value(LISTEN.id) == "scheduled"


@pytest.mark.slow
async def test_a_setting_that_is_missing_for_long_leaves_and_may_come_back(
    home: Home, loaded: MockConfigEntry
) -> None:
    registry = er.async_get(home.hass)
    setting = home.plex.state.preferences["ButlerTaskBackupDatabase"]
    home.plex.remove_preference(setting.id)
    # The stream breaks whenever time leaps, and all is asked for again.
    await home.many(3, 8 * 3600)
    assert home.state(BACKUP) == STATE_UNAVAILABLE
    assert registry.async_get(BACKUP)

    await home.advance(8 * 3600)
    assert not registry.async_get(BACKUP)
    assert registry.async_get(LIBRARIES)

    home.plex.add_preference(setting)
    await home.advance(8 * 3600)
    assert home.state(BACKUP) == STATE_ON


@pytest.mark.parametrize("fault", ["404", "garbage"])
async def test_a_server_that_tells_no_settings_has_no_schedule_until_it_does(
    home: Home, entry: MockConfigEntry, fault: str
) -> None:
    home.plex.fault(fault, path=PREFS, count=None)
    await home.hass.config_entries.async_setup(entry.entry_id)
    await settle(home.hass)
    assert home.state(START) is None

    home.plex.clear_faults()
    await home.advance(31)
    assert home.state(START) == "02:00"

    home.plex.fault(fault, path=PREFS, count=None)
    await home.changed("ButlerStartHour", 3)
    await home.advance(2)
    assert home.state(START) == "02:00"


@pytest.mark.parametrize(
    ("name", "type_", "offered", "kind"),
    [
        ("ButlerStartHour", "int", "", ScheduleKind.HOUR),
        ("ButlerTaskX", "bool", "", ScheduleKind.SWITCH),
        ("ButlerTaskX", "text", "", None),
        ("ButlerDatabaseBackupPath", "text", "", None),
        ("autoEmptyTrash", "bool", "", None),
        ("GenerateVADBehavior", "text", "", ScheduleKind.BEHAVIOR),
        ("GenerateVADBehavior", "bool", "", None),
        ("XBehavior", "text", "", None),
        ("XBehavior", "text", "asap off", None),
        ("XBehavior", "text", "asap", ScheduleKind.BEHAVIOR),
    ],
)
def test_the_shape_of_a_setting_tells_what_it_decides(
    name: str, type_: str, offered: str, kind: ScheduleKind | None
) -> None:
    options = tuple((value, "") for value in offered.split())
    preference = Preference(id=name, value="asap", type=type_, options=options)
    assert kind_of(preference) is kind
    assert schedule_of([preference]).keys() == ({name} if kind else set())


@pytest.mark.parametrize(
    ("hours", "window"),
    [
        ({"ButlerStartHour": "23", "ButlerEndHour": 4}, (23, 4)),
        ({}, None),
        ({"ButlerStartHour": 2}, None),
        ({"ButlerStartHour": 2, "ButlerEndHour": 24}, None),
        ({"ButlerStartHour": 2, "ButlerEndHour": 2}, None),
        ({"ButlerEndHour": 5}, None),
        ({"ButlerStartHour": "two", "ButlerEndHour": 5}, None),
        ({"ButlerStartHour": 2, "ButlerEndHour": float("inf")}, None),
        ({"ButlerStartHour": 2, "ButlerEndHour": float("nan")}, None),
    ],
)
def test_a_window_that_is_not_told_is_not_known(
    hours: dict[str, int | str], window: tuple[int, int] | None
) -> None:
    found = window_of(Preference(id=name, value=value) for name, value in hours.items())
    assert (found and (found.start_hour, found.end_hour)) == window
