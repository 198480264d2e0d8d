"""Whether Butler is at work, as far as the server lets it be known."""

import asyncio
import json

from freezegun.api import FrozenDateTimeFactory
import pytest

from tests.conftest import BACKUP, Home, until

BUTLER = "binary_sensor.attic_butler_working"


@pytest.mark.parametrize("profile", ["current", "anonymous", "legacy"])
async def test_butler_is_busy_while_anything_runs_and_then_idle(home: Home) -> None:
    # A scan is none of its work, and it may just not show what it does.
    home.plex.noise.scan(300)
    await home.shows("unknown", BUTLER, after=31)

    home.begins(BACKUP, 60)
    await home.shows("on", BUTLER, after=2)

    await home.advance(60)
    await home.shows("off", BUTLER, after=6)

    await home.reload()
    await home.shows("off", BUTLER, after=2)


async def test_it_is_unavailable_in_an_outage_and_right_afterwards(home: Home) -> None:
    home.expect_log("starting or migrating its database")
    home.plex.fault("503", count=None)
    await home.shows("unavailable", BUTLER, after=31)

    home.plex.clear_faults()
    home.begins(BACKUP, 3600)
    await home.shows("on", BUTLER, after=31)


def butler_frame(event: str) -> str:
    row = {"uuid": "a-row", "type": "butler", "title": "At work", "progress": 10}
    item = {"event": event, "uuid": "a-row", "Activity": row}
    body = {"type": "activity", "size": 1, "ActivityNotification": [item]}
    return json.dumps({"NotificationContainer": body})


async def turns() -> None:
    """Let all happen that needs no time, with a request under way."""
    for _ in range(100):
        await asyncio.sleep(0)


async def test_work_that_came_and_went_during_a_poll_is_not_left_standing(
    home: Home, freezer: FrozenDateTimeFactory
) -> None:
    for event in ("started", "ended"):
        home.plex.hub.send_raw(butler_frame(event))
        await home.heard()
        await home.advance(60)
    home.plex.fault("slow", path="/activities", delay=3)
    home.plex.requests.clear()
    freezer.tick(301)
    await until(lambda: home.asked("/activities") > 0)
    freezer.tick(2.9)
    home.plex.hub.send_raw(butler_frame("started"))
    await turns()
    assert home.state(BUTLER) == "on"
    home.plex.hub.send_raw(butler_frame("ended"))
    await turns()

    # The answer comes before the end of the work is published.
    freezer.tick(0.11)
    await turns()
    await home.advance(0.5)
    assert home.state(BUTLER) == "off"
