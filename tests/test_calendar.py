"""The calendar: windows to come, and the runs of the last two weeks."""

from datetime import datetime, timedelta
from typing import Any

from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import CONF_TIME_ZONE, EVENT_HOMEASSISTANT_FINAL_WRITE
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import (
    async_capture_events,
    async_mock_service,
)

from tests.conftest import BACKUP, OPTIMIZE, Home, add_entry
from tests.simulator import PROFILES, TaskSpec

CALENDAR = "calendar.attic_butler_maintenance"
BUNDLES, DEEP = "CleanOldBundles", "DeepMediaAnalysis"
MINUTE, HOUR = 60, 3600
DAY = timedelta(days=1)

type Storage = dict[str, Any]
type Events = list[dict[str, Any]]


async def events(
    home: Home, start: timedelta = -14 * DAY, end: timedelta = 14 * DAY
) -> Events:
    """Return what the calendar has, by default in two weeks before and after now."""
    data = {
        "entity_id": CALENDAR,
        "start_date_time": dt_util.now() + start,
        "end_date_time": dt_util.now() + end,
    }
    answer: Any = await home.hass.services.async_call(
        "calendar", "get_events", data, blocking=True, return_response=True
    )
    shown: Events = answer[CALENDAR]["events"]
    return shown


async def past(home: Home) -> Events:
    """Return the runs."""
    found = await events(home, end=timedelta())
    return [it for it in found if it["summary"] != "Maintenance window"]


def summaries(found: Events) -> list[str]:
    return [event["summary"] for event in found]


def moment(event: dict[str, Any], key: str) -> datetime:
    return datetime.fromisoformat(event[key])


@pytest.fixture
async def hass(hass: HomeAssistant) -> HomeAssistant:
    """Return Home Assistant in the zone of the server."""
    await hass.config.async_set_time_zone("UTC")
    return hass


async def hours_pass(home: Home, hours: int) -> None:
    """Let time pass in quarters of an hour, until the clock shows one."""
    for _ in range(4 * hours):
        await home.advance(15 * MINUTE - dt_util.utcnow().timestamp() % 900)


# Windows


async def test_the_windows_to_come_are_events(home: Home) -> None:
    found = await events(home, start=timedelta(), end=3 * DAY)

    assert summaries(found) == ["Maintenance window"] * 3
    starts = [moment(event, "start") for event in found]
    assert [start + DAY for start in starts[:-1]] == starts[1:]
    window = home.plex.butler.window
    for event in found:
        start = moment(event, "start").timestamp()
        assert window.contains(start)
        assert not window.contains(start - 1)
        assert moment(event, "end").timestamp() - start == 3 * HOUR

    # They are those of the server's clock, wherever it is.
    zone = {CONF_TIME_ZONE: "Asia/Tokyo"}
    home.hass.config_entries.async_update_entry(home.entry, options=zone)
    await home.reload()
    there, *_ = await events(home)
    assert (moment(there, "start").hour, moment(there, "end").hour) == (17, 20)


@pytest.mark.parametrize("years", [900, 7900])
async def test_a_far_or_endless_range_costs_nothing(home: Home, years: int) -> None:
    start = timedelta(days=365 * years)
    assert await events(home, start, start + DAY) == []
    assert 300 < len(await events(home, timedelta(), start)) < 400


async def test_only_edges_of_a_window_are_written_and_are_triggers(home: Home) -> None:
    written = home.written(CALENDAR)
    assert home.state(CALENDAR) == "off"
    assert home.attributes(CALENDAR)["message"] == "Maintenance window"
    assert home.attributes(CALENDAR)["start_time"] == "2027-11-23 02:00:00"
    # The calendar is read every quarter of an hour: not just when a window begins.
    await home.advance(MINUTE)
    calls = async_mock_service(home.hass, "test", "note")
    about = {"trigger": "calendar", "entity_id": CALENDAR}
    told = (
        "{{ trigger.event }} {{ trigger.calendar_event.summary }}"
        " {{ now().strftime('%H:%M') }}"
    )
    config = {
        "alias": "Noted",
        "triggers": [
            about | {"event": "start"},
            about | {"event": "end"},
            about | {"event": "start", "offset": "-0:30:00"},
            about | {"event": "end", "offset": "2:00:00"},
        ],
        # What is looked for later finds the runs, too.
        "conditions": "{{ trigger.offset.total_seconds() <= 0"
        " or trigger.calendar_event.summary == 'Maintenance window' }}",
        "actions": {"action": "test.note", "data": {"told": told}},
    }
    assert await async_setup_component(home.hass, "automation", {"automation": config})
    await home.run(BACKUP, 5 * MINUTE)
    await hours_pass(home, 18)
    edges = [(it.state, f"{it.last_changed:%H:%M}") for it in written]
    assert edges == [("on", "02:00"), ("off", "05:00")]
    # A reload forgets no window that is over, whose end an offset counts from.
    await home.reload()
    await hours_pass(home, 2)

    assert home.attributes(CALENDAR)["start_time"] == "2027-11-24 02:00:00"
    assert [call.data["told"] for call in calls] == [
        "start Maintenance window 01:30",
        "start Maintenance window 02:00",
        "end Maintenance window 05:00",
        "end Maintenance window 07:00",
    ]
    await home.perform("automation.turn_off", entity_id="all")


async def test_other_hours_count_at_once_and_were_not_so_before(home: Home) -> None:
    for start, end, state in (("10:00", "11:00", "off"), ("11:00", "13:00", "on")):
        await home.action("set_maintenance_window", start=start, end=end)
        await home.settle()
        window, *_ = await events(home)
        assert f"{moment(window, 'start'):%d %H:%M}" in {f"23 {start}", f"22 {start}"}
        assert home.state(CALENDAR) == state


async def test_an_outage_makes_it_unavailable_and_forgets_nothing(home: Home) -> None:
    home.expect_log("Error fetching Attic Butler data")
    await home.run(BACKUP, 2 * MINUTE)
    before = await past(home)
    home.plex.fault("503", count=None)
    home.plex.hub.drop()
    await home.shows("unavailable", CALENDAR, after=31, steps=6)

    home.plex.clear_faults()
    await home.shows("off", CALENDAR, after=31, steps=3)
    assert await past(home) == before


# Runs


async def test_a_run_is_shown_from_begin_to_end_with_its_result(home: Home) -> None:
    began = dt_util.utcnow()
    await home.run(DEEP, 65 * MINUTE)
    (event,) = await past(home)

    assert event["summary"] == "Perform extensive media analysis: ended after 1 h 5 min"
    assert moment(event, "start") == began
    assert moment(event, "end") == began + timedelta(minutes=65)


@pytest.mark.parametrize(
    ("profile", "summary", "minutes"),
    [
        ("silent", "its end was not seen", 0),
        ("anonymous", "probably ended after 4 min", 4),
    ],
)
async def test_an_end_that_was_not_seen_is_at_most_likely(
    home: Home, summary: str, minutes: int
) -> None:
    home.plex.durations[BACKUP] = 4 * MINUTE
    began = dt_util.utcnow()
    await home.start()
    await home.pass_minutes(40)
    (event,) = await past(home)
    assert event["summary"] == f"Back up database: {summary}"
    assert moment(event, "start") == began
    took = moment(event, "end") - began
    assert took.total_seconds() == pytest.approx(minutes * MINUTE, abs=10)


async def test_a_run_whose_begin_was_not_seen_has_none(new_home: Home) -> None:
    new_home.begins(BACKUP, 60)
    await new_home.set_up()
    await new_home.advance(59, 2)
    (event,) = await past(new_home)
    assert event["summary"] == "Back up database: ended"
    assert moment(event, "start") == moment(event, "end")


async def test_short_runs_of_a_night_share_an_event(home: Home) -> None:
    home.plex.set_preference("ButlerStartHour", 3)
    home.plex.set_preference("ButlerEndHour", 3)
    await hours_pass(home, 11)
    await home.run(BUNDLES, 20)
    await hours_pass(home, 2)
    await home.run(OPTIMIZE, 59)
    await home.run(BACKUP, 60)
    await hours_pass(home, 12)
    await home.run(BUNDLES, 10)

    # Without clear hours there are runs alone.
    assert home.state(CALENDAR) == "off"
    first, alone, next_night = await events(home)
    assert first["summary"] == "Remove old bundles and 1 more"
    one, two = first["description"].splitlines()
    assert one == f"{moment(first, 'start'):%H:%M} Remove old bundles: ended after 20 s"
    assert two.endswith(" Optimize database: ended after 59 s")
    assert (moment(first, "start").hour, moment(first, "end").hour) == (23, 1)
    assert alone["summary"] == "Back up database: ended after 1 min"
    assert next_night["summary"] == "Remove old bundles: ended after 10 s"


async def test_a_task_that_is_gone_keeps_the_servers_title(home: Home) -> None:
    home.plex.add_task(
        TaskSpec(name="Sweep", title="Sweep {the} Floor", description="")
    )
    await home.advance(601)
    await home.run("Sweep", 2 * MINUTE)
    home.plex.remove_task("Sweep")
    await home.start(BUNDLES)
    await home.advance(HOUR + 1)

    assert "Sweep {the} Floor: ended after 2 min" in summaries(await past(home))


@pytest.mark.parametrize("profile", [PROFILES["current"].with_traits(row_delay=200)])
async def test_a_run_that_was_given_up_and_goes_on_is_one_run(home: Home) -> None:
    told = async_capture_events(home.hass, "plex_butler_task_event")
    await home.start(BACKUP, lasts=10 * MINUTE)
    await home.advance_steps(19, 10)
    assert summaries(await past(home)) == ["Back up database: its end was not seen"]

    await home.advance_steps(45, 10)
    (event,) = await past(home)
    assert event["summary"].startswith("Back up database: ended after ")
    assert [event.data["type"] for event in told] == ["started", "ended"]

    await home.start(BUNDLES, lasts=10 * MINUTE)
    await home.advance_steps(22, 10)
    await home.turn_off("switch.attic_butler_remove_old_bundles")
    event = (await past(home))[-1]
    assert event["summary"].startswith("Remove old bundles: stopped after ")
    assert len(await past(home)) == 2


async def test_an_open_calendar_follows_runs(home: Home, hass_ws_client: Any) -> None:
    await async_setup_component(home.hass, "websocket_api", {})
    client = await hass_ws_client(home.hass)
    now = dt_util.utcnow()
    hours = {"start": now.isoformat(), "end": (now + DAY / 2).isoformat()}
    question = {"type": "calendar/event/subscribe", "entity_id": CALENDAR, **hours}
    await client.send_json_auto_id(question)
    assert (await client.receive_json())["success"]
    assert (await client.receive_json())["event"]["events"] == []

    await home.run(BUNDLES, 20)
    shown = (await client.receive_json())["event"]["events"]
    assert summaries(shown) == ["Remove old bundles: ended after 20 s"]


# Memory


def key_of(home: Home) -> str:
    return f"plex_butler.{home.entry.entry_id}.runs"


def store(home: Home, storage: Storage, runs: Any) -> None:
    """Have a history that was written before."""
    key = key_of(home)
    storage[key] = {"version": 1, "minor_version": 1, "key": key, "data": runs}


def stored_run(hours_ago: float, **changes: Any) -> dict[str, Any]:
    ended = dt_util.utcnow() - timedelta(hours=hours_ago)
    run = {
        "task": DEEP,
        "title": "Deep Media Analysis",
        "result": "ended",
        "evidence": "observed",
        "started": (ended - timedelta(minutes=5)).isoformat(),
        "ended": ended.isoformat(),
        "duration": 300.0,
    }
    return run | changes


@pytest.mark.parametrize("stopped", [True, False])
async def test_runs_outlive_reloads_and_a_restart_and_end_with_the_entry(
    home: Home, hass_storage: Storage, *, stopped: bool
) -> None:
    await home.run(DEEP, 2 * MINUTE)
    await home.run(BUNDLES, 20)
    before = await past(home)
    for _ in range(2):
        await home.reload()
        assert await past(home) == before
    assert key_of(home) not in hass_storage
    if stopped:
        home.hass.bus.async_fire(EVENT_HOMEASSISTANT_FINAL_WRITE)
        await home.settle()
    else:
        await home.advance(5 * MINUTE)
    stored = hass_storage[key_of(home)]["data"]
    await home.hass.config_entries.async_remove(home.entry.entry_id)
    await home.advance(10 * MINUTE)
    assert key_of(home) not in hass_storage

    home.entry = add_entry(home.hass, home.plex)
    store(home, hass_storage, stored)
    await home.set_up()

    assert await past(home) == before


async def test_an_update_ends_a_run_though_the_first_poll_fails(home: Home) -> None:
    began = dt_util.utcnow()
    await home.start(DEEP, lasts=HOUR)
    await home.advance(30)
    await home.unload()
    await home.plex.restart("1.99.0.9999-abc")
    await home.advance(30)
    home.plex.fault("500", path="/butler")
    await home.set_up()
    await home.advance(MINUTE)

    assert home.entry_state() is ConfigEntryState.LOADED
    (event,) = await past(home)
    assert event["summary"] == "Perform extensive media analysis: its end was not seen"
    assert moment(event, "start") == moment(event, "end") == began


async def test_at_most_500_runs_of_two_weeks_that_can_be_read_are_kept(
    new_home: Home, hass_storage: Storage
) -> None:
    # One that ended before it began is shown, and hides no others.
    odd = stored_run(6, ended=stored_run(9)["ended"], task=BUNDLES)
    good = [stored_run(it / 10) for it in range(600, 0, -1)]
    runs = [stored_run(15 * 24), *good, odd, None, {}]
    store(new_home, hass_storage, {"runs": runs})
    await new_home.set_up()
    found = await past(new_home)
    assert len(found) == 500
    assert "Remove old bundles: ended after 5 min" in summaries(found)
    assert moment(found[-1], "end").isoformat() == good[-1]["ended"]

    await new_home.run(BACKUP, 2 * MINUTE)
    await new_home.advance(5 * MINUTE)
    assert len(hass_storage[key_of(new_home)]["data"]["runs"]) == 500
    assert (await past(new_home))[-1]["summary"].startswith("Back up database")


@pytest.mark.parametrize(
    ("version", "stored"),
    [
        *((1, it) for it in (None, "garbage", {"runs": "garbage"})),
        (9, {"runs": [{"other": "fields"}]}),
    ],
)
async def test_a_history_that_cannot_be_read_is_begun_anew(
    new_home: Home, hass_storage: Storage, version: int, stored: Any
) -> None:
    store(new_home, hass_storage, stored)
    hass_storage[key_of(new_home)]["version"] = version
    await new_home.set_up()
    assert await past(new_home) == []

    await new_home.run(BACKUP, 2 * MINUTE)
    assert len(await past(new_home)) == 1


async def test_an_entry_that_was_never_set_up_is_removed_with_its_history(
    new_home: Home, hass_storage: Storage
) -> None:
    store(new_home, hass_storage, {"runs": []})
    await new_home.hass.config_entries.async_remove(new_home.entry.entry_id)

    assert key_of(new_home) not in hass_storage
