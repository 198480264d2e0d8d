"""The schedule is shown as the server has it, and changed as people want it."""

import asyncio
from dataclasses import replace
import json
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.exceptions import HomeAssistantError
import pytest

from custom_components.plex_butler.api import Preference, client as client_module
from custom_components.plex_butler.schedule import (
    ScheduleKind,
    parse_window,
    schedule_kind,
)
from tests.conftest import BACKUP, Home, refused, until
from tests.simulator import PROFILES, SimulatedPlex

# Also what is disabled at first
pytestmark = pytest.mark.usefixtures("all_entities_enabled")

START = "select.attic_butler_maintenance_window_begins"
END = "select.attic_butler_maintenance_window_ends"
BACKUPS = "switch.attic_butler_schedule_back_up_database"
LIBRARIES = "switch.attic_butler_schedule_update_all_libraries"
WINDOW = (
    "binary_sensor.attic_butler_maintenance_window",
    "sensor.attic_butler_next_maintenance_window",
)
INTROS = "select.attic_butler_schedule_detect_intros"
PREFS = "/:/prefs"
CURRENT = PROFILES["current"]


@pytest.fixture(autouse=True)
def _sleep(monkeypatch: pytest.MonkeyPatch, plex: SimulatedPlex) -> None:
    """Let waits take the server's time only."""
    monkeypatch.setattr(client_module, "sleep", plex.advance)


def value(home: Home, name: str) -> Any:
    return home.plex.state.preferences[name].value


def order(home: Home) -> list[str]:
    """Return what was asked for, in order."""
    return [f"{it.method} {it.path}" for it in home.plex.requests]


async def enabled(home: Home, task: str = BACKUP) -> bool:
    """Return True if a task runs by itself."""
    tasks = await home.answer("get_butler_tasks")
    return next(bool(it["enabled"]) for it in tasks if it["name"] == task)


async def asked_now(home: Home, request: str) -> None:
    """Wait until something is asked for, and an answer to it is under way."""
    home.plex.requests.clear()
    await until(lambda: request in order(home))


async def answers_late(
    home: Home, freezer: FrozenDateTimeFactory, path: str = PREFS
) -> None:
    """Have an answer under way that is older than what comes next."""
    await home.advance(31)
    home.plex.fault("late", path=path, method="GET", delay=0.3)
    await home.changed("ButlerEndHour", 7)
    freezer.tick(2)
    await asked_now(home, f"GET {path}")


@pytest.mark.parametrize(
    "profile", ["current", "legacy", PROFILES["legacy"].with_traits(loose_types=True)]
)
async def test_hours_are_called_the_same_for_every_server(home: Home) -> None:
    assert home.attributes(START)["options"] == [f"{it:02}:00" for it in range(24)]
    for hour in (23, 0):
        await home.select(START, f"{hour:02}:00")
        assert home.state(START) == f"{hour:02}:00"
        assert value(home, "ButlerStartHour") == hour


async def test_a_switch_decides_what_runs_by_itself(home: Home) -> None:
    assert await enabled(home)
    home.plex.requests.clear()

    await home.turn_off(BACKUPS)

    assert value(home, "ButlerTaskBackupDatabase") is False
    assert home.state(BACKUPS) == "off"
    assert not await enabled(home)
    assert order(home) == [f"PUT {PREFS}", f"GET {PREFS}", "GET /butler"]

    await home.turn_on(BACKUPS)
    assert home.state(BACKUPS) == "on"
    assert await enabled(home)


async def test_a_behavior_decides_it_too(home: Home) -> None:
    for option in ("never", "scheduled"):
        await home.select(INTROS, option)

        assert home.state(INTROS) == option
        assert value(home, "GenerateIntroMarkerBehavior") == option
        runs = await enabled(home, "ButlerTaskGenerateIntroMarkers")
        assert runs == (option == "scheduled")


async def test_our_own_change_is_asked_for_only_once(home: Home) -> None:
    await home.advance(31)
    home.plex.requests.clear()

    await home.select(START, "03:00")
    await home.turn_on(LIBRARIES)
    await home.settle()
    await home.advance(29)

    assert home.asked(PREFS, "GET") == 2
    assert home.plex.hub.sent >= 2


async def test_what_another_client_changes_shows_at_once(home: Home) -> None:
    await home.advance(31)
    home.plex.requests.clear()
    home.plex.set_preference("ButlerStartHour", 4)
    home.plex.set_preference("ButlerTaskBackupDatabase", value=False)
    await home.changed("GenerateIntroMarkerBehavior", "never")
    await home.advance(2)

    shown = [home.state(it) for it in (START, BACKUPS, INTROS)]
    assert shown == ["04:00", "off", "never"]
    assert home.asked(PREFS, "GET") == 1
    assert not await enabled(home)


async def test_what_a_locked_server_was_asked_is_asked_again(home: Home) -> None:
    await home.earn_trust()
    await home.others_start(BACKUP, lasts=300, wait=1)
    home.plex.hangs = True
    home.plex.set_preference("ButlerStartHour", 4)
    await home.shows("02:00", START, after=15, steps=6)

    home.plex.hangs = False
    await home.shows("04:00", START, after=15, steps=4)


@pytest.mark.parametrize(
    ("fault", "tries"), [("404", 1), ("400", 11), ("wrong-shape", 11)]
)
async def test_a_server_that_never_tells_its_settings_is_not_asked_all_the_time(
    home: Home, fault: str, tries: int
) -> None:
    await home.earn_trust()
    home.plex.fault(fault, path=PREFS, count=None)
    await home.changed("ButlerStartHour", 4)
    await home.shows("02:00", START, after=1, steps=60)
    assert home.asked(PREFS) == tries

    home.plex.requests.clear()
    await home.advance_steps(24, 5 * 60)
    assert home.asked(PREFS) <= 2

    home.plex.clear_faults()
    await home.shows("04:00", START, after=5 * 60, steps=13)


async def test_settings_outside_the_schedule_are_not_asked_for(home: Home) -> None:
    await home.earn_trust()
    await home.advance(3)
    home.plex.requests.clear()

    await home.changed("FriendlyName", "Loft")
    await home.advance(5)
    assert not home.plex.requests

    await home.changed("ButlerStartHour", 4)
    await home.shows("04:00", START, after=2)


async def test_a_server_that_is_busy_with_a_change_is_asked_soon(home: Home) -> None:
    await home.earn_trust()
    home.plex.fault("400", path=PREFS, count=3)
    await home.changed("ButlerStartHour", 4)
    await home.shows("04:00", START, after=1, steps=6)


async def test_a_notification_without_a_value_is_followed_too(home: Home) -> None:
    await home.advance(31)
    home.plex.requests.clear()
    known = {"id": "ButlerEndHour", "type": "int", "value": 5}
    for told in ([], [{"id": "ButlerStartHour"}], [known, {"value": 4}], [known]):
        body = {"type": "preference", "Setting": told}
        home.plex.hub.send_raw(json.dumps({"NotificationContainer": body}))
        await home.heard()
        await home.advance(2)
    assert home.asked(PREFS, "GET") == 3


async def test_reads_that_succeed_in_the_end_use_up_no_tries(home: Home) -> None:
    for _ in range(5):
        home.plex.requests.clear()
        home.plex.fault("400", path=PREFS, count=3)
        await home.advance_steps(73, 5 * 60)
        first, *_, last = [it.at for it in home.plex.requests if it.path == PREFS]
        assert last - first < 10 * 60


async def test_without_notifications_a_change_shows_in_6_hours(new_home: Home) -> None:
    new_home.expect_log("no notifications")
    new_home.plex.fault("404", path="/:/websockets/notifications", count=None)
    await new_home.set_up()
    new_home.plex.set_preference("ButlerStartHour", 4)
    await new_home.shows("02:00", START, after=3600, steps=5)

    await new_home.shows("04:00", START, after=3601)


async def test_a_value_that_has_no_name_is_unknown(home: Home) -> None:
    # No such server is simulated any further.
    home.plex.state.preferences.listeners.clear()
    home.plex.set_preference("ButlerStartHour", 24)
    home.plex.set_preference("GenerateIntroMarkerBehavior", "sometimes")
    await home.reload()
    assert (home.state(START), home.state(INTROS)) == ("unknown", "unknown")

    await home.select(START, "01:00")
    assert home.state(START) == "01:00"


@pytest.mark.parametrize("profile", [CURRENT.with_traits(preferences_settle=2)])
async def test_a_server_that_needs_time_to_settle_is_waited_for(home: Home) -> None:
    home.plex.requests.clear()
    await home.select(START, "23:00")

    assert home.state(START) == "23:00"
    statuses = [it.status for it in home.plex.requests if it.path == PREFS]
    assert statuses == [200, 400, 400, 400, 400, 200]


@pytest.mark.parametrize("profile", [CURRENT.with_traits(preferences_settle=30)])
async def test_a_server_that_does_not_settle_is_looked_at_again(home: Home) -> None:
    with refused("invalid_response"):
        await home.select(START, "23:00")
    assert home.state(START) == "02:00"

    await home.shows("23:00", START, after=31)


@pytest.mark.parametrize("profile", ["current", "legacy"])
async def test_a_setting_that_is_gone_is_refused_alone(home: Home) -> None:
    home.plex.remove_preference("ButlerTaskBackupDatabase")
    with refused("preference_refused", preferences="Backup Database"):
        await home.turn_off(BACKUPS)
    assert home.state(BACKUPS) == "on"

    await home.shows("unavailable", BACKUPS, after=31)
    await home.turn_on(LIBRARIES)
    assert home.state(LIBRARIES) == "on"


@pytest.mark.parametrize(
    ("fault", "count", "key"),
    [
        # The second one tells that it is not the setting that is wrong.
        ("403", 2, "not_owner"),
        ("503", 1, "maintenance"),
        ("refuse", 2, "hung_up"),
    ],
)
async def test_a_refused_change_says_why_and_leaves_things_as_they_are(
    home: Home, fault: str, count: int, key: str
) -> None:
    home.plex.fault(fault, path=PREFS, count=count)
    with refused(key):
        await home.select(START, "23:00")
    assert home.state(START) == "02:00"
    assert value(home, "ButlerStartHour") == 2
    home.plex.clear_faults()

    await home.shows("02:00", START, after=2)
    await home.select(START, "23:00")
    assert home.state(START) == "23:00"


async def test_a_change_whose_answer_was_lost_shows(home: Home) -> None:
    home.plex.hub.muted = True
    home.plex.fault("503", path=PREFS, method="GET")
    with pytest.raises(HomeAssistantError):
        await home.select(START, "23:00")

    await home.shows("23:00", START, after=2)


async def test_a_change_that_the_server_did_not_make_is_said(home: Home) -> None:
    await home.advance(31)
    home.plex.hub.muted = True
    home.plex.set_preference("ButlerEndHour", 7)
    home.plex.fault("ignore", path=PREFS, method="PUT")
    with refused("preference_not_taken", preferences="Tasks may start from"):
        await home.select(START, "23:00")
    # Both as the server says.
    assert (home.state(START), home.state(END)) == ("02:00", "07:00")

    await home.select(START, "23:00")
    assert home.state(START) == "23:00"


async def test_a_change_counts_even_if_the_tasks_cannot_be_read(home: Home) -> None:
    home.plex.fault("503", path="/butler", method="GET")
    await home.turn_off(BACKUPS)
    assert home.state(BACKUPS) == "off"
    await home.advance(2)
    assert not await enabled(home)


async def test_two_changes_at_once_are_both_made(home: Home) -> None:
    await asyncio.gather(
        home.select(START, "23:00"), home.select(END, "04:00"), home.turn_off(BACKUPS)
    )

    shown = [home.state(it) for it in (START, END, BACKUPS)]
    assert shown == ["23:00", "04:00", "off"]


@pytest.mark.parametrize("path", [PREFS, "/butler"])
async def test_an_answer_that_is_older_than_our_change_does_not_undo_it(
    home: Home, freezer: FrozenDateTimeFactory, path: str
) -> None:
    await answers_late(home, freezer, path)
    await home.turn_off(BACKUPS)
    await home.shows("off", BACKUPS, after=4)
    assert not await enabled(home)
    assert home.state(END) == "07:00"


async def test_what_changes_back_while_an_answer_is_under_way_is_seen(
    home: Home, freezer: FrozenDateTimeFactory
) -> None:
    await answers_late(home, freezer)
    home.plex.set_preference("ButlerEndHour", 5)
    await home.plex.flush()

    await home.shows("05:00", END, after=2, steps=2)


async def test_what_others_change_while_we_do_is_seen(home: Home) -> None:
    await home.advance(31)
    home.plex.fault("late", path=PREFS, method="GET", delay=0.3)
    changing = asyncio.create_task(home.select(START, "03:00"))
    await asked_now(home, f"GET {PREFS}")
    home.plex.set_preference("ButlerEndHour", 7)
    await home.plex.flush()
    await home.advance(0.5)
    await changing
    await home.advance(2)

    assert (home.state(START), home.state(END)) == ("03:00", "07:00")


async def test_a_poll_during_our_change_leaves_the_settings_to_it(home: Home) -> None:
    await home.advance(31)
    home.plex.fault("late", path=PREFS, method="PUT", delay=0.3)
    changing = asyncio.create_task(home.select(START, "03:00"))
    await asked_now(home, f"PUT {PREFS}")
    home.entry.runtime_data.async_invalidate()
    await home.entry.runtime_data.async_refresh()
    await home.advance(0.5)
    await changing
    asked = order(home)
    assert asked.index("GET /activities") < asked.index(f"GET {PREFS}")
    assert home.state(START) == "03:00"


async def test_settings_that_are_new_work_under_the_servers_label(home: Home) -> None:
    dust = "switch.attic_butler_schedule_dust_it"
    listen = "select.attic_butler_schedule_listen_closely"
    await home.advance(31)
    assert home.state(dust) is home.state(listen) is None
    settings = home.plex.state.preferences
    for like, id_, label in (
        ("ButlerTaskBackupDatabase", "ButlerTaskDust", "Dust it"),
        ("GenerateIntroMarkerBehavior", "ListenCloselyBehavior", "Listen closely"),
    ):
        home.plex.add_preference(replace(settings[like], id=id_, label=label))
    # Something else that changes tells that there is news.
    await home.changed("ButlerEndHour", 6)
    await home.advance(2)

    assert (home.state(dust), home.state(listen)) == ("on", "asap")
    await home.turn_off(dust)
    await home.select(listen, "scheduled")
    assert value(home, "ButlerTaskDust") is False
    assert value(home, "ListenCloselyBehavior") == "scheduled"


async def test_what_a_server_offers_anew_can_be_chosen(home: Home) -> None:
    all_three = home.plex.state.preferences["GenerateIntroMarkerBehavior"]
    offered = "never:Never|scheduled:Scheduled"
    home.plex.add_preference(replace(all_three, value="never", options=offered))
    await home.reload()
    assert home.attributes(INTROS)["options"] == ["never", "scheduled"]

    home.plex.add_preference(replace(all_three, value="never"))
    await home.changed("ButlerEndHour", 6)
    await home.advance(2)
    assert home.state(INTROS) == "never"
    assert "asap" in home.attributes(INTROS)["options"]

    await home.select(INTROS, "asap")
    assert home.state(INTROS) == "asap"


@pytest.mark.parametrize("fault", ["404", "garbage", "wrong-shape"])
async def test_a_server_that_tells_no_settings_has_no_schedule_until_it_does(
    new_home: Home, fault: str
) -> None:
    home = new_home
    home.plex.fault(fault, path=PREFS, count=None)
    await home.set_up()
    assert (home.state(START), home.state()) == (None, "off")
    assert [home.state(it) for it in WINDOW] == ["unknown"] * 2

    home.plex.clear_faults()
    await home.shows("02:00", START, after=31)
    assert "unknown" not in [home.state(it) for it in WINDOW]

    home.plex.fault(fault, path=PREFS, count=None)
    await home.changed("ButlerStartHour", 3)
    await home.shows("02:00", START, after=2)


@pytest.mark.parametrize(
    ("name", "type_", "offered", "kind"),
    [
        ("ButlerTaskX", "text", "", None),
        ("autoEmptyTrash", "bool", "", None),
        ("GenerateVADBehavior", "text", "", ScheduleKind.BEHAVIOR),
        ("GenerateVADBehavior", "bool", "", None),
        ("XBehavior", "text", "", None),
        ("XBehavior", "text", "asap off", None),
    ],
)
def test_the_shape_of_a_setting_tells_what_it_decides(
    name: str, type_: str, offered: str, kind: ScheduleKind | None
) -> None:
    options = tuple(offered.split())
    preference = Preference(id=name, value="asap", type=type_, options=options)
    assert schedule_kind(preference) is kind


@pytest.mark.parametrize(
    ("hours", "window"),
    [
        (("23", 4), (23, 4)),
        ((2, None), None),
        ((None, 5), None),
        ((2, 24), None),
        ((2, 2), None),
        (("two", 5), None),
        ((2, float("inf")), None),
    ],
)
def test_a_window_that_is_not_told_is_not_known(hours: Any, window: Any) -> None:
    names = ("ButlerStartHour", "ButlerEndHour")
    told = [
        Preference(id=name, value=it)
        for name, it in zip(names, hours, strict=True)
        if it is not None
    ]
    found = parse_window(told)
    assert (found and (found.start_hour, found.end_hour)) == window
