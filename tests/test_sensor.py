"""The current task, how far it is, and when each task ran last."""

from datetime import datetime
from itertools import groupby, pairwise

from homeassistant.helpers.translation import async_load_integrations
from homeassistant.util import dt as dt_util
import pytest

from custom_components.plex_butler.const import DOMAIN
from custom_components.plex_butler.sensor import PlexButlerCurrentTask
from tests.conftest import BACKUP, OPTIMIZE, Home
from tests.simulator import TaskSpec

BUTLER = "binary_sensor.attic_butler_working"
CURRENT = "sensor.attic_butler_current_task"
PROGRESS = "sensor.attic_butler_progress"
LAST_BACKUP = "sensor.attic_butler_last_database_backup"
GUIDE = "switch.attic_butler_refresh_program_guide"


async def test_the_current_task_is_named_and_all_are_counted_and_listed(
    home: Home,
) -> None:
    # This server may just not show what it does.
    assert home.state(CURRENT) == "unknown"
    assert home.attributes(CURRENT)["tasks"] == []

    before = dt_util.utcnow()
    home.begins(BACKUP, 60)
    home.begins("ButlerTaskGenerateIntroMarkers", 120)
    await home.shows("Back up database and 1 more", CURRENT, after=31)
    # Its switch is disabled.
    home.begins("LoudnessAnalysis", 180)
    await home.shows("Back up database and 2 more", CURRENT, after=2)
    assert not home.is_assumed(CURRENT)
    backup, *_ = home.attributes(CURRENT)["tasks"]
    assert before <= backup.pop("since") <= dt_util.utcnow()
    assert 53 <= backup.pop("progress") <= 57
    assert backup == {
        "name": BACKUP,
        "title": "Back up database",
        "state": "running",
        "evidence": "observed",
    }
    # They change with every percent, and the history does without.
    assert PlexButlerCurrentTask._unrecorded_attributes == {"tasks"}

    await home.advance(30)
    await home.shows("Detect intros and 1 more", CURRENT, after=6)
    await home.advance(60)
    await home.shows("Analyze loudness", CURRENT, after=6)
    await home.advance(90)
    await home.shows("Idle", CURRENT, after=6)
    assert home.attributes(CURRENT)["tasks"] == []


@pytest.mark.parametrize("profile", ["session"])
async def test_a_session_is_shown_as_its_task_without_its_progress(home: Home) -> None:
    shown = home.written(CURRENT)
    home.begins(BACKUP, 60)
    for _ in range(5):
        await home.shows("Back up database", CURRENT, after=10)
        assert home.state(PROGRESS) == "unknown"
    await home.shows("Idle", CURRENT, after=31)
    names = [it for it, _ in groupby(state.state for state in shown)]
    assert names == ["Back up database", "Idle"]


@pytest.mark.usefixtures("all_entities_enabled")
async def test_a_task_that_only_waits_says_so(home: Home) -> None:
    # The server's clock stands elsewhere, so to it the window is closed.
    hour = dt_util.now().hour
    home.plex.set_preference("ButlerStartHour", (hour - 1) % 24)
    home.plex.set_preference("ButlerEndHour", (hour + 3) % 24)
    await home.advance_steps(2, 2)
    await home.turn_on(GUIDE)
    (task,) = home.attributes(CURRENT)["tasks"]
    assert (task["state"], task["evidence"]) == ("queued", "assumed")
    assert home.state(CURRENT) == "Refresh program guide (waiting)"
    assert home.state(PROGRESS) == "unknown"

    await home.turn_off(GUIDE)
    await home.others_start(BACKUP, wait=6)
    # What runs goes before what waits.
    await home.turn_on(GUIDE)
    assert home.state(CURRENT) == "Back up database"
    assert len(home.attributes(CURRENT)["tasks"]) == 2


@pytest.mark.parametrize("profile", ["anonymous"])
async def test_work_that_names_nothing_is_an_unknown_task(home: Home) -> None:
    home.begins(BACKUP, 60)
    await home.shows("Unknown task", CURRENT, after=31)
    assert home.attributes(CURRENT)["tasks"] == []

    await home.advance(31)
    await home.shows("Idle", CURRENT, after=6)


@pytest.mark.parametrize("profile", ["silent"])
async def test_a_task_that_only_our_command_speaks_for_is_assumed(home: Home) -> None:
    await home.turn_on()
    for seconds, is_assumed in ((10, False), (6, True)):
        await home.advance(seconds)
        assert (home.state(), home.is_assumed()) == ("on", is_assumed)
        assert home.state(CURRENT) == "Back up database"
        assert home.is_assumed(CURRENT) == is_assumed
        assert home.state(BUTLER) == "unknown"

    await home.turn_off()
    assert (home.state(), home.is_assumed()) == ("off", False)
    # This server never shows that it is idle.
    assert (home.state(CURRENT), home.is_assumed(CURRENT)) == ("unknown", False)
    await home.shows("unknown", BUTLER, after=31, steps=10)


async def test_what_the_server_names_goes_before_what_we_commanded(home: Home) -> None:
    await home.others_start("UpgradeMediaAnalysis", lasts=600, wait=6)
    home.plex.hub.muted = True
    await home.turn_on()
    assert home.state(CURRENT) == "Upgrade media analysis and 1 more"

    home.plex.client_stop("UpgradeMediaAnalysis")
    await home.shows("Idle", CURRENT, after=31, steps=2)


async def test_a_task_without_a_name_has_the_servers_title(new_home: Home) -> None:
    titles = {
        # Keys of texts, but of no tasks
        "Task": "Polish the {brass}",
        "ScheduleBackupDatabase": "Plan it",
        "Endless": "A" * 300,
    }
    for name, title in titles.items():
        new_home.plex.add_task(TaskSpec(name=name, title=title, description=""))
        new_home.plex.durations[name] = 20
    await new_home.set_up()
    for name, title in titles.items():
        await new_home.others_start(name, wait=6)
        assert new_home.state(CURRENT) == title[:255]
        await new_home.advance(31)
    await new_home.shows("Idle", CURRENT, after=6)


async def test_the_current_task_is_named_in_the_users_language(home: Home) -> None:
    await home.others_start(BACKUP, lasts=600, wait=6)
    # There are English texts only, also before the language is loaded.
    home.hass.config.language = "tlh"
    home.plex.client_start(OPTIMIZE)
    await home.shows("Optimize database and 1 more", CURRENT, after=6)

    await async_load_integrations(home.hass, {DOMAIN})
    home.plex.client_stop(OPTIMIZE)
    await home.shows("Back up database", CURRENT, after=6)


async def test_the_progress_moves_in_steps_and_seldom(home: Home) -> None:
    assert home.state(PROGRESS) == "unknown"
    shown = home.written(PROGRESS)
    home.begins(BACKUP, 60)
    await home.advance_steps(59, 1)

    values = [int(it.state) for it in shown]
    assert values == sorted(values)
    assert all(value % 5 == 0 for value in values)
    assert values[0] == 0
    assert values[-1] >= 80
    for before, after in pairwise(it.last_changed for it in shown):
        assert (after - before).total_seconds() >= 9.9

    # The end is shown at once, and the next task begins anew.
    await home.shows("unknown", PROGRESS, after=2)
    home.plex.client_start(OPTIMIZE)
    await home.shows("0", PROGRESS, after=2)


async def test_the_progress_is_right_after_an_outage(home: Home) -> None:
    home.expect_log("starting or migrating its database")
    await home.others_start("DeepMediaAnalysis", lasts=1000, wait=100)
    await home.shows("10", PROGRESS, after=31)

    home.plex.fault("503", count=None)
    await home.advance(61)
    assert (home.state(CURRENT), home.state(PROGRESS)) == ("unavailable",) * 2
    await home.advance(300)
    home.plex.clear_faults()
    await home.shows("Perform extensive media analysis", CURRENT, after=72)
    assert home.state(PROGRESS) == "55"


async def test_the_last_run_tells_when_it_ended_and_how(home: Home) -> None:
    assert home.state(LAST_BACKUP) == "unknown"
    assert "result" not in home.attributes(LAST_BACKUP)

    began = dt_util.utcnow()
    await home.others_start(BACKUP, lasts=60, wait=1)
    await home.shows("unknown", LAST_BACKUP, after=29)
    await home.advance(30, 1)

    ended = home.state(LAST_BACKUP)
    assert ended
    assert began < datetime.fromisoformat(ended) <= dt_util.utcnow()
    told = home.attributes(LAST_BACKUP)
    assert (told["result"], told["evidence"]) == ("ended", "observed")
    assert told["duration"] == pytest.approx(60, abs=2)
    assert (told["ended_at"] - told["started_at"]).total_seconds() == told["duration"]
