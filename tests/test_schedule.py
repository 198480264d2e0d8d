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
from hypothesis import given, strategies as st
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
)

from custom_components.plex_butler.api import Preference, client as client_module
from custom_components.plex_butler.schedule import (
    BEHAVIORS,
    KNOWN_BEHAVIORS,
    ScheduleKind,
    kind_of,
    schedule_of,
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


def state(hass: HomeAssistant, entity_id: str) -> str | None:
    found = hass.states.get(entity_id)
    return found.state if found else None


def value(plex: SimulatedPlex, name: str) -> Any:
    return plex.state.preferences[name].value


def asked(plex: SimulatedPlex) -> list[str]:
    return [f"{it.method} {it.path}" for it in plex.requests]


async def select(hass: HomeAssistant, entity_id: str, option: str) -> None:
    await hass.services.async_call(
        Platform.SELECT,
        "select_option",
        {ATTR_ENTITY_ID: entity_id, "option": option},
        blocking=True,
    )


async def turn(hass: HomeAssistant, entity_id: str, *, on: bool) -> None:
    await hass.services.async_call(
        Platform.SWITCH,
        "turn_on" if on else "turn_off",
        {ATTR_ENTITY_ID: entity_id},
        blocking=True,
    )


async def changed(
    hass: HomeAssistant, plex: SimulatedPlex, name: str, value: int | str
) -> None:
    """Have another client change something, and the notification of it heard."""
    plex.set_preference(name, value)
    await plex.flush()
    await settle(hass)


async def enabled(hass: HomeAssistant, task: str) -> bool:
    answer: Any = await hass.services.async_call(
        "plex_butler", "get_butler_tasks", blocking=True, return_response=True
    )
    return next(bool(it["enabled"]) for it in answer["tasks"] if it["name"] == task)


async def test_the_schedule_is_as_the_server_has_it(
    hass: HomeAssistant, loaded: MockConfigEntry
) -> None:
    assert (state(hass, START), state(hass, END)) == ("02:00", "05:00")
    assert (state(hass, BACKUP), state(hass, LIBRARIES)) == (STATE_ON, STATE_OFF)
    assert state(hass, INTROS) == "asap"
    entity = er.async_get(hass).async_get(BACKUP)
    assert entity
    assert entity.entity_category is EntityCategory.CONFIG
    assert "_task_" not in entity.unique_id


@pytest.mark.parametrize(
    "profile",
    ["current", "legacy", PROFILES["legacy"].with_traits(loose_types=True)],
)
async def test_hours_are_called_the_same_whatever_the_server_calls_them(
    hass: HomeAssistant, plex: SimulatedPlex, loaded: MockConfigEntry
) -> None:
    found = hass.states.get(START)
    assert found
    assert found.attributes["options"] == [f"{hour:02}:00" for hour in range(24)]

    await select(hass, START, "23:00")
    assert state(hass, START) == "23:00"
    assert value(plex, "ButlerStartHour") == 23

    await select(hass, START, "00:00")
    assert state(hass, START) == "00:00"
    assert value(plex, "ButlerStartHour") == 0


async def test_a_switch_decides_what_runs_by_itself(
    hass: HomeAssistant, plex: SimulatedPlex, loaded: MockConfigEntry
) -> None:
    assert await enabled(hass, "BackupDatabase")
    plex.requests.clear()

    await turn(hass, BACKUP, on=False)

    assert value(plex, "ButlerTaskBackupDatabase") is False
    assert state(hass, BACKUP) == STATE_OFF
    assert not await enabled(hass, "BackupDatabase")
    assert asked(plex) == [f"PUT {PREFS}", f"GET {PREFS}", "GET /butler"]

    await turn(hass, BACKUP, on=True)
    assert state(hass, BACKUP) == STATE_ON
    assert await enabled(hass, "BackupDatabase")


async def test_a_behavior_decides_it_too(
    hass: HomeAssistant, plex: SimulatedPlex, loaded: MockConfigEntry
) -> None:
    await select(hass, INTROS, "never")

    assert state(hass, INTROS) == "never"
    assert not await enabled(hass, "ButlerTaskGenerateIntroMarkers")

    await select(hass, INTROS, "scheduled")
    assert value(plex, "GenerateIntroMarkerBehavior") == "scheduled"
    assert await enabled(hass, "ButlerTaskGenerateIntroMarkers")


async def test_what_is_no_option_is_not_sent(
    hass: HomeAssistant, plex: SimulatedPlex, loaded: MockConfigEntry
) -> None:
    plex.requests.clear()
    for entity_id, option in ((START, "2:30"), (INTROS, "sometimes")):
        with pytest.raises(ServiceValidationError):
            await select(hass, entity_id, option)
    assert not plex.requests

    await select(hass, START, "03:00")
    assert state(hass, START) == "03:00"


async def test_our_own_change_is_asked_for_only_once(
    hass: HomeAssistant, plex: SimulatedPlex, loaded: MockConfigEntry, advance: Advance
) -> None:
    await advance(31)
    plex.requests.clear()

    await select(hass, START, "03:00")
    await turn(hass, LIBRARIES, on=True)
    await settle(hass)
    await advance(29)

    assert asked(plex).count(f"GET {PREFS}") == 2
    assert plex.hub.sent >= 2


async def test_what_another_client_changes_shows_at_once(
    hass: HomeAssistant, plex: SimulatedPlex, loaded: MockConfigEntry, advance: Advance
) -> None:
    await advance(31)
    plex.requests.clear()
    plex.set_preference("ButlerStartHour", 4)
    plex.set_preference("ButlerTaskBackupDatabase", value=False)
    plex.set_preference("GenerateIntroMarkerBehavior", "never")
    await plex.flush()
    await settle(hass)
    await advance(2)

    assert state(hass, START) == "04:00"
    assert state(hass, BACKUP) == STATE_OFF
    assert state(hass, INTROS) == "never"
    assert asked(plex).count(f"GET {PREFS}") == 1


async def test_what_was_asked_while_a_backup_locked_the_server_is_asked_again(
    hass: HomeAssistant, plex: SimulatedPlex, loaded: MockConfigEntry, advance: Advance
) -> None:
    await trust(hass, plex, advance)
    plex.durations["BackupDatabase"] = 300
    plex.client_start("BackupDatabase")
    await advance(1)
    plex.hangs = True
    plex.set_preference("ButlerStartHour", 4)
    for _ in range(6):
        await advance(15)
    assert state(hass, START) == "02:00"

    plex.hangs = False
    for _ in range(4):
        await advance(15)
    assert state(hass, START) == "04:00"


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["404", "500", "wrong-shape"])
async def test_a_server_that_never_tells_its_settings_is_not_asked_all_the_time(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    loaded: MockConfigEntry,
    advance: Advance,
    fault: str,
) -> None:
    await trust(hass, plex, advance)
    plex.fault(fault, path=PREFS, count=None)
    await changed(hass, plex, "ButlerStartHour", 4)
    for _ in range(20):
        await advance(1)
    assert state(hass, START) == "02:00"

    plex.requests.clear()
    for _ in range(24):
        await advance(5 * 60)
    assert len([it for it in plex.requests if it.path == PREFS]) <= 2

    plex.clear_faults()
    for _ in range(13):
        await advance(5 * 60)
    assert state(hass, START) == "04:00"


async def test_settings_that_the_schedule_does_not_need_are_nobodys_business(
    hass: HomeAssistant, plex: SimulatedPlex, loaded: MockConfigEntry, advance: Advance
) -> None:
    await trust(hass, plex, advance)
    await advance(3)
    plex.requests.clear()

    await changed(hass, plex, "FriendlyName", "Loft")
    await advance(5)
    assert asked(plex) == []

    await changed(hass, plex, "ButlerStartHour", 4)
    await advance(2)
    assert state(hass, START) == "04:00"


async def test_a_server_that_is_still_busy_with_the_change_of_another_is_asked_soon(
    hass: HomeAssistant, plex: SimulatedPlex, loaded: MockConfigEntry, advance: Advance
) -> None:
    await trust(hass, plex, advance)
    plex.fault("400", path=PREFS, count=3)
    await changed(hass, plex, "ButlerStartHour", 4)
    for _ in range(6):
        await advance(1)

    assert state(hass, START) == "04:00"
    plex.requests.clear()
    plex.fault("400", path=PREFS, count=None)
    await changed(hass, plex, "ButlerStartHour", 5)
    for _ in range(60):
        await advance(1)
    assert len([it for it in plex.requests if it.path == PREFS]) == 11
    assert state(hass, START) == "04:00"


async def test_a_notification_that_does_not_say_what_changed_is_followed_too(
    hass: HomeAssistant, plex: SimulatedPlex, loaded: MockConfigEntry, advance: Advance
) -> None:
    await advance(31)
    plex.requests.clear()
    for told in ([], [{"id": "ButlerStartHour"}]):
        body = {"type": "preference", "Setting": told}
        plex.hub.send_raw(json.dumps({"NotificationContainer": body}))
        await plex.flush()
        await settle(hass)
        await advance(2)
    assert asked(plex).count(f"GET {PREFS}") == 2


async def test_without_notifications_a_change_shows_within_six_hours(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    entry: MockConfigEntry,
    advance: Advance,
    expected_logs: list[str],
) -> None:
    expected_logs.append("no notifications")
    plex.fault("404", path="/:/websockets/notifications", count=None)
    await hass.config_entries.async_setup(entry.entry_id)
    await settle(hass)
    plex.set_preference("ButlerStartHour", 4)
    for _ in range(5):
        await advance(3600)
    assert state(hass, START) == "02:00"

    await advance(3601)
    assert state(hass, START) == "04:00"


async def test_a_value_that_has_no_name_is_unknown(
    hass: HomeAssistant, plex: SimulatedPlex, loaded: MockConfigEntry, advance: Advance
) -> None:
    # No such server is simulated any further.
    plex.state.preferences.listeners.clear()
    plex.set_preference("ButlerStartHour", 24)
    plex.set_preference("GenerateIntroMarkerBehavior", "sometimes")
    await hass.config_entries.async_reload(loaded.entry_id)
    await settle(hass)

    assert state(hass, START) == STATE_UNKNOWN
    assert state(hass, INTROS) == STATE_UNKNOWN

    await select(hass, START, "01:00")
    assert state(hass, START) == "01:00"


@pytest.mark.parametrize(
    "profile", [PROFILES["current"].with_traits(preferences_settle=2)]
)
async def test_a_server_that_needs_time_to_settle_is_waited_for(
    hass: HomeAssistant, plex: SimulatedPlex, loaded: MockConfigEntry
) -> None:
    plex.requests.clear()
    await select(hass, START, "23:00")

    assert state(hass, START) == "23:00"
    assert [it.status for it in plex.requests if it.path == PREFS] == [
        *(200, 400, 400, 400, 400),
        200,
    ]


@pytest.mark.parametrize(
    "profile", [PROFILES["current"].with_traits(preferences_settle=30)]
)
async def test_a_server_that_does_not_settle_is_said_and_looked_at_again(
    hass: HomeAssistant, plex: SimulatedPlex, loaded: MockConfigEntry, advance: Advance
) -> None:
    with pytest.raises(HomeAssistantError) as err:
        await select(hass, START, "23:00")
    assert err.value.translation_key == "invalid_response"
    assert state(hass, START) == "02:00"

    await advance(31)
    assert state(hass, START) == "23:00"


@pytest.mark.parametrize("profile", ["current", "legacy"])
async def test_a_setting_that_is_gone_is_refused_and_what_is_there_works(
    hass: HomeAssistant, plex: SimulatedPlex, loaded: MockConfigEntry, advance: Advance
) -> None:
    plex.remove_preference("ButlerTaskBackupDatabase")
    with pytest.raises(HomeAssistantError) as err:
        await turn(hass, BACKUP, on=False)
    assert err.value.translation_key == "preference_refused"
    assert err.value.translation_placeholders == {"preferences": "Backup Database"}
    assert state(hass, BACKUP) == STATE_ON

    await advance(31)
    assert state(hass, BACKUP) == STATE_UNAVAILABLE
    await turn(hass, LIBRARIES, on=True)
    assert state(hass, LIBRARIES) == STATE_ON


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
    hass: HomeAssistant,
    plex: SimulatedPlex,
    loaded: MockConfigEntry,
    advance: Advance,
    fault: str,
    count: int,
    key: str,
) -> None:
    plex.fault(fault, path=PREFS, count=count)
    with pytest.raises(HomeAssistantError) as err:
        await select(hass, START, "23:00")
    assert err.value.translation_key == key
    assert state(hass, START) == "02:00"
    assert value(plex, "ButlerStartHour") == 2
    plex.clear_faults()

    await advance(2)
    assert state(hass, START) == "02:00"
    await select(hass, START, "23:00")
    assert state(hass, START) == "23:00"


async def test_a_server_that_is_gone_is_said_and_comes_back(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    loaded: MockConfigEntry,
    advance: Advance,
    expected_logs: list[str],
) -> None:
    expected_logs.append("Nothing listens at the address")
    await plex.stop_listening()
    with pytest.raises(HomeAssistantError) as err:
        await turn(hass, BACKUP, on=False)
    assert err.value.translation_key == "refused"

    await advance(2)
    assert state(hass, BACKUP) == STATE_UNAVAILABLE
    await plex.listen_again()
    await advance(31)
    assert state(hass, BACKUP) == STATE_ON
    await turn(hass, BACKUP, on=False)
    assert state(hass, BACKUP) == STATE_OFF


async def test_a_change_that_was_made_though_the_answer_was_lost_shows(
    hass: HomeAssistant, plex: SimulatedPlex, loaded: MockConfigEntry, advance: Advance
) -> None:
    plex.hub.muted = True
    plex.fault("503", path=PREFS, method="GET")
    with pytest.raises(HomeAssistantError):
        await select(hass, START, "23:00")

    await advance(2)
    assert state(hass, START) == "23:00"


async def test_a_change_that_the_server_did_not_make_is_said(
    hass: HomeAssistant, plex: SimulatedPlex, loaded: MockConfigEntry, advance: Advance
) -> None:
    await advance(31)
    plex.hub.muted = True
    plex.set_preference("ButlerEndHour", 7)
    plex.fault("ignore", path=PREFS, method="PUT")
    with pytest.raises(HomeAssistantError) as err:
        await select(hass, START, "23:00")

    assert err.value.translation_key == "preference_not_taken"
    assert err.value.translation_placeholders == {"preferences": "Tasks may start from"}
    # Both as the server says.
    assert (state(hass, START), state(hass, END)) == ("02:00", "07:00")

    await select(hass, START, "23:00")
    assert state(hass, START) == "23:00"


async def test_a_change_counts_even_if_the_tasks_cannot_be_read(
    hass: HomeAssistant, plex: SimulatedPlex, loaded: MockConfigEntry, advance: Advance
) -> None:
    plex.fault("503", path="/butler", method="GET")
    await turn(hass, BACKUP, on=False)
    assert state(hass, BACKUP) == STATE_OFF

    await advance(2)
    assert not await enabled(hass, "BackupDatabase")


async def test_two_changes_at_once_are_both_made(
    hass: HomeAssistant, plex: SimulatedPlex, loaded: MockConfigEntry
) -> None:
    await asyncio.gather(
        select(hass, START, "23:00"),
        select(hass, END, "04:00"),
        turn(hass, BACKUP, on=False),
    )

    assert (state(hass, START), state(hass, END)) == ("23:00", "04:00")
    assert state(hass, BACKUP) == STATE_OFF


async def is_asked(plex: SimulatedPlex, request: str) -> None:
    """Wait until something is asked for, and an answer to it is under way."""
    plex.requests.clear()
    while request not in asked(plex):  # noqa: ASYNC110 no event tells what was asked
        await asyncio.sleep(0)


@pytest.mark.parametrize("path", [PREFS, "/butler"])
async def test_an_answer_that_is_older_than_our_change_does_not_undo_it(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    loaded: MockConfigEntry,
    advance: Advance,
    freezer: FrozenDateTimeFactory,
    path: str,
) -> None:
    await advance(31)
    plex.fault("late", path=path, method="GET", delay=0.3)
    await changed(hass, plex, "ButlerEndHour", 7)
    freezer.tick(2)
    await is_asked(plex, f"GET {path}")

    await turn(hass, BACKUP, on=False)
    await advance(4)

    assert state(hass, BACKUP) == STATE_OFF
    assert not await enabled(hass, "BackupDatabase")
    assert state(hass, END) == "07:00"


async def test_what_changes_back_while_an_answer_is_under_way_is_seen(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    loaded: MockConfigEntry,
    advance: Advance,
    freezer: FrozenDateTimeFactory,
) -> None:
    await advance(31)
    plex.fault("late", path=PREFS, method="GET", delay=0.3)
    await changed(hass, plex, "ButlerEndHour", 7)
    freezer.tick(2)
    await is_asked(plex, f"GET {PREFS}")
    plex.set_preference("ButlerEndHour", 5)
    await plex.flush()

    await advance(2)
    await advance(2)
    assert state(hass, END) == "05:00"


async def test_what_others_change_while_we_do_is_seen(
    hass: HomeAssistant, plex: SimulatedPlex, loaded: MockConfigEntry, advance: Advance
) -> None:
    await advance(31)
    plex.fault("late", path=PREFS, method="GET", delay=0.3)
    changing = asyncio.create_task(select(hass, START, "03:00"))
    await is_asked(plex, f"GET {PREFS}")
    plex.set_preference("ButlerEndHour", 7)
    await plex.flush()
    await advance(0.5)
    await changing
    await advance(2)

    assert (state(hass, START), state(hass, END)) == ("03:00", "07:00")


async def test_settings_that_nobody_knows_work_under_the_servers_label(
    hass: HomeAssistant, plex: SimulatedPlex, loaded: MockConfigEntry, advance: Advance
) -> None:
    dust, listen = (
        "switch.attic_butler_schedule_dust_the_shelves",
        "select.attic_butler_schedule_listen_closely",
    )
    await advance(31)
    assert state(hass, dust) is state(hass, listen) is None
    plex.add_preference(DUST)
    plex.add_preference(LISTEN)
    # Something else that changes tells that there is news.
    await changed(hass, plex, "ButlerEndHour", 6)
    await advance(2)

    assert (state(hass, dust), state(hass, listen)) == (STATE_ON, "asap")
    await turn(hass, dust, on=False)
    await select(hass, listen, "scheduled")
    assert value(plex, DUST.id) is False
    assert value(plex, LISTEN.id) == "scheduled"


@pytest.mark.slow
async def test_a_setting_that_is_missing_for_long_leaves_and_may_come_back(
    hass: HomeAssistant, plex: SimulatedPlex, loaded: MockConfigEntry, advance: Advance
) -> None:
    registry = er.async_get(hass)
    setting = plex.state.preferences["ButlerTaskBackupDatabase"]
    plex.remove_preference(setting.id)
    # The stream breaks whenever time leaps, and all is asked for again.
    for _ in range(3):
        await advance(8 * 3600)
    assert state(hass, BACKUP) == STATE_UNAVAILABLE
    assert registry.async_get(BACKUP)

    await advance(8 * 3600)
    assert not registry.async_get(BACKUP)
    assert registry.async_get(LIBRARIES)

    plex.add_preference(setting)
    await advance(8 * 3600)
    assert state(hass, BACKUP) == STATE_ON


@pytest.mark.parametrize("fault", ["404", "garbage"])
async def test_a_server_that_tells_no_settings_has_no_schedule_until_it_does(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    entry: MockConfigEntry,
    advance: Advance,
    fault: str,
) -> None:
    plex.fault(fault, path=PREFS, count=None)
    await hass.config_entries.async_setup(entry.entry_id)
    await settle(hass)
    assert state(hass, START) is None

    plex.clear_faults()
    await advance(31)
    assert state(hass, START) == "02:00"

    plex.fault(fault, path=PREFS, count=None)
    await changed(hass, plex, "ButlerStartHour", 3)
    await advance(2)
    assert state(hass, START) == "02:00"


@pytest.mark.parametrize(
    ("preference", "kind"),
    [
        (Preference(id="ButlerStartHour", value=2, type="int"), ScheduleKind.HOUR),
        (Preference(id="ButlerTaskX", value=True, type="bool"), ScheduleKind.SWITCH),
        (Preference(id="ButlerTaskX", value="x", type="text"), None),
        (Preference(id="ButlerDatabaseBackupPath", value="/", type="text"), None),
        (Preference(id="autoEmptyTrash", value=True, type="bool"), None),
        (
            Preference(id="GenerateVADBehavior", value="asap", type="text"),
            ScheduleKind.BEHAVIOR,
        ),
        (Preference(id="GenerateVADBehavior", value=True, type="bool"), None),
        (Preference(id="XBehavior", value="asap", type="text"), None),
        (
            Preference(
                id="XBehavior",
                value="asap",
                type="text",
                options=(("asap", ""), ("off", "")),
            ),
            None,
        ),
        (
            Preference(
                id="XBehavior", value="asap", type="text", options=(("asap", ""),)
            ),
            ScheduleKind.BEHAVIOR,
        ),
    ],
)
def test_the_shape_of_a_setting_tells_what_it_decides(
    preference: Preference, kind: ScheduleKind | None
) -> None:
    assert kind_of(preference) is kind
    assert schedule_of([preference]).keys() == ({preference.id} if kind else set())


@given(
    st.builds(
        Preference,
        id=st.one_of(
            st.text(min_size=1),
            st.sampled_from(sorted(KNOWN_BEHAVIORS)),
            st.text().map(lambda name: f"ButlerTask{name}"),
        ),
        value=st.one_of(st.booleans(), st.integers(), st.text()),
        type=st.sampled_from(["bool", "int", "text", "double", ""]),
        options=st.lists(
            st.tuples(st.sampled_from([*BEHAVIORS, "x"]), st.text()), max_size=4
        ).map(tuple),
    )
)
def test_any_setting_is_of_one_kind_or_none(preference: Preference) -> None:
    match kind_of(preference):
        case ScheduleKind.SWITCH:
            assert preference.type == "bool"
        case ScheduleKind.BEHAVIOR:
            assert preference.type == "text"
        case ScheduleKind.HOUR:
            assert preference.id in {"ButlerStartHour", "ButlerEndHour"}
