"""The calendar: windows to come, and the runs of the last two weeks."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

from homeassistant.const import (
    CONF_TIME_ZONE,
    EVENT_HOMEASSISTANT_FINAL_WRITE,
    STATE_OFF,
    STATE_ON,
    STATE_UNAVAILABLE,
)
from homeassistant.core import Event, EventStateChangedData, HomeAssistant, ServiceCall
from homeassistant.helpers.event import async_track_state_change_event
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_capture_events,
    async_mock_service,
)

from custom_components.plex_butler.const import DOMAIN
from tests.conftest import Advance, add_entry, settle
from tests.simulator import PROFILES, SimulatedPlex, TaskSpec

CALENDAR = "calendar.attic_butler_maintenance"
BACKUP, OPTIMIZE = "BackupDatabase", "OptimizeDatabase"
BUNDLES, DEEP = "CleanOldBundles", "DeepMediaAnalysis"
MINUTE, HOUR = 60, 3600
DAY = timedelta(days=1)

type Calls = list[ServiceCall]
# Makes an automation, and returns the calls that it will make
type Automate = Callable[..., Awaitable[Calls]]
type Storage = dict[str, Any]
type Events = list[dict[str, Any]]


async def events(
    hass: HomeAssistant, start: timedelta = -14 * DAY, end: timedelta = 14 * DAY
) -> Events:
    """Return what the calendar has, by default in two weeks before and after now."""
    answer = await hass.services.async_call(
        "calendar",
        "get_events",
        {
            "entity_id": CALENDAR,
            "start_date_time": dt_util.now() + start,
            "end_date_time": dt_util.now() + end,
        },
        blocking=True,
        return_response=True,
    )
    assert answer
    found: Any = answer[CALENDAR]
    shown: Events = found["events"]
    return shown


async def past(hass: HomeAssistant) -> Events:
    """Return the events of before."""
    return await events(hass, end=timedelta())


def summaries(found: Events) -> list[str]:
    return [event["summary"] for event in found]


def moment(event: dict[str, Any], key: str) -> datetime:
    return datetime.fromisoformat(event[key])


async def run(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    advance: Advance,
    task: str,
    seconds: float,
) -> None:
    """Have a task run and end, and all of it be seen."""
    plex.durations[task] = seconds
    await hass.services.async_call(DOMAIN, "start_task", {"task": task}, blocking=True)
    while seconds > 0:
        await advance(min(seconds, 30))
        seconds -= 30
    await advance(5)
    assert plex.truth()[task] == "idle"


@pytest.fixture
async def hass(hass: HomeAssistant) -> HomeAssistant:
    """Return Home Assistant in the zone of the server."""
    await hass.config.async_set_time_zone("UTC")
    return hass


async def set_up(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    assert await hass.config_entries.async_setup(entry.entry_id)
    await settle(hass)


def state(hass: HomeAssistant) -> str:
    found = hass.states.get(CALENDAR)
    assert found
    return found.state


async def hours_pass(advance: Advance, hours: float) -> None:
    for _ in range(round(hours * 12)):
        await advance(5 * MINUTE)


# Windows


async def test_the_windows_to_come_are_events(
    hass: HomeAssistant, plex: SimulatedPlex, loaded: MockConfigEntry
) -> None:
    found = await events(hass, end=3 * DAY)

    assert summaries(found) == ["Maintenance window"] * 3
    starts = [moment(event, "start") for event in found]
    assert [start + DAY for start in starts[:-1]] == starts[1:]
    for event in found:
        assert plex.butler.window.contains(moment(event, "start").timestamp())
        assert not plex.butler.window.contains(moment(event, "start").timestamp() - 1)
        assert moment(event, "end") - moment(event, "start") == timedelta(hours=3)


async def test_windows_are_those_of_the_servers_clock(
    hass: HomeAssistant, plex: SimulatedPlex, entry: MockConfigEntry
) -> None:
    hass.config_entries.async_update_entry(
        entry, options={CONF_TIME_ZONE: "Asia/Tokyo"}
    )
    await set_up(hass, entry)

    window, *_ = await events(hass)
    assert moment(window, "start").hour == 17
    assert moment(window, "end").hour == 20


@pytest.mark.parametrize(
    "start", [timedelta(days=365 * 900), timedelta(days=365 * 7900)]
)
async def test_a_range_that_is_far_away_or_endless_costs_nothing(
    hass: HomeAssistant, loaded: MockConfigEntry, start: timedelta
) -> None:
    assert await events(hass, start, start + DAY) == []
    assert 300 < len(await events(hass, timedelta(), start)) < 400


async def test_the_state_is_on_while_the_window_is_open_and_written_at_its_edges_alone(
    hass: HomeAssistant, plex: SimulatedPlex, loaded: MockConfigEntry, advance: Advance
) -> None:
    written: list[tuple[str, str]] = []

    def note(event: Event[EventStateChangedData]) -> None:
        new = event.data["new_state"]
        assert new
        written.append((new.state, f"{dt_util.utcnow():%H:%M}"))

    async_track_state_change_event(hass, CALENDAR, note)
    found = hass.states.get(CALENDAR)
    assert found
    assert found.state == STATE_OFF
    assert found.attributes["message"] == "Maintenance window"
    assert found.attributes["start_time"] == "2027-11-23 02:00:00"

    await run(hass, plex, advance, BACKUP, 5 * MINUTE)
    await hours_pass(advance, 20)

    assert written == [(STATE_ON, "02:00"), (STATE_OFF, "05:00")]
    found = hass.states.get(CALENDAR)
    assert found
    assert found.attributes["start_time"] == "2027-11-24 02:00:00"


@pytest.fixture
async def automate(hass: HomeAssistant) -> AsyncIterator[Automate]:
    """Return what makes an automation about the calendar, and returns its calls."""

    async def make(*triggers: dict[str, str], condition: str = "{{ true }}") -> Calls:
        calls: Calls = async_mock_service(hass, "test", "note")
        about = {"trigger": "calendar", "entity_id": CALENDAR}
        config = {
            "alias": "Noted",
            "triggers": [about | trigger for trigger in triggers],
            "conditions": condition,
            "actions": {
                "action": "test.note",
                "data": {
                    "what": "{{ trigger.event }} {{ trigger.calendar_event.summary }}",
                    "at": "{{ now().strftime('%H:%M') }}",
                },
            },
        }
        assert await async_setup_component(hass, "automation", {"automation": config})
        await hass.async_block_till_done()
        return calls

    yield make
    await hass.services.async_call("automation", "turn_off", {"entity_id": "all"})
    await hass.async_block_till_done()


def noted(calls: Calls) -> list[tuple[str, str]]:
    return [(call.data["what"], call.data["at"]) for call in calls]


async def test_the_begin_and_the_end_of_a_window_start_automations_and_runs_do_not(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    loaded: MockConfigEntry,
    advance: Advance,
    automate: Automate,
) -> None:
    calls = await automate(
        {"event": "start"}, {"event": "end"}, {"event": "start", "offset": "-0:30:00"}
    )
    await run(hass, plex, advance, BACKUP, 5 * MINUTE)
    await hours_pass(advance, 20)

    assert noted(calls) == [
        ("start Maintenance window", "01:30"),
        ("start Maintenance window", "02:00"),
        ("end Maintenance window", "05:00"),
    ]


async def test_two_hours_after_a_window_it_is_still_known_to_automations(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    loaded: MockConfigEntry,
    advance: Advance,
    automate: Automate,
) -> None:
    calls = await automate(
        {"event": "end", "offset": "2:00:00"},
        condition="{{ trigger.calendar_event.summary == 'Maintenance window' }}",
    )
    await run(hass, plex, advance, BACKUP, 5 * MINUTE)
    await hours_pass(advance, 20)

    assert noted(calls) == [("end Maintenance window", "07:00")]


async def test_other_hours_count_at_once_and_were_not_so_before(
    hass: HomeAssistant, plex: SimulatedPlex, loaded: MockConfigEntry
) -> None:
    await hass.services.async_call(
        DOMAIN,
        "set_maintenance_window",
        {"start": "10:00:00", "end": "11:00:00"},
        blocking=True,
    )
    await settle(hass)
    window, *_ = await events(hass)
    assert moment(window, "start").day == 23
    assert moment(window, "start").hour == 10
    assert state(hass) == STATE_OFF

    await hass.services.async_call(
        DOMAIN,
        "set_maintenance_window",
        {"start": "11:00:00", "end": "13:00:00"},
        blocking=True,
    )
    await settle(hass)
    assert state(hass) == STATE_ON


async def test_without_clear_hours_there_are_runs_alone(
    hass: HomeAssistant, plex: SimulatedPlex, loaded: MockConfigEntry, advance: Advance
) -> None:
    plex.set_preference("ButlerStartHour", 3)
    plex.set_preference("ButlerEndHour", 3)
    await plex.flush()
    await advance(3)
    assert state(hass) == STATE_OFF
    await run(hass, plex, advance, BACKUP, 2 * MINUTE)
    await run(hass, plex, advance, BUNDLES, 10)

    assert summaries(await events(hass)) == [
        "Back up database: ended after 2 min",
        "Remove old bundles: ended after 10 s",
    ]


async def test_an_outage_makes_the_calendar_unavailable_and_forgets_nothing(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    loaded: MockConfigEntry,
    advance: Advance,
    expected_logs: list[str],
) -> None:
    expected_logs.append("Error fetching Attic Butler data")
    await run(hass, plex, advance, BACKUP, 2 * MINUTE)
    before = await past(hass)
    plex.fault("503", count=None)
    plex.hub.drop()
    for _ in range(6):
        await advance(31)
    assert state(hass) == STATE_UNAVAILABLE

    plex.clear_faults()
    for _ in range(3):
        await advance(31)
    assert state(hass) == STATE_OFF
    assert await past(hass) == before


# Runs


async def test_a_run_is_shown_from_its_begin_to_its_end_with_its_result(
    hass: HomeAssistant, plex: SimulatedPlex, loaded: MockConfigEntry, advance: Advance
) -> None:
    began = dt_util.utcnow()
    await run(hass, plex, advance, DEEP, 65 * MINUTE)
    (event,) = await past(hass)

    assert event["summary"] == "Perform extensive media analysis: ended after 1 h 5 min"
    assert moment(event, "start") == began
    assert moment(event, "end") == began + timedelta(minutes=65)


async def test_a_run_that_was_stopped_is_shown_as_such(
    hass: HomeAssistant, plex: SimulatedPlex, loaded: MockConfigEntry, advance: Advance
) -> None:
    plex.durations[DEEP] = HOUR
    await hass.services.async_call(DOMAIN, "start_task", {"task": DEEP}, blocking=True)
    for _ in range(10):
        await advance(30)
    await hass.services.async_call(DOMAIN, "stop_task", {"task": DEEP}, blocking=True)
    await advance(1)

    assert summaries(await past(hass)) == [
        "Perform extensive media analysis: stopped after 5 min"
    ]


@pytest.mark.parametrize("profile", ["silent"])
async def test_a_run_whose_end_was_not_seen_has_none(
    hass: HomeAssistant, plex: SimulatedPlex, loaded: MockConfigEntry, advance: Advance
) -> None:
    began = dt_util.utcnow()
    await hass.services.async_call(
        DOMAIN, "start_task", {"task": BACKUP}, blocking=True
    )
    for _ in range(40):
        await advance(MINUTE)
    (event,) = await past(hass)

    assert event["summary"] == "Back up database: its end was not seen"
    assert moment(event, "start") == moment(event, "end") == began


@pytest.mark.parametrize("profile", ["anonymous"])
async def test_an_end_that_is_only_likely_is_shown_as_such(
    hass: HomeAssistant, plex: SimulatedPlex, loaded: MockConfigEntry, advance: Advance
) -> None:
    await run(hass, plex, advance, BACKUP, 4 * MINUTE)
    for _ in range(5):
        await advance(MINUTE)

    assert summaries(await past(hass)) == [
        "Back up database: probably ended after 4 min"
    ]


async def test_a_run_whose_begin_was_not_seen_has_none(
    hass: HomeAssistant, plex: SimulatedPlex, entry: MockConfigEntry, advance: Advance
) -> None:
    plex.durations[BACKUP] = 60
    plex.client_start(BACKUP)
    await set_up(hass, entry)
    await advance(59)
    await advance(2)
    (event,) = await past(hass)

    assert event["summary"] == "Back up database: ended"
    assert moment(event, "start") == moment(event, "end")


async def test_short_runs_of_a_night_share_an_event(
    hass: HomeAssistant, plex: SimulatedPlex, loaded: MockConfigEntry, advance: Advance
) -> None:
    plex.set_preference("ButlerStartHour", 3)
    plex.set_preference("ButlerEndHour", 3)
    await hours_pass(advance, 11)
    await run(hass, plex, advance, BUNDLES, 20)
    await hours_pass(advance, 2)
    await run(hass, plex, advance, OPTIMIZE, 59)
    await run(hass, plex, advance, BACKUP, 60)
    await hours_pass(advance, 12)
    await run(hass, plex, advance, BUNDLES, 10)

    first, alone, next_night = await past(hass)
    assert first["summary"] == "Remove old bundles and 1 more"
    one, two = first["description"].splitlines()
    assert one == f"{moment(first, 'start'):%H:%M} Remove old bundles: ended after 20 s"
    assert two.endswith(" Optimize database: ended after 59 s")
    assert moment(first, "start").hour == 23
    assert moment(first, "end").hour == 1
    assert alone["summary"] == "Back up database: ended after 1 min"
    assert next_night["summary"] == "Remove old bundles: ended after 10 s"


async def test_a_task_that_is_gone_keeps_the_servers_title(
    hass: HomeAssistant, plex: SimulatedPlex, loaded: MockConfigEntry, advance: Advance
) -> None:
    plex.add_task(TaskSpec(name="Sweep", title="Sweep the Floor", description=""))
    await advance(601)
    await run(hass, plex, advance, "Sweep", 2 * MINUTE)
    plex.remove_task("Sweep")
    await hass.services.async_call(
        DOMAIN, "start_task", {"task": BUNDLES}, blocking=True
    )
    await advance(HOUR + 1)

    assert "Sweep the Floor: ended after 2 min" in summaries(await past(hass))


@pytest.mark.parametrize("profile", [PROFILES["current"].with_traits(row_delay=200)])
async def test_a_run_that_was_given_up_and_goes_on_is_one_run(
    hass: HomeAssistant, plex: SimulatedPlex, loaded: MockConfigEntry, advance: Advance
) -> None:
    told = async_capture_events(hass, "plex_butler_task_event")
    plex.durations[BACKUP] = 10 * MINUTE
    await hass.services.async_call(
        DOMAIN, "start_task", {"task": BACKUP}, blocking=True
    )
    for _ in range(19):
        await advance(10)
    assert summaries(await past(hass)) == ["Back up database: its end was not seen"]

    for _ in range(45):
        await advance(10)
    (event,) = await past(hass)
    assert event["summary"].startswith("Back up database: ended after ")
    assert [event.data["type"] for event in told] == ["started", "ended"]


async def test_a_calendar_that_is_open_follows_the_runs(
    hass: HomeAssistant,
    plex: SimulatedPlex,
    loaded: MockConfigEntry,
    advance: Advance,
    hass_ws_client: Any,
) -> None:
    await async_setup_component(hass, "websocket_api", {})
    client = await hass_ws_client(hass)
    now = dt_util.utcnow()
    await client.send_json_auto_id(
        {
            "type": "calendar/event/subscribe",
            "entity_id": CALENDAR,
            "start": (now - DAY).isoformat(),
            "end": (now + DAY / 2).isoformat(),
        }
    )
    assert (await client.receive_json())["success"]
    shown = await client.receive_json()
    assert shown["event"]["events"] == []

    await run(hass, plex, advance, BUNDLES, 20)

    shown = await client.receive_json()
    assert summaries(shown["event"]["events"]) == [
        "Remove old bundles: ended after 20 s"
    ]


# Memory


def key_of(entry: MockConfigEntry) -> str:
    return f"plex_butler.{entry.entry_id}.runs"


async def test_runs_are_known_after_a_reload(
    hass: HomeAssistant, plex: SimulatedPlex, loaded: MockConfigEntry, advance: Advance
) -> None:
    await run(hass, plex, advance, BACKUP, 2 * MINUTE)
    before = await past(hass)
    for _ in range(2):
        assert await hass.config_entries.async_unload(loaded.entry_id)
        await set_up(hass, loaded)

    assert await past(hass) == before


@pytest.mark.parametrize("stopped", [True, False])
async def test_runs_outlive_a_restart_and_end_with_the_entry(
    hass: HomeAssistant,
    hass_storage: Storage,
    plex: SimulatedPlex,
    loaded: MockConfigEntry,
    advance: Advance,
    *,
    stopped: bool,
) -> None:
    await run(hass, plex, advance, DEEP, 2 * MINUTE)
    await run(hass, plex, advance, BUNDLES, 20)
    before = await past(hass)
    assert key_of(loaded) not in hass_storage
    if stopped:
        hass.bus.async_fire(EVENT_HOMEASSISTANT_FINAL_WRITE)
        await settle(hass)
    else:
        await advance(5 * MINUTE)
    stored = hass_storage[key_of(loaded)]
    await hass.config_entries.async_remove(loaded.entry_id)
    await advance(10 * MINUTE)
    assert key_of(loaded) not in hass_storage

    again = add_entry(hass, plex)
    hass_storage[key_of(again)] = stored | {"key": key_of(again)}
    await set_up(hass, again)

    assert await past(hass) == before


async def test_a_run_that_was_over_at_a_restart_has_no_end(
    hass: HomeAssistant, plex: SimulatedPlex, loaded: MockConfigEntry, advance: Advance
) -> None:
    plex.durations[DEEP] = HOUR
    began = dt_util.utcnow()
    await hass.services.async_call(DOMAIN, "start_task", {"task": DEEP}, blocking=True)
    await advance(30)
    assert await hass.config_entries.async_unload(loaded.entry_id)
    await advance(3 * HOUR)
    await set_up(hass, loaded)
    await advance(31)

    (event,) = await past(hass)
    assert event["summary"] == "Perform extensive media analysis: its end was not seen"
    assert moment(event, "start") == moment(event, "end") == began


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


async def test_at_most_500_runs_of_two_weeks_are_kept(
    hass: HomeAssistant,
    hass_storage: Storage,
    plex: SimulatedPlex,
    entry: MockConfigEntry,
    advance: Advance,
) -> None:
    runs = [stored_run(15 * 24), *(stored_run(it / 10) for it in range(600, 0, -1))]
    hass_storage[key_of(entry)] = {
        "version": 1,
        "minor_version": 1,
        "key": key_of(entry),
        "data": {"runs": runs},
    }
    await set_up(hass, entry)
    found = await past(hass)
    assert len(found) == 500
    assert moment(found[-1], "end").isoformat() == runs[-1]["ended"]

    await run(hass, plex, advance, BACKUP, 2 * MINUTE)
    await advance(5 * MINUTE)
    assert len(hass_storage[key_of(entry)]["data"]["runs"]) == 500
    assert (await past(hass))[-1]["summary"].startswith("Back up database")


@pytest.mark.parametrize(
    "stored",
    [
        {"version": 1, "data": None},
        {"version": 1, "data": "garbage"},
        {"version": 1, "data": {"runs": "garbage"}},
        {"version": 9, "data": {"runs": [{"other": "fields"}]}},
    ],
)
async def test_a_history_that_cannot_be_read_is_begun_anew(
    hass: HomeAssistant,
    hass_storage: Storage,
    plex: SimulatedPlex,
    entry: MockConfigEntry,
    advance: Advance,
    stored: Storage,
) -> None:
    hass_storage[key_of(entry)] = {"minor_version": 1, "key": key_of(entry)} | stored
    await set_up(hass, entry)
    assert await past(hass) == []

    await run(hass, plex, advance, BACKUP, 2 * MINUTE)
    assert len(await past(hass)) == 1


async def test_of_a_history_that_is_damaged_the_rest_is_kept(
    hass: HomeAssistant,
    hass_storage: Storage,
    entry: MockConfigEntry,
) -> None:
    runs = [
        None,
        {},
        stored_run(9, result="vanished"),
        stored_run(8, ended="yesterday"),
        stored_run(6, ended=7),
        stored_run(5, duration="long"),
        stored_run(3),
    ]
    hass_storage[key_of(entry)] = {
        "version": 1,
        "minor_version": 1,
        "key": key_of(entry),
        "data": {"runs": runs},
    }
    await set_up(hass, entry)

    assert len(await past(hass)) == 1


async def test_an_entry_that_was_never_set_up_is_removed_with_its_history(
    hass: HomeAssistant, hass_storage: Storage, entry: MockConfigEntry
) -> None:
    hass_storage[key_of(entry)] = {
        "version": 1,
        "minor_version": 1,
        "key": key_of(entry),
        "data": {"runs": []},
    }
    await hass.config_entries.async_remove(entry.entry_id)

    assert key_of(entry) not in hass_storage
